"""Pages of activities for officers: the list, publishing one, its shifts with who comes; records of hours and their correction."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import django_filters
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from doudi.core import duties
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.institutions.views.shared import do
from doudi.volunteering import codes, queries, services
from doudi.volunteering.forms import ActivityForm, CorrectForm, EvaluateForm, ShiftFields, TimesForm
from doudi.volunteering.models import Activity, ServiceRecord, Shift, SignUp
from doudi.volunteering.services.activities import LIVE, when
from doudi.volunteering.services.certificates import hours
from doudi.volunteering.views.organisations import _number


class ActivityFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=Activity.State.choices, empty_label=gettext_lazy("全部"))
    kind = django_filters.ChoiceFilter(label=gettext_lazy("服务类别"), choices=lambda: list(codes.SERVICES.items()), empty_label=gettext_lazy("全部"))
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = Activity
        fields: list[str] = []


class Activities(ListPage):
    title = gettext_lazy("志愿服务活动")
    act = "volunteering.view"
    crumbs = ((gettext_lazy("社会力量"), ""),)
    filters = ActivityFilter
    order = ("-id",)
    subject = "activity"
    template = "volunteering/activities.html"
    empty_title = gettext_lazy("没有符合条件的活动")
    empty_hint = gettext_lazy("发布活动和班次后，志愿者在公开页面报名；满员后自动候补。")
    columns = (
        Column(gettext_lazy("活动"), "title", url=lambda row: reverse("volunteering:activity", args=[row.pk]), small=lambda row: row.number),
        Column(gettext_lazy("类别"), lambda row: codes.SERVICES.get(row.kind, row.kind)),
        Column(gettext_lazy("组织方"), lambda row: row.organisation.name if row.organisation else _("民政部门组织")),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("报名"), lambda row: f"{row.taken or 0} / {row.capacity or 0}", kind="code"),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: queries.ACTIVITY_COLOURS[row.state]),
    )

    def rows(self) -> QuerySet[Activity]:
        return Activity.objects.select_related("organisation").annotate(taken=Sum("shifts__taken"), capacity=Sum("shifts__capacity"))

    def context(self) -> dict[str, Any]:
        return {"may_open": duties.may("volunteering.activities")}


@may("volunteering.activities")
def new(request: HttpRequest) -> HttpResponse:
    form = ActivityForm(queries.organisations_for_choice(), request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        organisation = given.pop("organisation")
        shift = services.NewShift(**{name: given.pop(name) for name in ("post", "starts", "ends", "capacity")})
        try:
            row = services.open_activity(**given, organisation_id=int(organisation) if organisation else None, shifts=[shift], now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已发布；可以在下面增加班次。"))
            return redirect("volunteering:activity", pk=row.pk)
    return render(request, "volunteering/activity_new.html", {"form": form}, status=422 if form.errors else 200)


def _page(request: HttpRequest, row: Activity, *, shift: ShiftFields | None = None) -> HttpResponse:
    now = timezone.now()
    manages, counts = duties.may("volunteering.activities"), duties.may("volunteering.hours")
    seen = duties.may("volunteering.people")
    desc: list[tuple[Any, ...]] = [
        (_("编号"), row.number), (_("类别"), codes.SERVICES.get(row.kind, row.kind)), (_("组织方"), row.organisation.name if row.organisation else _("民政部门组织")),
        (_("地区"), ui.area_name(row.area)), (_("集合地点"), row.place), (_("咨询电话"), row.phone), (_("做什么、带什么"), row.words, True),
        (_("需要的技能"), codes.words(row.skills, codes.SKILLS) or _("不限")), (_("未成年人"), _("可以参加") if row.minors else _("不参加")),
    ]  # fmt: skip
    if row.state_reason:
        desc.append((_("取消、退回的原因"), row.state_reason, True))
    shifts = []
    for each, people, served in queries.shifts_of(row):
        begun = each.starts <= now
        lines = [
            {
                "row": one, "record": served.get(one.volunteer_id), "hours": hours(served[one.volunteer_id].minutes or 0) if one.volunteer_id in served else "",
                "colour": queries.SIGNUP_COLOURS[one.state], "key": uuid4(),
                "ins": counts and one.state == SignUp.State.SIGNED and one.volunteer_id not in served and each.ends > now and each.cancelled_at is None,
                "absent": counts and one.state == SignUp.State.SIGNED and one.volunteer_id not in served and begun,
            }
            for one in people
        ]  # fmt: skip
        shifts.append({"shift": each, "when": when(each), "lines": lines if seen else [], "count": len(people), "over": each.ends <= now, "begun": begun})
    context = {
        "row": row, "desc": desc, "colour": queries.ACTIVITY_COLOURS[row.state], "shifts": shifts, "manages": manages, "counts": counts, "seen": seen,
        "events": queries.events(row), "live": row.state in LIVE, "proposed": row.state == Activity.State.PROPOSED,
        "add": (shift or ShiftFields()) if manages and row.state in LIVE else None,
    }  # fmt: skip
    return render(request, "volunteering/activity.html", context, status=422 if shift else 200)


@may("volunteering.view")
def activity(request: HttpRequest, pk: int) -> HttpResponse:
    """One activity with its shifts; POST adds a shift."""
    row = get_object_or_404(Activity.objects.select_related("organisation"), pk=pk)
    if request.method != "POST":
        return _page(request, row)
    form = ShiftFields(request.POST)
    if form.is_valid():
        try:
            services.add_shift(activity_id=pk, shift=services.NewShift(**form.cleaned_data), now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已增加班次。"))
            return redirect("volunteering:activity", pk=pk)
    return _page(request, row, shift=form)


@require_POST
@may("volunteering.activities")
def state(request: HttpRequest, pk: int) -> HttpResponse:
    act, version, now = request.POST.get("act", ""), _number(request.POST.get("version")), timezone.now()

    def go() -> None:
        if act == "cancel":
            services.cancel_activity(activity_id=pk, version=version, reason=request.POST.get("reason", ""), now=now)
        elif act in ("agree", "refuse"):
            services.decide_activity(activity_id=pk, version=version, agree=act == "agree", reason=request.POST.get("reason", ""), now=now)
        else:
            services.set_open(activity_id=pk, version=version, is_open=act == "open", now=now)

    return do(request, go, _("已办理。"), "volunteering:activity", pk)


@require_POST
@may("volunteering.view")
def attend(request: HttpRequest, pk: int, shift_id: int) -> HttpResponse:
    """Check somebody in or out, put them down as not come, or call the shift off."""
    shift = get_object_or_404(Shift, pk=shift_id, activity=pk)
    act, volunteer, now = request.POST.get("act", ""), _number(request.POST.get("volunteer")), timezone.now()

    def go() -> None:
        if act == "in":
            services.check_in(key=_key(request.POST.get("key")), shift_id=shift.pk, volunteer_id=volunteer, now=now)
        elif act == "out":
            services.check_out(shift_id=shift.pk, volunteer_id=volunteer, now=now)
        elif act == "absent":
            services.mark_no_show(signup_id=_number(request.POST.get("signup")), now=now)
        elif act == "cancel":
            services.cancel_shift(shift_id=shift.pk, reason=request.POST.get("reason", ""), now=now)
        else:
            raise ValidationError(_("请重新选择。"))

    return do(request, go, _("已办理。"), "volunteering:activity", pk)


def _key(text: str | None) -> UUID:
    try:
        return UUID(text or "")
    except ValueError:
        return uuid4()


@may("volunteering.hours")
def record_afterwards(request: HttpRequest, pk: int, shift_id: int, volunteer_id: int) -> HttpResponse:
    """Put down the time of somebody who came without checking in."""
    shift = get_object_or_404(Shift.objects.select_related("activity"), pk=shift_id, activity=pk)
    signup = get_object_or_404(SignUp.objects.select_related("volunteer"), shift=shift, volunteer=volunteer_id, state__in=SignUp.TAKING)
    form = TimesForm(request.POST or None, initial={"starts": shift.starts, "ends": shift.ends})
    if request.method == "POST" and form.is_valid():
        try:
            services.record_shift(key=_key(request.POST.get("key")), shift_id=shift.pk, volunteer_id=volunteer_id, **form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已补登时长。"))
            return redirect("volunteering:activity", pk=pk)
    context = {"shift": shift, "when": when(shift), "signup": signup, "form": form, "key": request.POST.get("key") or uuid4()}
    return render(request, "volunteering/record_new.html", context, status=422 if form.errors else 200)


class RecordFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=ServiceRecord.State.choices, empty_label=gettext_lazy("全部"))
    ended_by = django_filters.ChoiceFilter(label=gettext_lazy("签退方式"), choices=list(queries.BY.items()), empty_label=gettext_lazy("全部"))
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = ServiceRecord
        fields: list[str] = []


class Records(ListPage):
    title = gettext_lazy("服务时长")
    act = "volunteering.people"
    crumbs = ((gettext_lazy("社会力量"), ""),)
    filters = RecordFilter
    order = ("-starts", "id")
    subject = "service_record"
    exports = False
    template = "volunteering/records.html"
    empty_title = gettext_lazy("没有符合条件的服务记录")
    empty_hint = gettext_lazy("活动现场签到、签退，或需求确认办结后，时长记在这里；更正须写原因，原记录保留。")
    columns = (
        Column(gettext_lazy("志愿者"), "volunteer.name", url=lambda row: reverse("volunteering:record", args=[row.pk]), small=lambda row: row.volunteer.number),
        Column(gettext_lazy("活动或需求"), "title", small=lambda row: row.post),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("开始"), "starts", kind="day", sort="starts"),
        Column(gettext_lazy("结束"), "ends", kind="day"),
        Column(gettext_lazy("小时"), lambda row: hours(row.minutes) if row.minutes is not None else "", kind="code"),
        Column(gettext_lazy("签退方式"), lambda row: queries.BY.get(row.ended_by, "")),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: queries.RECORD_COLOURS[row.state]),
    )

    def rows(self) -> QuerySet[ServiceRecord]:
        return queries.here(ServiceRecord.objects.select_related("volunteer"))

    def context(self) -> dict[str, Any]:
        return {"may_export": duties.may("volunteering.export")}


@may("volunteering.people")
def record(request: HttpRequest, pk: int) -> HttpResponse:
    """One record with its corrections; POST corrects, voids or evaluates it."""
    row = get_object_or_404(ServiceRecord.objects.select_related("volunteer", "organisation", "recorded_by", "shift__activity"), pk=pk)
    act, now = request.POST.get("act", ""), timezone.now()
    may_change = duties.may("volunteering.hours") and row.state != ServiceRecord.State.VOID
    initial: dict[str, Any] = {"version": row.version, "starts": row.starts, "ends": row.ends or row.starts, "evaluation": row.evaluation or 5, "remark": row.remark or ""}
    correct = CorrectForm(request.POST if act == "correct" else None, initial=initial)
    evaluate = EvaluateForm(request.POST if act == "evaluate" else None, initial=initial)
    if act == "void":
        version, reason = _number(request.POST.get("version")), request.POST.get("reason", "")
        return do(request, lambda: services.void_record(record_id=pk, version=version, reason=reason, now=now), _("已作废。"), "volunteering:record", pk)
    for form, service in ((correct, services.correct), (evaluate, services.evaluate)):
        if form.is_bound and form.is_valid():
            try:
                service(record_id=pk, **form.cleaned_data, now=now)
            except ValidationError as error:
                errors_into(form, error)
            else:
                messages.success(request, _("已办理。"))
                return redirect("volunteering:record", pk=pk)
    desc: list[tuple[Any, ...]] = [
        (_("志愿者"), f"{row.volunteer.name}　{row.volunteer.number}"), (_("活动或需求"), row.title), (_("类别"), codes.SERVICES.get(row.kind, row.kind)),
        (_("组织方"), row.organisation.name if row.organisation else _("民政部门组织")), (_("地点"), row.place), (_("岗位"), row.post),
        (_("开始"), ui.day(row.starts)), (_("结束"), ui.day(row.ends)), (_("小时"), hours(row.minutes) if row.minutes is not None else _("服务中")),
        (_("签到方式"), queries.BY.get(row.recorded)), (_("签退方式"), queries.BY.get(row.ended_by)), (_("登记人"), row.recorded_by.name if row.recorded_by else ""),
        (_("评价"), f"{row.evaluation} / 5　{row.remark or ''}" if row.evaluation else _("还没有评价")),
    ]  # fmt: skip
    kept = [
        {
            "at": each.at, "title": _("作废") if each.void else _("更正"), "who": each.account.name if each.account else "",
            "note": _("%(reason)s（原为 %(starts)s 至 %(ends)s，%(hours)s 小时）")
            % {"reason": each.reason, "starts": ui.day(each.starts), "ends": ui.day(each.ends), "hours": hours(each.minutes or 0)},
        }
        for each in row.corrections.select_related("account").order_by("-id")[:50]
    ]  # fmt: skip
    context = {
        "row": row, "desc": desc, "kept": kept, "colour": queries.RECORD_COLOURS[row.state], "may_change": may_change, "correct": correct, "evaluate": evaluate,
    }  # fmt: skip
    return render(request, "volunteering/record.html", context, status=422 if correct.errors or evaluate.errors else 200)
