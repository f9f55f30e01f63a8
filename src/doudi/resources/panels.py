"""What this room adds to pages of rooms above: resources beside a need, purchased services of a person; files of contracts and records."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.core import attachable, panels
from doudi.resources import queries
from doudi.resources.models import ContractLine, DonationAllocation, PurchasedService, ServiceContract


def of_need(_request: HttpRequest, need: Any) -> dict[str, Any] | None:
    if need.state not in need.LIVE:
        return None
    on = timezone.localdate()
    rows = queries.for_need(need.kind, need.area, on, most=5)
    return {"rows": [(row, queries.amount_words(row), queries.distance_words(row.distance), row.confirm_by < on) for row in rows], "need": need}  # type: ignore[attr-defined]


def of_person(_request: HttpRequest, person: Any) -> dict[str, Any] | None:
    rows = queries.of_person(person.pk)
    return {"rows": rows} if rows else None


def record_session(_request: HttpRequest, session: Any) -> str | None:
    """A session that was held here under a contract in force then, and is not recorded yet."""
    if session.state != session.State.HELD or not session.starts or session.purchased.exclude(state__in=["refused", "void"]).exists():
        return None
    on = timezone.localdate(session.starts)
    lines = ContractLine.objects.filter(
        kind=ContractLine.Kind.COUNSELLING, contract__state=ServiceContract.State.ACTIVE, contract__starts__lte=on, contract__until__gte=on
    )
    found = next((row for row in lines.order_by("-contract_id").values_list("contract_id", "contract__area") if session.area.startswith(row[1])), None)
    return f"{reverse('resources:record', args=[found[0]])}?session={session.pk}" if found else None


attachable.add("service_contract", model=ServiceContract, view="purchases.contracts", change="purchases.contract")
attachable.add("purchased_service", model=PurchasedService, view="purchases.view", change="purchases.confirm", pictures_only=True, settled=Q(state="settled"))
attachable.add("donation_allocation", model=DonationAllocation, view="donations.arrivals", change="donations.receive", pictures_only=True, settled=Q(state="delivered"))
panels.action("counselling_session", _("登记为购买服务"), record_session, act="purchases.record", order=10)
panels.add("need", _("附近可用的社会资源"), of_need, "resources/_need.html", act="resources.view", order=40)
panels.add("person", _("购买服务"), of_person, "resources/_person.html", act="purchases.view", order=36)
