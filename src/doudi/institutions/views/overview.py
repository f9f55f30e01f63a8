"""The whole place at a glance (6.1, 6.3): tiles and table of who reported, who is at risk, what is asked for and late."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from doudi.core import charts, places
from doudi.core.views.access import may
from doudi.institutions import request_queries as queries

SUMS = ("houses", "owed", "reported", "missing", "risk", "open", "late")


@require_GET
@may("institutions.oversee")
def overview(request: HttpRequest) -> HttpResponse:
    """Of the officer's area, or of a place in it that is asked for: by the places directly below. Every number opens its list."""
    own, asked, on = request.scope.area, request.GET.get("area", ""), timezone.localdate()  # type: ignore[attr-defined]
    area = asked if asked.startswith(own) and asked.isascii() and asked.isdigit() and len(asked) in (4, 6, 9) else own
    rows = queries.overview(area, on, timezone.now())
    tiles = queries.tiles(rows, area)
    drawn = []
    for each in tiles:
        opens = each["known"] and each["code"] != area and len(each["code"]) <= 6
        drawn.append((each["name"], each["words"], each["shade"], each["column"], each["line"], f"?area={each['code']}" if opens else ""))
    said = charts.state_map(drawn, title=_("各地机构风险"))
    total = {key: sum(row[key] for row in rows) for key in SUMS}
    up = area[:-2] if len(area) in (4, 6) and len(area) > len(own) else ""
    context = {"rows": rows, "total": total, "map": said, "place": places.name(area), "up": up, "on": on}
    return render(request, "institutions/overview.html", context)
