"""Pages of reports."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import quote, urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from doudi.core import charts, places
from doudi.core import scope as scopes
from doudi.core.views.access import may
from doudi.reports import board, clause_counts, queries, services
from doudi.reports import workbook as sheets
from doudi.reports.asking import TREND, YEARS, above, month_of, place_of


@may("reports.view")
def measures(request: HttpRequest) -> HttpResponse:
    """The eight measures, clause by clause, with figures of the reader's area: a county's and above as counted last night, below live."""
    known = clause_counts.counted(scopes.current().area)
    return render(request, "reports/measures.html", {"measures": queries.clauses(known), "known": known})


def _place(request: HttpRequest) -> str:
    """The place asked for, a township at the smallest: villages are not counted apart."""
    return place_of(request)[:9]


@require_GET
@may("reports.view")
def statistics(request: HttpRequest) -> HttpResponse:
    """The monthly table of civil affairs of a place, by the places below it; each number of awards opens its list."""
    area = _place(request)
    counted = queries.months(area)
    month = month_of(request, counted)
    lines, below = queries.by_place(area, month)
    sections = queries.table(area, month)
    context = {
        "area": area, "above": above(area), "month": month, "months": counted, "sections": sections, "below": below, "lines": lines,
        "at": queries.counted_at(area, month), "deeper": len(area) < 6, "closed": month in counted, "levels": sheets.levels(area),
        "no_standard": queries.no_standard(row["line"] for section in sections for row in section["rows"]),
        "explained": board.explained(["payments"] if len(area) <= 6 else []),
    }  # fmt: skip
    return render(request, "reports/statistics.html", context)


@require_GET
@may("reports.view")
def workbook(request: HttpRequest) -> HttpResponse:
    """The same as a workbook: the place, and those of a level below it, one line each."""
    area = _place(request)
    month, level = month_of(request, queries.months(area)), request.GET.get("level", "")
    chosen = int(level) if level.isascii() and level.isdigit() and len(level) < 3 else next(iter(sheets.levels(area)))
    try:
        content = sheets.written(sheets.table(area, month, chosen, timezone.now()))
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
        return redirect(reverse("reports:statistics") + "?" + urlencode({"area": area, "month": f"{month:%Y-%m}"}))
    answer = HttpResponse(content, content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    name = f"{places.name(area)}民政统计月报表-{month:%Y-%m}-按{sheets.LEVELS[chosen]}.xlsx"
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return answer


@require_GET
@may("reports.view")
def trends(request: HttpRequest) -> HttpResponse:
    """Recipients, expenditure, punctuality and discovery of the last year, or of three, and where the recipients are."""
    area = _place(request)
    counted = queries.months(area)
    month = month_of(request, counted)
    span = YEARS if request.GET.get("span") == str(YEARS) else TREND
    wanted = queries.last_months(month, span)
    found = queries.sums_over(area, wanted)
    labels = [f"{each:%y-%m}" if span > TREND else f"{each.month}月" for each in wanted]

    def line(*keys: str) -> list[Any]:
        return [queries.total(found[each], keys) if found[each] else None for each in wanted]

    shares = [None if (part := board.share(found[each], "payments", each)) is None else 100 * part for each in wanted]
    spent = [queries.spent(found[each]) / 10_000 if found[each] else None for each in wanted]
    paid = len(area) <= 6  # payrolls are a county's
    drawn = [
        (_("保障对象"), _("人，每月1日"), charts.line_chart(labels, [
            (_("城市低保"), line("dibao.urban.people")), (_("农村低保"), line("dibao.rural.people")), (_("特困"), line("tekun.urban.people", "tekun.rural.people")),
        ], title=_("保障对象人数"), zero=True), [_("城市低保"), _("农村低保"), _("特困")]),
        (_("救助资金支出"), _("万元，扣除退票"), charts.line_chart(labels, [(_("支出"), spent)], title=_("救助资金支出"), zero=True), []),
        *([(_("10日前到账"), _("占当月应发放，%"), charts.line_chart(labels, [(_("按时到账"), shares)], title=_("10日前到账的比例"), zero=True), [])] if paid else []),
        (_("主动发现"), _("条"), charts.line_chart(labels, [(_("新增线索"), line("leads.signals")), (_("已救助"), line("leads.helped"))], title=_("救助线索"), zero=True),
         [_("新增线索"), _("已救助")]),
    ]  # fmt: skip
    below = {code: queries.total(given, queries.ASSISTED) for code, given in queries.sums_below(area, month).items()}
    places.preload(below)
    where: str = ""
    if len(area) == 2:
        where = charts.tile_map(dict(below), title=_("低保和特困对象"), unit=_("人"))
    elif below:
        where = charts.bar_chart([(places.name(code), value) for code, value in below.items()], title=_("低保和特困对象"), unit=_("人"))
    now, before = found.get(month, {}), found.get(queries.month_before(month), {})
    context = {
        "area": area, "above": above(area), "month": month, "months": counted, "charts": drawn if any(found.values()) else [], "where": where, "span": span,
        "below": [(code, places.name(code), value) for code, value in below.items()], "deeper": len(area) < 6, "figures": _figures(area, month, now, before),
        "explained": board.explained(["payments"] if paid else []),
    }  # fmt: skip
    return render(request, "reports/trends.html", context)


@require_GET
def public(request: HttpRequest) -> HttpResponse:
    """Recipients by place of the latest month that is closed, for everybody: small numbers are withheld, and none alone."""
    area = request.GET.get("area", places.PROVINCE)
    if area != places.PROVINCE and not (len(area) == 4 and area in charts.TILES):
        raise Http404
    today = timezone.localdate()
    with scopes.acting(scopes.Scope(area=area, page="public statistics")):
        counted = queries.months(area)
        closed = [month for month in counted if services.closed(month, today)]
        month = closed[0] if closed else None
        shown: list[tuple[str, str, str]] = []
        if month:
            below = {code: queries.total(given, queries.ASSISTED) for code, given in queries.sums_below(area, month).items()}
            places.preload(below)
            shown = [(code, places.name(code), queries.share_label(value)) for code, value in queries.published(below).items()]
    context = {"area": area, "whole": area == places.PROVINCE, "place": places.name(area), "month": month, "rows": shown, "few": queries.FEW}
    answer = render(request, "reports/public.html", context)
    patch_cache_control(answer, public=True, max_age=300)
    patch_vary_headers(answer, ["Cookie", "Accept-Language"])
    return answer


def _figures(area: str, month: date, now: queries.Sums, before: queries.Sums) -> list[dict[str, Any]]:
    url = reverse("reports:statistics") + "?" + urlencode({"area": area, "month": f"{month:%Y-%m}"})
    people, earlier = queries.total(now, queries.ASSISTED), queries.total(before, queries.ASSISTED)
    share = board.percent(board.share(now, "payments", month))
    change = _("比上月 %(change)s 人") % {"change": f"{people - earlier:+,.0f}"} if before else ""
    paid = {
        "label": _("10日前到账率"), "value": share, "unit": "", "note": _("4.3　到账额占应发放额"),
        "url": "" if share == "—" else queries.number_url("in_time.yuan", area, month),
    }  # fmt: skip
    return [
        {"label": _("低保和特困对象"), "value": f"{people:,.0f}", "unit": _("人"), "url": url, "note": change},
        {"label": _("本月支出"), "value": f"{queries.spent(now) / 10_000:,.2f}", "unit": _("万元"), "url": url},
        *([paid] if len(area) <= 6 else []),  # payrolls are a county's
        {"label": _("新增线索"), "value": f"{now.get('leads.signals', 0):,.0f}", "unit": _("条"), "url": queries.number_url("leads.signals", area, month)},
    ]  # fmt: skip
