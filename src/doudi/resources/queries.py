"""Reads of purchased services, resources and donations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Sum, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import scope as scopes
from doudi.core.measures import Numbers
from doudi.core.models.divisions import ancestors
from doudi.needs import kinds
from doudi.resources.models import Acceptance, ContractLine, Donation, DonationAllocation, PurchasedService, Resource, ServiceContract, Spending
from doudi.volunteering.models import Organisation

NOUGHT = Decimal("0.00")
CONTRACT_COLOURS = {"proposed": "orange", "active": "green", "ended": "gray", "refused": "red"}
SERVICE_COLOURS = {"recorded": "orange", "confirmed": "", "disputed": "red", "settled": "green", "refused": "gray", "void": "gray"}
ACCEPTANCE_COLOURS = {"open": "orange", "submitted": "", "settled": "green", "cancelled": "gray"}
RESOURCE_COLOURS = {"active": "green", "paused": "orange", "ended": "gray"}
DONATION_COLOURS = {"received": "green", "void": "gray"}
ALLOCATION_COLOURS = {"allocated": "orange", "sent": "", "delivered": "green", "withdrawn": "gray"}


@dataclass(frozen=True)
class LineUse:
    """A contract's line with what was recorded and settled of it, in units; amounts in yuan."""

    line: ContractLine
    recorded: Decimal
    settled: Decimal

    @property
    def left(self) -> Decimal:
        return self.line.quantity - self.recorded

    @property
    def per_cent(self) -> int:
        return int(100 * self.recorded / self.line.quantity)


def lines_of(contract: ServiceContract) -> list[LineUse]:
    """Its lines in order; the sums are the whole county's, whoever looks. Two queries."""
    with connection.cursor() as cursor:
        cursor.execute("select line_id, used from doudi.line_used(%s)", [contract.pk])
        used = dict(cursor.fetchall())
    settled = Sum("services__quantity", filter=Q(services__state=PurchasedService.State.SETTLED))
    rows = ContractLine.objects.filter(contract=contract).annotate(settled=settled).order_by("position")
    return [LineUse(row, used.get(row.pk, Decimal(0)), row.settled or Decimal(0)) for row in rows]


def contract_figures(contract: ServiceContract) -> dict[str, Any]:
    """Records by state and money settled of one contract, within the scope; two queries."""
    by_state = dict(PurchasedService.objects.filter(contract=contract).order_by().values_list("state").annotate(Count("id")))
    settled = Acceptance.objects.filter(contract=contract, state=Acceptance.State.SETTLED).aggregate(s=Sum("payable"), d=Sum("deduction"))
    return {"states": by_state, "settled": settled["s"] or NOUGHT, "deducted": settled["d"] or NOUGHT}


