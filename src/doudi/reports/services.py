"""Counting a month (月度统计)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models.functions import Left
from django.utils import timezone

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.plans import at_once
from doudi.core.settings_overlay import overlay, value_at
from doudi.payments.calendar import Rules, days_of
from doudi.payments.models import Payroll
from doudi.reports import standing
from doudi.reports.models import MonthlyFigure
from doudi.reports.statistics import COUNT, KEYS, READ, SLOWEST, STANDARDS

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
    """Count a month of an area anew and put it in place of what was counted before; returns the figures kept. Set-based, whatever the size.

    What waits (`standing`) is counted of the running month alone: no table says any more what waited last month. Raises ValueError for a place below the county.
    """
    duties.require("reports.count")
    if len(area) > 6:
        raise ValueError(area)
    first = month.replace(day=1)
    running = first == timezone.localdate(now).replace(day=1)
    low, high = area, area + ":"
    given = _given(area, first, now, length=9)
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('reports ' || %s, 0))", [area])
        gone = MonthlyFigure.objects.filter(area__gte=low, area__lt=high, month=first)
        (gone if running else gone.exclude(key__gte="now.", key__lt="now/")).delete()
        with at_once(cursor):
            cursor.execute(COUNT, given)
            kept = cursor.rowcount
        if running:
            kept += standing.count(area=area, month=first, now=now)
        kept += _standards(low, high, first, now)
        _sum_up(cursor, low, high, first)
    scopes.check_constraints()
    return kept


def _given(area: str, month: date, now: datetime, *, length: int) -> dict[str, Any]:
    """What the statement that counts a month is asked with."""
    over, dues = month_after(month), pay_days(area, month)
    return {
        "low": area, "high": area + ":", "month": month, "keys": sorted(KEYS), "now": now, "next": over, "slowest": SLOWEST, "length": length,
        "counties": list(dues), "dues": list(dues.values()),
        "begins": datetime.combine(month, time(0), CHINA), "over": datetime.combine(over, time(0), CHINA),
    }  # fmt: skip


def by_village(*, area: str, month: date, now: datetime) -> dict[str, dict[str, Decimal]]:
    """Village -> key -> number of a month, read from the tables as they stand now, of a county or township; nothing is kept. Villages are counted in no night:
    the province has fifty thousand. Raises ValueError for a city and above."""
    duties.require("reports.view")
    if len(area) < 6:
        raise ValueError(area)
    found: dict[str, dict[str, Decimal]] = {}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local enable_nestloop = off")
        cursor.execute(READ, _given(area, month.replace(day=1), now, length=12))
        for place, key, value in cursor.fetchall():
            found.setdefault(place, {})[key] = value
        cursor.execute("set local enable_nestloop = on")
    return dict(sorted(found.items()))


def pay_days(area: str, month: date) -> dict[str, date]:
    """Each county of an area with a regular payroll of the month -> the day by which it should have been paid (到账期限); two queries."""
    rules = Rules(month)
    paying = Payroll.objects.filter(area__gte=area, area__lt=area + ":", month=month, kind=Payroll.Kind.REGULAR).order_by("area")
    return {county: days_of(month, county, rules).due for county in paying.values_list("area", flat=True)}


def standards_of(month: date, counties: Iterable[str]) -> dict[str, dict[str, Decimal]]:
    """County -> key -> the dibao standard that held there on the first of a month, and one for the county that has it; one query."""
    settings, found = overlay(month), {}
    for county in counties:
        given: dict[str, Decimal] = {}
        for residence, (sum_, number) in STANDARDS.items():
            if value := value_at(settings, f"dibao.standard.{residence}", county, month):
                given |= {sum_: Decimal(f"{value:.2f}"), number: Decimal(1)}
        found[county] = given
    return found


def _standards(low: str, high: str, month: date, now: datetime) -> int:
    """The dibao standards in force on the first, of the counties for which something was counted; two queries and an insert."""
    counted = MonthlyFigure.objects.filter(area__gte=low, area__lt=high, month=month).annotate(county=Left("area", 6)).order_by("county")
    found = standards_of(month, counted.values_list("county", flat=True).distinct())
    made = [MonthlyFigure(area=county, month=month, key=key, value=value, counted_at=now) for county, given in found.items() for key, value in given.items()]
    MonthlyFigure.objects.bulk_create(made)
    return len(made)


# Written only where something differs: a night in which nothing changed leaves no dead rows behind.
SUM_UP = """
insert into reports_countyfigure as kept (area, month, key, value)
select left(area, 6), month, key, sum(value) from reports_monthlyfigure where area >= %(low)s and area < %(high)s and month = %(month)s group by 1, 2, 3
on conflict on constraint county_figure_once do update set value = excluded.value where kept.value <> excluded.value
"""
SUM_GONE = """
delete from reports_countyfigure c where c.area >= %(low)s and c.area < %(high)s and c.month = %(month)s and not exists
  (select from reports_monthlyfigure m where m.area >= c.area and m.area < c.area || ':' and m.month = c.month and m.key = c.key)
"""


def _sum_up(cursor: Any, low: str, high: str, month: date) -> None:
    """The counties' sums of a month: what cities and the province read."""
    given = {"low": low, "high": high, "month": month}
    cursor.execute(SUM_UP, given)
    cursor.execute(SUM_GONE, given)


def nightly(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """The running month of a county, and the one before until it is closed."""
    kept = count_month(area=area, month=on, now=now)
    if on.day <= CLOSED_AFTER:
        count_month(area=area, month=month_before(on), now=now)
    return {"figures": kept}
