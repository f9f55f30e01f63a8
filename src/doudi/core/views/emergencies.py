"""应急状态: what is declared where, what it switches, and the two officers behind it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import django_filters
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.emergencies import effects
from doudi.core.forms import DayInput
from doudi.core.lists import Column, ListPage
from doudi.core.models import Emergency, EmergencyStep
from doudi.core.services import emergencies as service
from doudi.core.switch_queries import rows_of
from doudi.core.views.access import may

DAY = timedelta(days=1)
STATES = {
    "proposed": gettext_lazy("待确认"), "ahead": gettext_lazy("尚未开始"), "running": gettext_lazy("进行中"), "over": gettext_lazy("已结束"),
    "refused": gettext_lazy("已退回"), "withdrawn": gettext_lazy("已撤回"),
}  # fmt: skip
STATE_COLOURS = {"proposed": "orange", "ahead": "", "running": "red", "over": "gray", "refused": "gray", "withdrawn": "gray"}


def state_of(row: Emergency, on: date) -> str:
    """proposed, ahead, running, over, refused, withdrawn."""
    if row.state != Emergency.State.CONFIRMED:
        return row.state
    return "running" if row.holds_on(on) else "ahead" if row.starts > on else "over"


def last_day(ends: date | None) -> str:
    return (ends - DAY).isoformat() if ends else _("另行通知")


class EmergencyFilter(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(label=gettext_lazy("类别"), choices=Emergency.Kind.choices, empty_label=gettext_lazy("全部"))
    state = django_filters.ChoiceFilter(
        label=gettext_lazy("状态"),
        choices=[(key, label) for key, label in STATES.items() if key != "withdrawn"],
        method="by_state",
        empty_label=gettext_lazy("全部"),
    )

    class Meta:
        model = Emergency
        fields: list[str] = []

    def by_state(self, rows: QuerySet[Emergency], name: str, value: str) -> QuerySet[Emergency]:
        today = timezone.localdate()
        if value in Emergency.State.values:
            return rows.filter(state=value)
        rows = rows.filter(state=Emergency.State.CONFIRMED)
        if value == "over":
            return rows.filter(ends__lte=today)
        if value == "ahead":
            return rows.filter(starts__gt=today)
        return rows.filter(starts__lte=today).exclude(ends__lte=today)


def places_text(row: Emergency, most: int = 3) -> str:
    codes = sorted(place.area for place in row.places.all())
    places.preload(codes)
    names = [places.name(code) for code in codes[:most]]
    return "、".join(names) + (_("等 %(count)s 地") % {"count": len(codes)} if len(codes) > most else "")


class Emergencies(ListPage):
    title = gettext_lazy("应急状态")
    act = "emergencies.view"
    crumbs = [(gettext_lazy("标准与参数"), "")]
    filters = EmergencyFilter
    order = ("-starts", "-pk")
    template = "doudi/pages/emergencies.html"
    subject = "emergency"
    empty_title = gettext_lazy("没有应急状态")
    empty_hint = gettext_lazy("发生疫情、洪涝等突发事件时，由县级以上宣布，经另一名工作人员确认后生效。")
    columns = [
        Column(gettext_lazy("名称"), "title", url=lambda row: reverse("emergency", args=[row.pk])),
        Column(gettext_lazy("类别"), "get_kind_display"),
        Column(gettext_lazy("地区"), places_text),
        Column(gettext_lazy("自"), "starts", kind="day", sort="starts"),
        Column(gettext_lazy("至"), lambda row: last_day(row.ends), kind="code"),
        Column(gettext_lazy("文号"), "document"),
        Column(
            gettext_lazy("状态"),
            lambda row: STATES[state_of(row, timezone.localdate())],
            kind="tag",
            colour=lambda row: STATE_COLOURS[state_of(row, timezone.localdate())],
        ),
    ]

    def rows(self) -> QuerySet[Emergency]:
        return Emergency.objects.prefetch_related("places")

    def context(self) -> dict[str, Any]:
        return {"may_declare": duties.may("emergencies.declare") and len(scopes.current().area) <= 6}


class DeclareForm(forms.Form):
    kind = forms.ChoiceField(label=gettext_lazy("类别"), choices=[("", gettext_lazy("请选择")), *Emergency.Kind.choices])
    title = forms.CharField(label=gettext_lazy("名称"), max_length=80, required=False, help_text=gettext_lazy("例如 2022年冬季疫情；不填用类别"))
    starts = forms.DateField(label=gettext_lazy("自"), widget=DayInput())
    until = forms.DateField(label=gettext_lazy("至（最后一天）"), widget=DayInput(), required=False, help_text=gettext_lazy("未定的不填，以后解除"))
    document = forms.CharField(label=gettext_lazy("文号"), max_length=200, help_text=gettext_lazy("宣布应急状态的文件，例如 牟政文〔2022〕31号"))
    note = forms.CharField(label=gettext_lazy("说明"), max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    areas = forms.MultipleChoiceField(label=gettext_lazy("地区"), widget=forms.CheckboxSelectMultiple(), required=False)
    codes = forms.CharField(
        label=gettext_lazy("其他地区"), max_length=2000, required=False,
        help_text=gettext_lazy("下级的乡镇、村可填区划代码，用空格或逗号隔开"),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = scopes.current().area
        self.fields["areas"].choices = [(own, _("%(place)s全域") % {"place": places.name(own)}), *places.children(own)]  # type: ignore[attr-defined]

    def wanted(self) -> list[str]:
        return [*self.cleaned_data["areas"], *self.cleaned_data["codes"].replace(",", " ").replace("，", " ").replace("、", " ").split()]


class ExtendForm(forms.Form):
    until = forms.DateField(label=gettext_lazy("延长至（最后一天）"), widget=DayInput(), required=False, help_text=gettext_lazy("未定的不填"))
    document = forms.CharField(label=gettext_lazy("文号"), max_length=200)
    note = forms.CharField(label=gettext_lazy("说明"), max_length=400, required=False)


class LiftForm(forms.Form):
    ends = forms.DateField(label=gettext_lazy("自此日起解除"), widget=DayInput())
    document = forms.CharField(label=gettext_lazy("文号"), max_length=200)
    note = forms.CharField(label=gettext_lazy("说明"), max_length=400, required=False)


@require_http_methods(["GET", "POST"])
@may("emergencies.declare")
def new(request: HttpRequest) -> HttpResponse:
    form = DeclareForm(request.POST or None, initial={"starts": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        until = given["until"]
        try:
            row = service.declare_emergency(
                kind=given["kind"], areas=form.wanted(), starts=given["starts"], ends=until + DAY if until else None,
                document=given["document"], title=given["title"], note=given["note"], now=timezone.now(),
            )  # fmt: skip
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("已提出，待本级另一名工作人员确认后生效。"))
            return redirect("emergency", row.pk)
    return render(request, "doudi/pages/emergency_new.html", {"form": form})


def row_of(emergency_id: int) -> Emergency:
    row = Emergency.objects.filter(pk=emergency_id).prefetch_related("places").first()
    if row is None:
        raise Http404
    return row


def context_of(row: Emergency, **forms_given: forms.Form) -> dict[str, Any]:
    acting, today = scopes.current(), timezone.localdate()
    own = row.area == acting.area
    steps = list(EmergencyStep.objects.filter(emergency=row).select_related("proposed_by", "decided_by").order_by("proposed_at", "pk"))
    if not own:  # what is not decided is the declaring place's own matter
        steps = [step for step in steps if step.state == "confirmed"]
    state = state_of(row, today)
    codes = sorted(place.area for place in row.places.all())
    places.preload([*codes, row.area])
    changeable = own and state in ("running", "ahead") and duties.may("emergencies.declare")
    open_step = next((step for step in steps if step.state == "proposed"), None)
    return {
        "row": row, "state": STATES[state], "colour": STATE_COLOURS[state], "until": last_day(row.ends), "codes": codes, "steps": _timeline(steps),
        "open_step": open_step, "open_until": last_day(open_step.ends) if open_step else "",
        "may_confirm": open_step is not None and own and open_step.proposed_by_id != acting.account_id and duties.may("emergencies.confirm"),
        "may_withdraw": open_step is not None and open_step.proposed_by_id == acting.account_id,
        "effects": effects.of(row, today), "changeable": changeable and open_step is None,
        "extend_form": forms_given.get("extend") or ExtendForm(prefix="extend"),
        "lift_form": forms_given.get("lift") or LiftForm(prefix="lift", initial={"ends": today}),
        "own": own, "switches": rows_of(row, on=today, own=own, form=forms_given.get("switch")),
        "may_switch": own and state in ("running", "ahead") and duties.may("emergencies.declare"),
    }  # fmt: skip


def _timeline(steps: list[EmergencyStep]) -> list[dict[str, Any]]:
    """Newest first, as the timeline shows them."""
    found = []
    for step in reversed(steps):
        end = _("自 %(day)s 起解除") % {"day": step.ends} if step.what == "lift" else _("至 %(day)s") % {"day": last_day(step.ends)}
        decided = f"；{step.get_state_display()}：{step.decided_by}" if step.decided_by else ""
        found.append(
            {
                "at": step.decided_at or step.proposed_at,
                "title": f"{step.get_what_display()}（{step.get_state_display()}）",
                "who": _("提出：%(name)s") % {"name": step.proposed_by} + decided,
                "note": "；".join(filter(None, [end, step.document, step.note, step.decision_note])),
            }
        )
    return found


@require_GET
@may("emergencies.view")
def show(request: HttpRequest, emergency_id: int) -> HttpResponse:
    return render(request, "doudi/pages/emergency.html", context_of(row_of(emergency_id)))


@require_POST
@may("emergencies.declare")
def change(request: HttpRequest, emergency_id: int, what: str) -> HttpResponse:
    """Propose to extend or to lift."""
    row = row_of(emergency_id)
    if what not in ("extend", "lift"):
        raise Http404
    form: forms.Form = ExtendForm(request.POST, prefix="extend") if what == "extend" else LiftForm(request.POST, prefix="lift")
    if form.is_valid():
        given = form.cleaned_data
        try:
            if what == "extend":
                ends = given["until"] + DAY if given["until"] else None
                service.extend_emergency(emergency_id=row.pk, ends=ends, document=given["document"], note=given["note"], now=timezone.now())
            else:
                service.lift_emergency(emergency_id=row.pk, ends=given["ends"], document=given["document"], note=given["note"], now=timezone.now())
        except Emergency.DoesNotExist:
            raise Http404 from None
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("已提出，待本级另一名工作人员确认后生效。"))
            return redirect("emergency", row.pk)
    return render(request, "doudi/pages/emergency.html", context_of(row, **{what: form}))


@require_POST
@may("emergencies.view")
def decide(request: HttpRequest, step_id: int) -> HttpResponse:
    """Confirm, send back or withdraw."""
    action, note, now = request.POST.get("action"), request.POST.get("note", ""), timezone.now()
    step = EmergencyStep.objects.filter(pk=step_id).first()
    if step is None or action not in ("confirm", "refuse", "withdraw"):
        raise Http404
    try:
        if action == "confirm":
            service.confirm_step(step_id=step_id, now=now)
            messages.success(request, _("已确认。"))
        elif action == "refuse":
            service.refuse_step(step_id=step_id, note=note, now=now)
            messages.success(request, _("已退回。"))
        else:
            service.withdraw_step(step_id=step_id, note=note, now=now)
            messages.success(request, _("已撤回。"))
    except EmergencyStep.DoesNotExist:
        raise Http404 from None
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
    return redirect("emergency", step.emergency_id)
