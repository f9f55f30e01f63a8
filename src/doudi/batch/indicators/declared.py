"""Early-warning indicators (预警指标): declared, each with its expression in Ibis, its thresholds and the words of its reason.

An expression gives one row per situation: `person_id`, `household_id`, `area`, `fact` (what tells this situation from another of the same
person, so that it raises one lead ever), the evidence's columns, and `source` (the delivery and row that tell it, see `compare.ROWS`; null where
the registry alone tells it). A row whose source is not in the first dataset says so in `dataset`. `compare` makes leads of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal, Protocol

import ibis
from ibis import _
from ibis.common.deferred import Deferred
from ibis.expr.types import Table, Value

Urgency = Literal["red", "orange", "yellow"]


class Tables(Protocol):
    """What an expression may use. `people`: see `compare.PEOPLE`, with `alive`, `recipient`, `household_recipients` and `household_alive` added;
    `parents`: child_id, parent_id; `members`: household_id, person_id, relationship, the dead in their last household too; `matched(dataset, who)`: rows
    of registered people (of those that `who` says, a condition on `people`) in a dataset with the columns of `people`, doubled deliveries counted once
    (a dataset read by one indicator is never copied); `medical_year`: a row for each living person of households that nobody helps with settlements
    in the last twelve months, own_cost, total_cost, visits, serious, last_on, source and the columns of `people`."""

    def day(self, what: str, count: int = 0) -> Value:
        """A day (a text for `named`) counted from that of the comparison; see `MOMENTS`."""
        ...

    @property
    def people(self) -> Table: ...

    @property
    def parents(self) -> Table: ...

    @property
    def members(self) -> Table: ...

    def matched(self, dataset: str, who: Deferred | None = None) -> Table: ...

    def medical_year(self) -> Table: ...


def _years(on: date, count: int) -> date:
    leap = (on.month, on.day) == (2, 29)
    return date(on.year - count, on.month, 28 if leap else on.day)


MOMENTS: Mapping[str, Callable[[date, int], date | str]] = {
    "days": lambda on, count: on - timedelta(days=count),
    "years": _years,
    "months": lambda on, count: date(on.year - (on.month <= count), (on.month - count - 1) % 12 + 1, 1),
    "named": lambda on, count: str(on.year - count),
}
"""What a comparison counts from its day: so many days or years before (28 February for the 29th), the first of the month so many months (up to 12) before,
the name of the year. A statement holds these by name, so that it serves on any day (`plans`)."""

ByPlace = Mapping[str, float]
"""Values by division code; the longest code that begins a person's area counts ("" stands for everywhere else)."""

Rule = Callable[[Tables, Mapping[str, Any]], Table]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A figure that places may set for themselves. `unit` as in the settings (`yuan`, `share`, `multiple`, `months`, `years`, `days`, `grade`, `number`).
    `everywhere`: one value for a whole run, because the expression needs it as a number (a span of months)."""

    label_zh: str
    default: float
    unit: str
    least: float = 0
    most: float = 1_000_000
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Indicator:
    """`datasets`: without a delivery of the first the indicator rests, the others are read where they have come; none: the registry is enough.
    `reason` is a template over the row's columns; `parameters` have defaults that a place overrides; `evidence` names columns for the officer;
    `programme` is what the lead points to: an award, `temporary` (relief), `care` (visits, schooling and other services), `review` where a payment
    may be wrong."""

    code: str
    title_zh: str
    datasets: tuple[str, ...]
    rule: Rule
    reason: str
    urgency: Urgency
    programme: str
    evidence: tuple[str, ...] = ()
    parameters: Mapping[str, Threshold] = field(default_factory=dict)

    @property
    def helps(self) -> bool:
        """Finds people to help; else something to check about a payment."""
        return self.programme != "review"


def thresholds(indicator: Indicator, given: Mapping[str, float | ByPlace]) -> dict[str, Any]:
    """The indicator's values for its expression: a number where one holds everywhere, else an expression over the row's `area`.
    Raises KeyError for a threshold that the indicator does not have."""
    if unknown := set(given) - set(indicator.parameters):
        raise KeyError(f"{indicator.code} has no parameters {sorted(unknown)}")
    return {name: _resolved(threshold, given.get(name)) for name, threshold in indicator.parameters.items()}


def _resolved(threshold: Threshold, given: float | ByPlace | None) -> Any:
    if given is None:
        return threshold.default
    if not isinstance(given, Mapping):
        return given
    rest = given.get("", threshold.default)
    places = sorted((code for code in given if code), key=lambda code: (-len(code), code))
    if threshold.everywhere or all(given[code] == rest for code in places):
        return rest
    return ibis.cases(*((_.area.startswith(code), float(given[code])) for code in places), else_=float(rest))


def in_force(rows: Table, on: ByPlace) -> Table:
    """The rows of places where the indicator is switched on (1) and not off (0)."""
    rest = on.get("", 1)
    places = sorted((code for code in on if code), key=lambda code: (-len(code), code))
    if all(on[code] == rest for code in places):
        return rows if rest else rows.filter(ibis.literal(False))
    return rows.filter(ibis.cases(*((rows.area.startswith(code), bool(on[code])) for code in places), else_=bool(rest)))


def span(t: Tables, days: int) -> tuple[Value, Value]:
    """(after, until): the last `days` days up to the day of the comparison."""
    return t.day("days", int(days)), t.day("days")


def born_after(t: Tables, years: int) -> Value:
    """Who is born after this day is younger than `years` (a birthday on 29 February is reached on 1 March)."""
    return t.day("years", int(years))


def living(t: Tables) -> Table:
    return t.people.filter(_.alive)


def low_income(rows: Table, multiple: Any) -> Table:
    """Rows of households that nobody helps yet and whose known income a head is below so many times the standard; unknown incomes are left out."""
    return rows.filter(_.household_recipients == 0, _.income_month < multiple * _.standard * _.household_alive)
