"""Documents about money (measures 4.1, 4.2): plans, transfers, carry-over, handing back, reversals; and what each fund may pay.

Plans and receipts (`ledger.receive_appropriation`) are booked by one officer under their document. Whatever moves money that is there, and
every change of a purpose, is proposed by one officer and confirmed by another; the database holds both (migration 0017).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.todos import finish_todos, raise_todo
from doudi.payments.models import POOLS, Fund, FundLevel, FundMovement, FundPurpose, LedgerAccount, LedgerEntry, Spending, paid_label, purpose_choices
from doudi.payments.services import ledger

Kind = FundMovement.Kind
State = FundMovement.State
SUBJECT = "fund_movement"
PURPOSE = "fund_purpose"
# (source, target) of a document at its own end
WAYS = {
    Kind.PLAN: (LedgerAccount.PLAN_SOURCE, LedgerAccount.PLANNED),
    Kind.RECEIPT: (LedgerAccount.APPROPRIATION, LedgerAccount.AVAILABLE),
    Kind.TRANSFER: (LedgerAccount.AVAILABLE, LedgerAccount.TRANSFERRED),
    Kind.CARRY_OVER: (LedgerAccount.AVAILABLE, LedgerAccount.TRANSFERRED),
    Kind.RETURN: (LedgerAccount.AVAILABLE, LedgerAccount.HANDED_BACK),
}


@contextmanager
def _told() -> Iterator[None]:
    """What the database refuses, in words."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        text = str(error)
        if "does not cover" in text:
            raise ValidationError(_("余额已变动，不足以办理，未记账；请刷新页面核对余额。")) from None
        if "fund_movement_once" in text:
            raise ValidationError({"document": _("这一文号已登记过；请核对，如需更正请冲销后重新登记。")}) from None
        if "fund_movement_reversed_once" in text:
            raise ValidationError(_("这一笔已冲销或正在办理冲销，不能再次冲销。")) from None
        if "fund_purpose_one_open" in text:
            raise ValidationError(_("这项用途已有一条待确认的变更；请先确认或退回。")) from None
        raise


def available(area: str, fund_id: int, year: int, level: str) -> Decimal:
    """Yuan of a level that stand available, as the sum of entries."""
    rows = LedgerEntry.objects.filter(area=area, fund_id=fund_id, fund_year=year, account=LedgerAccount.AVAILABLE, level=level)
    return rows.aggregate(total=Sum("amount"))["total"] or Decimal(0)


def _acting(area: str, to_area: str = "") -> scopes.Scope:
    """Who may enter it: a county's finance for its county; a supervisor for places above, and between places."""
    above = len(area) < 6 or (to_area and to_area != area)
    acting = duties.require("payments.fund_above" if above else "payments.fund")
    if len(area) not in (2, 4, 6) or not acting.covers(area) or (to_area and not acting.covers(to_area)):
        raise ValidationError({"area": _("所选地区不在您的管辖范围内。")})
    return acting


def _checked(fund: str, area: str, year: int, amount: Decimal, document: str) -> Fund:
    if amount <= 0 or amount != amount.quantize(Decimal("0.01")):
        raise ValidationError({"amount": _("“金额”应为正数，精确到分；请更正。")})
    if not document.strip():
        raise ValidationError({"document": _("请填写文号或凭证号。")})
    if not 2000 <= year <= 2100:
        raise ValidationError({"year": _("“资金年度”应在 2000 至 2100 之间。")})
    row = Fund.objects.filter(code=fund).first()
    if row is None or not (area.startswith(row.area) or row.area.startswith(area)):
        raise ValidationError({"fund": _("本地区没有这项资金：%(code)s。") % {"code": fund}})
    return row


def _same(row: FundMovement, values: dict[str, Any]) -> bool:
    return all(getattr(row, name) == value for name, value in values.items())


