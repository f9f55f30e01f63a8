"""Each programme goes its own way from application to award (2.2)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from doudi.core import scope as scopes
from doudi.enrolment import services
from doudi.enrolment.models import Award
from doudi.enrolment.tests.test_applications import poor
from doudi.enrolment.tests.walks import Offices

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Offices:
    return Offices()


PROGRAMMES = {
    "dibao_single": ({"disability": (1, "physical"), "wage_income": 0}, {"name": "王父", "wage_income": 20000, "relationship": "51"}),
    "tekun": ({"birth": date(1950, 1, 1), "support_obligor": (None, "none"), "labour_capacity": (None, "none")},),
    "marginal": ({"wage_income": 12000},),
    "rigid": ({"wage_income": 36000},),
    "disability_nursing": ({"disability": (1, "visual"), "wage_income": 60000},),
    "disability_living": ({"disability": (2, "visual"), "wage_income": 0},),
    "orphan": ({"name": "王小孩", "birth": date(2014, 1, 1), "orphan": 1}, {"name": "王爷爷", "birth": date(1955, 1, 1), "relationship": "60"}),
    "unsupported_child": ({"name": "李小孩", "birth": date(2014, 1, 1), "de_facto_unsupported_child": 1}, {"name": "李爷爷", "birth": date(1955, 1, 1), "relationship": "60"}),
}


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_each_programme_goes_its_own_way(office, programme) -> None:
    if programme == "rigid":  # the disposable income of 2022 is known in 2023
        office.now = datetime(2023, 2, 6, 2, tzinfo=UTC)
    place = poor(office, *PROGRAMMES[programme], **({"rigid_expenditure": 19200, "residence": "urban"} if programme == "rigid" else {}))
    confirmation = programme in ("marginal", "rigid")
    person = None if confirmation else place.people[0]
    c = office.apply(place, programme, person=person)
    steps = []
    given = {}
    while c.step:
        steps.append(c.step)
        if c.step == "opinion":
            with scopes.acting(office.town):
                fit = next((f for f in services.fits(services.law_says(household=place.household, now=office.now)) if f.programme == programme and f.fits), None)
                given = {} if fit else {"amount": Decimal("300.00"), "reason": "县级研究意见"}
        office.take(c, **(given if c.step == "opinion" else {}))
    assert not given, "the law gives nothing here: the walk shows less than it should"
    assert c.outcome == "granted"
    with scopes.acting(office.town):
        award = Award.objects.get(household=place.household)
        assert award.programme == programme and award.amounts.exists() != confirmation
        assert award.ends == (award.starts.replace(year=award.starts.year + 1) if programme == "rigid" else None), "a rigid-expenditure family is confirmed for twelve months"
    expected = {
        "disability_nursing": ["accept", "opinion", "federation", "approval", "notice"],
        "disability_living": ["accept", "opinion", "federation", "approval", "notice"],
        "orphan": ["accept", "visit", "opinion", "approval", "notice"],
        "unsupported_child": ["accept", "visit", "opinion", "approval", "notice"],
    }
    assert steps == expected.get(programme, ["accept", "check", "visit", "opinion", "publicity", "approval", "notice"])
