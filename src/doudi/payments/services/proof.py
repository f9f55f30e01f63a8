"""The proof (对账): payroll lines = payrolls = bank files = bank results = ledger, to the fen, per county, fund and year.

A few statements for a whole county, city or province. Each difference names the payroll, document or account where it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.services.todos import finish_todos, raise_todo
from doudi.payments.models import Payroll

KIND = "payments.proof"
MOST = 200  # differences named one by one
NOUGHT = Decimal(0)


@dataclass(frozen=True)
class Row:
    """One county, fund and year, yuan: payrolls sent out, the ledger's part of it, the bank's answers and the ledger's part of them."""

    area: str
    fund: str
    year: int
    payrolls: Decimal
    ledger_out: Decimal
    bank_paid: Decimal
    ledger_paid: Decimal
    bank_returned: Decimal
    ledger_returned: Decimal

    @property
    def holds(self) -> bool:
        return (self.payrolls, self.bank_paid, self.bank_returned) == (self.ledger_out, self.ledger_paid, self.ledger_returned)


@dataclass(frozen=True)
class Difference:
    """What does not agree: where (payroll number, or fund and account), which equation, and both sides in yuan (or lines)."""

    area: str
    where: str
    what: str
    left: Decimal
    right: Decimal
    payroll_id: int | None = None

    def __str__(self) -> str:
        return _("%(where)s：%(what)s，%(left)s ≠ %(right)s，相差 %(by)s") % {
            "where": self.where, "what": self.what, "left": f"{self.left:,.2f}", "right": f"{self.right:,.2f}", "by": f"{self.left - self.right:,.2f}",
        }  # fmt: skip


@dataclass(frozen=True)
class Proof:
    """`payrolls`: how many were looked at."""

    rows: list[Row]
    differences: list[Difference]
    payrolls: int

    @property
    def holds(self) -> bool:
        return not self.differences


