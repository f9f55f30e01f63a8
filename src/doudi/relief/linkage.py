"""What the law says of price linkage (物价联动机制) in a city and month of payment, in words and with its references. Reads nothing but settings."""

from __future__ import annotations

import math
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from doudi.batch.law.settings import Settings
from doudi.core.workdays import on_or_before
from openfisca_henan.places import PlaceTable, counties, members_of
from openfisca_henan.rules import PRICE_GROUPS, PRICE_SOURCES, price_amounts, price_linkage

INDICES = ("cpi", "food", "scpi")


def month_before(month: date) -> date:
    return (month.replace(day=1) - timedelta(days=1)).replace(day=1)


def month_after(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def deadline_of(month: date) -> date:
    """Paid in full within the month in which the index is published: the last working day of the month of payment."""
    return on_or_before(month.replace(day=monthrange(month.year, month.month)[1]))


def prefecture_of(area: str) -> str:
    """The unit of price linkage: the city; a county that the province runs itself (4190xx) stands for itself; the province for 41."""
    return area[:6] if area.startswith("4190") and len(area) >= 6 else area[:4]


def is_index_area(area: str) -> bool:
    """Whether an index is entered for this place: the province, a city, a county that the province runs itself."""
    return area == "41" or (prefecture_of(area) == area and len(members_of(area)) > 0 and area != "4190")


def county_areas(area: str) -> list[str]:
    """The counties of a place."""
    return [counties()[at] for at in members_of(area)]


@dataclass(frozen=True)
class Value:
    """One index: per cent year on year, and the row that says so. `given`: it came with the law, no officer entered it."""

    value: float | None
    reference: str = ""
    given: bool = False

    @property
    def said(self) -> str:
        return "" if self.value is None else f"{self.value:g}%"


@dataclass(frozen=True)
class Linkage:
    """The law's answer. `waits`: started, but the place's rule waits for an index that is not known yet. `rise` in per cent."""

    area: str
    month: date
    cpi: Value
    food: Value
    scpi: Value
    cpi_trigger: float
    food_trigger: float
    started: bool
    by_province: bool
    known: bool
    rise: float | None
    source: str
    multiplier: float
    covered: tuple[str, ...]

    @property
    def index_month(self) -> date:
        return month_before(self.month)

    @property
    def waits(self) -> bool:
        return self.started and self.rise is None

    @property
    def deadline(self) -> date:
        return deadline_of(self.month)

    @property
    def state(self) -> tuple[str, str]:
        """(word, colour)"""
        if self.waits:
            return _("已启动，待低收入价格指数"), "orange"
        if self.started:
            return _("启动"), "red"
        return (_("未启动"), "gray") if self.known else (_("指数待录入"), "orange")

    @property
    def reasons(self) -> list[str]:
        """Why it has started or has not, condition by condition."""
        found = [
            _condition(_("居民消费价格指数（CPI）"), self.cpi.value, self.cpi_trigger),
            _condition(_("食品价格指数"), self.food.value, self.food_trigger),
        ]
        if self.by_province:
            found.append(_("省已决定全省启动"))
        if self.waits:
            found.append(_("补贴按低收入居民价格指数计算，该指数尚未录入；本地规定等待，不用其他指数代替"))
        elif self.started:
            words = _("补贴按%(index)s同比涨幅 %(rise)s%% 计算") % {"index": source_said(self.source), "rise": f"{self.rise:g}"}
            fell_back = not self.source.endswith("scpi") and self.scpi.value is None
            found.append(words + (_("（尚无低收入居民价格指数，按启动的指数计算）") if fell_back else ""))
        return found


def _condition(name: str, value: float | None, trigger: float) -> str:
    values = {"name": name, "trigger": f"{trigger:g}", "value": "" if value is None else f"{value:g}"}
    if value is None:
        return _("%(name)s尚未录入（启动条件 %(trigger)s%%）") % values
    if round(value, 6) >= round(trigger, 6):
        return _("%(name)s同比涨幅 %(value)s%%，达到启动条件 %(trigger)s%%") % values
    return _("%(name)s同比涨幅 %(value)s%%，未达到启动条件 %(trigger)s%%") % values


def source_said(source: str) -> str:
    return {
        "scpi": _("低收入居民价格指数"), "cpi": _("居民消费价格指数"), "food": _("食品价格指数"), "province scpi": _("全省低收入居民价格指数"),
        "province cpi": _("全省居民消费价格指数"), "province food": _("全省食品价格指数"),
    }.get(source, "")  # fmt: skip


def _number(value: Any) -> float | None:
    return None if math.isnan(float(value)) else float(value)


def _value(table: PlaceTable, name: str, area: str, day: str) -> Value:
    """The row of a place; a city's counties share the city's."""
    index = table.row_of(f"prices.{name}", area, day)
    if index < 0:
        return Value(None)
    row = table.rows[index]
    return Value(table.value_of(index), row.reference, not row.setting)


def linkage_of(*, area: str, month: date, settings: Settings) -> Linkage:
    """The answer for a county (six digits) or a city: of its counties the first that starts, else the first; `41`: the province's own indices."""
    table, day, index_day = settings.table(), f"{month:%Y-%m-01}", f"{month_before(month):%Y-%m-01}"
    found = price_linkage(table, day)
    of_area = [int(at) for at in members_of(area)]
    if not of_area:
        raise KeyError(area)
    at = next((each for each in of_area if found.started[each]), of_area[0])
    amounts = price_amounts(table, day)
    unit = "41" if area == "41" else prefecture_of(counties()[at])
    values = {name: _value(table, name, unit, index_day) for name in INDICES}
    started = (bool(found.started[at]) and area != "41") or (area == "41" and found.by_province)
    return Linkage(
        area=area, month=month.replace(day=1), **values, cpi_trigger=float(found.cpi_trigger[at]), food_trigger=float(found.food_trigger[at]),
        started=started, by_province=bool(found.by_province), known=started or not any(values[name].value is None for name in ("cpi", "food")),
        rise=_number(found.rise[at]) if started else None, source=PRICE_SOURCES[int(found.source[at])], multiplier=float(amounts.multiplier[at]),
        covered=tuple(name for name in PRICE_GROUPS if table.province(f"price_linkage.covered.{name}", day) == 1),
    )  # fmt: skip


def amounts_of(*, county: str, month: date, settings: Settings) -> list[dict[str, Any]]:
    """What each covered group receives in a county: base and amount by residence, yuan a person."""
    amounts = price_amounts(settings.table(), f"{month:%Y-%m-01}")
    at, size = int(members_of(county)[0]), len(counties())
    found = []
    for number, group in enumerate(PRICE_GROUPS):
        for place, residence in enumerate(("urban", "rural")):
            base = amounts.bases[number][place * size + at]
            if base > 0:
                amount = amounts.amount[1 << number][place * size + at]
                found.append({"group": group, "residence": residence, "base": Decimal(f"{base:.2f}"), "amount": Decimal(f"{amount:.2f}")})
    return found


def parameters_used(*, area: str, month: date, settings: Settings) -> list[dict[str, Any]]:
    """The dated rows behind the answer, with document and whether they are verified."""
    table, day, index_day = settings.table(), f"{month:%Y-%m-01}", f"{month_before(month):%Y-%m-01}"
    at = int(members_of(area)[0])
    by_index = ("price_linkage.trigger.cpi", "price_linkage.trigger.food", "price_linkage.amount.index", "price_linkage.amount.no_scpi")
    by_payment = ("price_linkage.amount.rounding", "price_linkage.amount.floor", *(f"price_linkage.covered.{name}" for name in PRICE_GROUPS))
    found = []
    for name, on in [(name, index_day) for name in (*by_index, "price_linkage.amount.multiplier")] + [(name, day) for name in by_payment]:
        row_at = int(table.at(name, on).row[at])
        if row_at >= 0:
            row = table.rows[row_at]
            leaf = table.leaves[name]
            found.append({
                "name": name, "label": leaf.label, "value": row.value, "unit": leaf.unit, "starts": row.start, "area": row.area,
                "reference": row.reference, "unverified": row.unverified,
            })  # fmt: skip
    return found
