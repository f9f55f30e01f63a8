"""Back pay (补发): a standard that a later document raises pays the difference for the months since; so does a decision that came late.

What a month owes is the law under today's settings without the share of who had died, minus every line of that award and month (integrity.md).
Nobody becomes newly entitled: only months that were paid are looked at. Who has died or whose award has ended is owed it all the same.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Count, Max, Min
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.assessment.facts import month_before
from doudi.assessment.services import law_settings, snapshot
from doudi.batch import law
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.plans import at_once
from doudi.core.services.todos import ends_by_hand, finish_todos, raise_todo, raise_todos
from doudi.payments import back_law
from doudi.payments.models import BackPay, BackPayItem, Payroll
from doudi.payments.services.drafts import county_of, first_of, month_range, next_month
from doudi.payments.services.overpayments import open_from_back_pay
from doudi.registry.models import Programme

ends_by_hand("payments.back_differs", "payments.back_overpaid")

State, Source = BackPay.State, BackPay.Source
SUBJECT = "back_pay"
MOST_MONTHS = 60
# Programmes that pay money; a confirmation of a family pays none.
PAID = tuple(value for value in Programme.values if value not in (Programme.MARGINAL, Programme.RIGID))
LATE_DECISIONS = "待遇决定补发"

# One row for each award and month in the range: what it was to pay, to whom, what was paid and what is on its way. `regular` null: not paid yet.
# A line in a draft may still change: such a month waits. Awards from an earlier system were paid there up to the month in which they were loaded.
DUE = """
create temporary table back_due on commit drop as
with taken_over as (
  select x.award_id, max(date_trunc('month', d.decided_at at time zone 'Asia/Shanghai'))::date as paid_until
  from doudi.enrolment_awardamount x join doudi.enrolment_decision d on d.id = x.decision_id
  where d.number >= 'INIT' and d.number < 'INIU' and x.area >= %(low)s and x.area < %(high)s group by x.award_id
), held as (
  select a.id, a.area, a.household_id, a.programme, a.payee_name, a.gradual_exit_start, m.month, coalesce(m.month <= t.paid_until, false) as elsewhere
  from doudi.enrolment_award a
  join (select generate_series(%(first)s::date, %(last)s::date, interval '1 month')::date as month) m on a.starts <= m.month and (a.ends is null or a.ends > m.month)
  left join taken_over t on t.award_id = a.id
  where not a.void and a.area >= %(low)s and a.area < %(high)s and a.programme = any(%(programmes)s)
), people as (
  select h.id, h.month, min(w.person_id) as person_id, count(*) as members, count(*) filter (where w.died_on is null or w.died_on >= h.month) as living,
    count(w.share) as shares, sum(w.share) as all_shares, sum(w.share) filter (where w.died_on < h.month) as dead_share
  from held h join doudi.enrolment_awardmember w on w.award_id = h.id and not w.void and w.starts <= h.month and (w.ends is null or w.ends > h.month)
  group by h.id, h.month
), priced as (
  select h.id, h.month, x.amount, d.assessment_id, x.decision_id
  from held h join (
    select award_id, from_month, amount, decision_id, lead(from_month) over (partition by award_id order by from_month) as until
    from doudi.enrolment_awardamount where area >= %(low)s and area < %(high)s) x
    on x.award_id = h.id and x.from_month <= h.month and (x.until is null or x.until > h.month)
  join doudi.enrolment_decision d on d.id = x.decision_id
), lines as (
  -- a returned line counts once: its reissue pays the same money again. Set-offs pay back another month and change nothing of this one.
  select l.entitlement_id, l.month_entitled, sum(l.amount) filter (where l.kind = 'regular' and p.state in ('released', 'booked')) as regular,
    coalesce(sum(l.amount) filter (where l.kind = 'back'), 0) as back,
    coalesce(sum(l.amount) filter (where l.kind = 'back' and b.source = 'decision'), 0) as by_decision
  from doudi.payments_payrollline l
  join doudi.payments_payroll p on p.id = l.payroll_id
  left join doudi.payments_backpay b on b.id = l.cause and l.kind = 'back'
  where l.month_entitled >= %(first)s and l.month_entitled <= %(last)s and l.area >= %(low)s and l.area < %(high)s and l.kind in ('regular', 'back') group by 1, 2
), coming as (
  select i.entitlement_id, i.month, sum(i.amount) as amount
  from doudi.payments_backpayitem i join doudi.payments_backpay b on b.id = i.back_pay_id and b.state in ('proposed', 'approved')
  left join doudi.payments_payrollline l on l.entitlement_id = i.entitlement_id and l.month_entitled = i.month and l.kind = 'back' and l.cause = i.root
  where i.reason = '' and l.id is null and i.area >= %(low)s and i.area < %(high)s and i.month >= %(first)s and i.month <= %(last)s group by 1, 2
), shared as (
  select h.*, w.person_id, w.members, w.living, p.amount as own, p.assessment_id, p.decision_id,
    case when w.living = w.members then p.amount when w.shares = w.members and w.all_shares = p.amount then p.amount - coalesce(w.dead_share, 0)
      else round(p.amount * w.living / w.members, 2) end as own_living
  from held h join people w on w.id = h.id and w.month = h.month join priced p on p.id = h.id and p.month = h.month
)
select row_number() over (order by s.household_id, s.id, s.month) as place, s.id as award_id, s.area, s.household_id, s.programme, s.payee_name, s.month, s.person_id,
  s.members, s.living, s.own, s.own_living, s.assessment_id, s.decision_id,
  case when s.elsewhere then s.own_living else l.regular end as regular, coalesce(l.back, 0) + coalesce(c.amount, 0) as more, coalesce(l.by_decision, 0) as by_decision,
  s.gradual_exit_start is not null and s.month >= s.gradual_exit_start as gradual,
  s.living > 0 and (s.elsewhere or l.regular is not null) and (s.gradual_exit_start is null or s.month < s.gradual_exit_start) as source_of_law
