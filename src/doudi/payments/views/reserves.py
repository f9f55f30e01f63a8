"""Pages of township reserves: balances, one township's ledger, one payout with its receipt."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.core.views.telling import tell
from doudi.payments import queries
from doudi.payments.forms import ReserveForm
from doudi.payments.models import LedgerEntry, ReservePayout, ReserveSettlement
from doudi.payments.services import reserves

MOST = 100


@require_GET
@may("payments.reserve_view")
def overview(request: HttpRequest) -> HttpResponse:
    """Every township of the scope with its reserve: in hand, to be settled, paid this year."""
    acting = scopes.current()
    if len(acting.area) >= 9:
        return redirect("payments:reserve", acting.area[:9])
    rows = queries.reserves(acting.low, acting.high, timezone.localdate().year)
    if len(acting.area) == 6:
        have = {row["area"] for row in rows}
        rows += [{"area": code, "held": None, "unsettled": None, "paid": None} for code, _name in places.children(acting.area) if code not in have]
    places.preload(row["area"] for row in rows)
    totals = {name: sum((row[name] or Decimal(0) for row in rows), Decimal(0)) for name in ("held", "unsettled", "paid")}
    return render(request, "payments/reserves.html", {"rows": sorted(rows, key=lambda row: row["area"]), "totals": totals})


def _township(area: str) -> str:
    if len(area) != 9 or not area.isdigit() or not scopes.current().covers(area):
        raise Http404
    return area


@may("payments.reserve_view")
def reserve(request: HttpRequest, area: str) -> HttpResponse:
    """One township: its balance, payouts with receipts, ledger; the county's finance hands over, takes back and settles here."""
    township, on = _township(area), timezone.localdate()
    may_fund = duties.may("payments.fund")
    form = ReserveForm(request.POST or None, initial={"year": on.year})
    if request.method == "POST":
        if not may_fund:
            raise Http404
        if form.is_valid():
            given = form.cleaned_data
            act = reserves.return_reserve if given["kind"] == "returned" else reserves.fund_reserve
            try:
                act(township=township, year=given["year"], amount=given["amount"], document=given["document"], on=on, now=timezone.now())
            except ValidationError as error:
                errors_into(form, error)
            else:
                messages.success(request, _("已登记，备用金余额已更新。"))
                return redirect("payments:reserve", township)
    payouts = list(ReservePayout.objects.filter(area=township).select_related("paid_by", "settlement", "grant").order_by("settlement", "-pk")[:MOST])
    payouts.sort(key=lambda row: (row.settlement_id is not None, -row.pk))
    have = reserves.with_receipt([row.pk for row in payouts])
    for row in payouts:
        row.receipt = row.pk in have  # type: ignore[attr-defined]
    entries = LedgerEntry.objects.filter(area=township, account__in=["reserve", "reserve_paid"]).select_related("fund", "made_by").order_by("-booked_at", "-id")
    rows = list(entries[:MOST])
    for entry in rows:
        entry.less = -entry.amount if entry.amount < 0 else None  # type: ignore[attr-defined]
    balance = reserves.balance_of(township)
    context: dict[str, Any] = {
        "area": township, "payouts": payouts, "entries": rows, "form": form if may_fund else None,
        "may_settle": may_fund and any(row.settlement_id is None and row.receipt for row in payouts),  # type: ignore[attr-defined]
        "settlements": list(ReserveSettlement.objects.filter(area=township).select_related("settled_by").order_by("-pk")[:12]),
        "figures": [
            {"label": _("结存"), "value": ui.money(balance.held), "unit": _("元")},
            {"label": _("已支出待核销"), "value": ui.money(balance.unsettled), "unit": _("元")},
            {"label": _("缺凭据"), "value": ui.count(sum(not row.receipt for row in payouts)), "unit": _("笔")},  # type: ignore[attr-defined]
        ],
    }  # fmt: skip
    return render(request, "payments/reserve.html", context, status=422 if form.is_bound and form.errors else 200)


@require_POST
@may("payments.fund")
def settle(request: HttpRequest, area: str) -> HttpResponse:
    """Accept the chosen payouts with their receipts."""
    township, now = _township(area), timezone.now()
    chosen = [int(pk) for pk in request.POST.getlist("payout") if pk.isascii() and pk.isdigit() and len(pk) < 19]
    tell(
        request,
        lambda: reserves.settle(township=township, payouts=chosen, on=timezone.localdate(now), now=now),
        lambda made: _("已核销 %(n)s 笔，%(amount)s 元。") % {"n": made.payouts, "amount": ui.money(made.amount)},
    )
    return redirect("payments:reserve", township)


@require_GET
@may("payments.reserve_view")
def payout(request: HttpRequest, pk: int) -> HttpResponse:
    """One payout: what was handed over, to whom, its receipt."""
    row = ReservePayout.objects.select_related("paid_by", "settlement", "settled_by", "grant").filter(pk=pk).first()
    if row is None:
        raise Http404
    rows = [
        (_("凭据编号"), row.number),
        (_("乡镇（街道）"), ui.area_name(row.area)),
        (_("救助对象"), row.grant.beneficiary_name),
        (_("金额"), _("%(amount)s 元") % {"amount": ui.money(row.amount)}),
        (_("发放形式"), row.get_means_display() + (f"　{row.goods}" if row.goods else "")),
        (_("领取人"), f"{row.received_by}（{row.get_relation_display()}）"),
        (_("发放日期"), ui.day(row.paid_on)),
        (_("发放人"), row.paid_by.name),
        (_("核销"), f"{row.settlement.number}　{row.settled_by}" if row.settlement else _("待核销")),
    ]
    return render(request, "payments/reserve_payout.html", {"payout": row, "rows": rows})
