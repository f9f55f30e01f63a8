"""One-off grants (一次性救助): made by the rooms that decide them, paid by a payroll of kind one-off or out of a township's reserve.

Rooms hand over what they decided by `make_grant` (one) or `make_grants` (many, one statement); `prepare_one_off` pays what is due.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.plans import at_once
from doudi.enrolment.models import Entitlement
from doudi.payments.models import Grant, Payroll, PayrollExclusion
from doudi.payments.services import drafts

# Grants of the county that are due, each with the reason that keeps it out. %(programme)s: '' for all.
CANDIDATES = """
create temporary table grant_candidate on commit drop as
select g.*, f.fund_id,
       case when v.entitlement_id is not null then 'held'
            when p.died_on is not null then 'payee_died'
            when c.account is not null then 'cooling'
            when g.account is null then 'no_account'
            when f.fund_id is null then 'no_fund' end as reason
from doudi.payments_grant g
left join doudi.payments_payrollline l on l.entitlement_id = g.id and l.month_entitled = g.month and l.kind = 'grant'
left join doudi.funds_for(%(low)s, %(year)s) f on f.programme = g.programme
left join doudi.registry_person p on p.id = g.payee_id
-- a grant goes to the account that it names: one in its cooling time waits
left join (select distinct w.household_id, c.account from doudi.enrolment_payeechange c join doudi.enrolment_award w on w.id = c.award_id
           where c.state = 'confirmed' and c.lifted_at is null and c.usable_from > %(day)s and c.area >= %(low)s and c.area < %(high)s
             and w.account = c.account) c on c.account = g.account and c.household_id = g.household_id
left join (select distinct entitlement_id from doudi.payments_linereview where payroll_id = %(payroll)s and verdict = 'held') v
  on v.entitlement_id = g.id
where g.area >= %(low)s and g.area < %(high)s and g.month <= %(month)s and g.month >= %(first)s and g.way = 'payroll' and not g.void and l.id is null
  and (%(programme)s = '' or g.programme = %(programme)s)
"""
LINES = """
insert into doudi.payments_payrollline (area, month_entitled, kind, cause, entitlement_id, payroll_id, month_paid, programme, household_id, fund_id,
  fund_year, amount, members, payee_id, payee_name, payee, beneficiary_name, beneficiary, account, bank)
select area, month, 'grant', cause, id, %(payroll)s, %(month)s, programme, household_id, fund_id, %(year)s, amount, 1, payee_id, payee_name,
  payee, beneficiary_name, beneficiary, account, bank
from pg_temp.grant_candidate where reason is null order by id
"""
EXCLUSIONS = """
insert into doudi.payments_payrollexclusion (area, payroll_id, entitlement_id, month_entitled, reason, amount, payee_name, programme, household_id)
select area, %(payroll)s, id, month, reason, amount, payee_name, programme, household_id
from pg_temp.grant_candidate where reason is not null order by id
"""
# Ids of the new entitlements meet the rows by their place within each area.
MANY = """
with wanted as (
  select w.*, row_number() over (partition by area order by cause, beneficiary, part) as place
  from ({sql}) w (area, programme, cause, part, month, amount, household_id, payee_id, payee_name, payee, beneficiary_name, beneficiary, account, bank)
), entitled as (
  insert into doudi.enrolment_entitlement (area, kind) select area, 'grant' from wanted returning id, area
), placed as (
  select id, area, row_number() over (partition by area order by id) as place from entitled
)
insert into doudi.payments_grant (id, area, programme, cause, part, month, amount, way, household_id, payee_id, payee_name, payee, beneficiary_name,
  beneficiary, account, bank, decided_by_id, made_at, void, void_reason)
select p.id, w.area, w.programme, w.cause, w.part, w.month, w.amount, 'payroll', w.household_id, w.payee_id, w.payee_name, w.payee, w.beneficiary_name,
  w.beneficiary, w.account, w.bank, %s, %s, false, ''
