"""Pages of applications: the list, a new one, one case with its steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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
from django.views.decorators.http import require_GET, require_http_methods

from doudi.assessment import services as assessing
from doudi.core import audit, duties
from doudi.core import scope as scopes
from doudi.core.lists import AreaFilter, Column, ListPage, PrefixFilter
from doudi.core.views.access import may
from doudi.discovery.models import Lead
from doudi.enrolment import case_queries, services
from doudi.enrolment.case_forms import ApplyForm, AuthorisationForm, DocumentForm, RelativeForm
from doudi.enrolment.case_steps import panel_of
from doudi.enrolment.models import Application, Case
from doudi.enrolment.procedure import PROCEDURES, Step, checked
from doudi.enrolment.services.accepting import checklist, owed
from doudi.enrolment.services.checking import last_of, opened
from doudi.enrolment.services.papers import unsigned
from doudi.registry.models import Household, Membership, Programme


class CaseFilter(django_filters.FilterSet):
    name = PrefixFilter(field_name="household__name", label=gettext_lazy("户主姓名"))
    number = PrefixFilter(field_name="application__number", label=gettext_lazy("申请编号"))
    programme = django_filters.ChoiceFilter(label=gettext_lazy("救助项目"), choices=Programme.choices)
    step = django_filters.ChoiceFilter(label=gettext_lazy("办理环节"), choices=Step.choices)
    state = django_filters.ChoiceFilter(
        label=gettext_lazy("办理状态"), method="by_state",
        choices=[*Case.State.choices[:-1], ("telling", gettext_lazy("已决定，待告知")), *Case.State.choices[-1:], *[c for c in Case.Outcome.choices if c[0]]],
    )  # fmt: skip
    area = AreaFilter(label=gettext_lazy("地区"))
    late = django_filters.BooleanFilter(label=gettext_lazy("只看超期"), method="only_late", widget=forms.CheckboxInput)

    class Meta:
        model = Case
        fields: list[str] = []

    def by_state(self, rows: QuerySet[Case], _name: str, value: str) -> QuerySet[Case]:
        if value == "telling":
            return rows.filter(case_queries.TELLING)
        return rows.filter(outcome=value) if value in Case.Outcome.values else rows.filter(state=value, **({} if value == Case.State.CLOSED else {"outcome": ""}))

    def only_late(self, rows: QuerySet[Case], _name: str, value: bool | None) -> QuerySet[Case]:
        return rows.filter(case_queries.overdue(timezone.localdate())) if value else rows


class Cases(ListPage):
    title = gettext_lazy("救助申请")
    act = "enrolment.cases"
    crumbs = [(gettext_lazy("救助办理"), "")]
    filters = CaseFilter
    order = ("-id",)
    template = "enrolment/cases.html"
    subject = "case"
    empty_hint = gettext_lazy("从家庭页或线索页点“提出申请”，申请会显示在这里。")
    columns = [
        Column(gettext_lazy("申请编号"), "application.number", kind="code", url=lambda row: reverse("enrolment:case", args=[row.pk])),
        Column(gettext_lazy("户主"), "household.name", small=lambda row: row.person.name if row.person_id and row.person else None),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("救助项目"), "get_programme_display"),
        Column(gettext_lazy("办理环节"), lambda row: case_queries.said(row)[0], kind="tag", colour=lambda row: case_queries.said(row)[1]),
        Column(gettext_lazy("金额（元/月）"), "amount", kind="money", sort="amount"),
        Column(
            gettext_lazy("环节期限"), lambda row: row.due if row.state == "open" else None, kind="due", sort="due",
            small=lambda row: None if row.outcome or not row.decide_by else _("办结期限 %(day)s") % {"day": row.decide_by.isoformat()},
        ),
        Column(gettext_lazy("申请日期"), "application.applied_on", kind="day"),
    ]  # fmt: skip

    def get_columns(self) -> Sequence[Column]:
        """Readers of one township need the village's own name only."""
        if len(scopes.current().area) < 9:
            return self.columns
        return [replace(column, kind="place") if column.kind == "area" else column for column in self.columns]

    def rows(self) -> QuerySet[Case]:
        return case_queries.cases()

    def context(self) -> dict[str, Any]:
        return {"may_apply": duties.may("enrolment.apply"), "may_post": duties.may("enrolment.publicise")}