@transaction.atomic
def register_plan(
    *, area: str, fund: str, year: int, level: str, issuer: str, amount: Decimal, document: str, document_date: date, on: date, now: datetime
) -> FundMovement:
    """Register an allocation document (指标文件): what a level promises a place. Twice is once; the same number with another amount is refused.

    `level`: whose money it is; `issuer`: the level that allots it (the province straight to a county, for example).
    """
    acting = _acting(area)
    row = _checked(fund, area, year, amount, document)
    if level not in FundLevel.values or not level or issuer not in FundLevel.values or not issuer:
        raise ValidationError({"level": _("请选择资金来源级次和下达级次。")})
    if document_date > on:
        raise ValidationError({"document_date": _("文件日期不能晚于今天。")})
    document = document.strip()[:120]
    ledger.lock(area)
    key = {"area": area, "kind": Kind.PLAN, "fund": row, "fund_year": year, "document": document, "level": level}
    before = FundMovement.objects.filter(**key, reversed=False).exclude(state=State.REFUSED).first()
    if before is not None:
        if _same(before, {"amount": amount, "issuer": issuer, "document_date": document_date}):
            return before
        raise ValidationError(
            {"document": _("文号“%(document)s”已登记 %(amount)s 元，与本次不同；如需更正请冲销后重新登记。") % {"document": document, "amount": f"{before.amount:,.2f}"}}
        )
    made = FundMovement.objects.create(
        **key, issuer=issuer, amount=amount, document_date=document_date, state=State.BOOKED, proposed_by_id=acting.account_id, proposed_at=now
    )
    _book(made, on=on, now=now)
    scopes.check_constraints()
    return made


@transaction.atomic
def propose(
    *, kind: str, area: str, fund: str, year: int, level: str, amount: Decimal, document: str, reason: str, on: date, now: datetime,
    to_area: str = "", to_fund: str = "", to_year: int | None = None,
) -> FundMovement:  # fmt: skip
    """Propose a transfer (调剂) to another fund or place, the carry-over (结转) of a year's balance to a later year, or handing back (上缴退回).

    Money keeps its level. Nothing is booked until another officer confirms. Raises ValidationError where the level has less.
    """
    if kind not in (Kind.TRANSFER, Kind.CARRY_OVER, Kind.RETURN):
        raise ValueError(kind)
    acting = _acting(area, to_area if kind == Kind.TRANSFER else "")
    row = _checked(fund, area, year, amount, document)
    if not reason.strip():
        raise ValidationError({"reason": _("请填写事由。")})
    target: dict[str, Any] = {"to_area": "", "to_fund": None, "to_year": None}
    if kind == Kind.TRANSFER:
        other = Fund.objects.filter(code=to_fund or fund).first()
        if other is None or ((to_area or area), other.pk) == (area, row.pk):
            raise ValidationError({"to_fund": _("请选择另一项资金或另一地区。")})
        target = {"to_area": to_area or area, "to_fund": other, "to_year": year}
    elif kind == Kind.CARRY_OVER:
        if to_year is None or to_year <= year:
            raise ValidationError({"to_year": _("结转的目标年度应晚于资金年度。")})
        target = {"to_area": area, "to_fund": row, "to_year": to_year}
    document = document.strip()[:120]
    ledger.lock(area)
    key = {"area": area, "kind": kind, "fund": row, "fund_year": year, "document": document, "level": level}
    before = FundMovement.objects.filter(**key, reversed=False).exclude(state=State.REFUSED).first()
    if before is not None:
        if _same(before, {"amount": amount, **target}):
            return before
        raise ValidationError({"document": _("文号“%(document)s”已登记过，内容与本次不同；请核对。") % {"document": document}})
    has = available(area, row.pk, year, level)
    if has < amount:
        raise ValidationError(
            {"amount": _("%(fund)s（%(year)s年，%(level)s）可用 %(has)s 元，少于 %(amount)s 元。")
             % {"fund": row.name, "year": year, "level": FundLevel(level).label, "has": f"{has:,.2f}", "amount": f"{amount:,.2f}"}}
        )  # fmt: skip
    made = FundMovement.objects.create(
        **key, **target, amount=amount, document_date=on, reason=reason.strip()[:200], proposed_by_id=acting.account_id, proposed_at=now
    )
    _ask(made, now=now)
    return made


