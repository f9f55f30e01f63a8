"""Recovery of overpayments (追缴): decisions by two officers of the county, plans, receipts booked back to fund and year, waivers, closing.

Nobody is pushed below the living minimum by a machine: a set-off against money that keeps a household at the minimum needs the household's own
written consent (as in enforcement, where the living minimum stays with the debtor: 最高人民法院关于人民法院民事执行中查封、扣押、冻结财产的规定 art. 3;
heirs answer within what they inherited: 民法典 art. 1161; repayment of what was got by deceit: 社会救助暂行办法 art. 68).
"""

from __future__ import annotations

import calendar
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Attachment, Duty
from doudi.core.services.todos import finish_todos, raise_todo, raise_todos
from doudi.core.settings_overlay import get_setting
from doudi.enrolment.models import Award
from doudi.payments.account_settings import REPAY_NOTICE
from doudi.payments.models import Instalment, LedgerAccount, Overpayment, OverpaymentLine, PayrollLine, RecoveryDecision, Repayment
from doudi.payments.services import ledger

State, Way, Debtor = Overpayment.State, RecoveryDecision.Way, Overpayment.Debtor
FEN = Decimal("0.01")
SUBJECT = "overpayment"
# Benefits that bring a household to the living minimum (基本生活): whoever receives one has nothing above it.
LIVING = ("dibao", "dibao_single", "tekun", "orphan", "unsupported_child")


def _locked(overpayment_id: int, act: str) -> Overpayment:
    acting = duties.require(act)
    row = Overpayment.objects.select_for_update(of=("self",)).filter(pk=overpayment_id).first()
    if row is None or not acting.covers(row.area):
        raise ValidationError(_("多发案件不存在，或不在您的管辖范围内。"))
    return row


def _stale(row: Overpayment, version: int) -> None:
    if row.version != version:
        raise ValidationError(_("案件已由他人办理（%(state)s），请刷新页面。") % {"state": row.get_state_display()})  # type: ignore[attr-defined]


def pending_setoffs(overpayment_id: int) -> Decimal:
    """Yuan that set-off lines hold back which no bank result has settled yet."""
    decisions = list(RecoveryDecision.objects.filter(overpayment=overpayment_id, way=Way.SETOFF).values_list("pk", flat=True))
    lines = PayrollLine.objects.filter(kind="setoff", cause__in=decisions).aggregate(sum=Sum("amount"))["sum"] or Decimal(0)
    done = Repayment.objects.filter(overpayment=overpayment_id, way=Repayment.Way.SETOFF).aggregate(sum=Sum("amount"))["sum"] or Decimal(0)
    return -lines - done


def at_the_minimum(household_id: int | None, on: date) -> bool:
    """Whether a household lives on the minimum: it holds a running benefit that brings it there (gradual exit aside: income is above the standard)."""
    if household_id is None:
        return True
    running = Award.objects.filter(household_id=household_id, programme__in=LIVING, void=False, starts__lte=on, gradual_exit_start=None)
    return running.exclude(ends__lte=on).exists()


