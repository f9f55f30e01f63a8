"""Declared emergencies (应急状态): what is in force where and when, and what it switches.

    in_force("410122101201", date(2022, 12, 1))          # the emergencies that hold for a place, those of the levels above included

Work on many rows joins instead; both functions live in the database and see what the scope sees:

    doudi.emergencies_on(date)       -> area, emergency_id, kind     the places as declared, few rows
    doudi.emergency_divisions(date)  -> area, kinds                  every division, village to province, that lies in one

    select h.id from registry_household h join doudi.emergency_divisions('2022-12-01') e on e.area = h.area

Measures that an emergency does not bring by itself are switched within it by two officers (`switches`, `services.switches`):

    switched("exit_suspension", "410122101201", date(2022, 12, 1))
    doudi.switched_areas(measure, from, to)    -> area         for joins, like the above

A room that lets an emergency switch something says so, and the emergency's page lists it with its live text:

    effects.add("discovery.visits", _("走访频次"), lambda emergency, on: _("每周一次"), kinds=("epidemic",), url_name="discovery:plans", act="visits.view")
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import translation
from django.utils.functional import Promise

from doudi.core import duties
from doudi.core.models import Emergency, EmergencyPlace
from doudi.core.models.divisions import ancestors
from doudi.core.prepared import prepared


def _places(on: date) -> QuerySet[EmergencyPlace]:
    return EmergencyPlace.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), active=True, starts__lte=on)


def _emergencies(places: QuerySet[EmergencyPlace]) -> QuerySet[Emergency]:
    return Emergency.objects.filter(Exists(places.filter(emergency=OuterRef("pk")))).order_by("starts", "pk")


def in_force(area: str, on: date, *, kinds: Iterable[str] = ()) -> list[Emergency]:
    """The emergencies that hold for the whole of a place on a day, of all kinds or of those named; the earliest first. One query."""
    places = _places(on).filter(area__in=ancestors(area))
    wanted = list(kinds)
    return list(_emergencies(places.filter(kind__in=wanted) if wanted else places))


@prepared
def _touching(above: list[str], low: str, high: str, on: date) -> QuerySet[Emergency]:
    return _emergencies(_places(on).filter(Q(area__in=above) | Q(area__gte=low, area__lt=high)))


def touching(area: str, on: date) -> list[Emergency]:
    """The emergencies that hold for a place or for some part of it on a day. One query."""
    return _touching(ancestors(area), area, area + ":", on)


@dataclass(frozen=True)
class Effect:
    """What an emergency switches: `told` says for one emergency on a day what holds now; empty text: nothing. Its page is linked for whom `act` lets in."""

    key: str
    label: str | Promise
    told: Callable[[Emergency, date], str]
    kinds: frozenset[str]
    url_name: str
    act: str

    @property
    def link(self) -> str:
        """URL name of its page for whoever may open it, else empty."""
        return self.url_name if not self.act or duties.may(self.act) else ""


class Effects:
    """What rooms let emergencies switch, in the order of their declaration."""

    def __init__(self) -> None:
        self._known: dict[str, Effect] = {}

    def add(self, key: str, label: str | Promise, told: Callable[[Emergency, date], str], *, kinds: Iterable[str] = (), url_name: str = "", act: str = "") -> None:
        """Declare one, at start-up. `kinds`: of which emergencies (none named: of all); `act`: who may open its page. KeyError for a kind that there is not."""
        wanted = frozenset(kinds)
        if wanted - set(Emergency.Kind.values):
            raise KeyError(key)
        self._known[key] = Effect(key, label, told, wanted, url_name, act)

    def of(self, emergency: Emergency, on: date) -> list[tuple[Effect, str]]:
        """(effect, live text) of one emergency on a day."""
        found = [(effect, effect.told(emergency, on)) for effect in self._known.values() if not effect.kinds or emergency.kind in effect.kinds]
        return [(effect, str(text)) for effect, text in found if text]


effects = Effects()


@dataclass(frozen=True)
class Switch:
    """A measure that an emergency switches on only where two officers of its place say so."""

    label: str | Promise
    help: str | Promise
    url_name: str


class Switches:
    """The measures that can be switched within an emergency, declared by rooms at start-up."""

    def __init__(self) -> None:
        self._known: dict[str, Switch] = {}

    def declare(self, measure: str, label: str | Promise, help: str | Promise, *, url_name: str = "") -> None:
        self._known[measure] = Switch(label, help, url_name)

    def __contains__(self, measure: str) -> bool:
        return measure in self._known

    def items(self) -> Iterable[tuple[str, Switch]]:
        return self._known.items()

    def label(self, measure: str) -> str:
        return str(self._known[measure].label) if measure in self._known else measure

    def stored(self, measure: str) -> str:
        """The label as it is stored: Chinese, whoever acts."""
        with translation.override("zh-hans"):
            return self.label(measure)


switches = Switches()


def switched_areas(measure: str, starts: date, ends: date) -> list[str]:
    """The places where a measure is on for some day in [starts, ends], as far as the scope sees; few codes, each with all below it. One query."""
    with connection.cursor() as cursor:
        cursor.execute("select distinct a from doudi.switched_areas(%s, %s, %s) a order by a", [measure, starts, ends])
        return [row[0] for row in cursor.fetchall()]


def switched(measure: str, area: str, on: date) -> bool:
    """Whether a measure is on for the whole of a place on a day."""
    return any(area.startswith(code) for code in switched_areas(measure, on, on))
