"""Figures of the eight measures as they were counted last night (八项举措统计), so that a page of the province reads a few thousand small rows.

    what rooms say that adds up over places (`core.measures`) ─▶ counted by county each night, and what is a city's or the province's own ─▶ `MeasureFigure`
      ─▶ sums within the reader's county, city or province ─▶ the clause's figure, in the words of its room

A township and below, and a place that was never counted, are counted live; so is what does not add up, or belongs to today.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Min, QuerySet, Sum
from django.utils.translation import gettext as _

from doudi.core import charts, duties, measures
from doudi.core import scope as scopes
from doudi.reports.models import MeasureFigure

COUNTY = 6
ABOVE = ("41", *charts.TILES)
"""The province and its cities: what belongs to none of their counties."""
SEES_ALL_CASES = frozenset({"county_approver", "supervisor"})
"""Duties whose sight of minors' cases is their area's, which a number counted by area equals; the database holds it too."""


@dataclass(frozen=True)
class Counted:
    """Sums of what was counted within a place: clause -> name -> number; when the first of its counties was, and how many were."""

    numbers: dict[str, dict[str, Decimal]]
    at: datetime
    counties: int


@transaction.atomic
def count(*, area: str, now: datetime) -> int:
    """Count the clauses of a county anew; of the province, what belongs to it or to a city and to no county. Returns the figures kept.

    Raises ValueError for a city, a township and below.
    """
    duties.require("reports.count")
    if len(area) not in (2, COUNTY):
        raise ValueError(area)
    made = [MeasureFigure(area=place, key=f"{clause}.{name}", value=number, counted_at=now) for place, clause, name, number in _counted(area)]
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('measures ' || %s, 0))", [area])
    _of(area).delete()
    MeasureFigure.objects.bulk_create(made)
    scopes.check_constraints()
    return len(made)


def _of(area: str) -> QuerySet[MeasureFigure]:
    return MeasureFigure.objects.filter(area=area) if len(area) == COUNTY else MeasureFigure.objects.filter(area__in=ABOVE)


def _counted(area: str) -> Iterator[tuple[str, str, str, Decimal]]:
    """(place, clause, name, number); of a county each number, 0 too, so that it is known to be counted. A query a name."""
    for clause in measures.CLAUSES:
        there = measures.served(clause)
        if there is None or there.says is None:
            continue
        for name, rows in there.counts.items():
            if len(area) == COUNTY:
                yield area, clause, name, Decimal(rows().filter(area__gte=area, area__lt=area + ":").order_by().count())
            else:
                found = rows().filter(area__in=ABOVE).order_by().values_list("area").annotate(n=Count("pk"))
                yield from ((place, clause, name, Decimal(number)) for place, number in found)
        sums: dict[tuple[str, str], Decimal] = {}
        for (whose, name), number in (there.tally() if there.tally else {}).items():
            if (len(whose) >= COUNTY) == (len(area) == COUNTY):
                place = whose[:COUNTY]
                sums[place, name] = sums.get((place, name), Decimal(0)) + number
        yield from ((place, clause, name, number) for (place, name), number in sums.items())


def counted(area: str) -> Counted | None:
    """What was counted within a county, city or the province; None for a smaller place, and where no county was counted yet. Two queries."""
    if len(area) > COUNTY:
        return None
    rows = MeasureFigure.objects.filter(area__gte=area, area__lt=area + ":")
    # a county has each number of the rows: one of them tells which counties there are
    known: dict[str, Any] = rows.filter(key=_first()).exclude(area__in=ABOVE).aggregate(at=Min("counted_at"), counties=Count("pk"))
    if not known["counties"]:
        return None
    numbers: dict[str, dict[str, Decimal]] = {}
    for key, value in rows.values_list("key").annotate(value=Sum("value")):
        clause, name = key[:3], key[4:]
        numbers.setdefault(clause, {})[name] = value
    return Counted(numbers, known["at"], known["counties"])


def _first() -> str:
    return next(f"{clause}.{name}" for clause in measures.CLAUSES if (there := measures.served(clause)) and there.says for name in there.counts)


def figure(clause: str, there: measures.Served, known: Counted | None) -> tuple[object, str, bool]:
    """Value, unit, and whether it is anything but live; a dash for who is not told."""
    if not there.told:
        return "—", _("（限未成年人保护岗位）"), True
    if known is None or there.says is None or (there.confidential and scopes.current().duty not in SEES_ALL_CASES):
        return (*there.figure(), False)
    numbers = known.numbers.get(clause, {})
    value, unit = there.says({**dict.fromkeys(there.counts, Decimal(0)), **numbers})
    return value, unit, True


def nightly(*, area: str, on: date, now: datetime) -> dict[str, int]:
    return {"figures": count(area=area, now=now)}
