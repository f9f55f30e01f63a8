"""What each department owes, sent, and got back (部门报送情况, measures 1.1)."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from doudi.batch.datasets import CONTRACTS
from doudi.core import places
from doudi.core.views.access import may
from doudi.discovery import services
from doudi.discovery.delivery_queries import COUNTY, Expected, by_department, expected
from doudi.discovery.forms import ContactForm
from doudi.discovery.models import Delivery, DeliveryPlan

SHOWN = 20
STATES = {
    "late": (gettext_lazy("逾期未报"), "red"),
    "soon": (gettext_lazy("即将到期"), "orange"),
    "never": (gettext_lazy("尚未报送"), "orange"),
    "ok": (gettext_lazy("按时"), "green"),
    "above": (gettext_lazy("由上级接收"), "gray"),
    "none": (gettext_lazy("不报送"), "gray"),
}


def _place(request: HttpRequest) -> str:
    """The place asked for, within the own area; one outside behaves like one that does not exist."""
    own: str = request.scope.area  # type: ignore[attr-defined]
    area = request.GET.get("area", "") or own
    if not (area.isascii() and area.isdigit() and area.startswith(own)) or len(area) > COUNTY:
        raise Http404
    return area


def _shown(rows: list[Expected], on: date) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        label, colour = STATES[row.state]
        left = (row.due - on).days if row.due else None
        found.append({"row": row, "contract": row.contract, "label": label, "colour": colour, "left": left})
    return found


def _contacts(area: str, datasets: list[str]) -> tuple[dict[str, str], int]:
    plans = DeliveryPlan.objects.filter(area=area, dataset__in=datasets)
    rows = [plan for plan in plans if plan.changed_at]
    return {plan.dataset: plan.contact for plan in rows}, sum(plan.version for plan in rows)


@require_GET
@may("discovery.deliver")
def index(request: HttpRequest) -> HttpResponse:
    """All departments at one place; at a level above counties also how many are late below."""
    on, area = timezone.localdate(), _place(request)
    rows = list(expected(area, on))
    here = [row for row in rows if row.area == area]
    below = Counter(row.area for row in rows if row.area != area)
    late = Counter(row.area for row in rows if row.area != area and row.late)
    places.preload(below)
    contacts, _version = _contacts(area, list(CONTRACTS))
    departments = [
        {
            "name": name,
            "rows": _shown(each, on),
            "late": sum(row.late for row in each),
            "contact": next((contacts[row.contract.code] for row in each if contacts.get(row.contract.code)), "") or each[0].contract.contact,
        }
        for name, each in by_department(here).items()
    ]
    context = {
        "area": area,
        "on": on,
        "departments": departments,
        "below": sorted(((code, late[code]) for code in below), key=lambda each: (-each[1], each[0])),
        "late": sum(row.late for row in here),
    }
    return render(request, "discovery/delivery_departments.html", context)


def _show(request: HttpRequest, department: str, area: str, form: ContactForm | None = None) -> HttpResponse:
    on = timezone.localdate()
    datasets = [code for code, contract in CONTRACTS.items() if contract.department_zh == department]
    if not datasets:
        raise Http404
    contacts, version = _contacts(area, datasets)
    contact = next((text for text in contacts.values() if text), "")
    context = {
        "area": area,
        "on": on,
        "department": department,
        "rows": _shown([row for row in expected(area, on) if row.area == area and row.contract.code in datasets], on),
        "contracts": [CONTRACTS[code] for code in datasets],
        "deliveries": Delivery.objects.filter(area=area, dataset__in=datasets).order_by("-received_at", "-id")[:SHOWN],
        "names": {code: CONTRACTS[code].name_zh for code in datasets},
        "contact": contact or CONTRACTS[datasets[0]].contact,
        "form": form or ContactForm(initial={"contact": contact, "version": version}),
        "where": urlencode({"area": area}),
    }
    return render(request, "discovery/delivery_department.html", context, status=422 if form else 200)


@require_GET
@may("discovery.deliver")
def show(request: HttpRequest, department: str) -> HttpResponse:
    """One department: what is due, what came, what was sent back and why; printed to go there."""
    return _show(request, department, _place(request))


@require_POST
@may("discovery.deliver")
def contact(request: HttpRequest, department: str) -> HttpResponse:
    """Whom to ask there."""
    area, form = _place(request), ContactForm(request.POST)
    if form.is_valid():
        try:
            services.set_contact(area=area, department=department, **form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("联系人已更新。"))
            return redirect(reverse("discovery:delivery_department", args=[department]) + f"?{urlencode({'area': area})}")
    return _show(request, department, area, form)
