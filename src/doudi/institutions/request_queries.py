"""Reads of requests and transfers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.charts import TILES
from doudi.core.settings_overlay import settings_at
from doudi.institutions import procedures
from doudi.institutions.coordination import REFILL_DAYS
from doudi.institutions.models import DailyReport, Institution, ReportSupply, Request, RequestDelivery, Transfer, TransferPerson
from doudi.institutions.services.requests import late

COLOURS = {"raised": "orange", "assigned": "orange", "working": "", "done": "green", "declined": "red", "withdrawn": "gray"}
TRANSFER_COLOURS = {"planned": "orange", "agreed": "orange", "moving": "", "done": "green", "cancelled": "gray", "refused": "red"}
PERSON_COLOURS = {"listed": "orange", "departed": "", "missing": "red", "arrived": "green", "stayed": "gray"}
URGENCY_COLOURS = {"red": "red", "orange": "orange", "yellow": "gray"}


def limit(row: Request) -> datetime:
    """What the clock counts to now: until taken, the earlier of both limits."""
    return row.due if row.state == "working" else min(row.accept_due, row.due)


def left(row: Request, now: datetime) -> tuple[str, str]:
    """(what is left on the clock in words, colour); empty where it runs no longer."""
    if row.state not in Request.OPEN:
        return "", ""
    minutes = int((limit(row) - now).total_seconds() // 60)
    over, minutes = minutes < 0, abs(minutes)
    words = _("%(n)s 分钟") % {"n": minutes} if minutes < 60 else _("%(n)s 小时") % {"n": minutes // 60} if minutes < 48 * 60 else _("%(n)s 天") % {"n": minutes // 1440}
    if over:
        return _("超期 %(time)s") % {"time": words}, "red"
    return _("还剩 %(time)s") % {"time": words}, "orange" if minutes < 6 * 60 else ""


def figures(now: datetime) -> dict[str, int]:
    rows = Request.objects.filter(state__in=Request.OPEN)
    found = rows.aggregate(
        raised=Count("pk", filter=Q(state="raised")), assigned=Count("pk", filter=Q(state="assigned")), working=Count("pk", filter=Q(state="working")),
        late=Count("pk", filter=late(now)),
    )  # fmt: skip
    return {key: int(value) for key, value in found.items()}


def received(ids: Iterable[int]) -> dict[int, tuple[Decimal, Decimal]]:
    """Of requests: (come, on the way)."""
    sums = RequestDelivery.objects.filter(request_id__in=list(ids)).values_list("request_id").annotate(
        came=Sum("received", filter=Q(state="received")), way=Sum("quantity", filter=Q(state="sent"))
    )  # fmt: skip
    return {pk: (came or Decimal(0), way or Decimal(0)) for pk, came, way in sums}


def short_supplies(on: date, *, limit: int = 100) -> list[dict[str, Any]]:
    """What the last daily reports show low and nobody has asked for: house, supply, days left, what a fortnight needs (settings)."""
    asked = Request.objects.filter(item__isnull=False, state__in=Request.OPEN).values_list("institution_id", "item_id")
    open_now = set(asked)
    rows = (
        ReportSupply.objects.filter(report__superseded_at__isnull=True, report__on__gte=on - timedelta(days=2), days__isnull=False, days__lte=30)
        .select_related("report__institution", "item").order_by("days", "-report__on", "pk")[:2000]
    )  # fmt: skip
    found: dict[tuple[int, int], dict[str, Any]] = {}
    settings: dict[str, Any] = {}
    newest = dict(DailyReport.objects.filter(superseded_at__isnull=True, on__gte=on - timedelta(days=2)).order_by("on").values_list("institution_id", "pk"))
    for row in rows:
        house = row.report.institution
        at = (house.pk, row.item_id)
        if at in open_now or at in found or newest.get(house.pk) != row.report_id:
            continue
        county = house.area[:6]
        if county not in settings:
            get, refill = settings_at(procedures.PREFIX, county, on), settings_at("procedure.request.", county, on)
            settings[county] = (int(get(procedures.SUPPLY_DAYS)), int(refill(REFILL_DAYS)))
        least, refill_days = settings[county]
        if (row.days or 0) >= least:
            continue
        wanted = max(Decimal(1), (row.daily_use * refill_days - row.quantity).to_integral_value(rounding="ROUND_UP"))
        found[at] = {"house": house, "item": row.item, "days": row.days, "wanted": wanted, "report": row.report_id, "on": row.report.on}
        if len(found) >= limit:
            break
    return list(found.values())


OVERVIEW = """
with houses as (
  select i.id, left(i.area, %(width)s) as place, i.risk from institutions_institution i where i.state = 'running' and i.area >= %(area)s and i.area < %(high)s
)
select h.place, count(*) as houses, count(d.id) as owed, count(d.id) filter (where d.reported_at is not null) as reported,
  count(*) filter (where h.risk = 'red') as red, count(*) filter (where h.risk = 'orange') as orange, count(*) filter (where h.risk = 'yellow') as yellow,
  coalesce(sum(q.open), 0) as open, coalesce(sum(q.late), 0) as late
