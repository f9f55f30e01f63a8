"""What the clocks of cases do every day: what is owed becomes a to-do, what is missed goes up (5.1, 5.4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q

from doudi.core import duties
from doudi.core.models import Duty
from doudi.protection.models import CaseContact, ProtectionCase
from doudi.protection.services.base import todo
from doudi.protection.services.following import remind
from doudi.protection.services.planning import remind_services

MOST = 5000


@dataclass(frozen=True)
class Ran:
    """To-dos raised: `reminded` of those who work on cases, `escalated` to supervisors, `grown` minors who come of age within a month."""

    reminded: int
    escalated: int
    grown: int


def _born_before(on: date) -> date:
    """Who was born on or before this day is 18 on that one."""
    try:
        return on.replace(year=on.year - 18)
    except ValueError:  # 29 February in a year without one before: reached on 1 March
        return on.replace(year=on.year - 18, day=28)


def run_clocks(*, area: str, on: date, now: datetime) -> Ran:
    """All open cases of an area. Safe to run again: an open to-do is not raised twice."""
    duties.require("protection.clocks")
    cases = ProtectionCase.objects.filter(state__in=ProtectionCase.OPEN, area__gte=area, area__lt=area + ":")
    owed = cases.filter(Q(review_due__lte=on + timedelta(days=1)) | Q(pk__in=CaseContact.objects.filter(state="due", due__lte=on + timedelta(days=1)).values("case_id")))
    reminded = sum(remind(row, now) for row in owed.exclude(responsible=None).order_by("pk")[:MOST])
    reminded += remind_services(area=area, on=on, now=now)
    escalated = 0
    for row in cases.filter(contacted_at__isnull=True, contact_due__lt=now).order_by("contact_due")[:MOST]:
        escalated += _up(row, "protection_late", f"未成年人个案 {row.number} 首次到场超时", now)
    missed = CaseContact.objects.filter(state="due", due__lt=on - timedelta(days=2), area__gte=area, area__lt=area + ":", case__contacted_at__isnull=False)
    for contact in missed.select_related("case").order_by("due")[:MOST]:
        escalated += _up(contact.case, "protection_contact_late", f"未成年人个案 {contact.case.number} 回访超期", now)
    for row in cases.filter(review_due__lt=on - timedelta(days=2)).order_by("review_due")[:MOST]:
        escalated += _up(row, "protection_assess_late", f"未成年人个案 {row.number} 评估超期", now)
    grown = 0
    # whose care ends with the birthday is brought to mind by the clock of care, earlier
    for row in cases.filter(birth_date__lte=_born_before(on + timedelta(days=30))).exclude(cares__state="active").order_by("pk")[:MOST]:
        grown += todo(row, "protection_adult", Duty.PROTECTION_WORKER, f"未成年人个案 {row.number}：即将或已满 18 周岁，请安排结案或转介", now)
    return Ran(reminded, escalated, grown)


def _up(row: ProtectionCase, kind: str, title: str, now: datetime) -> int:
    """To the township's child supervisor and to the county's approver; a red case that nobody has seen for a day to the city too
    (at the county's place, which the city sees: whoever sees the minor then ends it)."""
    raised = todo(row, kind, Duty.CHILD_SUPERVISOR, title, now) + todo(row, kind, Duty.COUNTY_APPROVER, title, now, area=row.area[:6])
    if kind == "protection_late" and row.urgency == "red" and now - row.contact_due > timedelta(days=1):
        raised += todo(row, kind, Duty.SUPERVISOR, title, now, area=row.area[:6])
    return raised
