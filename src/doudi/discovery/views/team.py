"""Pages of the discovery team: roster, members, import, and the report by phone."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import django_filters
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from doudi.core import audit, duties, numbers
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage, PrefixFilter
from doudi.core.middleware import takes
from doudi.core.models import MessageOptOut
from doudi.core.services.messages import opt_in, opt_out
from doudi.core.sheets import on_disk
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.discovery import services, team_queries
from doudi.discovery.models import Lead, TeamMember
from doudi.discovery.services import team_import
from doudi.discovery.team_forms import EndForm, MemberForm, RosterForm, TeamReportForm, TrainForm


class MemberFilter(django_filters.FilterSet):
    name = PrefixFilter(label=gettext_lazy("姓名"))
    kind = django_filters.ChoiceFilter(label=gettext_lazy("队员类别"), choices=TeamMember.Kind.choices, empty_label=gettext_lazy("全部"))
    area = AreaFilter(label=gettext_lazy("地区"))
    left = django_filters.BooleanFilter(label=gettext_lazy("含已离队"), method="with_left", widget=forms.CheckboxInput)

    class Meta:
        model = TeamMember
        fields: list[str] = []

    def with_left(self, rows: QuerySet[TeamMember], name: str, value: bool | None) -> QuerySet[TeamMember]:
        return rows if value else rows.filter(ends__isnull=True)


class Team(ListPage):
    title = gettext_lazy("主动发现队伍")
    act = "discovery.roster"
    crumbs = ((gettext_lazy("主动发现"), ""),)
    filters = MemberFilter
    order = ("area", "name", "id")
    template = "discovery/team.html"
    subject = "team"
    empty_title = gettext_lazy("辖区内还没有登记主动发现队员")
    empty_hint = gettext_lazy("逐人登记，或下载模板填好名册后导入。")
    columns = (
        Column(gettext_lazy("姓名"), "name", kind="code", url=lambda row: reverse("discovery:team_member", args=[row.pk]), drawer=True),
        Column(gettext_lazy("队员类别"), "get_kind_display", small=lambda row: row.organisation),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("联系电话"), lambda row: ui.mask_phone(numbers.plain(row.phone)), kind="code"),
        Column(gettext_lazy("账号"), lambda row: row.account.username if row.account else ""),
        Column(gettext_lazy("最近培训"), "trained_on", kind="day"),
        Column(gettext_lazy("报告"), "reports", kind="number"),
        Column(gettext_lazy("加入"), "starts", kind="day"),
        Column(gettext_lazy("离队"), "ends", kind="day"),
    )

    def rows(self) -> QuerySet[TeamMember]:
        return team_queries.members()

    def context(self) -> dict[str, Any]:
        return {"figures": team_queries.roster_counts(), "may_enrol": duties.may("discovery.team")}


@may("discovery.team")
def new(request: HttpRequest) -> HttpResponse:
    form = MemberForm(request.POST or None, initial={"starts": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        try:
            made = services.enrol_member(**form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已登记队员 %(name)s。") % {"name": made.name})
            return redirect("discovery:team")
    return render(request, "discovery/team_new.html", {"form": form}, status=422 if form.errors else 200)


@require_GET
@may("discovery.team")
def template(request: HttpRequest) -> HttpResponse:
    response = HttpResponse(team_import.template(), content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote('主动发现队伍名册模板.xlsx')}"
    return response


@takes(5)
@may("discovery.team")
def upload(request: HttpRequest) -> HttpResponse:
    """The roster from a sheet: all rows, or the list of what is wrong."""
    form = RosterForm(request.POST or None, request.FILES or None)
    said: list[str] = []
    if request.method == "POST" and form.is_valid():
        try:
            with on_disk(form.cleaned_data["file"], team_import.LAYOUT) as path:
                roster = services.import_roster(path=path, on=timezone.localdate(), now=timezone.now())
        except ValidationError as error:
            form.add_error("file", error)
        else:
            if not roster.errors:
                words = _("已登记 %(new)d 名队员；%(known)d 名原已在册，未重复登记。")
                messages.success(request, words % {"new": len(roster.members), "known": roster.known})
                return redirect("discovery:team")
            said = roster.errors
            form.add_error("file", _("有 %(count)d 处不合格，没有登记任何人；请更正后重新上传。") % {"count": len(said)})
    context = {"form": form, "said": said[:100], "more": max(0, len(said) - 100), "columns": team_import.LAYOUT.noted()}
    return render(request, "discovery/team_import.html", context, status=422 if form.errors else 200)


def _member_page(request: HttpRequest, found: TeamMember, *, end: EndForm | None = None, train: TrainForm | None = None) -> HttpResponse:
    refused = bool((end and end.errors) or (train and train.errors))
    today = timezone.localdate()
    may_change = duties.may("discovery.team") and found.ends is None
    reports = Lead.objects.filter(member=found).select_related("merged_into", "person", "household").order_by("-signal_at", "-id")
    rows = [
        (_("队员类别"), found.get_kind_display()),  # type: ignore[attr-defined]
        (_("地区"), ui.area_name(found.area)),
        (_("所在单位"), found.organisation or ui.NOTHING),
        (_("联系说明"), found.contact or ui.NOTHING),
        (_("账号"), found.account.username if found.account else _("没有账号，由经办人代为登记报告")),
        (_("在队"), f"{found.starts} — {found.ends or ''}"),
    ]
    context = {
        "member": found,
        "rows": rows,
        "masked": ui.mask_phone(numbers.plain(found.phone)),
        "trainings": list(found.trainings.order_by("-on", "-id")[:50]),
        "reports": team_queries.said(list(reports[:50])),
        "end": end or (EndForm(initial={"version": found.version, "ends": today}) if may_change else None),
        "train": train or (TrainForm(initial={"on": today}) if may_change else None),
        "out": MessageOptOut.objects.filter(phone=found.phone, ended_at__isnull=True).first(),
        "may_change": may_change,
        "may_report": may_change and duties.may("discovery.report"),
    }
    return render(request, "discovery/team_member.html", context, status=422 if refused else 200)


@may("discovery.roster")
def member(request: HttpRequest, member_id: int) -> HttpResponse:
    return _member_page(request, get_object_or_404(TeamMember.objects.select_related("account"), pk=member_id))


@require_POST
@may("discovery.team")
def end(request: HttpRequest, member_id: int) -> HttpResponse:
    found = get_object_or_404(TeamMember, pk=member_id)
    form = EndForm(request.POST)
    if form.is_valid():
        try:
            services.end_member(member_id=member_id, version=form.cleaned_data["version"], ends=form.cleaned_data["ends"], now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已办理离队。"))
            return redirect("discovery:team_member", member_id=member_id)
    return _member_page(request, found, end=form)


@require_POST
@may("discovery.team")
def wants_messages(request: HttpRequest, member_id: int) -> HttpResponse:
    """Whether the member's phone gets messages about what became of reports."""
    found = get_object_or_404(TeamMember, pk=member_id)
    if request.POST.get("want") == "1":
        opt_in(phone=found.phone, now=timezone.now())
        messages.success(request, _("已恢复接收短信。"))
    else:
        opt_out(phone=found.phone, area=found.area, now=timezone.now())
        messages.success(request, _("已登记：不再向此电话发送短信。"))
    return redirect("discovery:team_member", member_id=member_id)