from wanted w join placed p on p.area = w.area and p.place = w.place
"""


@dataclass(frozen=True)
class Payee:
    """Who gets the money: name, person of the registry, citizen ID number, account and bank where known."""

    name: str
    person_id: int | None = None
    token: UUID | None = None
    account: UUID | None = None
    bank: str = ""


@transaction.atomic
def make_grant(
    *,
    act: str,
    area: str,
    programme: str,
    cause: int,
    month: date,
    amount: Decimal,
    payee: Payee,
    beneficiary_name: str,
    beneficiary: UUID,
    now: datetime,
    way: str = Grant.Way.PAYROLL,
    part: int = 1,
    household_id: int | None = None,
) -> Grant:
    """Make one grant in the name of the room that decided it. `act`: the act of that room, which the officer must be allowed.

    Raises ValidationError where the same cause has granted it to this person before, and for an amount that is none.
    """
    acting = duties.require(act)
    if not acting.covers(area):
        raise ValidationError(_("救助对象不在您的管辖范围内。"))
    if amount <= 0 or amount != amount.quantize(Decimal("0.01")):
        raise ValidationError(_("“金额”应为正数，精确到分；请更正。"))
    entitlement = Entitlement.objects.create(area=area, kind="grant")
    try:
        with transaction.atomic():
            row = Grant.objects.create(
                entitlement=entitlement,
                area=area,
                programme=programme,
                cause=cause,
                part=part,
                month=drafts.first_of(month),
                amount=amount,
                way=way,
                household_id=household_id,
                payee_id=payee.person_id,
                payee_name=payee.name[:60],
                payee=payee.token,
                beneficiary_name=beneficiary_name[:60],
                beneficiary=beneficiary,
                account=payee.account,
                bank=payee.bank,
                decided_by_id=acting.account_id,
                made_at=now,
            )
    except IntegrityError as error:
        if "grant_once" in str(error):
            raise ValidationError(_("这一事项已给予此人一次性救助，没有重复给予。"), code="twice") from None
        raise
    return row


@transaction.atomic
def make_grants(*, act: str, sql: str, params: Sequence[Any], now: datetime) -> int:
    """Make many grants in one statement; their number. `sql` selects, in this order: area, programme, cause, part, month (first day), amount,
    household_id, payee_id, payee_name, payee, beneficiary_name, beneficiary, account, bank.

    The SELECT is written by a room, never put together from input; values go into `params`. It must leave out what was granted before: a
    second grant of the same cause, part and person raises IntegrityError and nothing is written.
    """
    acting = duties.require(act)
    with connection.cursor() as cursor:
        cursor.execute(MANY.format(sql=sql), [*params, acting.account_id, now])
        made = cursor.rowcount
    scopes.check_constraints()
    return made


@transaction.atomic
def take_account(*, act: str, entitlement_id: int, payee: Payee) -> Grant:
    """Take down where a grant is to be paid that had no account yet (a person from elsewhere has none here). Raises ValidationError where it has one,
    is void, or is being paid."""
    acting = duties.require(act)
    row = Grant.objects.select_for_update(of=("self",)).filter(pk=entitlement_id).first()
    if row is None or not acting.covers(row.area):
        raise ValidationError(_("这笔一次性救助不存在，或不在您的管辖范围内。"))
    if row.void or row.account is not None or row.way != Grant.Way.PAYROLL:
        raise ValidationError(_("这笔一次性救助已有收款账户，或不随批次发放；账户有误的，在支付退票中更正。"), code="stale")
    row.payee_name, row.account, row.bank = payee.name[:60], payee.account, payee.bank[:14]
    if payee.person_id is not None or payee.token is not None:
        row.payee_id, row.payee = payee.person_id, payee.token
    row.save(update_fields=["payee_name", "account", "bank", "payee_id", "payee"])
    return row


@transaction.atomic
def void_grant(*, act: str, entitlement_id: int, reason: str, now: datetime) -> Grant:
    """Void (作废) a grant that is in no payroll and was not paid out. Twice is once."""
    acting = duties.require(act)
    row = Grant.objects.select_for_update(of=("self",)).filter(pk=entitlement_id).first()
    if row is None or not acting.covers(row.area):
        raise ValidationError(_("这笔一次性救助不存在，或不在您的管辖范围内。"))
    if row.void:
        return row
    if not reason.strip():
        raise ValidationError(_("请填写作废原因。"))
    row.void, row.void_reason = True, reason.strip()[:200]
    try:
        with transaction.atomic():
            row.save(update_fields=["void", "void_reason"])
    except IntegrityError:
        raise ValidationError(_("这笔一次性救助已在发放或已发放，不能作废。")) from None
    scopes.check_constraints()
    return row


@transaction.atomic
def prepare_one_off(*, area: str, month: date, now: datetime, programme: str = "") -> drafts.Prepared:
    """Prepare (编制) the one-off payroll of a county and month, or refresh its draft: one line for each grant that is due and has none.

    `programme`: only grants of this programme, in a payroll of their own; "" for all. Raises ValidationError where nothing can be paid.
    """
    drafts.county_of(area, "payments.prepare")
    first, month = drafts.payable(month)
    drafts.wait_for_turn(area)
    payroll = drafts.draft_of(area=area, month=month, kind=Payroll.Kind.ONE_OFF, now=now, programme=programme)
    county = scopes.Scope(area=area)
    values: dict[str, Any] = {
        "payroll": payroll.pk,
        "month": month,
        "first": first,
        "year": month.year,
        "low": county.low,
        "day": timezone.localdate(now),
        "high": county.high,
        "programme": programme,
    }
    with connection.cursor() as cursor, at_once(cursor):
        drafts.clear(cursor, payroll)
        cursor.execute("drop table if exists pg_temp.grant_candidate")
        cursor.execute(CANDIDATES, values)
        cursor.execute("analyze pg_temp.grant_candidate")
        cursor.execute(LINES, values)
        lines = cursor.rowcount
        cursor.execute(EXCLUSIONS, values)
        excluded = cursor.rowcount
        cursor.execute("drop table pg_temp.grant_candidate")
    if not lines and not PayrollExclusion.objects.filter(payroll=payroll, reason=PayrollExclusion.Reason.HELD).exists():
        if excluded:
            raise ValidationError(_("待发的 %(n)s 笔一次性救助都没有领款账户或资金，没有可发放的；请先补充。") % {"n": excluded})
        raise ValidationError(_("没有到期待发的一次性救助。"))
    found = drafts.written(payroll, lines=lines, excluded=excluded)
    drafts.ask_for_check(payroll, "一次性发放批次", now=now)
    return found
