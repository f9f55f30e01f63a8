"""Set-off (抵扣) of overpayments from later payments: a line of its own below nought beside the line that it is deducted from (its carrier).

The bank is sent the carrier's amount less the set-off; what comes back comes back for both, and both are paid again together. Within the county's
share of a month, never below the living minimum without the household's written consent (services/recovery.py).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from doudi.core.settings_overlay import get_setting
from doudi.payments.account_settings import SETOFF_SHARE
from doudi.payments.models import Payroll, RecoveryDecision
from doudi.payments.services.recovery import LIVING

COLUMNS = (
    "area, month_entitled, kind, cause, returned_line, entitlement_id, payroll_id, month_paid, programme, household_id, fund_id, fund_year, amount, members,"
    " payee_id, payee_name, payee, beneficiary_name, beneficiary, account, bank, decision_id, marked, mark, carrier"
)
# what is owed and not held back yet, by case
OWED = """
with decided as (
  select d.id, d.overpayment_id, d.award_id, d.per_month, d.amount, d.consent, d.ended_at from payments_recoverydecision d
  where d.way = 'setoff' and d.state = 'confirmed' and d.area >= %(low)s and d.area < %(high)s
), held as (
  select d.overpayment_id, d.id, coalesce(sum(-l.amount), 0) as held from decided d
  left join payments_payrollline l on l.entitlement_id = d.award_id and l.kind = 'setoff' and l.cause = d.id group by 1, 2
), owed as (
  select o.id, o.amount - o.waived - o.recovered - coalesce((select sum(h.held) from held h where h.overpayment_id = o.id), 0)
         + coalesce((select sum(r.amount) from payments_repayment r where r.overpayment_id = o.id and r.way = 'setoff'), 0) as owed
  from payments_overpayment o where o.state = 'recovering' and o.id in (select overpayment_id from decided)
)
"""
INSERT = (
    OWED
    + f"""
insert into payments_payrollline ({COLUMNS})
select l.area, l.month_entitled, 'setoff', d.id, null, l.entitlement_id, l.payroll_id, l.month_paid, l.programme, l.household_id, l.fund_id, l.fund_year,
  -least(d.per_month, trunc(l.amount * %(share)s / 100, 2), o.owed, d.amount - h.held), 0, l.payee_id, l.payee_name, l.payee, l.beneficiary_name, l.beneficiary,
  l.account, l.bank, l.decision_id, true, 'setoff', l.id
from decided d join owed o on o.id = d.overpayment_id join held h on h.id = d.id
join payments_payrollline l on l.payroll_id = %(payroll)s and l.entitlement_id = d.award_id and l.kind = 'regular' and l.month_entitled = %(month)s
where d.ended_at is null and least(d.per_month, trunc(l.amount * %(share)s / 100, 2), o.owed, d.amount - h.held) > 0
  and (d.consent <> '' or not exists (
    select from enrolment_award w where w.household_id = l.household_id and w.programme = any(%(living)s) and not w.void and w.starts <= %(day)s
      and (w.ends is null or w.ends > %(day)s) and w.gradual_exit_start is null))
order by l.entitlement_id
"""
)
# both halves of what came back are paid again together
REISSUE = f"""
insert into payments_payrollline ({COLUMNS})
select s.area, s.month_entitled, 'reissue', s.id, s.id, s.entitlement_id, n.payroll_id, n.month_paid, s.programme, s.household_id, s.fund_id, s.fund_year, s.amount, 0,
  n.payee_id, n.payee_name, n.payee, n.beneficiary_name, n.beneficiary, n.account, n.bank, s.decision_id, true, 'setoff', n.id
