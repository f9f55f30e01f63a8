"""Pages of leads."""

from __future__ import annotations

import django_filters
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from doudi.core import audit, duties
from doudi.core.lists import AreaFilter, Column, ListPage, PrefixFilter
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.discovery import queries, services
from doudi.discovery.forms import ReportForm, StepForm
from doudi.discovery.models import Lead
from doudi.discovery.services.leads import STEPS
from doudi.registry.models import Household, Programme

FULL_NAMES = 9  # a township's or village's own lists show names whole; lists above it are masked


class LeadFilter(django_filters.FilterSet):
    name = PrefixFilter(field_name="person__name", label=gettext_lazy("姓名"))
    indicator = django_filters.ChoiceFilter(label=gettext_lazy("发现方式"), choices=queries.indicator_choices, empty_label=gettext_lazy("全部"))
    state = django_filters.ChoiceFilter(label=gettext_lazy("办理状态"), choices=Lead.State.choices, empty_label=gettext_lazy("全部"))
    urgency = django_filters.ChoiceFilter(label=gettext_lazy("预警级别"), choices=Lead.Urgency.choices, empty_label=gettext_lazy("全部"))
    area = AreaFilter(label=gettext_lazy("地区"))
    late = django_filters.BooleanFilter(label=gettext_lazy("只看超期"), method="only_late", widget=forms.CheckboxInput)

    class Meta:
        model = Lead
        fields: list[str] = []

    def only_late(self, rows: object, name: str, value: bool | None) -> object:
        late = {"contact_due__lt": timezone.localdate(), "state__in": (Lead.State.NEW, Lead.State.ASSIGNED)}
        return rows.filter(**late) if value else rows  # type: ignore[attr-defined]


class Leads(ListPage):
    title = gettext_lazy("救助线索")
    act = "discovery.view"
    crumbs = ((gettext_lazy("主动发现"), ""),)
    filters = LeadFilter
    order = ("contact_due", "id")
    template = "discovery/leads.html"
    subject = "lead"
    empty_title = gettext_lazy("辖区内还没有救助线索")
    empty_hint = gettext_lazy("部门数据比对、走访和群众反映发现的线索会列在这里。")

    def get_columns(self) -> list[Column]:
        whole = len(self.request.scope.area) >= FULL_NAMES  # type: ignore[attr-defined]

        def name(lead: Lead) -> str:
            return lead.shown_name if whole else ui.mask_name(lead.shown_name)

        return [
            Column(_("线索编号"), "number", kind="code", url=lambda lead: reverse("discovery:lead", args=[lead.pk]), drawer=True),
            Column(_("对象"), name, kind="code"),
            Column(_("所在村（社区）"), "area", kind="place" if whole else "area"),
            Column(_("发现方式"), lambda lead: queries.indicator_title(lead.indicator)),
            Column(_("预警"), "get_urgency_display", kind="tag", colour=lambda lead: queries.URGENCY_COLOURS[lead.urgency]),
            Column(_("联系期限"), "contact_due", kind="due", sort="contact_due"),
            Column(_("办理状态"), "get_state_display", kind="tag", colour=lambda lead: queries.STATE_COLOURS[lead.state]),
        ]

    def rows(self) -> object:  # type: ignore[override]
        return queries.leads().filter(merged_into=None)


def _steps_open(lead: Lead) -> list[str]:
    return [after for after, before in STEPS.items() if lead.state in before] if duties.may("discovery.handle") else []


