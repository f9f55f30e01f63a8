"""What complaints add to the household page and to the pages of what can be objected to. Who complained never stands there."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.complaints import queries
from doudi.core import panels


def of_household(_request: HttpRequest, household: Any) -> dict[str, Any] | None:
    rows = list(queries.visible().filter(household=household.pk).order_by("-id")[:10])
    return {"rows": [(row, queries.COLOURS[row.state]) for row in rows]} if rows else None


def overdue(_request: HttpRequest) -> dict[str, Any] | None:
    rows = queries.visible().filter(state__in=["new", "assigned", "in_progress", "for_approval", "reopened"], due__lt=timezone.localdate())
    found = list(rows.order_by("due")[:6])
    return {"rows": [(row, queries.COLOURS[row.state]) for row in found], "count": rows[:1000].count()} if found else None


def _new(**about: str) -> Any:
    def url(_request: HttpRequest, row: Any) -> str:
        query = "&".join(f"{name}={row.pk if value == 'pk' else value}" for name, value in about.items())
        return f"{reverse('complaints:new')}?{query}"

    return url


panels.add("household", _("异议与投诉"), of_household, "complaints/_household.html", act="complaints.view", order=60)
panels.action("household", _("登记异议投诉"), _new(household="pk"), act="complaints.open", order=80)
panels.action("decision", _("登记异议"), _new(decision="pk", kind="objection", category="decision"), act="complaints.open", order=80)
panels.action("award", _("登记异议"), _new(award="pk", kind="objection", category="amount"), act="complaints.open", order=80)
panels.action("publicity", _("登记异议"), _new(publicity="pk", kind="objection", category="publicity"), act="complaints.open", order=80)
panels.dashboard(_("超期的异议投诉"), overdue, "complaints/_household.html", act="complaints.assign", order=45)
