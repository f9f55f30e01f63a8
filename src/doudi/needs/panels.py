"""What needs add to the pages of households and people, of visits and calls, and to the dashboard."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.core import attachable, panels
from doudi.needs import queries
from doudi.needs.models import MedicineDelivery, Need


def of_household(_request: HttpRequest, household: Any) -> dict[str, Any] | None:
    rows = queries.of_household(household.pk)
    return {"rows": rows} if rows else None


def of_person(_request: HttpRequest, person: Any) -> dict[str, Any] | None:
    rows = queries.of_person(person.pk)
    return {"rows": rows} if rows else None


def of_source(source: str) -> Any:
    def loader(_request: HttpRequest, row: Any) -> dict[str, Any] | None:
        rows = queries.of_source(source, row.pk)
        return {"rows": rows} if rows else None

    return loader


def _new(name: str) -> Any:
    def url(_request: HttpRequest, row: Any) -> str:
        return f"{reverse('needs:new')}?{name}={row.pk}"

    return url


def figures(_request: HttpRequest) -> dict[str, Any]:
    return {"figures": queries.figures(timezone.now())}


for papers in ("delivery_prescription", "delivery_handover"):
    attachable.add(papers, model=MedicineDelivery, view="needs.view", change="needs.answer", pictures_only=True, settled=Q(state="handed"))
panels.add(
    "household", _("需求"), of_household, "needs/_needs.html", act="needs.view", order=31, there=lambda household: Need.objects.filter(household=household.pk)
)
panels.add("person", _("需求"), of_person, "needs/_needs.html", act="needs.view", order=31)
panels.add("visit", _("需求"), of_source("visit"), "needs/_needs.html", act="needs.view", order=31)
panels.add("call", _("需求"), of_source("hotline"), "needs/_needs.html", act="needs.view", order=31)
panels.action("household", _("登记需求"), _new("household"), act="needs.raise", order=53)
panels.action("person", _("登记需求"), _new("person"), act="needs.raise", order=53)
panels.action("visit", _("登记需求"), _new("visit"), act="needs.raise", order=53)
panels.action("call", _("登记需求"), _new("hotline"), act="needs.raise", order=53)
panels.dashboard(_("需求"), figures, "needs/_dashboard.html", act="needs.view", order=14, bare=True, wide=True)