@require_POST
@may("discovery.team")
def train(request: HttpRequest, member_id: int) -> HttpResponse:
    found = get_object_or_404(TeamMember, pk=member_id)
    form = TrainForm(request.POST)
    if form.is_valid():
        try:
            made = services.record_training(member_ids=[member_id], **form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已记录培训。") if made else _("这次培训已经记录过。"))
            return redirect("discovery:team_member", member_id=member_id)
    return _member_page(request, found, train=form)


@require_POST
@may("discovery.roster")
def reveal(request: HttpRequest, member_id: int) -> HttpResponse:
    """A member's whole phone number, after its access record is committed."""
    if not duties.may("discovery.team"):
        raise PermissionDenied(_("您的岗位不能查看完整信息。"))
    found = get_object_or_404(TeamMember, pk=member_id)
    audit.record_access(what="reveal", subject="team", subject_id=found.pk, area=found.area, field="phone")
    return HttpResponse(format_html('<span class="rv">{}</span>', numbers.plain(found.phone)))


@may("discovery.report")
def report(request: HttpRequest) -> HttpResponse:
    """The report by phone; with `member`, an officer's for a member without an account."""
    asked = request.GET.get("member", "")
    behalf = None
    if asked.isascii() and asked.isdigit() and len(asked) < 19:
        duties.require("discovery.team")
        behalf = get_object_or_404(TeamMember, pk=int(asked), ends__isnull=True)
    initial = {"area": behalf.area} if behalf else {}
    form = TeamReportForm(request.POST or None, request.FILES or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        photo = given.pop("photo")
        try:
            made = services.report_by_team(
                **given, photos=[(photo.name, photo.read())] if photo else [], member_id=behalf.pk if behalf else None, now=timezone.now()
            )
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已收到报告 %(number)s，谢谢。办理结果可在“我的报告”查看。") % {"number": made.number})
            return redirect("discovery:team_member", member_id=behalf.pk) if behalf else redirect("discovery:team_reports")
    return render(request, "discovery/team_report.html", {"form": form, "behalf": behalf}, status=422 if form.errors else 200)


@require_GET
@may("discovery.report")
def reports(request: HttpRequest) -> HttpResponse:
    """My reports, and what became of them."""
    return render(request, "discovery/team_reports.html", {"rows": team_queries.reports_of(account_id=request.user.pk)})  # type: ignore[arg-type]
