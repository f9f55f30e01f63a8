"""Reads of funds: planned, received, spent by fund, level and place, always as sums of ledger entries. A few queries a page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Length

from doudi.core.models import Division
from doudi.payments.models import Fund, FundLevel, FundMovement, FundPurpose, purpose_choices
from doudi.payments.services.cover import Cover, cover

NOUGHT = Decimal(0)
# name -> (account, sign): what a reader wants to see as a positive number
COLUMNS = {
    "planned": ("planned", 1),
    "received": ("appropriation", -1),
    "moved": ("transferred", -1),
    "available": ("available", 1),
    "committed": ("committed", 1),
    "in_payment": ("in_payment", 1),
    "paid": ("paid", 1),
    "returned": ("returned", 1),
    "advanced": ("advanced", 1),
    "handed_back": ("handed_back", 1),
}
_SUMS = ", ".join(f"{sign} * coalesce(sum(amount) filter (where account = '{account}'), 0)" for account, sign in COLUMNS.values())
_ACCOUNTS = [account for account, _sign in COLUMNS.values()]


@dataclass
class Sums:
    """Yuan of one fund, year and place, or of one level of it. `missing`: promised and not received."""

    planned: Decimal = NOUGHT
    received: Decimal = NOUGHT
    moved: Decimal = NOUGHT
    available: Decimal = NOUGHT
    committed: Decimal = NOUGHT
    in_payment: Decimal = NOUGHT
    paid: Decimal = NOUGHT
    returned: Decimal = NOUGHT
    advanced: Decimal = NOUGHT
    handed_back: Decimal = NOUGHT
    missing: Decimal = NOUGHT

    @property
    def held(self) -> Decimal:
        """Approved or on its way to the bank: taken, and not paid yet (承诺)."""
        return self.committed + self.in_payment

    @property
    def elsewhere(self) -> Decimal:
        """Returned and owed, advanced to townships, handed back."""
        return self.returned + self.advanced + self.handed_back

    def add(self, values: Iterable[Decimal]) -> None:
        """Add what one level of one place has; what another level got too much of does not make up for what is missing here."""
        found = dict(zip(COLUMNS, values, strict=True))
        for name, value in found.items():
            setattr(self, name, getattr(self, name) + value)
        self.missing += max(found["planned"] - found["received"], NOUGHT)


@dataclass
class FundSums:
    """One fund of a place and year, by level, with how long it lasts."""

    fund: Fund
    total: Sums = field(default_factory=Sums)
    levels: list[tuple[str, str, Sums]] = field(default_factory=list)
    cover: Cover | None = None


def years(today: date, chosen: int) -> list[int]:
    return sorted({today.year + 1, today.year, today.year - 1, today.year - 2, chosen}, reverse=True)


def of_place(area: str, year: int, on: date) -> list[FundSums]:
    """Every fund of a place (its own money, not that of places below), by level. Three queries."""
    found = {fund.pk: FundSums(fund) for fund in funds_of(area)}
    with connection.cursor() as cursor:
        cursor.execute(
            f"select fund_id, level, {_SUMS} from payments_ledgerentry where fund_year = %s and area = %s and account = any(%s) group by 1, 2",
            [year, area, _ACCOUNTS],
        )
        rows = cursor.fetchall()
    order = {level: place for place, level in enumerate(FundLevel.values)}
    for fund_id, level, *values in sorted(rows, key=lambda row: (row[0], order.get(row[1], 9))):
        if fund_id in found and any(values):
            sums = Sums()
            sums.add(values)
            found[fund_id].levels.append((level, str(FundLevel(level).label), sums))
            found[fund_id].total.add(values)
    lasting = cover(areas=[area], year=year, on=on)
    for fund_id, row in found.items():
        row.cover = lasting.get((area, fund_id))
    return list(found.values())


def funds_of(area: str) -> list[Fund]:
    """Funds that exist in a place: its own and those of the levels above."""
    return [fund for fund in Fund.objects.order_by("id") if area.startswith(fund.area) or fund.area.startswith(area)]


def places_of(low: str, high: str) -> QuerySet[Division]:
    """Counties of a range, and the city or province itself."""
    return Division.objects.filter(code__gte=low, code__lt=high, ends__isnull=True, level__in=["province", "city", "county"]).order_by("code")


def by_place(areas: list[str], fund_id: int, year: int, on: date) -> dict[str, tuple[Sums, Cover | None]]:
    """One fund in many places. Two queries."""
    found = {area: Sums() for area in areas}
    with connection.cursor() as cursor:
        cursor.execute(
            f"select area, level, {_SUMS} from payments_ledgerentry where fund_id = %s and fund_year = %s and area = any(%s) and account = any(%s)"
            " group by 1, 2",
            [fund_id, year, areas, _ACCOUNTS],
        )
        for area, _level, *values in cursor.fetchall():
            found[area].add(values)
    lasting = cover(areas=areas, year=year, on=on)
    return {area: (sums, lasting.get((area, fund_id))) for area, sums in found.items()}


def total(low: str, high: str, fund_id: int, year: int) -> list[tuple[str, Sums]]:
    """One fund over a whole range: (label of the level, sums), the sum of all levels last. One query over the index."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select level, {_SUMS} from payments_ledgerentry where fund_id = %s and fund_year = %s and area >= %s and area < %s and account = any(%s)"
            " group by level, area",
            [fund_id, year, low, high, _ACCOUNTS],
        )
        rows = cursor.fetchall()
    whole, levels = Sums(), {level: Sums() for level in FundLevel.values}
    for level, *values in rows:
        levels[level].add(values)
        whole.add(values)
    seen = {level for level, *values in rows if any(values)}
    return [*((str(FundLevel(level).label), sums) for level, sums in levels.items() if level in seen), ("", whole)]


def plans(area: str, year: int, *, most: int = 100) -> list[FundMovement]:
    """Allocation documents of a place and year, each with `got` and `missing`, yuan. One query."""
    rows = FundMovement.objects.filter(area=area, fund_year=year, kind="plan", reversed=False, state="booked").select_related("fund")
    rows = rows.annotate(got=Sum("receipts__amount", filter=Q(receipts__reversed=False)))
    found: list[FundMovement] = list(rows.order_by("fund_id", "document_date", "id")[:most])
    for row in found:
        row.got = row.got or NOUGHT  # type: ignore[attr-defined]
        row.missing = max(row.amount - row.got, NOUGHT)  # type: ignore[attr-defined]
    return found


def waiting(low: str, high: str, *, most: int = 50) -> list[FundMovement]:
    """Proposals that wait for a second officer."""
    rows = FundMovement.objects.filter(area__gte=low, area__lt=high, state="proposed").select_related("fund", "proposed_by")
    return list(rows.order_by("proposed_at", "id")[:most])


def rules() -> list[dict[str, Any]]:
    """Purpose rules in force or proposed that the reader sees, fund by fund, with what each fund may pay by them."""
    rows = list(FundPurpose.objects.exclude(state="refused").select_related("fund", "proposed_by", "confirmed_by").order_by("fund_id", "-state", "area", "id"))
    order = [code for code, _label in purpose_choices()]
    found = []
    for fund in Fund.objects.annotate(length=Length("area")).order_by("id"):
        own = [row for row in rows if row.fund_id == fund.pk]
        own.sort(key=lambda row: (row.state != "proposed", order.index(row.programme) if row.programme in order else 99, row.area, row.pk))
        found.append({"fund": fund, "rules": own})
    return found
