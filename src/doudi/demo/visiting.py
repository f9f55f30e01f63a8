"""Visits of the demo's county from mid-November on: the county's plan, what fell due, what visitors found, and one visit recorded twice."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import Duty
from doudi.demo.staff import SignIn, by_duty

PLANS = (("dibao", 1, "month", 1, "week"), ("marginal", 3, "month", 2, "week"), ("alone", 1, "week", 2, "day"))
ROUNDS = (date(2022, 11, 15), date(2022, 11, 28))
A_ROUND = 15  # records of a township in one round; the rest waits or is missed
NOTES = ("家里收拾得干净，粮食够吃", "刚换了煤炉，取暖没问题", "儿子上周回来过", "说想做点零工", "院里积雪已清", "")
NEEDY = (
    ("用药快断了，降压药只剩两天", ("medicine",), 2),
    ("没有冬煤，屋里很冷", ("heating", "food"), None),
    ("一个人在家，没人照应", ("carer",), None),
)


def _key(seed: int, *parts: Any) -> UUID:
    return uuid5(NAMESPACE_URL, f"doudi-demo-visit-{seed}-" + "-".join(map(str, parts)))


def visiting(demo: Any) -> None:
    """Both rounds; what is recorded already is left as it is."""
    from doudi.discovery.models import Visit, VisitConflict
    from doudi.discovery.services import make_due, set_plan

    demo.tell("入户走访", 0, len(ROUNDS))
    with demo.acting(Duty.COUNTY_REVIEWER):
        for group, every, unit, dense, dense_unit in PLANS:
            set_plan(
                area=demo.area, group=group, starts=ROUNDS[0], every=every, unit=unit, emergency_every=dense, emergency_unit=dense_unit,
                document="牟民〔2022〕47号", now=_at(ROUNDS[0] - timedelta(days=1)),
            )  # fmt: skip
        begun = Visit.objects.filter(origin=Visit.Origin.PLAN).exists()
    worker = scopes.Scope(area=demo.area, duty=WORKER, page="doudi demo", acts=frozenset({"visits.due"}))
    officers = [each for each in demo.staff if each.duty == Duty.TOWNSHIP_OFFICER.value]
    visitor = by_duty(demo.staff, Duty.VISITOR)
    for number, day in enumerate(() if begun else ROUNDS, 1):
        with scopes.acting(worker):
            make_due(area=demo.area, on=day, now=_at(day, 2))
        for officer in officers:
            _township(officer, seed=demo.seed, day=day, without=visitor.area)
        _village(visitor, officers[0], seed=demo.seed, day=day)
        demo.tell("入户走访", number, len(ROUNDS))
    with demo.acting(Duty.COUNTY_REVIEWER):
        states = {state: Visit.objects.filter(state=state).count() for state in ("due", "done", "absent")}
        demo.figures["visits"] = states | {"conflicts": VisitConflict.objects.count()}


def _at(day: date, hour: int = 10) -> datetime:
    from doudi.demo.job import at

    return at(day, hour)


def _township(officer: SignIn, *, seed: int, day: date, without: str) -> None:
    """A township types in what its villages brought on paper."""
    from doudi.discovery.models import Visit
    from doudi.discovery.services import record_visit
    from doudi.discovery.services.visits import Result

    with scopes.acting(officer.scope()):
        owed = Visit.objects.filter(state__in=Visit.OPEN, due__lte=day + timedelta(days=10), due__gte=day).exclude(area=without)
        for at, visit in enumerate(owed.order_by("due", "id")[:A_ROUND]):
            chance = random.Random(f"{seed}-{day}-{at}-{officer.area}")
            made = max(day + timedelta(days=1), visit.due - timedelta(days=chance.randint(0, 2)))
            note, needs, days = chance.choice(NEEDY) if chance.random() < 0.08 else (chance.choice(NOTES), (), None)
            result = Result("self", "hard" if needs else "steady", needs=needs, medicine_days=days, note=note, witness="村会计")
            if chance.random() < 0.06:
                result = Result("absent")
            record_visit(
                uuid=_key(seed, day, visit.household_id), visit_id=visit.pk, base_version=visit.version, done_at=_at(made, 9 + at % 8),
                result=result, paper=True, now=_at(made, 18),
            )  # fmt: skip


def _village(visitor: SignIn, officer: SignIn, *, seed: int, day: date) -> None:
    """The village visitor's own: one that the township typed in from paper as well, one in need, one not at home; the others are left."""
    from doudi.discovery.models import Visit
    from doudi.discovery.services import record_visit
    from doudi.discovery.services.visits import Result

    found = (
        Result("self", "steady", note="一切都好"),
        Result("self", "hard", needs=("medicine", "heating"), medicine_days=2, note="腿疼下不了床，煤还有半袋"),
        Result("absent"),
    )
    with scopes.acting(visitor.scope()):
        owed = list(Visit.objects.filter(state="due").order_by("due", "id")[:5])
        for at, (visit, result) in enumerate(zip(owed, found, strict=False)):
            made = _at(day + timedelta(days=1), 9 + at)
            record_visit(
                uuid=_key(seed, day, "village", visit.household_id), visit_id=visit.pk, base_version=visit.version, done_at=made, result=result,
                now=made + timedelta(hours=3),
            )  # fmt: skip
    if owed and day == ROUNDS[-1]:
        with scopes.acting(officer.scope()):
            record_visit(
                uuid=_key(seed, day, "paper"), visit_id=owed[0].pk, base_version=owed[0].version, done_at=_at(day + timedelta(days=1), 16), paper=True,
                result=Result("family", "hard", health="worse", note="老人前天摔了一跤，女儿在照看", witness="村会计"), now=_at(day + timedelta(days=2), 10),
            )  # fmt: skip
