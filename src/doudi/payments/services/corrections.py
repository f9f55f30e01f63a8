"""Returned lines (支付退票): the township corrects name and account, the county confirms, a follow-up payroll pays again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Attachment, Duty
from doudi.core.services import attachments
from doudi.core.services.todos import finish_todos, raise_todo
from doudi.enrolment.models import Award
from doudi.enrolment.services.bank_rules import account_token, rules
from doudi.payments.models import BankReturn, Payroll, PayrollLine, Repair
from doudi.payments.services import setoffs
from doudi.payments.services.drafts import Prepared, ask_for_check, clear, county_of, draft_of, first_of, wait_for_turn, written
from doudi.payments.services.repairs import SAME_AGAIN, due_of

CORRECTED = ["state", "new_name", "new_account", "new_bank", "corrected_by", "corrected_at", "correction_note"]
# the same amount to the corrected account; the foreign key to the return and the line's key allow it once
REISSUES = """
insert into payments_payrollline (area, month_entitled, kind, cause, returned_line, entitlement_id, payroll_id, month_paid, programme, household_id,
  fund_id, fund_year, amount, members, payee_id, payee_name, payee, beneficiary_name, beneficiary, account, bank, decision_id, marked, mark)
select l.area, l.month_entitled, 'reissue', l.id, l.id, l.entitlement_id, %(payroll)s, %(month)s, l.programme, l.household_id, l.fund_id, l.fund_year,
  l.amount, l.members, l.payee_id, r.new_name, case when r.new_name = l.payee_name then l.payee end, l.beneficiary_name, l.beneficiary,
  r.new_account, r.new_bank, l.decision_id, false, ''
from payments_bankreturn r join payments_payrollline l on l.id = r.line_id and l.month_entitled = r.month_entitled
where r.state = 'corrected' and r.amount > 0 and r.area >= %(low)s and r.area < %(high)s
  and not exists (select from payments_payrollline x where x.entitlement_id = r.entitlement_id and x.month_entitled = r.month_entitled
                  and x.kind = 'reissue' and x.cause = r.line_id)
