"""The public report (强制报告): without sign-in, without script; and what came of reports, for those who work on cases."""

from __future__ import annotations

import secrets
from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from doudi.core import audit, places, public
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.models import Division
from doudi.core.settings_overlay import get_setting
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.protection import services
from doudi.protection.forms import SettleForm
from doudi.protection.models import Report
from doudi.protection.public_forms import ReportForm, counties
from doudi.protection.services.reporting import SUBJECT, WHAT, place_scope

PAGE = "report"
STATES = {"opened": "green", "joined": "", "waiting": "orange", "settled": "gray"}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    """First the county, then the report. The answer is a receipt number, whatever is known of the minor."""
    county = request.GET.get("county", "")
    if len(county) != 6 or not county.isascii() or not Division.objects.filter(code=county, level="county", ends__isnull=True).exists():
        return render(request, "protection/public_where.html", {"cities": counties()})
    now, name = timezone.now(), places.name(county)
    form = ReportForm(request.POST or None, county=county)
    if request.method != "POST":
        return render(request, "protection/public_report.html", {"form": form, "county": name})
    valid = form.is_valid()
    with scopes.acting(place_scope(county)):
        most = int(get_setting("procedure.protection.report_limit", county, timezone.localdate(now)))
    if not public.allowed(request, page=PAGE if valid else f"{PAGE}.wrong", most=most if valid else most * 5, now=now):
        return render(request, "protection/public_full.html", {}, status=429)
    if valid and form.uuid is not None:
        if form.trapped:
            return _receipt(request, f"BG{timezone.localdate(now):%Y%m%d}{secrets.randbelow(90000) + 10000}")
        try:
            return _receipt(request, services.receive_report(uuid=form.uuid, area=form.cleaned_data["area"], told=form.told(), now=now))
        except ValidationError as error:
            errors_into(form, error)
    return render(request, "protection/public_report.html", {"form": form.fresh(), "county": name}, status=422)


def _receipt(request: HttpRequest, number: str) -> HttpResponse:
    return render(request, "protection/public_done.html", {"receipt": number})


class ReportFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=Report.State.choices, empty_label=gettext_lazy("全部"))
    reporter_kind = django_filters.ChoiceFilter(label=gettext_lazy("报告单位"), choices=Report.Reporter.choices, empty_label=gettext_lazy("全部"))
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = Report
        fields: list[str] = []


class Reports(ListPage):
    title = gettext_lazy("强制报告")
    act = "protection.reports"
    crumbs = ((gettext_lazy("未成年人保护"), ""),)
    filters = ReportFilter
    order = (F("settled_at").asc(nulls_first=True), "-received_at", "id")  # type: ignore[assignment]
    subject = SUBJECT
    exports = False
    empty_title = gettext_lazy("没有符合条件的报告")
    empty_hint = gettext_lazy("学校、医院、公安等通过公开页面报告的，列在这里；已立案的由接案人办理。")
    columns = (
        Column(gettext_lazy("回执号"), "receipt", kind="code", url=lambda row: reverse("protection:report", args=[row.pk])),
        Column(gettext_lazy("收到时间"), "received_at", kind="day", sort="received_at"),
        Column(gettext_lazy("报告单位"), "get_reporter_kind_display"),
        Column(gettext_lazy("情况"), lambda row: str(WHAT[row.harm][0])),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("紧急程度"), "get_urgency_display", kind="tag", colour=lambda row: {"red": "red", "orange": "orange"}.get(row.urgency, "")),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: STATES[row.state]),
    )

    def rows(self) -> QuerySet[Report]:
        return Report.objects.all()


@may("protection.reports")
def show(request: HttpRequest, report_id: int) -> HttpResponse:
    """One report; one that waits is joined to a case or settled with what was found out."""
    row = get_object_or_404(Report.objects.select_related("case"), pk=report_id)
    if request.method == "GET":
        audit.record_access(what="open", subject=SUBJECT, subject_id=row.pk, area=row.area)
    form = SettleForm(request.POST or None) if row.state == Report.State.WAITING or request.method == "POST" else None
    if request.method == "POST" and form is not None and form.is_valid():
        try:
            services.settle_report(report_id=row.pk, now=timezone.now(), **form.cleaned_data)
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已核对。"))
            return redirect("protection:report", report_id=row.pk)
    desc: list[tuple[Any, ...]] = [
        (_("情况"), WHAT[row.harm][0]), (_("收到时间"), ui.day(row.received_at)), (_("地区"), ui.area_name(row.area)), (_("孩子现在在哪里"), row.where),
        (_("孩子姓名"), row.child_name), (_("年龄"), row.age), (_("报告单位"), f"{row.get_reporter_kind_display()}　{row.organisation}"),
        (_("身边没有大人"), _("是") if row.alone else _("否")), (_("看到、听到的情况"), row.what, True),
    ]  # fmt: skip
    if row.note:
        desc.append((_("核对情况"), row.note, True))
    context = {"row": row, "desc": desc, "form": form, "colour": STATES[row.state]}
    return render(request, "protection/report.html", context, status=422 if form is not None and form.errors else 200)


@require_POST
@may("protection.view")
def reporter(request: HttpRequest, report_id: int) -> HttpResponse:
    """Who reported, for those who work on the case; recorded."""
    try:
        name, phone = services.reveal_reporter(report_id=report_id)
    except (PermissionDenied, ValidationError) as error:
        return HttpResponse(str(error), status=404)
    return HttpResponse(format_html('<span class="rv">{}</span>', "　".join(each for each in (name, phone) if each) or _("没有留下")))
