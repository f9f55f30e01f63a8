"""Payrolls (发放批次): prepare, check, send back, approve, release. Three signatures by three people; everything may be clicked twice.

Lines come from awards in one set-based statement (integrity.md, "Payroll lines"); what the database guards (a person paid
twice, a line in a released payroll, a fund that does not cover) is caught here and told in words.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.plans import at_once
from doudi.core.services.todos import ends_by_hand, finish_todos, raise_todo, raise_todos
from doudi.payments import signing
from doudi.payments.models import BankReturn, LedgerAccount, LineReview, Payroll, PayrollExclusion
from doudi.payments.services import channels, content, drafts, ledger, reviewing, setoffs
from doudi.payments.services.turned import STANDS, TURNED

ends_by_hand("payments.award_ends", "payments.member_died")

State = Payroll.State


# What is known of a county before its awards are gone through: the month of its newest released regular payroll, the first month of any award where
# there is none, and between which months something up to then may be unpaid (models.OpenMonth, kept by the database).
BEHIND = """
select s.seen, case when s.seen is null then (select min(starts) from doudi.enrolment_award where area >= %(low)s and area < %(high)s and not void) end,
       o.oldest, o.newest
from (select max(month) as seen from doudi.payments_payroll where area = %(county)s and kind = 'regular' and state in ('released', 'booked')) s
cross join lateral (select min(month) as oldest, max(month) as newest from doudi.payments_openmonth
                    where area >= %(low)s and area < %(high)s and month >= %(from)s and month <= case when s.seen is not null then least(%(month)s, s.seen) end) o
"""
# One row per award and month that is due and has no regular line yet, earlier months included (a late approval, an ended exclusion): of the months up to
# the newest released one those that are open, of the later ones, mostly the payroll's alone, every award. Dates are first days of months; %(payroll)s:
# held lines of this draft; %(low)s .. %(high)s: the county.
# What is unpaid stands in a table of its own: counted before the rest is planned, and it says which months are asked about at all. Its rows
# are numbered: joined by award and month, a county of 160,000 awards would be planned for as some hundred rows. With its amount and members each stands
# in a second one, for the same reason: what is looked up for it afterwards is joined to a table whose size is known.
UNPAID = (
    """
create temporary table payroll_due on commit drop as
with taken_over as (
  -- awards that ran before this system: the old one paid up to the month in which they were loaded (enrolment.loading)
  select x.award_id, max(date_trunc('month', d.decided_at at time zone 'Asia/Shanghai'))::date as paid_until
  from doudi.enrolment_awardamount x join doudi.enrolment_decision d on d.id = x.decision_id
  where d.number >= 'INIT' and d.number < 'INIU' and x.area >= %(low)s and x.area < %(high)s group by x.award_id
), turned as ("""
    + TURNED
    + """), months as materialized (
  select generate_series(%(since)s::date, %(month)s::date, interval '1 month')::date as month
), due as ({due})
select row_number() over () as n, a.id, a.area, a.month, a.programme, a.household_id, case when c.waits then c.was_person_id else a.payee_id end as payee_id,
       case when c.waits then c.was_name else a.payee_name end as payee_name, case when c.waits then c.was_account else a.account end as account,
       case when c.waits then c.was_bank else a.bank end as bank, a.suspended, coalesce(c.waits, false) as cooling,
       coalesce(c.waits and c.was_over, false) as blocked, coalesce(not c.waits and c.is_over, false) as payee_over, a.decision_id as granted_by
from due a
left join taken_over t on t.award_id = a.id
left join turned c on """
    + STANDS
    + """
