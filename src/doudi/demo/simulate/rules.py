"""What changes the rules: standards raised by dated settings each July, a cold winter with exits suspended, a flood in some summers."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services import emergencies, settings, switches
from doudi.demo.simulate.life import Figures, Life, at

RISE = Decimal("1.04")
STANDARDS = ("dibao.standard.urban", "dibao.standard.rural")


def standards(life: Life, on: date) -> Figures:
    """In June the county's reviewer proposes and its approver confirms standards from July on."""
    if life.month.month != 6:
        return {}
    starts, said = date(life.month.year, 7, 1), {}
    for name in STANDARDS:
        value = _higher(life.area, name, life.month)
        with life.acting(Duty.COUNTY_REVIEWER):
            row = settings.propose_setting(
                parameter=name, area=life.area, starts=starts, value=value, document=f"示例：牟政〔{starts.year}〕18号", note="示例，并非实际标准", now=at(on, 9)
            )
        with life.acting(Duty.COUNTY_APPROVER):
            settings.confirm_setting(setting_id=row.pk, now=at(on, 15))
        said[name] = value
    return {"standards": said}


def _higher(area: str, parameter: str, month: date) -> str:
    from doudi.assessment.services import law_settings
    from openfisca_henan.places import county_index

    table = law_settings(month).table()
    row = table.rows[int(table.at(parameter, f"{month}").row[int(county_index(np.array([area]))[0])])]
    return f"{(Decimal(str(row.value)) * RISE / 10).quantize(Decimal(1)) * 10:f}"


def _flood(life: Life) -> bool:
    return life.month.month == 7 and random.Random(f"{life.seed}-flood-{life.month.year}").random() < 0.5


def emergency(life: Life, on: date) -> Figures:
    """Each December a cold spell until the end of February, in some summers a flood of a month; two officers for every step."""
    if life.month.month == 12:
        return _declared(life, on, "cold", "寒潮", until=date(on.year + 1, 3, 1))
    if _flood(life):
        return _declared(life, on, "flood", "强降雨", until=on + timedelta(days=30))
    return {}


def _declared(life: Life, on: date, kind: str, title: str, *, until: date) -> Figures:
    from doudi.core.models import Emergency, EmergencyStep

    with scopes.acting(scopes.Scope(area=life.area, page="doudi simulate")):
        for row in Emergency.objects.filter(kind=kind, area=life.area, state="confirmed"):
            if row.ends is None or row.ends > on:
                return {}
    with life.acting(Duty.COUNTY_REVIEWER):
        made = emergencies.declare_emergency(
            kind=kind, areas=[life.area], starts=on, ends=until, document=f"示例：牟政文〔{on.year}〕{on.month}号", title=title, now=at(on, 8)
        )
        step = EmergencyStep.objects.get(emergency=made, state="proposed")
    with life.acting(Duty.COUNTY_APPROVER):
        emergencies.confirm_step(step_id=step.pk, now=at(on, 9))
    return {"emergency": title}


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