def _choices(household: Household) -> tuple[list[tuple[str, str]], list[services.Fit], Any]:
    """Choices of programmes (what fits first), what the law says of each, and the assessment; without the right to run it all are offered."""
    if duties.may("assessment.run"):
        try:
            assessment = services.law_says(household=household, now=timezone.now())
        except ValidationError:
            assessment = None
        if assessment is not None:
            found = services.fits(assessment)
            return [(f.key, f"{f.label} {f.name}".strip()) for f in found], found, assessment
    members = _members(household)
    plain: list[tuple[str, str]] = []
    for programme in PROCEDURES:
        label = str(Programme(programme).label)
        whole = programme in ("dibao", "marginal", "rigid")
        plain += [(f"{programme}:", label)] if whole else [(f"{programme}:{pk}", f"{label} {name}") for pk, name in members]
    return plain, [], None


def _members(household: Household) -> list[tuple[int, str]]:
    today = timezone.localdate()
    rows = Membership.objects.filter(household=household, starts__lte=today, person__died_on__isnull=True).exclude(ends__lte=today)
    return list(rows.order_by("relationship", "id").values_list("person_id", "person__name"))


@require_http_methods(["GET", "POST"])
@may("enrolment.apply")
def new(request: HttpRequest, household: int) -> HttpResponse:
    """A new application: what the law says fits stands first and is ticked; everything else can be asked for too."""
    found = Household.objects.filter(pk=household).first()
    if found is None:
        raise Http404
    lead = _lead(request, found)
    choices, fits, assessment = _choices(found)
    members = _members(found)
    initial: dict[str, Any] = {"applied_on": timezone.localdate(), "programmes": [f.key for f in fits if f.fits], "channel": "lead" if lead else "counter"}
    if duties.may("enrolment.accept") is False:
        initial["channel"] = "village"
    form = ApplyForm(request.POST if request.method == "POST" else None, programmes=choices, members=members, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            made = services.apply(
                household_id=found.pk, applicant_id=data["applicant"], programmes=form.wanted(), channel=data["channel"], applied_on=data["applied_on"],
                note=data["note"], lead_id=lead.pk if lead else None, now=timezone.now(),
            )  # fmt: skip
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("已登记申请 %(number)s。") % {"number": made.number})
            first = made.cases.order_by("id").values_list("pk", flat=True)[0]
            return redirect("enrolment:case", pk=first)
    picked = set(request.POST.getlist("programmes")) if request.method == "POST" else set(initial["programmes"])
    rows = [(key, label, next((f for f in fits if f.key == key), None), key in picked) for key, label in choices]
    context = {
        "form": form, "household": found, "rows": rows, "lead": lead, "assessment": assessment,
        "open": case_queries.of_household(found.pk)[:4],
    }  # fmt: skip
    return render(request, "enrolment/apply.html", context, status=422 if form.errors else 200)


@require_GET
@may("enrolment.cases")
def application(request: HttpRequest, pk: int) -> HttpResponse:
    """An application is read on the page of its first case."""
    first = Case.objects.filter(application=pk).order_by("id").values_list("pk", flat=True).first()
    if first is None:
        raise Http404
    return redirect("enrolment:case", pk=first)


def _lead(request: HttpRequest, household: Household) -> Lead | None:
    given = request.GET.get("lead", "")
    return Lead.objects.filter(pk=int(given), household=household).first() if given.isascii() and given.isdigit() and len(given) < 18 else None