# One row per payroll, fund and year. What comes back is found by the lines of that payroll; a line that nobody returned was paid.
# A follow-up payroll takes what it sends out from what had come back.
BY_PAYROLL = """
with p as (
  select id, area, number, state, kind, lines, amount from payments_payroll
  where id = any(%(ids)s)
), l as (
  select l.payroll_id, l.fund_id, l.fund_year, count(*) as n, sum(l.amount) as amount from payments_payrollline l
  where l.payroll_id = any(%(ids)s) group by 1, 2, 3
), r as (
  select b.payroll_id, l.fund_id, l.fund_year, count(*) as n, sum(b.amount) as amount
  from payments_bankreturn b join payments_payrollline l on l.id = b.line_id and l.month_entitled = b.month_entitled
  where b.payroll_id = any(%(ids)s) group by 1, 2, 3
), e as (
  select payroll_id, fund_id, fund_year, coalesce(sum(amount) filter (where account = 'in_payment' and amount > 0), 0) as out,
    coalesce(sum(amount) filter (where account = 'in_payment'), 0) as on_its_way, coalesce(sum(amount) filter (where account = 'paid'), 0) as paid,
    coalesce(sum(amount) filter (where account = 'returned'), 0) as returned
  from payments_ledgerentry where payroll_id = any(%(ids)s) group by 1, 2, 3
), c as (
  select p.id as payroll_id, e.fund_id, e.fund_year, sum(e.amount) as committed
  from p join payments_ledgerentry e on e.area = p.area and e.account = 'committed' and e.document = p.number group by 1, 2, 3
)
select p.id, p.area, p.number, p.state, p.kind, f.name, k.fund_year, coalesce(l.n, 0), coalesce(l.amount, 0), coalesce(r.amount, 0), coalesce(e.out, 0),
  coalesce(e.on_its_way, 0), coalesce(e.paid, 0), coalesce(e.returned + case when p.kind = 'follow_up' then e.out else 0 end, 0), coalesce(c.committed, 0)
from (select payroll_id, fund_id, fund_year from l union select payroll_id, fund_id, fund_year from e union select payroll_id, fund_id, fund_year from c) k
join p on p.id = k.payroll_id join payments_fund f on f.id = k.fund_id
left join l on l.payroll_id = k.payroll_id and l.fund_id = k.fund_id and l.fund_year = k.fund_year
left join r on r.payroll_id = k.payroll_id and r.fund_id = k.fund_id and r.fund_year = k.fund_year
left join e on e.payroll_id = k.payroll_id and e.fund_id = k.fund_id and e.fund_year = k.fund_year
left join c on c.payroll_id = k.payroll_id and c.fund_id = k.fund_id and c.fund_year = k.fund_year
order by p.area, f.name, k.fund_year, p.number
"""
# What payrolls, files and results say of themselves.
PAYROLLS = """
select p.id, p.area, p.number, p.state, p.lines, p.amount, coalesce(l.n, 0), coalesce(l.amount, 0), f.least, f.most, f.lines_least, f.lines_most,
  coalesce(b.n, 0), coalesce(b.amount, 0), coalesce(b.returned_n, 0), coalesce(b.returned, 0), coalesce(r.n, 0), coalesce(r.amount, 0)
from payments_payroll p
left join (select payroll_id, count(*) filter (where amount > 0) as n, sum(amount) as amount from payments_payrollline where payroll_id = any(%(ids)s) group by 1) l
  on l.payroll_id = p.id
left join (select payroll_id, min(s) as least, max(s) as most, min(n) as lines_least, max(n) as lines_most from
           -- the parts of one set of files together: those of the county's choices, or of one layout; not what the bank refused whole
           (select payroll_id, sum(amount) as s, sum(lines) as n from
             (select *, bool_or(choice_id is not null) over (partition by payroll_id) as chosen from payments_bankfile where payroll_id = any(%(ids)s)) f
            where refused_at is null group by payroll_id, case when chosen then '' else layout end) sets group by 1) f on f.payroll_id = p.id
left join (select payroll_id, sum(paid_lines + returned_lines) as n, sum(paid_amount + returned_amount) as amount, sum(returned_lines) as returned_n,
             sum(returned_amount) as returned from payments_bankresult where payroll_id = any(%(ids)s) group by 1) b on b.payroll_id = p.id
left join (select payroll_id, count(*) filter (where amount > 0) as n, sum(amount) as amount from payments_bankreturn where payroll_id = any(%(ids)s) group by 1) r
  on r.payroll_id = p.id
where p.id = any(%(ids)s)
order by p.area, p.number
"""
# The ledger by itself: every transaction balanced, every document carried, reserves as advanced.
UNBALANCED = """
select min(area), transaction, sum(amount) from payments_ledgerentry where area >= %(low)s and area < %(high)s group by 2 having sum(amount) <> 0 limit 50
"""
DOCUMENTS = """
select m.area, m.document, m.kind, m.amount, coalesce(e.amount, 0) from payments_fundmovement m
left join (select movement_id, sum(amount) filter (where amount > 0) as amount from payments_ledgerentry
           where movement_id is not null and area >= %(low)s and area < %(high)s group by 1) e on e.movement_id = m.id
left join payments_fundmovement o on o.id = m.reverses_id
where m.area >= %(low)s and m.area < %(high)s and coalesce(e.amount, 0) <> case when m.state <> 'booked' then 0
  when coalesce(o.kind, m.kind) in ('transfer', 'carry_over') then 2 * m.amount else m.amount end limit 50
"""
# What is owed for returned lines is what came back and was not paid again.
OWED = """
select k.area, f.name, k.fund_year, coalesce(e.amount, 0), coalesce(b.amount, 0)
from (select area, fund_id, fund_year, sum(amount) as amount from payments_ledgerentry
      where account = 'returned' and area >= %(low)s and area < %(high)s group by 1, 2, 3) e
full join (select left(b.area, 6) as area, l.fund_id, l.fund_year, sum(b.amount) as amount
           from payments_bankreturn b join payments_payrollline l on l.id = b.line_id and l.month_entitled = b.month_entitled
           where b.state <> 'reissued' and b.area >= %(low)s and b.area < %(high)s group by 1, 2, 3) b
  on b.area = e.area and b.fund_id = e.fund_id and b.fund_year = e.fund_year
cross join lateral (select coalesce(e.area, b.area) as area, coalesce(e.fund_id, b.fund_id) as fund_id, coalesce(e.fund_year, b.fund_year) as fund_year) k
join payments_fund f on f.id = k.fund_id
where coalesce(e.amount, 0) <> coalesce(b.amount, 0)
"""
RESERVES = """
select left(e.area, 6), f.name, e.fund_year, coalesce(sum(e.amount) filter (where account = 'advanced'), 0),
  -coalesce(sum(e.amount) filter (where account = 'reserve_source'), 0)
from payments_ledgerentry e join payments_fund f on f.id = e.fund_id
where e.account in ('advanced', 'reserve_source') and e.area >= %(low)s and e.area < %(high)s group by 1, 2, 3 having sum(e.amount) <> 0
"""


def prove(*, area: str, first: date | None = None, last: date | None = None) -> Proof:
    """Prove an area within the scope; `first` and `last` (first days of months) bound the payrolls looked at, not the ledger's own proof."""
    if not duties.require("payments.view").covers(area):
        raise ValidationError(_("所选地区不在您的管辖范围内。"))
    here = scopes.Scope(area=area)
    chosen = Payroll.objects.filter(area__gte=here.low, area__lt=here.high)
    if first is not None:
        chosen = chosen.filter(month__gte=first)
    if last is not None:
        chosen = chosen.filter(month__lte=last)
    values: dict[str, Any] = {"low": here.low, "high": here.high, "ids": list(chosen.values_list("id", flat=True))}
    with connection.cursor() as cursor:

        def rows(sql: str) -> list[tuple[Any, ...]]:
            cursor.execute(sql, values)
            return list(cursor.fetchall())

        parts, payrolls = rows(BY_PAYROLL), rows(PAYROLLS)
        unbalanced, documents, owed, reserves = rows(UNBALANCED), rows(DOCUMENTS), rows(OWED), rows(RESERVES)
    differences = [*_of_parts(parts), *_of_payrolls(payrolls)]
    differences += [Difference(low, _("凭证 %(n)s") % {"n": number}, _("借贷合计 = 0"), total, NOUGHT) for low, number, total in unbalanced]
    differences += [
        Difference(place, document, _("凭证金额 = 资金台账"), amount, booked) for place, document, _kind, amount, booked in documents
    ]
    for name, found in ((_("退票待发 = 未重新发放的退票"), owed), (_("已拨备用金 = 乡镇备用金"), reserves)):
        differences += [Difference(place, f"{fund} {year}", name, left, right) for place, fund, year, left, right in found]
    return Proof(_sums(parts), differences[:MOST], len(payrolls))


