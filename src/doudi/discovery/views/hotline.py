"""Pages of the hotline (measures 1.4): intake, queue, calls, calls back, quality, desks, knowledge."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import django_filters
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from doudi.core import audit, duties, freetext, numbers, places
from doudi.core import scope as scopes
from doudi.core.forms import DayInput, errors_into
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.views.access import may
from doudi.discovery import hotline_queries as queries
from doudi.discovery import knowledge
from doudi.discovery.models import Call, HotlineDesk, Knowledge, Lead, Need
from doudi.discovery.services import hotline as services
from doudi.registry.forms import PlaceField, PlaceForm

O = Call.Outcome


class IntakeForm(PlaceForm):
    """A call as the operator writes it down; the service checks what each way of settling it needs."""

    phone = forms.CharField(
        label=gettext_lazy("来电号码"), max_length=30, required=False, widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"})
    )
    caller_name = forms.CharField(label=gettext_lazy("来电人"), max_length=60, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    caller_role = forms.ChoiceField(label=gettext_lazy("来电人身份"), required=False, choices=[("", gettext_lazy("请选择")), *Call.Role.choices])
    subject_name = forms.CharField(
        label=gettext_lazy("困难群众姓名"), max_length=60, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    subject_age = forms.IntegerField(label=gettext_lazy("约几岁"), required=False, widget=forms.TextInput(attrs={"inputmode": "numeric"}))
    area = PlaceField(label=gettext_lazy("所在村（社区）"), required=False)
    needs = forms.MultipleChoiceField(label=gettext_lazy("需要什么"), required=False, choices=Need.choices, widget=forms.CheckboxSelectMultiple)
    urgency = forms.ChoiceField(label=gettext_lazy("紧急程度"), required=False, choices=Lead.Urgency.choices, widget=forms.RadioSelect)
    detail = forms.CharField(label=gettext_lazy("情况（必填）"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 4}))
    address = forms.CharField(label=gettext_lazy("详细地址"), max_length=200, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    call_back_at = forms.DateTimeField(
        label=gettext_lazy("约定回电"), required=False, input_formats=["%Y-%m-%dT%H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )  # fmt: skip
    uuid = forms.UUIDField(widget=forms.HiddenInput)
    began = forms.DateTimeField(widget=forms.HiddenInput, input_formats=["%Y-%m-%dT%H:%M:%S%z"])
    call = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def intake(self, person_id: int | None) -> services.Intake:
        data = self.cleaned_data
        return services.Intake(
            phone=data["phone"], caller_name=data["caller_name"], caller_role=data["caller_role"], subject_name=data["subject_name"],
            subject_age=data["subject_age"], person_id=person_id, area=data["area"], address=data["address"], needs=data["needs"],
            urgency=data["urgency"], detail=data["detail"],
        )  # fmt: skip


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else None


@require_http_methods(["GET", "POST"])
@may("hotline.take")
def intake(request: HttpRequest) -> HttpResponse:
    """The operator's page: one form, keyboard only; what is known appears beside while typing."""
    now = timezone.now()
    if request.method == "POST":
        form = IntakeForm(request.POST)
        if form.is_valid() and (done := _register(request, form, now)) is not None:
            return done
    else:
        form = IntakeForm(
            initial={"uuid": uuid4(), "began": timezone.localtime(now).strftime("%Y-%m-%dT%H:%M:%S%z"), "call": request.GET.get("call")}
        )
    taken = Call.objects.filter(pk=_number(str(form["call"].value() or "")) or 0, operator_id=scopes.current().account_id, outcome="").first()
    context = {
        "form": form,
        "desk": services.desk_of(scopes.current().area),
        "taken": taken,
        "figures": _figures(queries.counters(account_id=scopes.current().account_id, now=now)),
        "waiting": _waiting(),
        "mine": Call.objects.filter(operator_id=scopes.current().account_id).exclude(outcome="").select_related("lead").order_by("-rang_at")[:5],
        "desks": HotlineDesk.objects.filter(is_open=True).order_by("area")[:200],
        "answers": knowledge.answers("", area=scopes.current().area, county=places.name(scopes.current().area), on=timezone.localdate(), most=3),
    }
    return render(request, "discovery/hotline.html", context, status=422 if form.errors else 200)


