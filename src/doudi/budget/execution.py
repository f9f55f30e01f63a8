"""Plan against spending as the year runs (预算执行): per fund and month, a forecast to the end of the year, when the money runs out."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import connection
from django.db.models import Sum

from doudi.budget.models import Figure, Scenario
from doudi.budget.queries import counties_below, fund_names

NOUGHT = Decimal("0.00")
COUNTED = (Scenario.State.ACCEPTED, Scenario.State.SUBMITTED)
# What a fund has paid or has on its way to the bank; a township's payouts count when they are made (their settlement moves them to `paid`).
SPENT = """
select {group} fund_id, extract(month from booked_on)::int, sum(amount) from payments_ledgerentry
where area >= %s and area < %s and fund_year = %s and account in ('paid', 'in_payment', 'reserve_paid') and booked_on >= %s and booked_on < %s group by {number}
"""
IN_HAND = """
select {group} fund_id, sum(amount) from payments_ledgerentry
where area >= %s and area < %s and fund_year = %s and account in ('available', 'returned', 'reserve') group by {number}
"""


@dataclass
class Course:
    """One fund over a year, yuan by month (January first). `now`: months that have begun, 0 to 12."""

    fund_id: int
    name: str
    now: int
    plan: list[Decimal] = field(default_factory=lambda: [NOUGHT] * 12)
    spent: list[Decimal] = field(default_factory=lambda: [NOUGHT] * 12)
    in_hand: Decimal = NOUGHT

    @property
    def actual(self) -> int:
        """Months whose spending counts as known: those that are over, and the running one once something was paid in it."""
        over = max(0, self.now - 1)
        return self.now if self.now and self.spent[self.now - 1] else over

    @property
    def planned(self) -> Decimal:
        return sum(self.plan, NOUGHT)

    @property
    def so_far(self) -> Decimal:
        return sum(self.spent, NOUGHT)

    @property
    def planned_so_far(self) -> Decimal:
        return sum(self.plan[: self.actual], NOUGHT)

    @property
    def difference(self) -> Decimal:
        """Spent less planned, of the months that are known; above nought: more than planned."""
        return sum(self.spent[: self.actual], NOUGHT) - self.planned_so_far

    @property
    def forecast(self) -> list[Decimal]:
        """Spending of the months that are known, then the plan times how spending ran against it; without a plan the mean of the last three months."""
        known = self.spent[: self.actual]
        paid, plan = sum(known, NOUGHT), self.planned_so_far
        last = known[-3:]
        mean = sum(last, NOUGHT) / len(last) if last else NOUGHT
        ahead = []
        for number in range(self.actual, 12):
            value = self.plan[number] * paid / plan if plan and paid else self.plan[number] if self.planned else mean
            ahead.append(value.quantize(Decimal("0.01"), ROUND_HALF_UP))
        return known + ahead

    @property
    def to_come(self) -> Decimal:
        return sum(self.forecast, NOUGHT)

    @property
    def runs_out(self) -> int | None:
        """Month in which the year's plan is used up by the forecast; None where it lasts or there is no plan."""
        return _first_above(self.forecast, 0, self.planned) if self.planned else None

    @property
    def money_lasts(self) -> int | None:
        """First month ahead that the money in hand no longer covers by the forecast; None where it lasts through December or the year has not begun."""
        return None if not self.now else _first_above(self.forecast, self.actual, self.in_hand)

    @property
    def warning(self) -> bool:
        return self.runs_out is not None or self.money_lasts is not None


def _first_above(months: list[Decimal], start: int, limit: Decimal) -> int | None:
    used = NOUGHT
    for number in range(start, 12):
        used += months[number]
        if used > limit:
            return number + 1
    return None


def begun(year: int, today: date) -> int:
    """Months of a year that have begun."""
    return 0 if today.year < year else 12 if today.year > year else today.month


def _spending(area: str, year: int, *, by_county: bool) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    group = 'left(area, 6) collate "C",' if by_county else ""
    span: list[str | int | date] = [area, area + ":", year]
    with connection.cursor() as cursor:
        cursor.execute(SPENT.format(group=group, number="1, 2, 3" if by_county else "1, 2"), [*span, date(year, 1, 1), date(year + 1, 1, 1)])
        spent = cursor.fetchall()
        cursor.execute(IN_HAND.format(group=group, number="1, 2" if by_county else "1"), span)
        return spent, cursor.fetchall()


def courses(*, area: str, year: int, today: date) -> list[Course]:
    """Every fund of an area with its plan (submitted or accepted budgets) and its spending. Four queries."""
    names, now = fund_names(), begun(year, today)
    found: dict[int, Course] = {}

    def of(fund_id: int) -> Course:
        return found.setdefault(fund_id, Course(fund_id, names[fund_id], now))

    plan = Figure.objects.filter(scenario__area__gte=area, scenario__area__lt=area + ":", scenario__year=year, scenario__state__in=COUNTED)
    for fund_id, month, amount in plan.values_list("fund_id", "month").annotate(amount=Sum("amount")):
        of(fund_id).plan[month.month - 1] = amount
    spent, in_hand = _spending(area, year, by_county=False)
    for fund_id, month, amount in spent:
        of(fund_id).spent[month - 1] = amount
    for fund_id, amount in in_hand:
        of(fund_id).in_hand = amount
    return [found[fund_id] for fund_id in sorted(found)]


def by_county(*, area: str, year: int, today: date) -> list[dict[str, Any]]:
    """Every county of a place with the sums of its funds, those with a warning first. Five queries, whatever their number."""
    now = begun(year, today)
    found: dict[str, dict[int, Course]] = defaultdict(dict)

    def of(code: str, fund_id: int) -> Course:
        return found[code].setdefault(fund_id, Course(fund_id, "", now))

    plan = Figure.objects.filter(scenario__area__gte=area, scenario__area__lt=area + ":", scenario__year=year, scenario__state__in=COUNTED)
    for code, fund_id, month, amount in plan.values_list("area", "fund_id", "month").annotate(amount=Sum("amount")):
        of(code, fund_id).plan[month.month - 1] = amount
    spent, in_hand = _spending(area, year, by_county=True)
    for code, fund_id, month, amount in spent:
        of(code, fund_id).spent[month - 1] = amount
    for code, fund_id, amount in in_hand:
        of(code, fund_id).in_hand = amount
    rows = []
    for code, name in counties_below(area):
        funds = list(found.get(code, {}).values())
        ends = [course.runs_out for course in funds if course.runs_out is not None]
        lasts = [course.money_lasts for course in funds if course.money_lasts is not None]
        rows.append({
            "code": code, "name": name, "funds": bool(funds), "planned": sum((c.planned for c in funds), NOUGHT), "spent": sum((c.so_far for c in funds), NOUGHT),
            "difference": sum((c.difference for c in funds), NOUGHT), "forecast": sum((c.to_come for c in funds), NOUGHT), "runs_out": min(ends, default=None),
            "money_lasts": min(lasts, default=None),
        })  # fmt: skip
    rows.sort(key=lambda row: (row["runs_out"] is None, row["money_lasts"] is None, not row["funds"], row["code"]))
    return rows