from shared s
left join lines l on l.entitlement_id = s.id and l.month_entitled = s.month
left join coming c on c.entitlement_id = s.id and c.month = s.month
"""
ITEM = """insert into doudi.payments_backpayitem (area, back_pay_id, root, entitlement_id, month, programme, household_id, payee_name, members, living, standard_was,
  standard, was, law, owed, paid, amount, reason)
"""
# A raise: the law's difference. What neither the law before nor the law now explains is no business of the document.
BY_DOCUMENT = f"""
{ITEM} with raised as (
  select distinct d.programme from pg_temp.back_law v join pg_temp.back_due d on d.award_id = v.award_id and d.month = v.month where v.law > v.was
)
select area, %(id)s, %(root)s, award_id, month, programme, household_id, payee_name, members, living, standard_was, standard, was, law, owed, paid,
  coalesce(owed - paid, 0), reason
from (
  select d.*, v.was, v.law, v.standard_was, v.standard, o.owed, coalesce(d.regular, 0) + d.more as paid,
    case when d.gradual then 'gradual' when d.regular is null then 'unpaid' when v.law is null then 'differs' when o.owed < coalesce(d.regular, 0) + d.more then 'overpaid'
      else '' end as reason
  from pg_temp.back_due d
  left join pg_temp.back_law v on v.award_id = d.award_id and v.month = d.month
  left join lateral (select case when d.living = d.members or v.living_only then v.law when v.dead_share > 0 then v.law - v.dead_share
    else round(v.law * d.living / d.members, 2) end as owed) o on true
  where d.living > 0) x
where reason = 'overpaid' or (reason = '' and owed > paid)
  or (reason in ('gradual', 'unpaid', 'differs') and programme in (select programme from raised))
order by award_id, month
"""
# A decision that came late: the amount that it fixed for a month, where the month had been paid by the one before.
BY_DECISION = f"""
{ITEM} select area, %(id)s, %(root)s, award_id, month, programme, household_id, payee_name, members, living, null, null, regular, own, own_living, regular + more,
  own_living - regular - more, case when own_living > regular + more then '' else 'overpaid' end
from pg_temp.back_due where living > 0 and regular is not null and (own_living > regular + more or own_living < regular + by_decision)
order by award_id, month
"""
OF = "from doudi.payments_backpayitem where back_pay_id = %(id)s and reason"
COUNTS = "count(distinct entitlement_id) as awards, count(*) as months, sum(amount) as amount"
SUMMARY = f"""
select json_build_object(
  'places', (select coalesce(json_agg(t order by t.area), '[]') from (select left(area, 9) as area, {COUNTS} {OF} = '' group by 1) t),
  'programmes', (select coalesce(json_agg(t order by t.programme), '[]') from (select programme, {COUNTS} {OF} = '' group by 1) t),
  'by_month', (select coalesce(json_agg(t order by t.month), '[]') from (select month, {COUNTS} {OF} = '' group by 1) t),
  'left_out', (select coalesce(json_agg(t order by t.reason), '[]') from (select reason, {COUNTS} {OF} <> '' group by 1) t))::text,
  (select count(distinct entitlement_id) {OF} = ''), (select count(*) {OF} = ''), (select coalesce(sum(amount), 0) {OF} = '')
