"""Households for tests of the rooms below: people with facts, straight into the registry under the acting scope."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import uuid4

from doudi.core.tests.officers import VILLAGE
from doudi.registry.models import HOUSEHOLD_FACTS, Fact, Household, Membership, Person

NOW = datetime(2022, 11, 25, 2, tzinfo=UTC)
MONTH = date(2022, 12, 1)
SINCE = date(2020, 1, 1)
_numbers = count(1)


@dataclass
class Case:
    household: Household
    people: list[Person]


def fact(owner: Household | Person, kind: str, number: Any = None, text: str = "", *, starts: date = date(2022, 1, 1), now: datetime = NOW) -> Fact:
    """Record a fact that supersedes the one before."""
    who = {"household": owner} if isinstance(owner, Household) else {"person": owner}
    Fact.objects.filter(kind=kind, superseded_at__isnull=True, **who).update(superseded_at=now)
    value = None if number is None else Decimal(str(number))
    return Fact.objects.create(area=owner.area, kind=kind, number=value, text=text, starts=starts, source="visit", recorded_at=now, **who)


def person(
    household: Household, *, name: str = "王建国", birth: date = date(1975, 3, 8), relationship: str = "20", starts: date = SINCE, **facts: Any
) -> Person:
    made = Person.objects.create(
        area=household.area, token=uuid4(), name=name, sex="1", birth_date=birth, registered_area=household.area, residence_area=household.area,
        account=uuid4(), bank="103", made_at=NOW,
    )  # fmt: skip
    Membership.objects.create(area=household.area, household=household, person=made, relationship=relationship, starts=max(starts, birth))
    for kind, value in facts.items():
        fact(made, kind, *(value if isinstance(value, tuple) else (value,)))
    return made


def case(*members: dict[str, Any], area: str = VILLAGE, residence: str = "rural", **facts: Any) -> Case:
    """A household; each member is a dict of `person`'s arguments and of facts (`disability=(2, "physical")`, `wage_income=26520`)."""
    number = next(_numbers)
    household = Household.objects.create(area=area, number=f"T{number:08d}", name="王建国", residence=residence, made_at=NOW)
    people = [person(household, **({"relationship": "02"} | one if at == 0 else one)) for at, one in enumerate(members or ({},))]
    for kind, value in facts.items():
        assert kind in HOUSEHOLD_FACTS
        fact(household, kind, value)
    return Case(household, people)
