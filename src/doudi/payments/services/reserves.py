"""Township reserves (临时救助备用金): handed over by the county, paid out against receipts, settled, handed back (measures 3.2, 4.1).

All of it in the one ledger. County: what it advanced (ADVANCED) leaves AVAILABLE and becomes PAID when it is settled. Township: RESERVE is
what it holds, RESERVE_PAID what it paid and must account for, RESERVE_SOURCE the other side of the county's ADVANCED. The database keeps
both sides equal and the reserve from going below nought.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.models import Attachment, Duty
from doudi.core.parameters import Procedure, declare
from doudi.core.services.attachments import attach
from doudi.core.services.todos import finish_todos, raise_todo
from doudi.core.settings_overlay import get_setting
from doudi.payments.models import Fund, Grant, LedgerAccount, LedgerEntry, ReservePayout, ReserveSettlement, ReserveTransfer
from doudi.payments.services import ledger

LEAST = "procedure.reserve.least"
declare(Procedure(LEAST, gettext_lazy("乡镇备用金低于此数提醒补足"), "yuan", Decimal(5000), "系统默认", False, 0, 10_000_000))
SUBJECT = "reserve_payout"


@dataclass(frozen=True)
class Balance:
    """What one township has of the reserve, yuan: in hand, paid and not settled yet."""

    held: Decimal
    unsettled: Decimal


def township_of(area: str) -> str:
    """The township that a place belongs to. Raises ValidationError above townships."""
    if len(area) < 9:
        raise ValidationError(_("备用金按乡镇（街道）管理；请选择乡镇。"))
    return area[:9]


def balance_of(township: str) -> Balance:
    with connection.cursor() as cursor:
        cursor.execute(
            "select coalesce(sum(amount) filter (where account = 'reserve'), 0), coalesce(sum(amount) filter (where account = 'reserve_paid'), 0)"
            " from payments_ledgerentry where area = %s and account in ('reserve', 'reserve_paid')",
            [township],
        )
        return Balance(*cursor.fetchone())


def _by_year(area: str, account: str, fund_id: int) -> list[tuple[int, Decimal]]:
    """(fund year, yuan) of what stands on an account, the oldest year first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select fund_year, sum(amount) from payments_ledgerentry where area = %s and account = %s and fund_id = %s group by 1 having sum(amount) > 0"
            " order by 1",
            [area, account, fund_id],
        )
        return list(cursor.fetchall())


def _money(amount: Decimal) -> None:
    if amount <= 0 or amount != amount.quantize(Decimal("0.01")):
        raise ValidationError({"amount": _("“金额”应为正数，精确到分；请更正。")})


def _transfer(*, kind: str, township: str, fund: str, year: int, amount: Decimal, document: str, on: date, now: datetime) -> ReserveTransfer:
    acting = duties.require("payments.fund")
    township_of(township)
    if len(township) != 9 or len(acting.area) > 6 or not acting.covers(township):
        raise ValidationError(_("所选乡镇不在您管辖的县内。"))
    _money(amount)
    if not document.strip():
        raise ValidationError({"document": _("请填写凭证号或文号。")})
    row = Fund.objects.filter(code=fund).first()
    if row is None or not ledger.allows(row.pk, "temporary", township[:6], year):
        raise ValidationError(_("这项资金不能用于临时救助。"))
    county, document = township[:6], document.strip()[:120]
    ledger.lock(county)
    ledger.lock(township)
    before = ReserveTransfer.objects.filter(area=township, kind=kind, document=document).first()
    if before is not None:
        if (before.amount, before.fund_id, before.fund_year) == (amount, row.pk, year):
            return before
        raise ValidationError(
            _("凭证“%(document)s”已登记 %(amount)s 元，与本次不同；请核对后使用另一凭证号。") % {"document": document, "amount": f"{before.amount:,.2f}"}
        )
    received = kind == ReserveTransfer.Kind.RECEIVED
    # source and target at the county and at the township
    sides = (
        (county, LedgerAccount.AVAILABLE, LedgerAccount.ADVANCED, f"拨付备用金：{places.name(township)}"),
        (township, LedgerAccount.RESERVE_SOURCE, LedgerAccount.RESERVE, "收到备用金"),
    )
    if not received:
        sides = (
            (township, LedgerAccount.RESERVE, LedgerAccount.RESERVE_SOURCE, "交回备用金"),
            (county, LedgerAccount.ADVANCED, LedgerAccount.AVAILABLE, f"收回备用金：{places.name(township)}"),
        )
    has = dict(_by_year(sides[0][0], sides[0][1], row.pk)).get(year, Decimal(0))
    if has < amount:
        words = _("%(fund)s（%(year)s年）可用 %(has)s 元，不足以拨付 %(amount)s 元；请先登记拨款。") if received else _(
            "该乡镇备用金（%(fund)s %(year)s年）结存 %(has)s 元，不足以交回 %(amount)s 元。"
        )
        raise ValidationError(words % {"fund": row.name, "year": year, "has": f"{has:,.2f}", "amount": f"{amount:,.2f}"})
    made = ReserveTransfer.objects.create(
        area=township, kind=kind, fund=row, fund_year=year, amount=amount, document=document, made_on=on, made_by_id=acting.account_id, made_at=now
    )
    for area, source, target, what in sides:
        ledger.move(area=area, fund_id=row.pk, year=year, amount=amount, source=source, target=target, what=what, document=document, on=on, now=now)
    _watch(township, on=on, now=now)
    scopes.check_constraints()
    return made


