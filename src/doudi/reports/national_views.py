"""Pages of the export to the national low-income platform: make it, fetch it, see which rows lack something."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

import django_filters
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Max, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.lists import AreaFilter, Column, ListPage, page_of
from doudi.core.tasks import start_task
from doudi.core.views.access import may
from doudi.registry.queries import shown_name
from doudi.reports import national
from doudi.reports.asking import place_of
from doudi.reports.models import NationalExport, NationalFault
from doudi.reports.queries import last_months

MONTHS = 13


@require_http_methods(["GET", "POST"])
@may("reports.national")
def exports(request: HttpRequest) -> HttpResponse:
    """Files made so far, and the button that makes one in the background."""
    area, today = place_of(request)[:6], timezone.localdate()
    months = last_months(today, MONTHS)[::-1]
    if request.method == "POST":
        try:
            month = date.fromisoformat(f"{request.POST.get('month', '')}-01")
        except ValueError:
            month = None
        if month is None or month > today:
            messages.error(request, _("请选择已经开始的月份。"))
            return redirect(request.get_full_path())
        task = start_task(
            path="doudi.reports.tasks.national_export", title=_("%(place)s%(month)s低收入人口上报文件") % {"place": places.name(area), "month": f"{month:%Y-%m}"},
            arguments={"area": area, "month": month.isoformat()}, url=reverse("reports:national"), now=timezone.now(),
        )  # fmt: skip
        return redirect("task", pk=task.pk)
    number = request.GET.get("page", "1")
    rows = NationalExport.objects.filter(area__gte=area, area__lt=area + ":").select_related("made_by").order_by("-made_at", "-id")
    page = page_of(rows, int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 1)
    places.preload(row.area for row in page.rows)
    context = {"area": area, "place": places.name(area), "months": months, "page": page, "layout": national.PARTS.items()}
    return render(request, "reports/national.html", context)


@require_GET
@may("reports.national")
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The archive; recorded before it leaves."""
    row = NationalExport.objects.filter(pk=pk).first()
    if row is None:
        raise Http404
    try:
        blocks = national.opened(row)
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
        return redirect("reports:national")
    response = StreamingHttpResponse(blocks, content_type="application/zip")
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(f'{row.number}.zip')}"
    response["Cache-Control"] = "private, no-store"
    return response


class FaultFilter(django_filters.FilterSet):
    reason = django_filters.ChoiceFilter(label=gettext_lazy("问题"), choices=list(national.REASONS.items()), empty_label=gettext_lazy("全部"))
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = NationalFault
        fields: list[str] = []


class Faults(ListPage):
    """Rows that lack something: of the file asked for, else of the newest in which the reader's place has some."""

    title = gettext_lazy("上报问题数据")
    act = "reports.faults"
    crumbs = ((gettext_lazy("统计分析"), ""),)
    filters = FaultFilter
    order = ("area", "household_id", "id")
    subject = "national_fault"
    template = "reports/faults.html"
    empty_title = gettext_lazy("没有问题数据")
    empty_hint = gettext_lazy("生成上报文件时缺项或代码不对的人员会列在这里；补正后重新生成。")

    def get_columns(self) -> Sequence[Column]:
        return (
            Column(_("姓名"), lambda row: shown_name(row.name), url=lambda row: reverse("registry:household", args=[row.household_id])),
            Column(_("地区"), "area", kind="area"),
            Column(_("字段"), "field"),
            Column(_("问题"), lambda row: national.REASONS[row.reason]),
        )

    def _export(self) -> int | None:
        asked = self.request.GET.get("export_id", "")
        if asked.isascii() and asked.isdigit() and len(asked) < 18:
            return int(asked)
        found: int | None = NationalFault.objects.filter(area__gte=scopes.current().low, area__lt=scopes.current().high).aggregate(n=Max("export_id"))["n"]
        return found

    def rows(self) -> QuerySet[Any]:
        return NationalFault.objects.filter(export_id=self._export())

    def context(self) -> dict[str, Any]:
        return {"row": NationalExport.objects.filter(pk=self._export() or 0).first(), "may_export": duties.may("reports.national")}