def _register(request: HttpRequest, form: IntakeForm, now: datetime) -> HttpResponseRedirect | None:
    data, posted = form.cleaned_data, request.POST
    outcome = posted.get("outcome", O.LEAD)
    try:
        call = services.register_call(
            uuid=data["uuid"], intake=form.intake(_number(posted.get("person"))), outcome=outcome, rang_at=data["began"], now=now,
            call_id=data["call"], lead_id=_number(posted.get("lead")), desk_id=_number(posted.get("desk")), call_back_at=data["call_back_at"],
        )  # fmt: skip
    except ValidationError as error:
        errors_into(form, error)
        return None
    if call.outcome == O.LEAD and call.lead:
        words = _("已登记 %(number)s，线索 %(lead)s 已派出，%(day)s 前首次联系。")
        messages.success(request, words % {"number": call.number, "lead": call.lead.number, "day": call.lead.contact_due})
    else:
        messages.success(request, _("已登记 %(number)s：%(what)s。") % {"number": call.number, "what": call.get_outcome_display()})
    return redirect("discovery:hotline")


def _figures(counted: dict[str, Any]) -> list[dict[str, Any]]:
    quick = f"{counted['quick'] / counted['all']:.0%}" if counted["all"] else "—"
    return [
        {"label": _("排队"), "value": counted["ringing"], "unit": _("人")},
        {"label": _("15 秒接通率（今日）"), "value": quick, "note": _("%(all)s 通，未接 %(missed)s 通") % counted},
        {"label": _("我今天登记"), "value": counted["mine"], "unit": _("件")},
        {"label": _("待回电"), "value": counted["owed"], "unit": _("件"), "url": reverse("discovery:callbacks")},
        {"label": _("待首次联系"), "value": counted["waiting"], "unit": _("件"), "url": f"{reverse('discovery:leads')}?channel=hotline"},
        {"label": _("超过联系期限"), "value": counted["late"], "unit": _("件"), "url": f"{reverse('discovery:leads')}?channel=hotline&late=on"},
    ]


@require_POST
@may("hotline.take")
def lookup(request: HttpRequest) -> HttpResponse:
    """What is known of what was typed so far. Posted, so that a number never stands in an address."""
    posted, now, today = request.POST, timezone.now(), timezone.localdate()
    phone = queries.phone_token(posted.get("phone", ""))
    if phone is None and (taken := _number(posted.get("call"))):
        phone = Call.objects.filter(pk=taken).values_list("caller_phone", flat=True).first()
    area = posted.get("area", "") if posted.get("area", "").isdigit() else ""
    people = queries.known_people(phone=phone, name=posted.get("subject_name", ""), area=area, age=_number(posted.get("subject_age")), on=today)
    context = {
        "people": people,
        "chosen": _number(posted.get("person")),
        "leads": queries.open_leads(phone=phone, people=[row["person"].pk for row in people], today=today),
        "earlier": queries.earlier_calls(phone=phone, now=now),
        "contacts": queries.contacts(area, today),
        "place": places.name(area) if area else "",
        "routing": queries.routing(area, posted.get("urgency", ""), today),
    }
    return render(request, "discovery/_hotline_known.html", context)


@require_GET
@may("hotline.take")
def know(request: HttpRequest) -> HttpResponse:
    """Answers for what was typed into the box of the knowledge panel."""
    area = request.GET.get("area", "")
    area = area if area.isdigit() and scopes.current().covers(area) else scopes.current().area
    found = knowledge.answers(request.GET.get("q", "")[:40], area=area, county=places.name(area[:6]), on=timezone.localdate())
    return render(request, "discovery/_hotline_answers.html", {"answers": found})


@require_GET
@may("hotline.take")
def queue(request: HttpRequest) -> HttpResponse:
    """The queue alone: the page asks again every few seconds, so that a call that rings appears by itself. Empty where it has not changed."""
    waiting = _waiting()
    if request.GET.get("seen") == "".join(f"{call.pk}-" for call in waiting):
        return HttpResponse(status=204)
    return render(request, "discovery/_hotline_queue.html", {"waiting": waiting})


def _waiting() -> list[Call]:
    return list(queries.waiting().select_related("repeat_of")[:6])


@require_POST
@may("hotline.take")
def take(request: HttpRequest, call_id: int) -> HttpResponse:
    try:
        services.take_call(call_id=call_id, now=timezone.now())
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
        return redirect("discovery:hotline")
    return redirect(f"{reverse('discovery:hotline')}?call={call_id}")


