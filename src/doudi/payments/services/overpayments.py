"""Finding overpayments (多发): what was paid for a month beside what was due for it, in set-based statements; nothing is claimed by finding it.

Paid: regular lines that the bank booked and that did not come back (or were paid again). Due: the award as it stands now, with the payroll's own rule
for members who had died before the month (integrity.md, "Death"). What stands in a case already, dismissed or not, is not found again.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.plans import at_once
from doudi.core.services.todos import raise_todo
from doudi.enrolment.models import Award
from doudi.payments.models import Overpayment
from doudi.payments.services.drafts import county_of, first_of

Kind = Overpayment.Kind
MONTHS_BACK = 36

PAID = """
create temporary table month_paid on commit drop as
select l.entitlement_id, l.month_entitled, l.area, l.programme, l.household_id, l.payee_name, l.fund_id, l.fund_year, l.amount as paid
from payments_payrollline l
join payments_payroll p on p.id = l.payroll_id and p.state = 'booked'
left join payments_bankreturn r on r.line_id = l.id and r.month_entitled = l.month_entitled
where l.kind = 'regular' and l.area >= %(low)s and l.area < %(high)s and l.month_entitled >= %(from)s and l.month_entitled <= %(until)s
  and (%(award)s::bigint is null or l.entitlement_id = %(award)s)
  and (r.line_id is null or exists (
    select from payments_payrollline x join payments_payroll q on q.id = x.payroll_id and q.state = 'booked'
    where x.entitlement_id = l.entitlement_id and x.month_entitled = l.month_entitled and x.kind = 'reissue' and x.amount = l.amount
      and not exists (select from payments_bankreturn b where b.line_id = x.id and b.month_entitled = x.month_entitled)));
analyze pg_temp.month_paid;
create temporary table month_claimed on commit drop as
select o.entitlement_id, o.month_entitled, sum(o.excess) as claimed from payments_overpaymentline o
where o.area >= %(low)s and o.area < %(high)s group by 1, 2;
"""
DUE = """
create temporary table month_due on commit drop as
with held as (
  select p.entitlement_id, p.month_entitled,
         count(m.*) filter (where m.starts <= p.month_entitled and (m.ends is null or m.ends > p.month_entitled)) as members,
         count(m.*) filter (where m.starts <= p.month_entitled and (m.ends is null or m.ends > p.month_entitled)
                              and (m.died_on is null or m.died_on >= p.month_entitled)) as living,
         sum(m.share) filter (where m.starts <= p.month_entitled and (m.ends is null or m.ends > p.month_entitled)) as shares,
         count(m.share) filter (where m.starts <= p.month_entitled and (m.ends is null or m.ends > p.month_entitled)) as shared,
         sum(m.share) filter (where m.starts <= p.month_entitled and (m.ends is null or m.ends > p.month_entitled) and m.died_on < p.month_entitled) as dead_share,
         coalesce(bool_or(m.died_on < p.month_entitled), false) as died
  from pg_temp.month_paid p left join enrolment_awardmember m on m.award_id = p.entitlement_id and not m.void
  group by 1, 2
), priced as (
  select p.entitlement_id, p.month_entitled, x.amount
  from pg_temp.month_paid p
  join (select award_id, from_month, amount, lead(from_month) over (partition by award_id order by from_month) as until
        from enrolment_awardamount where area >= %(low)s and area < %(high)s) x
    on x.award_id = p.entitlement_id and x.from_month <= p.month_entitled and (x.until is null or x.until > p.month_entitled)
)
select p.*, h.members, h.living, h.died,
       case when a.void or p.month_entitled < a.starts or a.ends <= p.month_entitled or h.living = 0 then 0
            when h.living = h.members then coalesce(x.amount, 0)
            when h.shared = h.members and h.shares = x.amount then x.amount - coalesce(h.dead_share, 0)
            else round(coalesce(x.amount, 0) * h.living / h.members, 2) end as due
