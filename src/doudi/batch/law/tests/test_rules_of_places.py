"""Rules that no place in the package's own data has: entered as settings, by county."""

import pytest

from doudi.batch.law import LawInputError, explain
from doudi.batch.law.tests.cases import HUOJIA, LUOYANG_RURAL, ZHONGMU, ask, laid

# -- payment of dibao ---------------------------------------------------------------------------------------------------------------
BANDS = laid(
    ("dibao.payment.mode.urban", HUOJIA, "bands"),
    *((f"dibao.payment.band.urban.band_{n}", HUOJIA, amount) for n, amount in enumerate((640, 507, 384, 272, 174), 1)),
    *((f"dibao.payment.band_limit.urban.band_{n}", HUOJIA, limit) for n, limit in enumerate((77, 200, 312.5, 412), 1)),
)


@pytest.mark.parametrize(
    ("income", "amount"),
    [(0, 640), (77, 640), (77.01, 507), (200, 507), (200.01, 384), (312.5, 384), (312.51, 272), (412, 272), (412.01, 174), (629.99, 174), (630, 0)],
)
def test_bands_by_income_per_head_include_their_limit(income, amount):
    assert ask("2022-12", "dibao_amount", BANDS, wage_income=income) == amount


def test_bands_by_income_pay_each_member_and_compare_totals():
    assert ask("2022-12", "dibao_amount", BANDS, people=3, wage_income=[600.0, 0, 0]) == 3 * 507  # 200 a head


def test_a_decided_band_counts_before_the_limits():
    assert ask("2022-12", "dibao_amount", BANDS, wage_income=400, dibao_band=1) == 640


def test_some_members_without_a_band_is_an_input_error():
    with pytest.raises(LawInputError, match="未定档") as caught:
        ask("2023-01", "dibao_amount", county=LUOYANG_RURAL, residence="rural", people=2, dibao_band=[1, 0])
    assert [(p.table, p.row, p.field) for p in caught.value.problems] == [("persons", 1, "dibao_band")]


def test_a_tekun_member_needs_no_band():
    facts = {"birth_date": ["1975-01-01", "1950-01-01"], "support_obligor": ["able", "none"], "dibao_band": [1, 0]}
    assert ask("2023-01", "dibao_amount", county=LUOYANG_RURAL, residence="rural", people=2, **facts) == 420


def test_a_band_without_an_amount_is_an_input_error():
    with pytest.raises(LawInputError, match="没有该档次的金额"):
        ask("2023-01", "dibao_amount", county=LUOYANG_RURAL, residence="rural", dibao_band=4)


def test_a_gap_below_the_floor_share_is_raised_to_it():
    floor = laid(("dibao.payment.floor_share.urban", HUOJIA, 0.2))
    assert ask("2022-12", "dibao_amount", floor, wage_income=600) == 126  # 630 x 20%, not 30
    assert ask("2022-12", "dibao_amount", floor, wage_income=504) == 126  # exactly 20%
    assert ask("2022-12", "dibao_amount", floor, wage_income=500) == 130
    assert ask("2022-12", "dibao_amount", floor, wage_income=630) == 0
    assert ask("2022-12", "dibao_amount", floor, people=2, wage_income=[1200.0, 0]) == 252  # 2 x 126


def test_whole_yuan_half_up():
    whole = laid(("dibao.payment.rounding.urban", HUOJIA, "half_up_yuan"))
    assert ask("2022-12", "dibao_amount", whole, wage_income=299.5) == 331  # 330.50
    assert ask("2022-12", "dibao_amount", whole, wage_income=299.51) == 330  # 330.49
    assert ask("2022-12", "dibao_amount", wage_income=299.51) == 330.49


# -- uplift by category -------------------------------------------------------------------------------------------------------------
UPLIFT = laid(
    ("dibao.uplift.old", HUOJIA, 0.1),
    ("dibao.uplift.minor", HUOJIA, 0.2),
    ("dibao.uplift.severely_disabled", HUOJIA, 0.3),
    ("dibao.uplift.seriously_ill", HUOJIA, 0.5),
)


