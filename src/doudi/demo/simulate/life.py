"""What happens in people's lives: births, deaths, moves between villages, work found and lost."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError

from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.workdays import add_working_days, is_working_day, on_or_before
from doudi.demo.staff import SignIn, by_duty
from doudi.registry.models import BenefitStatus, Fact, FactKind, Household, Membership, MoveRequest, Person
from doudi.registry.services import facts, households, moves, people

CHINA = ZoneInfo("Asia/Shanghai")
BIRTHS, DEATHS, MOVES = 0.0074, 0.0078, 0.004  # a year and head
GIVEN = ("子涵", "雨桐", "浩宇", "欣怡", "梓轩", "一诺", "宇航", "思远", "佳琪", "俊杰")
HEAD, SON, DAUGHTER = "02", "20", "30"
AWAY = (FactKind.WORKS_AWAY, FactKind.IN_INSTITUTION)
ELSEWHERE = ("410105", "410202", "310115", "440306")  # where people of the county work
SURNAMES = "陈李王张赵刘周郭马朱何孙胡高林罗宋谢韩唐冯于董萧程曹袁邓许傅"
Figures = dict[str, Any]


def at(day: date, hour: int = 9, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), CHINA)


def key(life: Life, *parts: Any) -> UUID:
    """The key of a form that is sent in this step: the same in each run."""
    return uuid5(NAMESPACE_URL, f"doudi-simulate-{life.seed}-{life.month}-{life.step}-" + "-".join(map(str, parts)))


def fate(life: Life, *about: Any) -> random.Random:
    """The chance of one row, in whatever month it is met: it follows from the seed and what describes the row, never from its id."""
    return random.Random(f"{life.seed}-" + "-".join(map(str, about)))


def name(life: Life) -> str:
    return life.chance.choice(SURNAMES) + life.chance.choice(("大山", "二妮", "长贵", "小宝", "玉珍", "满仓", "桂兰", "铁柱", "秀英", "来福", "春花", "建设"))


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

    def pay_days(self) -> tuple[date, date, date, date]:
        """When the payroll is prepared and checked, approved, released, and booked: the bank's answer is there by the 10th, before a holiday earlier.

        A long holiday (1 to 8 October) leaves two working days: what has no day of its own is done on the day of the step after it.
        """
        last = on_or_before(self.day(10))
        days = [each for each in map(self.day, range(1, 11)) if is_working_day(each) and each <= last][1 if self.working_day(5) <= last else 0 :]
        days = days[:4]
        first, second, third = (days[max(0, len(days) - back)] for back in (4, 3, 2))
        return first, second, third, days[-1]

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
                follow(household, on)
    return {"deaths": len(chosen)}


def follow(household: int, on: date) -> None:
    rows = list(
        Membership.objects.filter(household_id=household, ends=None, person__died_on=None).order_by("person__birth_date", "person_id")
        .values_list("person_id", "relationship", "person__birth_date")
    )  # fmt: skip
    adults = [row for row in rows if (on - row[2]).days >= 18 * 365.25] or rows  # children alone: the eldest, until somebody takes them in
    if adults:
        version = Household.objects.values_list("version", flat=True).get(pk=household)
        others = {person: relationship for person, relationship, _born in rows if person != adults[0][0]}
        households.change_head(household_id=household, version=version, person_id=adults[0][0], relationships=others, on=on, now=at(on, 11))


def away(life: Life, on: date) -> Figures:
    """Members leave for work in another county or are taken into an institution, others come back; the household stays where it is."""
    rows = _inhabitants(life)
    with scopes.acting(scopes.Scope(area=life.area, page="doudi simulate")):
        gone = set(Fact.objects.filter(kind__in=AWAY, superseded_at=None, number=1).values_list("person_id", flat=True))
    ages = {row[0]: (on - row[2]).days / 365.25 for row in rows}
    back = life.some([row for row in rows if row[0] in gone], 1)
    work_ = life.some([row for row in rows if row[0] not in gone and row[3] != HEAD and 20 <= ages[row[0]] < 55], 2)
    care = life.some([row for row in rows if row[0] not in gone and row[3] != HEAD and ages[row[0]] >= 70], life.often(0.5))
    for number, (group, kind, flag) in enumerate(((back, "", 0), (work_, FactKind.WORKS_AWAY, 1), (care, FactKind.IN_INSTITUTION, 1))):
        for person, area, *_rest in group:
            with scopes.acting(life.officer(area).scope("doudi simulate")):
                held = Fact.objects.filter(kind__in=AWAY, superseded_at=None, number=1, person_id=person).values_list("kind", flat=True)
                news = [facts.NewFact(kind=each, starts=on, source="declared", person_id=person, number=Decimal(flag)) for each in ([kind] if kind else held)]
                if kind == FactKind.WORKS_AWAY:
                    news.append(facts.NewFact(kind=FactKind.WORKPLACE_AREA, starts=on, source="declared", person_id=person, text=life.chance.choice(ELSEWHERE)))
                facts.record_facts(facts=news, on=on, now=at(on, 13, number))
    return {"away": len(work_) + len(care), "back": len(back)}


def moving(life: Life, on: date) -> Figures:
    """Households move to a village of another township: asked for there, released here, carried out. One of them has a member who lives elsewhere."""
    inhabitants = _inhabitants(life)
    rows = [row for row in inhabitants if row[3] == HEAD]
    officers = life.officers()
    asked = 0
    with scopes.acting(scopes.Scope(area=life.area, page="doudi simulate")):
        gone = set(Fact.objects.filter(kind__in=AWAY, superseded_at=None, number=1).values_list("person_id", flat=True))
    split = {row[4] for row in inhabitants if row[0] in gone}
    chosen = life.some([row for row in rows if row[4] in split], life.month.month % 2) if len(officers) > 1 else []
    chosen += [row for row in life.some(rows, life.often(len(rows) * MOVES / 12)) if row not in chosen] if len(officers) > 1 else []
    for person, area, *_rest in chosen:
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
    asked += _released(life, on)
    with scopes.acting(scopes.Scope(area=life.area, page="doudi simulate")):
        return {"moves": asked, "moves_open": MoveRequest.objects.filter(done_at=None, refused_reason="").count()}


def _released(life: Life, on: date) -> int:
    """Requests of before that somebody of the county still has to answer are released and carried out."""
    with scopes.acting(scopes.Scope(area=life.area, page="doudi simulate")):
        waiting = MoveRequest.objects.filter(done_at=None, released_at=None, refused_reason="", from_area__startswith=life.area, asked_at__lt=at(on))
        rows = list(waiting.order_by("pk").values_list("pk", "from_area"))
    done = 0
    for pk, area in rows:
        try:
            with scopes.acting(life.officer(area).scope("doudi simulate")):
                moves.release_move(request_id=pk, on=on, now=at(on, 15))
                moves.carry_out_move(request_id=pk, now=at(on, 16))
            done += 1
        except ValidationError:
            continue  # left to the officers
    return done


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
    found = life.some([row for row in adults if row[0] in helped], life.often(len(rows) / 4000))
    lost = life.some([row for row in adults if row[0] not in helped and row[0] in wages], life.often(len(rows) / 600))
    for group, low, high in ((found, 9_000, 42_000), (lost, 0, 1_500)):
        for number, (person, area, *_rest) in enumerate(group):
            amount = Decimal(life.chance.randint(low, high))
            fact = facts.NewFact(kind=FactKind.WAGE_INCOME, starts=on, source="declared", person_id=person, number=amount, note="申报变化")
            with scopes.acting(life.officer(area).scope("doudi simulate")):
                facts.record_fact(fact=fact, on=on, now=at(on, 14, number % 60))
    return {"work_found": len(found), "work_lost": len(lost)}
