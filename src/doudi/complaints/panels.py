"""What complaints add to the household page and to the pages of what can be objected to. Who complained never stands there."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.complaints import queries
from doudi.core import duties, panels


def of_household(_request: HttpRequest, household: Any) -> dict[str, Any] | None:
    rows = list(queries.of_household(household).order_by("-id")[:10])
    return {"rows": [(row, queries.COLOURS[row.state]) for row in rows]} if rows else None


def of_publicity(_request: HttpRequest, publicity: Any) -> dict[str, Any] | None:
    rows = list(queries.visible().filter(household=publicity.case.household_id, publicity_id=publicity.pk).order_by("-id")[:10])
    return {"rows": [(row, queries.COLOURS[row.state]) for row in rows]} if rows else None


def _against_publicity(request: HttpRequest, publicity: Any) -> str | None:
    """Who posts it records the objection in the case itself while it is posted; a complaint beside it would be the same thing twice."""
    if publicity.state == "running" and duties.may("enrolment.publicise"):
        return None
    found: str = _new(publicity="pk", kind="objection", category="publicity")(request, publicity)
    return found


def overdue(_request: HttpRequest) -> dict[str, Any] | None:
    rows = queries.visible().filter(state__in=["new", "assigned", "in_progress", "for_approval", "reopened"], due__lt=timezone.localdate())
    found = list(rows.order_by("due")[:6])
    return {"rows": [(row, queries.COLOURS[row.state]) for row in found], "count": rows[:1000].count()} if found else None


def _new(**about: str) -> Any:
    def url(_request: HttpRequest, row: Any) -> str:
        query = "&".join(f"{name}={row.pk if value == 'pk' else value}" for name, value in about.items())
        return f"{reverse('complaints:new')}?{query}"

    return url


panels.add("household", _("异议与投诉"), of_household, "complaints/_household.html", act="complaints.view", order=60, there=queries.all_of_household)
panels.action("household", _("登记异议投诉"), _new(household="pk"), act="complaints.open", order=80)
panels.action("decision", _("登记异议"), _new(decision="pk", kind="objection", category="decision"), act="complaints.open", order=80)
panels.action("award", _("登记异议"), _new(award="pk", kind="objection", category="amount"), act="complaints.open", order=80)
panels.add("publicity", _("对公示的异议与投诉"), of_publicity, "complaints/_household.html", act="complaints.view", order=60)
panels.action("publicity", _("登记异议"), _against_publicity, act="complaints.open", order=80)
panels.dashboard(_("超期的异议投诉"), overdue, "complaints/_household.html", act="complaints.assign", order=45)
