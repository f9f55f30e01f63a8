"""What every act on a need shares: its clocks, the rows locked, the event that says who and why."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.numbers import Kind
from doudi.core.services.todos import finish_todos, held, raise_todo
from doudi.core.settings_overlay import settings_at
from doudi.core.workdays import add_working_days
from doudi.needs import kinds
from doudi.needs.models import Need, NeedAnswer, NeedEvent

SUBJECT = "need"
S, A = Need.State, NeedAnswer.State


def end_of(day: date) -> datetime:
    """The last second of a day here."""
    return timezone.make_aware(datetime.combine(day, time(23, 59, 59)))


def deadline(step: str, urgency: str, area: str, start: datetime) -> datetime:
    """The limit of a step (`answer`, `meet`, `reply`, `county`) that begins at `start`: urgent ones by hours of the clock, nights and holidays
    included; the others by the end of a working day.
    """
    on = timezone.localdate(start)
    name = f"procedure.need.{step}.{urgency}"
    number = int(settings_at(name, area, on)(name))
    return start + timedelta(hours=number) if urgency == Need.Urgency.RED else end_of(add_working_days(on, number))


def days(name: str, area: str, on: date) -> int:
    return int(settings_at(f"procedure.need.{name}", area, on)(f"procedure.need.{name}"))


def locked(need_id: int, version: int | None, *states: str) -> Need:
    """The need, locked, in one of the states. Out of scope is told like one that does not exist."""
    row = Need.objects.select_for_update(of=("self",)).filter(pk=need_id).first()
    if row is None:
        raise ValidationError(_("没有这项需求，或它不在您的管辖范围内。"))
    if version is not None and row.version != version:
        raise ValidationError(_("这项需求刚由他人办理，现为“%(state)s”；请刷新页面。") % {"state": row.get_state_display()})
    if states and row.state not in states:
        raise ValidationError(_("这项需求现为“%(state)s”，不能这样办理；请刷新页面。") % {"state": row.get_state_display()})
    return row


def locked_answer(answer_id: int, version: int | None, *states: str) -> tuple[Need, NeedAnswer]:
    """An answer and its need, both locked, the need first: two answers of one need wait for each other."""
    found = NeedAnswer.objects.filter(pk=answer_id).values_list("need_id", flat=True).first()
    if found is None:
        raise ValidationError(_("没有这条响应，或它不在您的管辖范围内。"))
    need = locked(found, None)
    row = NeedAnswer.objects.select_for_update(of=("self",)).get(pk=answer_id)
    if (version is not None and row.version != version) or (states and row.state not in states):
        raise ValidationError(_("这条响应刚由他人办理，现为“%(state)s”；请刷新页面。") % {"state": row.get_state_display()})
    return need, row


def note_event(row: Need, what: str, note: str, now: datetime) -> None:
    NeedEvent.objects.create(need=row, area=row.area, at=now, account_id=scopes.current().account_id or None, what=what, note=note.strip()[:2000] or None)


def moved(row: Need, what: str, note: str, now: datetime, *fields: str) -> None:
    """Save the change with its event; the version goes up."""
    row.version += 1
    row.save(update_fields=[*fields, "version"])
    note_event(row, what, note, now)
    scopes.check_constraints()


def settle(row: Need, now: datetime) -> tuple[str, ...]:
    """State of a live need after its answers changed, from what the trigger counted: the fields that changed (not saved)."""
    row.refresh_from_db(fields=["taken", "met"])
    before = row.state
    row.state = S.DONE if row.met == row.wanted else S.IN_HAND if row.taken == row.wanted else S.OPEN
    if row.state == S.DONE:
        row.closed_at, row.closed_by_id = now, scopes.current().account_id or None
        finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
        return "state", "closed_at", "closed_by"
    if before == S.OPEN and row.state == S.IN_HAND:
        finish_todos(subject=SUBJECT, subject_id=row.pk, now=now, kind="need.answer")
        finish_todos(subject=SUBJECT, subject_id=row.pk, now=now, kind="need.late")
    if before == S.IN_HAND and row.state == S.OPEN:
        # the search begins again, with its clock
        row.answer_due, row.escalated, row.escalated_at = min(deadline("answer", row.urgency, row.area, now), max(row.due, now)), 0, None
        ask_for_answers(row, now)
        return "state", "answer_due", "escalated", "escalated_at"
    return ("state",)


def url_of(row: Need) -> str:
    return f"/needs/{row.pk}/"


def title(row: Need) -> str:
    """A to-do's words: stored, so Chinese, and without whose need it is."""
    with translation.override("zh-hans"):
        return f"{kinds.label(row.kind)}需求 {row.number}（{row.get_urgency_display()}）"


def todo(row: Need, kind: str, duty: str, words: str, now: datetime, *, due: datetime, posting_id: int | None = None) -> None:
    # at the need's own place, which every posting above covers: whoever takes it may finish it
    raise_todo(
        kind=kind, area=row.area, duty=duty, title=title(row) + words, url=url_of(row), subject=SUBJECT, subject_id=row.pk,
        due=timezone.localdate(due), posting_id=posting_id, now=now,
    )  # fmt: skip


def ask_for_answers(row: Need, now: datetime) -> None:
    """Tell the village's visitor that somebody is wanted; the township too where it is urgent, the place is no village, or has no visitor."""
    visited = len(row.area) == 12 and held(duty=Duty.VISITOR, area=row.area, on=timezone.localdate(now))
    if visited:
        todo(row, "need.answer", Duty.VISITOR, "待响应", now, due=row.answer_due)
    if row.urgency == Need.Urgency.RED or not visited:
        todo(row, "need.answer", Duty.TOWNSHIP_OFFICER, "待响应", now, due=row.answer_due)


def phone_token(text: str, field: str = "phone") -> UUID | None:
    """Token of a phone number; None for none. Raises ValidationError at the field."""
    if not text.strip():
        return None
    try:
        return numbers.token_of(Kind.PHONE, idnumber.check_phone(text.strip()))
    except ValueError as error:
        raise ValidationError({field: str(error)}) from None