where t.paid_until is null or a.month > t.paid_until
"""
)
AHEAD = """
  select a.*, m.month from doudi.enrolment_award a join months m on a.starts <= m.month and (a.ends is null or a.ends > m.month)
  where not a.void and a.area >= %(low)s and a.area < %(high)s and not exists (
    select from doudi.payments_payrollline l where l.entitlement_id = a.id and l.month_entitled = m.month and l.kind = 'regular'
      and l.month_entitled >= %(since)s and l.month_entitled <= %(month)s)"""
# looked up by key, award by award: a plan at once would go through all that these months paid
OPEN = """
  select a.*, o.month
  from (select award_id, month from doudi.payments_openmonth
        where area >= %(low)s and area < %(high)s and month >= %(oldest)s and month <= %(newest)s) o
  join (select * from doudi.enrolment_award
        where id = any(array(select award_id from doudi.payments_openmonth
                             where area >= %(low)s and area < %(high)s and month >= %(oldest)s and month <= %(newest)s))) a
    on a.id = o.award_id and a.starts <= o.month and (a.ends is null or a.ends > o.month) and not a.void
  where (select l.id from doudi.payments_payrollline l where l.entitlement_id = o.award_id and l.month_entitled = o.month and l.kind = 'regular'
           and l.month_entitled >= %(oldest)s and l.month_entitled <= %(newest)s) is null"""
PRICED = """
create temporary table payroll_priced on commit drop as
with held_by as (
  select u.n, count(*) as members,
         count(*) filter (where m.died_on is null or m.died_on >= u.month) as living,
         sum(m.share) as all_shares, sum(m.share) filter (where m.died_on < u.month) as dead_share, count(m.share) as shares,
         bool_or(m.person_id = u.payee_id and m.died_on is not null) as payee_died,
         min(m.person_id) filter (where m.died_on is null or m.died_on >= u.month) as first_living,
         bool_or(m.person_id = u.payee_id and (m.died_on is null or m.died_on >= u.month)) as payee_is_member
  from pg_temp.payroll_due u
  join doudi.enrolment_awardmember m on m.award_id = u.id and not m.void and m.starts <= u.month and (m.ends is null or m.ends > u.month)
  group by u.n
)
select u.*, x.decision_id, h.members, h.living, h.payee_died, case when h.payee_is_member then u.payee_id else h.first_living end as beneficiary_id,
       -- half up to the fen; bands only where they make up the award's amount
       case when h.living = h.members then x.amount
            when h.shares = h.members and h.all_shares = x.amount then x.amount - coalesce(h.dead_share, 0)
            else round(x.amount * h.living / h.members, 2) end as amount
from pg_temp.payroll_due u
join (select award_id, from_month, amount, decision_id, lead(from_month) over (partition by award_id order by from_month) as until
      from doudi.enrolment_awardamount where area >= %(low)s and area < %(high)s) x
  on x.award_id = u.id and x.from_month <= u.month and (x.until is null or x.until > u.month)
join held_by h on h.n = u.n
"""
# The beneficiary is nearly always the payee: only the others are looked up once more, by key.
CANDIDATES = """
create temporary table payroll_candidate on commit drop as
with gone as materialized (
  -- managed elsewhere since a move: paid here until the new area's award begins
  select * from doudi.moved_people()
), other as (
  select id, name, token from doudi.registry_person
  where id = any(array(select beneficiary_id from pg_temp.payroll_priced where beneficiary_id is distinct from payee_id and beneficiary_id is not null))
), found as (
  select p.*, f.fund_id, coalesce(payee.token, gone_payee.token) as payee_token, coalesce(payee.died_on, gone_payee.died_on) as payee_died_on,
         coalesce(case when p.beneficiary_id = p.payee_id then payee.name else other.name end, gone_member.name, p.payee_name) as beneficiary_name,
         coalesce(case when p.beneficiary_id = p.payee_id then payee.token else other.token end, gone_member.token, payee.token, gone_payee.token)
           as beneficiary_token,
         paid.award_id is not null as paid_elsewhere, v.entitlement_id is not null as held, late.id is not null as is_late, r.entitlement_id is not null as returned
  from pg_temp.payroll_priced p
  left join doudi.funds_for(%(low)s, %(year)s) f on f.programme = p.programme
  left join doudi.enrolment_decision late on %(frozen)s::timestamptz is not null and late.id = p.granted_by and late.decided_at >= %(frozen)s
  left join doudi.registry_person payee on payee.id = p.payee_id
  left join other on other.id = p.beneficiary_id
  left join gone gone_payee on gone_payee.id = p.payee_id
  left join gone gone_member on gone_member.id = p.beneficiary_id
  left join doudi.months_paid_already(%(months)s::date[]) paid on paid.award_id = p.id and paid.month = p.month
  left join (select distinct entitlement_id from doudi.payments_linereview where payroll_id = %(payroll)s and verdict = 'held') v
    on v.entitlement_id = p.id
  left join (select distinct entitlement_id from doudi.payments_bankreturn where state in ('open', 'proposed')) r on r.entitlement_id = p.id
)
select id, area, month, programme, household_id, payee_id, payee_name, account, bank, decision_id, members, living, amount, fund_id, payee_token,
       beneficiary_name, beneficiary_token,
       case when paid_elsewhere then 'paid_elsewhere'
            when held then 'held'
            when suspended then 'suspended'
            when is_late then 'after_freeze'
            when blocked or cooling and (account is null or payee_died or payee_died_on is not null) then 'cooling'
            when payee_over then 'payee_over'
            when payee_died or payee_died_on is not null then 'payee_died'
            when account is null or beneficiary_token is null then 'no_account'
            when fund_id is null then 'no_fund'
            when returned then 'returned' end as reason
