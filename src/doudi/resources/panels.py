"""What this room adds to pages of rooms above: resources beside a need, purchased services of a person; files of contracts and records."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.core import attachable, panels
from doudi.resources import queries
from doudi.resources.models import DonationAllocation, PurchasedService, ServiceContract


def of_need(_request: HttpRequest, need: Any) -> dict[str, Any] | None:
    if need.state not in need.LIVE:
        return None
    on = timezone.localdate()
    rows = queries.for_need(need.kind, need.area, on, most=5)
    return {"rows": [(row, queries.amount_words(row), queries.distance_words(row.distance), row.confirm_by < on) for row in rows], "need": need}  # type: ignore[attr-defined]


def of_person(_request: HttpRequest, person: Any) -> dict[str, Any] | None:
    rows = queries.of_person(person.pk)
    return {"rows": rows} if rows else None


attachable.add("service_contract", model=ServiceContract, view="purchases.contracts", change="purchases.contract")
attachable.add("purchased_service", model=PurchasedService, view="purchases.view", change="purchases.confirm", pictures_only=True)
attachable.add("donation_allocation", model=DonationAllocation, view="donations.arrivals", change="donations.receive", pictures_only=True)
panels.add("need", _("附近可用的社会资源"), of_need, "resources/_need.html", act="resources.view", order=40)
panels.add("person", _("购买服务"), of_person, "resources/_person.html", act="purchases.view", order=36)
