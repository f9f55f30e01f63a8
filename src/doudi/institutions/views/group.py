"""Pages of the task group (专项工作组)."""

from __future__ import annotations

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
from django.views.decorators.http import require_GET, require_POST

from doudi.core import audit, duties, numbers
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.core.views.telling import tell
from doudi.institutions import group_queries as queries
from doudi.institutions.group_forms import ActionForm, ChangeForm, GroupForm, MeetingForm, MemberForm, RosterForm
from doudi.institutions.models import GroupAction, GroupMeeting, GroupMember, TaskGroup
from doudi.institutions.models.group import Department
from doudi.institutions.services import group as services

EVENTS = {
    "set_up": gettext_lazy("成立"), "changed": gettext_lazy("修改资料"), "ended": gettext_lazy("结束"), "member": gettext_lazy("加入成员"),
    "unseated": gettext_lazy("退出成员"), "roster": gettext_lazy("排班"), "meeting": gettext_lazy("会议纪要"), "action_done": gettext_lazy("议定事项办结"),
    "action_dropped": gettext_lazy("议定事项不再办理"),
}  # fmt: skip


class GroupFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(
        label=gettext_lazy("状态"), choices=[("running", gettext_lazy("运行中")), ("ended", gettext_lazy("已结束"))], empty_label=gettext_lazy("全部"), method="by_state"
    )
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = TaskGroup
        fields: list[str] = []

    def by_state(self, rows: QuerySet[TaskGroup], name: str, value: str) -> QuerySet[TaskGroup]:
        return rows.filter(ended_at__isnull=value == "running") if value else rows


class Groups(ListPage):
    title = gettext_lazy("专项工作组")
    act = "group.view"
    crumbs = ((gettext_lazy("民政服务机构"), ""),)
    filters = GroupFilter
    order = (F("ended_at").desc(nulls_first=True), "-area", "-pk")  # type: ignore[assignment]
    subject = "task_group"
    template = "institutions/groups.html"
    empty_title = gettext_lazy("还没有专项工作组")
    empty_hint = gettext_lazy("由政府牵头成立，民政、卫生健康、疾控、应急管理等部门为成员；协调事项交给成员单位办理。")
    columns = (
        Column(gettext_lazy("名称"), "title", url=lambda row: reverse("institutions:group", args=[row.pk]), small=lambda row: row.emergency.title if row.emergency else ""),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("牵头负责人"), "led_by"),
        Column(gettext_lazy("值班电话"), "phone", kind="code"),
        Column(gettext_lazy("成员"), "people", kind="number"),
        Column(gettext_lazy("未办结议定事项"), "open_actions", kind="number", small=lambda row: _("超期 %(n)s") % {"n": row.late_actions} if row.late_actions else ""),
        Column(gettext_lazy("成立日期"), "starts", kind="day"),
        Column(
            gettext_lazy("状态"), lambda row: _("已结束") if row.ended_at else _("运行中"), kind="tag", colour=lambda row: "gray" if row.ended_at else "green"
        ),
    )

    def rows(self) -> QuerySet[TaskGroup]:
        return queries.groups(timezone.localdate())

    def context(self) -> dict[str, Any]:
        return {"may_manage": duties.may("group.manage")}


def _found(request: HttpRequest, group_id: int) -> TaskGroup:
    return get_object_or_404(TaskGroup.objects.select_related("emergency", "ended_by"), pk=group_id)


def _own(request: HttpRequest, group_id: int) -> TaskGroup:
    """The group, if it is of the officer's own area: one further up is read as far as its contacts."""
    row = _found(request, group_id)
    if not request.scope.covers(row.area):  # type: ignore[attr-defined]
        raise PermissionDenied(_("上级专项工作组只供查看联系方式。"))
    return row


def _members(row: TaskGroup) -> list[tuple[int, str]]:
    return [(each.pk, str(each)) for each in row.members.filter(ended_at__isnull=True).order_by("department", "role", "pk")]


def _form(request: HttpRequest, row: TaskGroup | None, form: Any, title: str, button: str, template: str = "institutions/group_form.html") -> HttpResponse:
    back = reverse("institutions:group", args=[row.pk]) if row else reverse("institutions:groups")
    return render(request, template, {"form": form, "group": row, "title": title, "button": button, "back": back}, status=422 if form.errors else 200)