@transaction.atomic
def propose_recovery(
    *,
    overpayment_id: int,
    version: int,
    way: str,
    reason: str,
    now: datetime,
    amount: Decimal | None = None,
    instalments: int = 1,
    first_due: date | None = None,
    per_month: Decimal | None = None,
    award_id: int | None = None,
    consent: str = "",
    debtor: str = Debtor.PAYEE,
    debtor_name: str = "",
) -> RecoveryDecision:
    """Propose what becomes of an overpayment. `amount`: all that is owed by default; `consent`: number or day of the household's written consent.

    Raises ValidationError by field: more than is owed, a set-off below the living minimum without consent, one against heirs or another household.
    """
    acting = duties.require("payments.recover")
    row = _locked(overpayment_id, "payments.recover")
    _stale(row, version)
    on = timezone.localdate(now)
    if row.state not in (State.FOUND, State.RECOVERING):
        raise ValidationError(_("案件现为“%(state)s”，不能再提出追缴决定。") % {"state": row.get_state_display()})  # type: ignore[attr-defined]
    if RecoveryDecision.objects.filter(overpayment=row, state="proposed").exists():
        raise ValidationError(_("已有待确认的追缴决定；请等待县级审批人确认。"))
    if way not in Way.values:
        raise ValidationError({"way": _("请选择办理方式。")})
    if not reason.strip():
        raise ValidationError({"reason": _("请写明理由。")})
    if debtor not in Debtor.values:
        raise ValidationError({"debtor": _("请选择退款人。")})
    amount = row.owed if amount is None else amount
    if not 0 < amount <= row.owed or amount != amount.quantize(FEN):
        raise ValidationError({"amount": _("金额应大于零、不超过尚欠的 %(owed)s 元，精确到分。") % {"owed": f"{row.owed:,.2f}"}})
    if way == Way.DISMISS and row.state != State.FOUND:
        raise ValidationError({"way": _("已开始追缴的案件不能撤销，确有困难的可以减免。")})
    if way == Way.PLAN:
        _plan_fits(amount, instalments, first_due, on)
    else:
        instalments, first_due = 1, None
    if way == Way.SETOFF:
        _setoff_fits(row, award_id, per_month, consent, debtor, on)
    else:
        award_id = per_month = None
        consent = ""
    made = RecoveryDecision.objects.create(
        area=row.area, overpayment=row, way=way, amount=amount if way != Way.DISMISS else row.owed, instalments=instalments, first_due=first_due,
        per_month=per_month, award_id=award_id, consent=consent.strip()[:200], debtor=debtor, debtor_name=(debtor_name.strip() or row.payee_name)[:60],
        reason=reason.strip()[:400], proposed_by_id=acting.account_id, proposed_at=now,
    )  # fmt: skip
    Overpayment.objects.filter(pk=row.pk).update(version=version + 1)
    finish_todos(subject="area", subject_id=int(row.area[:6]), kind="payments.overpayments", now=now)
    raise_todo(
        kind="payments.recovery", area=row.area[:6], duty=Duty.COUNTY_APPROVER, title=f"追缴决定待确认：{row.number}", url=f"/payments/overpayments/{row.pk}/",
        subject=SUBJECT, subject_id=row.pk, now=now,
    )  # fmt: skip
    scopes.check_constraints()
    return made


def _plan_fits(amount: Decimal, instalments: int, first_due: date | None, on: date) -> None:
    if first_due is None or first_due < on:
        raise ValidationError({"first_due": _("首期日期不能早于今天。")})
    if not 1 <= instalments <= 60 or amount < instalments * FEN:
        raise ValidationError({"instalments": _("期数应在 1 至 60 之间，每期至少 0.01 元。")})


def _setoff_fits(row: Overpayment, award_id: int | None, per_month: Decimal | None, consent: str, debtor: str, on: date) -> None:
    award = Award.objects.filter(pk=award_id or 0, area__gte=row.area[:6], area__lt=row.area[:6] + ":", void=False).exclude(ends__lte=on).first()
    if award is None or row.household_id is None or award.household_id != row.household_id:
        raise ValidationError({"award_id": _("只能从同一家庭在享的待遇中抵扣。")})
    if debtor != Debtor.PAYEE:
        raise ValidationError({"debtor": _("继承人、机构或银行退款不能从待遇中抵扣。")})
    if per_month is None or per_month <= 0 or per_month != per_month.quantize(FEN):
        raise ValidationError({"per_month": _("请填写每月抵扣金额，精确到分。")})
    funds = set(OverpaymentLine.objects.filter(overpayment=row).values_list("fund_id", flat=True))
    if funds != {ledger.fund_for(award.programme, row.area[:6], on.year)}:
        raise ValidationError({"award_id": _("专款专用：这项待遇的资金与多发款项的资金不同，不能抵扣。")})
    if not consent.strip() and at_the_minimum(row.household_id, on):
        raise ValidationError({"consent": _("该家庭靠救助维持基本生活，抵扣会低于最低生活保障标准：须有家庭书面同意，否则请改用分期退款或减免。")})


