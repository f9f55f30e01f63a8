"""What the budget adds to the home page: next year's budget of one's own place and what waits."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.budget import queries
from doudi.budget.models import Scenario
from doudi.core import panels
from doudi.core import scope as scopes


def next_year(_request: HttpRequest) -> dict[str, Any] | None:
    """The county's own scenario that is furthest; above counties how many have handed in. From October on, or once there is one."""
    acting, today = scopes.current(), timezone.localdate()
    year = today.year + 1
    rows = list(Scenario.objects.filter(area__gte=acting.low, area__lt=acting.high, year=year).only("area", "state", "name", "amount", "year")[:1000])
    if not rows and today.month < 10:
        return None
    if len(acting.area) < 6:
        counties = len(queries.counties_below(acting.area))
        sent = len({row.area for row in rows if row.state in (Scenario.State.SUBMITTED, Scenario.State.ACCEPTED)})
        return {"year": year, "counties": counties, "sent": sent, "missing": counties - sent, "url": reverse("budget:counties")}
    best = max(rows, key=lambda row: (queries.RANK[row.state], row.pk), default=None)
    return {"year": year, "row": best, "colour": queries.COLOURS[best.state] if best else "", "url": reverse("budget:index")}


panels.dashboard(_("下年预算"), next_year, "budget/_dashboard.html", act="budget.view", order=60)
