"""The clock of a lead (measures 1.5): working days from signal to first contact and to verification, by urgency.

Defaults follow the practice of the national low-income platform (K in the domain notes); a county sets its own as
settings (`procedure.lead.contact_days.red`, ...), which count from their date on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from doudi.core.settings_overlay import get_setting
from doudi.core.workdays import add_working_days


@dataclass(frozen=True)
class Deadlines:
    contact: date
    verify: date


def deadlines(urgency: str, signal: date, area: str) -> Deadlines:
    """Last days for first contact and verification of a signal of this day at a place."""
    days = {step: int(get_setting(f"procedure.lead.{step}_days.{urgency}", area, signal)) for step in ("contact", "verify")}
    return Deadlines(contact=add_working_days(signal, days["contact"]), verify=add_working_days(signal, days["verify"]))