order by r.entitlement_id, r.month_entitled
"""


def account_problem(number: str, bank: str = "") -> str:
    """What is wrong with an account number by the rules of its bank, or ""."""
    _code, words = rules().problem(number, bank)
    return _("“账号”：%(reason)s；请对照存折或银行卡核对。") % {"reason": words} if words else ""


def _locked(return_id: int, act: str) -> BankReturn:
    acting = duties.require(act)
    row = BankReturn.objects.select_for_update(of=("self",)).filter(pk=return_id).first()
    if row is None or not acting.covers(row.area):
        raise ValidationError(_("退票记录不存在，或不在您的管辖范围内。"))
    return row


@transaction.atomic
def correct_return(
    *, return_id: int, name: str, account: str, bank: str, note: str, now: datetime, same_account: bool = False, evidence: Sequence[tuple[str, bytes]] = ()
) -> BankReturn:
    """Correct (更正) payee name and account of a returned line, by the township; it waits for the county's confirmation.

    `same_account`: the account works again (unfrozen, card replaced) and is paid as it was. `evidence`: photos or PDFs (name, content); they may
    follow on the page, but nothing is confirmed without.
    """
    row = _locked(return_id, "payments.correct")
    name, bank = name.strip(), bank.strip()
    if row.state not in (BankReturn.State.OPEN, BankReturn.State.PROPOSED):
        raise ValidationError(_("这笔退票现为“%(state)s”，不能再更正。") % {"state": row.get_state_display()})
    token: UUID
    if same_account:
        kind = Repair.objects.filter(pk=row.pk).values_list("kind", flat=True).first()
        if kind is not None and kind not in SAME_AGAIN:
            raise ValidationError(_("这类退票不能按原账户补发；请录入更正后的账户。"))
        name, token, bank = row.payee_name, row.account, bank or _bank_of(row)
    else:
        token = account_token(account, bank)
    if not 1 < len(name) <= 60 or any(mark in name for mark in "|\t\n\\"):
        raise ValidationError(_("请填写与银行账户一致的户名。"))
    if not note.strip():
        raise ValidationError(_("请填写更正依据，例如银行卡复印件。"))
    if token == row.account and name == row.payee_name and not same_account:
        raise ValidationError(_("户名和账号与退票的相同，没有更正内容；账户已恢复正常的，请勾选“按原账户补发”。"))
    for file_name, content in evidence:
        attachments.attach(subject="bank_return", subject_id=row.pk, area=row.area, name=file_name, content=content, now=now)
    row.state, row.new_name, row.new_account, row.new_bank = BankReturn.State.PROPOSED, name, token, bank[:14]
    row.corrected_by_id, row.corrected_at, row.correction_note = scopes.current().account_id, now, note.strip()[:200]
    row.save(update_fields=CORRECTED)
    _follow(row, *CORRECTED)
    raise_todo(
        kind="payments.correction",
        area=row.area,
        duty=Duty.COUNTY_REVIEWER,
        title=f"支付退票更正待确认：{row.payee_name}",
        url=f"/payments/returns/{row.pk}/",
        subject="bank_return",
        subject_id=row.pk,
        now=now,
    )
    township = row.area[:9]
    if not BankReturn.objects.filter(area__gte=township, area__lt=township + ":", state=BankReturn.State.OPEN).exists():
        finish_todos(subject="area", subject_id=int(township), kind="payments.returns", now=now)
    scopes.check_constraints()
    return row


def _follow(row: BankReturn, *fields: str) -> None:
    """What was set off from a returned line came back with it, and goes its way."""
    less = PayrollLine.objects.filter(payroll_id=row.payroll_id, carrier=row.line_id, amount__lt=0).values_list("pk", flat=True)
    BankReturn.objects.filter(payroll=row.payroll_id, line_id__in=list(less)).update(**{field: getattr(row, field) for field in fields})


def _evidence_of(row: BankReturn) -> bool:
    """Whether there is a photo or paper for the account: of this return, or of another of the household that gives the same account."""
    same = BankReturn.objects.filter(household_id=row.household_id, new_account=row.new_account) if row.household_id else BankReturn.objects.none()
    return Attachment.objects.filter(subject="bank_return", subject_id__in=[row.pk, *same.values_list("pk", flat=True)[:50]], removed_at=None).exists()


def _bank_of(row: BankReturn) -> str:
    return PayrollLine.objects.filter(pk=row.line_id, month_entitled=row.month_entitled).values_list("bank", flat=True).first() or ""


@transaction.atomic
def confirm_correction(*, return_id: int, agreed: bool, reason: str = "", now: datetime) -> BankReturn:
    """Confirm (确认) a correction, by another officer at the county; or send it back to the township.

    Once confirmed the award pays to the corrected account from the next payroll on.
    """
    row = _locked(return_id, "payments.prepare")
    if row.state == BankReturn.State.CORRECTED and agreed:
        return row
    if row.state != BankReturn.State.PROPOSED:
        raise ValidationError(_("这笔退票现为“%(state)s”，不是待确认。") % {"state": row.get_state_display()})
    duties.require_apart("payments.prepare", done={"payments.correct": row.corrected_by_id})
    if agreed and not _evidence_of(row):
        raise ValidationError(_("还没有上传更正材料（例如银行卡照片），不能确认；请退回乡镇或由乡镇补充上传。"))
    finish_todos(subject="bank_return", subject_id=row.pk, now=now)
    if not agreed:
        if not reason.strip():
            raise ValidationError(_("请填写退回原因。"))
        row.state, row.correction_note = BankReturn.State.OPEN, reason.strip()[:200]
        row.save(update_fields=["state", "correction_note"])
        _follow(row, "state", "correction_note")
        Repair.objects.filter(pk=row.pk).update(due=due_of(row.area, timezone.localdate(now)))
        raise_todo(
            kind="payments.returns",
            area=row.area[:9],
            duty=Duty.TOWNSHIP_OFFICER,
            title=f"支付退票更正被退回：{row.payee_name}",
            url="/payments/returns/",
            subject="area",
            subject_id=int(row.area[:9]),
            due=due_of(row.area, timezone.localdate(now)),
            now=now,
        )
    else:
        row.state, row.confirmed_by_id, row.confirmed_at = BankReturn.State.CORRECTED, scopes.current().account_id, now
        row.save(update_fields=["state", "confirmed_by", "confirmed_at"])
        _follow(row, "state", "confirmed_by", "confirmed_at")
        Award.objects.filter(pk=row.entitlement_id, account=row.account).update(payee_name=row.new_name, account=row.new_account, bank=row.new_bank)
    scopes.check_constraints()
    return row


@transaction.atomic
def prepare_follow_up(*, area: str, month: date, now: datetime) -> Prepared:
    """Prepare the payroll that pays corrected returns again (重新发放), or refresh its draft. Raises ValidationError where none waits."""
    county_of(area, "payments.prepare")
    month = first_of(month)
    wait_for_turn(area)
    payroll = draft_of(area=area, month=month, kind=Payroll.Kind.FOLLOW_UP, now=now)
    county = scopes.Scope(area=area)
    with connection.cursor() as cursor:
        clear(cursor, payroll)
        cursor.execute(REISSUES, {"payroll": payroll.pk, "month": month, "low": county.low, "high": county.high})
        lines = cursor.rowcount
        setoffs.reissue(cursor, payroll)
    if not lines:
        raise ValidationError(_("没有已更正、待重新发放的退票。"))
    found = written(payroll, lines=lines, excluded=0)
    ask_for_check(payroll, "发放批次", now=now)
    return found
