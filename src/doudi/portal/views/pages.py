"""Pages to read: the first page, policies, hotlines, publicity."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from doudi.community.public_queries import hotlines as numbers_of
from doudi.core import doors
from doudi.portal import places, policies, queries
from doudi.portal.views.base import kept


def _county(request: HttpRequest) -> dict[str, Any]:
    """The county that the reader chose, its name, and the counties to choose from."""
    county = places.county_of(request.GET.get("county", "")[:12])
    return {"county": county, "county_name": places.said(county) if county else ""}


@require_GET
@kept
def home(request: HttpRequest) -> HttpResponse:
    context, today = _county(request), timezone.localdate()
    county = context["county"]
    large, others = doors.shown()
    context |= {
        "doors": large, "others": others,
        "figures": policies.figures(policies.SHORT, county, today), "publicities": queries.newest(county, today) if county else [],
        "questions": policies.questions(), "hotlines": numbers_of(county, today),
    }  # fmt: skip
    return render(request, "portal/home.html", context)


@require_GET
@kept
def listing(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/policies.html", _county(request) | {"policies": policies.POLICIES})


@require_GET
@kept
def policy(request: HttpRequest, code: str) -> HttpResponse:
    found = policies.BY_CODE.get(code)
    if found is None:
        raise Http404
    context = _county(request)
    return render(request, "portal/policy.html", context | {"told": policies.told(found, context["county"], timezone.localdate())})


@require_GET
@kept
def hotlines(request: HttpRequest) -> HttpResponse:
    context = _county(request)
    return render(request, "portal/hotlines.html", context | {"hotlines": numbers_of(context["county"], timezone.localdate())})


@require_GET
@kept
def publicity(request: HttpRequest) -> HttpResponse:
    """Villages of a county in which something is posted today."""
    context = _county(request)
    county = context["county"]
    response = render(request, "portal/publicity.html", context | {"villages": queries.posted_villages(county, timezone.localdate()) if county else []})
    response["X-Robots-Tag"] = "noindex, noarchive"
    return response


@require_GET
@kept
def posted(request: HttpRequest, village: str) -> HttpResponse:
    """What is posted in a village today, names masked; nothing of it once its days are over."""
    if len(village) != 12 or not places.exists(village):
        raise Http404
    rows = queries.posted(village, timezone.localdate())
    context = {"rows": rows, "place": places.said(village), "county": village[:6], "most": queries.MOST}
    response = render(request, "portal/posted.html", context)
    response["X-Robots-Tag"] = "noindex, noarchive"
    return response