"""


@dataclass(frozen=True)
class Proposed:
    """What calculating came to. `changed` is false where the same officer's calculation waits already: nothing was done."""

    back_pay: BackPay
    changed: bool


@transaction.atomic
def propose_back_pay(
    *,
    area: str,
    document: str,
    first: date,
    now: datetime,
    last: date | None = None,
    programmes: Collection[str] = PAID,
    reason: str = "",
    source: str = Source.DOCUMENT,
    progress: back_law.Progress | None = None,
) -> Proposed:
    """Calculate (核算) what a county owes by a document for the months from `first` to `last` (default: the last month that it has paid), for approval.

    The same document again pays only what is still missing. Raises ValidationError where nothing is owed, a month has no room in the
    database, or another officer's calculation by this document waits.
    """
    acting, today = scopes.current(), timezone.localdate(now)
    months = check_asked(area=area, document=document, first=first, last=last, programmes=programmes, now=now)
    first, last, document = months[0], months[-1], document.strip()[:200]
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('back pay ' || %s, 0))", [area])
    earlier = BackPay.objects.filter(area=area, document=document)
    waiting = earlier.filter(state=State.PROPOSED).first()
    frozen = snapshot(law_settings(last), now=now)
    if waiting is not None:
        if waiting.made_by_id == acting.account_id and (waiting.settings, waiting.first, waiting.last) == (frozen.hash, first, last):
            return Proposed(waiting, changed=False)
        raise ValidationError(_("“%(document)s”已有一份补发待审批；请先审批、退回或撤回它。") % {"document": document})
    made = BackPay.objects.create(
        area=area, source=source, document=document, serial=(earlier.aggregate(last=Max("serial"))["last"] or 0) + 1,
        root=earlier.filter(serial=1).values_list("pk", flat=True).first(), first=first, last=last, programmes=sorted(programmes), reason=reason.strip()[:400],
        law_version=law.law_version(), settings=frozen.hash, basis=basis_of(area, first, last) if source == Source.DOCUMENT else [],
        made_by_id=acting.account_id, made_at=now,
    )  # fmt: skip
    _write(made, months, today, progress)
    if not made.months and not made.summary["left_out"]:
        raise ValidationError(_("%(first)s 至 %(last)s 已按现行标准发足，没有应补的差额。") % {"first": f"{first:%Y-%m}", "last": f"{last:%Y-%m}"})
    raise_todo(
        kind="payments.back_approve", area=area, duty=Duty.COUNTY_APPROVER, title=f"审批补发：{document}（{made.awards} 户次）"[:200], url=f"/payments/back/{made.pk}/",
        subject=SUBJECT, subject_id=made.pk, now=now,
    )  # fmt: skip
    scopes.check_constraints()
    return Proposed(made, changed=True)


def check_asked(*, area: str, document: str, first: date, last: date | None, programmes: Collection[str], now: datetime) -> list[date]:
    """The months to calculate. Raises ValidationError by field for what cannot be calculated, before the long work begins."""
    duties.require("payments.back_propose")
    county_of(area, "payments.back_propose")
    today = timezone.localdate(now)
    if not document.strip():
        raise ValidationError({"document": _("请填写调整标准的文号。")})
    if not set(programmes) <= set(PAID) or not programmes:
        raise ValidationError({"programmes": _("请选择要补发的待遇。")})
    return _months(first_of(first), first_of(last or _last_paid(area, first, today)), today)


def propose_late_decisions(*, area: str, now: datetime, first: date | None = None) -> Proposed:
    """Calculate what decisions that came late owe: months that had been paid by the amount before (待遇决定较晚). Raises ValidationError where none does."""
    last = first_of(timezone.localdate(now))
    begin = first or date(last.year - 1, last.month, 1)
    return propose_back_pay(
        area=area, document=f"{LATE_DECISIONS} {last:%Y-%m}", first=max(begin, month_range()[0]), last=last, now=now, source=Source.DECISION
    )


