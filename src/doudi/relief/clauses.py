"""Clauses that relief serves."""

from __future__ import annotations

from typing import Any

from django.db.models import Max, Sum
from django.utils.translation import gettext as _

from doudi.core import measures
from doudi.relief.models import ReliefCase
from doudi.relief.services.price_proposals import latest_subsidies


def granted(**given: Any) -> measures.Rows:
    return lambda: ReliefCase.objects.filter(state="granted", **given)


def elsewhere(numbers: measures.Numbers) -> tuple[int, str]:
    """3.1: people from elsewhere who were helped where the emergency was."""
    return int(numbers["n"]), _("件救助外地户籍人员")


def helped_first(numbers: measures.Numbers) -> tuple[int, str]:
    """3.2: relief first."""
    return int(numbers["n"]), _("件先行救助")


def price_subsidies() -> tuple[object, str]:
    """3.3: people with an approved price subsidy in the latest month of payment."""
    found = latest_subsidies().aggregate(month=Max("month"), people=Sum("people"))
    if found["month"] is None:
        return 0, _("人（尚未启动）")
    return found["people"], _("人（%(month)s）") % {"month": f"{found['month']:%Y-%m}"}


def meetings(numbers: measures.Numbers) -> tuple[int, str]:
    """3.4: cases that a recorded meeting decided."""
    return int(numbers["n"]), _("件一事一议")


measures.serve("3.1", "relief:cases", act="relief.view", counts=granted(elsewhere=True), says=elsewhere, given="state=granted&which=elsewhere")
measures.serve("3.2", "relief:cases", act="relief.view", counts=granted(relief_first=True), says=helped_first, given="state=granted&which=first")
measures.serve("3.3", "relief:prices", act="prices.view", figure=price_subsidies, rows=latest_subsidies, value="people")
measures.serve("3.4", "relief:cases", act="relief.view", counts=granted(level="meeting"), says=meetings, given="state=granted&which=meeting")
