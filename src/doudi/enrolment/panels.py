"""What enrolment adds to the household page, the explanation and the dashboard."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.core import attachable, panels
from doudi.enrolment import average_views, award_queries, case_queries, queries, review_queries
from doudi.enrolment.models import Authorisation, Decision, Document, HouseholdVisit, PayeeChange, Publicity


def of_household(_request: HttpRequest, household: Any) -> dict[str, Any] | None:
    awards, today = queries.awards_of(household.pk), timezone.localdate()
    for award in awards:
        award.words, award.colour = award_queries.state_of(award, today)  # type: ignore[attr-defined]
    return {"awards": awards, "decisions": queries.decided(household.pk), "colours": queries.COLOURS}


def reviews_of_household(_request: HttpRequest, household: Any) -> dict[str, Any] | None:
    rows = review_queries.of_household(household.pk)
    for row in rows:
        row.colour = review_queries.COLOURS[row.state]  # type: ignore[attr-defined]
    return {"rows": rows} if rows else None


def of_lead(_request: HttpRequest, lead: Any) -> dict[str, Any] | None:
    """Help given: decisions that name the lead or what was merged into it, and those of its household and programmes since the signal."""
    if not lead.household_id:
        return None
    signals = [lead, *lead.signals.all()[:50]]
    programmes = {each.programme for each in signals if each.programme}
    answers = Q(lead_id__in=[each.pk for each in signals]) | Q(programme__in=programmes, proposed_at__gte=lead.signal_at)
    found = Decision.objects.filter(answers, household=lead.household_id).select_related("person", "proposed_by", "decided_by")
    decisions = list(found.order_by("-id")[:12])
    return {"awards": [], "decisions": decisions, "colours": queries.COLOURS} if decisions else None


def waiting(request: HttpRequest) -> dict[str, Any] | None:
    rows = queries.awaiting().order_by("proposed_at")
    return {"count": rows[:1000].count(), "rows": list(rows.select_related("household")[:6])}


def cases_of_household(_request: HttpRequest, household: Any) -> dict[str, Any] | None:
    return {"rows": case_queries.of_household(household.pk)}


def cases_of_lead(_request: HttpRequest, lead: Any) -> dict[str, Any] | None:
    rows = case_queries.of_household(lead.household_id) if lead.household_id else []
    return {"rows": rows} if rows else None


def board(_request: HttpRequest) -> dict[str, Any] | None:
    return {"steps": case_queries.by_step(timezone.localdate())}


def apply_from_lead(_request: HttpRequest, lead: Any) -> str | None:
    """A lead about a household that is known leads to its application."""
    if not lead.household_id or lead.state in ("helped", "not_in_need", "referred"):
        return None
    return f"{reverse('enrolment:apply', args=[lead.household_id])}?lead={lead.pk}"


attachable.add("document", model=Document, view="enrolment.cases", change="enrolment.apply")
attachable.add("authorisation", model=Authorisation, view="enrolment.cases", change="enrolment.apply")
attachable.add("household_visit", model=HouseholdVisit, view="enrolment.cases", change="enrolment.visit")
attachable.add("payee_change", model=PayeeChange, view="enrolment.view", change="enrolment.propose", settled=~Q(state="proposed"))
attachable.add("publicity", model=Publicity, view="enrolment.cases", change="enrolment.publicise")
panels.add("household", _("救助申请"), cases_of_household, "enrolment/_cases.html", act="enrolment.cases", order=25)
panels.add("lead", _("救助申请"), cases_of_lead, "enrolment/_cases.html", act="enrolment.cases", order=15)
panels.action(
    "household", _("提出申请"), lambda _request, household: reverse("enrolment:apply", args=[household.pk]), act="enrolment.apply", order=15
)
panels.action("lead", _("提出申请"), apply_from_lead, act="enrolment.apply", order=15, style="pri")
panels.dashboard(_("救助申请各环节"), board, "enrolment/_case_board.html", act="enrolment.cases", order=14)
panels.add("household", _("待遇与决定"), of_household, "enrolment/_household.html", act="enrolment.view", order=30)
panels.add("household", _("核查事项"), reviews_of_household, "enrolment/_reviews.html", act="enrolment.view", order=35, there=review_queries.rows_of_household)
panels.add("lead", _("办理的救助"), of_lead, "enrolment/_household.html", act="enrolment.view", order=20)
panels.action("assessment", _("提出办理"), lambda _request, row: reverse("enrolment:new", args=[row.pk]), act="enrolment.propose", order=10)
panels.dashboard(_("待审批的决定"), waiting, "enrolment/_waiting.html", act="enrolment.approve", order=15)
panels.dashboard(_("低保月人均补助水平"), average_views.panel, "enrolment/_averages.html", act="enrolment.monitor", order=40)
