"""The public needs board (需求信息): for anybody, without sign-in and without script. It acts under no scope at all."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.views.decorators.http import require_GET

from doudi.core import places
from doudi.core.models import Division
from doudi.needs import kinds
from doudi.volunteering import board_queries as queries

SIZE = 20
_cities: list[tuple[str, list[tuple[str, str]]]] = []


def counties() -> list[tuple[str, list[tuple[str, str]]]]:
    """(city, its counties) to choose from; read once a process, since codes do not change in place."""
    if not _cities:
        rows = list(Division.objects.filter(level__in=("city", "county"), ends__isnull=True).order_by("code").values_list("code", "name"))
        below: dict[str, list[tuple[str, str]]] = {}
        for code, name in rows:
            if len(code) == 6:
                below.setdefault(code[:4], []).append((code, name))
        _cities.extend((name, below[code]) for code, name in rows if code in below)
    return _cities


@require_GET
def board(request: HttpRequest) -> HttpResponse:
    """Needs of the province or of one county, the urgent ones first; calls that run; where to sign up."""
    found = counties()
    known = {code for _city, inside in found for code, _name in inside}
    county = request.GET.get("county", "")
    county = county if county in known else ""
    kind = request.GET.get("kind", "")
    kind = kind if kind in kinds.KINDS else ""
    page = request.GET.get("page", "1")
    number = int(page) if page.isascii() and page.isdigit() and 0 < int(page[:4]) < 1000 and len(page) < 4 else 1
    area = county or places.PROVINCE
    cards = queries.cards(area, kind=kind, first=(number - 1) * SIZE, most=SIZE + 1)
    context: dict[str, Any] = {
        "cards": cards[:SIZE], "more": number + 1 if len(cards) > SIZE else 0, "before": number - 1, "county": county, "kind": kind, "cities": found,
        "kinds": kinds.choices(), "calls": queries.public_calls(area, timezone.now()) if county and number == 1 else [],
    }  # fmt: skip
    response = render(request, "volunteering/public_board.html", context)
    patch_cache_control(response, public=True, max_age=60)
    patch_vary_headers(response, ["Cookie", "Accept-Language"])
    return response
