"""What enrolment adds to the household page, the explanation and the dashboard."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from doudi.core import panels
from doudi.enrolment import queries
from doudi.enrolment.models import Decision


def of_household(_request: HttpRequest, household: Any) -> dict[str, Any] | None:
    decisions = Decision.objects.filter(household=household.pk).select_related("proposed_by", "decided_by", "person").order_by("-id")[:12]
    return {"awards": queries.awards_of(household.pk), "decisions": list(decisions), "colours": queries.COLOURS}


def waiting(request: HttpRequest) -> dict[str, Any] | None:
    rows = Decision.objects.filter(state=Decision.State.PROPOSED).order_by("proposed_at")
    return {"count": rows[:1000].count(), "rows": list(rows.select_related("household")[:6])}


panels.add("household", _("待遇与决定"), of_household, "enrolment/_household.html", act="enrolment.view", order=30)
panels.action("assessment", _("提出办理"), lambda _request, row: reverse("enrolment:new", args=[row.pk]), act="enrolment.propose", order=10)
panels.dashboard(_("待审批的决定"), waiting, "enrolment/_waiting.html", act="enrolment.approve", order=15)
