"""Who pays on time (4.3): the regular payrolls of many counties beside their calendars. Two or three queries, however many counties and months."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from doudi.core import workdays
from doudi.core.models import Division, Posting
from doudi.payments import calendar
from doudi.payments.calendar import Days, Progress, Rules, days_of, month_before

MONTHS = 12

PAYROLLS = """
select p.id, p.area, p.month, p.state, p.lines, p.amount, p.prepared_at as prepare_at, p.checked_at as check_at, p.approved_at as approve_at,
  p.released_at as release_at, f.at as file_at, p.booked_at as bank_at, coalesce(r.paid, 0) as paid, r.last as booked_on,
  coalesce(r.days, '{}') as booked_days, coalesce(r.amounts, '{}') as booked_amounts
from payments_payroll p
left join (select payroll_id, min(made_at) as at from payments_bankfile where area >= %(low)s and area < %(high)s group by 1) f on f.payroll_id = p.id
left join (select payroll_id, sum(paid_amount) as paid, max(booked_on) as last, array_agg(booked_on order by id) as days, array_agg(paid_amount order by id) as amounts
           from payments_bankresult where area >= %(low)s and area < %(high)s group by 1) r on r.payroll_id = p.id
where p.area >= %(low)s and p.area < %(high)s and p.kind = 'regular' and p.month >= %(first)s and p.month <= %(last)s
"""


def payrolls(*, low: str, high: str, first: date, last: date) -> dict[tuple[str, date], dict[str, Any]]:
    """Regular payrolls of a range of areas and months by county and month, with what became of them; one query."""
    with connection.cursor() as cursor:
        cursor.execute(PAYROLLS, {"low": low, "high": high, "first": first, "last": last})
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {(row["area"], row["month"]): row for row in rows}


def counties(area: str) -> tuple[list[str], set[str]]:
    """Today's counties of an area, and those of them that have staff of their own (the others do not use the system yet)."""
    if len(area) >= 6:
        return [area[:6]], {area[:6]}
    found = list(
        Division.objects.filter(level="county", ends__isnull=True, code__gte=area, code__lt=area + ":").order_by("code").values_list("code", flat=True)
    )
    staffed = {code[:6] for code in Posting.objects.filter(area__gte=area, area__lt=area + ":").values_list("area", flat=True).distinct() if len(code) >= 6}
    return found, staffed


def progress_of(*, area: str, month: date, today: date) -> Progress:
    """One county's month."""
    first = month.replace(day=1)
    row = payrolls(low=area, high=area + ":", first=first, last=first).get((area, first))
    return calendar.progress(days_of(first, area), area, row, today=today)


@dataclass(frozen=True)
class County:
    """A county in a month, and how its last months were: (month, standing, share paid in time)."""

    area: str
    used: bool
    now: Progress
    standing: str
    history: list[tuple[date, str, Decimal | None]]

    @property
    def in_time(self) -> int:
        return sum(standing == "paid" for _month, standing, _share in self.history)

    @property
    def counted(self) -> int:
        return sum(standing in ("paid", "paid_late", "late") for _month, standing, _share in self.history)


def overview(*, area: str, month: date, today: date) -> list[County]:
    """All counties of an area in a month, the late ones first, with the twelve months before it. Four queries."""
    first = month.replace(day=1)
    codes, used = counties(area)
    rules = Rules(first)
    months = [month_before(first, count) for count in range(MONTHS, 0, -1)]
    rows = payrolls(low=area[:6], high=area[:6] + ":", first=months[0], last=first)
    begun: dict[str, date] = {}
    for code, when in rows:
        begun[code] = min(when, begun.get(code, when))

    def standing(code: str, when: date) -> tuple[Progress, str]:
        found = calendar.progress(days_of(when, code, rules), code, rows.get((code, when)), today=today)
        if (code, when) not in rows and (code not in used or (code in begun and when < begun[code])):
            return found, "unused"
        return found, found.standing(today)

    shown = []
    for code in codes:
        now, state = standing(code, first)
        history = []
        for when in months:
            found, was = standing(code, when)
            if when < begun.get(code, first):
                was = "unused"  # before its first payroll here
            history.append((when, was, found.share))
        shown.append(County(code, code in used or (code, first) in rows, now, state, history))
    order = {"late": 0, "paid_late": 1, "waits": 2, "ahead": 3, "paid": 4, "unused": 5}
    return sorted(shown, key=lambda one: (order[one.standing], one.area))


@dataclass(frozen=True)
class Totals:
    """Counties of a month by standing, and the money: yuan due, paid, paid by the pay day."""

    counties: int
    paid: int
    waits: int
    late: int
    amount: Decimal
    in_time: Decimal
    booked: Decimal

    @property
    def share(self) -> Decimal | None:
        return self.in_time / self.amount if self.amount else None


def totals(rows: list[County]) -> Totals:
    used = [row for row in rows if row.standing != "unused"]
    number = lambda *states: sum(row.standing in states for row in used)  # noqa: E731
    return Totals(
        len(used), number("paid"), number("waits", "ahead"), number("late", "paid_late"), sum((row.now.amount for row in used), Decimal(0)),
        sum((row.now.in_time for row in used), Decimal(0)), sum((row.now.paid for row in used), Decimal(0)),
    )  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A day of the month's sheet: steps due on it, whether it is worked."""

    day: date
    worked: bool
    steps: list[str]
    today: bool
    due: bool


def sheet(days: Days, found: Progress, *, today: date) -> list[list[Cell]]:
    """Whole weeks (Monday first) from the first step's day to the day after the pay day."""
    from datetime import timedelta

    begin = min(one.day for one in found.steps)
    begin -= timedelta(days=begin.weekday())
    end = days.reconcile
    end += timedelta(days=6 - end.weekday())
    weeks = []
    while begin <= end:
        week = []
        for offset in range(7):
            day = begin + timedelta(days=offset)
            week.append(Cell(day, workdays.is_working_day(day), [str(one.step.label) for one in found.steps if one.day == day], day == today, day == days.due))
        weeks.append(week)
        begin += timedelta(days=7)
    return weeks