def _page(request: HttpRequest, lead: Lead, form: StepForm | None = None, status: int = 200) -> HttpResponse:
    open_steps = _steps_open(lead)
    way = [
        {"label": _("发现"), "small": ui.day(lead.signal_at), "state": "done"},
        {"label": _("首次联系"), "small": ui.day(lead.contacted_at) if lead.contacted_at else _("期限 %(day)s") % {"day": lead.contact_due}},
        {"label": _("核实"), "small": ui.day(lead.verified_at) if lead.verified_at else _("期限 %(day)s") % {"day": lead.verify_due}},
        {"label": lead.get_state_display() if lead.closed_at else _("办结"), "small": ui.day(lead.closed_at) if lead.closed_at else ""},
    ]
    reached = 1 + bool(lead.contacted_at) + bool(lead.verified_at) if not lead.closed_at else 4
    for number, each in enumerate(way):
        each["state"] = "done" if number < reached else "now" if number == reached else ""
    context = {
        "lead": lead,
        "way": way,
        "title": queries.indicator_title(lead.indicator),
        "evidence": queries.evidence_rows(lead),
        "timeline": queries.timeline(lead),
        "form": form or (StepForm(steps=open_steps, initial={"version": lead.version}) if open_steps else None),
        "programme": Programme(lead.programme).label if lead.programme in Programme.values else "",
        "state_colour": queries.STATE_COLOURS[lead.state],
        "urgency_colour": queries.URGENCY_COLOURS[lead.urgency],
    }
    return render(request, "discovery/lead.html", context, status=status)


@may("discovery.view")
def lead(request: HttpRequest, lead_id: int) -> HttpResponse:
    """One lead with its evidence, its clock and its way. Opening it is recorded: it names a person."""
    found = get_object_or_404(queries.leads(), pk=lead_id)
    if found.merged_into_id:
        return redirect("discovery:lead", lead_id=found.merged_into_id)
    audit.record_access(what="open", subject="lead", subject_id=found.pk, area=found.area)
    return _page(request, found)


@require_POST
@may("discovery.handle")
def step(request: HttpRequest, lead_id: int) -> HttpResponse:
    found = get_object_or_404(queries.leads(), pk=lead_id)
    form = StepForm(request.POST, steps=list(STEPS))
    if form.is_valid():
        try:
            done = services.advance_lead(
                lead_id=lead_id,
                version=form.cleaned_data["version"],
                after=form.cleaned_data["after"],
                note=form.cleaned_data["note"],
                now=timezone.now(),
            )
        except ValidationError as error:
            if hasattr(error, "error_dict"):
                form.add_error(None, [message for each in error.message_dict.values() for message in each])
            else:
                form.add_error(None, error.messages)
            found.refresh_from_db()
            form.data = {**form.data.dict(), "version": str(found.version)}  # type: ignore[attr-defined]
        else:
            messages.success(request, _("线索 %(number)s 已转为“%(state)s”。") % {"number": done.number, "state": done.get_state_display()})
            return redirect("discovery:lead", lead_id=lead_id)
    return _page(request, found, form, status=422)


@require_POST
@may("discovery.handle")
def steps(request: HttpRequest) -> HttpResponse:
    """The same step for the ticked leads."""
    ids = [int(value) for value in request.POST.getlist("lead") if value.isascii() and value.isdigit()][:500]
    after = request.POST.get("after", "")
    if not ids or after not in STEPS:
        messages.warning(request, _("请先勾选线索，再选择办理结果。"))
        return redirect("discovery:leads")
    try:
        outcome = services.advance_leads(lead_ids=ids, after=after, note=request.POST.get("note", ""), now=timezone.now())
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("已办理 %(done)d 条线索。") % {"done": len(outcome.done)})
        if outcome.refused:
            messages.warning(request, _("%(count)d 条未办理，请逐条查看其办理状态。") % {"count": len(outcome.refused)})
    return redirect("discovery:leads")


@may("discovery.handle")
def report(request: HttpRequest, household_id: int) -> HttpResponse:
    """Report a household in difficulty by hand (measures 1.3, 1.7)."""
    household = get_object_or_404(Household, pk=household_id)
    form = ReportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.report_lead(
                person_id=None, household_id=household.pk, programme="", now=timezone.now(), reason=form.cleaned_data["reason"],
                urgency=form.cleaned_data["urgency"],
            )  # fmt: skip
        except ValidationError as error:
            form.add_error(None, error.messages)
        else:
            messages.success(request, _("已登记线索 %(number)s，乡镇经办人会在期限内联系。") % {"number": made.number})
            return redirect("discovery:lead", lead_id=made.pk)
    return render(request, "discovery/report.html", {"form": form, "household": household}, status=422 if form.errors else 200)
