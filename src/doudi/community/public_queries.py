"""What places make public: numbers to call."""

from __future__ import annotations

from datetime import date

from django.db.models import Q

from doudi.community.models import PlaceService
from doudi.core import places
from doudi.core import scope as scopes
from doudi.discovery.models import HotlineDesk


def hotlines(county: str, on: date) -> list[dict[str, str]]:
    """Numbers that a county and the places above it make public, the nearest first; the province's where no place is known."""
    area = county or places.PROVINCE
    with scopes.acting(scopes.Scope(area=area, page="public")):
        desks = HotlineDesk.objects.filter(area__in=[area[:length] for length in (6, 4, 2)], is_open=True)
        found = [{"name": row.name, "number": row.number, "hours": row.hours} for row in sorted(desks, key=lambda row: -len(row.area))]
        if county:
            rows = PlaceService.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), area__in=[area[:length] for length in (6, 4, 2)], starts__lte=on)
            rows = rows.filter(kind__in=(PlaceService.Kind.HOTLINE, PlaceService.Kind.COUNSEL)).order_by("kind", "id")
            found += [{"name": row.name, "number": row.phone, "hours": row.hours} for row in rows[:4]]
    return found
