"""What changes the rules: standards raised by dated settings, exits suspended in the cold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal

import numpy as np

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services import settings, switches
from doudi.demo.simulate.life import Figures, Life, at


@dataclass(frozen=True)
class Raise:
    """Settings proposed and confirmed in one month that hold from the first of the next: `times` the old value, rounded up to `step` yuan."""

    month: int
    names: tuple[str, ...]
    times: Decimal
    step: int


RAISES = (
    Raise(6, ("dibao.standard.urban", "dibao.standard.rural"), Decimal("1.04"), 10),
    Raise(12, ("disability.living", "disability.nursing"), Decimal("1.03"), 5),
)


def standards(life: Life, on: date) -> Figures:
    """The county's reviewer proposes and its approver confirms what holds from the next month on: dibao from July, the disabled's subsidies from January."""
    said: dict[str, str] = {}
    starts = (life.month + timedelta(days=32)).replace(day=1)
    for raised in RAISES:
        for name in raised.names if raised.month == life.month.month else ():
            value = _higher(life.area, name, life.month, raised)
            with life.acting(Duty.COUNTY_REVIEWER):
                row = settings.propose_setting(
                    parameter=name, area=life.area, starts=starts, value=value, document=f"示例：牟政〔{starts.year}〕18号", note="示例，并非实际标准", now=at(on, 9)
                )
            with life.acting(Duty.COUNTY_APPROVER):
                settings.confirm_setting(setting_id=row.pk, now=at(on, 15))
            said[name] = value
    return {"standards": said} if said else {}


def _higher(area: str, parameter: str, month: date, raised: Raise) -> str:
    from doudi.assessment.services import law_settings
    from openfisca_henan.places import county_index

    table = law_settings(month).table()
    row = table.rows[int(table.at(parameter, f"{month}").row[int(county_index(np.array([area]))[0])])]
    return f"{(Decimal(str(row.value)) * raised.times / raised.step).to_integral_value(ROUND_CEILING) * raised.step:f}"


def exits(life: Life, on: date) -> Figures:
    """Within the cold: exits from dibao suspended in January, allowed again in February."""
    from doudi.assessment.facts import EXIT_SUSPENSION
    from doudi.core.models import Emergency

    what = {1: "on", 2: "off"}.get(life.month.month)
    with scopes.acting(scopes.Scope(area=life.area, page="doudi simulate")):
        row = Emergency.objects.filter(kind="cold", area=life.area, state="confirmed", starts__lte=on, ends__gt=on).order_by("-starts").first()
    if what is None or row is None:
        return {}
    with life.acting(Duty.COUNTY_REVIEWER):
        switch = switches.propose_switch(
            emergency_id=row.pk, measure=EXIT_SUSPENSION, what=what, starts=on, document=f"示例：牟民〔{on.year}〕{on.month}号", now=at(on, 9)
        )
    with life.acting(Duty.COUNTY_APPROVER):
        switches.decide_switch(switch_id=switch.pk, state="confirmed", now=at(on, 10))
    return {"exit_suspension": what}