class CallFilter(django_filters.FilterSet):
    area = AreaFilter(label=gettext_lazy("地区"))
    outcome = django_filters.ChoiceFilter(label=gettext_lazy("办理方式"), choices=Call.Outcome.choices, empty_label=gettext_lazy("全部"))
    state = django_filters.ChoiceFilter(label=gettext_lazy("通话"), choices=Call.State.choices, empty_label=gettext_lazy("全部"))

    class Meta:
        model = Call
        fields: list[str] = []


class Calls(ListPage):
    title = gettext_lazy("来电记录")
    act = "hotline.view"
    crumbs = ((gettext_lazy("主动发现"), ""),)
    filters = CallFilter
    order = ("-rang_at", "-id")
    subject = "call"
    empty_title = gettext_lazy("还没有来电")
    empty_hint = gettext_lazy("坐席在“来电登记”中登记后，这里列出全部来电。")
    columns = (
        Column(gettext_lazy("编号"), "number", kind="code", url=lambda row: reverse("discovery:call", args=[row.pk])),
        Column(gettext_lazy("来电时间"), lambda row: timezone.localtime(row.rang_at).strftime("%Y-%m-%d %H:%M"), kind="code", sort="rang_at"),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("需求"), lambda row: "、".join(str(Need(need).label) for need in row.needs if need in Need.values)),
        Column(gettext_lazy("办理方式"), "get_outcome_display", kind="tag", colour=lambda row: "green" if row.outcome else "orange"),
        Column(
            gettext_lazy("线索"), "lead.number", kind="code", url=lambda row: reverse("discovery:lead", args=[row.lead_id]) if row.lead_id else None
        ),
        Column(gettext_lazy("线索状态"), "lead.get_state_display"),
        Column(gettext_lazy("坐席"), "operator.name"),
        Column(gettext_lazy("满意度"), "satisfaction", kind="number"),
    )

    def rows(self) -> object:  # type: ignore[override]
        return Call.objects.select_related("lead", "operator")


@require_GET
@may("hotline.view")
def call(request: HttpRequest, call_id: int) -> HttpResponse:
    """One call with what came of it."""
    row = get_object_or_404(Call.objects.select_related("lead", "operator", "desk", "transferred_to", "repeat_of"), pk=call_id)
    words = "、".join(str(Need(need).label) for need in row.needs if need in Need.values)
    ask = row.lead is not None and row.lead.closed_at is not None and row.satisfaction is None and row.asked < 3 and duties.may("hotline.take")
    told = str(row.detail or "")
    context = {
        "call": row, "needs": words, "ask": ask, "callbacks": row.callbacks.order_by("-due_at"),
        "told_numbers": duties.may("hotline.take") and freetext.masked(told) != told,
    }  # fmt: skip
    return render(request, "discovery/call.html", context)


@require_POST
@may("hotline.take")
def satisfaction(request: HttpRequest, call_id: int) -> HttpResponse:
    score = request.POST.get("score", "")
    try:
        services.record_satisfaction(call_id=call_id, score=_number(score), note=request.POST.get("note", ""), now=timezone.now())
        messages.success(request, _("已记录回访结果。") if score else _("已记录：未联系上，改日再访。"))
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
    return redirect("discovery:callbacks")


@require_GET
@may("hotline.view")
def callbacks(request: HttpRequest) -> HttpResponse:
    """Calls owed, and callers to be asked how satisfied they are; both the oldest first."""
    now = timezone.now()
    context = {
        "owed": queries.owed().order_by("due_at")[:100],
        "ask": queries.to_ask()[:100],
        "now": now,
        "scores": [(5, _("很满意")), (4, _("满意")), (3, _("一般")), (2, _("不满意")), (1, _("很不满意"))],
        "acts": duties.may("hotline.take"),
    }
    return render(request, "discovery/callbacks.html", context)


@require_POST
@may("hotline.take")
def call_back(request: HttpRequest, callback_id: int) -> HttpResponse:
    try:
        row = services.try_call_back(
            callback_id=callback_id, reached=request.POST.get("reached") == "1", note=request.POST.get("note", ""), now=timezone.now()
        )
        if row.done_at and row.reached:
            messages.success(request, _("已记录回电；有新情况的，请在“来电登记”中登记。"))
        else:
            messages.info(request, _("未接通，已记录。") if row.done_at is None else _("三次未接通，已结束回电。"))
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
    return redirect("discovery:callbacks")


