"""Pages of aid to vagrants: who stays at the station, intake, search, leaving."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from doudi.core import audit, duties
from doudi.core.forms import errors_into
from doudi.core.lists import Column, ListPage, PrefixFilter
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.relief.care_forms import IntakeForm, LeaveForm, SearchForm, StayForm
from doudi.relief.models import VagrantCase
from doudi.relief.services import vagrants


class VagrantFilter(django_filters.FilterSet):
    name = PrefixFilter(label=gettext_lazy("姓名"))
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=VagrantCase.State.choices, empty_label=gettext_lazy("全部"))

    class Meta:
        model = VagrantCase
        fields: list[str] = []


class Vagrants(ListPage):
    title = gettext_lazy("流浪乞讨人员救助")
    act = "vagrants.view"
    subject = "vagrant"
    crumbs = [(gettext_lazy("急难救助"), "")]
    filters = VagrantFilter
    order = ("-state", "stay_until", "id")
    template = "relief/vagrants.html"
    empty_title = gettext_lazy("没有受助人员")
    empty_hint = gettext_lazy("进站后在这里登记，寻亲、离站和交接都记在同一件上。")
    columns = [
        Column(gettext_lazy("姓名"), "name", url=lambda row: reverse("relief:vagrant", args=[row.pk]), small=lambda row: _("代称") if row.named_by_station else None),
        Column(gettext_lazy("救助管理站"), "station"),
        Column(gettext_lazy("性别"), "get_sex_display"),
        Column(gettext_lazy("年龄"), "age", kind="number"),
        Column(gettext_lazy("进站"), lambda row: timezone.localtime(row.arrived_at), kind="day", sort="arrived_at"),
        Column(gettext_lazy("在站期限"), lambda row: row.stay_until if row.state == "staying" else None, kind="due", sort="stay_until"),
        Column(gettext_lazy("亲属或流出地"), "origin"),
        Column(gettext_lazy("状态"), lambda row: row.get_leaving_display() or row.get_state_display(), kind="tag",
               colour=lambda row: "orange" if row.state == "staying" else "green"),
    ]  # fmt: skip

    def rows(self) -> QuerySet[VagrantCase]:
        return VagrantCase.objects.all()

    def context(self) -> dict[str, Any]:
        return {"may_record": duties.may("vagrants.record")}


@may("vagrants.record")
def vagrant_new(request: HttpRequest) -> HttpResponse:
    last = VagrantCase.objects.order_by("-pk").values_list("station", flat=True).first()
    form = IntakeForm(request.POST or None, initial={"station": last or ""})
    if request.method == "POST" and form.is_valid():
        try:
            row, fresh = vagrants.take_in(**form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已登记进站。") if fresh else _("此前已登记，没有重复登记。"))
            return redirect("relief:vagrant", row.pk)
    return render(request, "relief/vagrant_new.html", {"form": form}, status=422 if form.errors else 200)


def found(pk: int) -> VagrantCase:
    row = VagrantCase.objects.select_related("made_by", "closed_by", "extended_by").filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


def vagrant_page(request: HttpRequest, row: VagrantCase, *, status: int = 200, **forms: Any) -> HttpResponse:
    audit.record_access(what="open", subject="vagrant", subject_id=row.pk, area=row.area)
    staying = row.state == VagrantCase.State.STAYING
    desc: list[tuple[Any, ...]] = [
        (_("编号"), row.number), (_("救助管理站"), row.station), (_("性别"), row.get_sex_display()), (_("年龄"), row.age),
        (_("发现地点"), row.found_place), (_("由谁送来"), row.brought_by), (_("进站时间"), ui.day(row.arrived_at)),
        (_("在站期限"), ui.due(row.stay_until) if staying else ui.day(row.stay_until)), (_("亲属或流出地"), row.origin or ui.NOTHING),
        (_("身体状况和随身物品"), row.condition or ui.NOTHING, True),
    ]  # fmt: skip
    if row.extended_reason:
        desc.append((_("延长原因"), f"{row.extended_reason}（{row.extended_by}）", True))
    handed = []
    if not staying:
        handed = [
            (_("离站方式"), row.get_leaving_display()), (_("离站时间"), ui.day(row.left_at)), (_("去向"), row.left_to or ui.NOTHING),
            (_("接收人"), f"{row.receiver} {row.receiver_unit}".strip() or ui.NOTHING), (_("护送（移交）人"), row.handed_over_by or ui.NOTHING),
            (_("登记人"), row.closed_by), (_("备注"), row.note or ui.NOTHING, True),
        ]  # fmt: skip
    context: dict[str, Any] = {
        "row": row, "desc": desc, "handed": handed, "staying": staying, "searches": list(row.searches.select_related("made_by").order_by("-on", "-pk")),
        "may_record": staying and duties.may("vagrants.record"), "may_extend": staying and duties.may("vagrants.extend"),
        "search": SearchForm(), "leave": LeaveForm(), "stay": StayForm(),
    } | forms  # fmt: skip
    return render(request, "relief/vagrant.html", context, status=status)


@require_GET
@may("vagrants.view")
def vagrant(request: HttpRequest, pk: int) -> HttpResponse:
    return vagrant_page(request, found(pk))


def _posted(request: HttpRequest, pk: int, name: str, form: Any, service: Any, done: str) -> HttpResponse:
    row = found(pk)
    if form.is_valid():
        try:
            service(vagrant_id=pk, **form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, done)
            return redirect("relief:vagrant", pk)
    return vagrant_page(request, row, status=422, **{name: form})


@require_POST
@may("vagrants.record")
def vagrant_search(request: HttpRequest, pk: int) -> HttpResponse:
    return _posted(request, pk, "search", SearchForm(request.POST), vagrants.search, _("已记录寻亲情况。"))


@require_POST
@may("vagrants.record")
def vagrant_leave(request: HttpRequest, pk: int) -> HttpResponse:
    return _posted(request, pk, "leave", LeaveForm(request.POST), vagrants.leave, _("已登记离站。"))


@require_POST
@may("vagrants.extend")
def vagrant_extend(request: HttpRequest, pk: int) -> HttpResponse:
    return _posted(request, pk, "stay", StayForm(request.POST), vagrants.extend_stay, _("已延长在站期限。"))