@transaction.atomic
def propose_reversal(*, movement_id: int, document: str, reason: str, on: date, now: datetime) -> FundMovement:
    """Propose to undo (冲销) one booked document as a whole; the correction is registered anew. A second one is refused."""
    row = _locked(movement_id)
    acting = _acting(row.area, row.to_area)
    if row.kind == Kind.REVERSAL or row.state != State.BOOKED:
        raise ValidationError(_("只有已记账的原始凭证可以冲销。"))
    if not document.strip() or not reason.strip():
        raise ValidationError({"reason": _("请填写冲销的凭证号和原因。")})
    before = FundMovement.objects.filter(reverses=row).exclude(state=State.REFUSED).first()
    if before is not None:
        if before.proposed_by_id == acting.account_id and before.state == State.PROPOSED:
            return before
        raise ValidationError(_("这一笔已冲销或正在办理冲销，不能再次冲销。"))
    if row.kind == Kind.PLAN and (got := row.receipts.filter(reversed=False).aggregate(total=Sum("amount"))["total"]):
        raise ValidationError(_("这份指标已到账 %(amount)s 元；请先冲销到账记录。") % {"amount": f"{got:,.2f}"})
    with _told():
        made = FundMovement.objects.create(
            area=row.area, kind=Kind.REVERSAL, fund_id=row.fund_id, fund_year=row.fund_year, level=row.level, amount=row.amount, document=document.strip()[:120],
            document_date=on, reason=reason.strip()[:200], reverses=row, proposed_by_id=acting.account_id, proposed_at=now,
        )  # fmt: skip
    _ask(made, now=now)
    return made


def _ask(row: FundMovement, *, now: datetime) -> None:
    duty = Duty.COUNTY_APPROVER if len(row.area) == 6 and not (row.to_area and row.to_area != row.area) else Duty.SUPERVISOR
    raise_todo(
        kind="payments.movement", area=row.area, duty=duty, title=f"{row.get_kind_display()} {row.document} {row.amount:,.2f} 元待确认",
        url=f"/payments/funds/movements/{row.pk}/", subject=SUBJECT, subject_id=row.pk, now=now,
    )  # fmt: skip
    scopes.check_constraints()


def _locked(movement_id: int) -> FundMovement:
    row = FundMovement.objects.select_for_update(of=("self",)).select_related("fund", "to_fund").filter(pk=movement_id).first()
    if row is None or not scopes.current().covers(row.area):
        raise ValidationError(_("这笔资金凭证不存在，或不在您的管辖范围内。"))
    return row


def _second(row: FundMovement) -> scopes.Scope:
    """The confirming officer: another one, who covers both ends."""
    acting = duties.require("payments.fund_confirm")
    if row.to_area and not acting.covers(row.to_area):
        raise ValidationError(_("调入地区不在您的管辖范围内；请由上级确认。"))
    if row.proposed_by_id == acting.account_id:
        raise PermissionDenied(_("这一环节须由另一名工作人员办理：您已办理过本件的其他环节。"))
    return acting