@may("group.manage")
def new(request: HttpRequest) -> HttpResponse:
    """Set one up for the officer's own place."""
    area = request.scope.area  # type: ignore[attr-defined]
    form = GroupForm(request.POST, area=area) if request.method == "POST" else GroupForm(area=area)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            row = services.set_up(area=area, emergency_id=given.pop("emergency"), **given, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("专项工作组已成立；请登记成员、排值班表。"))
            return redirect("institutions:group", row.pk)
    return _form(request, None, form, _("成立专项工作组"), _("成立"))


@require_GET
@may("group.view")
def page(request: HttpRequest, group_id: int) -> HttpResponse:
    """Who is in it and how to reach them, who is on duty, what is to be done, what was met about."""
    row, on, acting = _found(request, group_id), timezone.localdate(), request.scope  # type: ignore[attr-defined]
    own = acting.covers(row.area)
    manage = own and row.ended_at is None and duties.may("group.manage")
    order = {code: place for place, code in enumerate((*GroupMember.Role.values, *Department.values))}
    members = sorted(row.members.filter(ended_at__isnull=True).select_related("account"), key=lambda each: (order[each.role], order[each.department], each.pk))
    days = queries.roster(row, on) if own and row.ended_at is None else []
    actions = list(row.actions.select_related("member", "meeting").order_by(F("ended_at").desc(nulls_first=True), "due", "pk")[:60]) if own else []
    desc = [
        (_("地区"), ui.area_name(row.area)), (_("政府牵头负责人"), row.led_by), (_("成立文件"), row.document), (_("应急状态"), row.emergency.title if row.emergency else _("常设")),
        (_("值班电话"), row.phone), (_("调度会"), row.rhythm or ui.NOTHING), (_("成立日期"), ui.day(row.starts)),
    ]  # fmt: skip
    if row.ended_at:
        desc.append((_("结束"), f"{ui.day(row.ended_at)} {row.ended_by or ''}：{row.end_reason}"))
    events = [
        {"at": each.at, "title": EVENTS.get(each.what, each.what), "who": each.account.name if each.account else _("系统"), "note": each.note}
        for each in (row.events.select_related("account").order_by("-id")[:30] if own else ())
    ]
    context = {
        "row": row, "own": own, "manage": manage, "desc": desc, "days": days, "gaps": queries.gaps(days), "events": events, "on": on,
        "members": [(each, ui.mask_phone(numbers.plain(each.phone))) for each in members],
        "actions": [(each, each.state == "open" and (manage or (each.member.account_id == acting.account_id and duties.may("group.act")))) for each in actions],
        "meetings": list(row.meetings.order_by("-held_at", "-pk")[:20]) if own else [],
        "form": ActionForm(members=[(each.pk, str(each)) for each in members]) if manage else None,
    }  # fmt: skip
    return render(request, "institutions/group.html", context)


