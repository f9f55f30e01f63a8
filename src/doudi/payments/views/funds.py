"""Pages of funds (资金总览): all places, one place, one document; plans, transfers, reversals; what each fund may pay."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.settings_overlay import get_setting
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.core.views.telling import tell
from doudi.payments import fund_queries
from doudi.payments.forms import ReasonForm
from doudi.payments.fund_forms import CarryForm, MoneyForm, PlanForm, PurposeForm, ReasonedForm, ReceiptForm, ReversalForm, TransferForm
from doudi.payments.models import Fund, FundLevel, FundMovement
from doudi.payments.services import funds as service
from doudi.payments.services import ledger
from doudi.payments.services.cover import LEAST

PAGE = 20
ALL = gettext_lazy("全部")
COLOURS = {"proposed": "orange", "booked": "green", "refused": "gray"}
Kind = FundMovement.Kind


def _year(request: HttpRequest) -> int:
    given = request.GET.get("year", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) == 4 else timezone.localdate().year


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1


@require_GET
@may("payments.view")
def overview(request: HttpRequest) -> HttpResponse:
    """One fund in every county below, and in all of them together. A county goes to its own page."""
    acting, on = scopes.current(), timezone.localdate()
    if len(acting.area) >= 6:
        return redirect(f"{reverse('payments:funds_place', args=[acting.area[:6]])}?{request.GET.urlencode()}")
    year, funds = _year(request), fund_queries.funds_of(acting.area)
    fund = next((each for each in funds if each.code == request.GET.get("fund")), funds[0])
    page = Paginator(fund_queries.places_of(acting.low, acting.high), PAGE).get_page(_number(request.GET.get("page", "1")))
    codes = [division.code for division in page]
    places.preload(codes)
    sums = fund_queries.by_place(codes, fund.pk, year, on)
    least = get_setting(LEAST, acting.area, on)
    rows = [(code, *sums[code]) for code in codes]
    return render(
        request,
        "payments/funds.html",
        {
            "funds": funds, "fund": fund, "year": year, "years": fund_queries.years(on, year), "rows": rows, "page": page, "least": least,
            "levels": fund_queries.total(acting.low, acting.high, fund.pk, year), "waiting": fund_queries.waiting(acting.low, acting.high),
        },
    )  # fmt: skip


def _place(area: str) -> str:
    if len(area) not in (2, 4, 6) or not (area.isascii() and area.isdigit()) or not scopes.current().covers(area):
        raise Http404
    return area


def _may_enter(area: str) -> bool:
    return duties.may("payments.fund" if len(area) == 6 else "payments.fund_above")


@require_GET
@may("payments.view")
def place(request: HttpRequest, area: str) -> HttpResponse:
    """The funds of one place by level; its documents; what waits for a second officer."""
    _place(area)
    year, on = _year(request), timezone.localdate()
    rows = fund_queries.of_place(area, year, on)
    plans = fund_queries.plans(area, year)
    missing = sum((plan.missing for plan in plans), Decimal(0))  # type: ignore[attr-defined]
    used = [row for row in rows if row.levels]
    least = get_setting(LEAST, area, on)
    latest = FundMovement.objects.filter(area=area, fund_year=year).exclude(kind=Kind.PLAN).select_related("fund").order_by("-proposed_at", "-id")[:10]
    return render(
        request,
        "payments/funds_place.html",
        {
            "area": area, "year": year, "years": fund_queries.years(on, year), "rows": used, "unused": [row.fund for row in rows if not row.levels],
            "plans": plans, "missing": missing, "least": least, "latest": list(latest),
            "waiting": fund_queries.waiting(area, area + ":" if len(area) == 6 else area + "0"), "may_enter": _may_enter(area),
            "may_move": duties.may("payments.fund_above") or _may_enter(area),
        },
    )  # fmt: skip


@may("payments.view")
def new(request: HttpRequest, area: str, kind: str) -> HttpResponse:
    """Register a plan or a receipt, or propose a transfer, carry-over or handing back."""
    _place(area)
    if kind not in ("plan", "receipt", "transfer", "carry_over", "return"):
        raise Http404
    now, acting = timezone.now(), scopes.current()
    on = timezone.localdate(now)
    between = kind == Kind.TRANSFER and duties.may("payments.fund_above")
    if not (_may_enter(area) or between) or (kind == Kind.RECEIPT and len(area) != 6):
        raise PermissionDenied(_("您的岗位不能办理这项业务。"))
    form = _form(kind, area, request, on)
    if request.method == "POST" and form.is_valid():
        try:
            row = _do(kind, area, form.cleaned_data, on=on, now=now)
        except ValidationError as error:
            errors_into(form, error)
        else:
            booked = kind in ("plan", "receipt")
            messages.success(request, _("已登记，已记入资金台账。") if booked else _("已提交，待另一名工作人员确认后记账。"))
            return redirect("payments:movement", row.pk)
    context = {"area": area, "form": form, "kind": Kind(kind), "two": kind not in ("plan", "receipt"), "scope": acting}
    return render(request, "payments/fund_new.html", context, status=422 if form.is_bound else 200)


def _form(kind: str, area: str, request: HttpRequest, on: Any) -> MoneyForm:
    funds = fund_queries.funds_of(area)
    given: dict[str, Any] = {name: value for name, value in request.GET.items() if name in ("fund", "level", "plan", "amount")}
    own = "county" if len(area) == 6 else "city" if len(area) == 4 else "province"
    initial: dict[str, Any] = {"year": _year(request), "level": own, "issuer": own, "document_date": on, **given}
    data = request.POST or None
    if kind == Kind.PLAN:
        return PlanForm(data, funds=funds, initial=initial)
    if kind == Kind.RECEIPT:
        plans = [plan for plan in fund_queries.plans(area, _year(request)) if plan.missing or str(plan.pk) == given.get("plan")]  # type: ignore[attr-defined]
        chosen = next((plan for plan in plans if str(plan.pk) == given.get("plan")), None)
        if chosen is not None:
            initial |= {"fund": chosen.fund.code, "level": chosen.level, "issuer": chosen.issuer, "amount": chosen.missing}  # type: ignore[attr-defined]
        return ReceiptForm(data, funds=funds, plans=plans, initial=initial)
    if kind == Kind.TRANSFER:
        around = [(area, ui.area_name(area))]
        if duties.may("payments.fund_above"):
            acting = scopes.current()
            around = [(row.code, row.name) for row in fund_queries.places_of(acting.low, acting.high)]
        return TransferForm(data, funds=funds, places=around, initial={"to_area": area, **initial})
    if kind == Kind.CARRY_OVER:
        return CarryForm(data, funds=funds, initial={"to_year": _year(request) + 1, **initial})
    return ReasonedForm(data, funds=funds, initial=initial)


def _do(kind: str, area: str, given: dict[str, Any], *, on: Any, now: Any) -> FundMovement:
    common = {"area": area, "fund": given["fund"].code, "year": given["year"], "level": given["level"], "amount": given["amount"], "document": given["document"]}
    if kind == Kind.PLAN:
        return service.register_plan(**common, issuer=given["issuer"], document_date=given["document_date"], on=on, now=now)
    if kind == Kind.RECEIPT:
        plan = int(given["plan"]) if given["plan"] else None
        number = ledger.receive_appropriation(**common, issuer=given["issuer"], plan_id=plan, on=on, now=now)
        return FundMovement.objects.get(ledger_entries__transaction=number, ledger_entries__account="available")
    target = {"to_area": given.get("to_area", ""), "to_fund": given["to_fund"].code if given.get("to_fund") else "", "to_year": given.get("to_year")}
    return service.propose(kind=kind, **common, **target, reason=given["reason"], on=on, now=now)


def _movement(pk: int) -> FundMovement:
    found = FundMovement.objects.select_related("fund", "to_fund", "plan", "reverses", "proposed_by", "confirmed_by").filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


@require_GET
@may("payments.view")
def movement(request: HttpRequest, pk: int) -> HttpResponse:
    """One document: what it says, who entered and who confirmed it, its entries, its reversal."""
    return _page(request, _movement(pk))


def _page(request: HttpRequest, row: FundMovement, form: ReversalForm | None = None) -> HttpResponse:
    acting = scopes.current()
    mine = row.proposed_by_id == acting.account_id
    proposed = row.state == FundMovement.State.PROPOSED
    covers = acting.covers(row.area) and acting.covers(row.to_area or row.area)
    undone = FundMovement.objects.filter(reverses=row).exclude(state="refused").first()
    entries = list(row.ledger_entries.select_related("fund", "made_by").order_by("id"))
    for entry in entries:
        entry.less = -entry.amount if entry.amount < 0 else None  # type: ignore[attr-defined]
    may_reverse = row.state == "booked" and row.kind != Kind.REVERSAL and undone is None and covers
    enters = "payments.fund_above" if len(row.area) < 6 or (row.to_area and row.to_area != row.area) else "payments.fund"
    rows = [
        (_("类别"), row.get_kind_display()),
        (_("资金"), f"{row.fund}　" + _("%(year)s 年") % {"year": row.fund_year}),
        (_("地区"), ui.area_name(row.area)),
        (_("资金来源级次"), row.get_level_display()),
        *([(_("下达级次"), row.get_issuer_display() + (_("（直达县级）") if straight(row) else ""))] if row.issuer else []),
        (_("金额"), _("%(amount)s 元") % {"amount": ui.money(row.amount)}),
        (_("文号或凭证号"), row.document),
        (_("日期"), ui.day(row.document_date)),
        *([(_("转入"), f"{ui.area_name(row.to_area)}　{row.to_fund}　{row.to_year}")] if row.to_fund else []),
        *([(_("事由"), row.reason, True)] if row.reason else []),
        *([(_("退回原因"), row.note, True)] if row.note else []),
    ]
    events = [{"at": row.proposed_at, "title": _("登记") if row.kind in ("plan", "receipt") else _("提出"), "who": str(row.proposed_by or "")}]
    if row.confirmed_at:
        events.insert(0, {"at": row.confirmed_at, "title": _("退回") if row.state == "refused" else _("确认记账"), "who": str(row.confirmed_by)})
    context = {
        "row": row, "rows": rows, "entries": entries, "events": events, "colour": COLOURS[row.state], "undone": undone,
        "may_confirm": proposed and covers and not mine and duties.may("payments.fund_confirm"), "mine": proposed and mine, "reason_form": ReasonForm(),
        "reversal_form": (form or ReversalForm()) if may_reverse and duties.may(enters) else None,
    }  # fmt: skip
    return render(request, "payments/fund_movement.html", context, status=422 if form is not None else 200)


def straight(row: FundMovement) -> bool:
    """Allotted to a county past its city."""
    return row.issuer in (FundLevel.CENTRAL, FundLevel.PROVINCE) and len(row.area) == 6


@require_POST
@may("payments.fund_confirm")
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm what another officer proposed, or send it back."""
    _movement(pk)
    now = timezone.now()
    if request.POST.get("agreed") == "1":
        tell(request, lambda: service.confirm(movement_id=pk, on=timezone.localdate(now), now=now), lambda _row: _("已确认，已记入资金台账。"))
    else:
        tell(request, lambda: service.refuse(movement_id=pk, reason=request.POST.get("reason", ""), now=now), lambda _row: _("已退回。"))
    return redirect("payments:movement", pk)


