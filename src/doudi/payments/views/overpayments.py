"""Pages of overpayments (多发追缴): what was found, how it is explained, decisions of two officers, plans, receipts."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from doudi.core import audit, duties
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage, PrefixFilter
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.core.views.telling import tell
from doudi.enrolment.models import Award
from doudi.payments import recovery_queries
from doudi.payments.models import Overpayment, RecoveryDecision
from doudi.payments.recovery_forms import DecideForm, OpenForm, ProposeForm, RepaymentForm
from doudi.payments.services import overpayments, recovery
from doudi.payments.views.lists import ALL

COLOURS = {"found": "orange", "recovering": "", "closed": "green", "dismissed": "gray"}


class OverpaymentFilter(django_filters.FilterSet):
    payee_name = PrefixFilter(label=gettext_lazy("领款人"))
    area = AreaFilter(label=gettext_lazy("地区"))
    kind = django_filters.ChoiceFilter(label=gettext_lazy("原因"), choices=Overpayment.Kind.choices, empty_label=ALL)
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=Overpayment.State.choices, empty_label=ALL)

    class Meta:
        model = Overpayment
        fields: list[str] = []


class Overpayments(ListPage):
    """Overpayments (多发), those not decided yet first."""

    title = gettext_lazy("多发追缴")
    act = "payments.overpayments"
    crumbs = [(gettext_lazy("资金发放"), "")]
    filters = OverpaymentFilter
    order = ("closed_at", "-id")
    subject = "overpayment"
    template = "payments/overpayments.html"
    empty_title = gettext_lazy("没有多发案件")
    empty_hint = gettext_lazy("每天把已到账的月份与应发金额比对；核查中查明的，可以从家庭的“领款账户”页登记。")
    columns = [
        Column(gettext_lazy("编号"), "number", kind="code", url=lambda row: reverse("payments:overpayment", args=[row.pk])),
        Column(gettext_lazy("领款人"), "payee_name", small=lambda row: row.get_programme_display()),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("原因"), "get_kind_display"),
        Column(gettext_lazy("多发（元）"), "amount", kind="money", sort="amount"),
        Column(gettext_lazy("已收回（元）"), "recovered", kind="money"),
        Column(gettext_lazy("尚欠（元）"), "owed", kind="money"),
        Column(gettext_lazy("发现日期"), lambda row: timezone.localdate(row.found_at), kind="day", sort="found_at"),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: COLOURS[row.state]),
    ]

    def rows(self) -> QuerySet[Overpayment]:
        return Overpayment.objects.all()

    def context(self) -> dict[str, Any]:
        return {"figures": recovery_queries.figures(timezone.localdate()), "may_find": duties.may("payments.recover") and len(scopes.current().area) == 6}


@require_POST
@may("payments.recover")
def find(request: HttpRequest) -> HttpResponse:
    """Compare again, on a click."""
    now = timezone.now()
    tell(
        request,
        lambda: {"made": overpayments.find_overpayments(area=scopes.current().area, on=timezone.localdate(now), now=now)},
        lambda found: _("比对完成，新发现 %(n)s 起。") % {"n": found["made"]},
    )
    return redirect("payments:overpayments")


@require_http_methods(["GET", "POST"])
@may("payments.recover")
def new(request: HttpRequest, award: int) -> HttpResponse:
    """Open a case by hand, for months of one award."""
    row = Award.objects.select_related("household").filter(pk=award).first()
    if row is None:
        raise Http404
    form = OpenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = overpayments.open_overpayment(award_id=row.pk, now=timezone.now(), **form.cleaned_data)
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已登记多发案件 %(number)s。") % {"number": made.number})
            return redirect("payments:overpayment", made.pk)
    return render(request, "payments/overpayment_new.html", {"award": row, "form": form}, status=422 if form.errors else 200)


def _found(pk: int) -> Overpayment:
    row = Overpayment.objects.select_related("found_by").filter(pk=pk).first()
    if row is None or not scopes.current().covers(row.area):
        raise Http404
    return row


def _page(request: HttpRequest, row: Overpayment, given: dict[str, forms.Form], status: int = 200) -> HttpResponse:
    audit.record_access(what="open", subject="overpayment", subject_id=row.pk, area=row.area)
    today = timezone.localdate()
    decisions = list(RecoveryDecision.objects.filter(overpayment=row).select_related("proposed_by", "decided_by").order_by("-id"))
    waiting = next((each for each in decisions if each.state == "proposed"), None)
    account = scopes.current().account_id
    open_ = row.state in ("found", "recovering")
    pending = recovery.pending_setoffs(row.pk)
    desc = [
        (_("原因"), row.get_kind_display()), (_("待遇"), row.get_programme_display()), (_("领款人"), row.payee_name), (_("地区"), ui.area_name(row.area)),  # type: ignore[attr-defined]
        (_("退款人"), f"{row.debtor_name}（{row.get_debtor_display()}）"), (_("发现"), f"{row.found_by.name if row.found_by else _('系统比对')} {ui.day(row.found_at)}"),  # type: ignore[attr-defined]
        (_("事实"), row.reason, True),
    ]  # fmt: skip
    note = _("其中抵扣中 %(sum)s 元") % {"sum": ui.money(pending)} if pending else ""
    figures = [
        {"label": _("多发"), "value": ui.money(row.amount), "unit": _("元")}, {"label": _("已收回"), "value": ui.money(row.recovered), "unit": _("元")},
        {"label": _("已减免"), "value": ui.money(row.waived), "unit": _("元")},
        {"label": _("尚欠"), "value": ui.money(row.owed), "unit": _("元"), "note": note},
    ]  # fmt: skip
    initial = {"version": row.version, "amount": row.owed, "debtor": row.debtor, "debtor_name": row.debtor_name}
    may_decide = waiting is not None and duties.may("payments.recover_approve") and waiting.proposed_by_id != account
    context = {
        "row": row, "colour": COLOURS[row.state], "desc": desc, "figures": figures, "months": recovery_queries.months_of(row), "waiting": waiting,
        "minimum": recovery.at_the_minimum(row.household_id, today), "decisions": decisions, "events": recovery_queries.events_of(row, decisions),
        "parts": recovery_queries.parts_of(row, today), "repayments": row.repayments.select_related("made_by").order_by("-id"),
        "propose": given.get("propose") or ProposeForm(overpayment=row, on=today, initial=initial) if open_ and waiting is None and duties.may("payments.recover") else None,
        "decide": given.get("decide") or DecideForm(initial={"version": waiting.version}) if waiting and may_decide else None,
        "repay": given.get("repay") or RepaymentForm(initial={"received_on": today}) if row.state == "recovering" and duties.may("payments.repay") else None,
    }  # fmt: skip
    return render(request, "payments/overpayment.html", context, status=status)


@require_GET
@may("payments.overpayments")
def overpayment(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, _found(pk), {})


@require_POST
@may("payments.overpayments")
def act(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Propose a decision, confirm it or send it back, book a repayment."""
    row, now = _found(pk), timezone.now()
    form: forms.Form
    if what == "propose":
        form = ProposeForm(request.POST, overpayment=row, on=timezone.localdate(now))
    elif what == "decide":
        form = DecideForm(request.POST)
    elif what == "repay":
        form = RepaymentForm(request.POST)
    else:
        raise Http404
    if form.is_valid():
        data = dict(form.cleaned_data)
        try:
            if what == "propose":
                recovery.propose_recovery(overpayment_id=pk, now=now, **data)
                messages.success(request, _("已提出追缴决定，等待县级审批人确认。"))
            elif what == "decide":
                waiting = RecoveryDecision.objects.filter(overpayment=row).order_by("-id").first()
                if waiting is None:
                    raise Http404
                agreed = request.POST.get("agreed") == "yes"
                recovery.decide_recovery(decision_id=waiting.pk, agreed=agreed, now=now, **data)
                messages.success(request, _("已确认追缴决定。") if agreed else _("已退回追缴决定。"))
            else:
                made = recovery.receive_repayment(overpayment_id=pk, now=now, **data)
                messages.success(request, _("已登记退款 %(amount)s 元。") % {"amount": ui.money(made.amount)})
            return redirect("payments:overpayment", pk)
        except ValidationError as error:
            errors_into(form, error)
        except PermissionDenied as error:
            form.add_error(None, str(error))
    return _page(request, _found(pk), {what: form}, status=422)
