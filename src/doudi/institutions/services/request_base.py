"""What every act on a request shares: its clock, the row locked, the event that says who and why, its to-dos."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import scope as scopes
from doudi.core.services.todos import raise_todo
from doudi.core.settings_overlay import settings_at
from doudi.core.workdays import add_working_days
from doudi.institutions.coordination import PREFIX
from doudi.institutions.models import Request, RequestEvent
from doudi.institutions.services.base import today_of

SUBJECT = "institution_request"
S = Request.State
CLOSES = time(18, 0)  # a limit in working days ends with the office's day


def clock(*, urgency: str, area: str, now: datetime) -> tuple[datetime, datetime]:
    """By when a request is to be taken and to be fulfilled: urgent ones by hours of the clock, nights and holidays too; others by working days."""
    get = settings_at(PREFIX, area, today_of(now))
    if urgency != Request.Urgency.YELLOW:
        return now + timedelta(hours=int(get(f"{PREFIX}accept_hours.{urgency}"))), now + timedelta(hours=int(get(f"{PREFIX}finish_hours.{urgency}")))
    days = [add_working_days(today_of(now), int(get(PREFIX + name))) for name in ("accept_days.yellow", "finish_days.yellow")]
    taken, done = (datetime.combine(day, CLOSES, timezone.get_current_timezone()) for day in days)
    return taken, done


def due_of(finish: datetime, wanted_by: datetime | None) -> datetime:
    """What the institution needs earlier than the clock says, is due earlier."""
    return min(finish, wanted_by) if wanted_by else finish


def locked(request_id: int, version: int | None, *states: str) -> Request:
    """The request, locked, in one of the states. One that the officer may not see is told like one that does not exist."""
    row = Request.objects.select_for_update(of=("self",)).select_related("institution", "item").filter(pk=request_id).first()
    if row is None:
        raise ValidationError(_("没有这件协调事项，或它不在您的范围内。"))
    if version is not None and row.version != version:
        raise ValidationError(_("这件协调事项刚由他人办理，现为“%(state)s”；您的操作没有保存，请刷新页面。") % {"state": row.get_state_display()}, code="stale")
    if states and row.state not in states:
        raise ValidationError(_("这件协调事项现为“%(state)s”，不能这样办理；请刷新页面。") % {"state": row.get_state_display()}, code="stale")
    return row


def note_event(row: Request, what: str, note: str, now: datetime) -> None:
    RequestEvent.objects.create(request=row, area=row.area, at=now, account_id=scopes.current().account_id or None, what=what, note=note.strip()[:1000] or None)


def moved(row: Request, what: str, note: str, now: datetime, *fields: str) -> Request:
    """Save the change with its event; the version goes up."""
    row.version += 1
    row.save(update_fields=[*fields, "version"])
    note_event(row, what, note, now)
    scopes.check_constraints()
    return row


def url_of(row: Request) -> str:
    return f"/institutions/requests/{row.pk}/"


def todo(row: Request, kind: str, duty: str, title: str, now: datetime, *, area: str = "", due: datetime | None = None, posting_id: int | None = None) -> None:
    raise_todo(
        kind=kind, area=area or row.area, duty=duty, title=title, url=url_of(row), subject=SUBJECT, subject_id=row.pk,
        due=timezone.localdate(due) if due else None, posting_id=posting_id, now=now,
    )  # fmt: skip


def coordinator(row: Request) -> str:
    """The duty that assigns at the place which answers for the request now."""
    return "county_reviewer" if len(row.held_by) == 6 else "supervisor"
