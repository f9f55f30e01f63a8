"""Pages of leads: the list, one lead, the visitor's own."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from doudi.core import audit, duties, freetext
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.models import Posting
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.discovery import queries, services
from doudi.discovery.forms import AssignForm, IdentifyForm, ReferForm, ReportForm, StepForm
from doudi.discovery.models import Channel, Lead, LeadReferral
from doudi.discovery.services.leads import STEPS, Outcome
from doudi.registry.models import Household, Person

NAMED = 10  # leads that a message names by number
FULL_NAMES = 9  # a township's or village's own lists show names whole; lists above it are masked
BATCH = (Lead.State.ASSIGNED, Lead.State.CONTACTED, Lead.State.VERIFIED, Lead.State.UNREACHABLE, Lead.State.NOT_IN_NEED)


class LeadFilter(django_filters.FilterSet):
    name = django_filters.CharFilter(label=gettext_lazy("姓名"), method="by_name")
    channel = django_filters.ChoiceFilter(
        label=gettext_lazy("线索来源"), choices=Channel.choices, empty_label=gettext_lazy("全部"), method="by_signal"
    )
    indicator = django_filters.ChoiceFilter(
        label=gettext_lazy("预警指标"), choices=queries.indicator_choices, empty_label=gettext_lazy("全部"), method="by_signal"
    )
    state = django_filters.ChoiceFilter(
        label=gettext_lazy("办理状态"),
        choices=[("open", gettext_lazy("未办结")), ("uncontacted", gettext_lazy("待联系")), *Lead.State.choices],
        empty_label=gettext_lazy("全部"),
        method="by_state",
    )
    urgency = django_filters.ChoiceFilter(label=gettext_lazy("预警级别"), choices=Lead.Urgency.choices, empty_label=gettext_lazy("全部"))
    area = AreaFilter(label=gettext_lazy("地区"))
    late = django_filters.BooleanFilter(label=gettext_lazy("只看超期"), method="only_late", widget=forms.CheckboxInput)
    escalated = django_filters.BooleanFilter(label=gettext_lazy("只看督办"), method="only_escalated", widget=forms.CheckboxInput)

    class Meta:
        model = Lead
        fields: list[str] = []

    def by_name(self, rows: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        """Begins with: by range, which keeps its index under row-level security."""
        start, end = value.strip(), value.strip() + "\U0010ffff"
        people = Person.objects.filter(name__gte=start, name__lt=end).values("pk")
        return rows.filter(Q(person__in=people) | Q(subject_name__gte=start, subject_name__lt=end)) if start else rows

    def by_signal(self, rows: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        """Leads of which the lead itself or a signal merged into it is of this channel or indicator."""
        merged = Lead.objects.filter(merged_into__isnull=False, **{name: value}).values("merged_into")
        return rows.filter(Q(**{name: value}) | Q(pk__in=merged)) if value else rows

    def by_state(self, rows: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        groups = {"open": Lead.OPEN, "uncontacted": Lead.UNCONTACTED}
        return rows.filter(state__in=groups.get(value, (value,))) if value else rows

    def only_late(self, rows: QuerySet[Lead], name: str, value: bool | None) -> QuerySet[Lead]:
        return rows.filter(queries.late(timezone.localdate())) if value else rows

    def only_escalated(self, rows: QuerySet[Lead], name: str, value: bool | None) -> QuerySet[Lead]:
        return rows.filter(escalated__gt=0, state__in=Lead.OPEN) if value else rows


def shown_name(request: HttpRequest, lead: Lead) -> str:
    """The name as this reader may see it in a list."""
    whole = len(request.scope.area) >= FULL_NAMES  # type: ignore[attr-defined]
    return (lead.shown_name if whole else ui.mask_name(lead.shown_name)) if lead.shown_name else _("未留姓名")


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

        def tick(lead: Lead) -> str:
            return format_html('<input type="checkbox" name="lead" value="{}" form="steps" aria-label="{}">', lead.pk, lead.number)

        def source(lead: Lead) -> str:
            return str(lead.get_channel_display())  # type: ignore[attr-defined]

        return [
            *([Column(_("选择"), tick, export=False)] if duties.may("discovery.handle") else []),
            Column(_("线索编号"), "number", kind="code", url=lambda lead: reverse("discovery:lead", args=[lead.pk]), drawer=True),
            Column(_("对象"), lambda lead: shown_name(self.request, lead), kind="code"),
            Column(_("所在村（社区）"), "area", kind="place" if whole else "area"),
            Column(_("线索来源"), source, small=lambda lead: queries.indicator_title(lead.indicator) if lead.run_id else freetext.masked(lead.reason)),
            Column(_("预警"), "get_urgency_display", kind="tag", colour=lambda lead: queries.URGENCY_COLOURS[lead.urgency]),
            Column(_("办理期限"), "due", kind="due", sort="contact_due"),
            Column(
                _("办理状态"), "get_state_display", kind="tag", colour=lambda lead: queries.STATE_COLOURS[lead.state],
                small=lambda lead: queries.escalated_label(lead),
            ),
            Column(_("办理人"), lambda lead: lead.posting.account.name if lead.posting else _("乡镇")),
        ]  # fmt: skip

    def rows(self) -> QuerySet[Lead]:
        return queries.leads().filter(merged_into=None)

    def _place(self) -> str:
        """The place that the list is narrowed to, within the scope."""
        own, asked = self.request.scope.area, self.request.GET.get("area", "")  # type: ignore[attr-defined]
        return asked if asked.isascii() and asked.isdigit() and asked.startswith(own) else own

    def context(self) -> dict[str, Any]:
        counted = queries.state_counts()
        url = reverse("discovery:leads")
        shown = (
            ("state=open", _("未办结"), "open"), ("state=new", _("待签收"), "new"), ("state=uncontacted", _("待联系"), "waiting"),
            ("state=contacted", _("待核实"), "contacted"), ("state=verified", _("待救助"), "verified"), ("late=on", _("超期"), "late"),
            ("escalated=on", _("督办中"), "escalated"),
        )  # fmt: skip
        figures = [{"label": label, "value": f"{counted[key]:,}", "url": f"{url}?{query}"} for query, label, key in shown]
        return {
            "figures": figures,
            "batch": [(step.value, step.label) for step in BATCH] if duties.may("discovery.handle") else [],
            "postings": queries.postings_below(self._place(), on=timezone.localdate()) if duties.may("discovery.assign") else [],
            "filters": self.request.GET.urlencode(),
        }


@require_GET
@may("discovery.mine")
def mine(request: HttpRequest) -> HttpResponse:
    """The leads that the acting posting has, for a phone: whom to contact first, whom to verify."""
    rows = list(queries.mine(request.posting.pk)[:100])  # type: ignore[attr-defined]
    for lead in rows:
        lead.colour = queries.URGENCY_COLOURS[lead.urgency]  # type: ignore[attr-defined]
    groups = [
        (_("待联系"), [lead for lead in rows if lead.state in (Lead.State.NEW, Lead.State.ASSIGNED)]),
        (_("再次联系"), [lead for lead in rows if lead.state == Lead.State.UNREACHABLE]),
        (_("待核实"), [lead for lead in rows if lead.state == Lead.State.CONTACTED]),
    ]
    return render(request, "discovery/mine.html", {"groups": [group for group in groups if group[1]]})


def _steps_open(lead: Lead) -> list[str]:
    if not duties.may("discovery.handle"):
        return []
    return [after for after, before in STEPS.items() if lead.state in before and after != Lead.State.REFERRED]


def page(
    request: HttpRequest,
    lead: Lead,
    *,
    form: StepForm | None = None,
    assign: AssignForm | None = None,
    refer: ReferForm | None = None,
    identify: IdentifyForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page of one lead, with the form that was refused in place of a fresh one."""
    open_steps = _steps_open(lead)
    unfinished = lead.state in (*Lead.UNCONTACTED, Lead.State.CONTACTED)
    version = {"version": lead.version}
    if assign is None and unfinished and duties.may("discovery.assign"):
        assign = AssignForm(postings=queries.postings_for(lead, on=timezone.localdate()), back=bool(lead.posting_id), initial=version)
    if refer is None and lead.state in STEPS[Lead.State.REFERRED] and duties.may("discovery.refer"):
        refer = ReferForm(initial=version)
    if identify is None and lead.state in Lead.OPEN and not lead.household_id and duties.may("discovery.assign"):
        identify = IdentifyForm(initial=version)
    context = {
        "lead": lead,
        "way": queries.way(lead),
        "title": queries.indicator_title(lead.indicator) if lead.run_id else freetext.masked(lead.reason),
        "about": queries.about(lead),
        "signals": queries.signals(lead),
        "told_numbers": duties.may("discovery.handle") and bool(queries.told_numbers(lead)),
        "evidence": queries.evidence_rows(lead),
        "timeline": queries.timeline(lead),
        "referral": LeadReferral.objects.filter(lead=lead).order_by("-id").first(),
        "form": form or (StepForm(steps=open_steps, initial=version) if open_steps else None),
        "assign": assign,
        "refer": refer,
        "identify": identify,
        "programme": queries.points_to(lead.programme),
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
    return page(request, found)


def refused(form: forms.Form, lead: Lead, error: ValidationError) -> None:
    """Put what a service refused into the form; its version becomes the lead's of now."""
    errors_into(form, error)
    lead.refresh_from_db()
    form.data = {**form.data.dict(), "version": str(lead.version)}  # type: ignore[attr-defined]


@require_POST
@may("discovery.handle")
def step(request: HttpRequest, lead_id: int) -> HttpResponse:
    found = get_object_or_404(queries.leads(), pk=lead_id)
    form = StepForm(request.POST, steps=[after for after in STEPS if after != Lead.State.REFERRED])
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
            refused(form, found, error)
        else:
            messages.success(request, _("线索 %(number)s 已转为“%(state)s”。") % {"number": done.number, "state": done.get_state_display()})
            return redirect("discovery:lead", lead_id=lead_id)
    return page(request, found, form=form, status=422)


@require_POST
@may("discovery.handle")
def steps(request: HttpRequest) -> HttpResponse:
    """The same step for the ticked leads; then the same list again."""
    back = reverse("discovery:leads") + "?" + request.POST.get("filters", "")[:500]
    ids = _ticked(request)
    after = request.POST.get("after", "")
    if not ids or after not in STEPS:
        messages.warning(request, _("请先勾选线索，再选择办理结果。"))
        return redirect(back)
    try:
        outcome = services.advance_leads(lead_ids=ids, after=after, note=request.POST.get("note", ""), now=timezone.now())
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        _tell(request, outcome, _("已办理 %(done)d 条线索。") % {"done": len(outcome.done)})
    return redirect(back)


@require_POST
@may("discovery.assign")
def assign_many(request: HttpRequest) -> HttpResponse:
    """Give the ticked leads to one person, or back to the township; then the same list again."""
    back = reverse("discovery:leads") + "?" + request.POST.get("filters", "")[:500]
    ids, to = _ticked(request), request.POST.get("posting", "")
    if not ids or not (to == "0" or (to.isascii() and to.isdigit() and len(to) < 19)):
        messages.warning(request, _("请先勾选线索，再选择办理人。"))
        return redirect(back)
    try:
        outcome = services.assign_leads(lead_ids=ids, posting_id=int(to) or None, note=request.POST.get("note", ""), now=timezone.now())
    except (ValidationError, Posting.DoesNotExist) as error:
        messages.error(request, " ".join(error.messages) if isinstance(error, ValidationError) else _("没有这个岗位，或不在您的辖区；请重新选择。"))
    else:
        _tell(request, outcome, _("已分派 %(done)d 条线索。") % {"done": len(outcome.done)})
    return redirect(back)


def _ticked(request: HttpRequest) -> list[int]:
    return [int(value) for value in request.POST.getlist("lead") if value.isascii() and value.isdigit() and len(value) < 19][:500]


def _tell(request: HttpRequest, outcome: Outcome, done: str) -> None:
    """What a batch came to: how many went, and by reason which did not."""
    if outcome.done:
        messages.success(request, done)
    if not outcome.refused:
        return
    numbers = dict(queries.leads().filter(pk__in=outcome.refused).values_list("pk", "number"))
    by_reason: dict[str, list[str]] = {}
    for pk, reason in outcome.refused.items():
        by_reason.setdefault(reason, []).append(numbers.get(pk, str(pk)))
    for reason, which in by_reason.items():
        named = "、".join(which[:NAMED]) + (_(" 等") if len(which) > NAMED else "")
        messages.warning(request, _("%(count)d 条未办理：%(reason)s（%(which)s）。") % {"count": len(which), "reason": reason, "which": named})


@may("discovery.report")
def report(request: HttpRequest, household_id: int) -> HttpResponse:
    """Report a household in difficulty by hand (measures 1.3, 1.7)."""
    household = get_object_or_404(Household, pk=household_id)
    form = ReportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.report_lead(
                person_id=None, household_id=household.pk, programme="", now=timezone.now(), reason=form.cleaned_data["reason"],
                urgency=form.cleaned_data["urgency"], need=form.cleaned_data["need"],
            )  # fmt: skip
        except ValidationError as error:
            form.add_error(None, error.messages)
        else:
            messages.success(request, _("已登记线索 %(number)s，工作人员会在期限内联系。") % {"number": made.number})
            # who reports need not be one who works on leads
            return redirect("discovery:lead", lead_id=made.pk) if duties.may("discovery.view") else redirect("registry:household", household.pk)
    context = {"form": form, "household": household, "may_list": duties.may("discovery.view")}
    return render(request, "discovery/report.html", context, status=422 if form.errors else 200)