@transaction.atomic
def fund_reserve(*, township: str, year: int, amount: Decimal, document: str, on: date, now: datetime, fund: str = "assistance") -> ReserveTransfer:
    """Hand money of the county's fund to a township's reserve (拨付、补足). The same document is booked once."""
    return _transfer(kind="received", township=township, fund=fund, year=year, amount=amount, document=document, on=on, now=now)


@transaction.atomic
def return_reserve(*, township: str, year: int, amount: Decimal, document: str, on: date, now: datetime, fund: str = "assistance") -> ReserveTransfer:
    """Book money that a township hands back (交回), for example at the end of a year."""
    return _transfer(kind="returned", township=township, fund=fund, year=year, amount=amount, document=document, on=on, now=now)


@transaction.atomic
def pay_out(
    *,
    entitlement_id: int,
    means: str,
    received_by: str,
    relation: str,
    on: date,
    now: datetime,
    goods: str = "",
    receipts: Sequence[tuple[str, bytes]] = (),
    signature: bytes | None = None,
) -> ReservePayout:
    """Pay a grant out of the township's reserve, with its receipt: a photo, a signature, or both. Twice is once.

    Of two payouts at once that the reserve does not cover together, the second is refused. A payout without receipt is a to-do; it cannot be
    settled. Raises ValidationError with the balance where the reserve does not cover it.
    """
    acting = duties.require("payments.reserve")
    grant = Grant.objects.select_for_update(of=("self",)).filter(pk=entitlement_id, way=Grant.Way.RESERVE).first()
    if grant is None or not acting.covers(grant.area):
        raise ValidationError(_("没有这笔由备用金发放的救助，或它不在您的管辖范围内。"))
    if grant.void:
        raise ValidationError(_("这笔救助已作废，不能发放。"))
    township = township_of(grant.area)
    ledger.lock(township)
    before = ReservePayout.objects.filter(grant=grant).first()
    if before is not None:
        if before.paid_by_id == acting.account_id:
            return before
        raise ValidationError(_("这笔救助已由 %(who)s 发放，没有重复支出。") % {"who": before.paid_by.name}, code="twice")
    if not received_by.strip():
        raise ValidationError({"received_by": _("请填写领取人姓名。")})
    if means == ReservePayout.Means.GOODS and not goods.strip():
        raise ValidationError({"goods": _("发放实物的，请写明品名和数量。")})
    if on > timezone.localdate(now):
        raise ValidationError({"on": _("发放日期不能晚于今天。")})
    fund_id = ledger.fund_for(grant.programme, grant.area[:6], on.year)
    there = _by_year(township, LedgerAccount.RESERVE, fund_id) if fund_id else []
    has = sum((amount for _year, amount in there), Decimal(0))
    if fund_id is None or has < grant.amount:
        raise ValidationError(
            _("备用金结存 %(has)s 元，不足以发放 %(amount)s 元；请县级补足后再发放，或改为随发放批次发放。")
            % {"has": f"{has:,.2f}", "amount": f"{grant.amount:,.2f}"},
            code="reserve",
        )
    number = f"{township}-{on:%Y%m}-{entitlement_id}"
    row = ReservePayout.objects.create(
        area=township, number=number, grant=grant, amount=grant.amount, means=means, goods=goods.strip()[:200], received_by=received_by.strip()[:60],
        relation=relation, paid_on=on, paid_by_id=acting.account_id, paid_at=now,
    )  # fmt: skip
    left = grant.amount
    for year, amount in there:
        part = min(left, amount)
        if part:
            ledger.move(
                area=township, fund_id=fund_id, year=year, amount=part, source=LedgerAccount.RESERVE, target=LedgerAccount.RESERVE_PAID,
                what=f"发放临时救助 {number}", payout=row, on=on, now=now,
            )  # fmt: skip
        left -= part
    for name, content in receipts:
        attach(subject=SUBJECT, subject_id=row.pk, area=township, name=name, content=content, now=now)
    if signature:
        attach(subject=SUBJECT, subject_id=row.pk, area=township, name=_("领取人签名"), content=signature, now=now)
    if not receipts and not signature:
        raise_todo(
            kind="payments.receipt", area=township, duty=Duty.TOWNSHIP_OFFICER, title=f"备用金支出 {number} 缺少领款凭据", url=f"/payments/reserve/payouts/{row.pk}/",
            subject=SUBJECT, subject_id=row.pk, now=now,
        )  # fmt: skip
    _watch(township, on=on, now=now)
    scopes.check_constraints()
    return row


