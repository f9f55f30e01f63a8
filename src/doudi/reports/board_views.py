"""Pages of the board: the figures of a duty, a number place by place, the list behind a number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from doudi.core import charts, duties, measures, places
from doudi.core.lists import Column, ListPage
from doudi.core.views.access import may
from doudi.reports import behind, board, clause_lists, queries, standing
from doudi.reports.asking import TREND, YEARS, above, month_of, place_of
from doudi.reports.models import MonthlyFigure
from doudi.reports.statistics import IN_TIME, KEYS, PAID


@require_GET
@may("reports.board")
def page(request: HttpRequest) -> HttpResponse:
    """What the duty acts on: what waits, how the places below do, and the trends."""
    area = place_of(request)
    context: dict[str, Any] = {"area": area, "above": above(area), "waiting": [], "charts": [], "counted": False}
    kept: queries.Sums = {}
    if len(area) < 12:
        months = queries.months(area)
        month = month_of(request, months)
        span = YEARS if request.GET.get("span") == str(YEARS) else TREND
        wanted = queries.last_months(month, span)
        found = queries.sums_over(area, wanted)
        kept = found.get(month, {})
        labels = [f"{each:%y-%m}" if span > TREND else f"{each.month}月" for each in wanted]
        context |= {"month": month, "months": months, "span": span, "counted": any(found.values())}
        if context["counted"]:
            context["charts"] = board.trends(found, labels)
        if months and duties.may("reports.view") and len(area) < 9:
            context["compared"] = board.compared(area, month)
            context["where"], context["where_unit"] = board.coverage(area, month)
        context["at"] = queries.counted_at(area, month) if len(area) < 6 else None
    if context["charts"] or context.get("compared"):
        context["explained"] = board.explained(what for what, _words, act in board.SHARES if duties.may(act))
    context["waiting"] = board.waiting(area, kept, context.get("month"))
    return render(request, "reports/board.html", context)


def _key(request: HttpRequest) -> str:
    """The key asked for, whose list or table the duty may see; Http404 for one that is none."""
    key = request.GET.get("key", "")
    if key.startswith("now."):
        figure = standing.FIGURES.get(key.removeprefix("now."))
        if figure is None or not figure.kept or not (duties.may(figure.act)):
            raise Http404
        return key
    if key not in KEYS or not (duties.may("reports.view") or behind.readable(key)):
        raise Http404
    return key


@require_GET
@may("reports.board")
def number(request: HttpRequest) -> HttpResponse:
    """One number place by place, and over the months; each place leads further down, at last to the list."""
    key, area = _key(request), place_of(request)
    months = queries.months(area)
    month = month_of(request, months)
    wanted = queries.last_months(month, TREND)
    found = queries.sums_over(area, wanted)
    words, unit = board.label(key)
    below = {code: given.get(key, 0) for code, given in queries.sums_below(area, month).items() if key not in PAID or len(code) <= 6}
    places.preload(below)
    figure = standing.FIGURES.get(key.removeprefix("now.")) if key.startswith("now.") else None
    latest = bool(months) and month == months[0]

    def url(code: str) -> str:
        if len(code) < 6 or (figure is None and not behind.readable(key)):
            return board.number_url(key, code, month) if len(code) < 9 else ""
        if figure is not None:
            return figure.url(code) if latest else ""
        return queries.number_url(key, code, month)

    line = [found[each].get(key, 0) if found[each] else None for each in wanted]
    rows = [(code, places.name(code), board.said(key, value), url(code)) for code, value in below.items()]
    where: Any = charts.tile_map(dict(below), title=str(words), unit=str(unit)) if len(area) == 2 and below else ""
    context = {
        "area": area, "above": above(area), "month": month, "months": months, "key": key, "words": words, "unit": unit, "rows": rows, "where": where,
        "whole": board.said(key, found[month].get(key, 0)) if found.get(month) and (key not in PAID or len(area) <= 6) else "—", "list": url(area) if len(area) >= 6 else "",
        "chart": charts.line_chart([f"{each.month}月" for each in wanted], [(str(words), line)], title=str(words), zero=True) if any(found.values()) else "",
        "gone": figure is not None and not latest, "explained": board.explained(what for what, keys in IN_TIME.items() if key in keys),
    }  # fmt: skip
    return render(request, "reports/number.html", context)


class Behind(ListPage):
    """The list behind a counted number of a county, township or village."""

    title = gettext_lazy("统计名单")
    crumbs = ((gettext_lazy("统计分析"), ""),)
    template = "reports/behind.html"
    subject = "statistics"
    empty_title = gettext_lazy("名单是空的")
    empty_hint = gettext_lazy("这个数是零，或者统计以后登记已经更正。")

    def _asked(self) -> tuple[behind.Asked, behind.Kind]:
        key, area = _key(self.request), place_of(self.request)
        kind = behind.kind_of(key)
        if kind is None or len(area) < 6:
            raise Http404
        duties.require(kind.act)
        return behind.Asked(key, area, month_of(self.request, [])), kind

    def rows(self) -> QuerySet[Any]:
        asked, kind = self._asked()
        self.order = kind.order
        return kind.rows(asked)

    def get_columns(self) -> Sequence[Column]:
        return self._asked()[1].columns

    def context(self) -> dict[str, Any]:
        asked, kind = self._asked()
        words, unit = board.label(asked.key)
        counted = _counted(asked.key, asked.area, asked.month)
        now = behind.value(kind, kind.rows(asked))
        return {
            "words": words, "unit": unit, "place": places.name(asked.area), "month": asked.month, "now": board.said(asked.key, now),
            "counted_value": None if counted is None else board.said(asked.key, counted), "differs": counted is not None and counted != now,
        }  # fmt: skip


class OfClause(ListPage):
    """The list behind a clause's figure, of the reader's own area; where a room's own list stands behind it, that list."""

    crumbs = ((gettext_lazy("统计分析"), ""), (gettext_lazy("八项举措"), "/measures/"))
    template = "reports/clause.html"
    subject = "measures"
    empty_title = gettext_lazy("名单是空的")
    empty_hint = gettext_lazy("本辖区这一条的数是零。")

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        there = measures.served(self.kwargs["clause"])
        if there is not None and there.given:
            if there.act is not None:
                duties.require(there.act)
            return redirect(clause_lists.url_of(self.kwargs["clause"]))
        return super().get(request, **kwargs)

    def _served(self) -> tuple[str, measures.Served]:
        clause = self.kwargs["clause"]
        there = measures.served(clause)
        if there is None or there.rows is None or clause not in clause_lists.LISTS:
            raise Http404
        if there.rows_act is not None:
            duties.require(there.rows_act)
        return clause, there

    def rows(self) -> QuerySet[Any]:
        clause, _there = self._served()
        self.title, self.order = measures.CLAUSES[clause], clause_lists.LISTS[clause][1]
        return clause_lists.rows_of(clause)

    def get_columns(self) -> Sequence[Column]:
        return clause_lists.LISTS[self.kwargs["clause"]][0]

    def context(self) -> dict[str, Any]:
        clause, there = self._served()
        value, unit = there.figure()
        return {"clause": clause, "value": value, "unit": unit, "part": there.part, "room": there.url if there.act is None or duties.may(there.act) else ""}


def _counted(key: str, area: str, month: date) -> Any:
    """What was counted for a county or township; None where the month was not counted, or the place is a village."""
    if len(area) > 9:
        return None
    rows = MonthlyFigure.objects.filter(area__gte=area, area__lt=area + ":", month=month)
    if not rows.exists():
        return None
    return queries.sums(area, month).get(key, 0)