from payments_payrollline n
join payments_payrollline s on s.entitlement_id = n.entitlement_id and s.month_entitled = n.month_entitled and s.carrier = n.returned_line and s.amount < 0
join payments_bankreturn r on r.line_id = s.id and r.month_entitled = s.month_entitled and r.state = 'corrected'
where n.payroll_id = %s and n.kind = 'reissue' and n.amount > 0 order by s.id
"""
SETTLE = """
with recursive chain as (
  select l.id, l.id as paid, l.kind, l.cause, l.month_entitled, l.entitlement_id, l.amount from payments_payrollline l
  where l.payroll_id = %(payroll)s and l.month_entitled <= %(latest)s and l.amount < 0
    and not exists (select from payments_bankreturn r where r.line_id = l.id and r.month_entitled = l.month_entitled)
  union all
  select b.id, c.paid, b.kind, b.cause, b.month_entitled, b.entitlement_id, c.amount from chain c
  join payments_payrollline b on c.kind = 'reissue' and b.id = c.cause and b.month_entitled = c.month_entitled
)
insert into payments_repayment (area, overpayment_id, way, amount, received_on, document, line_id, made_by_id, made_at)
select o.area, o.id, 'setoff', -c.amount, %(on)s, %(number)s || '/' || c.paid, c.paid, null, %(now)s
from chain c join payments_recoverydecision d on c.kind = 'setoff' and d.id = c.cause join payments_overpayment o on o.id = d.overpayment_id
order by o.id, c.paid returning overpayment_id, amount
"""
# on the months of the case, the oldest first
MONTHS = """
update payments_overpaymentline m set recovered = m.recovered + p.part from (
  select x.id, greatest(0, least(x.excess - x.recovered, g.amount - coalesce(sum(x.excess - x.recovered)
           over (partition by x.overpayment_id order by x.month_entitled rows between unbounded preceding and 1 preceding), 0))) as part
  from payments_overpaymentline x join unnest(%s::bigint[], %s::numeric[]) as g (id, amount) on g.id = x.overpayment_id) p
where p.id = m.id and p.part > 0
"""
CLOSE = """
update payments_overpayment o set recovered = o.recovered + g.amount, version = o.version + 1,
  state = case when o.amount = o.recovered + g.amount + o.waived then 'closed' else o.state end,
  closed_at = case when o.amount = o.recovered + g.amount + o.waived then %s else o.closed_at end
from unnest(%s::bigint[], %s::numeric[]) as g (id, amount) where o.id = g.id
"""


def hold_back(cursor: Any, payroll: Payroll, *, low: str, high: str, on: date) -> int:
    """Put the set-offs that are agreed beside the lines of a draft; their number."""
    # most counties have none, and what was held back is looked for in every month
    agreed = RecoveryDecision.objects.filter(area__gte=low, area__lt=high, way=RecoveryDecision.Way.SETOFF, state=RecoveryDecision.State.CONFIRMED)
    if not agreed.filter(ended_at=None).exists() or not (share := get_setting(SETOFF_SHARE, payroll.area, on)):
        return 0
    cursor.execute(INSERT, {"payroll": payroll.pk, "month": payroll.month, "low": low, "high": high, "share": share, "living": list(LIVING), "day": on})
    return int(cursor.rowcount)


def reissue(cursor: Any, payroll: Payroll) -> int:
    """Put what was set off beside the lines that pay again what came back; their number."""
    cursor.execute(REISSUE, [payroll.pk])
    return int(cursor.rowcount)


def settle(cursor: Any, payroll: Payroll, *, on: date, now: datetime) -> int:
    """Count the set-offs of a booked payroll that did not come back as repaid, with a few statements; the number of cases. The money never left the fund."""
    cursor.execute(SETTLE, {"payroll": payroll.pk, "latest": payroll.latest, "number": payroll.number, "on": on, "now": now})
    got: dict[int, Any] = {}
    for case, amount in cursor.fetchall():
        got[case] = got.get(case, 0) + amount
    if not got:
        return 0
    ids, amounts = list(got), list(got.values())
    cursor.execute(MONTHS, [ids, amounts])
    cursor.execute(CLOSE, [now, ids, amounts])
    cursor.execute(
        "update payments_recoverydecision d set ended_at = %s from payments_overpayment o where o.id = d.overpayment_id and o.id = any(%s) and o.state = 'closed'"
        " and d.state = 'confirmed' and d.ended_at is null",
        [now, ids],
    )
    return len(got)
