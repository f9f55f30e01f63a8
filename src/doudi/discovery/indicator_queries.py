"""Reads of the indicators' pages: what each has found, how often it proved right, how long its leads wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.urls import reverse
from django.utils.translation import gettext as _

from doudi.batch.datasets import CONTRACTS
from doudi.batch.indicators import INDICATORS, Indicator
from doudi.core import places
from doudi.core.parameters import UNITS, shown_value
from doudi.discovery import thresholds
from doudi.discovery.models import ComparisonRun, IndicatorTrial, Lead


@dataclass
class Found:
    """An indicator's leads in the reader's scope. `right`: share of the decided ones that were confirmed; `age`: median days of the open ones."""

    total: int = 0
    open: int = 0
    confirmed: int = 0
    refuted: int = 0
    age: float | None = None
    latest: datetime | None = None

    @property
    def right(self) -> float | None:
        decided = self.confirmed + self.refuted
        return self.confirmed / decided if decided else None


def found_by_indicator(now: datetime) -> dict[str, Found]:
    """By indicator; one statement over the scope's leads."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select indicator, count(*), count(*) filter (where state = any(%(open)s)), count(*) filter (where state in ('helped', 'referred')),
                   count(*) filter (where state = 'not_in_need'),
                   percentile_cont(0.5) within group (order by extract(epoch from %(now)s - signal_at) / 86400) filter (where state = any(%(open)s)),
                   max(signal_at)
            from discovery_lead where indicator = any(%(codes)s) group by 1
            """,
            {"open": list(Lead.OPEN), "now": now, "codes": list(INDICATORS)},
        )
        return {row[0]: Found(*row[1:]) for row in cursor.fetchall()}


def catalogue(*, area: str, on: date, now: datetime) -> list[dict[str, Any]]:
    """The indicators, those that find people to help first, with their thresholds here and what they have found."""
    values, switches = thresholds.in_force(on, area)
    found = found_by_indicator(now)
    return [
        {
            "indicator": each,
            "title": _(each.title_zh),
            "datasets": "、".join(_(CONTRACTS[code].name_zh) for code in each.datasets) or _("救助家庭台账"),
            "on": bool(thresholds.value_at(switches.get(each.code), 1, area)),
            "thresholds": threshold_rows(each, values.get(each.code, {}), area),
            "found": found.get(each.code, Found()),
            "url": reverse("discovery:indicator", args=[each.code]),
            "leads": f"{reverse('discovery:leads')}?indicator={each.code}",
        }
        for each in sorted(INDICATORS.values(), key=lambda one: not one.helps)
    ]


def threshold_rows(indicator: Indicator, values: dict[str, Any], area: str) -> list[dict[str, Any]]:
    """Thresholds with the value that holds at a place and the address of its setting."""
    rows = []
    for name, each in indicator.parameters.items():
        value = thresholds.value_at(values.get(name), each.default, area)
        rows.append(
            {
                "name": name,
                "label": _(each.label_zh),
                "value": value,
                "shown": f"{shown_value(value, each.unit)} {UNITS.get(each.unit, each.unit)}",
                "url": f"{reverse('settings')}?parameter={thresholds.parameter(indicator.code, name)}",
            }
        )
    return rows


def last_hits(code: str) -> list[tuple[ComparisonRun, int]]:
    """The last runs with the number of situations that the indicator found in each."""
    runs = ComparisonRun.objects.filter(finished_at__isnull=False).order_by("-made_at")[:6]
    return [(run, run.by_indicator.get(code, 0)) for run in runs]


def trials(code: str) -> list[dict[str, Any]]:
    """The last trials, in words."""
    indicator = INDICATORS[code]
    rows = []
    found = list(IndicatorTrial.objects.filter(indicator=code).select_related("made_by").order_by("-made_at")[:20])
    places.preload(place for trial in found for place in trial.places)
    for trial in found:
        said = [
            f"{_(indicator.parameters[name].label_zh)} {shown_value(value, indicator.parameters[name].unit)}"
            for name, value in trial.values.items()
            if name in indicator.parameters
        ]
        by_place = [f"{places.name(place)} {count:,}" for place, count in list(trial.places.items())[:5]]
        rows.append({"trial": trial, "said": "；".join(said), "places": "、".join(by_place), "new": max(trial.found - trial.known - trial.helped, 0)})
    return rows