@may("group.manage")
def change(request: HttpRequest, group_id: int) -> HttpResponse:
    row = _own(request, group_id)
    names = ("version", "title", "document", "led_by", "phone", "rhythm")
    form = ChangeForm(request.POST or None, initial={name: getattr(row, name) for name in names})
    if request.method == "POST" and form.is_valid():
        try:
            services.change(group_id=row.pk, **form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已修改。"))
            return redirect("institutions:group", row.pk)
    return _form(request, row, form, _("修改专项工作组"), _("保存"))


@require_POST
@may("group.manage")
def end(request: HttpRequest, group_id: int) -> HttpResponse:
    row, version = _own(request, group_id), request.POST.get("version", "")
    given = {"version": int(version) if version.isascii() and version.isdigit() and len(version) < 9 else -1, "reason": request.POST.get("reason", "")}
    tell(request, lambda: services.end(group_id=row.pk, **given, now=timezone.now()), lambda _row: _("专项工作组已结束。"))  # type: ignore[arg-type]
    return redirect("institutions:group", row.pk)


@may("group.manage")
def member_new(request: HttpRequest, group_id: int) -> HttpResponse:
    row = _own(request, group_id)
    form = MemberForm(request.POST or None, accounts=queries.accounts(row.area, timezone.localdate(), duties.MAY["group.act"]))
    if request.method == "POST" and form.is_valid():
        try:
            services.seat(group_id=row.pk, seats=[form.seat()], now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("%(name)s 已加入。") % {"name": form.cleaned_data["name"]})
            return redirect("institutions:group", row.pk)
    return _form(request, row, form, _("登记成员"), _("加入"))


@require_POST
@may("group.manage")
def member_end(request: HttpRequest, group_id: int, member_id: int) -> HttpResponse:
    row, reason = _own(request, group_id), request.POST.get("reason", "")
    tell(
        request,
        lambda: services.unseat(group_id=row.pk, member_id=member_id, reason=reason, now=timezone.now()),
        lambda gone: _("%(name)s 已退出；空出的值班请补排。") % {"name": gone.name},
    )
    return redirect("institutions:group", row.pk)


@require_POST
@may("group.view")
def phone(request: HttpRequest, group_id: int, member_id: int) -> HttpResponse:
    """A member's whole phone number, after its access record is committed; also of a group further up, whom one must be able to call."""
    found = get_object_or_404(GroupMember, pk=member_id, group_id=group_id)
    audit.record_access(what="reveal", subject="group_member", subject_id=found.pk, area=found.area, field="phone")
    return HttpResponse(format_html('<span class="rv">{}</span>', numbers.plain(found.phone)))


@may("group.manage")
def roster(request: HttpRequest, group_id: int) -> HttpResponse:
    row = _own(request, group_id)
    form = RosterForm(request.POST or None, members=_members(row))
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            services.set_roster(group_id=row.pk, starts=given["starts"], slot=given["slot"], days=given["days"], member_ids=given["members"], now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已排 %(n)s 天。") % {"n": given["days"]})
            return redirect("institutions:group", row.pk)
    return _form(request, row, form, _("排值班表"), _("排班"))


@may("group.manage")
def meeting_new(request: HttpRequest, group_id: int) -> HttpResponse:
    row = _own(request, group_id)
    form = MeetingForm(request.POST or None, members=_members(row))
    if request.method == "POST" and form.is_valid():
        try:
            made = services.minute(group_id=row.pk, **form.meeting(), decided=form.decided(), now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("会议纪要已保存，议定事项已交办。"))
            return redirect("institutions:group_meeting", row.pk, made.pk)
    return _form(request, row, form, _("登记会议纪要"), _("保存"), "institutions/meeting_form.html")


@require_GET
@may("group.view")
def meeting(request: HttpRequest, group_id: int, meeting_id: int) -> HttpResponse:
    """The minutes; opening is recorded, since they may speak of people."""
    row = _own(request, group_id)
    found = get_object_or_404(GroupMeeting.objects.select_related("made_by"), pk=meeting_id, group=row)
    audit.record_access(what="open", subject="group_meeting", subject_id=found.pk, area=found.area)
    desc = [
        (_("时间"), ui.day(found.held_at)), (_("地点"), found.place), (_("主持人"), found.chaired_by), (_("记录"), f"{found.made_by or ''} {ui.day(found.made_at)}"),
        (_("出席人员"), found.present, True),
    ]  # fmt: skip
    return render(request, "institutions/meeting.html", {"row": row, "meeting": found, "desc": desc, "actions": list(found.actions.select_related("member").order_by("pk"))})


@require_POST
@may("group.manage")
def action_new(request: HttpRequest, group_id: int) -> HttpResponse:
    row = _own(request, group_id)
    form = ActionForm(request.POST, members=_members(row))
    if form.is_valid():
        try:
            services.decide(group_id=row.pk, decided=form.decided(), now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已交办。"))
            return redirect("institutions:group", row.pk)
    return _form(request, row, form, _("交办议定事项"), _("交办"))


@require_POST
@may("group.act")
def action_end(request: HttpRequest, group_id: int, action_id: int) -> HttpResponse:
    row = _own(request, group_id)
    found, version = get_object_or_404(GroupAction, pk=action_id, group=row), request.POST.get("version", "")
    done, result = request.POST.get("act") != "drop", request.POST.get("result", "")
    tell(
        request,
        lambda: services.end_action(
            action_id=found.pk, version=int(version) if version.isascii() and version.isdigit() and len(version) < 9 else -1, done=done, result=result, now=timezone.now()
        ),
        lambda _row: _("已登记。"),
    )
    return redirect("institutions:group", row.pk)
