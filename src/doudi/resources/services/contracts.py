"""Contracts of purchased services (8.2): proposed by one officer, approved by another, ended with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.todos import finish_todos, raise_todo
from doudi.payments.models import Fund
from doudi.payments.models import Spending as Purpose
from doudi.payments.services import ledger
from doudi.resources.models import ContractLine, ServiceContract
from doudi.resources.services.base import FEN, locked, reason_of, save, told
from doudi.volunteering.models import Organisation

S = ServiceContract.State
SUBJECT = "service_contract"
MOST_LINES = 20


@dataclass(frozen=True)
class Line:
    """One service: kind of `ContractLine.Kind`, price in yuan per unit, units at most."""

    kind: str
    name: str
    unit: str
    unit_price: Decimal
    quantity: Decimal

    @property
    def amount(self) -> Decimal:
        return (self.unit_price * self.quantity).quantize(FEN, ROUND_HALF_UP)


def _checked(lines: Sequence[Line]) -> None:
    if not 1 <= len(lines) <= MOST_LINES:
        raise ValidationError({"lines": _("请填写 1 至 %(most)d 项服务。") % {"most": MOST_LINES}})
    names = set()
    for at, line in enumerate(lines, 1):
        if line.kind not in ContractLine.Kind.values or not line.name.strip() or not line.unit.strip():
            raise ValidationError({"lines": _("第 %(at)d 项服务：请填写种类、名称和单位。") % {"at": at}})
        for value in (line.unit_price, line.quantity):
            if value <= 0 or value != value.quantize(FEN) or value >= Decimal(10) ** 8:
                raise ValidationError({"lines": _("第 %(at)d 项服务：单价和数量应为正数，最多两位小数。") % {"at": at}})
        if line.name.strip() in names:
            raise ValidationError({"lines": _("第 %(at)d 项服务与前面的同名；请合并或改名。") % {"at": at}})
        names.add(line.name.strip())


@transaction.atomic
def propose_contract(
    *,
    key: UUID,
    number: str,
    title: str,
    organisation_id: int,
    fund: str,
    starts: date,
    until: date,
    document: str,
    lines: Sequence[Line],
    now: datetime,
) -> ServiceContract:
    """Propose a contract with an organisation that may work; the same form (`key`) again gives back the first. Raises ValidationError by field.

    `fund`: its code; one that may not pay purchased services there is refused (专款专用).
    """
    acting = duties.require("purchases.contract")
    before = ServiceContract.objects.filter(key=key).first()
    if before is not None:
        return before
    if len(acting.area) != 6:
        raise ValidationError(_("合同由县级民政部门签订；请用县级岗位办理。"))
    if not number.strip() or not title.strip() or not document.strip():
        raise ValidationError({"number": _("请填写合同编号、名称和采购依据。")})
    if until < starts:
        raise ValidationError({"until": _("截止日期不能早于起始日期。")})
    organisation = Organisation.objects.filter(pk=organisation_id).first()
    if organisation is None or organisation.state != Organisation.State.ACTIVE:
        raise ValidationError({"organisation": _("没有这个机构，或它未通过审核、已暂停、列入黑名单；请重新选择。")})
    row = Fund.objects.filter(code=fund).first()
    if row is None or not ledger.allows(row.pk, Purpose.SERVICES, acting.area, starts.year):
        raise ValidationError({"fund": _("这项资金不能用于购买服务（专款专用）；请选择购买服务资金。")})
    _checked(lines)
    with told():
        made = ServiceContract.objects.create(
            area=acting.area, key=key, number=number.strip()[:30], title=title.strip()[:80], organisation=organisation, provider=organisation.name, fund=row,
            starts=starts, until=until, amount=sum((line.amount for line in lines), Decimal(0)), document=document.strip()[:120],
            proposed_by_id=acting.account_id, proposed_at=now,
        )  # fmt: skip
        ContractLine.objects.bulk_create(
            ContractLine(
                area=made.area, contract=made, position=at, kind=line.kind, name=line.name.strip()[:60], unit=line.unit.strip()[:10], unit_price=line.unit_price,
                quantity=line.quantity,
            )
            for at, line in enumerate(lines, 1)
        )  # fmt: skip
        scopes.check_constraints()
    raise_todo(
        kind="purchases.approve", area=made.area, duty=Duty.COUNTY_APPROVER, title=f"购买服务合同 {made.number} {made.amount:,.2f} 元待审批",
        url=f"/purchases/{made.pk}/", subject=SUBJECT, subject_id=made.pk, now=now,
    )  # fmt: skip
    return made


@transaction.atomic
def decide_contract(*, contract_id: int, version: int, agreed: bool, note: str = "", now: datetime) -> ServiceContract:
    """Approve a contract, or send it back with the reason; by another officer than who proposed it."""
    acting = duties.require("purchases.approve")
    row = locked(ServiceContract, contract_id, version, S.PROPOSED)
    duties.require_apart("purchases.approve", done={"purchases.contract": row.proposed_by_id})
    row.note = note.strip()[:200] if agreed else reason_of(note, "note")
    row.state, row.decided_by_id, row.decided_at = S.ACTIVE if agreed else S.REFUSED, acting.account_id, now
    with told():
        save(row, "state", "decided_by", "decided_at", "note")
        scopes.check_constraints()
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    return row


@transaction.atomic
def end_contract(*, contract_id: int, version: int, reason: str, now: datetime) -> ServiceContract:
    """End a contract before its time, with the reason: nothing more is recorded; what is confirmed can still be accepted and settled."""
    acting = duties.require("purchases.contract")
    row = locked(ServiceContract, contract_id, version, S.ACTIVE)
    if not acting.covers(row.area):
        raise ValidationError(_("没有这条记录，或不在您的管辖范围内。"))
    row.note, row.state, row.decided_by_id, row.decided_at = reason_of(reason), S.ENDED, acting.account_id, now
    save(row, "state", "decided_by", "decided_at", "note")
    return row
