"""What every act on a complaint shares: the row locked, who may touch it, the event that says who and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.db.models import F
from django.utils.translation import gettext as _

from doudi.complaints.models import Complaint, ComplaintEvent
from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.services.todos import finish_todos, raise_todo, raise_todos
from doudi.core.settings_overlay import get_setting
from doudi.core.workdays import add_working_days
from doudi.enrolment.models import Award, Decision, Publicity

SUBJECT = "complaint"
S = Complaint.State


def days(name: str, area: str, on: date) -> int:
    return int(get_setting(f"procedure.complaint.{name}", area, on))


def due_of(*, category: str, area: str, on: date) -> date:
    """By when a complaint is to be answered: working days of its category at its place."""
    return add_working_days(on, days(f"days.{category}", area, on))


def locked(complaint_id: int, version: int | None, *states: str) -> Complaint:
    """The complaint, locked, in one of the states. The officer complained about does not see it and is told so like anybody out of scope."""
    row = Complaint.objects.select_for_update(of=("self",)).filter(pk=complaint_id).first()
    if row is None:
        raise ValidationError(_("没有这件异议投诉，或它不在您的办理范围内。"))
    if version is not None and row.version != version:
        raise ValidationError(_("这件异议投诉刚由他人办理，现为“%(state)s”；请刷新页面。") % {"state": row.get_state_display()})
    if states and row.state not in states:
        raise ValidationError(_("这件异议投诉现为“%(state)s”，不能这样办理；可能已由他人办理，请刷新页面。") % {"state": row.get_state_display()})
    return row


def barred(row: Complaint) -> set[int]:
    """Accounts that must not handle or close it: the officer complained about, who proposed or decided what is objected to, and who posted it."""
    found = {row.about_account_id} if row.about_account_id else set()
    if row.publicity_id:
        posted = Publicity.objects.filter(pk=row.publicity_id).values_list("posted_by_id", "case__decision__proposed_by_id", "case__decision__decided_by_id")
        found |= {account for accounts in posted for account in accounts} - {None}
    decisions = Decision.objects.filter(pk=row.decision_id) if row.decision_id else Decision.objects.none()
    if row.award_id and not row.decision_id:
        decisions = Decision.objects.filter(award_id=row.award_id) | Decision.objects.filter(pk__in=_first_decision(row.award_id))
    # what was taken over from an earlier system nobody here decided (enrolment.loading)
    for proposed, decided in decisions.exclude(number__gte="INIT", number__lt="INIU").values_list("proposed_by_id", "decided_by_id"):
        found |= {proposed, decided} - {None}
    return found


def _first_decision(award_id: int) -> list[int]:
    return list(Award.objects.filter(pk=award_id).values_list("decision_id", flat=True))


# The same for many at once.
BARRED = """
select c.id from complaints_complaint c left join enrolment_publicity p on p.id = c.publicity_id left join enrolment_case k on k.id = p.case_id
where c.id = any(%(ids)s) and (%(account)s in (c.about_account_id, p.posted_by_id) or exists (
  select from enrolment_decision d where %(account)s in (d.proposed_by_id, d.decided_by_id) and (d.id = k.decision_id or not starts_with(d.number, 'INIT')
    and (d.id = c.decision_id or c.decision_id is null
      and (d.award_id = c.award_id or d.id = (select a.decision_id from enrolment_award a where a.id = c.award_id))))))
"""


def barred_from(ids: Iterable[int], account_id: int) -> set[int]:
    """Of many complaints those that an account must not handle or close."""
    with connection.cursor() as cursor:
        cursor.execute(BARRED, {"ids": list(ids), "account": account_id})
        return {row[0] for row in cursor.fetchall()}


def refuse_barred(row: Complaint, account_id: int) -> None:
    if account_id in barred(row):
        raise PermissionDenied(_("被投诉的工作人员、原决定的提出人和审批人不能办理这件异议投诉；请由其他人员办理。"))


def note_event(row: Complaint, what: str, note: str, now: datetime) -> None:
    account = scopes.current().account_id or None
    ComplaintEvent.objects.create(complaint=row, area=row.area, at=now, account_id=account, what=what, note=note.strip()[:2000] or None)


def moved(row: Complaint, what: str, note: str, now: datetime, *fields: str) -> None:
    """Save the change with its event; the version goes up."""
    row.version += 1
    row.save(update_fields=[*fields, "version"])
    note_event(row, what, note, now)
    scopes.check_constraints()


def all_moved(rows: Iterable[Complaint], what: str, notes: Mapping[int, str], now: datetime, **changes: Any) -> None:
    """The same change to many complaints that are locked, each with its event: three statements, whatever their number."""
    found = list(rows)
    Complaint.objects.filter(pk__in=[row.pk for row in found]).update(version=F("version") + 1, **changes)
    account = scopes.current().account_id or None
    ComplaintEvent.objects.bulk_create(
        [ComplaintEvent(complaint=row, area=row.area, at=now, account_id=account, what=what, note=notes[row.pk][:2000] or None) for row in found], batch_size=1000
    )
    scopes.check_constraints()


# Columns of `todos.raise_todos` for the complaints %s; then duty, kind, words before and after the number.
TODOS = """
select c.area, %s::text, %s::text, %s || case c.kind when 'objection' then '异议' when 'complaint' then '投诉' else '举报' end || ' ' || c.number || %s,
  '/complaints/' || c.id || '/', 'complaint', c.id, c.due from complaints_complaint c where c.id = any(%s)
"""


def todo_all(ids: Iterable[int], kind: str, duty: str, before: str, after: str, now: datetime) -> None:
    raise_todos(TODOS, [duty, kind, before, after, list(ids)], now=now)


def finish_all(ids: Iterable[int], now: datetime) -> None:
    rows = Todo.objects.filter(subject=SUBJECT, subject_id__in=list(ids), done_at__isnull=True)
    rows.update(done_at=now, done_by=scopes.current().account_id or None)


def url_of(row: Complaint) -> str:
    return f"/complaints/{row.pk}/"


def todo(row: Complaint, kind: str, duty: str, title: str, now: datetime, *, area: str = "", due: date | None = None) -> None:
    raise_todo(kind=kind, area=area or row.area, duty=duty, title=title, url=url_of(row), subject=SUBJECT, subject_id=row.pk, due=due or row.due, now=now)


def finish(row: Complaint, now: datetime) -> None:
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)


def kind_word(row: Complaint) -> str:
    """Stored titles are Chinese."""
    return {"objection": "异议", "complaint": "投诉", "report": "举报"}[row.kind]


HANDLING_DUTIES = (Duty.COUNTY_REVIEWER, Duty.TOWNSHIP_OFFICER, Duty.CHILD_SUPERVISOR, Duty.SUPERVISOR)
