"""How a case goes on: taken under a lock by one officer, its step done, the next one opened with clock and to-do. Used by every action on a case."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services import todos
from doudi.core.workdays import add_working_days, working_days_between
from doudi.enrolment import procedure
from doudi.enrolment.models import Application, Case, CaseEvent, CaseStep, Objection, Relative
from doudi.enrolment.procedure import Step, When
from doudi.registry.models import Programme

State, Outcome = Case.State, Case.Outcome
SUBJECT = "case"


class StaleCase(ValidationError):
    """Somebody else went on with the case since the page was read; the words say who, when, what."""


def url(case_id: int) -> str:
    return f"/enrolment/cases/{case_id}/"


def _told(case: Case) -> str:
    last = CaseEvent.objects.filter(case_id=case.pk).select_related("account").order_by("-id").first()
    if last is None:
        return _("该件刚刚由其他工作人员办理过，本次操作未保存；请刷新页面后再办理。")
    who = last.account.name if last.account else _("系统")
    when = f"{timezone.localtime(last.at):%m-%d %H:%M}"
    return _("该件已由%(who)s于 %(when)s 办理（%(what)s），本次操作未保存；请查看最新办理记录后再办理。") % {"who": who, "when": when, "what": last.what}


def locked_application(application_id: int) -> Application:
    """The application, locked: whoever works on it or one of its cases takes this lock first."""
    found = Application.objects.select_for_update().filter(pk=application_id).first()
    if found is None:
        raise ValidationError(_("找不到这件申请：可能不在您的管辖范围内，或家庭已转出。"))
    return found


def take(case_id: int, version: int | None, *, at: Collection[str] = (), states: Collection[str] = (State.OPEN,)) -> Case:
    """The case, locked, where it still has the version that was read, stands at one of the steps and in one of the states.

    Raises StaleCase with who did what, ValidationError where the step is another one.
    """
    owner = Case.objects.filter(pk=case_id).values_list("application_id", flat=True).first()
    if owner is None:
        raise ValidationError(_("找不到这一件：可能不在您的管辖范围内，或家庭已转出。"))
    locked_application(owner)
    case = Case.objects.select_for_update().get(pk=case_id)
    if version is not None and case.version != version:
        raise StaleCase(_told(case))
    if case.state not in states:
        raise ValidationError(_("该件目前为“%(state)s”，不能办理这一环节；请刷新页面。") % {"state": case.get_state_display()})
    if at and case.step not in at:
        raise ValidationError(_("该件目前在“%(step)s”环节，不能办理其他环节；请刷新页面。") % {"step": case.get_step_display()})
    return case


def take_all(application_id: int, version: int | None, *, at: str, states: Collection[str] = (State.OPEN,)) -> tuple[Application, list[Case]]:
    """An application with those of its cases that stand at a step, locked. What one officer does there is done for all of them."""
    application = locked_application(application_id)
    cases = list(Case.objects.select_for_update().filter(application=application, step=at, state__in=states).order_by("id"))
    if version is not None and application.version != version:
        first = cases[0] if cases else Case.objects.filter(application=application).order_by("id").first()
        raise StaleCase(_told(first) if first else _("该件刚刚由其他工作人员办理过，本次操作未保存。"))
    if not cases:
        raise ValidationError(_("这件申请没有处于“%(step)s”环节的项目；请刷新页面。") % {"step": Step(at).label})
    return application, cases


def touched(application: Application, **values: Any) -> None:
    Application.objects.filter(pk=application.pk).update(version=F("version") + 1, **values)


def note_event(case: Case, what: str, *, note: str = "", now: datetime) -> None:
    """Write what happened to the case; the words are kept as they were said."""
    account = scopes.current().account_id or None
    CaseEvent.objects.create(area=case.area, case_id=case.pk, at=now, account_id=account, what=what[:60], note=note.strip()[:2000] or None)


def called(case: Case) -> set[str]:
    """Which of the steps that depend on the case are due now."""
    found: set[str] = set()
    if Relative.objects.filter(household_id=case.household_id, ended_at__isnull=True).exists():
        found.add(When.RELATIVES)
    objection = Objection.objects.filter(case_id=case.pk, state=Objection.State.OPEN).first()
    if objection:
        found.add(When.OBJECTION)
        if objection.way == Objection.Way.APPRAISAL:
            found.add(When.APPRAISAL)
    if case.decision_id is not None and case.decision is not None and case.decision.kind == "grant":
        found.add(When.GRANT)
    return found


def open_step(case: Case, step: str, *, today: date, now: datetime) -> None:
    """Open a step: its row, whose turn it is, its limit, its to-do. The caller saves the case."""
    entry = procedure.entry(case.procedure, step)
    due = add_working_days(today, entry["days"])
    if step == Step.PUBLICITY:  # calendar days that begin when it is posted; posting is owed the next working day
        due = add_working_days(today, 1)
    CaseStep.objects.create(area=case.area, case_id=case.pk, step=step, duty=entry["duty"], opened_on=today, due=due)
    case.step, case.duty, case.due = step, entry["duty"], due
    label = Programme(case.programme).label
    todos.raise_todo(
        kind=f"case.{step}", area=case.area, duty=entry["duty"], title=f"{label}：{Step(step).label}", url=url(case.pk), subject=SUBJECT,
        subject_id=case.pk, due=due, now=now,
    )  # fmt: skip
    if step == Step.APPROVAL and case.decision is not None and case.decision_id is not None and case.decision.differs:
        todos.raise_todo(
            kind="enrolment.sign", area=case.area, duty=Duty.COUNTY_REVIEWER, title=f"{label}：会签（与测算不一致）",
            url=f"/enrolment/decisions/{case.decision_id}/", subject="decision", subject_id=case.decision_id, due=due, now=now,
        )  # fmt: skip


def go_on(case: Case, *, now: datetime) -> None:
    """Open the next step that the case's own way and what it has met call for, and save the case."""
    today = timezone.localdate(now)
    done = set(CaseStep.objects.filter(case_id=case.pk, state=CaseStep.State.DONE).values_list("step", flat=True))
    step = procedure.next_step(case.procedure, done=done, called=called(case))
    if step:
        open_step(case, step, today=today, now=now)
    save(case)