def _last_paid(area: str, first: date, today: date) -> date:
    paid = Payroll.objects.filter(area=area, kind=Payroll.Kind.REGULAR, state__in=[Payroll.State.RELEASED, Payroll.State.BOOKED], month__lte=today)
    return max(paid.aggregate(last=Max("month"))["last"] or first_of(today), first_of(first))


def _months(first: date, last: date, today: date) -> list[date]:
    begin, end = month_range()
    if last > first_of(today):
        raise ValidationError({"last": _("补发只核算到本月；之后的月份按新标准正常发放。")})
    if last < first:
        raise ValidationError({"last": _("截止月份不能早于起始月份。")})
    if first < begin or last > end:
        raise ValidationError({"first": _("系统中的发放明细自 %(month)s 起；更早的月份请按原系统的发放清册另行核算。") % {"month": f"{begin:%Y-%m}"}})
    months = [first]
    while months[-1] < last:
        months.append(next_month(months[-1]))
    if len(months) > MOST_MONTHS:
        raise ValidationError({"first": _("一次最多核算 %(n)s 个月；请分段办理。") % {"n": MOST_MONTHS}})
    return months


def _write(made: BackPay, months: list[date], today: date, progress: back_law.Progress | None) -> None:
    county = scopes.Scope(area=made.area)
    values: dict[str, Any] = {
        "id": made.pk, "root": made.cause, "first": made.first, "last": made.last, "low": county.low, "high": county.high, "programmes": made.programmes,
    }  # fmt: skip
    with connection.cursor() as cursor, at_once(cursor):
        cursor.execute("drop table if exists pg_temp.back_due; drop table if exists pg_temp.back_law")
        cursor.execute(DUE, values)
        cursor.execute("analyze pg_temp.back_due")
    if made.source == Source.DOCUMENT:
        back_law.answer_all(months=months, before=month_before(made.first), today=today, progress=progress)
    with connection.cursor() as cursor, at_once(cursor):
        if made.source == Source.DOCUMENT:
            cursor.execute("analyze pg_temp.back_law")
        cursor.execute(BY_DOCUMENT if made.source == Source.DOCUMENT else BY_DECISION, values)
        cursor.execute(SUMMARY, values)
        summary, made.awards, made.months, made.amount = cursor.fetchone()
        cursor.execute("drop table if exists pg_temp.back_due; drop table if exists pg_temp.back_law")
    made.summary = json.loads(summary)
    made.save(update_fields=["awards", "months", "amount", "summary"])


def basis_of(area: str, first: date, last: date) -> list[dict[str, Any]]:
    """The rules of the place that changed between the month before `first` and `last`: label, value before and after, from when, where, reference."""
    from openfisca_henan.places import county_index

    at = int(county_index(np.array([area]))[0])
    was, now = law_settings(month_before(first)).table(), law_settings(last).table()
    found = []
    for name, leaf in sorted(now.leaves.items()):
        if not name.startswith(("dibao.standard", "dibao.payment", "dibao.single_person", "dibao.uplift", "tekun.", "children.", "disability.", "minimum_wage")):
            continue
        row_at, before_at = int(now.at(name, f"{last}").row[at]), int(was.at(name, f"{month_before(first)}").row[at])
        row, before = (now.rows[row_at] if row_at >= 0 else None), (was.rows[before_at] if before_at >= 0 else None)
        if row is None or (before is not None and before.value == row.value):
            continue
        found.append({
            "name": name, "label": leaf.label, "unit": leaf.unit, "was": None if before is None else _plain(before.value), "value": _plain(row.value),
            "starts": f"{row.start}", "area": row.area, "reference": row.reference, "unverified": bool(row.unverified),
        })  # fmt: skip
    return found


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def locked(back_pay_id: int, act: str, version: int) -> BackPay:
    """The waiting calculation, locked. Raises ValidationError for one that is not there, was decided, or has changed since it was opened."""
    acting = duties.require(act)
    row = BackPay.objects.select_for_update(of=("self",)).filter(pk=back_pay_id).first()
    if row is None or not acting.covers(row.area):
        raise ValidationError(_("没有这一份补发，或它不在您的管辖范围内。"))
    if row.state != State.PROPOSED or row.version != version:
        raise ValidationError(_("这份补发现为“%(state)s”：可能已由他人办理，请刷新页面。") % {"state": row.get_state_display()})
    return row