def test_uplift_is_the_highest_share_only_and_part_of_the_amount():
    answer = ask("2022-12", ["dibao_uplift", "dibao_amount"], UPLIFT, disability_grade=1, disability_kind="hearing", serious_illness=True)
    assert answer == {"dibao_uplift": 315, "dibao_amount": 945}  # 630 x 0.5; 630 + 315


@pytest.mark.parametrize(
    ("facts", "share"),
    [
        ({"birth_date": "1962-12-01"}, 0.1),
        ({"birth_date": "1962-12-02"}, 0),
        ({"birth_date": "2004-12-02"}, 0.2),
        ({"birth_date": "2004-12-01"}, 0),
        ({"disability_grade": 2, "disability_kind": "hearing"}, 0.3),
        ({"disability_grade": 3, "disability_kind": "mental"}, 0),
    ],
)
def test_who_has_an_uplift(facts, share):
    assert ask("2022-12", "dibao_uplift", UPLIFT, **facts) == pytest.approx(630 * share)


def test_no_uplift_by_default_and_none_for_people_alone():
    assert ask("2022-12", "dibao_uplift", serious_illness=True) == 0
    answer = ask("2022-12", ["dibao_uplift", "single_person_dibao_amount"], UPLIFT, wage_income=800, serious_illness=True)
    assert answer == {"dibao_uplift": 0, "single_person_dibao_amount": 630}


# -- people alone -------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("row", "amount"),
    [
        (("dibao.single_person.amount_share", HUOJIA, 0.6), 378),
        (("dibao.single_person.amount", HUOJIA, 250), 250),
        (("dibao.single_person.gap", HUOJIA, 1), 330),
    ],
)
def test_2_3_the_county_rules_the_amount_of_people_alone(row, amount):
    answer = ask(
        "2022-12",
        "single_person_dibao_amount",
        laid(row),
        people=2,
        wage_income=[1200.0, 0],
        transfer_income=[0, 300.0],
        serious_illness=[False, True],
    )
    assert answer == [0, amount]


# -- gradual exit -------------------------------------------------------------------------------------------------------------------
def test_2_5_the_share_counts_in_gradual_exit_only_and_not_while_exits_are_suspended():
    half = laid(("dibao.gradual_exit.share", "41", 0.5), start="2022-01-01")
    facts = {"wage_income": 900, "was_on_dibao": True, "income_rise_from_work": True, "previous_dibao_amount": 300, "previous_dibao_members": 1}
    assert ask("2022-12", "dibao_amount", half, **facts) == 150
    assert ask("2022-12", "dibao_amount", half, exit_suspended=True, **facts) == 300


# -- property -----------------------------------------------------------------------------------------------------------------------
def test_two_dwellings_fit_up_to_the_local_average_floor_area():
    average = laid(("property.dwelling_area_average", HUOJIA, 46.5))
    assert ask("2022-12", "property_eligible", average, dwellings=2, dwelling_area_per_head=46.5)
    assert not ask("2022-12", "property_eligible", average, dwellings=2, dwelling_area_per_head=46.51)
    assert ask("2022-12", "property_eligible", average, dwellings=1, dwelling_area_per_head=200)


# -- temporary assistance -----------------------------------------------------------------------------------------------------------
def test_3_1_a_flat_cap_limits_each_grant():
    capped = laid(("temporary.flat_cap", HUOJIA, 5000))
    assert ask("2022-12", "temporary_assistance_ceiling", capped, temporary_residents_in_need=1) == 3780
    assert ask("2022-12", "temporary_assistance_ceiling", capped, temporary_residents_in_need=2) == 5000


def test_3_1_the_types_can_differ():
    more = laid(("temporary.multiple.emergency", HUOJIA, 8))
    assert ask("2022-12", "temporary_assistance_ceiling", more, temporary_residents_in_need=1) == 5040
    expenditure = {"temporary_residents_in_need": 1, "temporary_assistance_type": "expenditure"}
    assert ask("2022-12", "temporary_assistance_ceiling", more, **expenditure) == 3780


# -- price linkage ------------------------------------------------------------------------------------------------------------------
def prices(cpi=None, food=None, scpi=None, month="2022-10", area="4107"):
    given = (("prices.cpi", cpi), ("prices.food", food), ("prices.scpi", scpi))
    return [(name, area, value, f"{month}-01") for name, value in given if value is not None]


