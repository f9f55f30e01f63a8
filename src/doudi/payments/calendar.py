"""The calendar of a month's payroll (4.3): days counted back from the pay day, and what has been done of it.

The pay day is the 10th (每月 10 日前) or the working day before it; each step has its number of working days before the pay day. Both are dated
settings of the county; those of the month's first day hold. What has happened is read from the payroll itself, never ticked off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from doudi.core import workdays
from doudi.core.models import Duty, Setting
from doudi.core.models.divisions import ancestors
from doudi.core.parameters import PROCEDURES, Procedure, declare

PREFIX = "procedure.payroll."
PAY_DAY = PREFIX + "pay_day"
WARN_DAYS = PREFIX + "warn_days"
ESCALATE_DAYS = PREFIX + "escalate_days"


@dataclass(frozen=True)
class Step:
    """One step: `duty` does it, `days` working days before the pay day unless the county sets its own. `act`: what its message asks for."""

    name: str
    label: str | Promise
    setting: str | Promise
    act: str
    duty: Duty
    days: int

    @property
    def parameter(self) -> str:
        return f"{PREFIX}days.{self.name}"


STEPS = (
    Step("freeze", _("数据冻结"), _("发放日历：数据冻结在到账期限前（0 为不冻结）"), "办结本月待遇审批", Duty.COUNTY_APPROVER, 7),
    Step("prepare", _("生成批次"), _("发放日历：生成批次在到账期限前"), "生成发放批次", Duty.COUNTY_REVIEWER, 6),
    Step("check", _("复核"), _("发放日历：复核在到账期限前"), "复核发放批次", Duty.COUNTY_REVIEWER, 5),
    Step("approve", _("审批"), _("发放日历：审批在到账期限前"), "审批发放批次", Duty.COUNTY_APPROVER, 4),
    Step("release", _("报送财政"), _("发放日历：报送财政在到账期限前"), "报送财政", Duty.FINANCE_OFFICER, 3),
    Step("file", _("代发文件"), _("发放日历：生成代发文件在到账期限前"), "生成代发文件", Duty.FINANCE_OFFICER, 2),
    Step("bank", _("银行代发"), _("发放日历：银行代发在到账期限前"), "读入银行发放结果", Duty.FINANCE_OFFICER, 1),
)
ORDER = {step.name: at for at, step in enumerate(STEPS)}
declare(
    Procedure(PAY_DAY, _("每月到账期限（遇休息日提前）"), "day of month", Decimal(10), "豫政办〔2022〕110号", False, 1, 28),
    *(Procedure(step.parameter, step.setting, "working days", Decimal(step.days), "系统默认", False, 0, 20) for step in STEPS),
    Procedure(WARN_DAYS, _("发放环节到期前提醒"), "working days", Decimal(1), "系统默认", False, 0, 10),
    Procedure(ESCALATE_DAYS, _("发放环节逾期后报市级督办"), "working days", Decimal(1), "系统默认", False, 0, 10),
)


class Rules:
    """The payroll's settings of all places, read with one query; `at` gives the value of a place on a day."""

    def __init__(self, until: date) -> None:
        self.rows: dict[str, list[tuple[str, date, Decimal]]] = {}
        found = Setting.objects.filter(parameter__startswith=PREFIX, starts__lte=until, state=Setting.State.CONFIRMED).order_by("starts")
        for parameter, area, starts, value in found.values_list("parameter", "area", "starts", "value"):
            self.rows.setdefault(parameter, []).append((area, starts, Decimal(value)))

    def at(self, parameter: str, area: str, on: date) -> Decimal:
        """The nearest place's newest value that has begun, else the default. Raises KeyError for a name that is none."""
        default, places = PROCEDURES[parameter].default, ancestors(area)
        near = [(len(place), starts, value) for place, starts, value in self.rows.get(parameter, ()) if place in places and starts <= on]
        return max(near)[2] if near else default

    def number(self, parameter: str, area: str, on: date) -> int:
        return int(self.at(parameter, area, on))


@dataclass(frozen=True)
class Days:
    """The days of a county's month. `steps`: by name, in order; `freeze` is None where the county freezes nothing."""

    month: date
    due: date
    steps: tuple[tuple[str, date], ...]
    freeze: date | None

    def of(self, name: str) -> date:
        return dict(self.steps)[name]

    @property
    def frozen_at(self) -> datetime | None:
        """The moment after which new awards wait: the end of the freeze day."""
        return None if self.freeze is None else timezone.make_aware(datetime.combine(self.freeze + timedelta(days=1), time()))

    @property
    def reconcile(self) -> date:
        """The day after the pay day, on which ledger, payroll and bank are held against each other."""
        return workdays.add_working_days(self.due, 1)


@lru_cache(maxsize=4096)
def _days(month: date, pay_day: int, before: tuple[int, ...]) -> Days:
    due = workdays.on_or_before(month.replace(day=pay_day))
    steps = tuple((step.name, workdays.add_working_days(due, -days)) for step, days in zip(STEPS, before, strict=True))
    return Days(month, due, steps, steps[0][1] if before[0] else None)