def save(case: Case, **values: Any) -> None:
    """Write the case's moving columns; the version goes up with each of them."""
    for name, value in values.items():
        setattr(case, name, value)
    case.version += 1
    case.save(update_fields=["step", "state", "outcome", "duty", "due", "decide_by", "paused_on", "decision", "amount", "closed_at", "version"])


def done(case: Case, *, what: str, note: str = "", data: dict[str, Any] | None = None, now: datetime) -> None:
    """The open step is done: written down, its to-do finished. The caller goes on or closes."""
    account = scopes.current().account_id or None
    CaseStep.objects.filter(case_id=case.pk, state=CaseStep.State.OPEN).update(
        state=CaseStep.State.DONE, done_at=now, done_by_id=account, data=data or {}
    )
    todos.finish_todos(subject=SUBJECT, subject_id=case.pk, now=now)
    note_event(case, what, note=note, now=now)


def again(case: Case, steps: Iterable[str], *, now: datetime) -> None:
    """Steps that must be taken once more: what was done of them, and what is open, becomes void."""
    CaseStep.objects.filter(case_id=case.pk, step__in=set(steps), state=CaseStep.State.DONE).update(state=CaseStep.State.VOID)
    CaseStep.objects.filter(case_id=case.pk, state=CaseStep.State.OPEN).update(state=CaseStep.State.VOID)
    todos.finish_todos(subject=SUBJECT, subject_id=case.pk, now=now)


def close(case: Case, *, outcome: str, now: datetime) -> None:
    """End the case. The application stays where it was handled once nothing of it is open."""
    CaseStep.objects.filter(case_id=case.pk, state=CaseStep.State.OPEN).update(state=CaseStep.State.VOID)
    todos.finish_todos(subject=SUBJECT, subject_id=case.pk, now=now)
    save(case, state=State.CLOSED, outcome=case.outcome or outcome, step="", due=None, paused_on=None, closed_at=now)
    if not Case.objects.filter(application_id=case.application_id).exclude(state=State.CLOSED).exists():
        Application.objects.filter(pk=case.application_id).update(moves_with=None)


def stop_clock(case: Case, *, state: str, now: datetime) -> None:
    """The clock of the step and of the whole stands still from today."""
    save(case, state=state, paused_on=timezone.localdate(now))


def start_clock(case: Case, *, now: datetime) -> None:
    """The clock runs again: limits move by the working days that it stood still; the to-do too."""
    today = timezone.localdate(now)
    days = working_days_between(case.paused_on, today) if case.paused_on else 0
    step = CaseStep.objects.filter(case_id=case.pk, state=CaseStep.State.OPEN).first()
    if step is not None:
        step.due, step.paused_days = add_working_days(step.due, days), step.paused_days + days
        step.save(update_fields=["due", "paused_days"])
        case.due = step.due
        todos.move_due(subject=SUBJECT, subject_id=case.pk, due=step.due)
    if case.decide_by:
        case.decide_by = add_working_days(case.decide_by, days)
    save(case, state=State.OPEN, paused_on=None)


__all__ = [
    "Outcome", "StaleCase", "State", "again", "called", "close", "done", "go_on", "locked_application", "note_event", "open_step", "save", "start_clock", "stop_clock",
    "take", "take_all", "touched", "url",
]  # fmt: skip