@transaction.atomic
def confirm(*, movement_id: int, on: date, now: datetime) -> FundMovement:
    """Confirm what another officer proposed; the ledger carries it from now on. Of two at once one wins, the other is told."""
    row = _locked(movement_id)
    acting = _second(row)
    if row.state == State.BOOKED and row.confirmed_by_id == acting.account_id:
        return row
    if row.state != State.PROPOSED:
        raise ValidationError(_("这笔凭证现为“%(state)s”：可能已由他人办理，请刷新页面。") % {"state": row.get_state_display()})
    row.state, row.confirmed_by_id, row.confirmed_at = State.BOOKED, acting.account_id, now
    for place in sorted({row.area, row.to_area} - {""}):
        ledger.lock(place)
    with _told():
        row.save(update_fields=["state", "confirmed_by", "confirmed_at"])
        _book(row, on=on, now=now)
        if row.reverses_id:
            FundMovement.objects.filter(pk=row.reverses_id).update(reversed=True)
        scopes.check_constraints()
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    return row


@transaction.atomic
def refuse(*, movement_id: int, reason: str, now: datetime) -> FundMovement:
    """Send back (退回) a proposal, with the reason; nothing was booked."""
    row = _locked(movement_id)
    acting = _second(row)
    if row.state != State.PROPOSED:
        raise ValidationError(_("这笔凭证现为“%(state)s”：可能已由他人办理，请刷新页面。") % {"state": row.get_state_display()})
    if not reason.strip():
        raise ValidationError({"reason": _("请填写退回原因。")})
    row.state, row.confirmed_by_id, row.confirmed_at, row.note = State.REFUSED, acting.account_id, now, reason.strip()[:200]
    row.save(update_fields=["state", "confirmed_by", "confirmed_at", "note"])
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    scopes.check_constraints()
    return row


def _book(row: FundMovement, *, on: date, now: datetime) -> None:
    """The entries of a document, at its own end and at the other."""
    common: dict[str, Any] = {"amount": row.amount, "level": row.level, "document": row.document, "movement": row, "on": on, "now": now}
    if row.kind == Kind.REVERSAL:
        _mirror(row, on=on, now=now)
        return
    source, target = WAYS[Kind(row.kind)]
    ledger.move(area=row.area, fund_id=row.fund_id, year=row.fund_year, source=source, target=target, what=_what(row), **common)
    if row.to_fund_id is not None and row.to_year is not None:
        ledger.move(
            area=row.to_area, fund_id=row.to_fund_id, year=row.to_year, source=LedgerAccount.TRANSFERRED, target=LedgerAccount.AVAILABLE,
            what=f"{row.get_kind_display()}转入：{places.name(row.area)} {row.fund.name} {row.fund_year}年", **common,
        )  # fmt: skip


def _what(row: FundMovement) -> str:
    if row.kind == Kind.TRANSFER and row.to_fund is not None:
        return f"调出至：{places.name(row.to_area)} {row.to_fund.name}"
    return f"结转至 {row.to_year} 年" if row.kind == Kind.CARRY_OVER else str(Kind(row.kind).label)


def _mirror(row: FundMovement, *, on: date, now: datetime) -> None:
    """Every entry of the reversed document with the other sign, transaction by transaction."""
    numbers: dict[int, int] = {}
    entries = list(LedgerEntry.objects.filter(movement_id=row.reverses_id).order_by("id"))
    with connection.cursor() as cursor:
        for entry in entries:
            if entry.transaction not in numbers:
                cursor.execute("select nextval('doudi.ledger_transaction_id')")
                numbers[entry.transaction] = cursor.fetchone()[0]
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            area=entry.area, transaction=numbers[entry.transaction], account=entry.account, fund_id=entry.fund_id, fund_year=entry.fund_year,
            amount=-entry.amount, level=entry.level, movement=row, what=f"冲销凭证 {entry.transaction}：{row.reason}"[:120], document=row.document,
            booked_on=on, booked_at=now, made_by_id=scopes.current().account_id or None,
        )
        for entry in entries
    )  # fmt: skip


# --- purposes -------------------------------------------------------------------------------------------------------


def _mixed(fund: Fund, programme: str) -> bool:
    """Whether a purpose would mix money that is kept apart (4.1): purchased services and donations have pools of their own, which pay nothing else."""
    pools = set(POOLS.values())
    wanted = POOLS[Spending(programme)] if programme in Spending.values else ""
    return fund.pool != wanted if wanted else fund.pool in pools


