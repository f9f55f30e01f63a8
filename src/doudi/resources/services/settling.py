"""Acceptance of a period (验收), sample checks, settlement (结算): made by one officer, settled by another, exact to the fen, once."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.todos import finish_todos, raise_todo
from doudi.core.settings_overlay import get_setting
from doudi.payments.models import Spending as Purpose
from doudi.resources.models import Acceptance, PurchasedService, QualityCheck, ServiceContract
from doudi.resources.procedures import LEAST, SETTLE_DAYS, SHARE, TOLERATED
from doudi.resources.services.base import FEN, due_in, locked, reason_of, save, spend, told

S = Acceptance.State
R = QualityCheck.Result
SUBJECT = "acceptance"


def drawn(seed: str, ids: list[int]) -> list[int]:
    """All records in the order in which the seed draws them."""
    return sorted(ids, key=lambda pk: sha256(f"{seed}:{pk}".encode()).digest())


@transaction.atomic
def open_acceptance(*, key: UUID, contract_id: int, starts: date, until: date, now: datetime) -> Acceptance:
    """Take in the confirmed records of a period that no acceptance has yet, and draw the sample (share and least of the place's settings).

    The same form (`key`) is one acceptance. Raises ValidationError where one is under way, or nothing is confirmed.
    """
    acting = duties.require("purchases.accept")
    before = Acceptance.objects.filter(key=key).first()
    if before is not None:
        return before
    contract = locked(ServiceContract, contract_id, None, ServiceContract.State.ACTIVE, ServiceContract.State.ENDED)
    if not acting.covers(contract.area) or len(acting.area) != 6:
        raise ValidationError(_("验收由签订合同的县级民政部门办理。"))
    if not contract.starts <= starts <= until <= contract.until:
        raise ValidationError({"until": _("验收期应在合同期内（%(starts)s 至 %(until)s）。") % {"starts": contract.starts, "until": contract.until}})
    rows = PurchasedService.objects.select_for_update(of=("self",)).filter(
        contract=contract, state=PurchasedService.State.CONFIRMED, acceptance__isnull=True, day__gte=starts, day__lte=until
    )
    found = list(rows.order_by("id").values_list("id", "amount", "entered_by", "area"))
    if not found:
        raise ValidationError({"until": _("这一期没有已确认、未验收的服务记录；请先由本人或帮扶责任人确认。")})
    if any(entered == acting.account_id for _pk, _amount, entered, _area in found):
        duties.require_apart("purchases.accept", done={"purchases.record": acting.account_id})
    gross = sum((amount for _pk, amount, _entered, _area in found), Decimal(0))
    on = timezone.localdate(now)
    share = int(get_setting(SHARE, contract.area, on))
    with told():
        row = Acceptance.objects.create(
            key=key, area=contract.area, number=f"{contract.number[:24]}-{contract.pk}-{1 + Acceptance.objects.filter(contract=contract).count():02d}",
            contract=contract, starts=starts, until=until, records=len(found), share=share, seed=secrets.token_hex(16), gross=gross, payable=gross,
            made_by_id=acting.account_id, made_at=now,
        )  # fmt: skip
        ids = [pk for pk, _amount, _entered, _area in found]
        PurchasedService.objects.filter(pk__in=ids).update(acceptance=row)
        size = min(len(ids), max(-(-len(ids) * share // 100), int(get_setting(LEAST, contract.area, on))))
        areas = {pk: area for pk, _amount, _entered, area in found}
        QualityCheck.objects.bulk_create(
            QualityCheck(area=areas[pk], acceptance=row, service_id=pk, position=at) for at, pk in enumerate(drawn(row.seed, ids)[:size], 1)
        )
        scopes.check_constraints()
    return row


@transaction.atomic
def check(*, check_id: int, result: str, note: str = "", now: datetime) -> QualityCheck:
    """What the recipient said of a sampled record, asked by somebody else than who entered it. For one that cannot be reached the next is drawn."""
    acting = duties.require("purchases.check")
    row = QualityCheck.objects.select_for_update(of=("self",)).select_related("service").filter(pk=check_id).first()
    if row is None:
        raise ValidationError(_("没有这条抽查，或不在您的管辖范围内。"))
    acceptance = locked(Acceptance, row.acceptance_id, None, S.OPEN)
    if row.service.state == PurchasedService.State.REFUSED:
        raise ValidationError(_("这条记录已按抽查结果不予认可，抽查结果不能再改。"))
    duties.require_apart("purchases.check", done={"purchases.record": row.service.entered_by_id})
    if result not in R.values:
        raise ValidationError({"result": _("请选择抽查结果。")})
    before, row.result = row.result, result
    row.note = note.strip()[:200] if result == R.RIGHT else reason_of(note, "note")
    row.checked_by_id, row.checked_at = acting.account_id, now
    row.save(update_fields=["result", "note", "checked_by", "checked_at"])
    if result == R.UNREACHED and before != R.UNREACHED:
        _replace(acceptance)
    return row


def _replace(acceptance: Acceptance) -> None:
    """The next record in the seed's order joins the sample."""
    inside = dict(PurchasedService.objects.filter(acceptance=acceptance).values_list("id", "area"))
    there = set(QualityCheck.objects.filter(acceptance=acceptance).values_list("service_id", flat=True))
    following = next((pk for pk in drawn(acceptance.seed, list(inside)) if pk not in there), None)
    if following is not None:
        QualityCheck.objects.create(area=inside[following], acceptance=acceptance, service_id=following, position=len(there) + 1)


def suggested(acceptance: Acceptance) -> tuple[Decimal, Decimal, int, int]:
    """(what counts, deduction in proportion where too much of the sample was wrong, wrong, checked), yuan; two queries.

    Wrong records do not count at all; beyond the tolerated share the same share of the rest is deducted. Of an acceptance that was sent back those refused
    by then are out of its gross already.
    """
    rows = QualityCheck.objects.filter(acceptance=acceptance)
    counted = rows.aggregate(
        wrong=Count("id", filter=Q(result=R.WRONG)), checked=Count("id", filter=Q(result__in=[R.RIGHT, R.WRONG])),
        lost=Sum("service__amount", filter=Q(result=R.WRONG, service__state=PurchasedService.State.CONFIRMED)),
    )  # fmt: skip
    wrong, checked = counted["wrong"], counted["checked"]
    rest = acceptance.gross - (counted["lost"] or Decimal(0)) if acceptance.state == S.OPEN else acceptance.gross
    tolerated = get_setting(TOLERATED, acceptance.area, timezone.localdate(acceptance.made_at))
    too_many = checked and Decimal(100 * wrong) / checked > tolerated
    deduction = (rest * wrong / checked).quantize(FEN, ROUND_HALF_UP) if too_many else Decimal(0)
    return rest, deduction, wrong, checked


@transaction.atomic
def submit(*, acceptance_id: int, version: int, deduction: Decimal | None = None, reason: str = "", now: datetime) -> Acceptance:
    """Hand the acceptance over for settlement: every sampled record is checked, wrong ones are refused, the rest counts less the deduction.

    `deduction` (yuan): by default as `suggested`; another one needs its reason.
    """
    acting = duties.require("purchases.accept")
    row = locked(Acceptance, acceptance_id, version, S.OPEN)
    checks = QualityCheck.objects.filter(acceptance=row)
    if (waiting := checks.filter(result="").count()) > 0:
        raise ValidationError(_("还有 %(n)d 条抽查没有结果；请先办完抽查。") % {"n": waiting})
    rest, proposed, wrong, checked = suggested(row)
    if checked == 0 and checks.exists():
        raise ValidationError(_("抽查对象全部联系不上，不能验收；请核对联系方式后再抽查，或撤销这次验收。"))
    given = proposed if deduction is None else deduction
    if not 0 <= given <= rest or given != given.quantize(FEN):
        raise ValidationError({"deduction": _("扣减应在 0 至 %(rest)s 元之间，精确到分。") % {"rest": f"{rest:,.2f}"}})
    words = reason.strip()[:200]
    if given != proposed:
        words = reason_of(reason)
    elif given and not words:
        words = f"抽查 {checked} 条，不属实 {wrong} 条，按比例扣减"
    refused = PurchasedService.objects.filter(pk__in=checks.filter(result=R.WRONG).values("service_id"), state=PurchasedService.State.CONFIRMED)
    for service in refused:
        service.state, service.reason, service.version = PurchasedService.State.REFUSED, f"质量抽查不属实（{row.number}）", service.version + 1
    PurchasedService.objects.bulk_update(refused, ["state", "reason", "version"])
    row.gross, row.deduction, row.payable, row.reason = rest, given, rest - given, words
    row.checked, row.wrong, row.state, row.submitted_by_id, row.submitted_at, row.note = checked, wrong, S.SUBMITTED, acting.account_id, now, ""
    with told():
        save(row, "gross", "deduction", "payable", "reason", "checked", "wrong", "state", "submitted_by", "submitted_at", "note")
        scopes.check_constraints()
    raise_todo(
        kind="purchases.settle", area=row.area, duty=Duty.FINANCE_OFFICER, title=f"购买服务 {row.number} {row.payable:,.2f} 元待结算",
        url=f"/purchases/acceptances/{row.pk}/", subject=SUBJECT, subject_id=row.pk, due=due_in(SETTLE_DAYS, row.area, now), now=now,
    )  # fmt: skip
    return row


@transaction.atomic
def cancel(*, acceptance_id: int, version: int, reason: str, now: datetime) -> Acceptance:
    """Cancel an acceptance that is open: its records wait for another one. What its sample found wrong is kept as said there."""
    duties.require("purchases.accept")
    row = locked(Acceptance, acceptance_id, version, S.OPEN)
    if PurchasedService.objects.filter(acceptance=row, state=PurchasedService.State.REFUSED).exists():
        raise ValidationError(_("这次验收已有不予认可的记录，不能撤销；请重新提交结算。"))
    row.state, row.reason = S.CANCELLED, reason_of(reason)
    save(row, "state", "reason")
    PurchasedService.objects.filter(acceptance=row).update(acceptance=None)
    scopes.check_constraints()
    return row


@transaction.atomic
def send_back(*, acceptance_id: int, version: int, reason: str, now: datetime) -> Acceptance:
    """Send an acceptance back to who made it, with the reason; nothing was booked."""
    duties.require("purchases.settle")
    row = locked(Acceptance, acceptance_id, version, S.SUBMITTED)
    row.state, row.note = S.OPEN, reason_of(reason)
    save(row, "state", "note")
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    raise_todo(
        kind="purchases.accept", area=row.area, duty=Duty.COUNTY_REVIEWER, title=f"购买服务验收 {row.number} 被退回", url=f"/purchases/acceptances/{row.pk}/",
        subject=SUBJECT, subject_id=row.pk, now=now,
    )  # fmt: skip
    return row


@transaction.atomic
def settle(*, acceptance_id: int, version: int, on: date, now: datetime) -> Acceptance:
    """Pay an acceptance out of the contract's fund, by another officer: records become settled, the ledger carries the amount to the fen.

    Again by the same officer is harmless; of two at once the second is told. Raises ValidationError where the fund has less or is not for it.
    """
    acting = duties.require("purchases.settle")
    row = locked(Acceptance, acceptance_id, None)
    if row.state == S.SETTLED and row.settled_by_id == acting.account_id:
        return row
    row = locked(Acceptance, acceptance_id, version, S.SUBMITTED)
    duties.require_apart("purchases.settle", done={"purchases.accept": row.made_by_id})
    duties.require_apart("purchases.settle", done={"purchases.accept": row.submitted_by_id})
    contract = ServiceContract.objects.get(pk=row.contract_id)
    row.state, row.settled_by_id, row.settled_at = S.SETTLED, acting.account_id, now
    with told():
        save(row, "state", "settled_by", "settled_at")
        PurchasedService.objects.filter(acceptance=row, state=PurchasedService.State.CONFIRMED).update(state=PurchasedService.State.SETTLED)
        if row.payable:
            spend(
                area=row.area, fund_id=contract.fund_id, from_year=contract.starts.year, purpose=Purpose.SERVICES, amount=row.payable,
                what=f"购买服务结算 {row.number}", document=row.number, on=on, now=now, made_by=acting.account_id, acceptance=row,
            )  # fmt: skip
        scopes.check_constraints()
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    return row