@pytest.mark.parametrize(
    ("cpi", "food", "started"),
    [(3.0, 1, True), (2.99, 5.99, False), (0, 6.0, True), (3.0, None, True), (2.9, None, False), (None, None, False)],
)
def test_3_3_in_the_window_cpi_reaches_at_3_and_food_at_6(cpi, food, started):
    answer = ask("2022-11", ["price_linkage_started", "price_linkage_known"], laid(*prices(cpi, food)))
    assert answer["price_linkage_started"] == started
    assert answer["price_linkage_known"] == (started or (cpi is not None and food is not None))


@pytest.mark.parametrize(
    ("index", "payment", "started"),
    [("2022-07", "2022-08", False), ("2022-08", "2022-09", True), ("2023-02", "2023-03", True), ("2023-03", "2023-04", False)],
)
def test_3_3_the_lower_condition_counts_for_index_months_august_to_february(index, payment, started):
    assert ask(payment, "price_linkage_started", laid(*prices(3.2, 1, month=index))) == started


@pytest.mark.parametrize(("payment", "covered"), [("2022-08", False), ("2022-09", True), ("2023-03", True), ("2023-04", False)])
def test_3_3_marginal_families_are_covered_in_payment_months_september_to_march(payment, covered):
    index = f"{int(payment[:4])}-{int(payment[5:]) - 1:02d}"
    answer = ask(payment, ["marginal_family", "price_subsidy"], laid(*prices(9, 9, 9, month=index)), wage_income=700)
    assert answer["marginal_family"]
    assert answer["price_subsidy"] == (57 if covered else 0)  # 630 x 9% = 56.7


def test_3_3_the_amount_is_the_standard_times_the_rise_of_the_scpi_half_up_to_the_yuan():
    started = prices(3.1, 2, 3.4)
    assert ask("2022-11", "price_subsidy", laid(*started)) == 21  # 630 x 3.4% = 21.42
    assert ask("2022-11", "price_subsidy", laid(*started), residence="rural") == 14  # 420 x 3.4% = 14.28
    assert ask("2022-11", "price_subsidy", laid(*prices(3.1, 2, 2.5)), residence="rural") == 11  # 10.50 goes up


def test_3_3_without_an_scpi_the_place_falls_back_to_the_cpi_where_it_reached_else_food():
    assert ask("2022-11", "price_subsidy", laid(*prices(3.1, 8))) == 20  # 630 x 3.1% = 19.53
    assert ask("2022-11", "price_subsidy", laid(*prices(2.9, 8))) == 50  # 630 x 8% = 50.4


def test_3_3_a_place_that_waits_for_its_scpi_pays_nothing_yet_and_says_so():
    wait = laid(*prices(3.1, 8), ("price_linkage.amount.no_scpi", "4107", "wait"))
    assert ask("2022-11", ["price_linkage_started", "price_subsidy"], wait) == {"price_linkage_started": True, "price_subsidy": 0}
    explained = explain({"birth_date": ["1975-01-01"]}, {"county": HUOJIA, "residence": "urban"}, "2022-11", wait)
    refusal = next(refusal for refusal in explained.refusals if refusal.code == "price_subsidy")
    assert refusal.pending
    assert "尚未录入" in refusal.reason


def test_3_3_by_the_index_that_started_it_the_higher_when_both():
    rule = ("price_linkage.amount.index", "4107", "started")
    assert ask("2022-11", "price_subsidy", laid(*prices(3.1, 2, 9), rule)) == 20  # CPI alone reached
    assert ask("2022-11", "price_subsidy", laid(*prices(3.1, 8, 9), rule)) == 50  # both: food is higher
    assert ask("2022-11", "price_subsidy", laid(*prices(7, 6.5, 9), rule)) == 44  # both: CPI is higher, 44.1


def test_3_3_floor_and_rounding_are_the_places():
    assert ask("2022-11", "price_subsidy", laid(*prices(3.1, 2, 1), ("price_linkage.amount.floor", "4107", 10))) == 10  # 6.3 raised
    jiao = ("price_linkage.amount.rounding", "4107", "up_jiao")
    assert ask("2022-11", "price_subsidy", laid(*prices(3.1, 2, 3.41), jiao)) == 21.5  # 21.483
    assert ask("2022-11", "price_subsidy", laid(*prices(3.1, 2, 3), jiao)) == 18.9  # exactly 18.9 stays