from found
"""
LINES = """
insert into doudi.payments_payrollline (area, month_entitled, kind, entitlement_id, payroll_id, month_paid, programme, household_id, fund_id,
  fund_year, amount, members, payee_id, payee_name, payee, beneficiary_name, beneficiary, account, bank, decision_id, marked, mark)
select area, month, 'regular', id, %(payroll)s, %(month)s, programme, household_id, fund_id, %(year)s, amount, living, payee_id, payee_name,
  payee_token, beneficiary_name, beneficiary_token, account, bank, decision_id, living < members or month < %(month)s,
  case when living < members then 'death' when month < %(month)s then 'arrears' else '' end
from pg_temp.payroll_candidate where reason is null and living > 0 and amount > 0 order by id, month
"""
EXCLUSIONS = """
insert into doudi.payments_payrollexclusion (area, payroll_id, entitlement_id, month_entitled, reason, amount, payee_name, programme, household_id)
select area, %(payroll)s, id, month, reason, amount, payee_name, programme, household_id
from pg_temp.payroll_candidate where reason is not null and living > 0 and amount > 0 order by id, month
"""
# An award whose members have all died has neither line nor exclusion: the township ends it.
DEATHS = """
select area, %s, case when living = 0 then 'payments.award_ends' when reason = 'payee_died' then 'payments.new_payee' else 'payments.member_died' end,
  case when living = 0 then %s when reason = 'payee_died' then %s else %s end || '：' || payee_name,
  case when household_id is null then '/payments/' else '/households/' || household_id || '/' end, 'award', id, null::date
