"""Declared emergencies (应急状态): what is in force where and when, and what it switches.

    in_force("410122101201", date(2022, 12, 1))          # the emergencies that hold for a place, those of the levels above included

Work on many rows joins instead; both functions live in the database and see what the scope sees:

    doudi.emergencies_on(date)       -> area, emergency_id, kind     the places as declared, few rows
    doudi.emergency_divisions(date)  -> area, kinds                  every division, village to province, that lies in one

    select h.id from registry_household h join doudi.emergency_divisions('2022-12-01') e on e.area = h.area

A room that lets an emergency switch something says so, and the emergency's page lists it with its live text:

    effects.add("discovery.visits", _("走访频次"), lambda emergency, on: _("每周一次"), kinds=("epidemic",), url_name="discovery:plans")
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, QuerySet
from django.utils.functional import Promise

from doudi.core.models import Emergency, EmergencyPlace
from doudi.core.models.divisions import ancestors


def _places(on: date) -> QuerySet[EmergencyPlace]:
    return EmergencyPlace.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), active=True, starts__lte=on)


def _emergencies(places: QuerySet[EmergencyPlace]) -> list[Emergency]:
    return list(Emergency.objects.filter(Exists(places.filter(emergency=OuterRef("pk")))).order_by("starts", "pk"))


def in_force(area: str, on: date, *, kinds: Iterable[str] = ()) -> list[Emergency]:
    """The emergencies that hold for the whole of a place on a day, of all kinds or of those named; the earliest first. One query."""
    places = _places(on).filter(area__in=ancestors(area))
    wanted = list(kinds)
    return _emergencies(places.filter(kind__in=wanted) if wanted else places)


def touching(area: str, on: date) -> list[Emergency]:
    """The emergencies that hold for a place or for some part of it on a day. One query."""
    return _emergencies(_places(on).filter(Q(area__in=ancestors(area)) | Q(area__gte=area, area__lt=area + ":")))


def at_area(field: str, on: date) -> Exists:
    """Condition of a queryset: the place in `field` lies in an emergency on a day. `Household.objects.filter(at_area("area", on))`."""
    return Exists(_places(on).filter(Func(OuterRef(field), F("area"), function="starts_with", output_field=BooleanField())))


@dataclass(frozen=True)
class Effect:
    """What an emergency switches: `told` says for one emergency on a day what holds now; empty text: nothing."""

    key: str
    label: str | Promise
    told: Callable[[Emergency, date], str]
    kinds: frozenset[str]
    url_name: str


class Effects:
    """What rooms let emergencies switch, in the order of their declaration."""

    def __init__(self) -> None:
        self._known: dict[str, Effect] = {}

    def add(self, key: str, label: str | Promise, told: Callable[[Emergency, date], str], *, kinds: Iterable[str] = (), url_name: str = "") -> None:
        """Declare one, at start-up. `kinds`: of which emergencies (none named: of all). Raises KeyError for a kind that there is not."""
        wanted = frozenset(kinds)
        if wanted - set(Emergency.Kind.values):
            raise KeyError(key)
        self._known[key] = Effect(key, label, told, wanted, url_name)

    def of(self, emergency: Emergency, on: date) -> list[tuple[Effect, str]]:
        """(effect, live text) of one emergency on a day."""
        found = [(effect, effect.told(emergency, on)) for effect in self._known.values() if not effect.kinds or emergency.kind in effect.kinds]
        return [(effect, str(text)) for effect, text in found if text]


effects = Effects()
