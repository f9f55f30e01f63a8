"""What holds for every household."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from doudi.batch.law import run
from doudi.batch.law.tests.cases import laid
from doudi.batch.law.tests.test_rules_of_places import BANDS, UPLIFT, prices

COUNTIES = ["410724", "410122", "410302", "410323", "410402", "410221", "411624", "419001", "410184"]
MONTHS = ["2016-05", "2018-06", "2019-12", "2020-04", "2020-06", "2021-07", "2022-01", "2022-11", "2022-12", "2023-03", "2024-07"]
MONEY = [
    "dibao_amount",
    "single_person_dibao_amount",
    "tekun_living_amount",
    "tekun_care_amount",
    "orphan_allowance",
    "unsupported_child_allowance",
    "disability_living_subsidy",
    "disability_nursing_subsidy",
    "price_subsidy",
    "temporary_assistance_ceiling",
    "temporary_assistance_township_ceiling",
    "imputed_maintenance",
    "work_cost_deduction",
    "countable_income",
    "household_income",
    "benefits_total",
]
OVER = [None, BANDS, UPLIFT, laid(("dibao.payment.floor_share.urban", "4107", 0.2)), laid(*prices(3.5, 7, 4), *prices(3.5, 7, 4, area="4101"))]
amounts = st.one_of(st.just(0.0), st.floats(0, 3000).map(lambda value: round(value, 2)), st.sampled_from([420.0, 630.0, 945.0, 1260.0]))


@st.composite
def people(draw, able=False):
    size = draw(st.integers(1, 5))

    def column(strategy):
        return draw(st.lists(strategy, min_size=size, max_size=size))

    grade = np.array(column(st.integers(0, 4)))
    business = np.array(column(amounts))
    persons = {
        "birth_date": np.array(column(st.integers(-12000, 16900)), dtype="m8[D]") + np.datetime64("1970-01-01"),
        "wage_income": np.array(column(amounts)),
        "business_income": business,
        "land_income": business * draw(st.sampled_from([0, 0.5, 1])),
        "transfer_income": np.array(column(amounts)),
        "maintenance_income": np.array(column(amounts)),
        "works_away": np.array(column(st.booleans())),
        "disability_grade": grade,
        "disability_kind": np.where(grade > 0, np.array(column(st.integers(1, 7))), 0),
        "serious_illness": np.array(column(st.booleans())),
        "support_obligor": np.full(size, 2) if able else np.array(column(st.integers(0, 2))),
        "self_care_failures": np.array(column(st.integers(0, 6))),
        "obligor_household_income": np.array(column(amounts)),
        **{
            name: np.array(column(st.booleans()))
            for name in ("orphan", "de_facto_unsupported_child", "chooses_child_allowance", "in_institution", "in_school", "was_on_tekun")
        },
    }
    household = {
        "county": draw(st.sampled_from(COUNTIES)),
        "residence": draw(st.integers(0, 1)),
        "rigid_expenditure": draw(amounts),
        "financial_assets": draw(st.sampled_from([0.0, 22680.0, 90000.0])),
        "vehicles": draw(st.sampled_from([0, 0, 0, 1])),
        "farmland_per_head": draw(st.sampled_from([0.0, 0.3, 1.0])),
        "temporary_residents_in_need": draw(st.integers(0, 4)),
    }
    return persons, household


def answers(persons, household, month, over, variables, wages=None):
    """One household, or several copies of it that differ in wages."""
    wages = [persons["wage_income"]] if wages is None else wages
    copies, size = len(wages), len(persons["birth_date"])
    columns = {name: np.tile(column, copies) for name, column in persons.items()} | {"wage_income": np.concatenate(wages)}
    return run(
        columns, {name: [value] * copies for name, value in household.items()}, np.repeat(np.arange(copies), size), None, month, variables, over
    )


@settings(max_examples=150, deadline=None)
@given(people(), st.sampled_from(MONTHS), st.sampled_from(OVER), st.booleans(), st.booleans(), st.booleans())
def test_no_amount_is_negative_or_unknown_whatever_the_household(case, month, over, was, work, suspended):
    persons, household = case
    household = household | {"was_on_dibao": was, "income_rise_from_work": work, "exit_suspended": suspended}
    household = household | {"previous_dibao_amount": 300.55, "previous_dibao_members": 2}
    for name, values in answers(persons, household, month, over, MONEY).items():
        assert np.isfinite(values).all(), name
        assert (values >= 0).all(), name


@settings(max_examples=150, deadline=None)
@given(people(), st.sampled_from(MONTHS), st.sampled_from(OVER))
def test_payable_amounts_are_whole_fen(case, month, over):
    for name, values in answers(*case, month, over, MONEY[:11]).items():
        assert (values == np.round(values, 2)).all(), name


@settings(max_examples=150, deadline=None)
@given(people(able=True), st.sampled_from(MONTHS), st.sampled_from(OVER), st.floats(0, 2000), st.floats(0.01, 2000))
def test_more_income_never_raises_dibao_with_members_and_tekun_status_held_fixed(case, month, over, wage, more):
    persons, household = case
    lower, higher = persons["wage_income"].copy(), persons["wage_income"].copy()
    lower[0], higher[0] = round(wage, 2), round(wage, 2) + round(more, 2)
    result = answers(persons, household, month, over, ["dibao_amount", "dibao_eligible", "tekun_eligible"], [lower, higher])
    assert not result["tekun_eligible"].any()
    assert result["dibao_amount"][0] >= result["dibao_amount"][1]
    assert result["dibao_eligible"][0] >= result["dibao_eligible"][1]


@settings(max_examples=100, deadline=None)
@given(people(), st.sampled_from(MONTHS), st.sampled_from(OVER))
def test_benefits_that_exclude_each_other_never_meet(case, month, over):
    names = ["tekun_eligible", "single_person_dibao_eligible", "marginal_family", "rigid_expenditure_family", "dibao_eligible", *MONEY[:9]]
    result = answers(*case, month, over, names)
    tekun = result["tekun_eligible"]
    for name in (
        "single_person_dibao_amount",
        "orphan_allowance",
        "unsupported_child_allowance",
        "disability_living_subsidy",
        "disability_nursing_subsidy",
    ):
        assert not (tekun & (result[name] > 0)).any(), name
    assert not ((result["orphan_allowance"] > 0) & (result["disability_living_subsidy"] > 0)).any()
    assert not ((result["orphan_allowance"] > 0) & (result["unsupported_child_allowance"] > 0)).any()
    assert int(result["dibao_eligible"][0]) + int(result["marginal_family"][0]) + int(result["rigid_expenditure_family"][0]) <= 1
    assert not (result["dibao_eligible"][0] and result["single_person_dibao_eligible"].any())
