"""Pages of contracts: the list, a new one, one with its lines, records in numbers, acceptances."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage, PrefixFilter
from doudi.core.views.access import may
from doudi.needs.views.queue import number
from doudi.resources import queries
from doudi.resources.forms import AcceptanceForm, ContractForm, LineFormSet
from doudi.resources.models import Acceptance, ServiceContract
from doudi.resources.services import contracts, settling

ALL = gettext_lazy("全部")


class ContractFilter(django_filters.FilterSet):
    number = PrefixFilter(label=gettext_lazy("合同编号"))
    provider = PrefixFilter(label=gettext_lazy("承接机构"))
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=ServiceContract.State.choices, empty_label=ALL)
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = ServiceContract
        fields: list[str] = []


class Contracts(ListPage):
    title = gettext_lazy("购买服务合同")
    act = "purchases.contracts"
    crumbs = ((gettext_lazy("社会力量"), ""),)
    filters = ContractFilter
    order = ("-id",)
    template = "resources/contracts.html"
    subject = "service_contract"
    empty_title = gettext_lazy("没有符合条件的合同")
    empty_hint = gettext_lazy("合同由一人提出、另一人审批后生效；只能使用购买服务资金。")
    columns = (
        Column(gettext_lazy("合同编号"), "number", kind="code", url=lambda row: reverse("resources:contract", args=[row.pk])),
        Column(gettext_lazy("名称"), "title", small=lambda row: row.provider),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("合同期限"), lambda row: f"{row.starts} — {row.until}", kind="code"),
        Column(gettext_lazy("金额（元）"), "amount", kind="money", sort="amount"),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: queries.CONTRACT_COLOURS[row.state]),
    )

    def rows(self) -> QuerySet[ServiceContract]:
        return ServiceContract.objects.all()

    def context(self) -> dict[str, Any]:
        own = scopes.current().area
        return {"may_new": duties.may("purchases.contract") and len(own) == 6, "money": queries.money_of(own)["services"] if len(own) == 6 else None}


@may("purchases.contract")
def new(request: HttpRequest) -> HttpResponse:
    """Propose a contract with its lines."""
    post = request.POST if request.method == "POST" else None
    form, lines = ContractForm(post), LineFormSet(post, prefix="lines")
    if post is not None and form.is_valid() & lines.is_valid():
        given = form.cleaned_data
        try:
            made = contracts.propose_contract(
                key=given["key"], number=given["number"], title=given["title"], organisation_id=given["organisation"].pk, fund=given["fund"].code,
                starts=given["starts"], until=given["until"], document=given["document"], lines=[line for each in lines if (line := each.line())], now=timezone.now(),
            )  # fmt: skip
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("合同已提交审批。"))
            return redirect("resources:contract", contract_id=made.pk)
    return render(request, "resources/contract_new.html", {"form": form, "lines": lines}, status=422 if form.errors or any(lines.errors) else 200)


@may("purchases.view")
def contract(request: HttpRequest, contract_id: int) -> HttpResponse:
    """One contract; what the reader may do with it."""
    row = get_object_or_404(ServiceContract.objects.select_related("fund", "organisation", "proposed_by", "decided_by"), pk=contract_id)
    post, now, problem = request.POST, timezone.now(), ""
    taking = AcceptanceForm(post if post.get("act") == "accept" else None)
    if request.method == "POST":
        try:
            made = _step(row, post, taking, now)
            if made is not None:
                return redirect("resources:acceptance", acceptance_id=made.pk)
            if not taking.errors:
                return redirect("resources:contract", contract_id=row.pk)
        except ValidationError as error:
            if post.get("act") == "accept":
                errors_into(taking, error)
            else:
                problem = " ".join(error.messages)
        except PermissionDenied as error:
            problem = str(error)
    acting, figures = scopes.current(), queries.contract_figures(row)
    names = {"recorded": _("待确认"), "confirmed": _("已确认未结算"), "disputed": _("有异议"), "settled": _("已结算"), "refused": _("不予认可")}
    shown = [
        {
            "label": label,
            "value": f"{figures['states'].get(state, 0):,}",
            "url": f"{reverse('resources:services')}?contract={row.pk}&state={state}",
        }
        for state, label in names.items()
    ]
    own = len(acting.area) == 6
    context = {
        "row": row, "colour": queries.CONTRACT_COLOURS[row.state], "lines": queries.lines_of(row), "figures": shown, "money": figures, "problem": problem,
        "taking": taking if row.state in ("active", "ended") and own and duties.may("purchases.accept") else None,
        "acceptances": [(each, queries.ACCEPTANCE_COLOURS[each.state]) for each in Acceptance.objects.filter(contract=row).order_by("-id")[:24]],
        "may_decide": row.state == "proposed" and duties.may("purchases.approve") and row.proposed_by_id != acting.account_id,
        "may_end": row.state == "active" and own and duties.may("purchases.contract"),
        "may_record": row.state == "active" and duties.may("purchases.record"),
    }  # fmt: skip
    return render(request, "resources/contract.html", context, status=422 if problem or taking.errors else 200)


def _step(row: ServiceContract, post: Any, taking: AcceptanceForm, now: Any) -> Acceptance | None:
    step, version = post.get("act", ""), number(post.get("version")) or -1
    if step in ("agree", "send_back"):
        contracts.decide_contract(contract_id=row.pk, version=version, agreed=step == "agree", note=post.get("note", ""), now=now)
    elif step == "end":
        contracts.end_contract(contract_id=row.pk, version=version, reason=post.get("reason", ""), now=now)
    elif step == "accept" and taking.is_valid():
        return settling.open_acceptance(contract_id=row.pk, now=now, **taking.cleaned_data)
    return None
