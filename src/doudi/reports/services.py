"""Counting a month (月度统计)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.reports.models import MonthlyFigure
from doudi.reports.statistics import COUNT, KEYS

CHINA = ZoneInfo("Asia/Shanghai")
CLOSED_AFTER = 11
"""A month is counted until this day of the next: what came by the 10th is in it."""


def month_after(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def month_before(month: date) -> date:
    return (month.replace(day=1) - timedelta(days=1)).replace(day=1)


def closed(month: date, on: date) -> bool:
    """Whether a month's figures stay as they are."""
    after = month_after(month)
    return on > after.replace(day=CLOSED_AFTER)


@transaction.atomic
def count_month(*, area: str, month: date, now: datetime) -> int:
    """Count a month of an area anew and put it in place of what was counted before; returns the figures kept. One delete and one statement."""
    duties.require("reports.count")
    first = month.replace(day=1)
    low, high = area, area + ":"
    over = month_after(first)
    given: dict[str, Any] = {
        "low": low, "high": high, "month": first, "keys": sorted(KEYS), "now": now, "tenth": first.replace(day=10),
        "begins": datetime.combine(first, time(0), CHINA), "over": datetime.combine(over, time(0), CHINA),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('reports ' || %s, 0))", [area])
        MonthlyFigure.objects.filter(area__gte=low, area__lt=high, month=first).delete()
        cursor.execute("set local enable_nestloop = off")
        cursor.execute(COUNT, given)
        kept = cursor.rowcount
        cursor.execute("set local enable_nestloop = on")
    scopes.check_constraints()
    return kept


def nightly(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """The running month of a county, and the one before until it is closed."""
    kept = count_month(area=area, month=on, now=now)
    if on.day <= CLOSED_AFTER:
        count_month(area=area, month=month_before(on), now=now)
    return {"figures": kept}
