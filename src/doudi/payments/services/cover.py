"""Early warning (资金预警): how many months a fund lasts at the present level of payment; below the limit it is a to-do of finance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal

from django.db import connection
from django.utils.translation import gettext_lazy

from doudi.core.models import Duty
from doudi.core.parameters import Procedure, declare
from doudi.core.services.todos import finish_todos, raise_todo
from doudi.core.settings_overlay import get_setting
from doudi.payments.models import Fund

LEAST = "procedure.fund.months"
declare(Procedure(LEAST, gettext_lazy("资金可保障月数低于此数预警"), "months", Decimal(2), "系统默认", False, 0, 12))
KIND = "payments.cover"


@dataclass(frozen=True)
class Cover:
    """What a fund of a place has, and what one month takes: the mean of the last three months that were sent out (yuan)."""

    area: str
    fund_id: int
    available: Decimal
    monthly: Decimal

    @property
    def months(self) -> Decimal | None:
        """Whole tenths, rounded down; None where nothing was paid yet."""
        return (self.available / self.monthly).quantize(Decimal("0.1"), ROUND_DOWN) if self.monthly > 0 else None


# Whole months of the last three: what regular payrolls sent out, by fund, out of the ledger.
COVER = """
with sent as (
  select e.area, e.fund_id, p.month, sum(e.amount) as amount
  from payments_payroll p join payments_ledgerentry e on e.payroll_id = p.id and e.account = 'in_payment' and e.amount > 0
  where p.area = any(%(areas)s) and p.kind = 'regular' and p.month > %(before)s and p.month <= %(until)s group by 1, 2, 3
), level as (select area, fund_id, round(avg(amount), 2) as monthly from sent group by 1, 2),
there as (
  select area, fund_id, sum(amount) as amount from payments_ledgerentry
  where fund_year = %(year)s and area = any(%(areas)s) and account = 'available' group by 1, 2
)
select l.area, l.fund_id, coalesce(t.amount, 0), l.monthly from level l left join there t on t.area = l.area and t.fund_id = l.fund_id
"""


def cover(*, areas: list[str], year: int, on: date) -> dict[tuple[str, int], Cover]:
    """By (county, fund id): what money of `year` lasts at the level of the three months up to `on`. One query."""
    month = on.replace(day=1)
    back = date(month.year - (month.month <= 3), (month.month - 4) % 12 + 1, 1)
    with connection.cursor() as cursor:
        cursor.execute(COVER, {"areas": areas, "year": year, "before": back, "until": month})
        return {(row[0], row[1]): Cover(*row) for row in cursor.fetchall()}


def nightly(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """A fund that lasts fewer months than the place's limit is a to-do; it ends when money came."""
    short = ended = 0
    least = get_setting(LEAST, area, on)
    names = dict(Fund.objects.values_list("id", "name"))
    for (_area, fund_id), found in sorted(cover(areas=[area], year=on.year, on=on).items()):
        subject_id = int(area) * 10_000 + fund_id
        if found.months is not None and found.months < least:
            short += raise_todo(
                kind=KIND, area=area, duty=Duty.FINANCE_OFFICER,
                title=f"{names[fund_id]}可用 {found.available:,.2f} 元，按近三个月发放水平可保障 {found.months} 个月，请筹措资金",
                url=f"/payments/funds/{area}/", subject="fund", subject_id=subject_id, now=now,
            )  # fmt: skip
        else:
            ended += finish_todos(kind=KIND, subject="fund", subject_id=subject_id, now=now)
    return {"short": short, "ended": ended}
