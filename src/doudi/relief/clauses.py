"""Clauses that relief serves."""

from __future__ import annotations

from django.db.models import Max, Sum
from django.utils.translation import gettext as _

from doudi.core import measures
from doudi.relief.models import ReliefCase
from doudi.relief.services.price_proposals import latest_subsidies


def elsewhere() -> tuple[int, str]:
    """3.1: people from elsewhere who were helped where the emergency was."""
    return ReliefCase.objects.filter(state="granted", elsewhere=True).count(), _("件救助外地户籍人员")


def helped_first() -> tuple[int, str]:
    """3.2: relief first."""
    return ReliefCase.objects.filter(state="granted", relief_first=True).count(), _("件先行救助")


def price_subsidies() -> tuple[object, str]:
    """3.3: people with an approved price subsidy in the latest month of payment."""
    found = latest_subsidies().aggregate(month=Max("month"), people=Sum("people"))
    if found["month"] is None:
        return 0, _("人（尚未启动）")
    return found["people"], _("人（%(month)s）") % {"month": f"{found['month']:%Y-%m}"}


def meetings() -> tuple[int, str]:
    """3.4: cases that a recorded meeting decided."""
    return ReliefCase.objects.filter(state="granted", level="meeting").count(), _("件一事一议")


measures.serve("3.1", "relief:cases", act="relief.view", figure=elsewhere, given="state=granted&which=elsewhere")
measures.serve("3.2", "relief:cases", act="relief.view", figure=helped_first, given="state=granted&which=first")
measures.serve("3.3", "relief:prices", act="prices.view", figure=price_subsidies, rows=latest_subsidies, value="people")
measures.serve("3.4", "relief:cases", act="relief.view", figure=meetings, given="state=granted&which=meeting")