def money_of(area: str) -> dict[str, Any]:
    """Settlements and donations of a county beside what the ledger says of the two funds, to the fen (对账). Three queries."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select f.pool, coalesce(sum(e.amount) filter (where e.account = 'paid'), 0), coalesce(sum(e.amount) filter (where e.account = 'available'), 0),"
            " -coalesce(sum(e.amount) filter (where e.account = 'appropriation'), 0) from payments_fund f left join payments_ledgerentry e on e.fund_id = f.id and e.area = %s"
            " where f.pool in ('services', 'donations') group by 1",
            [area],
        )
        ledger = {pool: (paid, available, came) for pool, paid, available, came in cursor.fetchall()}
    spent = dict(Spending.objects.filter(area=area).order_by().values_list("fund__pool").annotate(Sum("amount")))
    settled = Acceptance.objects.filter(area=area, state=Acceptance.State.SETTLED).aggregate(s=Sum("payable"))["s"] or NOUGHT
    given = Donation.objects.filter(area=area, kind=Donation.Kind.MONEY, state=Donation.State.RECEIVED).aggregate(s=Sum("quantity"))["s"] or NOUGHT
    services, donations = ledger.get("services", (NOUGHT,) * 3), ledger.get("donations", (NOUGHT,) * 3)
    return {
        "services": {"paid": services[0], "available": services[1], "settled": settled, "holds": services[0] == settled == spent.get("services", NOUGHT)},
        "donations": {
            "paid": donations[0], "available": donations[1], "received": given, "spent": spent.get("donations", NOUGHT),
            "holds": donations[0] == spent.get("donations", NOUGHT) and donations[2] == given,
        },
    }  # fmt: skip


def near(rows: QuerySet[Resource], place: str) -> QuerySet[Any]:
    """Resources that serve a place, the nearest first: `distance` 0 the same village, 1 township, 2 county, 3 city, 4 further."""
    levels = [place[:length] for length in (12, 9, 6, 4) if len(place) >= length]
    gap = 4 - len(levels)
    cases = [When(area__gte=code, area__lt=code + ":", then=Value(at + gap)) for at, code in enumerate(levels)]
    return rows.filter(to_area__in=ancestors(place)).annotate(distance=Case(*cases, default=Value(4), output_field=IntegerField()))


def distance_words(distance: int | None) -> str:
    return {0: _("本村（社区）"), 1: _("本乡镇（街道）"), 2: _("本县"), 3: _("本市")}.get(4 if distance is None else distance, _("较远"))


def usable(rows: QuerySet[Resource], on: date) -> QuerySet[Resource]:
    """What may be offered today: in force, not over, and its organisation in good standing."""
    rows = rows.filter(Q(until__isnull=True) | Q(until__gte=on), state=Resource.State.ACTIVE)
    return rows.filter(Q(organisation__isnull=True) | Q(organisation__state=Organisation.State.ACTIVE))


def for_need(kind: str, area: str, on: date, *, most: int = 8) -> list[Resource]:
    """What the register has for a need of a kind at a place, the nearest and freshest first; one query."""
    rows = near(usable(Resource.objects.filter(kind=kind), on), area).select_related("organisation")
    return list(rows.order_by("distance", F("confirm_by").desc(), "id")[:most])


def amount_words(row: Resource) -> str:
    if row.quantity is None:
        return _("不限")
    return f"{row.get_period_display()} {row.quantity.normalize():f} {row.unit}"


def kind_words(row: Resource) -> str:
    return kinds.label(row.kind)


def register_figures(on: date) -> list[dict[str, Any]]:
    """The register within the scope in numbers; one query."""
    low, high = scopes.current().low, scopes.current().high
    found = Resource.objects.filter(area__gte=low, area__lt=high).aggregate(
        all=Count("id", filter=Q(state="active")), holders=Count("name", filter=Q(state="active"), distinct=True),
        stale=Count("id", filter=~Q(state="ended") & Q(confirm_by__lt=on)), paused=Count("id", filter=Q(state="paused")),
    )  # fmt: skip
    return [
        {"label": _("可用资源"), "value": f"{found['all']:,}"}, {"label": _("提供方"), "value": f"{found['holders']:,}"},
        {"label": _("超期未核实"), "value": f"{found['stale']:,}", "url": "?state=stale"}, {"label": _("暂停"), "value": f"{found['paused']:,}"},
    ]  # fmt: skip


@dataclass(frozen=True)
class Published:
    """What the public page shows of one county: money in yuan, goods by item; donors only who agreed. Nothing of recipients."""

    area: str
    received: Decimal
    allocated: Decimal
    delivered: Decimal
    donors: int
    purposes: list[tuple[str, Decimal, Decimal]]
    goods: list[tuple[str, str, Decimal, Decimal, Decimal]]
    named: list[tuple[str, str, date]]
    until: date


def counties_published() -> list[str]:
    """Codes of counties with donations within the scope; one query."""
    return list(Donation.objects.filter(state=Donation.State.RECEIVED).order_by("area").values_list("area", flat=True).distinct()[:200])


def published(area: str) -> Published:
    """Totals of a county (公示): four queries whatever the number of donations."""
    rows = Donation.objects.filter(area=area, state=Donation.State.RECEIVED)
    money = rows.filter(kind=Donation.Kind.MONEY)
    sums = money.aggregate(r=Sum("quantity"), a=Sum("allocated"), d=Sum("delivered"))
    by_purpose = money.order_by().values_list("purpose").annotate(Sum("quantity"), Sum("delivered")).order_by("purpose")
    goods = rows.filter(kind=Donation.Kind.GOODS).order_by().values_list("item", "unit").annotate(Sum("quantity"), Sum("allocated"), Sum("delivered"))
    named = rows.filter(named=True).order_by("-received_on", "-id").values_list("donor", "kind", "item", "unit", "quantity", "received_on")[:50]
    return Published(
        area=area, received=sums["r"] or NOUGHT, allocated=sums["a"] or NOUGHT, delivered=sums["d"] or NOUGHT, donors=rows.count(),
        purposes=[(str(Donation.Purpose(code).label), came, gone) for code, came, gone in by_purpose],
        goods=[(item, unit, came, given, gone) for item, unit, came, given, gone in goods.order_by("item", "unit")[:50]],
        named=[
            (donor, f"{quantity:,.2f} {_('元')}" if kind == "money" else f"{item} {quantity.normalize():f} {unit}", on) for donor, kind, item, unit, quantity, on in named
        ],
        until=timezone.localdate(),
    )  # fmt: skip


def donation_figures() -> list[dict[str, Any]]:
    """Donations within the scope in numbers; two queries."""
    money = Donation.objects.filter(kind="money", state="received").aggregate(
        r=Sum("quantity"), a=Sum("allocated"), d=Sum("delivered"), n=Count("id")
    )
    goods = Donation.objects.filter(kind="goods", state="received").count()
    waiting = DonationAllocation.objects.filter(state__in=["allocated", "sent"]).count()
    return [
        {"label": _("捐款"), "value": f"{money['r'] or NOUGHT:,.2f}", "unit": _("元"), "note": _("%(n)d 笔") % {"n": money["n"]}},
        {"label": _("已分配"), "value": f"{money['a'] or NOUGHT:,.2f}", "unit": _("元")}, {"label": _("已送达"), "value": f"{money['d'] or NOUGHT:,.2f}", "unit": _("元")},
        {"label": _("捐物"), "value": f"{goods:,}"}, {"label": _("在途"), "value": f"{waiting:,}"},
    ]  # fmt: skip


def confirmed_services() -> QuerySet[PurchasedService]:
    """8.2: services that recipients or contacts confirmed this year."""
    states = [PurchasedService.State.CONFIRMED, PurchasedService.State.SETTLED]
    return PurchasedService.objects.filter(state__in=states, day__year=timezone.localdate().year)


def services_figure(numbers: Numbers) -> tuple[int, str]:
    return int(numbers["n"]), _("次已确认的购买服务")


def of_person(person_id: int) -> list[tuple[PurchasedService, str]]:
    rows = PurchasedService.objects.filter(person=person_id).exclude(state="void").select_related("line", "contract").order_by("-day", "-id")[:10]
    return [(row, SERVICE_COLOURS[row.state]) for row in rows]