def days_of(month: date, area: str, rules: Rules | None = None) -> Days:
    """The days of a county and month (any day of it). `rules` spares the query where many are asked for."""
    first = month.replace(day=1)
    rules = rules or Rules(first)
    return _days(first, rules.number(PAY_DAY, area, first), tuple(rules.number(step.parameter, area, first) for step in STEPS))


@dataclass(frozen=True)
class Done:
    """What has happened of a step; `day` is its day, `at` when it was done."""

    step: Step
    day: date
    at: datetime | None
    done: bool

    def late(self, today: date) -> bool:
        """Not done and its day is over, or done after its day. A freeze comes by itself."""
        if self.step.name == "freeze":
            return False
        return (timezone.localdate(self.at) if self.at else today) > self.day

    def late_days(self, today: date) -> int:
        """Working days late."""
        return workdays.working_days_between(self.day, timezone.localdate(self.at) if self.at else today) if self.late(today) else 0


@dataclass(frozen=True)
class Progress:
    """A county's month: its days, its regular payroll if there is one, what has been done. Amounts in yuan.

    `in_time`: paid by the pay day; `paid`: paid so far.
    """

    area: str
    month: date
    days: Days
    steps: tuple[Done, ...]
    payroll_id: int | None = None
    state: str = ""
    lines: int = 0
    amount: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    in_time: Decimal = Decimal(0)
    booked_on: date | None = None

    @property
    def next(self) -> Done | None:
        """The first step that is not done."""
        return next((one for one in self.steps if not one.done), None)

    @property
    def reached(self) -> Done | None:
        """The last step that is done, whatever lies open before it."""
        return next((one for one in reversed(self.steps) if one.done), None)

    @property
    def over(self) -> bool:
        return self.booked_on is not None

    @property
    def share(self) -> Decimal | None:
        """Share of the payroll's money that was paid by the pay day; None without a payroll."""
        return self.in_time / self.amount if self.amount else None

    def standing(self, today: date) -> str:
        """`paid` in time, `paid_late`, `late` now, `waits` (on its way in time), `ahead` (its calendar has not begun)."""
        if self.over:
            return "paid" if self.booked_on is not None and self.booked_on <= self.days.due else "paid_late"
        following = self.next
        if following is not None and following.late(today):
            return "late"
        return "ahead" if self.payroll_id is None and today < self.days.steps[0][1] else "waits"

    def left(self, today: date) -> int:
        """Calendar days to the pay day; negative when it is over."""
        return (self.days.due - today).days


def progress(days: Days, area: str, row: dict[str, object] | None, *, today: date) -> Progress:
    """What has been done of a month. `row`: the regular payroll as `watch_queries.payrolls` reads it, or None."""
    moments: dict[str, datetime | None] = {}
    state = str(row["state"]) if row else ""
    if row is not None:
        reached = STATES.index(state)
        names = ("prepare", "check", "approve", "release")
        for at, name in enumerate(names):
            moment = row[f"{name}_at"]
            if reached >= at and isinstance(moment, datetime):
                moments[name] = moment
        for name in ("file", "bank"):
            moment = row[f"{name}_at"]
            if isinstance(moment, datetime):
                moments[name] = moment
    frozen = days.frozen_at
    steps = tuple(
        Done(step, day, frozen if step.name == "freeze" and today > day else moments.get(step.name), today > day if step.name == "freeze" else step.name in moments)
        for step, (_name, day) in zip(STEPS, days.steps, strict=True)
        if not (step.name == "freeze" and days.freeze is None)
    )
    # a result that is booked answers for a file, wherever that was made
    if moments.get("bank"):
        steps = tuple(Done(one.step, one.day, one.at, True) for one in steps)
    if row is None:
        return Progress(area, days.month, days, steps)
    return Progress(
        area,
        days.month,
        days,
        steps,
        payroll_id=int(str(row["id"])),
        state=state,
        lines=int(str(row["lines"])),
        amount=Decimal(str(row["amount"])),
        paid=Decimal(str(row["paid"])),
        in_time=sum((amount for day, amount in booked(row) if day <= days.due), Decimal(0)),
        booked_on=row["booked_on"] if state == "booked" and isinstance(row["booked_on"], date) else None,
    )


STATES = ("draft", "checked", "approved", "released", "booked")


def booked(row: dict[str, object]) -> Sequence[tuple[date, Decimal]]:
    """Day and yuan of each bank result of a payroll."""
    days, amounts = row["booked_days"], row["booked_amounts"]
    assert isinstance(days, list) and isinstance(amounts, list)
    return list(zip(days, amounts, strict=True))


def month_before(month: date, count: int = 1) -> date:
    number = month.year * 12 + month.month - 1 - count
    return date(number // 12, number % 12 + 1, 1)
