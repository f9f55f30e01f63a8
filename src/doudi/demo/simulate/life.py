"""What happens in people's lives: births, deaths, moves between villages, work found and lost."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError

from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.workdays import add_working_days
from doudi.demo.staff import SignIn, by_duty
from doudi.registry.models import BenefitStatus, Fact, FactKind, Household, Membership, MoveRequest, Person
from doudi.registry.services import facts, households, moves, people

CHINA = ZoneInfo("Asia/Shanghai")
BIRTHS, DEATHS, MOVES = 0.0074, 0.0078, 0.004  # a year and head
GIVEN = ("子涵", "雨桐", "浩宇", "欣怡", "梓轩", "一诺", "宇航", "思远", "佳琪", "俊杰")
HEAD, SON, DAUGHTER = "02", "20", "30"
Figures = dict[str, Any]


def at(day: date, hour: int = 9, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), CHINA)


@dataclass
class Life:
    """One month of the county. `chance` follows from seed, month and step alone, so that a step run again after a crash does the same."""

    area: str
    staff: list[SignIn]
    seed: int
    month: date
    step: str = ""
    chance: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        self.chance = random.Random(f"{self.seed}-{self.month}-{self.step}")

    def acting(self, duty: Duty) -> Any:
        return scopes.acting(by_duty(self.staff, duty).scope("doudi simulate"))

    def officers(self) -> list[SignIn]:
        return [each for each in self.staff if each.duty == Duty.TOWNSHIP_OFFICER.value]

    def officer(self, area: str) -> SignIn:
        """The township officer of a village."""
        return next(each for each in self.officers() if area.startswith(each.area))

    def day(self, number: int) -> date:
        return self.month + timedelta(days=number - 1)

    def working_day(self, number: int) -> date:
        """The n-th working day of the month."""
        return add_working_days(self.month - timedelta(days=1), number)

    def often(self, mean: float) -> int:
        """A count with this mean."""
        whole = int(mean)
        return whole + (self.chance.random() < mean - whole)

    def some(self, rows: list[Any], count: int) -> list[Any]:
        return self.chance.sample(rows, min(count, len(rows)))


def _inhabitants(life: Life) -> list[tuple[int, str, date, str, int, int]]:
    """(person, area, born, relationship, household, version) of everybody living, in a fixed order."""
    with scopes.acting(scopes.Scope(area=life.area, page="doudi simulate")):
        rows = Membership.objects.filter(ends=None, person__died_on=None).order_by("person_id")
        return list(rows.values_list("person_id", "area", "person__birth_date", "relationship", "household_id", "person__version"))


def births(life: Life, on: date) -> Figures:
    """Children are born into households with an adult of forty or younger."""
    rows = _inhabitants(life)
    parents = sorted({(row[4], row[1]) for row in rows if 20 <= (on - row[2]).days / 365.25 <= 40})
    chosen = life.some(parents, life.often(len(rows) * BIRTHS / 12))
    for number, (household, area) in enumerate(chosen):
        girl = life.chance.random() < 0.48
        born = on - timedelta(days=life.chance.randint(1, 25))
        with scopes.acting(life.officer(area).scope("doudi simulate")):
            surname = Household.objects.values_list("name", flat=True).get(pk=household)[:1]
            person = {"name": surname + life.chance.choice(GIVEN), "birth_date": born, "sex": "2" if girl else "1", "confirmed": True}
            households.add_member(
                household_id=household, relationship=DAUGHTER if girl else SON, person=person, on=on, now=at(on, 9, number % 60), starts=born
            )
    return {"births": len(chosen)}


def deaths(life: Life, on: date) -> Figures:
    """The old die more often: a weight that doubles every eight years. A dead head is followed by the eldest adult."""
    rows = _inhabitants(life)
    weights = [2 ** ((on - row[2]).days / 365.25 / 8) for row in rows]
    chosen: dict[int, tuple[int, str, date, str, int, int]] = {}
    for row in life.chance.choices(rows, weights, k=life.often(len(rows) * DEATHS / 12)) if rows else []:
        chosen[row[0]] = row
    for number, (person, area, born, relationship, household, version) in enumerate(chosen.values()):
        day = max(born, on - timedelta(days=life.chance.randint(0, 20)))
        with scopes.acting(life.officer(area).scope("doudi simulate")):
            people.record_death(person_id=person, version=version, died_on=day, on=on, now=at(on, 10, number % 60))
            if relationship == HEAD:
                _follow(household, on)
    return {"deaths": len(chosen)}


def _follow(household: int, on: date) -> None:
    rows = list(
        Membership.objects.filter(household_id=household, ends=None, person__died_on=None).order_by("person__birth_date", "person_id")
        .values_list("person_id", "relationship", "person__birth_date")
    )  # fmt: skip
    adults = [row for row in rows if (on - row[2]).days >= 18 * 365.25]
    if adults:
        version = Household.objects.values_list("version", flat=True).get(pk=household)
        others = {person: relationship for person, relationship, _born in rows if person != adults[0][0]}
        households.change_head(household_id=household, version=version, person_id=adults[0][0], relationships=others, on=on, now=at(on, 11))


def moving(life: Life, on: date) -> Figures:
    """Households move to a village of another township: asked for there, released here, carried out."""
    rows = [row for row in _inhabitants(life) if row[3] == HEAD]
    officers = life.officers()
    asked = 0
    for person, area, *_rest in life.some(rows, life.often(len(rows) * MOVES / 12)) if len(officers) > 1 else []:
        giving = life.officer(area)
        taking = life.chance.choice([each for each in officers if each is not giving])
        with scopes.acting(scopes.Scope(area=life.area, page="doudi simulate")):
            number = numbers.plain(Person.objects.values_list("token", flat=True).get(pk=person))
            villages = sorted(set(Household.objects.filter(area__startswith=taking.area).values_list("area", flat=True)))
        if number is None or len(number) != 18 or not villages:
            continue
        village = life.chance.choice(villages)
        try:
            with scopes.acting(scopes.Scope(area=life.area, page="doudi simulate")):
                _move(life, taking, giving, number, village, on)
        except ValidationError:
            continue  # somebody who was once a member lives in another household: left to the officers
        asked += 1
    with scopes.acting(scopes.Scope(area=life.area, page="doudi simulate")):
        return {"moves": asked, "moves_open": MoveRequest.objects.filter(done_at=None, refused_reason="").count()}


def _move(life: Life, taking: SignIn, giving: SignIn, number: str, village: str, on: date) -> None:
    with scopes.acting(taking.scope("doudi simulate")):
        first = (life.month + timedelta(days=40)).replace(day=1)
        request = moves.ask_move(id_number=number, to_area=village, reason="迁入本村居住", first_month=first, on=on, now=at(on, 9))
    with scopes.acting(giving.scope("doudi simulate")):
        moves.release_move(request_id=request.pk, on=on, now=at(on, 15))
        moves.carry_out_move(request_id=request.pk, now=at(on, 16))


def work(life: Life, on: date) -> Figures:
    """Who is helped finds work, or what was earned grows or shrinks; who was not helped loses work."""
    rows = _inhabitants(life)
    adults = [row for row in rows if 18 <= (on - row[2]).days / 365.25 < 60]
    with scopes.acting(scopes.Scope(area=life.area, page="doudi simulate")):
        helped = set(BenefitStatus.objects.filter(state="active").values_list("person_id", flat=True))
        wages = dict(Fact.objects.filter(kind=FactKind.WAGE_INCOME, superseded_at=None, number__gt=0).order_by("id").values_list("person_id", "number"))
    found = life.some([row for row in adults if row[0] in helped], life.often(len(rows) / 1500))
    lost = life.some([row for row in adults if row[0] not in helped and row[0] in wages], life.often(len(rows) / 1000))
    for group, low, high in ((found, 9_000, 42_000), (lost, 0, 1_500)):
        for number, (person, area, *_rest) in enumerate(group):
            amount = Decimal(life.chance.randint(low, high))
            fact = facts.NewFact(kind=FactKind.WAGE_INCOME, starts=on, source="declared", person_id=person, number=amount, note="申报变化")
            with scopes.acting(life.officer(area).scope("doudi simulate")):
                facts.record_fact(fact=fact, on=on, now=at(on, 14, number % 60))
    return {"work_found": len(found), "work_lost": len(lost)}
