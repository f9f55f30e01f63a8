"""Thresholds and switches of indicators as settings (标准与参数): dated, by place, proposed by one officer and confirmed by another (measures 1.2)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.functional import lazy
from django.utils.translation import gettext

from doudi.batch.indicators import INDICATORS, ByPlace, Indicator
from doudi.core.models.divisions import ancestors
from doudi.core.parameters import Procedure, declare
from doudi.core.settings_overlay import confirmed_rows

PREFIX = "procedure.indicator."
SWITCH = "on"


def parameter(indicator: str, name: str) -> str:
    """Name of the setting of a threshold, or of the switch (`on`)."""
    return f"{PREFIX}{indicator}.{name}"


def _label(title: str, what: str) -> Any:
    return lazy(lambda: f"{gettext(title)}：{gettext(what)}", str)()


def _declared(indicator: Indicator) -> list[Procedure]:
    found = [Procedure(parameter(indicator.code, SWITCH), _label(indicator.title_zh, "启用"), "switch", Decimal(1), "系统默认", True, 0, 1)]
    for name, each in indicator.parameters.items():
        whole = each.unit not in ("yuan", "share", "multiple")
        default = Decimal(str(each.default))
        label = _label(indicator.title_zh, each.label_zh)
        found.append(Procedure(parameter(indicator.code, name), label, each.unit, default, "系统默认", False, each.least, each.most, whole))
    return found


def in_force(on: date, area: str) -> tuple[dict[str, dict[str, ByPlace]], dict[str, ByPlace]]:
    """Thresholds by indicator and name, and switches by indicator, as places have confirmed them by a day; one query. Values that hold for the whole
    of `area` stand under "" as well, for thresholds that need one number."""
    values: dict[str, dict[str, ByPlace]] = {}
    switches: dict[str, ByPlace] = {}
    for name, rows in confirmed_rows(PREFIX, on).items():
        code, _dot, threshold = name.removeprefix(PREFIX).partition(".")
        if code not in INDICATORS:
            continue
        by_place = {place: float(value) for place, value in rows.items()}
        above = [by_place[place] for place in ancestors(area) if place in by_place]
        if above:
            by_place[""] = above[-1]
        if threshold == SWITCH:
            switches[code] = by_place
        elif threshold in INDICATORS[code].parameters:
            values.setdefault(code, {})[threshold] = by_place
    return values, switches


def value_at(given: ByPlace | None, default: float, area: str) -> float:
    """The value at a place: the nearest row, else the default."""
    return next((given[place] for place in reversed(ancestors(area)) if given and place in given), default)


declare(*(each for indicator in INDICATORS.values() for each in _declared(indicator)))
