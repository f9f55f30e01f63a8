"""Visits to minors (未成年人走访, 5.1): whom to see next, on the phone of the child director or at the desk."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from doudi.core import duties, places
from doudi.core.views.access import may
from doudi.discovery.visit_queries import group_words
from doudi.protection import queries, visits_queries
from doudi.protection.sections import may_write
from doudi.registry.queries import shown_name

AHEAD = timedelta(days=7)


@require_GET
@may("protection.view")
def visits(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    until = timezone.localdate(now) + AHEAD
    contacts, households = visits_queries.owed_contacts(until=until), visits_queries.owed_visits(until=until)
    places.preload([*(each.area for each in contacts), *(each.area for each in households)])
    writes = may_write("visits", request.scope.duty)  # type: ignore[attr-defined]
    context = {
        "figures": visits_queries.figures(now), "may_write": writes, "may_visit": duties.may("visits.record"),
        "contacts": [(each, queries.name_of(each.case), queries.LEVEL_COLOURS.get(each.case.level, "gray")) for each in contacts],
        "visits": [(each, shown_name(each.household.name), group_words(each.groups)) for each in households],
    }  # fmt: skip
    return render(request, "protection/visits.html", context)
