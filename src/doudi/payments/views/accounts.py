"""Accounts of beneficiaries (领款账户): one household's with their history, changes that wait, what a check of the county found, the banks' rules."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from doudi.core import audit, duties, numbers
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.models import Attachment
from doudi.core.tasks import start_task
from doudi.core.views.access import may
from doudi.core.views.telling import tell
from doudi.enrolment.models import Award, BankRule, PayeeChange
from doudi.enrolment.services import bank_rules
from doudi.payments import account_queries
from doudi.payments.account_forms import BankRuleForm, RetireForm
from doudi.payments.models import AccountFinding, paid_choices
from doudi.payments.views.lists import ALL, tail_of
from doudi.registry.codes import BANKS
from doudi.registry.models import Household

CHANGE_COLOURS = {"proposed": "orange", "confirmed": "green", "sent_back": "gray"}


class ChangeFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(
        label=gettext_lazy("状态"), choices=[*PayeeChange.State.choices, ("cooling", gettext_lazy("冷静期"))], empty_label=ALL, method="by_state"
    )
    kind = django_filters.ChoiceFilter(label=gettext_lazy("种类"), choices=PayeeChange.Kind.choices, empty_label=ALL)
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = PayeeChange
        fields: list[str] = []

    def by_state(self, rows: QuerySet[PayeeChange], _name: str, value: str) -> QuerySet[PayeeChange]:
        if value == "cooling":
            return rows.filter(state="confirmed", lifted_at=None, usable_from__gt=timezone.localdate())
        return rows.filter(state=value) if value else rows


def _said(change: PayeeChange) -> str:
    if change.waits(timezone.localdate()):
        return str(_("冷静期"))
    return str(change.get_state_display())  # type: ignore[attr-defined]


class Changes(ListPage):
    """Changes of payee and account (账户变更): those that wait for the second officer first."""

    title = gettext_lazy("账户变更")
    act = "payments.accounts"
    crumbs = [(gettext_lazy("资金发放"), "")]
    filters = ChangeFilter
    order = ("-waiting", "-id")
    subject = "payee_change"
    empty_title = gettext_lazy("没有账户变更")
    empty_hint = gettext_lazy("乡镇在待遇页提出变更后，在这里等待县级确认。")
    columns = [
        Column(gettext_lazy("原领款人"), "was_name", url=lambda row: reverse("enrolment:award", args=[row.award_id])),
        Column(gettext_lazy("新领款人"), "name", small=lambda row: row.get_kind_display()),
        Column(gettext_lazy("新账号"), lambda row: tail_of(row.account), small=lambda row: BANKS.get(row.bank[:3], "")),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("待遇"), "award.get_programme_display"),
        Column(gettext_lazy("提出"), "proposed_by.name", small=lambda row: timezone.localtime(row.proposed_at).strftime("%Y-%m-%d")),
        Column(gettext_lazy("材料"), lambda row: _("有") if row.papers else _("缺"), kind="tag", colour=lambda row: "green" if row.papers else "red"),
        Column(gettext_lazy("启用日期"), "usable_from", kind="day"),
        Column(gettext_lazy("代领截止"), "valid_until", kind="day"),
        Column(
            gettext_lazy("状态"), _said, kind="tag",
            colour=lambda row: "purple" if row.waits(timezone.localdate()) else CHANGE_COLOURS[row.state],
        ),
    ]  # fmt: skip

    def rows(self) -> QuerySet[PayeeChange]:
        papers = Attachment.objects.filter(subject="payee_change", subject_id=OuterRef("pk"), removed_at=None)
        return PayeeChange.objects.select_related("award", "proposed_by").annotate(papers=Exists(papers), waiting=Q(state="proposed"))


class FindingFilter(django_filters.FilterSet):
    problem = django_filters.ChoiceFilter(label=gettext_lazy("问题"), choices=AccountFinding.Problem.choices, empty_label=ALL)
    programme = django_filters.ChoiceFilter(label=gettext_lazy("待遇"), choices=paid_choices(), empty_label=ALL)
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = AccountFinding
        fields: list[str] = []


class Findings(ListPage):
    """What the last check of the accounts found (账户核查)."""

    title = gettext_lazy("账户核查")
    act = "payments.accounts"
    crumbs = [(gettext_lazy("资金发放"), "")]
    filters = FindingFilter
    order = ("problem", "area", "award_id")
    subject = "account_finding"
    template = "payments/account_findings.html"
    empty_title = gettext_lazy("没有发现问题")
    empty_hint = gettext_lazy("每天核查一次；也可以点“重新核查”。")
    columns = [
        Column(gettext_lazy("领款人"), "payee_name", url=lambda row: reverse("payments:accounts", args=[row.household_id])),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("待遇"), "get_programme_display"),
        Column(gettext_lazy("账号"), lambda row: tail_of(row.account)),
        Column(gettext_lazy("开户银行"), lambda row: BANKS.get(row.bank[:3], row.bank)),
        Column(gettext_lazy("问题"), "get_problem_display", kind="tag", colour=lambda row: "orange" if row.problem == "shared" else "red"),
        Column(gettext_lazy("共用户数"), lambda row: row.households if row.households > 1 else None, kind="number", sort="households"),
        Column(gettext_lazy("核查时间"), "found_at", kind="day"),
    ]

    def rows(self) -> QuerySet[AccountFinding]:
        return AccountFinding.objects.all()

    def context(self) -> dict[str, Any]:
        return {"figures": account_queries.finding_figures(), "may_check": len(scopes.current().area) >= 6}


@require_POST
@may("payments.accounts")
def check(request: HttpRequest) -> HttpResponse:
    """Check the accounts of one's own county or township again, in the background."""
    area = scopes.current().area
    if len(area) < 6:
        raise Http404
    task = start_task(
        path="doudi.payments.account_tasks.check", title=str(_("账户核查")), arguments={"area": area}, url=reverse("payments:account_findings"), now=timezone.now()
    )
    return redirect("task", task.pk)


