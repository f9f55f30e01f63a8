"""Pages of the levels above: who has submitted, with totals."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from doudi.budget import queries
from doudi.budget.views.scenarios import year_of, years
from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.templatetags import ui
from doudi.core.views.access import may


@require_GET
@may("budget.view")
def overview(request: HttpRequest) -> HttpResponse:
    """Every county with its submission, what is missing first."""
    own = scopes.current().area
    asked = request.GET.get("area", "")
    area = asked if asked.isdigit() and asked.startswith(own) and len(asked) in (4, 6) else own
    year = year_of(request, own)
    found = queries.by_county(area=area, year=year)
    counted = found["counted"]
    figures = [
        {"label": _("应报县（市、区）"), "value": ui.count(counted["counties"]), "unit": _("个")},
        {"label": _("已上报"), "value": ui.count(counted["sent"]), "unit": _("个")},
        {"label": _("未上报"), "value": ui.count(counted["counties"] - counted["sent"]), "unit": _("个")},
        {"label": _("上报合计"), "value": ui.money(found["totals"][-1]), "unit": _("元")},
    ]
    context = {**found, "area": area, "own": own, "place": places.name(area), "year": year, "years": years(own, year), "figures": figures}
    if len(own) == 2:
        context["units"] = [(own, places.name(own)), *places.children(own)]
    return render(request, "budget/counties.html", context)
