"""Donations (捐赠): received with a receipt, allocated, sent, confirmed on arrival; money in a fund of its own (4.1)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Division, Duty
from doudi.core.services.attachments import attach
from doudi.core.services.todos import finish_todos, held, raise_todo
from doudi.institutions.models import Institution
from doudi.needs.models import Need
from doudi.payments.models import Fund, FundMovement
from doudi.payments.models import Spending as Purpose
from doudi.payments.services import ledger
from doudi.resources.models import Donation, DonationAllocation
from doudi.resources.procedures import DELIVER_DAYS
from doudi.resources.services.base import FEN, due_in, locked, phone_token, reason_of, save, spend, told
from doudi.volunteering.models import Organisation

K, A = Donation.Kind, DonationAllocation.State
FUND = "donations"
SUBJECT, ALLOCATION = "donation", "donation_allocation"


def _positive(quantity: Decimal, field: str = "quantity") -> None:
    if quantity <= 0 or quantity != quantity.quantize(FEN) or quantity >= Decimal(10) ** 11:
        raise ValidationError({field: _("应为正数，最多两位小数。")})


@transaction.atomic
def receive(
    *, key: UUID, kind: str, number: str, quantity: Decimal, purpose: str, received_on: date, now: datetime, donor: str = "", anonymous: bool = False,
    named: bool = False, phone: str = "", organisation_id: int | None = None, words: str = "", item: str = "", unit: str = "", value: Decimal | None = None,
    use_by: date | None = None,
) -> Donation:  # fmt: skip
    """Register a donation with the number of its receipt. Money (yuan) is booked into the donations fund by finance; goods are entered by the coordinator.

    The same form (`key`) again is one donation. Raises ValidationError by field.
    """
    money = kind == K.MONEY
    acting = duties.require("donations.money" if money else "donations.goods")
    before = Donation.objects.filter(key=key).first()
    if before is not None:
        return before
    if len(acting.area) != 6:
        raise ValidationError(_("捐赠由县级民政部门接收登记。"))
    if kind not in K.values or purpose not in Donation.Purpose.values:
        raise ValidationError({"purpose": _("请选择捐赠用途。")})
    if not number.strip():
        raise ValidationError({"number": _("请填写收据号。")})
    _positive(quantity)
    if received_on > timezone.localdate(now):
        raise ValidationError({"received_on": _("接收日期不能晚于今天。")})
    if not money and (len(item.strip()) < 1 or not unit.strip()):
        raise ValidationError({"item": _("请填写物品名称和单位。")})
    if value is not None:
        _positive(value, "value")
    organisation = None
    if organisation_id is not None and not anonymous:
        organisation = Organisation.objects.filter(pk=organisation_id).first()
        if organisation is None:
            raise ValidationError({"organisation": _("没有这个机构。")})
        donor = donor or organisation.name
    if not anonymous and len(donor.strip()) < 2:
        raise ValidationError({"donor": _("请填写捐赠人，或选择匿名。")})
    if anonymous and (donor.strip() or phone.strip() or named):
        raise ValidationError({"anonymous": _("匿名捐赠不登记姓名和电话，也不公开姓名。")})
    number = number.strip()[:30]
    if Donation.objects.filter(area=acting.area, number=number).exists():
        raise ValidationError({"number": _("这个收据号已登记过；请核对。")})
    fund, movement = None, None
    if money:
        fund = Fund.objects.get(code=FUND)
        ledger.receive_appropriation(
            fund=FUND, area=acting.area, year=received_on.year, amount=quantity, document=f"捐赠收据 {number}", on=received_on, now=now
        )
        movement = FundMovement.objects.get(
            area=acting.area, fund=fund, fund_year=received_on.year, document=f"捐赠收据 {number}", kind=FundMovement.Kind.RECEIPT, reversed=False
        )
    with told():
        made = Donation.objects.create(
            area=acting.area, key=key, number=number, kind=kind, donor=donor.strip()[:100], anonymous=anonymous, named=named, organisation=organisation,
            phone=phone_token(phone), purpose=purpose, words=words.strip()[:120], item="" if money else item.strip()[:60], unit="元" if money else unit.strip()[:10],
            quantity=quantity, value=None if money else value, use_by=None if money else use_by, received_on=received_on, fund=fund, movement=movement,
            made_by_id=acting.account_id, made_at=now,
        )  # fmt: skip
        scopes.check_constraints()
    return made


@transaction.atomic
def void(*, donation_id: int, version: int, reason: str, now: datetime) -> Donation:
    """Void goods entered by mistake, with the reason; money is undone by reversing its receipt (two officers of finance)."""
    duties.require("donations.goods")
    row = locked(Donation, donation_id, version, Donation.State.RECEIVED)
    if row.kind == K.MONEY:
        raise ValidationError(_("捐款请在资金台账中冲销到账，冲销后自动作废。"))
    if row.allocated:
        raise ValidationError(_("这笔捐赠已有分配，不能作废；请先撤回分配。"))
    row.state, row.reason = Donation.State.VOID, reason_of(reason)
    save(row, "state", "reason")
    return row


@transaction.atomic
def allocate(
    *, key: UUID, donation_id: int, target: str, quantity: Decimal, purpose: str, now: datetime, area: str = "", institution_id: int | None = None,
    need_id: int | None = None,
) -> DonationAllocation:  # fmt: skip
    """Allocate a part of a donation to a community, an institution or a need. Of two who allocate the last at once the second is told.

    The same form (`key`) again is one allocation. Raises ValidationError by field, with what is left.
    """
    acting = duties.require("donations.allocate")
    before = DonationAllocation.objects.filter(key=key).first()
    if before is not None:
        return before
    donation = locked(Donation, donation_id, None, Donation.State.RECEIVED)
    _positive(quantity)
    if quantity > donation.left:
        raise ValidationError(
            {
                "quantity": _("这笔捐赠还可分配 %(left)s %(unit)s，不能分配 %(given)s。")
                % {"left": f"{donation.left:,.2f}", "unit": donation.unit, "given": f"{quantity:,.2f}"}
            }
        )
    if donation.use_by is not None and donation.use_by < timezone.localdate(now):
        raise ValidationError(_("这批物品已过保质期（%(day)s），不能分配。") % {"day": donation.use_by})
    institution = need = None
    if target == DonationAllocation.Target.INSTITUTION:
        institution = Institution.objects.filter(pk=institution_id).first() if institution_id else None
        if institution is None:
            raise ValidationError({"institution": _("请选择机构。")})
        area = institution.area
    elif target == DonationAllocation.Target.NEED:
        need = Need.objects.filter(pk=need_id, state__in=Need.LIVE).first() if need_id else None
        if need is None:
            raise ValidationError({"need": _("没有这项需求，或它已办结。")})
        area = need.area
    elif target != DonationAllocation.Target.COMMUNITY or len(area) < 9 or not Division.objects.filter(code=area, ends__isnull=True).exists():
        raise ValidationError({"area": _("请选择乡镇（街道）或村（社区）。")})
    if not area.startswith(donation.area) or not acting.covers(area):
        raise ValidationError({"area": _("只能分配到接收捐赠的县内。")})
    with told():
        made = DonationAllocation.objects.create(
            key=key, area=area, donation=donation, target=target, institution=institution, need=need, kind=donation.kind, item=donation.named_item,
            unit=donation.unit, quantity=quantity, purpose=(purpose.strip() or str(donation.get_purpose_display()))[:200], allocated_by_id=acting.account_id,
            allocated_at=now,
        )  # fmt: skip
        scopes.check_constraints()
    if donation.kind == K.MONEY:
        raise_todo(
            kind="donations.pay", area=donation.area, duty=Duty.FINANCE_OFFICER, title=f"捐款 {quantity:,.2f} 元待拨付", url=f"/donations/{donation.pk}/manage/",
            subject=ALLOCATION, subject_id=made.pk, due=due_in(DELIVER_DAYS, donation.area, now), now=now,
        )  # fmt: skip
    return made


def _allocation(allocation_id: int, version: int, *states: str) -> DonationAllocation:
    return locked(DonationAllocation, allocation_id, version, *states)


@transaction.atomic
def send(*, allocation_id: int, version: int, carrier: str, on: date, now: datetime) -> DonationAllocation:
    """Goods leave with a carrier; money is paid out of the donations fund by finance, one booking, by another officer than who allocated it."""
    row = _allocation(allocation_id, version, A.ALLOCATED)
    money = row.kind == K.MONEY
    acting = duties.require("donations.pay" if money else "donations.send")
    if money:
        duties.require_apart("donations.pay", done={"donations.allocate": row.allocated_by_id})
    if len(carrier.strip()) < 2:
        raise ValidationError({"carrier": _("请填写拨付凭证号。") if money else _("请填写由谁送去。")})
    row.state, row.sent_by_id, row.sent_at, row.carrier = A.SENT, acting.account_id, now, carrier.strip()[:60]
    with told():
        save(row, "state", "sent_by", "sent_at", "carrier")
        if money:
            donation = Donation.objects.get(pk=row.donation_id)
            if donation.fund_id is None:
                raise ValidationError(_("没有这条记录，或不在您的管辖范围内。"))
            spend(
                area=donation.area, fund_id=donation.fund_id, from_year=donation.received_on.year, purpose=Purpose.DONATION, amount=row.quantity,
                what=f"捐款支出 {donation.number}", document=f"{donation.number}-{row.pk}", on=on, now=now, made_by=acting.account_id, allocation=row,
            )  # fmt: skip
        scopes.check_constraints()
    finish_todos(subject=ALLOCATION, subject_id=row.pk, now=now)
    visited = len(row.area) == 12 and held(duty=Duty.VISITOR, area=row.area, on=on)
    duty = Duty.INSTITUTION_CLERK if row.institution_id else Duty.VISITOR if visited else Duty.TOWNSHIP_OFFICER
    raise_todo(
        kind="donations.receive", area=row.area, duty=duty, title=f"捐赠 {row.item} {row.quantity.normalize():f} {row.unit}请确认收到", url=f"/donations/allocations/{row.pk}/",
        subject=ALLOCATION, subject_id=row.pk, due=due_in(DELIVER_DAYS, row.area, now), now=now,
    )  # fmt: skip
    return row


@transaction.atomic
def confirm_arrival(
    *,
    allocation_id: int,
    version: int,
    received: Decimal,
    taker: str,
    proof: str,
    now: datetime,
    reason: str = "",
    picture: tuple[str, bytes] | None = None,
) -> DonationAllocation:
    """Confirm on arrival what came and who took it, with its proof; by another officer than who allocated it. Less than was sent needs its reason."""
    acting = duties.require("donations.receive")
    row = _allocation(allocation_id, version, A.SENT)
    duties.require_apart("donations.receive", done={"donations.allocate": row.allocated_by_id})
    if not 0 <= received <= row.quantity or received != received.quantize(FEN):
        raise ValidationError({"received": _("实收应在 0 至 %(most)s %(unit)s 之间。") % {"most": f"{row.quantity.normalize():f}", "unit": row.unit}})
    if row.kind == K.MONEY and received != row.quantity:
        raise ValidationError({"received": _("捐款应全额到账；未到账的请联系财政核对。")})
    if len(taker.strip()) < 2 or proof not in DonationAllocation.Proof.values:
        raise ValidationError({"taker": _("请填写签收人，并选择凭据。")})
    if proof == DonationAllocation.Proof.PHOTO and picture is None:
        raise ValidationError({"picture": _("请拍照。")})
    row.reason = reason_of(reason) if received < row.quantity else reason.strip()[:200]
    row.state, row.received, row.taker, row.proof, row.confirmed_by_id, row.confirmed_at = (
        A.DELIVERED,
        received,
        taker.strip()[:60],
        proof,
        acting.account_id,
        now,
    )
    with told():
        save(row, "state", "received", "taker", "proof", "confirmed_by", "confirmed_at", "reason")
        scopes.check_constraints()
    if picture is not None:
        attach(subject=ALLOCATION, subject_id=row.pk, area=row.area, name=picture[0], content=picture[1], now=now, pictures_only=True)
    finish_todos(subject=ALLOCATION, subject_id=row.pk, now=now)
    return row


@transaction.atomic
def withdraw(*, allocation_id: int, version: int, reason: str, now: datetime) -> DonationAllocation:
    """Take an allocation back before it was paid or delivered (goods on their way come back); what it held can be allocated again."""
    duties.require("donations.allocate")
    row = _allocation(allocation_id, version, A.ALLOCATED, A.SENT)
    if row.kind == K.MONEY and row.state == A.SENT:
        raise PermissionDenied(_("已拨付的捐款不能撤回。"))
    row.state, row.reason = A.WITHDRAWN, reason_of(reason)
    save(row, "state", "reason")
    scopes.check_constraints()
    finish_todos(subject=ALLOCATION, subject_id=row.pk, now=now)
    return row
