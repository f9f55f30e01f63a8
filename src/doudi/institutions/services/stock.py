"""Stock of listed supplies: movements in and out, counted, never changed afterwards."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.institutions.models import Institution, StockMovement, SupplyItem, SupplyStock
from doudi.institutions.services.base import between, locked, refused, today_of

MOST = Decimal(9_999_999)
OUT = (StockMovement.Kind.USED, StockMovement.Kind.GIVEN, StockMovement.Kind.SPOILED)


def amount(value: Decimal, field: str = "quantity") -> Decimal:
    """A quantity that can be: from 0 to 9,999,999 with two places at most. Raises ValidationError at the field."""
    if not value.is_finite() or not 0 <= value <= MOST or value != value.quantize(Decimal("0.01")):
        raise ValidationError({field: _("数量应在 0 至 9999999 之间，最多两位小数。")})
    return value


@transaction.atomic
def move_stock(
    *, institution_id: int, item: str, kind: str, quantity: Decimal, key: UUID, on: date, note: str = "", source: str = "", source_id: int | None = None, now: datetime
) -> StockMovement:
    """One movement of a supply: received, used, given away, spoiled (quantity above 0), or counted (盘点: the quantity found).

    The same form (`key`) again gives back the first movement. A count that finds what the books say moves nothing and raises
    ValidationError, as does more going out than is there. `source`, `source_id`: what it came from, for example a request; what was
    asked for while it was listed is booked though it has gone from the list meanwhile.
    """
    house = locked(institution_id, "institutions.keep")
    before = StockMovement.objects.filter(key=key).first()
    if before is not None:
        return before
    if kind not in StockMovement.Kind.values:
        raise ValidationError({"kind": _("请重新选择。")})
    listed = SupplyItem.objects.filter(code=item).first()
    if listed is None or (listed.ended_on is not None and not source):
        raise ValidationError({"item": _("物资目录中没有这一项。")})
    between("on", _("日期"), on, None, today_of(now))
    moved = amount(quantity)
    if kind == StockMovement.Kind.COUNT:
        moved = moved - balance_of(house, listed)
        if not moved:
            raise ValidationError({"quantity": _("盘点数与账面相同，无需登记。")})
    elif not moved:
        raise ValidationError({"quantity": _("数量应大于 0。")})
    elif kind in OUT:
        moved = -moved
    row = _moved(house, listed, kind, moved, key, on, note, source, source_id, now)
    scopes.check_constraints()
    return row


def balance_of(house: Institution, item: SupplyItem) -> Decimal:
    return SupplyStock.objects.filter(institution=house, item=item).values_list("balance", flat=True).first() or Decimal(0)


def _moved(
    house: Institution, item: SupplyItem, kind: str, quantity: Decimal, key: UUID, on: date, note: str, source: str, source_id: int | None, now: datetime
) -> StockMovement:
    short = ValidationError({"quantity": _("“%(item)s”账面库存不足，不能出库这么多；请先盘点。") % {"item": item.name}})
    with refused({"institution_stock_not_below_nought": short}):
        return StockMovement.objects.create(
            institution=house, area=house.area, item=item, key=key, kind=kind, quantity=quantity, on=on, note=note.strip()[:200], source=source,
            source_id=source_id, made_by_id=scopes.current().account_id or None, made_at=now,
        )  # fmt: skip


@transaction.atomic
def set_daily_use(*, institution_id: int, item: str, daily_use: Decimal, now: datetime) -> SupplyStock:
    """How much of a supply the house uses a day; days left follow."""
    house = locked(institution_id, "institutions.keep")
    listed = SupplyItem.objects.filter(code=item, ended_on__isnull=True).first()
    if listed is None:
        raise ValidationError({"item": _("物资目录中没有这一项。")})
    row, _fresh = SupplyStock.objects.get_or_create(institution=house, item=listed, defaults={"area": house.area})
    row.daily_use = amount(daily_use, "daily_use")
    row.save(update_fields=["daily_use"])
    return row


@transaction.atomic
def list_item(*, code: str, name: str, unit: str, order: int, ended_on: date | None = None) -> SupplyItem:
    """Put a supply on the province's list, or change or end one."""
    acting = duties.require("institutions.items")
    if len(acting.area) > 2:
        raise ValidationError(_("物资目录由省级维护。"))
    if not code.isascii() or not code.replace("_", "").isalnum() or not name.strip() or not unit.strip():
        raise ValidationError({"code": _("请填写代码（字母、数字）、名称和单位。")})
    row, _fresh = SupplyItem.objects.update_or_create(
        code=code.lower()[:20], defaults={"name": name.strip()[:40], "unit": unit.strip()[:10], "order": order, "ended_on": ended_on}
    )
    return row
