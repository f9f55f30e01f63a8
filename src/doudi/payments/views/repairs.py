"""The repair list (支付退票补正): what came back, why in plain words, how old it is, what to do next."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

import django_filters
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Case, IntegerField, QuerySet, When
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.lists import AreaFilter, Column, ListPage, PrefixFilter
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.core.views.telling import tell
from doudi.payments.account_forms import CorrectionForm
from doudi.payments.forms import ReasonForm
from doudi.payments.models import BankReturn, Repair
from doudi.payments.services import corrections, repairs
from doudi.payments.views.lists import ALL, RETURN_COLOURS, tail_of

State = BankReturn.State


class RepairFilter(django_filters.FilterSet):
    payee_name = PrefixFilter(label=gettext_lazy("领款人"))
    area = AreaFilter(label=gettext_lazy("地区"))
    state = django_filters.ChoiceFilter(label=gettext_lazy("办理"), choices=State.choices, empty_label=ALL)
    kind = django_filters.ChoiceFilter(label=gettext_lazy("退票原因"), choices=Repair.Kind.choices, empty_label=ALL, field_name="repair__kind")
    late = django_filters.ChoiceFilter(label=gettext_lazy("期限"), choices=[("1", gettext_lazy("逾期未更正"))], empty_label=ALL, method="by_limit")
    payroll = django_filters.NumberFilter(label=gettext_lazy("批次"), method="of_payroll")

    class Meta:
        model = BankReturn
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.form.fields["payroll"].widget = forms.HiddenInput()

    def of_payroll(self, rows: QuerySet[BankReturn], _name: str, value: Any) -> QuerySet[BankReturn]:
        return rows.filter(payroll_id=int(value))

    def by_limit(self, rows: QuerySet[BankReturn], _name: str, value: str) -> QuerySet[BankReturn]:
        return rows.filter(state=State.OPEN, repair__due__lt=timezone.localdate()) if value else rows


def kind_of(row: BankReturn) -> str:
    return str(row.repair.get_kind_display())


def _age(row: BankReturn) -> str:
    return "" if row.state == State.REISSUED else str(_("%(n)s 天") % {"n": repairs.age_of(row.repair, timezone.localdate())})


class Repairs(ListPage):
    """Returned lines: the township corrects its own, the county confirms, a follow-up payroll pays again."""

    title = gettext_lazy("支付退票")
    act = "payments.returns"
    crumbs = [(gettext_lazy("资金发放"), "")]
    filters = RepairFilter
    order = ("turn", "repair__due", "-id")
    subject = "bank_return"
    template = "payments/repairs.html"
    empty_title = gettext_lazy("没有支付退票")
    empty_hint = gettext_lazy("银行退回的款项会出现在这里，由乡镇更正账户后重新发放。")
    columns = [
        Column(gettext_lazy("领款人"), "payee_name", url=lambda row: reverse("payments:return", args=[row.pk]), drawer=True),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("待遇"), "get_programme_display", small=lambda row: ui.month(row.month_entitled)),
        Column(gettext_lazy("账号"), lambda row: tail_of(row.account), kind="code"),
        Column(gettext_lazy("金额（元）"), "amount", kind="money", sort="amount"),
        Column(gettext_lazy("退票原因"), kind_of, small=lambda row: row.reason if row.reason != kind_of(row) else ""),
        Column(gettext_lazy("已等"), _age, kind="code"),
        Column(gettext_lazy("更正期限"), lambda row: row.repair.due if row.state == State.OPEN else None, kind="due"),
        Column(
            gettext_lazy("办理"), "get_state_display", kind="tag", colour=lambda row: RETURN_COLOURS[row.state],
            small=lambda row: repairs.STEPS[row.state] if row.state == State.CORRECTED else "",
        ),
    ]  # fmt: skip

    def rows(self) -> QuerySet[BankReturn]:
        # what the township has to do comes first
        turn = Case(*(When(state=state, then=at) for at, state in enumerate(State.values)), output_field=IntegerField())
        return BankReturn.objects.filter(amount__gt=0).select_related("payroll", "repair").annotate(turn=turn)


def _returned(pk: int) -> BankReturn:
    row = BankReturn.objects.select_related("payroll", "corrected_by", "confirmed_by", "repair").filter(pk=pk).first()
    if row is None or not scopes.current().covers(row.area):
        raise Http404
    return row


def _holder(request: HttpRequest, row: BankReturn, repair: Repair) -> Any:
    if repair.holder is None or not duties.may("payments.holder"):
        return ""
    masked = ui.mask_name(str(repair.holder))
    return ui.reveal({"request": request}, reverse("payments:return_holder", args=[row.pk]), masked)  # type: ignore[arg-type]


def _page(request: HttpRequest, row: BankReturn, form: CorrectionForm | None = None) -> HttpResponse:
    repair: Repair = row.repair
    kind = repair.kind
    words, step = repairs.PLAIN[kind]
    open_to_correct = row.state in (State.OPEN, State.PROPOSED) and duties.may("payments.correct")
    today = timezone.localdate()
    desc = [
        (_("地区"), ui.area_name(row.area)), (_("待遇"), row.get_programme_display()), (_("批次号"), row.payroll.number),
        (_("所属月份"), ui.month(row.month_entitled)), (_("账号"), tail_of(row.account)), (_("银行答复"), f"{row.code} {row.reason}"),
        (_("已等"), _("%(n)s 天") % {"n": repairs.age_of(repair, today)}), (_("更正期限"), ui.due(repair.due) if row.state == State.OPEN else ""),
    ]  # fmt: skip
    if holder := _holder(request, row, repair):
        desc.append((_("银行账户户名"), holder))
    if row.new_account:
        desc += [(_("更正后户名"), row.new_name), (_("更正后账号"), tail_of(row.new_account)), (_("更正依据"), row.correction_note, True)]  # type: ignore[list-item]
    events = [{"at": timezone.make_aware(datetime.combine(repair.since, time())), "title": _("银行退回"), "who": "", "note": row.reason}]
    if row.corrected_at:
        events.insert(0, {"at": row.corrected_at, "title": _("乡镇更正"), "who": str(row.corrected_by), "note": row.correction_note})
    if row.confirmed_at:
        events.insert(0, {"at": row.confirmed_at, "title": _("县级确认"), "who": str(row.confirmed_by), "note": ""})
    initial = {"name": row.new_name or row.payee_name, "bank": row.new_bank}
    late = row.state == State.OPEN and repair.due < today
    context = {
        "row": row, "colour": RETURN_COLOURS[row.state], "desc": desc, "words": words, "step": step if row.state == State.OPEN else repairs.STEPS[row.state],
        "form": (form or CorrectionForm(initial=initial, again=kind in repairs.SAME_AGAIN)) if open_to_correct else None, "late": late,
        "may_confirm": row.state == State.PROPOSED and duties.may("payments.prepare"), "reason_form": ReasonForm(), "events": events,
    }  # fmt: skip
    return render(request, "payments/return.html", context, status=400 if form is not None else 200)


@require_GET
@may("payments.returns")
def returned(request: HttpRequest, pk: int) -> HttpResponse:
    """One returned line with what can be done about it."""
    return _page(request, _returned(pk))


@require_POST
@may("payments.correct")
def correct(request: HttpRequest, pk: int) -> HttpResponse:
    row = _returned(pk)
    form = CorrectionForm(request.POST, request.FILES, again=row.repair.kind in repairs.SAME_AGAIN)
    if not form.is_valid():
        return _page(request, row, form)
    data = dict(form.cleaned_data)
    data["evidence"] = [(file.name, file.read()) for file in data["evidence"] or []]
    try:
        corrections.correct_return(return_id=pk, now=timezone.now(), **data)
    except ValidationError as error:
        form.add_error(None, error.messages)  # type: ignore[arg-type]
        return _page(request, row, form)
    messages.success(request, _("已更正，待县级审核员确认。"))
    return redirect("payments:returns")


@require_POST
@may("payments.prepare")
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    _returned(pk)
    agreed = request.POST.get("agreed") == "1"
    done = tell(
        request,
        lambda: corrections.confirm_correction(return_id=pk, agreed=agreed, reason=request.POST.get("reason", ""), now=timezone.now()),
        lambda _row: _("已确认，可随重新发放批次支付。") if agreed else _("已退回乡镇。"),
    )
    return redirect("payments:returns") if done else redirect("payments:return", pk)


@require_POST
@may("payments.holder")
def holder(request: HttpRequest, pk: int) -> HttpResponse:
    """The name on the account as the bank told it, once its access record is committed."""
    _returned(pk)
    try:
        name = repairs.holder_of(return_id=pk)
    except ValidationError:
        raise Http404 from None
    return HttpResponse(format_html('<span class="rv">{}</span>', name))
