"""Statistics of assistance for other systems (统计): recipients, households and yuan of a month by programme and place, from what is counted each night.

Who reads by `statistics:read` gets what may be published, as the public page gives it: months that are closed, people and households in tens and yuan in
ten thousands, no group of fewer than ten people or ten households, none that the sums would tell, and nothing within a place that is withheld.
`statistics:full` (offices that answer for the figures) gets them as they are, of the running month too.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db.models import Max, Sum
from django.db.models.functions import Left

from doudi.core import duties
from doudi.reports import queries, services
from doudi.reports.models import MonthlyFigure

LEVELS = {"province": 2, "city": 4, "county": 6, "township": 9}
# Programme -> the keys of its people, households (where they are counted) and yuan.
PROGRAMMES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "dibao": (("dibao.urban.people", "dibao.rural.people"), ("dibao.urban.households", "dibao.rural.households"), ("dibao.urban.yuan", "dibao.rural.yuan")),
    "disability_living": (("disability_living.people",), (), ("disability_living.yuan",)),
    "disability_nursing": (("disability_nursing.people",), (), ("disability_nursing.yuan",)),
    "marginal": (("marginal.people",), ("marginal.households",), ()),
    "orphan": (("orphan.people",), (), ("orphan.yuan",)),
    "rigid": (("rigid.people",), ("rigid.households",), ()),
    "tekun": (("tekun.urban.people", "tekun.rural.people"), (), ("tekun.urban.yuan", "tekun.rural.yuan")),
    "unsupported_child": (("unsupported_child.people",), (), ("unsupported_child.yuan",)),
}
KEYS = sorted({key for kinds in PROGRAMMES.values() for keys in kinds for key in keys})
Sums = dict[str, dict[str, Decimal]]
TENS, TEN_THOUSANDS = Decimal(queries.FEW), Decimal(10_000)
"""What figures are rounded to: neither two months nor a place and its parts, exact to one, may tell of somebody."""


def counted_at(*, month: date, area: str) -> datetime | None:
    """When a month of an area was counted last; None where it was not."""
    duties.require("reports.view")
    found: datetime | None = MonthlyFigure.objects.filter(month=month, area__gte=area, area__lt=f"{area}:").aggregate(at=Max("counted_at"))["at"]
    return found


def published(month: date, today: date) -> bool:
    """Whether a month's figures stand: the running one, told night by night, would tell of each who came or left."""
    return services.closed(month, today)


def figures(*, month: date, level: str, own: str, area: str, full: bool, after: str = "", limit: int = 200) -> list[dict[str, Any]]:
    """Figures by place of a level and programme, in this order, within `area`; `own` is the reader's whole area, over which is decided what is withheld.

    `after` is `<area> <programme>` of the last one seen. What is withheld has None in place of figures and `suppressed`; without `full` the others are
    rounded. A query for each level.
    """
    duties.require("reports.view")
    lengths = [length for length in LEVELS.values() if length <= LEVELS[level] and length >= min(len(own), LEVELS[level])]
    withheld: set[tuple[str, str]] = set()
    sums: Sums = {}
    for length in lengths[-1:] if full else lengths:
        sums = _sums(month, own, length)
        if not full:
            withheld |= _withheld(sums, withheld, length)
    found: list[dict[str, Any]] = []
    for place, given in sums.items():
        for programme, (people, households, yuan) in PROGRAMMES.items():
            if not place.startswith(area) or f"{place} {programme}" <= after or not given.keys() & {*people, *yuan}:
                continue
            hidden = (place, programme) in withheld
            tens, ten_thousands = (None, None) if full else (TENS, TEN_THOUSANDS)
            found.append(
                {
                    "area": place, "programme": programme, "suppressed": hidden,
                    "people": None if hidden else int(_rounded(_total(given, people), tens)),
                    "households": None if hidden or not households else int(_rounded(_total(given, households), tens)),
                    "amount": None if hidden or not yuan else _rounded(_total(given, yuan), ten_thousands),
                }
            )  # fmt: skip
            if len(found) == limit:
                return found
    return found


def _total(given: dict[str, Decimal], keys: tuple[str, ...]) -> Decimal:
    return sum((given.get(key, Decimal(0)) for key in keys), Decimal(0))


def _rounded(value: Decimal, to: Decimal | None) -> Decimal:
    return value if to is None else (value / to).quantize(Decimal(1), ROUND_HALF_UP) * to


def _sums(month: date, own: str, length: int) -> Sums:
    """Place -> key -> sum, by place; one query."""
    rows = MonthlyFigure.objects.filter(month=month, area__gte=own, area__lt=f"{own}:", key__in=KEYS).annotate(place=Left("area", length))
    found: Sums = {}
    for place, key, value in rows.values_list("place", "key").annotate(value=Sum("value")).order_by("place", "key"):
        if len(place) == length:
            found.setdefault(place, {})[key] = value
    return found


def _withheld(sums: Sums, above: set[tuple[str, str]], length: int) -> set[tuple[str, str]]:
    """(place, programme) of a level whose figures are not told: those that may not be published among their neighbours, and all below one that is withheld."""
    parent = next((each for each in sorted(LEVELS.values(), reverse=True) if each < length), 0)
    neighbours: dict[str, list[str]] = {}
    for place in sums:
        neighbours.setdefault(place[:parent], []).append(place)
    found: set[tuple[str, str]] = set()
    for programme, keys in PROGRAMMES.items():
        for region, inside in neighbours.items():
            hidden = queries.withheld({place: _fewest(sums[place], *keys) for place in inside})
            found |= {(place, programme) for place in inside if place in hidden or (region, programme) in above}
    return found


def _fewest(given: dict[str, Decimal], people: tuple[str, ...], households: tuple[str, ...], yuan: tuple[str, ...]) -> Decimal:
    """The least number that a group tells: its people, or its households where they are counted; 1 for money without anybody counted (arrears of one
    who has left), which points at somebody too."""
    counted = [number for keys in (people, households) if (number := _total(given, keys))]
    return min(counted) if counted else Decimal(_total(given, yuan) > 0)
