"""Reading of service plans: townships with their villages' plans, and whom an activation would list, before it is made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count, Q
from django.db.models.functions import Left

from doudi.community.models import Activation, PlanItem, PlanVersion
from doudi.community.services.activating import BEST
from doudi.core import places
from doudi.core.lists import COUNT_CEILING, Page
from doudi.core.models import Division

WHOM = f"""
from community_planversion v join community_careperson c on c.area = v.area and c.ends is null {BEST.format(plan="v.id")}
where v.id = any(%(plans)s)
"""
COUNTS = f"select c.area, best.priority, best.kind, count(*), count(*) filter (where c.contact_id is null) {WHOM} group by 1, 2, 3"
LISTED = f"""
select w.area, p.name, w.groups, w.priority, w.kind, w.every, w.bare from (
  select c.area, c.person_id, c.household_id, c.id, c.groups, best.priority, best.kind, best.every, c.contact_id is null as bare {WHOM}
) w join registry_person p on p.id = w.person_id order by w.priority, w.every, w.area, w.household_id, w.id limit %(size)s offset %(from)s
"""


@dataclass(frozen=True)
class Listed:
    """Somebody whom an activation would list; `how` is `visit` or `call`, `bare`: without a care contact."""

    area: str
    name: str
    groups: list[str]
    priority: int
    how: str
    every: int
    bare: bool


def ready_plans(*, areas: Iterable[str], towns: Iterable[str]) -> list[PlanVersion]:
    """Plans in force, not at work, of the villages chosen one by one or by township, within the reader's scope; two queries."""
    wanted = Q(area__in=[area for area in areas if len(area) == 12])
    for town in towns:
        if len(town) == 9 and town.isascii() and town.isdigit():
            wanted |= Q(area__gte=town, area__lt=town + ":")
    running = Activation.objects.filter(state=Activation.State.ACTIVE).values("area")
    return list(PlanVersion.objects.filter(wanted, state=PlanVersion.State.APPROVED).exclude(area__in=running).order_by("area")[:401])


def preview(plans: Sequence[PlanVersion]) -> list[dict[str, Any]]:
    """By village: grids, people by visit and call, the first priority's, those without a care contact; two queries."""
    ids = [row.pk for row in plans]
    grids = dict(PlanItem.objects.filter(plan__in=ids, section=PlanItem.Section.GRID).values_list("plan").annotate(n=Count("pk")).order_by())
    rows = {row.area: {"plan": row, "grids": grids.get(row.pk, 0), "people": 0, "visit": 0, "call": 0, "first": 0, "bare": 0} for row in plans}
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, {"plans": ids})
        for area, priority, how, count, bare in cursor.fetchall():
            row: Any = rows[area]
            row["people"] += count
            row[how] += count
            row["bare"] += bare
            row["first"] += count if priority == 1 else 0
    return list(rows.values())


def listed(plans: Sequence[PlanVersion], *, count: int, number: int, size: int = 50) -> Page:
    """One page of the people whom an activation would list, the first priority first."""
    count, more = min(count, COUNT_CEILING), count > COUNT_CEILING
    number = max(1, min(number, -(-count // size) or 1))
    with connection.cursor() as cursor:
        cursor.execute(LISTED, {"plans": [row.pk for row in plans], "size": size, "from": (number - 1) * size})
        rows = [Listed(*row) for row in cursor.fetchall()]
    return Page(rows=rows, number=number, size=size, count=count, more=more)


def townships(area: str) -> list[dict[str, Any]]:
    """A county's townships: villages, plans in force, waiting for approval, at work; three queries."""

    def by_town(rows: Any) -> dict[str, int]:
        return dict(rows.annotate(town=Left("area", 9)).values_list("town").annotate(n=Count("pk")).order_by())

    versions = PlanVersion.objects.filter(area__gte=area, area__lt=area + ":")
    approved, waiting = by_town(versions.filter(state="approved")), by_town(versions.filter(state="submitted"))
    active = by_town(Activation.objects.filter(state="active", area__gte=area, area__lt=area + ":"))
    towns = places.children(area)
    villages = dict(Division.objects.filter(parent__in=[code for code, _name in towns], ends__isnull=True).values_list("parent").annotate(n=Count("pk")).order_by())
    return [
        {
            "code": code, "name": name, "villages": villages.get(code, 0), "approved": approved.get(code, 0), "waiting": waiting.get(code, 0),
            "active": active.get(code, 0), "ready": approved.get(code, 0) - active.get(code, 0),
        }
        for code, name in towns
    ]  # fmt: skip
