"""Payroll status (发放进度) for finance and one-card systems: how far a county's month is, what the bank answered; nothing about recipients."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest
from ninja import Field, Query, Router, Schema

from doudi.api.errors import REFUSALS, ErrorOut
from doudi.api.fields import Month
from doudi.api.rights import needs
from doudi.core import duties
from doudi.payments import queries
from doudi.payments.models import Payroll

router = Router()
Number = Annotated[str, Field(pattern=r"^[0-9A-Z-]{6,24}$", description="批次号 / number of the payroll")]


class PayrollOut(Schema):
    """Yuan. `due`: the day on which the money must have arrived. `state`: draft, checked, approved, released, booked."""

    number: str
    area: str
    month: str
    kind: str
    state: Literal["draft", "checked", "approved", "released", "booked"]
    lines: int
    amount: Decimal
    due: date
    prepared_at: datetime
    released_at: datetime | None
    booked_at: datetime | None


class PayrollDetail(PayrollOut):
    by_fund: dict[str, Decimal]
    paid_lines: int
    paid_amount: Decimal
    returned_lines: int
    returned_amount: Decimal


class PayrollQuery(Schema):
    month: Month
    state: Literal["", "draft", "checked", "approved", "released", "booked"] = ""
    after: Annotated[str, Field(pattern=r"^([0-9A-Z-]{6,24})?$", description="上一页最后一条的 number / number of the last one seen")] = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 100


def _out(row: Payroll) -> dict[str, Any]:
    return {
        "number": row.number, "area": row.area, "month": f"{row.month:%Y-%m}", "kind": row.kind, "state": row.state, "lines": row.lines, "amount": row.amount,
        "due": queries.due_day(row), "prepared_at": row.prepared_at, "released_at": row.released_at, "booked_at": row.booked_at,
    }  # fmt: skip


@router.get("", response={200: list[PayrollOut], REFUSALS: ErrorOut}, summary="一个月的发放批次 / Payrolls of a month", **needs("payrolls:read"))
def listed(request: HttpRequest, given: Query[PayrollQuery]) -> list[dict[str, Any]]:
    """令牌地区内一个月的批次，按批次号排列。"""
    duties.require("payments.view")
    rows = Payroll.objects.filter(month=date.fromisoformat(f"{given.month}-01"), number__gt=given.after)
    if given.state:
        rows = rows.filter(state=given.state)
    return [_out(row) for row in rows.order_by("number")[: given.limit]]


@router.get("/{str:number}", response={200: PayrollDetail, REFUSALS: ErrorOut}, summary="一个批次的进度 / Progress of a payroll", **needs("payrolls:read"))
def show(request: HttpRequest, number: Number) -> dict[str, Any]:
    """各资金来源的金额，银行答复的成功和退票笔数、金额；没有的和不在本令牌范围内的答复相同。"""
    duties.require("payments.view")
    row = Payroll.objects.filter(number=number).first()
    if row is None:
        raise Http404
    bank = queries.answered(row)
    return _out(row) | {
        "by_fund": queries.figures(row.pk)["by_fund"], "paid_lines": bank["paid_lines"], "paid_amount": bank["paid_amount"],
        "returned_lines": bank["returned_lines"], "returned_amount": bank["returned_amount"],
    }  # fmt: skip
