"""What if: changed parameters over a population, and how far one household's answer hangs on what is not verified or on its income.

A reform is YAML: what changes, from when, where::

    name: 农村低保标准提高一成
    from: 2023-07-01
    areas: ["4107"]                 # default of the changes; "41" is the province
    changes:
      - {parameter: dibao.standard.rural, times: 1.1}
      - {parameter: disability.living, value: 100, area: "41"}

A change holds from its date on: later rows of the same place change with it. A place with rows of its own keeps them unless it is named;
a named place without rows gets the nearest place's times the factor.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import ArrayLike, NDArray

from doudi.batch.law.engine import Population, calculate, prepare
from doudi.batch.law.explanation import Explanation
from doudi.batch.law.settings import Settings, SettingsError, base_table
from openfisca_henan.places import Row, counties, divisions

#: Benefits compared, by entity: money first, then statuses without money.
HOUSEHOLD_MONEY = ("dibao_amount",)
PERSON_MONEY = (
    "single_person_dibao_amount",
    "tekun_living_amount",
    "tekun_care_amount",
    "orphan_allowance",
    "unsupported_child_allowance",
    "disability_living_subsidy",
    "disability_nursing_subsidy",
    "price_subsidy",
)
STATUSES = ("marginal_family", "rigid_expenditure_family")
LONGEST = 20_000
BANDS = (0.005, 50.0, 100.0, 200.0, 500.0)
EDGES = (*(-edge for edge in reversed(BANDS)), *BANDS)
TYPES = ("alone", "with_severely_disabled", "with_minors", "old_only", "other")
OUTPUTS = (*HOUSEHOLD_MONEY, *PERSON_MONEY, *STATUSES, "benefits_total", "age", "severely_disabled", "members_count")


@dataclass(frozen=True)
class Reform:
    """A name and the settings that lie over those in force."""

    name: str
    settings: Settings


def read_reform(source: str | Path, over: Settings | None = None) -> Reform:
    """Read a reform from YAML (text, or a file) and lay it over ``over``. Raises ``SettingsError`` with what cannot stand, in Chinese."""
    text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source
    if len(text) > LONGEST:
        raise SettingsError([f"改革方案超过 {LONGEST} 字；请分成几个方案"])
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise SettingsError([f"改革方案的写法不对{f'（第 {mark.line + 1} 行）' if mark else ''}；请照示例的格式书写"]) from None
    except ValueError:
        raise SettingsError(["改革方案中有不存在的起始日期；日期应写成 2023-07-01 的样子"]) from None
    if not isinstance(data, dict) or not data.get("changes"):
        raise SettingsError(["改革方案没有 changes（要修改的参数）"])
    if not isinstance(data["changes"], list) or not all(isinstance(change, dict) for change in data["changes"]):
        raise SettingsError(["changes 应逐项列出，每项以“- ”开头"])
    over = over or Settings()
    rows: list[dict[str, Any]] = []
    problems = []
    for number, change in enumerate(data["changes"], 1):
        name, start = str(change.get("parameter", "")), change.get("from", data.get("from"))
        areas = [change["area"]] if "area" in change else data.get("areas") or ["41"]
        if name not in base_table().leaves:
            problems.append(f"第 {number} 项参数名“{name}”不存在")
        elif start is None:
            problems.append(f"第 {number} 项没有起始日期 from")
        elif not _is_day(start):
            problems.append(f"第 {number} 项的起始日期“{start}”不正确，应为 2023-07-01 的样子")
        elif ("value" in change) == ("times" in change):
            problems.append(f"第 {number} 项应写明 value 或 times 之一")
        elif "times" in change and not _is_number(change["times"]):
            problems.append(f"第 {number} 项的倍数“{change['times']}”不是大于 0 的数")
        elif not isinstance(areas, list):
            problems.append(f'第 {number} 项的 areas 应为列表，如 ["4107"]')
        else:
            for area in areas:
                made = list(_changed(name, str(area), _day(start), change, over, str(data.get("name", ""))))
                rows += made
                if not made:
                    problems.append(f"第 {number} 项：{area} 在 {_day(start)} 没有“{name}”的数值可供按倍数调整")
    if problems:
        raise SettingsError(problems)
    changed = {(row["parameter"], str(row["area"]), row["start"]) for row in rows}
    kept = tuple(row for row in over.rows if (row.parameter, row.area, row.start) not in changed)
    return Reform(str(data.get("name", "")), Settings(tuple(sorted((*kept, *Settings.of(rows).rows), key=_key))))


def _key(row: Row) -> tuple[str, str, str]:
    return row.parameter, row.area, row.start


def _day(given: Any) -> str:
    return given.isoformat() if isinstance(given, date) else str(given)


def _is_day(given: Any) -> bool:
    try:
        date.fromisoformat(_day(given))
    except ValueError:
        return False
    return True


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and 0 < given < 1000


def _changed(name: str, area: str, start: str, change: Mapping[str, Any], over: Settings, document: str) -> Iterator[dict[str, Any]]:
    """The rows of one change in one area: at its start, and at each later row of that area."""
    table = over.table()
    rows = sorted((row for row in table.rows if row.parameter == name), key=lambda row: row.start)
    own = [row for row in rows if row.area == area]
    if "times" in change and not own:  # the place takes what holds there from the nearest place above, and has it times the factor
        own = next((found for above in (area[:4], area[:2]) if (found := [row for row in rows if row.area == above])), [])
    in_force = [row for row in own if row.start <= start][-1:]
    for row in in_force + [row for row in own if row.start > start]:
        if "times" in change and row.value is not None:
            value = row.number * 12 if row.unit.endswith("/year") else row.number
            yield _row(name, area, max(row.start, start), value * float(change["times"]), row.unit, document)
    if "value" in change:
        unit = base_table().leaves[name].unit
        for day in dict.fromkeys([start, *(row.start for row in own if row.start > start)]):
            yield _row(name, area, day, change["value"], unit, document)


def _row(name: str, area: str, start: str, value: Any, unit: str, document: str) -> dict[str, Any]:
    return {"parameter": name, "area": area, "start": start, "value": value, "unit": unit, "document": document}


# -- two results side by side ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Difference:
    """People and yuan a month before and after, of one benefit in one group (all, a county, a place below, a household type)."""

    group: str
    name: str
    benefit: str
    count_before: int
    count_after: int
    cost_before: float
    cost_after: float


@dataclass
class Comparison:
    """Two results of one population, sums alone. ``changed`` counts households by the change of all their benefits together, in yuan a month, between
    ``EDGES``; ``moved`` is what all who gain and all who lose get more and less, in fen; ``households`` and ``people`` receive anything at all, before
    and after. Amounts are paid in fen and summed as such, so it makes no difference in which parts a population was summed."""

    differences: list[Difference] = field(default_factory=list)
    changed: tuple[int, ...] = (0,) * (len(EDGES) + 1)
    moved: tuple[int, int] = (0, 0)
    households: tuple[int, int] = (0, 0)
    people: tuple[int, int] = (0, 0)

    def __add__(self, other: Comparison) -> Comparison:
        """Both chunks of one population together."""
        sums: dict[tuple[str, str, str], Difference] = {}
        for d in (*self.differences, *other.differences):
            known = sums.get((d.group, d.name, d.benefit))
            counts = (d.count_before, d.count_after, d.cost_before, d.cost_after)
            if known:
                before = (known.count_before, known.count_after, known.cost_before, known.cost_after)
                counts = (counts[0] + before[0], counts[1] + before[1], round(counts[2] + before[2], 2), round(counts[3] + before[3], 2))
            sums[d.group, d.name, d.benefit] = Difference(d.group, d.name, d.benefit, *counts)
        pairs = [
            (one[0] + two[0], one[1] + two[1])
            for one, two in ((self.moved, other.moved), (self.households, other.households), (self.people, other.people))
        ]
        return Comparison(list(sums.values()), tuple(one + two for one, two in zip(self.changed, other.changed, strict=True)), *pairs)

    def bands(self) -> list[tuple[float | None, float | None, int]]:
        """Households by change in yuan a month: (from, below, number), None for open ends; unchanged ones are left out."""
        ends = zip((None, *EDGES), (*EDGES, None), self.changed, strict=True)
        return [band for number, band in enumerate(ends) if number != len(BANDS)]

    @property
    def winners(self) -> int:
        return sum(self.changed[len(BANDS) + 1 :])

    @property
    def losers(self) -> int:
        return sum(self.changed[: len(BANDS)])

    @property
    def unchanged(self) -> int:
        return self.changed[len(BANDS)]

    def ordered(self) -> list[Difference]:
        """By group, benefit and name in the order of the law, whatever order the parts came in."""
        names = divisions()
        place = {names[code]: number for number, code in enumerate(counties())} | {name: number for number, name in enumerate(TYPES)}
        groups, benefits = ("all", "county", "type", "place"), (*HOUSEHOLD_MONEY, *PERSON_MONEY, *STATUSES)
        return sorted(self.differences, key=lambda d: (groups.index(d.group), benefits.index(d.benefit), place.get(d.name, 0), d.name))

    def of(self, group: str, name: str = "") -> list[Difference]:
        return [difference for difference in self.differences if difference.group == group and (not name or difference.name == name)]

    def write_csv(self, path: Path) -> None:
        """One line for each group and benefit, UTF-8 with a mark so that a spreadsheet reads the Chinese names."""
        with path.open("w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["group", "name", "benefit", "count_before", "count_after", "cost_before", "cost_after"])
            for d in self.differences:
                writer.writerow([d.group, d.name, d.benefit, d.count_before, d.count_after, f"{d.cost_before:.2f}", f"{d.cost_after:.2f}"])


def compare(
    population: Population,
    month: str,
    before: Settings | None,
    after: Settings | None,
    month_after: str | None = None,
    workers: int = 1,
    places: NDArray[Any] | None = None,
) -> Comparison:
    """A population under two settings in a month, or in two months (``month_after``): by benefit, county and household type; who wins, who loses.
    ``places`` names each household's place (a code) for a group of its own.

    Dibao of a household is counted in people, as the statistics do; statuses (marginal, rigid expenditure) in people too.
    """
    first = calculate(population, month, OUTPUTS, before, workers=workers)
    second = calculate(population, month_after or month, OUTPUTS, after, workers=workers)
    of, county = population.person_household, population.households["county_index"]
    kind = household_types(population, first)
    names = divisions()
    groups = [
        ("all", np.zeros(len(county), dtype=np.int64), [""]),
        ("county", county, [names[code] for code in counties()]),
        ("type", kind, list(TYPES)),
    ]
    if places is not None:
        codes, at_place = np.unique(places, return_inverse=True)
        groups.append(("place", at_place, [str(code) for code in codes]))
    differences = []
    for group, where, labels in groups:
        for benefit in (*HOUSEHOLD_MONEY, *PERSON_MONEY, *STATUSES):
            person = benefit in PERSON_MONEY
            at = where[of] if person else where
            weight = np.ones(len(at)) if person else first["members_count"]
            counted = [np.bincount(at, weights=weight * (result[benefit] > 0), minlength=len(labels)) for result in (first, second)]
            paid = benefit not in STATUSES
            # whole fen: their sums are exact in whatever order
            cost = [np.bincount(at, weights=_fen(result[benefit]) * paid, minlength=len(labels)) / 100 for result in (first, second)]
            for number, label in enumerate(labels):
                if counted[0][number] or counted[1][number]:
                    values = (int(counted[0][number]), int(counted[1][number]), round(cost[0][number], 2), round(cost[1][number], 2))
                    differences.append(Difference(group, label, benefit, *values))
    helped = [result["benefits_total"] > 0 for result in (first, second)]
    households = (int(helped[0].sum()), int(helped[1].sum()))
    people = tuple(int(first["members_count"][one].sum()) for one in helped)
    change = _fen(second["benefits_total"]) - _fen(first["benefits_total"])
    changed = np.bincount(np.searchsorted(EDGES, change / 100, side="right"), minlength=len(EDGES) + 1)
    moved = (int(change[change > 0].sum()), int(change[change < 0].sum()))
    return Comparison(differences, tuple(changed.tolist()), moved, households, (people[0], people[1]))


def _fen(yuan: NDArray[Any]) -> NDArray[np.float64]:
    return np.rint(yuan * 100.0)


def household_types(population: Population, results: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
    """Each household's type, an index of ``TYPES``; the first that fits."""
    of, size = population.person_household, population.household_count
    age = results["age"]

    def some(values: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return np.bincount(of, weights=values, minlength=size) > 0

    fits = [results["members_count"] == 1, some(results["severely_disabled"]), some(age < 18), ~some(age < 60)]
    return np.select(fits, [0, 1, 2, 3], 4)


# -- one household -----------------------------------------------------------------------------------------------------------------
def unverified_effects(
    persons: Mapping[str, ArrayLike], households: Mapping[str, ArrayLike], month: str, explanation: Explanation, settings: Settings | None = None
) -> list[dict[str, Any]]:
    """For each unverified row that an explanation used: would the answer change without it, by the next level's rule or none?

    Dictionaries with ``index`` (into ``explanation.parameters``), ``changes`` and ``total`` (all benefits without the row). About 10 ms each.
    """
    settings = settings or Settings()
    columns = {name: np.atleast_1d(np.asarray(value)) for name, value in households.items()}
    members = {name: np.atleast_1d(np.asarray(value)) for name, value in persons.items()}
    size = len(next(iter(members.values())))
    population = prepare(members, columns, np.zeros(size, dtype=np.int64), month=month)
    watched = (*HOUSEHOLD_MONEY, *PERSON_MONEY, *STATUSES, "benefits_total")
    now = calculate(population, month, watched, settings)
    effects = []
    for index, used in enumerate(explanation.parameters):
        if not used.unverified:
            continue
        off = Row(used.name, used.area, used.start, None, used.unit, "", setting=True)
        kept = tuple(row for row in settings.rows if _key(row) != _key(off))
        other = calculate(population, month, watched, Settings((*kept, off)))
        changes = any(not np.array_equal(now[name], other[name]) for name in watched)
        effects.append({"index": index, "changes": changes, "total": round(float(other["benefits_total"][0]), 2)})
    return effects


INCOMES = ("wage_income", "business_income", "land_income", "property_income", "transfer_income", "maintenance_income", "disregarded_income")


def income_curve(
    persons: Mapping[str, ArrayLike], households: Mapping[str, ArrayLike], month: str, settings: Settings | None = None, points: int = 161
) -> list[dict[str, float]]:
    """All benefits of a household as its income goes from nothing to a fifth above the marginal line, everything else as it is.

    All income is scaled alike; a household without any gets transfers for its first member. Each point has ``income`` (the household's, after
    deductions) and ``total``, in order of income. One run over ``points`` copies of the household, a few milliseconds.
    """
    columns = {name: np.repeat(np.atleast_1d(np.asarray(value)), points) for name, value in households.items()}
    members = {name: np.atleast_1d(np.asarray(value)) for name, value in persons.items()}
    size = len(next(iter(members.values())))
    copies = {name: np.tile(value, points) for name, value in members.items()}
    of = np.repeat(np.arange(points), size)
    known = prepare(members, {name: np.atleast_1d(np.asarray(v)) for name, v in households.items()}, np.zeros(size, dtype=np.int64), month=month)
    facts = calculate(known, month, ("gross_household_income", "marginal_income_limit", "local_dibao_standard"), settings)
    gross, line = float(facts["gross_household_income"][0]), float(facts["marginal_income_limit"][0])
    top = 1.2 * (line if np.isfinite(line) and line > 0 else 2 * size * float(np.nan_to_num(facts["local_dibao_standard"][0], nan=500.0)))
    top += float(np.atleast_1d(np.asarray(households.get("rigid_expenditure", 0.0), dtype=float))[0])
    steps = np.linspace(0, 1, points)
    if gross > 0:
        for name in INCOMES:
            if name in copies:
                copies[name] = copies[name].astype(float) * np.repeat(steps * max(top / gross, 1.0), size)
    else:
        copies["transfer_income"] = np.where(np.arange(size * points) % size == 0, np.repeat(steps * top, size), 0.0)
        copies["disregarded_income"] = np.zeros(size * points)
    result = calculate(prepare(copies, columns, of, month=month), month, ("household_income", "benefits_total"), settings)
    order = np.argsort(result["household_income"], kind="stable")
    return [
        {"income": round(float(result["household_income"][at]), 2), "total": round(float(result["benefits_total"][at]), 2)}
        for at in order
        if np.isfinite(result["household_income"][at])
    ]