@transaction.atomic
def decide_recovery(*, decision_id: int, version: int, agreed: bool, note: str = "", now: datetime) -> RecoveryDecision:
    """Confirm a decision, or send it back with the reason: another officer of the county. Of two at once the second is told."""
    acting = duties.require("payments.recover_approve")
    found = RecoveryDecision.objects.filter(pk=decision_id).values_list("overpayment_id", flat=True).first()
    row = _locked(found or 0, "payments.recover_approve")
    decision = RecoveryDecision.objects.select_for_update(of=("self",)).get(pk=decision_id)
    duties.require_apart("payments.recover_approve", done={"payments.recover": decision.proposed_by_id})
    if decision.state != RecoveryDecision.State.PROPOSED or decision.version != version:
        raise ValidationError(_("这件决定已由他人办理（%(state)s）；请刷新页面。") % {"state": decision.get_state_display()})  # type: ignore[attr-defined]
    if not agreed and not note.strip():
        raise ValidationError({"note": _("请填写退回理由。")})
    decision.state = RecoveryDecision.State.CONFIRMED if agreed else RecoveryDecision.State.SENT_BACK
    decision.decided_by_id, decision.decided_at, decision.note, decision.version = acting.account_id, now, note.strip()[:400], version + 1
    if agreed:
        _still_fits(row, decision, on=timezone.localdate(now))
    decision.save(update_fields=["state", "decided_by", "decided_at", "note", "version"])
    if agreed:
        _carry_out(row, decision, now=now)
    finish_todos(subject=SUBJECT, subject_id=row.pk, kind="payments.recovery", now=now)
    if not agreed:
        raise_todo(
            kind="payments.recovery_back", area=row.area[:6], duty=Duty.COUNTY_REVIEWER, title=f"追缴决定被退回：{row.number}", url=f"/payments/overpayments/{row.pk}/",
            subject=SUBJECT, subject_id=row.pk, now=now,
        )  # fmt: skip
    scopes.check_constraints()
    return decision


def _still_fits(row: Overpayment, decision: RecoveryDecision, *, on: date) -> None:
    """What may have changed since the proposal: money came in, the household fell to the minimum, the consent is not there."""
    if decision.amount > row.owed:
        raise ValidationError(_("提出后又有退款，尚欠 %(owed)s 元，少于决定的金额；请退回重新提出。") % {"owed": f"{row.owed:,.2f}"})
    if decision.way == Way.SETOFF:
        _setoff_fits(row, decision.award_id, decision.per_month, decision.consent, decision.debtor, on)
        if decision.consent and not Attachment.objects.filter(subject=SUBJECT, subject_id=row.pk, removed_at=None).exists():
            raise ValidationError(_("还没有上传家庭的书面同意，不能确认抵扣。"))
    if decision.way == Way.WAIVE and decision.amount > row.owed - pending_setoffs(row.pk):
        raise ValidationError(_("有抵扣正在发放中，减免金额超过其余尚欠部分；请待发放结果读入后再办理。"))


def _carry_out(row: Overpayment, decision: RecoveryDecision, *, now: datetime) -> None:
    fields = ["state", "debtor", "debtor_name", "version"]
    row.version += 1
    if decision.way == Way.DISMISS:
        row.state, row.closed_at = State.DISMISSED, now
        fields.append("closed_at")
    else:
        row.state = State.RECOVERING
    if decision.way in (Way.PLAN, Way.SETOFF):
        RecoveryDecision.objects.filter(overpayment=row, way__in=(Way.PLAN, Way.SETOFF), state="confirmed", ended_at=None).exclude(pk=decision.pk).update(ended_at=now)
        row.debtor, row.debtor_name = decision.debtor, decision.debtor_name
    if decision.way == Way.PLAN:
        assert decision.first_due is not None
        each = (decision.amount / decision.instalments).quantize(FEN, ROUND_DOWN)
        Instalment.objects.bulk_create(
            Instalment(
                area=row.area, decision=decision, overpayment=row, serial=serial, due=month_later(decision.first_due, serial - 1),
                amount=each if serial < decision.instalments else decision.amount - each * (decision.instalments - 1),
            )
            for serial in range(1, decision.instalments + 1)
        )  # fmt: skip
    row.save(update_fields=fields)
    if decision.way == Way.WAIVE:
        row.waived += decision.amount
        row.save(update_fields=["waived"])
    close_if_settled(row, now=now)


def month_later(day: date, months: int) -> date:
    """The same day `months` later; the last of the month where that has no such day (31 January -> 28 or 29 February)."""
    at = day.month - 1 + months
    year, month = day.year + at // 12, at % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def close_if_settled(row: Overpayment, *, now: datetime) -> None:
    """Close (结清) a case of which nothing is owed any more."""
    if row.state == State.RECOVERING and row.owed == 0:
        row.state, row.closed_at, row.version = State.CLOSED, now, row.version + 1
        row.save(update_fields=["state", "closed_at", "version"])
        RecoveryDecision.objects.filter(overpayment=row, state="confirmed", ended_at=None).update(ended_at=now)
        finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)