from pg_temp.month_paid p join enrolment_award a on a.id = p.entitlement_id
join held h on h.entitlement_id = p.entitlement_id and h.month_entitled = p.month_entitled
left join priced x on x.entitlement_id = p.entitlement_id and x.month_entitled = p.month_entitled
"""
# who is on tekun receives no disability subsidy for the month (豫政〔2016〕60号): the subsidy is the double one
DOUBLE = """
update pg_temp.month_due d set due = 0, kind = 'double'
where d.programme in ('disability_living', 'disability_nursing') and d.paid = d.due and exists (
  select from enrolment_awardmember m join enrolment_awardmember t on t.person_id = m.person_id and not t.void
  join pg_temp.month_paid p on p.entitlement_id = t.award_id and p.programme = 'tekun' and p.month_entitled = d.month_entitled
  where m.award_id = d.entitlement_id and not m.void and t.starts <= d.month_entitled and (t.ends is null or t.ends > d.month_entitled))
"""
# what a calculation of back pay found: the law's amount of each month, as the calculation froze it
BACK = """
update pg_temp.month_due d set kind = 'review', due = least(d.paid, i.owed) from payments_backpayitem i
where i.back_pay_id = %s and i.reason = 'overpaid' and i.entitlement_id = d.entitlement_id and i.month = d.month_entitled;
delete from pg_temp.month_due where kind is null
"""
EXCESS = """
create temporary table month_excess on commit drop as
select d.*, d.paid - d.due - coalesce(c.claimed, 0) as excess from pg_temp.month_due d
left join pg_temp.month_claimed c on c.entitlement_id = d.entitlement_id and c.month_entitled = d.month_entitled
where d.paid - d.due - coalesce(c.claimed, 0) > 0
"""
CASES = """
with cases as (
  select e.entitlement_id, e.kind, min(e.area) as area, min(e.programme) as programme, min(e.household_id) as household_id,
         (array_agg(e.payee_name order by e.month_entitled desc))[1] as payee_name, sum(e.excess) as amount,
         row_number() over (order by e.entitlement_id, e.kind) as place
  from pg_temp.month_excess e group by 1, 2
), made as (
  insert into payments_overpayment (area, number, kind, household_id, entitlement_id, programme, payee_name, reason, amount, recovered, waived, state, debtor,
    debtor_name, found_by_id, found_at, version)
  select c.area, %(prefix)s || lpad((%(last)s + c.place)::text, greatest(4, length((%(last)s + c.place)::text)), '0'),
    c.kind, c.household_id, c.entitlement_id, c.programme, c.payee_name,
    case when %(reason)s <> '' then %(reason)s when c.kind = 'death' then '成员死亡后的月份仍按原金额发放' when c.kind = 'double' then '特困人员不同时享受残疾人补贴'
         else '待遇变更或停发后的月份仍按原金额发放' end,
    c.amount, 0, 0, 'found', 'payee', c.payee_name, %(by)s, %(now)s, 1
  from cases c order by c.place returning id, entitlement_id, kind
)
insert into payments_overpaymentline (area, overpayment_id, entitlement_id, month_entitled, paid, due, excess, recovered, fund_id, fund_year, members, living)
select e.area, m.id, e.entitlement_id, e.month_entitled, e.paid, e.paid - e.excess, e.excess, 0, e.fund_id, e.fund_year, e.members, e.living
from pg_temp.month_excess e join made m on m.entitlement_id = e.entitlement_id and m.kind = e.kind order by m.id, e.month_entitled
"""


def lock(county: str) -> None:
    """One search for overpayments, and one decision on the numbers of cases, in a county at a time."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('recovery ' || %s, 0))", [county])


