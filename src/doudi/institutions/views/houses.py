"""Pages of institutions: the list, one house, registering and changing it, visits by relatives."""

from __future__ import annotations

from typing import Any

import django_filters
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

from doudi.core import audit, duties, numbers
from doudi.core.forms import errors_into
from doudi.core.lists import Column, ListPage, PrefixFilter
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.institutions import queries, services
from doudi.institutions.figures import COLOURS, REASONS, reason_words
from doudi.institutions.forms import AccountForm, ChangeForm, DealtForm, InstitutionForm, VisitsForm
from doudi.institutions.models import Institution, ReportDue, VisitState
from doudi.institutions.views.shared import PlaceFilter, do, found

VISIT_COLOURS = {"open": "green", "appointment": "", "closed": "orange", "": "gray"}
MANY = 500


class InstitutionFilter(django_filters.FilterSet):
    name = PrefixFilter(label=gettext_lazy("机构名称"))
    kind = django_filters.ChoiceFilter(label=gettext_lazy("类别"), choices=Institution.Kind.choices, empty_label=gettext_lazy("全部"))
    area = PlaceFilter(label=gettext_lazy("地区"))
    risk = django_filters.ChoiceFilter(
        label=gettext_lazy("风险"), choices=[("any", gettext_lazy("有风险")), *[c for c in Institution.Risk.choices if c[0]]], method="with_risk",
        empty_label=gettext_lazy("全部"),
    )  # fmt: skip
    reason = django_filters.ChoiceFilter(
        label=gettext_lazy("风险原因"), choices=[(code, label) for code, (_level, label) in REASONS.items()], method="with_reason", empty_label=gettext_lazy("全部")
    )
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=Institution.State.choices, empty_label=gettext_lazy("全部"))
    reported = django_filters.ChoiceFilter(
        label=gettext_lazy("今天上报"), choices=[("yes", gettext_lazy("已上报")), ("no", gettext_lazy("未上报"))], method="by_report", empty_label=gettext_lazy("全部")
    )

    class Meta:
        model = Institution
        fields: list[str] = []

    def with_risk(self, rows: QuerySet[Institution], name: str, value: str) -> QuerySet[Institution]:
        return rows.exclude(risk="") if value == "any" else rows.filter(risk=value)

    def by_report(self, rows: QuerySet[Institution], name: str, value: str) -> QuerySet[Institution]:
        owed = ReportDue.objects.filter(on=timezone.localdate(), reported_at__isnull=value == "no")
        return rows.filter(state="running", pk__in=owed.values("institution")) if value else rows

    def with_reason(self, rows: QuerySet[Institution], name: str, value: str) -> QuerySet[Institution]:
        return rows.filter(~Q(risk=""), risk_reasons__contains=[value])


class Institutions(ListPage):
    title = gettext_lazy("机构")
    act = "institutions.view"
    subject = "institution"
    crumbs = ((gettext_lazy("民政服务机构"), ""),)
    filters = InstitutionFilter
    order = ("area", "kind", "name", "pk")
    template = "institutions/institutions.html"
    empty_title = gettext_lazy("还没有登记机构")
    empty_hint = gettext_lazy("养老机构、福利院、救助管理站由县级登记；填报员只看到自己的机构。")
    columns = (
        Column(gettext_lazy("机构"), "name", url=lambda row: reverse("institutions:institution", args=[row.pk])),
        Column(gettext_lazy("类别"), "get_kind_display"),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("入住"), lambda row: row.living or 0, kind="number"),
        Column(gettext_lazy("床位"), lambda row: row.beds or 0, kind="number"),
        Column(gettext_lazy("最近上报"), "last_report_on", kind="day", sort="last_report_on"),
        Column(gettext_lazy("探视管理"), lambda row: VisitState.State(row.visits).label if row.visits else None, kind="tag", colour=lambda row: VISIT_COLOURS[row.visits]),
        Column(gettext_lazy("风险"), lambda row: row.get_risk_display() if row.risk else None, kind="tag", colour=lambda row: COLOURS[row.risk], small=reason_words),
        Column(gettext_lazy("值班电话"), "phone", kind="code"),
        Column(gettext_lazy("状态"), lambda row: None if row.state == "running" else row.get_state_display(), kind="tag", colour=lambda row: "gray"),
    )

    def rows(self) -> QuerySet[Institution]:
        return queries.with_figures(Institution.objects.all(), timezone.localdate())

    def context(self) -> dict[str, Any]:
        return {"may_manage": duties.may("institutions.manage"), "may_report": duties.may("institutions.report")}


