"""What every act on a case shares: the row locked, the event that says who and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.models import Duty, Posting
from doudi.core.services.todos import raise_todo
from doudi.core.settings_overlay import get_setting
from doudi.protection.models import CaseEvent, ProtectionCase
from doudi.protection.sections import may_write

SUBJECT = "protection_case"
WORKING = (Duty.PROTECTION_WORKER, Duty.CHILD_SUPERVISOR, Duty.CHILD_DIRECTOR, Duty.STATION_WORKER)


def contact_due(*, urgency: str, area: str, now: datetime) -> datetime:
    """By when somebody must have seen the minor: hours of the clock, not of the office."""
    return now + timedelta(hours=int(get_setting(f"procedure.protection.contact_hours.{urgency}", area, timezone.localdate(now))))


def locked(case_id: int, version: int | None, *states: str) -> ProtectionCase:
    """The case, locked, in one of the states. One that the officer may not see is told like one that does not exist."""
    row = ProtectionCase.objects.select_for_update(of=("self",)).filter(pk=case_id).first()
    if row is None:
        raise ValidationError(_("没有这件个案，或它不由您办理；可能已由他人接案或结案。"))
    if version is not None and row.version != version:
        raise ValidationError(_("这件个案刚由他人办理，现为“%(state)s”；请刷新页面。") % {"state": row.get_state_display()})
    if states and row.state not in states:
        raise ValidationError(_("这件个案现为“%(state)s”，不能这样办理；请刷新页面。") % {"state": row.get_state_display()})
    return row


def note_event(row: ProtectionCase, what: str, note: str, now: datetime) -> None:
    CaseEvent.objects.create(case=row, area=row.area, at=now, account_id=scopes.current().account_id or None, what=what, note=note.strip()[:2000] or None)


def moved(row: ProtectionCase, what: str, note: str, now: datetime, *fields: str) -> None:
    """Save the change with its event; the version goes up."""
    row.version += 1
    row.save(update_fields=[*fields, "version"])
    note_event(row, what, note, now)
    scopes.check_constraints()


def url_of(row: ProtectionCase) -> str:
    return f"/protection/cases/{row.pk}/"


def todo(row: ProtectionCase, kind: str, duty: str, title: str, now: datetime, *, area: str = "", due: datetime | None = None) -> bool:
    """A to-do names the case by its number alone: lists are wider than the case. False where the same one is open already."""
    return raise_todo(
        kind=kind, area=area or row.area, duty=duty, title=title, url=url_of(row), subject=SUBJECT, subject_id=row.pk,
        due=timezone.localdate(due) if due else None, now=now,
    )  # fmt: skip


def writer(section: str) -> scopes.Scope:
    """The acting scope, if its duty works on cases and writes this section. Raises PermissionDenied."""
    acting = duties.require("protection.handle")
    if not may_write(section, acting.duty):
        raise PermissionDenied(_("您的岗位不能填写这部分内容。"))
    return acting


def tell(row: ProtectionCase, kind: str, title: str, now: datetime, *, due: datetime | None = None, helpers: bool = False) -> int:
    """To-dos for the postings of those who work on the case: of whoever answers for it, with `helpers` of the others too; nobody else reads of it.

    Where the responsible officer has no posting there any more, the county's protection workers are told. Returns the number raised.
    """
    on = timezone.localdate(now)
    accounts: set[int] = {row.responsible_id or 0} if not helpers else set(row.assignments.filter(ends__isnull=True).values_list("account_id", flat=True))
    postings = Posting.objects.filter(account_id__in=accounts, duty__in=WORKING, starts__lte=on).order_by("pk")
    chosen: dict[str, Posting] = {}
    for posting in postings:
        if posting.holds_on(on) and row.area.startswith(posting.area):
            chosen.setdefault(posting.duty, posting)
    day = timezone.localdate(due) if due else None
    common = {"kind": kind, "title": title, "url": url_of(row), "subject": SUBJECT, "subject_id": row.pk, "due": day, "now": now}
    if not any(posting.account_id == row.responsible_id for posting in chosen.values()):
        return int(raise_todo(area=row.area, duty=Duty.PROTECTION_WORKER, **common))  # type: ignore[arg-type]
    return sum(raise_todo(area=row.area, duty=posting.duty, posting_id=posting.pk, **common) for posting in chosen.values())  # type: ignore[arg-type]


@contextmanager
def across_places() -> Iterator[None]:
    """The clock of one county also tells its city and, of referrals, other counties: the machine acts as wide as the province. For daily jobs alone."""
    acting = scopes.current()
    if acting.duty not in duties.MACHINES:
        raise PermissionDenied
    with scopes.acting(replace(acting, area=places.PROVINCE)):
        yield