def _find(
    cursor: Any, county: str, values: dict[str, Any], *, kind: str = "", due: Decimal | None = None, back_pay: int | None = None, reason: str = "",
    by: int | None, now: datetime,
) -> int:  # fmt: skip
    with at_once(cursor):
        cursor.execute(PAID, values)
        cursor.execute(DUE, values)
        cursor.execute("alter table pg_temp.month_due add column kind text")
        if back_pay is not None:
            cursor.execute(BACK, [back_pay])
        elif kind:
            cursor.execute("update pg_temp.month_due set kind = %s, due = least(paid, coalesce(%s, due))", [kind, due])
        else:
            cursor.execute("update pg_temp.month_due set kind = case when died then 'death' else 'review' end")
            cursor.execute(DOUBLE)
        cursor.execute(EXCESS)
        prefix = f"{county}-D{timezone.localdate(now):%Y}-"
        cursor.execute("select coalesce(max(split_part(number, '-', 3)::int), 0) from payments_overpayment where number >= %s and number < %s", [prefix, prefix + ":"])
        last = cursor.fetchone()[0]
        cursor.execute(CASES, {"prefix": prefix, "last": last, "reason": reason, "by": by, "now": now})
        cursor.execute("select count(distinct (entitlement_id, kind)) from pg_temp.month_excess")
        made: int = cursor.fetchone()[0]
        cursor.execute("drop table pg_temp.month_paid, pg_temp.month_claimed, pg_temp.month_due, pg_temp.month_excess")
    return made


def _announce(county: str, now: datetime) -> None:
    raise_todo(
        kind="payments.overpayments", area=county, duty=Duty.COUNTY_REVIEWER, title="发现多发款项，请核实", url="/payments/overpayments/?state=found",
        subject="area", subject_id=int(county), now=now,
    )  # fmt: skip


def _values(county: str, first: date, until: date, award: int | None) -> dict[str, Any]:
    here = scopes.Scope(area=county)
    return {"low": here.low, "high": here.high, "from": first, "until": until, "award": award}


@transaction.atomic
def find_overpayments(*, area: str, on: date, now: datetime) -> int:
    """Compare what a county was paid in the last three years with what was due; the number of new cases. Again on the same data: none."""
    county = county_of(area, "payments.overpayments")
    lock(county)
    first = date(on.year - MONTHS_BACK // 12, on.month, 1)
    with connection.cursor() as cursor:
        made = _find(cursor, county, _values(county, first, first_of(on), None), by=None, now=now)
    if made:
        _announce(county, now)
    scopes.check_constraints()
    return made


def open_from_back_pay(*, back_pay_id: int, area: str, first: date, last: date, reason: str, now: datetime) -> int:
    """Cases of the months that a calculation of back pay found paid too high and the bank booked; part of approving it. The number of cases."""
    lock(area)
    with connection.cursor() as cursor:
        made = _find(cursor, area, _values(area, first, last, None), back_pay=back_pay_id, reason=reason[:400], by=None, now=now)
    if made:
        _announce(area, now)
    return made


@transaction.atomic
def open_overpayment(*, award_id: int, kind: str, first: date, last: date, due: Decimal, reason: str, now: datetime) -> Overpayment:
    """Open a case by hand: a review or the bank found that months were paid too high. `due`: yuan that each of the months should have had.

    Raises ValidationError: no reason, months the wrong way round, an award out of reach, nothing left that was paid beyond `due`.
    """
    acting = duties.require("payments.recover")
    if kind not in (Kind.REVIEW, Kind.BANK, Kind.DOUBLE):
        raise ValidationError({"kind": _("请选择多发原因。")})
    if not reason.strip():
        raise ValidationError({"reason": _("请写明多发的事实和依据。")})
    first, last = first_of(first), first_of(last)
    if last < first:
        raise ValidationError({"last": _("截止月份不能早于起始月份。")})
    if due < 0 or due != due.quantize(Decimal("0.01")):
        raise ValidationError({"due": _("“应发金额”应为不小于零的金额，精确到分。")})
    award = Award.objects.filter(pk=award_id).first()
    if award is None or not acting.covers(award.area):
        raise ValidationError(_("待遇不存在，或不在您的管辖范围内。"))
    county = county_of(award.area[:6], "payments.recover")
    lock(county)
    with connection.cursor() as cursor:
        made = _find(
            cursor, county, _values(county, first, last, award.pk), kind=kind, due=due, reason=reason.strip()[:400], by=acting.account_id, now=now
        )  # fmt: skip
    if not made:
        raise ValidationError(_("这些月份没有到账超过应发金额的部分，或已在其他多发案件中。"))
    scopes.check_constraints()
    return Overpayment.objects.filter(entitlement_id=award.pk, found_at=now).order_by("-pk")[0]
