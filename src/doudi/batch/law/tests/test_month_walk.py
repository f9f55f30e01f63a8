"""A walk through each month from 2020-01 to 2024-12: every change takes effect in its month and not before, and what has no row is off."""

import numpy as np
import pytest

from doudi.batch.law import explain
from doudi.batch.law.settings import base_table
from doudi.batch.law.tests.cases import HUOJIA, LUOYANG_RURAL, ZHONGMU, ask
from openfisca_henan.places import counties

JIYUAN = "419001"
MONTHS = [f"{year}-{month:02d}" for year in range(2020, 2025) for month in range(1, 13)]

ORPHAN = {"birth_date": "2012-01-01", "orphan": True}
TEKUN = {"birth_date": "1950-01-01", "support_obligor": "none"}
DISABLED = {"disability_grade": 1, "disability_kind": "hearing"}
RURAL = {"residence": "rural"}

#: (county, variable, facts) -> the months in which the answer changes, with the new answer; the first is 2020-01.
WALK = [
    # Huojia: no rows of its own but the rural standard of Xinxiang of 2023-01.
    (HUOJIA, "dibao_amount", {}, {"2020-01": 570, "2021-07": 590, "2022-01": 630}),
    (HUOJIA, "dibao_amount", RURAL, {"2020-01": 355, "2021-07": 377, "2022-01": 420, "2023-01": 440}),
    (HUOJIA, "tekun_living_amount", TEKUN, {"2020-01": 741, "2021-07": 767, "2022-01": 819}),
    (HUOJIA, "tekun_living_amount", TEKUN | RURAL, {"2020-01": 461.5, "2021-07": 490.1, "2022-01": 546, "2023-01": 572}),
    (HUOJIA, "tekun_care_amount", TEKUN | {"self_care_failures": 6}, {"2020-01": 0, "2021-07": 500, "2022-01": 533.33, "2024-01": 600}),
    (HUOJIA, "tekun_care_amount", TEKUN | {"self_care_failures": 1}, {"2020-01": 0, "2021-07": 250, "2022-01": 266.67, "2024-01": 300}),
    (HUOJIA, "tekun_care_amount", TEKUN, {"2020-01": 0, "2021-07": 60, "2022-12": 75}),
    (HUOJIA, "orphan_allowance", ORPHAN, {"2020-01": 950, "2022-01": 1050}),
    (HUOJIA, "orphan_allowance", ORPHAN | {"in_institution": True}, {"2020-01": 1350, "2022-01": 1450}),
    (HUOJIA, "disability_living_subsidy", DISABLED, {"2020-01": 60, "2022-12": 75}),
    (HUOJIA, "disability_nursing_subsidy", DISABLED, {"2020-01": 60, "2022-12": 75}),
    (HUOJIA, "work_cost_deduction", {"works_away": True, "wage_income": 1000}, {"2020-01": 0, "2022-12": 189}),
    (HUOJIA, "marginal_family", {"wage_income": 800}, {"2020-01": False, "2022-01": True}),
    (HUOJIA, "property_eligible", {"vehicles": 1}, {"2020-01": True, "2021-08": False}),
    (HUOJIA, "property_eligible", {"financial_assets": 22680}, {"2020-01": True, "2021-08": False}),
    (HUOJIA, "property_eligible", {"company_capital": 200000}, {"2020-01": True, "2021-08": False}),
    (HUOJIA, "household_income", {"wage_income": 700, "rigid_expenditure": 100}, {"2020-01": 700, "2021-08": 600}),
    (
        HUOJIA,
        "rigid_expenditure_family",
        {"wage_income": 3000, "rigid_expenditure": 1500},
        {"2020-01": False, "2023-01": True, "2024-01": False},
    ),
    (HUOJIA, "gradual_exit_limit_months", {}, {"2020-01": 12, "2022-12": 6}),
    (HUOJIA, "imputed_maintenance", {"obligor_household_income": 2000}, {"2020-01": 430, "2021-07": 410, "2022-01": 370}),
    (HUOJIA, "single_person_dibao_amount", {"wage_income": 800, "serious_illness": True}, {"2020-01": 570, "2021-07": 590, "2022-01": 630}),
    (HUOJIA, "temporary_assistance_ceiling", {"temporary_residents_in_need": 1}, {"2020-01": 3420, "2021-07": 3540, "2022-01": 3780}),
    (HUOJIA, "price_base_children", {}, {"2020-01": 0, "2020-03": 570, "2021-07": 590, "2022-01": 630}),
    (HUOJIA, "price_base_marginal", {}, {"2020-01": 0, "2022-09": 630, "2023-04": 0}),
    (HUOJIA, "price_multiplier", {}, {"2020-01": 1, "2020-04": 2, "2020-08": 1}),  # index months March to June
    (HUOJIA, "price_linkage_started", {}, {"2020-01": False}),
    (HUOJIA, "dibao_uplift", {"serious_illness": True}, {"2020-01": 0}),
    # Zhongmu, of Zhengzhou: many rows of its own.
    (ZHONGMU, "dibao_amount", {}, {"2020-01": 600, "2020-07": 730, "2021-07": 740, "2022-07": 750}),
    (ZHONGMU, "dibao_amount", RURAL, {"2020-01": 380, "2020-07": 730, "2021-07": 740, "2022-07": 750}),
    (ZHONGMU, "dibao_amount", RURAL | {"farmland_per_head": 0.3}, {"2020-01": 380, "2020-07": 511, "2021-07": 518, "2022-07": 525}),
    (ZHONGMU, "tekun_living_amount", TEKUN, {"2020-01": 900, "2020-07": 1095, "2021-07": 1110, "2022-07": 1125}),
    (ZHONGMU, "tekun_care_amount", TEKUN | {"self_care_failures": 6}, {"2020-01": 900, "2022-01": 960, "2024-01": 1080}),
    (ZHONGMU, "tekun_care_amount", TEKUN, {"2020-01": 150, "2022-01": 160, "2024-01": 180}),
    (ZHONGMU, "orphan_allowance", ORPHAN, {"2020-01": 1200}),
    (ZHONGMU, "orphan_allowance", ORPHAN | RURAL, {"2020-01": 950, "2022-01": 1050}),
    (ZHONGMU, "disability_living_subsidy", DISABLED, {"2020-01": 120}),
    (ZHONGMU, "disability_nursing_subsidy", DISABLED, {"2020-01": 100}),
    (ZHONGMU, "price_subsidy", {}, {"2020-01": 0, "2020-06": 106, "2020-07": 0}),
    # Luoyang and Jiyuan: bands, fixed sums.
    (
        LUOYANG_RURAL,
        "dibao_amount",
        RURAL | {"wage_income": 300, "dibao_band": 1},
        {"2020-01": 55, "2021-07": 370, "2022-01": 400, "2023-01": 420},
    ),
    (
        JIYUAN,
        "single_person_dibao_amount",
        {"wage_income": 800, "serious_illness": True},
        {"2020-01": 570, "2021-07": 590, "2022-01": 630, "2023-01": 300},
    ),
]