def _watch(township: str, *, on: date, now: datetime) -> None:
    """A low reserve is a to-do of the county's finance; one that was filled up ends it. What waits for settlement too."""
    here = balance_of(township)
    subject, subject_id = "reserve", int(township)
    if here.held < get_setting(LEAST, township, on):
        title = f"{places.name(township)}临时救助备用金结存 {here.held:,.2f} 元，请补足"
        raise_todo(
            kind="payments.replenish", area=township, duty=Duty.FINANCE_OFFICER, title=title, url=f"/payments/reserve/?area={township}",
            subject=subject, subject_id=subject_id, now=now,
        )  # fmt: skip
    else:
        finish_todos(kind="payments.replenish", subject=subject, subject_id=subject_id, now=now)
    if here.unsettled:
        title = f"{places.name(township)}备用金支出待核销"
        raise_todo(
            kind="payments.settle", area=township, duty=Duty.FINANCE_OFFICER, title=title, url=f"/payments/reserve/{township}/",
            subject=subject, subject_id=subject_id, now=now,
        )  # fmt: skip
    else:
        finish_todos(kind="payments.settle", subject=subject, subject_id=subject_id, now=now)


def with_receipt(payouts: Sequence[int]) -> set[int]:
    """Which payouts have a receipt among their files."""
    return set(Attachment.objects.filter(subject=SUBJECT, subject_id__in=payouts, removed_at__isnull=True).values_list("subject_id", flat=True))


@transaction.atomic
def settle(*, township: str, payouts: Sequence[int], on: date, now: datetime) -> ReserveSettlement:
    """Settle (核销) payouts of a township: the county's finance officer accepts them with their receipts; the county's advance becomes paid money.

    Raises ValidationError where one has no receipt, is settled already, or was paid by the acting officer.
    """
    acting = duties.require("payments.fund")
    if len(township) != 9 or not acting.covers(township):
        raise ValidationError(_("所选乡镇不在您管辖的县内。"))
    county = township[:6]
    ledger.lock(county)
    ledger.lock(township)
    rows = list(ReservePayout.objects.select_for_update(of=("self",)).filter(pk__in=payouts, area=township, settlement__isnull=True).order_by("pk"))
    if not rows or len(rows) != len(set(payouts)):
        raise ValidationError(_("所选支出中有已核销或不属于该乡镇的，未核销任何一笔；请刷新页面后重新选择。"), code="stale")
    for row in rows:
        duties.require_apart("payments.fund", done={"payments.reserve": row.paid_by_id})
    have = with_receipt([row.pk for row in rows])
    if bare := [row.number for row in rows if row.pk not in have]:
        raise ValidationError(_("以下支出没有领款凭据，不能核销：%(numbers)s；请乡镇补传。") % {"numbers": "、".join(bare[:5])})
    for row in rows:
        finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    total = sum((row.amount for row in rows), Decimal(0))
    number = f"{township}-{on:%Y}-{ReserveSettlement.objects.filter(area=township).count() + 1:03d}"
    made = ReserveSettlement.objects.create(
        area=township, number=number, payouts=len(rows), amount=total, settled_by_id=acting.account_id, settled_at=now
    )
    ReservePayout.objects.filter(pk__in=[row.pk for row in rows]).update(settlement=made, settled_by_id=acting.account_id)
    sums: dict[tuple[int, int], Decimal] = {}
    for fund_id, year, amount in LedgerEntry.objects.filter(payout__in=rows, account=LedgerAccount.RESERVE_PAID, amount__gt=0).values_list(
        "fund_id", "fund_year", "amount"
    ):
        sums[fund_id, year] = sums.get((fund_id, year), Decimal(0)) + amount
    for (fund_id, year), amount in sorted(sums.items()):
        common: dict[str, Any] = {"fund_id": fund_id, "year": year, "amount": amount, "document": number, "on": on, "now": now}
        ledger.move(area=township, source=LedgerAccount.RESERVE_PAID, target=LedgerAccount.RESERVE_SOURCE, what="备用金支出核销", **common)
        ledger.move(area=county, source=LedgerAccount.ADVANCED, target=LedgerAccount.PAID, what=f"核销备用金：{places.name(township)}", **common)
    _watch(township, on=on, now=now)
    scopes.check_constraints()
    return made
