"""Months one after another: which steps on which day, what was done before, and what is looked at in the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from django.db.models import Sum

from doudi.core import clock, faults, periodic, places
from doudi.core import scope as scopes
from doudi.core.models import DailyRun
from doudi.demo.simulate import care, cases, checks, desks, finding, life, minors, money, relieving, rules, society, work
from doudi.demo.simulate.life import Life, at
from doudi.demo.staff import make_staff

PREFIX = "simulate."
Step = Callable[[Life, date], life.Figures]
Tell = Callable[[str, int, int], None]


class DoesNotHold(Exception):
    """Something failed or does not hold; the message says the month, the step and the place."""


@dataclass(frozen=True)
class Month:
    """A month that was lived and looked at: its figures and the size of the database after it."""

    month: date
    figures: dict[str, Any]
    state: checks.State


def _month_after(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


def _steps(month: Life, *, first: bool) -> Iterator[tuple[date, str, Step]]:
    """(day, name, step) of a month in the order of days."""
    day, working = month.day, month.working_day
    prepared, approved, released, booked = month.pay_days()
    monthly: list[tuple[date, str, Step]] = [
        (day(1), "emergency", relieving.emergency),
        (day(2), "births", life.births),
        (day(2), "deaths", life.deaths),
        (day(2), "away", life.away),
        (day(3), "moves", life.moving),
        (prepared, "payroll.prepare", money.prepare),
        (prepared, "payroll.check", money.check),
        (approved, "payroll.approve", money.approve),
        (released, "payroll.release", money.release),
        (booked, "payroll.bank", money.bank),
        (day(4), "work", life.work),
        (day(5), "jobs", work.jobs),
        (day(5), "monitoring", work.monitored),
        (day(5), "houses", care.houses),
        (day(6), "numbers", care.registered),
        (day(8), "emergency", relieving.local),
        (day(9), "plans", care.plans),
        (day(11), "claims", relieving.claims),
        *((working(number), "relief.round", relieving.round_) for number in (5, 9, 14)),
        (day(10), "exits", rules.exits),
        (day(10), "standards", rules.standards),
        (day(12), "payees", work.payees),
        (working(8), "returns", money.corrected),
        (working(9), "follow_up", money.paid_again),
        *((working(number), "leads", finding.leads) for number in (3, 7, 12, 16)),
        *((working(number), "cases", cases.cases) for number in (2, 6, 10, 14)),
        (day(14), "reports", finding.reports),
        (day(15), "jobs", work.jobs),
        (day(16), "indices", money.indices),
        (day(17), "subsidies", money.subsidies),
        (day(18), "visits", work.visits),
        (day(19), "relief", relieving.relief),
        (day(15), "houses", care.houses),
        (day(16), "minors", minors.minors),
        (day(17), "calls", society.calls),
        (day(18), "portal", society.portal),
        (working(4), "applications", cases.applications),
        (day(20), "complaints", society.complaints),
        (day(21), "volunteers", society.volunteers),
        (day(22), "purchases", society.purchases),
        (day(22), "donations", society.donations),
        *((day(number), "needs", care.needs) for number in (9, 23)),
        (day(23), "budget", society.budget),
        *((working(number), "desks", desks.desks) for number in (9, 15)),
        (day(25), "reviews", work.reviewed),
        (day(26), "decisions", work.decided),
        (day(27), "letters", cases.letters),
        (day(28), "jobs", work.jobs),
        (day(28), "houses", care.houses),
    ]
    if first or month.month.month == 1:
        monthly.insert(0, (day(1), "year", money.year))
    if month.month.month % 3 == 0:
        monthly.append((day(27), "comparison", work.compared))
    yield from sorted(monthly, key=lambda each: each[0])


def _done(area: str) -> dict[tuple[str, date], dict[str, Any]]:
    with scopes.acting(scopes.Scope(area=places.PROVINCE, page="doudi simulate")):
        rows = DailyRun.objects.filter(name__startswith=PREFIX, area=area, done_at__isnull=False).order_by("on", "id")
        return {(row.name.removeprefix(PREFIX), row.on): row.result for row in rows}


def months_done(area: str) -> list[Month]:
    """The months that were lived before, oldest first."""
    found = _done(area)
    rows = []
    for (name, on), result in sorted(found.items(), key=lambda each: each[0][1]):
        if name == "checked":
            figures: dict[str, Any] = {}
            for (step, day), of_step in found.items():
                if step != "checked" and day.replace(day=1) == on.replace(day=1):
                    for key, value in of_step.items():
                        figures[key] = figures[key] + value if isinstance(value, int) and isinstance(figures.get(key), int) else value
            rows.append(Month(on.replace(day=1), figures, checks.State(**result)))
    return rows


def digest(lived: list[Month]) -> str:
    """What months came to, counts and amounts of each, as one short word: two runs of the same seed, or on two machines, must give the same."""
    told = [[f"{each.month}", each.figures, each.state.leads, each.state.decisions, each.state.lines] for each in lived]
    return sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def simulate(*, area: str, seed: int, months: int, today: date, tell: Tell = lambda step, done, total: None) -> Iterator[Month]:
    """Live on until `months` months were lived since `today`, the day on which the demo stood; each as it is finished. What was lived before is not lived again.

    Raises DoesNotHold.
    """
    staff = make_staff(area=area, on=today)
    lived = months_done(area)
    month = _month_after(lived[-1].month) if lived else _month_after(today)
    before = lived[-1].state if lived else None
    for number in range(len(lived), months):
        tell(f"{month:%Y年%-m月}", number, months)
        yield (done := _live(area, staff, seed, month, before, first=number == 0))
        before, month = done.state, _month_after(month)


def _live(area: str, staff: list[Any], seed: int, month: date, before: checks.State | None, *, first: bool) -> Month:
    done = _done(area)
    for day, name, step in _steps(Life(area, staff, seed, month), first=first):
        if (name, day) not in done:
            clock.move_to(at(day, 8))
            _once(area, name, day, lambda on, name=name, step=step: step(Life(area, staff, seed, month, f"{name}-{on}"), on))  # type: ignore[misc]
    last = _month_after(month) - timedelta(days=1)
    clock.move_to(at(last, 18))
    if wrong := checks.problems(area=area, before=before):
        raise DoesNotHold(f"{month:%Y年%-m月}末共 {len(wrong)} 处不符：\n" + "\n".join(f"  {each}" for each in wrong))
    _once(area, "checked", last, lambda on: asdict(_state()))
    return next(each for each in months_done(area) if each.month == month)


def _state() -> checks.State:
    with scopes.acting(scopes.Scope(area=places.PROVINCE, page="doudi simulate")):
        return checks.state()


def _once(area: str, name: str, day: date, function: Callable[[date], dict[str, Any]]) -> None:
    """One step in one transaction with the note that it was done."""
    job = periodic.Job(f"{PREFIX}{name}", name, lambda *, area, on, now: function(on), level=6)
    try:
        periodic.run_daily(job=job, area=area, on=day, now=at(day, 8), again=True)
    except Exception as error:
        if faults.said(error):
            raise  # the step is not at fault: disk or database are said as everywhere, and the same month goes on afterwards
        raise DoesNotHold(f"{day}“{name}”失败：{type(error).__name__}：{str(error)[:600]}") from error


def paid(area: str) -> dict[date, Any]:
    """month -> yuan that payrolls of the month sent out; for the table."""
    from doudi.payments.models import Payroll

    with scopes.acting(scopes.Scope(area=area, page="doudi simulate")):
        rows = Payroll.objects.filter(area=area, state__in=("released", "booked")).values_list("month").annotate(total=Sum("amount")).order_by("month")
        return dict(rows)


