"""The one mechanism for places: nearest row, the province's floor, alternative names, rows that end by themselves."""

import math

import numpy as np
import pytest

from openfisca_henan.places import Leaf, PlaceTable, Row, counties, county_index
from openfisca_henan.rules import month_before, tekun_living

HUOJIA = counties().index("410724")


def table(*rows, **leaf):
    leaf = {"floor": False, "unit": "yuan/person/month"} | leaf
    leaves = {name: Leaf(name, name, name, **leaf) for name in {row[0] for row in rows}}
    return PlaceTable(leaves, [Row(name, area, start, value, unit[0] if unit else leaf["unit"], "x") for name, area, start, value, *unit in rows])


def at_huojia(made, name, day):
    return made.at(name, day).values[HUOJIA]


def test_county_wins_over_prefecture_and_province():
    made = table(("s", "41", "2020-01-01", 1), ("s", "4107", "2019-01-01", 2), ("s", "410724", "2018-01-01", 3))
    assert at_huojia(made, "s", "2020-01-01") == 3
    assert made.at("s", "2020-01-01").values[counties().index("410725")] == 2
    assert made.at("s", "2020-01-01").values[0] == 1


def test_a_row_counts_from_its_day_and_before_the_first_there_is_none():
    made = table(("s", "41", "2020-01-15", 1))
    assert math.isnan(at_huojia(made, "s", "2020-01-14"))
    assert at_huojia(made, "s", "2020-01-15") == 1


@pytest.mark.parametrize(
    ("province", "place", "expected"),
    [
        (("2020-01-01", 400), ("2019-01-01", 300), 400),  # newer and greater: a floor
        (("2020-01-01", 400), ("2019-01-01", 500), 500),  # newer and smaller
        (("2019-01-01", 400), ("2020-01-01", 300), 300),  # older: the place's row counts
        (("2020-01-01", 400), ("2020-01-01", 300), 300),  # of the same day: the place's row counts
    ],
)
def test_the_province_is_a_floor_only_where_its_row_is_newer(province, place, expected):
    made = table(("s", "41", *province), ("s", "4107", *place), floor=True)
    assert at_huojia(made, "s", "2021-01-01") == expected


def test_without_floor_the_nearest_row_counts_whatever_its_age():
    made = table(("s", "41", "2020-01-01", 400), ("s", "4107", "2019-01-01", 300))
    assert at_huojia(made, "s", "2021-01-01") == 300


def test_a_year_in_yuan_is_divided_and_compared_in_months():
    made = table(("s", "41", "2020-01-01", 4260, "yuan/person/year"), ("s", "4107", "2019-01-01", 350), floor=True)
    assert at_huojia(made, "s", "2020-01-01") == 355


def test_fractions_stay_exact():
    assert at_huojia(table(("s", "41", "2020-01-01", "1/3"), unit="share"), "s", "2020-01-01") == 1 / 3


def test_an_empty_value_ends_a_places_own_rule():
    made = table(("s", "41", "2020-01-01", 1), ("s", "4107", "2020-01-01", 2), ("s", "4107", "2021-01-01", None))
    assert at_huojia(made, "s", "2020-12-01") == 2
    assert at_huojia(made, "s", "2021-01-01") == 1


def test_a_month_and_a_year_end_by_themselves():
    made = table(("s", "4107", "2020-03-01", 1), unit="per cent", lasts="month", areas="prefecture")
    assert at_huojia(made, "s", "2020-03-01") == 1
    assert math.isnan(at_huojia(made, "s", "2020-04-01"))
    made = table(("s", "41", "2020-01-01", 1), unit="yuan", lasts="year", areas="province")
    assert at_huojia(made, "s", "2020-12-01") == 1
    assert math.isnan(at_huojia(made, "s", "2021-01-01"))


def test_a_price_index_of_the_province_never_stands_in_for_a_city():
    made = table(("s", "41", "2020-03-01", 9), unit="per cent", lasts="month", areas="prefecture")
    assert math.isnan(at_huojia(made, "s", "2020-03-01"))
    assert made.province("s", "2020-03-01") == 9


def test_alternative_names_are_one_rule():
    made = table(("share", "41", "2020-01-01", 1), ("sum", "4107", "2019-01-01", 300), ("share", "4107", "2021-01-01", 0.6))
    which, dense = made.alternatives(("share", "sum"), "2020-06-01")
    assert (which[HUOJIA], dense.values[HUOJIA]) == (1, 300)  # the nearer place's older sum replaces the province's share
    assert (which[0], dense.values[0]) == (0, 1)
    which, dense = made.alternatives(("share", "sum"), "2021-06-01")
    assert (which[HUOJIA], dense.values[HUOJIA]) == (0, 0.6)  # of one place the newest row of any name


def test_a_derived_amount_is_as_new_as_its_newest_row():
    rows = [
        ("dibao.standard.urban", "41", "2020-01-01", 600),
        ("dibao.standard.rural", "41", "2020-01-01", 400),
        ("tekun.living_multiple", "41", "2018-01-01", 1.3),
        ("tekun.living_amount.urban", "4107", "2019-06-01", 700),
        ("tekun.living_amount.rural", "4107", "2020-06-01", 500),
    ]
    made = table(*rows)
    urban, rural = tekun_living(made, "2021-01-01")
    assert urban.values[HUOJIA] == 780  # 1.3 x 600, as new as the standard of 2020-01: newer than the place's 700
    assert urban.lifted[HUOJIA]
    assert rural.values[HUOJIA] == 500  # the place's 500 is newer than the standard
    assert not rural.lifted[HUOJIA]


def test_settings_lie_over_rows_of_the_same_place_and_day():
    made = table(("s", "41", "2020-01-01", 1))
    over = made.overlaid([Row("s", "41", "2020-01-01", 5, "yuan", "x", setting=True), Row("s", "4107", "2020-02-01", 7, "yuan", "x", setting=True)])
    assert at_huojia(made, "s", "2020-03-01") == 1
    assert over.at("s", "2020-03-01").values[0] == 5
    assert at_huojia(over, "s", "2020-03-01") == 7


def test_unknown_codes_have_no_index():
    codes = ["410724", "419001", "4107", "410000", "110101", "", "41072a", "4107240"]
    assert (county_index(np.array(codes)) >= 0).tolist() == [True, True] + [False] * 6
    assert county_index(np.array([410724, 5]))[0] == HUOJIA
    assert county_index(np.array([b"410724"]))[0] == HUOJIA
    assert county_index(np.array(["410724"], dtype=object))[0] == HUOJIA


def test_the_month_before_january_is_december():
    assert month_before("2022-01-01") == "2021-12-01"
    assert month_before("2022-12-01") == "2022-11-01"