@may("institutions.manage")
def new(request: HttpRequest) -> HttpResponse:
    form = InstitutionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = {name: value for name, value in form.cleaned_data.items() if not name.startswith("bed_")}
        try:
            row = services.register_institution(**given, beds=form.beds, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已登记机构；请指定填报员，登记联系人。"))
            return redirect("institutions:staff", row.pk)
    return render(request, "institutions/new.html", {"form": form}, status=422 if form.errors else 200)


def figures_of(house: queries.House) -> list[dict[str, Any]]:
    """The row of figures on top of a house's page."""
    report, lowest = house.report, house.lowest
    figures: list[dict[str, Any]] = [
        {"label": _("入住"), "value": house.living, "unit": _("/ %(beds)s 床") % {"beds": house.capacity}, "note": _("名册人数"),
         "url": reverse("institutions:residents", args=[house.row.pk])},
    ]  # fmt: skip
    if report is not None:
        ill = report.symptoms_residents + report.symptoms_staff
        figures += [
            {"label": _("在院"), "value": report.residents, "unit": _("人"), "note": _("%(day)s 上报") % {"day": report.on}},
            {"label": _("在岗"), "value": report.staff_on_site, "unit": _("/ %(staff)s 人") % {"staff": report.staff}, "note": _("工作人员")},
            {"label": _("有症状"), "value": ill, "unit": _("人"), "note": _("隔离观察 %(apart)s 人") % {"apart": report.isolated_residents + report.isolated_staff}},
        ]
    figures.append(
        {"label": _("物资最低可用"), "value": lowest.days if lowest else ui.NOTHING, "unit": _("天") if lowest else "", "note": lowest.item.name if lowest else _("没有登记日用量"),
         "url": reverse("institutions:stock", args=[house.row.pk])}
    )  # fmt: skip
    return figures


def house_page(request: HttpRequest, pk: int, *, status: int = 200, **forms: Any) -> HttpResponse:
    today = timezone.localdate()
    house = queries.house(found(pk), today)
    row = house.row
    desc: list[tuple[Any, ...]] = [
        (_("机构代码"), row.code), (_("类别"), row.get_kind_display()), (_("所在地"), ui.area_name(row.area)), (_("值班电话"), row.phone),
        (_("地址"), row.address), (_("性质"), _("公办") if row.public else _("民办")),
        (_("收款账户"), ui.tail(numbers.plain(row.account)) if row.account else _("未登记")), (_("状态"), row.get_state_display()),
    ]  # fmt: skip
    context: dict[str, Any] = {
        "house": house, "row": row, "desc": desc, "figures": figures_of(house), "reasons": reason_words(row), "colour": COLOURS[row.risk],
        "today": today, "reported": any(report.on == today for report in house.reports), "owed": house.dues.get(today),
        "missed": sorted((day for day, due in house.dues.items() if due.reported_at is None and day < today), reverse=True),
        "visit_colour": VISIT_COLOURS[house.now.state] if house.now else "gray",
        "may_report": duties.may("institutions.report"), "may_manage": duties.may("institutions.manage"), "may_visits": duties.may("institutions.visits"),
        "visits": VisitsForm(), "dealt": DealtForm(),
    } | forms  # fmt: skip
    return render(request, "institutions/institution.html", context, status=status)


@require_GET
@may("institutions.view")
def institution(request: HttpRequest, pk: int) -> HttpResponse:
    return house_page(request, pk)


@may("institutions.manage")
def change(request: HttpRequest, pk: int) -> HttpResponse:
    row = found(pk)
    form = ChangeForm(request.POST or None, row=row)
    if request.method == "POST" and form.is_valid():
        given = {name: value for name, value in form.cleaned_data.items() if not name.startswith("bed_")}
        try:
            services.change_institution(institution_id=pk, **given, beds=form.beds, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已变更机构资料。"))
            return redirect("institutions:institution", pk)
    account = AccountForm(initial={"version": row.version, "bank": row.bank})
    return render(request, "institutions/change.html", {"form": form, "account": account, "row": row}, status=422 if form.errors else 200)


@require_POST
@may("institutions.manage")
def account(request: HttpRequest, pk: int) -> HttpResponse:
    form = AccountForm(request.POST)
    return do(
        request, lambda: services.set_account(institution_id=pk, **form.cleaned_data, now=timezone.now()), _("已登记收款账户。"), "institutions:change", pk, form=form
    )


@require_POST
@may("institutions.visits")
def visits_of(request: HttpRequest, pk: int) -> HttpResponse:
    """The visit state of one house."""
    found(pk)
    form = VisitsForm(request.POST)
    if form.is_valid():
        try:
            changed = services.set_visits(institution_ids=[pk], **form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已调整探视管理。") if changed else _("已经是这一状态，没有变化。"))
            return redirect("institutions:institution", pk)
    return house_page(request, pk, status=422, visits=form)


@require_POST
@may("institutions.manage")
def dealt(request: HttpRequest, pk: int) -> HttpResponse:
    found(pk)
    form = DealtForm(request.POST)
    return do(
        request, lambda: services.deal_with_incident(institution_id=pk, now=timezone.now(), **form.cleaned_data), _("已记录处置情况。"),
        "institutions:institution", pk, form=form,
    )  # fmt: skip


@may("institutions.visits")
def visits(request: HttpRequest) -> HttpResponse:
    """Visits by relatives over the county: who is in which state, and one decision for many houses."""
    today = timezone.localdate()
    form = VisitsForm(request.POST or None)
    chosen = [int(text) for text in request.POST.getlist("houses") if text.isascii() and text.isdigit() and len(text) < 19]
    if request.method == "POST" and form.is_valid():
        try:
            if not chosen:
                raise ValidationError(_("请选择至少一家机构。"))
            changed = services.set_visits(institution_ids=chosen, **form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已调整 %(changed)s 家机构的探视管理。") % {"changed": changed})
            return redirect("institutions:visits")
    houses = list(Institution.objects.filter(state=Institution.State.RUNNING).order_by("area", "name")[:MANY])
    states = queries.visit_states([house.pk for house in houses], today)
    rows = [(house, states.get(house.pk), house.pk in chosen) for house in houses]
    context = {"form": form, "rows": rows, "today": today, "colours": VISIT_COLOURS}
    return render(request, "institutions/visits.html", context, status=422 if form.errors else 200)


@require_POST
@may("institutions.view")
def reveal_contact(request: HttpRequest, pk: int, contact_id: int) -> HttpResponse:
    """A contact's whole phone number, after its access record is committed."""
    row = found(pk)
    contact = get_object_or_404(row.contacts, pk=contact_id)
    audit.record_access(what="reveal", subject="institution", subject_id=row.pk, area=row.area, field="contact_phone")
    number = numbers.plain(contact.phone)
    return HttpResponse(format_html('<span class="rv"><a href="tel:{}">{}</a></span>', number, number))
