"""Emergencies and their measures decided by two officers at the same moment: one decides, the other is told."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from doudi.core import scope as scopes
from doudi.core.models import Duty, Emergency, EmergencyStep, EmergencySwitch, Todo
from doudi.core.services import emergencies as service
from doudi.core.services import switches
from doudi.core.tests.officers import COUNTY, officer
from doudi.core.tests.test_emergencies import NOW, ON, declare
from doudi.core.tests.together import as_, together

OTHER = date(2022, 12, 20)


def test_every_step_of_an_emergency_and_its_measures_is_taken_once(committed_db: None) -> None:
    makers = [officer(Duty.COUNTY_REVIEWER, COUNTY, name=name) for name in ("赵敏", "钱敏")]
    deciders = [officer(Duty.COUNTY_APPROVER, COUNTY, name=name) for name in ("张卫东", "李卫东")]
    wrong: dict[str, Any] = {}

    def race(name: str, *calls: Any, words: tuple[str, ...] = ("他人",)) -> None:
        made, told = together(*calls)
        if (len(made), len(told)) != (1, 1) or not any(word in told[0] for word in words):
            wrong[name] = (made, told)

    def open_step(row: Emergency) -> int:
        with scopes.acting(makers[0]):
            return EmergencyStep.objects.get(emergency=row, state="proposed").pk

    for name, call in (
        ("confirmed", lambda pk, scope: as_(scope, service.confirm_step, step_id=pk, now=NOW)),
        ("refused", lambda pk, scope: as_(scope, service.refuse_step, step_id=pk, note="依据不足", now=NOW)),
    ):
        pk = open_step(row := declare(makers[0], kind="epidemic" if name == "confirmed" else "flood"))
        race(name, *(call(pk, scope) for scope in deciders))
        running = row if name == "confirmed" else running  # type: ignore[has-type]  # noqa: F821
    pk = open_step(declare(makers[0], kind="cold"))
    race("withdrawn while confirmed", as_(makers[0], service.withdraw_step, step_id=pk, note="重复", now=NOW), as_(deciders[0], service.confirm_step, step_id=pk, now=NOW))
    lift = {"emergency_id": running.pk, "ends": OTHER, "document": "牟政文〔2022〕45号", "now": NOW}
    race("lifting proposed", *(as_(scope, service.lift_emergency, **lift) for scope in makers), words=("他人", "待确认"))
    race("lifted", *(as_(scope, service.refuse_step, step_id=open_step(running), note="仍需要", now=NOW) for scope in deciders))
    switch = {"emergency_id": running.pk, "measure": "exit_suspension", "document": "牟民〔2022〕51号"}
    for what, state, now in (("on", "refused", NOW), ("on", "confirmed", NOW), ("off", "confirmed", NOW + timedelta(days=3))):
        starts = ON if what == "on" else ON + timedelta(days=5)
        race(f"{what} proposed", *(as_(scope, switches.propose_switch, what=what, starts=starts, now=now, **switch) for scope in makers), words=("待确认",))
        with scopes.acting(makers[0]):
            pk = EmergencySwitch.objects.get(state="proposed").pk
        race(f"{what} {state}", *(as_(scope, switches.decide_switch, switch_id=pk, state=state, note="理由", now=now) for scope in deciders))
    assert not wrong
    with scopes.acting(makers[0]):
        assert not Todo.objects.filter(subject__in=("emergency", "emergency_switch"), done_at=None).exists()