def _of_parts(parts: list[tuple[Any, ...]]) -> list[Difference]:
    found = []
    for pk, area, number, state, kind, fund, year, _n, lines, back, out, on_its_way, paid, returned, committed in parts:
        gone, answered = state in ("released", "booked"), state == "booked"
        equations = (
            (_("发放明细 = 资金台账支出"), lines if gone else NOUGHT, out),
            (_("报送未到账 = 资金台账在途"), lines if gone and not answered else NOUGHT, on_its_way),
            (_("银行成功 = 资金台账已发放"), lines - back if answered else NOUGHT, paid),
            (_("银行退票 = 资金台账退票"), back if answered else NOUGHT, returned),
            (_("已审批待报送 = 资金台账记录"), lines if state == "approved" and kind != "follow_up" else NOUGHT, committed),
        )
        found += [Difference(area, f"{number} {fund} {year}", name, left, right, pk) for name, left, right in equations if left != right]
    return found


def _of_payrolls(payrolls: list[tuple[Any, ...]]) -> list[Difference]:
    found = []
    for pk, area, number, state, n, amount, line_n, lines, least, most, low, high, answer_n, answer, back_n, back, return_n, returned in payrolls:
        equations = [(_("发放明细笔数 = 批次笔数"), Decimal(line_n), Decimal(n)), (_("发放明细合计 = 批次合计"), lines, amount)]
        if least is not None:
            equations += [(_("批次合计 = 代发文件合计"), amount, most if most != amount else least)]
            equations += [(_("批次笔数 = 代发文件笔数"), Decimal(n), Decimal(high if high != n else low))]
        if state == "booked":
            equations += [(_("批次合计 = 成功合计 + 退票合计"), amount, answer), (_("批次笔数 = 成功笔数 + 退票笔数"), Decimal(n), Decimal(answer_n))]
        equations += [(_("退票合计 = 退票明细合计"), back, returned), (_("退票笔数 = 退票明细笔数"), Decimal(back_n), Decimal(return_n))]
        found += [Difference(area, number, name, left, right, pk) for name, left, right in equations if left != right]
    return found


def _sums(parts: list[tuple[Any, ...]]) -> list[Row]:
    sums: dict[tuple[str, str, int], list[Decimal]] = {}
    for _pk, area, _number, state, _kind, fund, year, _n, lines, back, out, _way, paid, returned, _committed in parts:
        gone, answered = state in ("released", "booked"), state == "booked"
        row = (lines if gone else NOUGHT, out, lines - back if answered else NOUGHT, paid, back if answered else NOUGHT, returned)
        have = sums.setdefault((area, fund, year), [NOUGHT] * 6)
        sums[area, fund, year] = [a + b for a, b in zip(have, row, strict=True)]
    return [Row(*key, *row) for key, row in sums.items()]


def nightly(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Each night, each county: the payrolls of this and the last year, the whole ledger. A difference is a to-do of its finance officers."""
    proof = prove(area=area, first=date(on.year - 1, 1, 1))
    wrong = {each.payroll_id or 0 for each in proof.differences}
    gone = Todo.objects.filter(kind=KIND, done_at__isnull=True, area=area).values_list("subject", "subject_id")
    for subject, subject_id in list(gone):
        if (subject_id if subject == "payroll" else 0) not in wrong:
            finish_todos(kind=KIND, subject=subject, subject_id=subject_id, now=now)
    told: set[int] = set()
    for each in proof.differences:
        key = each.payroll_id or 0
        if key in told:
            continue
        told.add(key)
        raise_todo(
            kind=KIND, area=area, duty=Duty.FINANCE_OFFICER, title=f"对账不符：{each}", url=f"/payments/{key}/" if key else "/payments/ledger/",
            subject="payroll" if key else "ledger", subject_id=key or int(area), now=now,
        )  # fmt: skip
    return {"payrolls": proof.payrolls, "differences": len(proof.differences)}


def said(proof: Proof) -> list[str]:
    """The differences in words, each with its place."""
    return [f"{places.name(each.area)} {each}" for each in proof.differences]
