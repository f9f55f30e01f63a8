"""Reads of task groups."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from doudi.core.models import Posting
from doudi.core.settings_overlay import get_setting
from doudi.institutions.coordination import ROSTER_AHEAD
from doudi.institutions.models import GroupAction, GroupMember, GroupShift, TaskGroup


def _count(rows: QuerySet[Any]) -> Coalesce:
    return Coalesce(Subquery(rows.filter(group=OuterRef("pk")).order_by().values("group").annotate(n=Count("pk")).values("n")), 0)


def groups(on: date) -> QuerySet[TaskGroup]:
    """Groups that the officer sees: of the own area, and of the levels above; with members, open and late actions."""
    actions = GroupAction.objects.filter(state="open")
    return TaskGroup.objects.select_related("emergency").annotate(
        people=_count(GroupMember.objects.filter(ended_at__isnull=True)), open_actions=_count(actions), late_actions=_count(actions.filter(due__lt=on))
    )


def roster(group: TaskGroup, on: date) -> list[dict[str, Any]]:
    """The days from today on as far as a roster must reach (a setting), with who is on duty; a slot without anybody is a gap."""
    days = int(get_setting(ROSTER_AHEAD, group.area, on))
    shifts = group.shifts.filter(on__gte=on, on__lt=on + timedelta(days=days)).select_related("member").order_by("on", "slot", "member__role", "pk")
    found: dict[tuple[date, str], list[GroupMember]] = {}
    for shift in shifts:
        found.setdefault((shift.on, shift.slot), []).append(shift.member)
    return [
        {"on": day, "slots": [(slot.label, found.get((day, slot.value), [])) for slot in GroupShift.Slot]}
        for day in (on + timedelta(days=each) for each in range(days))
    ]


def gaps(days: Iterable[dict[str, Any]]) -> int:
    return sum(not people for day in days for _label, people in day["slots"])


def on_duty(group: TaskGroup, on: date) -> list[GroupShift]:
    return list(group.shifts.filter(on=on).select_related("member").order_by("slot", "pk"))


def accounts(area: str, on: date, duties: Iterable[str]) -> list[tuple[int, str]]:
    """(account, name and duty) of those who can sit in a group of `area` with an account."""
    postings = Posting.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), area__gte=area, area__lt=area + ":", starts__lte=on, duty__in=list(duties), account__is_active=True)
    found: dict[int, str] = {}
    for posting in postings.filter(area=area).select_related("account").order_by("account__name", "pk")[:300]:
        found.setdefault(posting.account_id, f"{posting.account.name}（{posting.get_duty_display()}）")
    return list(found.items())
