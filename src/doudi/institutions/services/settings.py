"""Settings of many places at once: read with one query, resolved without another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from doudi.core.models.divisions import ancestors
from doudi.core.parameters import PROCEDURES
from doudi.core.settings_overlay import confirmed_rows
from doudi.institutions.procedures import PREFIX


def settings_on(on: date) -> Callable[[str, str], int]:
    """(parameter, area) -> value on a day, of all settings of institutions."""
    rows = confirmed_rows(PREFIX, on)

    def value(parameter: str, area: str) -> int:
        there = rows.get(parameter, {})
        nearest = max((place for place in ancestors(area) if place in there), key=len, default=None)
        return int(PROCEDURES[parameter].default if nearest is None else there[nearest])

    return value
