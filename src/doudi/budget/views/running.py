"""Plan against spending as the year runs (预算执行)."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from doudi.budget import execution
from doudi.budget.execution import Course
from doudi.budget.views.scenarios import years
from doudi.core import charts, places
from doudi.core import scope as scopes
from doudi.core.templatetags import ui
from doudi.core.views.access import may


def _chart(course: Course) -> Any:
    """Cumulated plan, spending and forecast, in ten thousand yuan."""

    def cumulated(months: list[Any]) -> list[float]:
        return [round(float(value) / 10_000, 2) for value in accumulate(months)]

    labels = [_("%(n)s月") % {"n": number} for number in range(1, 13)]
    known, ahead = cumulated(course.spent[: course.actual]), cumulated(course.forecast)
    spent: list[float | None] = [*known, *[None] * (12 - len(known))]
    forecast: list[float | None] = [None] * max(0, course.actual - 1) + list(ahead[max(0, course.actual - 1) :])
    plan: list[float | None] = list(cumulated(course.plan)) if course.planned else [None] * 12
    series = [(_("计划累计"), plan), (_("支出累计"), spent), (_("预计"), forecast)]  # the colours of the page's legend
    return charts.line_chart(labels, series, title=_("%(fund)s计划与支出") % {"fund": course.name}, unit=_("万元"), zero=True)


@require_GET
@may("budget.view")
def running(request: HttpRequest) -> HttpResponse:
    """Each fund's plan, spending, difference and forecast; above counties every county, warnings first."""
    own, today = scopes.current().area[:6], timezone.localdate()
    asked = request.GET.get("area", "")
    area = asked if asked.isdigit() and asked.startswith(own) and len(asked) in (4, 6) else own
    text = request.GET.get("year", "")
    year = int(text) if text.isascii() and text.isdigit() and 2016 <= int(text[:6]) <= 2100 else today.year
    found = execution.courses(area=area, year=year, today=today)
    funds = []
    for course in found:
        forecast = course.forecast
        months = [
            {
                "label": f"{year}-{at + 1:02d}", "plan": course.plan[at], "spent": course.spent[at] if at < course.actual else None,
                "difference": course.spent[at] - course.plan[at] if at < course.actual else None, "forecast": forecast[at], "ahead": at >= course.actual,
            }
            for at in range(12)
        ]  # fmt: skip
        facts = [
            (_("全年计划"), ui.money(course.planned) if course.planned else "—"),
            (_("已支出"), ui.money(course.so_far)),
            (_("与同期计划相差"), ui.change(course.difference) if course.planned else "—"),
            (_("预计全年支出"), ui.money(course.to_come)),
            (_("可用资金"), ui.money(course.in_hand)),
        ]
        funds.append({"course": course, "facts": facts, "months": months, "chart": _chart(course)})
    context = {
        "funds": funds, "area": area, "own": own, "place": places.name(area), "year": year,
        "years": sorted({*years(own, year), today.year, today.year - 1}, reverse=True),
        "counties": execution.by_county(area=area, year=year, today=today) if len(area) < 6 else [],
        "units": [(own, places.name(own)), *places.children(own)] if len(own) == 2 else [],
        "planned": any(course.planned for course in found),
    }  # fmt: skip
    return render(request, "budget/running.html", context)
