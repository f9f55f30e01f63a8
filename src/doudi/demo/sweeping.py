"""Sweeps of the demo's county: one that its first township closed in November, and one that the county runs in two townships in December."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.demo.staff import SignIn, by_duty, townships

FIRST = (date(2022, 10, 31), date(2022, 11, 11))
SECOND = (date(2022, 12, 5), date(2022, 12, 16))
MOST = 70  # records of one sweep
HEATING = ("central", "gas", "coal", "coal", "coal")
NOTES = ("一切都好", "棉衣棉被够用", "儿女常回来看", "想换个大点的炉子", "")


def _key(seed: int, *parts: Any) -> UUID:
    return uuid5(NAMESPACE_URL, f"doudi-demo-sweep-{seed}-" + "-".join(map(str, parts)))


def closed(demo: Any) -> None:
    """The first township's: opened, answered, one visitor's household recorded twice, closed with some not reached."""
    from doudi.demo.job import at
    from doudi.discovery.models import Sweep
    from doudi.discovery.services import OwnQuestion, close_sweep, open_sweep

    demo.tell("集中排查", 0, 2)
    starts, ends = FIRST
    officer, visitor = by_duty(demo.staff, Duty.TOWNSHIP_OFFICER), by_duty(demo.staff, Duty.VISITOR)
    with scopes.acting(officer.scope()):
        sweep = open_sweep(
            key=_key(demo.seed, "first"), area=officer.area, title="2022年入冬困难群众集中排查", document="牟民〔2022〕44号", starts=starts, ends=ends, places=(),
            groups=("dibao", "tekun", "alone"), everybody=False, asked=("needs", "medicine_days", "food_days", "heating", "carer", "house_safe", "members"),
            own=(OwnQuestion("过冬的棉被有几床", "number", most=30), OwnQuestion("有没有老年卡", "yesno")), now=at(starts - timedelta(days=1), 15),
        )  # fmt: skip
        if sweep.state != Sweep.State.OPEN:
            return
    _found(sweep.pk, visitor, seed=demo.seed, day=starts + timedelta(days=3))
    _answers(sweep.pk, visitor, officer, seed=demo.seed, starts=starts, days=10, leave=3, share=0.96)
    with scopes.acting(officer.scope()):
        close_sweep(sweep_id=sweep.pk, version=sweep.version, note="", now=at(ends + timedelta(days=3), 16))


def running(demo: Any) -> None:
    """The county's in its first two townships: under way, with some done."""
    from doudi.demo.job import at
    from doudi.discovery.models import Sweep, SweepEntry
    from doudi.discovery.services import OwnQuestion, open_sweep

    starts, ends = SECOND
    reviewer, visitor = by_duty(demo.staff, Duty.COUNTY_REVIEWER), by_duty(demo.staff, Duty.VISITOR)
    officers = [each for each in demo.staff if each.duty == Duty.TOWNSHIP_OFFICER.value][:2]
    with scopes.acting(reviewer.scope()):
        sweep = open_sweep(
            key=_key(demo.seed, "second"), area=demo.area, title="2022年冬季取暖和用药排查", document="牟民〔2022〕51号", starts=starts, ends=ends,
            places=townships(demo.area)[:2], groups=(), everybody=True,
            asked=("needs", "medicine_days", "heating", "carer", "fever", "insured", "contact"),
            own=(OwnQuestion("家里有没有煤气报警器", "choice", options=("有", "没有", "不用煤"), required=True),), now=at(starts - timedelta(days=3), 15),
        )  # fmt: skip
        begun = SweepEntry.objects.filter(sweep=sweep).exclude(state=SweepEntry.State.LISTED).exists()
    if not begun:
        for number, officer in enumerate(officers):
            _answers(sweep.pk, visitor, officer, seed=demo.seed, starts=starts, days=4, leave=6, share=0.5 if number == 0 else 0.3)
    demo.tell("集中排查", 2, 2)
    with scopes.acting(reviewer.scope()):
        demo.figures["sweeps"] = {
            "sweeps": Sweep.objects.count(),
            "households": SweepEntry.objects.count(),
            "done": SweepEntry.objects.filter(state="done").count(),
            "open": SweepEntry.objects.filter(state__in=SweepEntry.OPEN, sweep__state=Sweep.State.OPEN).count(),
            "unreached": SweepEntry.objects.filter(state="unreached").count(),
        }