from houses h left join institutions_reportdue d on d.institution_id = h.id and d."on" = %(on)s
left join (
  select r.institution_id, count(*) as open, count(*) filter (where r.due < %(now)s or (r.state <> 'working' and r.accept_due < %(now)s)) as late
  from institutions_request r where r.state in ('raised', 'assigned', 'working') group by r.institution_id) q on q.institution_id = h.id
group by h.place order by h.place
"""
KEYS = ("place", "houses", "owed", "reported", "red", "orange", "yellow", "open", "late")


def overview(area: str, on: date, now: datetime) -> list[dict[str, Any]]:
    """By place directly below `area`: houses, reports owed and come today, at risk, requests open and late. One query, and one for names."""
    width = {2: 4, 4: 6, 6: 9}.get(len(area), 12)
    with connection.cursor() as cursor:
        cursor.execute(OVERVIEW, {"width": width, "area": area, "high": area + ":", "on": on, "now": now})
        rows = [dict(zip(KEYS, row, strict=True)) for row in cursor.fetchall()]
    places.preload(row["place"] for row in rows)
    for row in rows:
        # houses of the county itself, beside those of its townships
        row["own"] = row["place"] == area
        row["code"] = row["place"] + ("-" if row["own"] else "")
        row |= {key: int(row[key]) for key in KEYS[1:]}
        row["name"], row["risk"], row["missing"] = places.name(row["place"]), row["red"] + row["orange"] + row["yellow"], row["owed"] - row["reported"]
    return rows


def tiles(rows: list[dict[str, Any]], area: str) -> list[dict[str, Any]]:
    """Tiles of the places, coloured by their gravest house: cities of the province in their schematic places, others in the order of codes."""
    by_place, found = {row["place"]: row for row in rows}, []
    codes = list(TILES) if len(area) == 2 else [row["place"] for row in rows]
    for at, code in enumerate(codes):
        row = by_place.get(code)
        name, column, line = TILES[code] if code in TILES else (places.name(code), at % 5, at // 5)
        shade, words = "k0", "—" if row is None else _("正常")
        for level, label in (("red", _("红色")), ("orange", _("橙色")), ("yellow", _("黄色"))):
            if row and row[level]:
                shade, words = level, _("%(level)s %(n)s 家") % {"level": label, "n": row[level]}
                break
        found.append({"code": code, "name": name[:6], "column": column, "line": line, "shade": shade, "words": words, "known": row is not None})
    return found


def with_people(rows: QuerySet[Transfer]) -> QuerySet[Transfer]:
    """Transfers with how many are on the list and how many have arrived."""
    people = TransferPerson.objects.filter(transfer=OuterRef("pk")).order_by().values("transfer").annotate(n=Count("pk")).values("n")
    return rows.annotate(people_all=Coalesce(Subquery(people), 0), people_there=Coalesce(Subquery(people.filter(state="arrived")), 0))


def people_counts(transfer_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    for pk, state, n in TransferPerson.objects.filter(transfer_id__in=list(transfer_ids)).values_list("transfer_id", "state").annotate(n=Count("pk")).order_by():
        found.setdefault(pk, {})[state] = n
    return found


def house_panel(request: Any, row: Institution) -> dict[str, Any] | None:
    """Requests and transfers of a house, on its page."""
    now = timezone.now()
    requests = list(Request.objects.filter(institution=row).order_by("-raised_at", "-pk")[:8])
    transfers = list(Transfer.objects.filter(Q(from_institution=row) | Q(to_institution_id=row.pk)).order_by("-made_at", "-pk")[:5])
    return {
        "requests": [(each, *left(each, now), COLOURS[each.state]) for each in requests], "transfers": [(each, TRANSFER_COLOURS[each.state]) for each in transfers],
        "house": row, "scope": scopes.current(),
    }  # fmt: skip


def day_panel(request: Any, day: Any) -> dict[str, Any] | None:
    """Open requests by what is left on the clock, on the page of the day."""
    now = timezone.now()
    rows = list(Request.objects.filter(state__in=Request.OPEN).select_related("institution").order_by("due", "pk")[:8])
    return {"rows": [(each, *left(each, now), COLOURS[each.state]) for each in rows], "figures": figures(now)} if rows else None