@require_POST
@may("payments.view")
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Propose the reversal of a booked document."""
    row, now = _movement(pk), timezone.now()
    form = ReversalForm(request.POST)
    if not form.is_valid():
        return _page(request, row, form)
    made = tell(
        request,
        lambda: service.propose_reversal(movement_id=pk, **form.cleaned_data, on=timezone.localdate(now), now=now),
        lambda _row: _("已提交冲销，待另一名工作人员确认。"),
    )
    return redirect("payments:movement", made.pk if made else pk)


class MovementFilter(django_filters.FilterSet):
    fund = django_filters.ModelChoiceFilter(label=gettext_lazy("资金"), queryset=Fund.objects.order_by("id"), empty_label=ALL)
    fund_year = django_filters.NumberFilter(label=gettext_lazy("资金年度"))
    kind = django_filters.ChoiceFilter(label=gettext_lazy("类别"), choices=Kind.choices, empty_label=ALL)
    level = django_filters.ChoiceFilter(label=gettext_lazy("资金来源级次"), choices=[choice for choice in FundLevel.choices if choice[0]], empty_label=ALL)
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=FundMovement.State.choices, empty_label=ALL)
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = FundMovement
        fields: list[str] = []


class Movements(ListPage):
    """Every document about money of the scope."""

    title = gettext_lazy("资金凭证")
    act = "payments.view"
    crumbs = [(gettext_lazy("资金总览"), "/payments/funds/")]
    filters = MovementFilter
    order = ("-proposed_at", "-id")
    subject = "fund_movement"
    empty_title = gettext_lazy("还没有资金凭证")
    empty_hint = gettext_lazy("登记指标或到账后，每一份凭证都会列在这里。")
    columns = [
        Column(gettext_lazy("文号或凭证号"), "document", url=lambda row: reverse("payments:movement", args=[row.pk])),
        Column(gettext_lazy("类别"), "get_kind_display"),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("资金"), "fund.name", small=lambda row: _("%(year)s 年") % {"year": row.fund_year}),
        Column(gettext_lazy("级次"), "get_level_display"),
        Column(gettext_lazy("金额（元）"), "amount", kind="money", sort="amount"),
        Column(gettext_lazy("日期"), "document_date", kind="day", sort="document_date"),
        Column(gettext_lazy("状态"), lambda row: _("已冲销") if row.reversed else row.get_state_display(), kind="tag",
               colour=lambda row: "gray" if row.reversed else COLOURS[row.state]),
    ]  # fmt: skip

    def rows(self) -> QuerySet[FundMovement]:
        return FundMovement.objects.select_related("fund")


@may("payments.view")
def purposes(request: HttpRequest) -> HttpResponse:
    """What each fund may pay, where and in which years; a change is proposed here and confirmed by another officer."""
    acting, now = scopes.current(), timezone.now()
    may_propose = duties.may("payments.purpose")
    form = None
    if may_propose:
        around = [(acting.area, ui.area_name(acting.area))] if len(acting.area) == 6 else [
            (row.code, row.name) for row in fund_queries.places_of(acting.low, acting.high)
        ]  # fmt: skip
        form = PurposeForm(request.POST or None, places=around, initial={"area": acting.area, "from_year": timezone.localdate(now).year})
    if request.method == "POST":
        if form is None:
            raise PermissionDenied(_("您的岗位不能办理这项业务。"))
        if form.is_valid():
            given = form.cleaned_data
            values = {**given, "fund": given["fund"].code, "allowed": given["allowed"] == "yes"}
            try:
                service.propose_purpose(**values, now=now)
            except ValidationError as error:
                errors_into(form, error)
            else:
                messages.success(request, _("已提交，待另一名工作人员确认后生效。"))
                return redirect("payments:purposes")
    found = fund_queries.rules()
    places.preload(rule.area for group in found for rule in group["rules"])
    may_confirm = duties.may("payments.purpose_confirm")
    for group in found:
        for rule in group["rules"]:
            rule.open = (  # type: ignore[attr-defined]
                may_confirm and rule.state == "proposed" and rule.proposed_by_id != acting.account_id
                and acting.covers(rule.area) and (not rule.allowed or acting.covers(rule.fund.area))
            )  # fmt: skip
    status = 422 if form is not None and form.is_bound else 200
    return render(request, "payments/fund_purposes.html", {"groups": found, "form": form, "any_open": any(r.open for g in found for r in g["rules"])}, status=status)


@require_POST
@may("payments.purpose_confirm")
def decide_purpose(request: HttpRequest, pk: int) -> HttpResponse:
    agreed, now = request.POST.get("agreed") == "1", timezone.now()
    tell(
        request,
        lambda: service.decide_purpose(purpose_id=pk, agreed=agreed, note=request.POST.get("reason", ""), now=now),
        lambda _row: _("已确认，立即生效。") if agreed else _("已退回。"),
    )
    return redirect("payments:purposes")