@transaction.atomic
def receive_repayment(*, overpayment_id: int, amount: Decimal, way: str, document: str, received_on: date, now: datetime) -> Repayment:
    """Book money that came back (退款) against its receipt: to the funds and years that paid too much, the oldest month first.

    The same receipt of a case with the same amount is recognised and booked once. Raises ValidationError: more than is owed, a day to come.
    """
    acting = duties.require("payments.repay")
    row = _locked(overpayment_id, "payments.repay")
    document = document.strip()[:60]
    if not document:
        raise ValidationError({"document": _("请填写收据或缴款凭证号。")})
    before = Repayment.objects.filter(overpayment=row, document=document).first()
    if before is not None:
        if (before.amount, before.received_on, before.way) == (amount, received_on, way):
            return before
        raise ValidationError({"document": _("凭证“%(document)s”已登记 %(amount)s 元，与本次不同。") % {"document": document, "amount": f"{before.amount:,.2f}"}})
    if row.state != State.RECOVERING:
        raise ValidationError(_("案件现为“%(state)s”，不能登记退款；请先确认追缴决定。") % {"state": row.get_state_display()})  # type: ignore[attr-defined]
    if way not in (Repayment.Way.CASH, Repayment.Way.TRANSFER, Repayment.Way.RECALL):
        raise ValidationError({"way": _("请选择退款方式。")})
    if received_on > timezone.localdate(now):
        raise ValidationError({"received_on": _("收款日期不能晚于今天。")})
    owed = row.owed - pending_setoffs(row.pk)
    if amount <= 0 or amount != amount.quantize(FEN) or amount > owed:
        raise ValidationError({"amount": _("退款应大于零、不超过尚欠的 %(owed)s 元（不含正在抵扣的），精确到分。") % {"owed": f"{owed:,.2f}"}})
    county = row.area[:6]
    ledger.lock(county)
    made = Repayment.objects.create(
        area=row.area, overpayment=row, way=way, amount=amount, received_on=received_on, document=document, made_by_id=acting.account_id, made_at=now
    )  # fmt: skip
    for (fund, year), part in allocate(row, amount).items():
        ledger.move(
            area=county, fund_id=fund, year=year, amount=part, source=LedgerAccount.PAID, target=LedgerAccount.AVAILABLE, what=f"追缴收回 {row.number}",
            document=document, on=received_on, now=now,
        )  # fmt: skip
    _to_instalments(row, amount, now=now)
    row.recovered += amount
    row.version += 1
    row.save(update_fields=["recovered", "version"])
    close_if_settled(row, now=now)
    scopes.check_constraints()
    return made


def allocate(row: Overpayment, amount: Decimal) -> dict[tuple[int, int], Decimal]:
    """Put money on the months of a case, the oldest first; what each fund and year gets of it."""
    parts: dict[tuple[int, int], Decimal] = {}
    left = amount
    for month in OverpaymentLine.objects.filter(overpayment=row).order_by("month_entitled"):
        part = min(left, month.excess - month.recovered)
        if part > 0:
            month.recovered += part
            month.save(update_fields=["recovered"])
            key = (month.fund_id, month.fund_year)
            parts[key] = parts.get(key, Decimal(0)) + part
            left -= part
    return parts


def _to_instalments(row: Overpayment, amount: Decimal, *, now: datetime) -> None:
    left = amount
    for part in Instalment.objects.filter(overpayment=row, decision__ended_at=None).order_by("due", "serial"):
        share = min(left, part.amount - part.received)
        if share > 0:
            part.received += share
            part.save(update_fields=["received"])
            left -= share
        if part.received == part.amount:
            finish_todos(subject="instalment", subject_id=part.pk, now=now)


REMIND = """
select i.area, %s, 'payments.instalment', case when i.due < %s then %s else %s end || '：' || o.debtor_name, '/payments/overpayments/' || o.id || '/', 'instalment', i.id, i.due
from payments_instalment i join payments_recoverydecision d on d.id = i.decision_id and d.ended_at is null
join payments_overpayment o on o.id = i.overpayment_id and o.state = 'recovering'
where i.received < i.amount and i.due <= %s and i.area >= %s and i.area < %s
"""


def remind_instalments(*, area: str, on: date, now: datetime) -> int:
    """To-dos of the townships for instalments that are due soon or late; the number raised."""
    here = scopes.Scope(area=area)
    until = on + timedelta(days=int(get_setting(REPAY_NOTICE, area, on)))
    return raise_todos(REMIND, [Duty.TOWNSHIP_OFFICER, on, "退款已到期，请联系", "退款将到期，请提醒", until, here.low, here.high], now=now)
