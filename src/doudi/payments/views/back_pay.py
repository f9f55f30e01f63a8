"""Pages of back pay (补发): calculations by document, the list month by month, one award explained."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
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
from django.views.decorators.http import require_POST

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage, PrefixFilter
from doudi.core.tasks import start_task
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.payments import back_queries
from doudi.payments.back_forms import BackPayForm
from doudi.payments.models import BackPay, BackPayItem, paid_choices
from doudi.payments.services import back_pay, drafts

ALL = gettext_lazy("全部")


class BackPayFilter(django_filters.FilterSet):
    area = AreaFilter(label=gettext_lazy("地区"))
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=BackPay.State.choices, empty_label=ALL)

    class Meta:
        model = BackPay
        fields: list[str] = []


class BackPays(ListPage):
    """Calculations of back pay, by document."""

    title = gettext_lazy("补发")
    act = "payments.back_view"
    crumbs = ((gettext_lazy("资金发放"), ""),)
    filters = BackPayFilter
    order = ("-made_at", "-id")
    template = "payments/back_pays.html"
    empty_title = gettext_lazy("还没有补发核算")
    empty_hint = gettext_lazy("标准由较晚的文件提高并追溯执行，或待遇决定较晚时，在这里逐月核算差额。")
    columns = (
        Column(gettext_lazy("文号"), "document", url=lambda row: reverse("payments:back_pay", args=[row.pk]), small=lambda row: row.get_source_display()),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("月份"), lambda row: ui.month(row.first) if row.first == row.last else f"{ui.month(row.first)} – {ui.month(row.last)}", sort="first"),
        Column(gettext_lazy("待遇项数"), "awards", kind="number"),
        Column(gettext_lazy("月次"), "months", kind="number"),
        Column(gettext_lazy("金额（元）"), "amount", kind="money", sort="amount"),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: back_queries.COLOURS[row.state]),
        Column(gettext_lazy("核算"), "made_by.name", small=lambda row: ui.day(row.made_at)),
    )

    def rows(self) -> QuerySet[BackPay]:
        return BackPay.objects.select_related("made_by")

    def context(self) -> dict[str, Any]:
        acting = scopes.current()
        return {"may_propose": duties.may("payments.back_propose") and len(acting.area) == 6}


@may("payments.back_propose")
def new(request: HttpRequest) -> HttpResponse:
    """Calculate by a document."""
    area, on = scopes.current().area, timezone.localdate()
    initial: dict[str, Any] = {"programmes": list(back_pay.PAID)}
    if request.GET.get("document"):
        initial["document"] = request.GET["document"]
    with suppress(ValueError):
        initial["first"] = date.fromisoformat(f"{request.GET.get('first', '')}-01")
    form = BackPayForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        first, last = form.months()
        given = {"area": area, "document": form.cleaned_data["document"], "programmes": form.cleaned_data["programmes"]}
        try:
            back_pay.check_asked(first=first, last=last, now=timezone.now(), **given)
        except ValidationError as error:
            errors_into(form, error)
        else:
            title = _("核算补发：%(document)s") % {"document": given["document"]}
            arguments = {**given, "first": first, "last": last or "", "reason": form.cleaned_data["reason"]}
            return _begin(request, "calculate_back_pay", title, arguments, _("已开始逐月核算；完成后出现在下表中，由县级审批人审批。"))
    context = {"form": form, "documents": back_queries.recent_documents(area, on)}
    return render(request, "payments/back_pay_new.html", context, status=422 if form.errors else 200)


@require_POST
@may("payments.back_propose")
def late(request: HttpRequest) -> HttpResponse:
    """Calculate what decisions that came late owe."""
    said = _("已开始核对；有应补的，完成后出现在下表中。")
    return _begin(request, "calculate_late_decisions", _("核对较晚的决定"), {"area": scopes.current().area}, said)


def _begin(request: HttpRequest, task: str, title: str, arguments: dict[str, Any], said: str, back: str = "") -> HttpResponse:
    url = back or reverse("payments:back_pays")
    start_task(path=f"doudi.payments.tasks.{task}", title=title, arguments=arguments, url=url, now=timezone.now())
    messages.success(request, said)
    return redirect(url)


def found(pk: int) -> BackPay:
    row = BackPay.objects.select_related("made_by", "decided_by").filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


@may("payments.back_view")
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """One calculation: by township, programme and month, the rules that changed, who is left out; approve, send back, withdraw, pay."""
    row, problem = found(pk), ""
    if request.method == "POST":
        act, note, now = request.POST.get("act"), request.POST.get("note", ""), timezone.now()
        version = int(request.POST["version"]) if request.POST.get("version", "").isdigit() else 0
        try:
            if act == "approve":
                back_pay.approve_back_pay(back_pay_id=pk, version=version, note=note, now=now)
                messages.success(request, _("已审批，可编制补发批次。"))
            elif act == "send_back":
                back_pay.send_back_back_pay(back_pay_id=pk, version=version, note=note, now=now)
            elif act == "withdraw":
                back_pay.withdraw_back_pay(back_pay_id=pk, version=version, note=note, now=now)
            elif act == "pay":
                drafts.county_of(row.area, "payments.prepare")
                arguments = {"area": row.area, "month": timezone.localdate().replace(day=1)}
                title = _("编制补发批次：%(document)s") % {"document": row.document}
                said = _("已开始编制补发批次，完成后出现在发放批次中。")
                return _begin(request, "prepare_back_payroll", title, arguments, said, reverse("payments:payrolls"))
            return redirect("payments:back_pay", pk)
        except ValidationError as error:
            problem = " ".join(error.messages)
            row = found(pk)
    acting = scopes.current()
    covers, waits = acting.covers(row.area), row.state == BackPay.State.PROPOSED
    context = {
        "row": row, "colour": back_queries.COLOURS[row.state], "place": places.name(row.area), "summary": back_queries.summary_of(row),
        "basis": back_queries.basis_of(row), "problem": problem, "whole": covers,
        "may_approve": waits and covers and duties.may("payments.back_approve") and row.made_by_id != acting.account_id,
        "mine": waits and row.made_by_id == acting.account_id and duties.may("payments.back_propose"),
        "may_pay": row.state == BackPay.State.APPROVED and row.months and covers and duties.may("payments.prepare"),
    }  # fmt: skip
    return render(request, "payments/back_pay.html", context, status=422 if problem else 200)


class ItemFilter(django_filters.FilterSet):
    payee_name = PrefixFilter(label=gettext_lazy("领款人"))
    area = AreaFilter(label=gettext_lazy("地区"))
    programme = django_filters.ChoiceFilter(label=gettext_lazy("待遇"), choices=paid_choices(), empty_label=ALL)
    reason = django_filters.ChoiceFilter(
        label=gettext_lazy("结果"), choices=[("owed", BackPayItem.Reason.OWED.label), *[one for one in BackPayItem.Reason.choices if one[0]]], empty_label=ALL,
        method="by_reason",
    )  # fmt: skip

    class Meta:
        model = BackPayItem
        fields: list[str] = []

    def by_reason(self, rows: QuerySet[BackPayItem], _name: str, value: str) -> QuerySet[BackPayItem]:
        return rows.filter(reason="" if value == "owed" else value)


class Items(ListPage):
    """The months of one calculation, those of the reader's scope."""

    title = gettext_lazy("补发明细")
    act = "payments.back_view"
    subject = "back_pay_item"
    filters = ItemFilter
    order = ("area", "entitlement_id", "month")
    columns = (
        Column(
            gettext_lazy("领款人"), "payee_name", url=lambda row: reverse("payments:back_award", args=[row.back_pay_id, row.entitlement_id]), drawer=True
        ),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("待遇"), "get_programme_display"),
        Column(gettext_lazy("所属月份"), lambda row: ui.month(row.month), sort="month"),
        Column(gettext_lazy("原标准（元）"), lambda row: row.was if row.standard_was is None else row.standard_was, kind="money"),
        Column(gettext_lazy("新标准（元）"), lambda row: row.law if row.standard is None else row.standard, kind="money"),
        Column(gettext_lazy("应发（元）"), "owed", kind="money"),
        Column(gettext_lazy("已发（元）"), "paid", kind="money"),
        Column(gettext_lazy("差额（元）"), "amount", kind="money", sort="amount"),
        Column(gettext_lazy("结果"), "get_reason_display", kind="tag", colour=lambda row: back_queries.REASON_COLOURS[row.reason]),
    )  # fmt: skip

    @property
    def crumbs(self) -> list[tuple[Any, str]]:  # type: ignore[override]
        return [(_("补发"), reverse("payments:back_pays")), (self.row.document, reverse("payments:back_pay", args=[self.row.pk]))]

    def setup(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.row = found(kwargs["pk"])

    def rows(self) -> QuerySet[BackPayItem]:
        return BackPayItem.objects.filter(back_pay=self.row)


@may("payments.back_view")
def award(request: HttpRequest, pk: int, entitlement: int) -> HttpResponse:
    """One award month by month: owed, paid, difference, standard before and after, document and legal reference; printable."""
    row = found(pk)
    months = back_queries.award_months(row, entitlement)
    if not months:
        raise Http404
    owed = [one for one in months if not one.reason]
    context = {
        "row": row, "months": [(one, back_queries.how(one, row.source)) for one in months], "head": months[0], "basis": back_queries.basis_of(row), "place": places.name(row.area),
        "total": {"owed": sum(one.owed or 0 for one in owed), "paid": sum(one.paid for one in owed), "amount": sum(one.amount for one in owed)},
    }  # fmt: skip
    return render(request, "payments/back_award.html", context)
