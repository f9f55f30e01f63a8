"""Calls for volunteers: the list, a new one, one with who comes."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.core import audit, duties, numbers, places
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.volunteering import board_queries as queries
from doudi.volunteering import codes
from doudi.volunteering.board_forms import AttendanceForm, CallForm
from doudi.volunteering.models import Call
from doudi.volunteering.services import board


class CallFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=Call.State.choices, empty_label=gettext_lazy("全部"))
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = Call
        fields: list[str] = []


class Calls(ListPage):
    title = gettext_lazy("志愿者召集")
    act = "board.view"
    crumbs = ((gettext_lazy("社会力量"), ""),)
    filters = CallFilter
    order = ("-made_at", "-id")
    subject = "call_for_volunteers"
    template = "volunteering/calls.html"
    empty_title = gettext_lazy("没有召集")
    empty_hint = gettext_lazy("突发事件需要人手时，按地区、技能和人数召集；符合条件的志愿者各收到一次通知，人数够了自动停止。")
    columns = (
        Column(gettext_lazy("召集事项"), "title", small=lambda row: row.number, url=lambda row: reverse("volunteering:call", args=[row.pk])),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("集合地点"), "place"),
        Column(gettext_lazy("人数"), lambda row: f"{row.coming} / {row.wanted}", small=lambda row: _("已通知 %(called)d 人") % {"called": row.called}),
        Column(gettext_lazy("截止时间"), lambda row: f"{timezone.localtime(row.until):%Y-%m-%d %H:%M}", sort="until"),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: queries.CALL_COLOURS[row.state]),
    )

    def rows(self) -> QuerySet[Call]:
        return queries.calls()

    def context(self) -> dict[str, Any]:
        return {"may_call": duties.may("board.call")}


@may("board.call")
def new(request: HttpRequest) -> HttpResponse:
    form = CallForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = board.call_volunteers(**form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已召集，通知了 %(called)d 名志愿者。") % {"called": row.called})
            return redirect("volunteering:call", call_id=row.pk)
    return render(request, "volunteering/call_new.html", {"form": form}, status=422 if form.errors else 200)


@may("board.view")
def call(request: HttpRequest, call_id: int) -> HttpResponse:
    """One call: how many were told, who comes (their phones to whoever called them, recorded), and stopping it."""
    row = get_object_or_404(queries.calls().select_related("emergency"), pk=call_id)
    problem = ""
    attendance = AttendanceForm(request.POST if "phone" in request.POST else None)
    if request.method == "POST" and attendance.is_bound:
        if attendance.is_valid():
            try:
                activity, signed = board.keep_attendance(call_id=row.pk, **attendance.cleaned_data, now=timezone.now())
            except ValidationError as error:
                errors_into(attendance, error)
            else:
                messages.success(request, _("已建立签到活动，登记了 %(signed)d 名答复参加的志愿者。") % {"signed": signed})
                return redirect("volunteering:activity", activity.pk)
    elif request.method == "POST":
        duties.require("board.call")
        version = request.POST.get("version", "")
        try:
            board.stop_call(call_id=row.pk, version=int(version) if version.isdigit() and len(version) < 9 else -1, reason=request.POST.get("reason", ""), now=timezone.now())
        except ValidationError as error:
            problem = " ".join(error.messages)
        else:
            messages.success(request, _("已停止召集，没有答复的志愿者会收到通知。"))
            return redirect("volunteering:call", call_id=row.pk)
    manage = duties.may("board.call")
    people = queries.coming(row) if manage else []
    if people:
        audit.record_access(what="open", subject="call_for_volunteers", subject_id=row.pk, area=row.area)
    said = queries.replies(row)
    desc = [
        (_("地区"), "".join(places.path(row.area, above=4))), (_("集合地点"), row.place), (_("做什么、带什么"), row.words, True),
        (_("需要的技能"), codes.words(row.skills, codes.SKILLS) or _("不限")), (_("年龄"), _("只限成年人") if row.adults else _("不限，未成年人须经监护人同意")),
        (_("截止时间"), f"{timezone.localtime(row.until):%Y-%m-%d %H:%M}"),
        (_("召集人"), f"{row.made_by.name if row.made_by else _('系统')}　{timezone.localtime(row.made_at):%Y-%m-%d %H:%M}"),
    ]  # fmt: skip
    if row.emergency:
        desc.append((_("所属应急状态"), row.emergency.title))
    if row.reason:
        desc.append((_("停止原因"), row.reason, True))
    figures = [
        {"label": _("需要"), "value": f"{row.wanted:,}", "unit": _("人")}, {"label": _("参加"), "value": f"{row.coming:,}", "unit": _("人")},
        {"label": _("不参加"), "value": f"{said.get('declined', 0):,}", "unit": _("人")}, {"label": _("未答复"), "value": f"{said.get('called', 0):,}", "unit": _("人")},
    ]  # fmt: skip
    context = {
        "row": row, "desc": desc, "figures": figures, "colour": queries.CALL_COLOURS[row.state], "problem": problem, "may_stop": manage and row.state in ("open", "enough"),
        "manage": manage, "attendance": attendance, "activity": board.attendance_of(row),
        "may_keep": manage and duties.may("volunteering.activities") and bool(row.coming),
        "people": [
            {"name": each.volunteer.name, "number": each.volunteer.number, "phone": ui.mask_phone(numbers.plain(each.volunteer.phone)), "at": each.replied_at}
            for each in people
        ],
    }  # fmt: skip
    return render(request, "volunteering/call.html", context, status=422 if problem or attendance.errors else 200)