def _answers(sweep_id: int, visitor: SignIn, officer: SignIn, *, seed: int, starts: date, days: int, leave: int, share: float) -> None:
    """What the village visitor records by phone and the township from paper; `leave` households of the visitor's own village are left."""
    from doudi.demo.job import at
    from doudi.discovery.models import SweepEntry
    from doudi.discovery.services import answer_sweep

    with scopes.acting(officer.scope()):
        rows = list(SweepEntry.objects.filter(sweep=sweep_id, state="listed").order_by("id"))
    own = [row for row in rows if row.area == visitor.area]
    others = [row for row in rows if row.area != visitor.area]
    others = others[: int(len(others) * share)][:MOST]
    for number, row in enumerate([*own[: max(len(own) - leave, 1)], *others]):
        chance = random.Random(f"{seed}-{sweep_id}-{number}")
        day = starts + timedelta(days=chance.randrange(days))
        here = row.area == visitor.area
        with scopes.acting((visitor if here else officer).scope()):
            result, given = _one(row, chance)
            answer_sweep(
                entry_id=row.pk, uuid=_key(seed, sweep_id, row.household_id), done_at=at(day, 9 + number % 8), result=result, answers=given,
                paper=not here, now=at(day, 18),
            )  # fmt: skip


def _one(row: Any, chance: random.Random) -> tuple[Any, dict[int, Any]]:
    """A plausible record: most live steadily, some lack something, few are not met."""
    from doudi.discovery.services.visits import Result
    from doudi.registry.models import Membership

    luck = chance.random()
    if luck < 0.07:
        return Result("absent"), {}
    if luck < 0.09:
        return Result("refused", note="说不需要"), {}
    hard = luck > 0.92
    people = Membership.objects.filter(household=row.household_id, ends__isnull=True, person__died_on__isnull=True).count()
    given: dict[int, Any] = {}
    for question in row.sweep.questions.all():
        given[question.pk] = {
            "food_days": chance.randint(10, 90), "heating": "bedding" if hard else chance.choice(HEATING), "carer": "family" if luck < 0.6 else "self",
            "house_safe": "yes", "members": people + (1 if 0.52 < luck < 0.56 else 0), "fever": "no", "insured": "no" if 0.5 < luck < 0.52 else "yes",
            "contact": "女儿" if luck < 0.5 else "",
        }.get(question.field, "")  # fmt: skip
        if not question.field:
            given[question.pk] = {"number": chance.randint(2, 8), "yesno": "yes" if luck < 0.8 else "no", "choice": "1" if luck < 0.4 else "3"}[
                question.kind
            ]
    if hard:
        return Result("self", "hard", needs=("medicine",), medicine_days=2, note="夜里冷，降压药快没了"), given
    return Result("self" if luck < 0.8 else "family", "steady", medicine_days=chance.randint(7, 40), note=chance.choice(NOTES)), given


def _found(sweep_id: int, visitor: SignIn, *, seed: int, day: date) -> None:
    """A household from elsewhere that the visitor came across."""
    from doudi.demo.job import at
    from doudi.discovery.services import add_found

    with scopes.acting(visitor.scope()):
        add_found(
            sweep_id=sweep_id, uuid=_key(seed, "found"), area=visitor.area, name="吴春生", need="stranded", urgency="orange", phone="13700001122",
            address="村东头租住", registered_area="371722", detail="从山东来打工，工地停工后没有收入，带着一个孩子", now=at(day, 11),
        )  # fmt: skip