from (select distinct on (id) * from pg_temp.payroll_candidate where living < members or reason = 'payee_died' order by id, month desc) c
"""


def locked(payroll_id: int, act: str) -> Payroll:
    """The payroll, locked, if it lies in the acting scope and its duty may do `act`."""
    acting = duties.require(act)
    try:
        payroll = Payroll.objects.select_for_update(of=("self",)).get(pk=payroll_id)
    except Payroll.DoesNotExist:
        raise ValidationError(_("发放批次不存在，或不在您的管辖范围内。")) from None
    if not acting.covers(payroll.area):
        raise ValidationError(_("发放批次不在您的管辖范围内。"))
    return payroll


def prepare_payroll(*, area: str, month: date, now: datetime, arrears_from: date | None = None) -> drafts.Prepared:
    """Prepare (编制) the regular payroll of a county and month, or refresh its draft; a payroll past the draft is left as it is.

    `arrears_from`: first month for which missing lines are made good; by default the first month that the database holds.
    Awards that were loaded from an earlier system are paid from the month after they were loaded.
    Refreshing an unchanged county gives the same lines. Raises ValidationError where the month cannot be paid.
    """
    drafts.county_of(area, "payments.prepare")
    first, month = drafts.payable(month)
    with transaction.atomic():
        drafts.wait_for_turn(area)
        payroll = Payroll.objects.select_for_update(of=("self",)).filter(area=area, month=month, kind=Payroll.Kind.REGULAR).first()
        if payroll is None:
            payroll = drafts.begin(area=area, month=month, kind=Payroll.Kind.REGULAR, serial=1, now=now)
        elif payroll.state != State.DRAFT:
            excluded = PayrollExclusion.objects.filter(payroll=payroll).count()
            return drafts.Prepared(payroll, payroll.lines, payroll.amount, excluded, changed=False)
        for attempt in (1, 2):
            try:
                with transaction.atomic():
                    found = write(payroll, max(first, drafts.first_of(arrears_from)) if arrears_from else first, now)
                break
            except IntegrityError as error:
                # another area paid one of the people while we wrote: look again, they are exclusions now
                if attempt == 2 or "paid twice" not in str(error):
                    raise ValidationError(_("生成明细时数据有变动，未写入任何明细；请重新生成。")) from error
        drafts.ask_for_check(payroll, "发放批次", now=now)
    return found


def write(payroll: Payroll, arrears_from: date, now: datetime) -> drafts.Prepared:
    """Write the lines and exclusions of a draft that pays awards anew."""
    month = payroll.month
    county = scopes.Scope(area=payroll.area)
    values: dict[str, Any] = {
        "from": arrears_from,
        "month": month,
        "payroll": payroll.pk,
        "frozen": payroll.frozen_at,
        "year": month.year,
        "low": county.low,
        "high": county.high,
        "day": timezone.localdate(now),
    }
    # a tenth of the usual sample tells sizes
    with connection.cursor() as cursor, at_once(cursor, work_mem="256MB", default_statistics_target="10"):
        drafts.clear(cursor, payroll)
        cursor.execute("drop table if exists pg_temp.payroll_candidate, pg_temp.payroll_priced, pg_temp.payroll_due")
        cursor.execute(*unpaid(cursor, payroll, values))
        cursor.execute("analyze pg_temp.payroll_due (n, id, month)")
        cursor.execute("select array(select month from pg_temp.payroll_due group by month)")
        values["months"] = cursor.fetchone()[0]
        cursor.execute(PRICED, values)
        cursor.execute("drop table pg_temp.payroll_due")
        cursor.execute("analyze pg_temp.payroll_priced (id, month, programme, payee_id, beneficiary_id, granted_by)")
        cursor.execute(CANDIDATES, values)
        cursor.execute("drop table pg_temp.payroll_priced")
        cursor.execute("analyze pg_temp.payroll_candidate (area, id, month, reason)")
        cursor.execute(LINES, values)
        lines = cursor.rowcount
        setoffs.hold_back(cursor, payroll, low=county.low, high=county.high, on=values["day"])
        cursor.execute(EXCLUSIONS, values)
        excluded = cursor.rowcount
    raise_todos(
        DEATHS,
        [Duty.TOWNSHIP_OFFICER, "保障对象已死亡，请办理停发", "领款人已死亡，请确定新领款人", "家庭成员已死亡，请办理待遇变更"],
        now=now,
    )
    with connection.cursor() as cursor:
        cursor.execute("drop table pg_temp.payroll_candidate")
    return drafts.written(payroll, lines=lines, excluded=excluded)


def unpaid(cursor: Any, payroll: Payroll, values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """UNPAID for a payroll, with its values: which months are gone through for every award, and where open ones are looked for."""
    cursor.execute(BEHIND, values | {"county": payroll.area})
    seen, begin, oldest, newest = cursor.fetchone()
    since = max(day for day in (values["from"], begin, drafts.next_month(seen) if seen else None) if day)
    parts = [part for part, wanted in ((AHEAD, since <= payroll.month), (OPEN, oldest is not None)) if wanted] or [AHEAD]
    return UNPAID.replace("{due}", " union all ".join(parts)), values | {"since": since, "oldest": oldest, "newest": newest}


@transaction.atomic
def delete_draft(*, payroll_id: int, now: datetime) -> None:
    """Delete a draft with its lines, which gives their paid months back."""
    payroll = locked(payroll_id, "payments.prepare")
    if payroll.state != State.DRAFT:
        raise ValidationError(_("只有编制中的批次可以删除。"))
    payroll.payroll_lines.filter(month_entitled__lte=payroll.latest)._raw_delete("default")
    finish_todos(subject="payroll", subject_id=payroll.pk, now=now)
    payroll.delete()
    scopes.check_constraints()


@transaction.atomic
def review_line(*, payroll_id: int, entitlement_id: int, held: bool, note: str, now: datetime) -> LineReview:
    """Write down what the reviewer found about an unusual line (异常明细复核). Held lines are left out when the draft is refreshed."""
    payroll = locked(payroll_id, "payments.prepare")
    if payroll.state != State.DRAFT:
        raise ValidationError(_("批次已提交审批，不能再复核明细；如需修改请先退回。"))
    if not note.strip():
        raise ValidationError(_("请填写复核情况。"))
    lines = payroll.payroll_lines.filter(entitlement_id=entitlement_id, month_entitled__lte=payroll.latest)
    line = lines.first()
    if line is None and not PayrollExclusion.objects.filter(payroll=payroll, entitlement_id=entitlement_id).exists():
        raise ValidationError(_("本批没有这一明细。"))
    area = line.area if line else PayrollExclusion.objects.filter(payroll=payroll, entitlement_id=entitlement_id).values_list("area", flat=True)[0]
    amount = lines.aggregate(sum=Sum("amount"))["sum"]
    row, _made = LineReview.objects.update_or_create(
        payroll=payroll,
        entitlement_id=entitlement_id,
        defaults=(found := {
            "verdict": "held" if held else "normal",
            "note": note[:200],
            "amount": amount,
            "reviewed_by_id": scopes.current().account_id,
            "reviewed_at": now,
        }),
        create_defaults={"area": area, **found},
    )
    return row


@transaction.atomic
def check_payroll(*, payroll_id: int, now: datetime) -> Payroll:
    """Check (复核): the reviewer signs the lines as they are; from here they are frozen under a keyed digest."""
    payroll = locked(payroll_id, "payments.prepare")
    if payroll.state == State.CHECKED and payroll.checked_by_id == scopes.current().account_id:
        return payroll
    _expect(payroll, State.DRAFT)
    if not payroll.lines:
        raise ValidationError(_("本批没有明细，不能提交审批。"))
    if payroll.apart and payroll.prepared_by_id == scopes.current().account_id:
        raise ValidationError(_("复核须由编制人以外的县级审核员办理：您最近生成或刷新过本批明细。"))
    reviewing.require_reviewed(payroll)
    channels.check_names(payroll)
    payroll.signer = signing.signer_of(area=payroll.area, amount=payroll.amount, on=timezone.localdate(now))
    payroll.content_hash = content.digest_of(payroll)
    payroll.state, payroll.checked_by_id, payroll.checked_at, payroll.note = State.CHECKED, scopes.current().account_id, now, ""
    payroll.save(update_fields=["state", "content_hash", "checked_by", "checked_at", "note", "signer"])
    _hand_on(payroll, payroll.signer, "payments.approve", f"发放批次 {payroll.number} 待审批", now)
    return payroll


@transaction.atomic
def send_back(*, payroll_id: int, reason: str, now: datetime) -> Payroll:
    """Send back (退回) to the draft: the approver what waits for approval, the finance officer what waits for release."""
    act, state = ("payments.approve", State.CHECKED) if duties.may("payments.approve") else ("payments.release", State.APPROVED)
    payroll = locked(payroll_id, act)
    _expect(payroll, state)
    if not reason.strip():
        raise ValidationError(_("请填写退回原因。"))
    payroll.state, payroll.content_hash, payroll.note = State.DRAFT, "", reason.strip()[:400]
    payroll.checked_by_id = payroll.checked_at = payroll.approved_by_id = payroll.approved_at = None
    ledger.uncommit(payroll, what="退回", on=timezone.localdate(now), now=now)
    payroll.save(update_fields=["state", "content_hash", "note", "checked_by", "checked_at", "approved_by", "approved_at"])
    _hand_on(payroll, Duty.COUNTY_REVIEWER, "payments.check", f"发放批次 {payroll.number} 已退回", now)
    return payroll


@transaction.atomic
def approve_payroll(*, payroll_id: int, now: datetime) -> Payroll:
    """Approve (审批): by a county approver who neither prepared nor checked it. Of two at once one wins, the other is told."""
    payroll = locked(payroll_id, "payments.approve")
    if payroll.state == State.APPROVED and payroll.approved_by_id == scopes.current().account_id:
        return payroll
    _expect(payroll, State.CHECKED)
    if not signing.may_sign(scopes.current().duty, payroll.signer):
        raise ValidationError(
            _("本批 %(amount)s 元，超过您的审批权限，须由“%(duty)s”审批。") % {"amount": f"{payroll.amount:,.2f}", "duty": Duty(payroll.signer).label}
        )
    duties.require_apart("payments.approve", done={"payments.prepare": payroll.prepared_by_id})
    duties.require_apart("payments.approve", done={"payments.prepare": payroll.checked_by_id})
    _unchanged(payroll)
    payroll.state, payroll.approved_by_id, payroll.approved_at = State.APPROVED, scopes.current().account_id, now
    payroll.save(update_fields=["state", "approved_by", "approved_at"])
    ledger.commit(payroll, on=timezone.localdate(now), now=now)
    _hand_on(payroll, Duty.FINANCE_OFFICER, "payments.release", f"发放批次 {payroll.number} 待报送", now)
    return payroll


@transaction.atomic
def release_payroll(*, payroll_id: int, on: date, now: datetime) -> Payroll:
    """Release (报送财政): by a finance officer, the third person. The funds must cover every line, or nothing is released.

    The ledger moves the money into payment: regular lines out of what is available, reissues out of what came back.
    """
    payroll = locked(payroll_id, "payments.release")
    if payroll.state == State.RELEASED and payroll.released_by_id == scopes.current().account_id:
        return payroll
    _expect(payroll, State.APPROVED)
    for act, account in (
        ("payments.prepare", payroll.prepared_by_id),
        ("payments.prepare", payroll.checked_by_id),
        ("payments.approve", payroll.approved_by_id),
    ):
        duties.require_apart("payments.release", done={act: account})
    _unchanged(payroll)
    source = LedgerAccount.RETURNED if payroll.kind == Payroll.Kind.FOLLOW_UP else LedgerAccount.AVAILABLE
    ledger.lock(payroll.area)
    needs = ledger.needs_of(payroll)
    short = [
        _("%(fund)s（%(year)s年）可用 %(has)s 元，本批需要 %(needs)s 元")
        % {"fund": need.fund_name, "year": need.year, "has": f"{need.has:,.2f}", "needs": f"{need.amount:,.2f}"}
        for need in needs
        if need.has < need.amount
    ]
    if short:
        raise ValidationError(_("资金不足，未报送任何一笔：%(short)s；请先登记拨款。") % {"short": "；".join(short)})
    ledger.uncommit(payroll, what="报送", on=on, now=now)
    for need in needs:
        ledger.move(
            area=payroll.area,
            fund_id=need.fund_id,
            year=need.year,
            amount=need.amount,
            source=source,
            target=LedgerAccount.IN_PAYMENT,
            what=f"报送 {payroll.number}",
            payroll=payroll,
            on=on,
            now=now,
        )
    if payroll.kind == Payroll.Kind.FOLLOW_UP:
        lines = payroll.payroll_lines.values_list("returned_line", flat=True)
        BankReturn.objects.filter(line_id__in=list(lines)).update(state=BankReturn.State.REISSUED)
    payroll.state, payroll.released_by_id, payroll.released_at = State.RELEASED, scopes.current().account_id, now
    payroll.save(update_fields=["state", "released_by", "released_at"])
    _hand_on(payroll, Duty.FINANCE_OFFICER, "payments.book", f"发放批次 {payroll.number} 待读入发放结果", now)
    return payroll


def _expect(payroll: Payroll, state: str) -> None:
    if payroll.state != state:
        raise ValidationError(
            _("批次现为“%(now)s”，不是“%(wanted)s”：可能已由他人办理，请刷新页面。")
            % {"now": payroll.get_state_display(), "wanted": State(state).label}
        )


def _unchanged(payroll: Payroll) -> None:
    if content.digest_of(payroll) != payroll.content_hash:
        raise ValidationError(_("明细与复核时不一致，已停止办理；请退回批次并联系系统管理员核查。"))


def _hand_on(payroll: Payroll, duty: str, kind: str, title: str, now: datetime) -> None:
    """The last step's to-do is done; the next officer's begins, with the day of the calendar."""
    finish_todos(subject="payroll", subject_id=payroll.pk, now=now)
    raise_todo(
        kind=kind,
        area=payroll.area,
        duty=duty,
        title=title,
        url=f"/payments/{payroll.pk}/",
        subject="payroll",
        subject_id=payroll.pk,
        due=drafts.due(payroll, kind),
        now=now,
    )
    scopes.check_constraints()
