"""Drafts of payrolls (编制中的批次), of whatever kind: begun or taken up again, written anew, and handed on to the check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Max
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.todos import raise_todo
from doudi.core.settings_overlay import get_setting
from doudi.payments import calendar, signing
from doudi.payments.models import Payroll
from doudi.payments.services import watching

STEP_OF = {"payments.check": "check", "payments.approve": "approve", "payments.release": "release", "payments.book": "bank"}


@dataclass(frozen=True)
class Prepared:
    """What preparing came to. `changed` is false where the payroll had left the draft before: nothing was done."""

    payroll: Payroll
    lines: int
    amount: Decimal
    excluded: int
    changed: bool


def county_of(area: str, act: str) -> str:
    """`area` if it is a county of the acting scope."""
    acting = duties.require(act)
    if len(area) != 6 or not acting.covers(area):
        raise ValidationError(_("发放批次按县（市、区）编制；所选地区不是您管辖的县。"))
    return area


def first_of(month: date) -> date:
    return month.replace(day=1)


def next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def month_range() -> tuple[date, date]:
    """First and last month for which the database has room (the owner makes months ahead)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select to_date(min(right(relname, 6)), 'YYYYMM'), to_date(max(right(relname, 6)), 'YYYYMM') from pg_class"
            " where relnamespace = 'doudi'::regnamespace and relname ~ '^payments_payrollline_[0-9]{6}$'"
        )
        first, last = cursor.fetchone()
    return first, last


def payable(month: date) -> tuple[date, date]:
    """(first month that the database holds, first day of this month). Raises ValidationError where it has no room for the month."""
    month = first_of(month)
    first, last = month_range()
    if not first <= month <= last:
        raise ValidationError(_("%(month)s没有发放分区；请联系系统管理员运行 doudi migrate。") % {"month": month.strftime("%Y-%m")})
    return first, month


def wait_for_turn(area: str) -> None:
    """One preparation of a county at a time, until the transaction ends: of two months each would write what the other makes good, in another order."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('payroll ' || %s, 0))", [area])


def begin(*, area: str, month: date, kind: str, serial: int, now: datetime, programme: str = "") -> Payroll:
    """An empty draft; a regular one carries the moment of the month's data freeze (数据冻结). The caller holds the turn."""
    return Payroll.objects.create(
        area=area,
        number=f"{area}-{month:%Y%m}-{serial}",
        month=month,
        kind=kind,
        programme=programme,
        serial=serial,
        prepared_by_id=scopes.current().account_id,
        prepared_at=now,
        frozen_at=calendar.days_of(month, area).frozen_at if kind == Payroll.Kind.REGULAR else None,
        apart=bool(get_setting(signing.APART, area, month)),
    )


def draft_of(*, area: str, month: date, kind: str, now: datetime, programme: str = "") -> Payroll:
    """The draft of a kind beside the regular payroll (1), to be written anew, or an empty one of the next serial. The caller holds the turn."""
    mine = Payroll.objects.filter(area=area, month=month, kind=kind, programme=programme, state=Payroll.State.DRAFT)
    found = mine.select_for_update(of=("self",)).first()
    if found is not None:
        return found
    serial = (Payroll.objects.filter(area=area, month=month).aggregate(last=Max("serial"))["last"] or 1) + 1
    return begin(area=area, month=month, kind=kind, serial=serial, now=now, programme=programme)


def clear(cursor: Any, payroll: Payroll) -> None:
    """Take a draft's lines and exclusions out, before they are written anew."""
    cursor.execute("delete from payments_payrollline where payroll_id = %s and month_entitled <= %s", [payroll.pk, payroll.latest])
    cursor.execute("delete from payments_payrollexclusion where payroll_id = %s", [payroll.pk])


def written(payroll: Payroll, *, lines: int, excluded: int) -> Prepared:
    """A draft says what was written of it, and what it is held against before the check is written too. Who does it is who prepared it."""
    watching.look(payroll)
    with connection.cursor() as cursor:
        cursor.execute("select coalesce(sum(amount), 0) from payments_payrolltotal where payroll_id = %s", [payroll.pk])
        payroll.amount = cursor.fetchone()[0]
    payroll.lines, payroll.prepared_by_id = lines, scopes.current().account_id
    payroll.save(update_fields=["lines", "amount", "prepared_by"])
    return Prepared(payroll, lines, payroll.amount, excluded, changed=True)


def ask_for_check(payroll: Payroll, called: str, *, now: datetime) -> None:
    """The end of every preparation: a reviewer of the county is to check it."""
    raise_todo(
        kind="payments.check", area=payroll.area, duty=Duty.COUNTY_REVIEWER, title=f"{called} {payroll.number} 待复核", url=f"/payments/{payroll.pk}/",
        subject="payroll", subject_id=payroll.pk, due=due(payroll, "payments.check"), now=now,
    )  # fmt: skip
    scopes.check_constraints()


def due(payroll: Payroll, kind: str) -> date | None:
    """The calendar's day of a to-do; only the month's regular payroll keeps it."""
    return calendar.days_of(payroll.month, payroll.area).of(STEP_OF[kind]) if payroll.kind == Payroll.Kind.REGULAR else None