def test_3_3_a_place_may_lower_the_condition_but_not_raise_it():
    assert ask("2022-11", "price_linkage_started", laid(*prices(2.5, 1), ("price_linkage.trigger.cpi", "4107", 2.5)))
    assert ask("2022-11", "price_linkage_started", laid(*prices(3.0, 1), ("price_linkage.trigger.cpi", "4107", 4)))


def test_3_3_the_province_can_start_everywhere():
    start = (("price_linkage.province_start", "41", 1, "2022-11-01"), ("price_linkage.province_start", "41", 0, "2022-12-01"))
    province = prices(3.2, 2, area="41")
    assert ask("2022-11", ["price_linkage_started", "price_subsidy"], laid(*start, *province)) == {"price_linkage_started": True, "price_subsidy": 20}
    assert ask("2022-11", "price_subsidy", laid(*start, *prices(3.2, 2, 4, area="41"))) == 25  # the province's SCPI
    assert ask("2022-11", "price_subsidy", laid(*start, *prices(3.2, 2, 4, area="41"), *prices(scpi=5))) == 32  # the city's SCPI, 31.5
    assert ask("2022-11", "price_subsidy", laid(*start, *prices(2.9, 7, area="41"))) == 44  # CPI did not reach: food
    assert not ask("2022-12", "price_linkage_started", laid(*start, *province))


def test_3_3_index_month_for_index_and_multiplier_payment_month_for_the_standard():
    over = laid(*prices(4, 2, 10, month="2022-12"), ("dibao.standard.urban", HUOJIA, 700, "2023-01-01"))
    assert ask("2023-01", "price_subsidy", over) == 70
    twice = laid(
        *prices(4, 2, 10), ("price_linkage.amount.multiplier", "41", 2, "2022-10-01"), ("price_linkage.amount.multiplier", "41", 1, "2022-11-01")
    )
    assert ask("2022-11", "price_subsidy", twice) == 126  # 63 x 2, by the index month


def test_3_3_one_person_has_one_subsidy_with_awards_known_by_awards():
    over = laid(*prices(4, 2, 10))
    facts = {"wage_income": 5000, "awards_known": True, "receives_dibao": True, "receives_tekun": True, "receives_child_allowance": True}
    assert ask("2022-11", "price_subsidy", over, **facts) == 63
    assert ask("2022-11", "price_subsidy", over, awards_known=True) == 0
    assert ask("2022-11", "price_subsidy", over, wage_income=5000, awards_known=True, confirmed_marginal=True) == 63


def test_4_5_a_county_can_widen_the_living_subsidy_to_marginal_families():
    facts = {"residence": "rural", "wage_income": 500, "disability_grade": [3, 0], "disability_kind": ["hearing", "none"], "people": 2}
    wider = laid(("disability.living_marginal", HUOJIA, 1, "2022-12-01"))
    # rural standard 420 x 2 = 840 <= 1000 < 1260: marginal
    assert ask("2022-12", ["marginal_family", "disability_living_subsidy"], **facts) == {"marginal_family": True, "disability_living_subsidy": [0, 0]}
    assert ask("2022-12", "disability_living_subsidy", wider, **facts) == [75, 0]
    assert ask("2022-11", "disability_living_subsidy", wider, **facts) == [0, 0]
    assert ask("2022-12", "disability_living_subsidy", wider, **(facts | {"wage_income": 700})) == [0, 0]  # 1400 is above the line
    assert ask("2022-12", "disability_living_subsidy", wider, county=ZHONGMU, **(facts | {"wage_income": 800})) == [0, 0]  # marginal there (750 x 2), not widened
    explained = explain(
        {"birth_date": ["1975-01-01"] * 2, "wage_income": [500, 500], "disability_grade": [3, 0], "disability_kind": ["hearing", "none"]},
        {"county": [HUOJIA], "residence": ["rural"]}, "2022-12", wider,
    )  # fmt: skip
    assert any("当地已扩大范围" in line.formula for section in explained.sections for line in section.lines)