@transaction.atomic
def propose_purpose(
    *, fund: str, programme: str, area: str, allowed: bool, from_year: int, until_year: int | None, document: str, now: datetime
) -> FundPurpose:
    """Propose what a fund may, or may not, pay in a place and in which years (专款专用). It takes effect when another officer confirms."""
    acting = duties.require("payments.purpose")
    row = Fund.objects.filter(code=fund).first()
    if row is None or not area.startswith(row.area) or not acting.covers(area) or len(area) not in (2, 4, 6):
        raise ValidationError({"area": _("这项资金不属于所选地区，或所选地区不在您的管辖范围内。")})
    if programme not in dict(purpose_choices()):
        raise ValidationError({"programme": _("没有这项待遇。")})
    if allowed and _mixed(row, programme):
        raise ValidationError({"programme": _("购买服务、捐赠与救助资金分开管理、分开核算，不能互相支付。")})
    if allowed and not acting.covers(row.area):
        raise ValidationError({"allowed": _("资金可以支付什么由设立资金的一级规定；本级只能在本地区停止某项用途。")})
    if until_year is not None and until_year < from_year:
        raise ValidationError({"until_year": _("截止年度不能早于起始年度。")})
    if not document.strip():
        raise ValidationError({"document": _("请填写依据文号。")})
    values = {"allowed": allowed, "from_year": from_year, "until_year": until_year, "document": document.strip()[:120]}
    before = FundPurpose.objects.filter(fund=row, programme=programme, area=area, state="proposed").first()
    if before is not None and before.proposed_by_id == acting.account_id and all(getattr(before, name) == value for name, value in values.items()):
        return before
    with _told():
        made = FundPurpose.objects.create(fund=row, programme=programme, area=area, proposed_by_id=acting.account_id, proposed_at=now, **values)
    raise_todo(
        kind="payments.purpose", area=area, duty=Duty.COUNTY_APPROVER if len(area) == 6 else Duty.SUPERVISOR,
        title=f"{row.name}用途变更待确认：{paid_label(programme)}", url="/payments/funds/purposes/", subject=PURPOSE, subject_id=made.pk, now=now,
    )  # fmt: skip
    scopes.check_constraints()
    return made


@transaction.atomic
def decide_purpose(*, purpose_id: int, agreed: bool, note: str = "", now: datetime) -> FundPurpose:
    """Confirm (确认) a change of purpose, or send it back (退回) with the reason; by another officer, who may say so."""
    acting = duties.require("payments.purpose_confirm")
    row = FundPurpose.objects.select_for_update(of=("self",)).select_related("fund").filter(pk=purpose_id).first()
    if row is None or not acting.covers(row.area) or (row.allowed and not acting.covers(row.fund.area)):
        raise ValidationError(_("这条用途规定不存在，或不由您这一级确认。"))
    duties.require_apart("payments.purpose_confirm", done={"payments.purpose": row.proposed_by_id})
    wanted = FundPurpose.State.CONFIRMED if agreed else FundPurpose.State.REFUSED
    if row.state == wanted and row.confirmed_by_id == acting.account_id:
        return row
    if row.state != FundPurpose.State.PROPOSED:
        raise ValidationError(_("这条用途规定现为“%(state)s”：可能已由他人办理，请刷新页面。") % {"state": row.get_state_display()})
    if not agreed and not note.strip():
        raise ValidationError({"reason": _("请填写退回原因。")})
    row.state, row.confirmed_by_id, row.confirmed_at, row.note = wanted, acting.account_id, now, note.strip()[:200]
    row.save(update_fields=["state", "confirmed_by", "confirmed_at", "note"])
    finish_todos(subject=PURPOSE, subject_id=row.pk, now=now)
    scopes.check_constraints()
    return row
