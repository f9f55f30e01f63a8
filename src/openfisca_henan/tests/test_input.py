"""Bad input through OpenFisca's own builder (the web API) is refused with a reason, never silently zero."""

import pytest
from openfisca_core.errors import SituationParsingError
from openfisca_core.simulations import SimulationBuilder

from openfisca_henan import CountryTaxBenefitSystem
from openfisca_henan.limits import MOST

LAW = CountryTaxBenefitSystem()


def build(person=None, household=None):
    facts = {"county": {"2022-12": "410724"}, "residence": {"2022-12": "urban"}} | {n: {"2022-12": v} for n, v in (household or {}).items()}
    persons = {"a": {"birth_date": {"ETERNITY": "1975-01-01"}} | {n: {"2022-12": v} for n, v in (person or {}).items()}}
    return SimulationBuilder().build_from_entities(LAW, {"persons": persons, "households": {"h": {"head": "a"} | facts}})


@pytest.mark.parametrize(
    ("person", "household"),
    [
        ({"wage_income": -1}, {}),
        ({"wage_income": 1e12}, {}),
        ({"disability_grade": 7}, {}),
        ({"disability_grade": -1}, {}),
        ({"self_care_failures": 7}, {}),
        ({"obligor_household_members": 0}, {}),
        ({}, {"financial_assets": -0.01}),
        ({}, {"vehicles": -1}),
    ],
)
def test_values_outside_their_range_are_refused(person, household):
    with pytest.raises(SituationParsingError, match=r"应为|不能为负"):
        build(person, household)


def test_good_values_are_taken():
    assert build({"wage_income": 0, "disability_grade": 4, "disability_kind": "mental"}).calculate("dibao_amount", "2022-12") == [630]


@pytest.mark.parametrize("code", ["110101", "4107", "", "Huojia"])
def test_an_unknown_county_is_an_error(code):
    with pytest.raises(ValueError, match="不在本省"):
        build(household={"county": code}).calculate("dibao_amount", "2022-12")


def test_every_whole_number_that_is_an_input_has_a_range():
    counts = {name for name, variable in LAW.variables.items() if variable.value_type is int and variable.is_input_variable()}
    assert counts == set(MOST)
