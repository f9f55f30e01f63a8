"""Reads of switched measures for pages: what is on in one emergency, and everywhere with its history."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.emergencies import Switch, effects, switches
from doudi.core.forms import DayInput
from doudi.core.models import Emergency, EmergencySwitch


class SwitchForm(forms.Form):
    """Switch a measure on or off."""

    measure = forms.CharField(widget=forms.HiddenInput())
    what = forms.ChoiceField(choices=EmergencySwitch.What.choices, widget=forms.HiddenInput())
    starts = forms.DateField(label=gettext_lazy("自"), widget=DayInput())
    document = forms.CharField(label=gettext_lazy("文号"), max_length=200)
    note = forms.CharField(label=gettext_lazy("说明"), max_length=400, required=False)


@dataclass
class SwitchRow:
    """One measure of one emergency: what holds, what waits, what was, and the form of who may change it."""

    measure: str
    switch: Switch
    on: EmergencySwitch | None = None
    waiting: EmergencySwitch | None = None
    history: list[EmergencySwitch] = field(default_factory=list)
    form: SwitchForm | None = None
    may_confirm: bool = False
    may_withdraw: bool = False


def period(row: EmergencySwitch, emergency: Emergency) -> str:
    """From day to last day, in words."""
    end = min(filter(None, (row.ends, emergency.ends)), default=None)
    return _("%(first)s 至 %(last)s") % {"first": row.starts.isoformat(), "last": (end - timedelta(days=1)).isoformat() if end else _("另行通知")}


def _days(row: EmergencySwitch) -> str:
    return period(row, row.emergency) if row.what == "on" else _("自 %(day)s 起停用") % {"day": row.starts.isoformat()}


def rows_of(emergency: Emergency, *, on: date, own: bool, form: Any = None) -> list[SwitchRow]:
    """Every declared measure with its state in this emergency. One query."""
    acting = scopes.current()
    rows = list(EmergencySwitch.objects.filter(emergency=emergency).select_related("proposed_by", "decided_by").order_by("proposed_at", "pk"))
    running = emergency.state == Emergency.State.CONFIRMED and (emergency.ends is None or emergency.ends > on)
    made = []
    for measure, switch in switches.items():
        mine = [row for row in rows if row.measure == measure]
        waiting = next((row for row in mine if row.state == "proposed"), None) if own else None
        current = next((row for row in reversed(mine) if row.state == "confirmed" and row.what == "on" and (row.ends is None or row.ends > on)), None)
        line = SwitchRow(measure, switch, on=current, waiting=waiting, history=[row for row in reversed(mine) if own or row.state == "confirmed"])
        if waiting is not None:
            line.may_withdraw = waiting.proposed_by_id == acting.account_id
            line.may_confirm = not line.may_withdraw and duties.may("emergencies.confirm")
        elif own and running and duties.may("emergencies.declare"):
            given = form if form is not None and form.data.get("measure") == measure else None
            what = "off" if current is not None and current.ends is None else "on"
            line.form = given or SwitchForm(initial={"measure": measure, "what": what, "starts": max(on, emergency.starts)}, auto_id=f"{measure}_%s")
        made.append(line)
    return made


def everywhere(on: date) -> list[dict[str, Any]]:
    """For the page of all measures: each running emergency of the scope with what it brings and what is switched, then the history of switches.

    As many queries whatever the number of emergencies, but for effects that look for themselves (a running emergency is a rare thing).
    """
    found = list(
        Emergency.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), state=Emergency.State.CONFIRMED).prefetch_related("places").order_by("starts", "pk")
    )
    rows = EmergencySwitch.objects.filter(emergency__in=found, state="confirmed", what="on").filter(Q(ends__isnull=True) | Q(ends__gt=on))
    by_emergency: dict[int, list[EmergencySwitch]] = {}
    for row in rows:
        by_emergency.setdefault(row.emergency_id, []).append(row)
    places.preload([place.area for row in found for place in row.places.all()])
    return [
        {
            "row": row, "codes": sorted(place.area for place in row.places.all()), "effects": effects.of(row, on) if row.starts <= on else [],
            "switched": [(switches.label(one.measure), period(one, row), one) for one in by_emergency.get(row.pk, [])],
            "off": [str(switch.label) for measure, switch in switches.items() if measure not in {one.measure for one in by_emergency.get(row.pk, [])}],
        }
        for row in found
    ]  # fmt: skip


def history(limit: int = 100) -> list[dict[str, Any]]:
    """Confirmed switches of the scope, newest first."""
    rows = EmergencySwitch.objects.filter(state="confirmed").select_related("emergency", "proposed_by", "decided_by").order_by("-decided_at", "-pk")[:limit]
    return [
        {
            "at": row.decided_at, "title": f"{row.get_what_display()}：{switches.label(row.measure)}（{row.emergency.title}）",
            "who": f"{row.proposed_by}、{row.decided_by}", "note": "；".join(filter(None, [_days(row), row.document, row.note])),
        }
        for row in rows
    ]  # fmt: skip