@require_GET
@may("payments.accounts")
def household(request: HttpRequest, pk: int) -> HttpResponse:
    """The accounts to which a household's money goes, and everything that happened to them."""
    row = Household.objects.filter(pk=pk).first()
    if row is None:
        raise Http404
    audit.record_access(what="open", subject="household", subject_id=pk, area=row.area, field="accounts")
    reveal = duties.may("registry.reveal")
    context = {
        "household": row, "accounts": account_queries.accounts_of(row.pk, on=timezone.localdate()), "events": account_queries.history_of(row.pk), "reveal": reveal,
        "may_change": duties.may("enrolment.propose"), "may_recover": duties.may("payments.recover"), "may_open": duties.may("enrolment.view"),
    }  # fmt: skip
    return render(request, "payments/accounts.html", context)


@require_POST
@may("registry.reveal")
def reveal(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole account number of one award, once its access record is committed."""
    duties.require("payments.accounts")
    row = Award.objects.filter(pk=pk).first()
    if row is None or row.account is None:
        raise Http404
    audit.record_access(what="reveal", subject="household", subject_id=row.household_id, area=row.area, field="account")
    bank = BANKS.get(row.bank[:3], row.bank)
    return HttpResponse(format_html('<span class="rv">{}{}</span>', numbers.plain(row.account), f"（{bank}）" if bank else ""))


@require_http_methods(["GET", "POST"])
@may("payments.accounts")
def rules(request: HttpRequest) -> HttpResponse:
    """Forms of account numbers by bank, with their sources; officers add and retire."""
    edit, now = duties.may("enrolment.bank_rules"), timezone.now()
    form = BankRuleForm(request.POST or None) if edit else None
    if request.method == "POST":
        duties.require("enrolment.bank_rules")
        assert form is not None
        if form.is_valid():
            try:
                bank_rules.add_rule(now=now, **form.cleaned_data)
            except ValidationError as error:
                errors_into(form, error)
            else:
                messages.success(request, _("已增加一条账号规则。"))
                return redirect("payments:bank_rules")
    found = BankRule.objects.select_related("made_by", "retired_by").order_by("bank", "kind", "prefix", "id")
    return render(request, "payments/bank_rules.html", {"rows": found, "form": form, "retire": RetireForm() if edit else None}, status=422 if form and form.errors else 200)


@require_POST
@may("enrolment.bank_rules")
def retire_rule(request: HttpRequest, pk: int) -> HttpResponse:
    tell(request, lambda: bank_rules.retire_rule(rule_id=pk, reason=request.POST.get("reason", ""), now=timezone.now()), lambda _row: _("已停用。"))
    return redirect("payments:bank_rules")