@pytest.mark.parametrize(("county", "variable", "facts", "expected"), WALK, ids=lambda value: value if isinstance(value, str) else "")
def test_each_change_takes_effect_in_its_month(county, variable, facts, expected):
    changes, before = {}, None
    for month in MONTHS:
        now = ask(month, variable, county=county, **facts)
        if before is None or now != before:
            changes[month] = now
        before = now
    assert changes == expected


def first_days(name, county):
    """The months in which a parameter may change for a county, by the dates of its rows alone."""
    areas = ("41", county[:4], county)
    return {row.start for row in base_table().rows if row.parameter == name and row.area in areas}


def later_first(start):
    """The first day of a month on which a date counts."""
    return start if start.endswith("-01") else f"{int(start[:4]) + (start[5:7] == '12')}-{int(start[5:7]) % 12 + 1:02d}-01"


@pytest.mark.parametrize("county", [HUOJIA, ZHONGMU, LUOYANG_RURAL, JIYUAN])
def test_no_parameter_changes_in_a_month_without_a_row_of_its_own(county):
    table, index = base_table(), counties().index(county)
    for name, leaf in table.leaves.items():
        starts = {later_first(start) for start in first_days(name, county)}
        if leaf.lasts:
            starts |= {(np.datetime64(s[:7]) + (12 if leaf.lasts == "year" else 1)).astype(str) + "-01" for s in starts}
        before = table.at(name, "2019-12-01").values[index]
        for month in MONTHS:
            now = table.at(name, f"{month}-01").values[index]
            if not (now == before or (np.isnan(now) and np.isnan(before))):
                assert f"{month}-01" in starts, (name, month, before, now)
            before = now


def test_a_notice_dated_in_the_month_first_counts_in_the_next():
    assert later_first("2022-11-23") == "2022-12-01"
    table = base_table()
    assert np.isnan(table.province("dibao.work_cost_rate", "2022-11-01"))
    assert table.province("dibao.work_cost_rate", "2022-12-01") == 0.3


def test_long_before_every_first_row_all_is_off_and_every_benefit_says_so():
    month = "2009-01"
    persons = {"birth_date": ["1940-01-01", "2000-01-01"], "disability_grade": [1, 1], "disability_kind": ["visual", "mental"]}
    persons |= {"support_obligor": ["none", "none"], "orphan": [False, True], "works_away": [True, False]}
    explanation = explain(persons, {"county": HUOJIA, "residence": "urban", "was_on_dibao": True, "rigid_expenditure": 100.0}, month)
    assert explanation.total == 0
    assert explanation.benefits == []
    reasons = {refusal.code: refusal.reason for refusal in explanation.refusals}
    for code in ("dibao_amount", "marginal_family", "rigid_expenditure_family", "gradual_exit", "single_person_dibao_amount", "tekun"):
        assert "此月尚无该项规定" in reasons[code], code
    for code in ("child_allowance", "disability_living_subsidy", "disability_nursing_subsidy"):
        assert "此月尚无该项规定" in reasons[code], code
    assert "尚未录入" in reasons["price_subsidy"]
