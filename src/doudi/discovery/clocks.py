"""The clock of a lead (measures 1.5): working days from signal to first contact and to verification, by urgency.

Defaults follow the practice of the national low-income platform (K in the domain notes); a county sets its own as
settings under the same names (`discovery.contact_days.red`, ...).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from doudi.core.workdays import add_working_days

DEFAULT_DAYS: dict[str, dict[str, int]] = {
    "contact": {"red": 1, "orange": 3, "yellow": 5},
    "verify": {"red": 5, "orange": 10, "yellow": 15},
}


@dataclass(frozen=True)
class Deadlines:
    contact: date
    verify: date


def deadlines(urgency: str, signal: date, days: dict[str, dict[str, int]] | None = None) -> Deadlines:
    """Last days for first contact and verification of a signal of this day."""
    days = days or DEFAULT_DAYS
    return Deadlines(contact=add_working_days(signal, days["contact"][urgency]), verify=add_working_days(signal, days["verify"][urgency]))
