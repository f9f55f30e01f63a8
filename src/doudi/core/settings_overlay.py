"""The loader of settings: confirmed rows of PostgreSQL over the law's parameters and over the procedures' defaults."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from doudi.batch.law.settings import Settings
from doudi.core.models import Setting
from doudi.core.models.divisions import ancestors
from doudi.core.parameters import PROCEDURES


def overlay(on: date) -> Settings:
    """The confirmed rows of the law's parameters that begin by `on`, as the law takes them; one query.

    Settings are open to every scope: an assessment may need the standard of the county where somebody works.
    """
    rows = (
        Setting.objects.filter(state=Setting.State.CONFIRMED, starts__lte=on)
        .exclude(parameter__startswith="procedure.")
        .order_by("parameter", "area", "starts")
        .values("parameter", "area", "starts", "value", "document")
    )
    return Settings.of(
        [{"parameter": r["parameter"], "area": r["area"], "start": r["starts"], "value": r["value"], "document": r["document"]} for r in rows]
    )


def value_at(settings: Settings, parameter: str, area: str, on: date) -> float | None:
    """Value of one of the law's parameters at a place on a day: the nearest place's that has one; None where there is none."""
    table = settings.table()
    rows = (table.row_of(parameter, place, on.isoformat()) for place in reversed(ancestors(area)))
    return next((table.value_of(row) for row in rows if row >= 0), None)


def confirmed_rows(prefix: str, on: date) -> dict[str, dict[str, Decimal]]:
    """Of all procedure parameters that begin with `prefix`: parameter -> place -> newest confirmed value that has begun; one query."""
    rows = Setting.objects.filter(parameter__startswith=prefix, starts__lte=on, state=Setting.State.CONFIRMED).order_by("starts")
    found: dict[str, dict[str, Decimal]] = {}
    for parameter, area, value in rows.values_list("parameter", "area", "value"):
        found.setdefault(parameter, {})[area] = Decimal(value)
    return found


def get_setting(parameter: str, area: str, on: date) -> Decimal:
    """Value of a procedure parameter at a place on a day: the nearest place's newest confirmed row, else the default.

    Raises KeyError for a name that is not in `PROCEDURES`.
    """
    default = PROCEDURES[parameter].default
    rows = Setting.objects.filter(parameter=parameter, area__in=ancestors(area), starts__lte=on, state=Setting.State.CONFIRMED)
    found = max(rows.values_list("area", "starts", "value"), key=lambda row: (len(row[0]), row[1]), default=None)
    return Decimal(found[2]) if found else default


def settings_at(prefix: str, area: str, on: date) -> Callable[[str], Decimal]:
    """`get_setting` for all procedure parameters that begin with `prefix`, with one query. The function raises KeyError for a name that is none."""
    rows, places = confirmed_rows(prefix, on), ancestors(area)

    def get(parameter: str) -> Decimal:
        default = PROCEDURES[parameter].default
        there = rows.get(parameter, {})
        nearest = max((place for place in places if place in there), key=len, default=None)
        return default if nearest is None else there[nearest]

    return get
