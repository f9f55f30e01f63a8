"""Reads of reports: the eight measures with their live figures, the monthly table, trends; from counted figures, a few queries whatever the size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import Max, QuerySet, Sum
from django.db.models.functions import Left
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from doudi.core import duties, measures, places
from doudi.reports import behind, clause_counts, clause_lists
from doudi.reports.models import CountyFigure, MonthlyFigure
from doudi.reports.services import month_before, standards_of
from doudi.reports.statistics import LINES, PAID, SECTIONS, STANDARDS, YUAN, Line

Sums = dict[str, Decimal]
LEVELS = {2: 4, 4: 6, 6: 9}
"""Length of a place's code -> of those below it by which its table is divided."""
FEW = 10
"""Numbers of people below this are not published (小数值不公开)."""


@dataclass(frozen=True)
class Clause:
    """One clause: `value` is None where no room serves it yet; `url` (the page) and `list` (the rows behind the value) only where the reader may open them;
    `kept`: counted in the night."""

    number: str
    title: str | Promise
    value: object | None
    unit: str
    url: str
    list: str
    place: str
    kept: bool = False


def clauses(known: clause_counts.Counted | None = None) -> list[tuple[int, str | Promise, list[Clause]]]:
    """(measure, title, its clauses) in order, under the reader's scope: of what was counted in the night, else live, by one query or two a clause."""
    found: dict[int, list[Clause]] = {}
    for number, title in measures.CLAUSES.items():
        there = measures.served(number)
        value: object | None = None
        unit, url, place, kept = "", "", "", False
        if there:
            value, unit, kept = clause_counts.figure(number, there, known)
            place = there.url_name
            if there.act is None or duties.may(there.act):
                url = there.url
        found.setdefault(int(number[0]), []).append(Clause(number, title, value, unit, url, clause_lists.url_of(number), place, kept))
    return [(measure, measures.MEASURES[measure], rows) for measure, rows in found.items()]


def _figures(area: str, *, townships: bool = False) -> QuerySet[Any]:
    """Figures within a place: the counties' sums where they tell enough, else the townships'."""
    model: Any = MonthlyFigure if townships or len(area) > 6 else CountyFigure
    rows: QuerySet[Any] = model.objects.filter(area__gte=area, area__lt=area + ":")
    return rows


def months(area: str) -> list[date]:
    """Counted months of a place, the latest first."""
    rows = _figures(area)
    return list(rows.order_by("-month").values_list("month", flat=True).distinct())


def counted_at(area: str, month: date) -> Any:
    return MonthlyFigure.objects.filter(area__gte=area, area__lt=area + ":", month=month).aggregate(at=Max("counted_at"))["at"]


def sums(area: str, month: date) -> Sums:
    """key -> sum over a place."""
    rows = _figures(area).filter(month=month)
    return dict(rows.values_list("key").annotate(value=Sum("value")))


def sums_below(area: str, month: date) -> dict[str, Sums]:
    """Place below -> key -> sum; what belongs to none of them (a county's payrolls) stays out."""
    length = LEVELS.get(len(area))
    return {} if length is None else sums_at(area, month, length)


def sums_at(area: str, month: date, length: int) -> dict[str, Sums]:
    """Place of a level within another -> key -> sum; a township's at the smallest."""
    rows = _figures(area, townships=length > 6).filter(month=month).annotate(place=Left("area", length))
    found: dict[str, Sums] = {}
    for place, key, value in rows.values_list("place", "key").annotate(value=Sum("value")):
        if len(place) == length:
            found.setdefault(place, {})[key] = value
    return dict(sorted(found.items()))


def sums_over(area: str, wanted: Sequence[date]) -> dict[date, Sums]:
    """Month -> key -> sum over a place."""
    found: dict[date, Sums] = {month: {} for month in wanted}
    rows = _figures(area).filter(month__in=wanted)
    for month, key, value in rows.values_list("month", "key").annotate(value=Sum("value")):
        found[month][key] = value
    return found


def with_standards(area: str, month: date, found: dict[str, Sums]) -> dict[str, Sums]:
    """Sums of places within an area in which the average standard is missing (a township has none of its own; months counted long ago), with the standard
    that was in force in the month; at most two queries."""
    lacking = [place for place, given in found.items() if given and any(sum_ not in given for sum_, _number in STANDARDS.values())]
    if not lacking:
        return found
    counties = {place[:6] for place in lacking if len(place) >= 6}
    if any(len(place) < 6 for place in lacking):
        counties |= set(CountyFigure.objects.filter(area__gte=area, area__lt=area + ":", month=month).order_by("area").values_list("area", flat=True).distinct())
    known = standards_of(month, sorted(counties))
    for place in lacking:
        mine = [known[place[:6]]] if len(place) >= 6 else [given for county, given in known.items() if county.startswith(place)]
        for keys in STANDARDS.values():
            if keys[0] not in found[place] and any(keys[0] in given for given in mine):
                found[place] = found[place] | {key: total_of(mine, key) for key in keys}
    return found


def total_of(given: Iterable[Sums], key: str) -> Decimal:
    return sum((each.get(key, Decimal(0)) for each in given), Decimal(0))


