"""Pages of stock: what a house has, for how long, what moved; and the province's list of supplies."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.lists import page_of
from doudi.core.settings_overlay import get_setting
from doudi.core.views.access import may
from doudi.institutions import procedures, queries, services
from doudi.institutions.forms import ItemForm, MoveForm
from doudi.institutions.models import StockMovement, SupplyItem
from doudi.institutions.views.shared import found, page_number


def _page(request: HttpRequest, pk: int, form: MoveForm, status: int = 200) -> HttpResponse:
    row = found(pk)
    moves = StockMovement.objects.filter(institution=row).select_related("item", "made_by").order_by("-pk")
    context = {
        "row": row, "stocks": queries.stocks_of(row), "form": form, "least": int(get_setting(procedures.SUPPLY_DAYS, row.area, timezone.localdate())),
        "page": page_of(moves, page_number(request)), "may_keep": duties.may("institutions.keep"),
    }  # fmt: skip
    return render(request, "institutions/stock.html", context, status=status)


@require_GET
@may("institutions.view")
def stock(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, pk, MoveForm())


@require_POST
@may("institutions.keep")
def move(request: HttpRequest, pk: int) -> HttpResponse:
    found(pk)
    form = MoveForm(request.POST)
    if form.is_valid():
        try:
            services.move_stock(institution_id=pk, now=timezone.now(), **form.cleaned_data)
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已登记出入库。"))
            return redirect("institutions:stock", pk)
    return _page(request, pk, form, 422)


@may("institutions.view")
def items(request: HttpRequest) -> HttpResponse:
    """The list of supplies (物资目录), kept by the province."""
    may_list = duties.may("institutions.items") and len(scopes.current().area) == 2
    form = ItemForm(request.POST or None) if may_list else None
    if request.method == "POST":
        duties.require("institutions.items")
        if form is not None and form.is_valid():
            try:
                services.list_item(**form.cleaned_data)
            except ValidationError as error:
                errors_into(form, error)
            else:
                messages.success(request, _("已更新物资目录。"))
                return redirect("institutions:items")
    rows = list(SupplyItem.objects.order_by("order", "code"))
    return render(request, "institutions/items.html", {"rows": rows, "form": form, "today": timezone.localdate()}, status=422 if form and form.errors else 200)