def _decide(row: BackPay, state: str, note: str, now: datetime) -> None:
    row.state, row.decided_by_id, row.decided_at, row.decision_note = state, scopes.current().account_id, now, note.strip()[:200]
    row.version += 1
    row.save(update_fields=["state", "decided_by", "decided_at", "decision_note", "version"])
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)


@transaction.atomic
def approve_back_pay(*, back_pay_id: int, version: int, note: str = "", now: datetime) -> BackPay:
    """Approve (审批) another officer's calculation; the county's next back-pay payroll pays it. Refused where the rules have changed since."""
    row = locked(back_pay_id, "payments.back_approve", version)
    duties.require_apart("payments.back_approve", done={"payments.back_propose": row.made_by_id})
    if row.source == Source.DOCUMENT and (law.law_version() != row.law_version or basis_of(row.area, row.first, row.last) != row.basis):
        raise ValidationError(_("核算之后，标准或测算规则已经变更；请退回，由经办人重新核算。"))
    _decide(row, State.APPROVED, note, now)
    if row.months:
        raise_todo(
            kind="payments.back_pay", area=row.area, duty=Duty.COUNTY_REVIEWER, title=f"编制补发批次：{row.document}"[:200], url=f"/payments/back/{row.pk}/",
            subject="back_pay_payroll", subject_id=row.pk, now=now,
        )  # fmt: skip
    _hand_over(row, now)
    scopes.check_constraints()
    return row


def _hand_over(row: BackPay, now: datetime) -> None:
    """What this document does not pay: amounts that it does not explain go to the townships, months paid too high become overpayment cases of the county."""
    raise_todos(
        "select left(area, 9), %s, 'payments.back_differs', %s || count(distinct entitlement_id) || %s, '/payments/back/' || %s || '/items/?reason=differs',"
        " 'back_differs', left(area, 9)::bigint, null::date from payments_backpayitem where back_pay_id = %s and reason = 'differs' group by left(area, 9)",
        [Duty.TOWNSHIP_OFFICER, "标准调整：原金额与测算不一致的待遇 ", " 项，请逐户办理变更", row.pk, row.pk],
        now=now,
    )
    over = BackPayItem.objects.filter(back_pay=row, reason=BackPayItem.Reason.OVERPAID).aggregate(
        awards=Count("entitlement_id", distinct=True), first=Min("month"), last=Max("month")
    )
    cases = 0
    if over["awards"]:
        cases = open_from_back_pay(
            back_pay_id=row.pk, area=row.area, first=over["first"], last=over["last"], reason=f"补发核算发现：{row.document}", now=now
        )
    if count := over["awards"] - cases:  # not booked by the bank yet, or in a case already: somebody looks
        raise_todo(
            kind="payments.back_overpaid", area=row.area, duty=Duty.COUNTY_REVIEWER, title=f"补发核算发现多发 {count} 项，请核查", subject="back_overpaid",
            url=f"/payments/back/{row.pk}/items/?reason=overpaid", subject_id=row.pk, now=now,
        )  # fmt: skip


@transaction.atomic
def send_back_back_pay(*, back_pay_id: int, version: int, note: str, now: datetime) -> None:
    """Send back (退回) with the reason; a new calculation can follow."""
    row = locked(back_pay_id, "payments.back_approve", version)
    if not note.strip():
        raise ValidationError({"note": _("请填写退回理由。")})
    BackPayItem.objects.filter(back_pay=row)._raw_delete("default")
    _decide(row, State.SENT_BACK, note, now)
    raise_todo(
        kind="payments.back_again", area=row.area, duty=Duty.COUNTY_REVIEWER, title=f"补发被退回，请重新核算：{row.document}"[:200], url=f"/payments/back/{row.pk}/",
        subject=SUBJECT, subject_id=row.pk, now=now,
    )  # fmt: skip
    scopes.check_constraints()


@transaction.atomic
def withdraw_back_pay(*, back_pay_id: int, version: int, note: str = "", now: datetime) -> None:
    """Take one's own calculation back while nobody has decided."""
    row = locked(back_pay_id, "payments.back_propose", version)
    if row.made_by_id != scopes.current().account_id:
        raise ValidationError(_("只有核算人可以撤回。"))
    BackPayItem.objects.filter(back_pay=row)._raw_delete("default")
    _decide(row, State.WITHDRAWN, note or "撤回", now)
    scopes.check_constraints()


__all__ = ["PAID", "Proposed", "approve_back_pay", "check_asked", "propose_back_pay", "propose_late_decisions", "send_back_back_pay", "withdraw_back_pay"]