def add_errors(form: forms.Form, error: ValidationError) -> None:
    """A service's errors at the fields of the form that has them, the others above."""
    if hasattr(error, "error_dict"):
        for field, found in error.message_dict.items():
            form.add_error(field if field in form.fields else None, found)
    else:
        form.add_error(None, error)


def found_case(pk: int) -> Case:
    found = case_queries.one(pk)
    if found is None:
        raise Http404
    return found


@require_GET
@may("enrolment.cases")
def case(request: HttpRequest, pk: int) -> HttpResponse:
    return case_page(request, found_case(pk))


def case_page(request: HttpRequest, row: Case, *, what: str = "", form: forms.Form | None = None, status: int = 200) -> HttpResponse:
    """One case. `what` and `form`: an action that was refused, shown again with its errors."""
    audit.record_access(what="open", subject="household", subject_id=row.household_id, area=row.area, field="case")
    today = timezone.localdate()
    application = row.application
    siblings = list(Case.objects.filter(application=application).select_related("person").order_by("id"))
    whole = duties.may("enrolment.view")
    people = case_queries.members(row, today)
    members = [(m.person_id, m.person.name) for m in people]
    check = last_of(application.pk)
    words, colour = case_queries.said(row)
    needs_check = any(checked(each.programme) for each in siblings)
    open_here = row.state != Case.State.CLOSED and duties.may("enrolment.apply")
    extra = {"document": DocumentForm, "authorisation": AuthorisationForm, "relative": RelativeForm}
    initial = {"authorisation": {"signed_on": today}}
    paper_forms = {
        name: form if form is not None and what == name else kind(members=members, initial=initial.get(name)) for name, kind in extra.items()
    } if open_here else {}  # fmt: skip
    context = {
        "row": row, "application": application, "siblings": [each for each in siblings if each.pk != row.pk], "words": words, "colour": colour,
        "steps": case_queries.steps(row), "timeline": case_queries.timeline(row), "desc": _described(row), "people": people,
        "items": checklist(application, siblings, on=today), "missing": owed(application, siblings, on=today) if row.step == Step.ACCEPT else [],
        "unsigned": unsigned(row.household_id, on=today) if needs_check else [], "authorisations": case_queries.authorisations(row.household_id),
        "holding": case_queries.holding(row.household_id, today) if needs_check else [],
        "relatives": case_queries.relatives(row.household_id), "check": check,
        "report": case_queries.sorted_report(opened(check)) if check and check.report and whole else None,
        "visits": case_queries.visits(application), "publicities": case_queries.publicities(row), "objections": case_queries.objections(row),
        "whole": whole, "panels": panel_of(row, what=what, form=form, people=people), "paper_forms": paper_forms, "needs_check": needs_check,
        "today": today, "late": row.state == "open" and ((row.due and row.due < today) or (not row.outcome and row.decide_by and row.decide_by < today)),
        "assessment": assessing.latest(household_id=row.household_id, month=row.decision.starts) if row.decision and whole else None,
    }  # fmt: skip
    return render(request, "enrolment/case.html", context, status=status)


def _described(row: Case) -> list[tuple[object, ...]]:
    application: Application = row.application
    return [
        (_("申请编号"), application.number),
        (_("救助项目"), f"{row.get_programme_display()}{f'（{row.person.name}）' if row.person else ''}"),
        (_("申请人"), application.applicant.name),
        (_("申请方式"), application.get_channel_display()),
        (_("申请日期"), application.applied_on.isoformat()),
        (_("登记人"), application.made_by.name if application.made_by else ""),
        (_("环节期限"), row.due.isoformat() if row.due else ""),
        (_("办结期限"), row.decide_by.isoformat() if row.decide_by else ""),
        (_("审核确认"), _("下放乡镇") if row.procedure["delegated"] else _("县级")),
        (_("程序依据"), _("%(source)s（%(day)s 起用，已随本件固定）") % {"source": row.procedure["source"], "day": row.procedure["on"]}),
        (_("申请理由"), application.note or "", True),
    ]