@require_POST
@may("hotline.take")
def reveal_phone(request: HttpRequest, call_id: int) -> HttpResponse:
    """The caller's number in full, to call back; recorded before it is shown."""
    row = get_object_or_404(Call, pk=call_id, caller_phone__isnull=False)
    audit.record_access(what="reveal", subject="call", subject_id=row.pk, area=row.area, field="caller_phone", reason="热线回电")
    return HttpResponse(numbers.plain(row.caller_phone) or "", content_type="text/plain; charset=utf-8")


@require_POST
@may("hotline.take")
def reveal_detail(request: HttpRequest, call_id: int) -> HttpResponse:
    """What was told in a call with the numbers in it; recorded before it is shown."""
    row = get_object_or_404(Call, pk=call_id)
    audit.record_access(what="reveal", subject="call", subject_id=row.pk, area=row.area, field="detail")
    return HttpResponse(str(row.detail or ""), content_type="text/plain; charset=utf-8")


class PeriodForm(forms.Form):
    first = forms.DateField(label=gettext_lazy("自"), widget=DayInput())
    last = forms.DateField(label=gettext_lazy("至"), widget=DayInput())


@require_GET
@may("hotline.view")
def quality(request: HttpRequest) -> HttpResponse:
    """Answered, waiting, first contact, closed in time, repeated, satisfaction: by desk."""
    today = timezone.localdate()
    form = PeriodForm(request.GET if "first" in request.GET else {"first": today - timedelta(days=30), "last": today})
    first, last = today - timedelta(days=30), today
    if form.is_valid():
        first, last = form.cleaned_data["first"], form.cleaned_data["last"]
        if last < first or last - first > timedelta(days=400):
            form.add_error("last", _("结束日期应在开始日期之后，且不超过 400 天。"))
            first, last = last - timedelta(days=30), last
    return render(request, "discovery/hotline_quality.html", {"form": form, "rows": queries.quality(first=first, last=last, today=today)})


class DeskForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("受理台名称"), max_length=60)
    number = forms.CharField(label=gettext_lazy("热线号码"), max_length=20)
    hours = forms.CharField(label=gettext_lazy("服务时间"), max_length=60, required=False)
    is_open = forms.BooleanField(label=gettext_lazy("开通"), required=False, initial=True)


class KnowledgeForm(forms.Form):
    title = forms.CharField(label=gettext_lazy("问题"), max_length=80)
    keywords = forms.CharField(label=gettext_lazy("检索词"), max_length=200, required=False, help_text=gettext_lazy("用空格分开"))
    body = forms.CharField(label=gettext_lazy("答复"), max_length=600, widget=forms.Textarea(attrs={"rows": 4}))


def _try(form: forms.Form, action: Any, **extra: Any) -> bool:
    if not form.is_valid():
        return False
    try:
        action(**form.cleaned_data, **extra)
    except ValidationError as error:
        form.add_error(None, error)
        return False
    return True


@require_http_methods(["GET", "POST"])
@may("hotline.view")
def desks(request: HttpRequest) -> HttpResponse:
    """The desks' numbers, and what one's own place has written for its operators."""
    manages, now, area = duties.may("hotline.manage"), timezone.now(), scopes.current().area
    own = HotlineDesk.objects.filter(area=area).first()
    what = request.POST.get("what", "")
    initial = (
        {"name": own.name, "number": own.number, "hours": own.hours, "is_open": own.is_open} if own else {"name": f"{places.name(area)}救助服务热线"}
    )
    desk_form = DeskForm(request.POST if what == "desk" else None, initial=initial)
    knowledge_form = KnowledgeForm(request.POST if what == "knowledge" else None)
    if request.method == "POST":
        duties.require("hotline.manage")
        if what == "end":
            try:
                services.end_knowledge(knowledge_id=_number(request.POST.get("id")) or 0, now=now)
                messages.success(request, _("已停用。"))
            except ValidationError as error:
                messages.error(request, "；".join(error.messages))
            return redirect("discovery:desks")
        if (what == "desk" and _try(desk_form, services.set_desk, now=now)) or (
            what == "knowledge" and _try(knowledge_form, services.write_knowledge, now=now)
        ):
            messages.success(request, _("已保存。"))
            return redirect("discovery:desks")
    context = {
        "desks": HotlineDesk.objects.order_by("area")[:200],
        "knowledge": Knowledge.objects.filter(ended_at__isnull=True).order_by("area", "title")[:200],
        "manages": manages, "area": area, "desk_form": desk_form, "knowledge_form": knowledge_form,
    }  # fmt: skip
    return render(request, "discovery/desks.html", context, status=422 if desk_form.errors or knowledge_form.errors else 200)
