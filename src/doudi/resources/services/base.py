"""What the services of this room share: rows locked and not changed meanwhile, reasons, phones, days."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.core import numbers
from doudi.core.numbers import Kind
from doudi.core.settings_overlay import get_setting
from doudi.core.workdays import add_working_days
from doudi.payments.models import LedgerAccount
from doudi.payments.models import Spending as Purpose
from doudi.payments.services import ledger
from doudi.resources.models import Spending

FEN = Decimal("0.01")
Row = TypeVar("Row", bound=models.Model)


def reason_of(text: str, field: str = "reason") -> str:
    """A reason that says something. Raises ValidationError at its field."""
    if len(text.strip()) < 2:
        raise ValidationError({field: _("请写明原因，至少 2 个字。")})
    return text.strip()[:200]


def phone_token(text: str, field: str = "phone") -> UUID | None:
    """Token of a phone number; None where none is given. Raises ValidationError at its field."""
    if not text.strip():
        return None
    try:
        return numbers.token_of(Kind.PHONE, idnumber.check_phone(text))
    except ValueError as error:
        raise ValidationError({field: _("“电话”：%(problem)s；请核对。") % {"problem": error}}) from None


def decimal_of(text: str) -> Decimal | None:
    """A positive number of at most two decimals, or None."""
    try:
        found = Decimal(text.strip().replace(",", ""))
    except InvalidOperation:
        return None
    return found if found.is_finite() and found > 0 and found == found.quantize(FEN) and found < Decimal(10) ** 8 else None


def stale() -> ValidationError:
    return ValidationError(_("刚由他人办理，您的操作没有保存；请刷新页面后重新办理。"), code="stale")


def locked(model: type[Row], pk: int, version: int | None, *states: str) -> Row:
    """A row under lock, as the officer saw it. Raises ValidationError: not there or out of scope, changed meanwhile, in another state."""
    row: Any = model._default_manager.select_for_update(of=("self",)).filter(pk=pk).first()
    if row is None:
        raise ValidationError(_("没有这条记录，或不在您的管辖范围内。"))
    if version is not None and row.version != version:
        raise stale()
    if states and row.state not in states:
        raise ValidationError(_("现为“%(state)s”，不能这样办理；请刷新页面。") % {"state": row.get_state_display()}, code="stale")
    return row  # type: ignore[no-any-return]


def save(row: Any, *fields: str) -> None:
    """Save these fields and the next version."""
    row.version += 1
    row.save(update_fields=["version", *fields])


def due_in(parameter: str, area: str, now: datetime) -> date:
    """The day by which something is done: working days of the place's setting from today."""
    today = timezone.localdate(now)
    return add_working_days(today, int(get_setting(parameter, area, today)))


SAID = {
    "contract_number_once": lambda: {"number": _("这个合同编号已登记过；请核对。")},
    "more than the contracted quantity": lambda: {"quantity": _("超过合同约定的数量，没有保存；可能刚由他人登记了其他记录，请刷新后核对余量。")},
    "purchased_once_a_day": lambda: {"day": _("这名服务对象当天的这项服务已登记过，不能重复登记。")},
    "purchased_session_once": lambda: {"session": _("这次心理疏导已登记为服务记录，不能重复登记。")},
    "as its contract says": lambda: {"day": _("服务日期、项目、地区与合同不符，或合同已不在执行中；请核对。")},
    "acceptance_one_open": lambda: {"__all__": _("这份合同已有一期正在验收；请先办完那一期。")},
    "does not cover": lambda: {"__all__": _("资金余额已变动，不足以支付，未记账；请刷新页面核对余额。")},
    "not for purchased services": lambda: {"fund": _("这项资金不能用于购买服务（专款专用）；请选择购买服务资金。")},
    "not for this purpose": lambda: {"__all__": _("这项资金不能用于此项支出（专款专用），未记账。")},
    "donation_number_once": lambda: {"number": _("这个收据号已登记过；请核对。")},
    "donation_not_over_allocated": lambda: {"quantity": _("超过这笔捐赠可分配的数量，没有保存；可能刚由他人分配，请刷新后核对余量。")},
    "resource_once": lambda: {"what": _("这项资源已登记过；需要更改的请打开原来的记录。")},
}


@contextmanager
def told() -> Iterator[None]:
    """What the database refuses, in words."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        text = str(error)
        for sign, words in SAID.items():
            if sign in text:
                raise ValidationError(words()) from None  # type: ignore[no-untyped-call]
        raise


def spend(
    *,
    area: str,
    fund_id: int,
    from_year: int,
    purpose: Purpose,
    amount: Decimal,
    what: str,
    document: str,
    on: date,
    now: datetime,
    made_by: int,
    **of: Any,
) -> None:
    """Take `amount` (yuan) out of a fund's money of a year and those after it, the oldest first: one booking and one row of `Spending` a year.

    `of`: the acceptance or allocation. Raises ValidationError with what is there where the fund does not cover it or is not for it.
    """
    ledger.lock(area)
    with connection.cursor() as cursor:
        cursor.execute(
            "select fund_year, sum(amount) from payments_ledgerentry where area = %s and fund_id = %s and account = 'available' and fund_year between %s and %s"
            " group by 1 having sum(amount) > 0 order by 1",
            [area, fund_id, from_year, on.year],
        )
        there = [(year, has) for year, has in cursor.fetchall() if ledger.allows(fund_id, purpose.value, area, year)]
    has = sum((part for _year, part in there), Decimal(0))
    if has < amount:
        raise ValidationError(
            _("这项资金可用 %(has)s 元，不足以支付 %(amount)s 元；请财政到账登记后再办理。") % {"has": f"{has:,.2f}", "amount": f"{amount:,.2f}"},
            code="money",
        )
    left = amount
    for year, held in there:
        part = min(left, held)
        if part > 0:
            number = ledger.move(
                area=area, fund_id=fund_id, year=year, amount=part, source=LedgerAccount.AVAILABLE, target=LedgerAccount.PAID, what=what, document=document,
                on=on, now=now,
            )  # fmt: skip
            Spending.objects.create(
                area=area, fund_id=fund_id, fund_year=year, amount=part, transaction=number, made_by_id=made_by, made_at=now, **of
            )
            left -= part