def lines_of(found: Mapping[str, Sums]) -> tuple[Line, ...]:
    """The lines that a table of places has: a standard that was in force nowhere has none, and payrolls, which are a county's, none below."""
    county = any(len(place) <= 6 for place in found)
    return tuple(
        line for line in LINES
        if (county or line.key not in PAID) and (line.over not in STANDARDS.values() or any(value_of(line, each) is not None for each in found.values()))
    )  # fmt: skip


def no_standard(shown: Iterable[Line]) -> bool:
    """Whether a table lacks an average standard, which its notes say."""
    return not set(STANDARDS.values()) <= {line.over for line in shown}


def value_of(line: Line, given: Sums) -> Decimal | None:
    """A line's value of these sums; None for an average of nobody, and for what is due and paid where there was no payroll."""
    if line.key in PAID and PAID[0] not in given:
        return None
    if line.over is None:
        return given.get(line.key, Decimal(0))
    above, below = (given.get(key, Decimal(0)) for key in line.over)
    return (above / below).quantize(Decimal("0.01")) if below else None


def said(line: Line, value: Decimal | None) -> str:
    if value is None:
        return "—"
    return f"{value:,.2f}" if line.unit is YUAN else f"{value:,.0f}"


def number_url(key: str, area: str, month: date) -> str:
    """Where a counted number leads: at a county and below to the list that it counts, above to the same number place by place."""
    page = "reports:behind" if len(area) >= 6 and behind.readable(key) else "reports:number"
    return reverse(page) + "?" + urlencode({"key": key, "area": area, "month": f"{month:%Y-%m}"})


def table(area: str, month: date) -> list[dict[str, Any]]:
    """Sections of lines with this month's value, the month before's, and where the list is; a handful of queries."""
    found = sums_over(area, [month, month_before(month)])
    now, before = (with_standards(area, each, {area: found[each]})[area] for each in (month, month_before(month)))
    out, shown = [], lines_of({area: now})
    for title, lines in SECTIONS:
        rows = []
        for line in lines:
            if line not in shown:
                continue
            value, earlier = value_of(line, now), value_of(line, before)
            url = number_url(line.key, area, month) if line.key and value is not None else ""
            step = value - earlier if before and value is not None and earlier is not None and value != earlier else None
            rows.append({
                "line": line, "label": line.label, "unit": line.unit, "value": said(line, value), "below": line.below, "url": url,
                "change": "" if step is None else f"{step:+,.2f}" if line.unit is YUAN else f"{step:+,.0f}",
            })  # fmt: skip
        if rows:
            out.append({"title": title, "rows": rows})
    return out


def by_place(area: str, month: date) -> tuple[tuple[Line, ...], list[tuple[str, str, list[tuple[str, str]]]]]:
    """The lines, and (code, name, value and page of each line) of the places below."""
    found = with_standards(area, month, sums_below(area, month))
    places.preload(found)
    rows, lines = [], lines_of(found)
    for code, given in found.items():
        values = [(line.key, said(line, value), value is not None) for line in lines for value in (value_of(line, given),)]
        rows.append((code, places.name(code), [(words, number_url(key, code, month) if key and there else "") for key, words, there in values]))
    return lines, rows


def last_months(month: date, count: int) -> list[date]:
    """`count` months up to this one, the earliest first."""
    found = [month.replace(day=1)]
    while len(found) < count:
        found.insert(0, month_before(found[0]))
    return found


ASSISTED = ("dibao.urban.people", "dibao.rural.people", "tekun.urban.people", "tekun.rural.people")


def total(given: Sums, keys: Iterable[str]) -> Decimal:
    return sum((given.get(key, Decimal(0)) for key in keys), Decimal(0))


def spent(given: Sums) -> Decimal:
    """Yuan of all programmes of the month."""
    return sum((value for key, value in given.items() if key.endswith(".yuan") and key not in PAID), Decimal(0))


def withheld(values: dict[str, Decimal]) -> set[str]:
    """Which of neighbours' numbers are not told: those below FEW but 0, and the smallest others until neither one stands alone nor the sum of all of them,
    which the place above less what is told would give, is itself below FEW (1 and 1 would be known of 2)."""
    hidden = {code for code, value in values.items() if 0 < value < FEW}
    rest = sorted((code for code, value in values.items() if value >= FEW), key=lambda code: values[code])
    while hidden and rest and (len(hidden) == 1 or sum(values[code] for code in hidden) < FEW):
        hidden.add(rest.pop(0))
    return hidden


def published(values: dict[str, Decimal]) -> dict[str, Decimal | None]:
    """Numbers of people by place as they may be published: none that is `withheld`; the others in tens.

    Rounded by itself, each number hides up to FEW people: neither a place held against its parts nor a month against the next tells of one person.
    """
    hidden = withheld(values)
    return {code: None if code in hidden else (value / FEW).quantize(Decimal(1), ROUND_HALF_UP) * FEW for code, value in values.items()}


def share_label(value: Decimal | None) -> str:
    return _("不公布") if value is None else f"{value:,.0f}"
