"""The one mechanism for everything that differs by place.

A parameter of this package is a node whose children are areas ('41', '4101', '410122'), each with dated values. OpenFisca has no
fallback in vector look-up, and one unknown code would fail a whole run; so formulas never look a place up by name. They take a dense array
(county index -> value) that this module builds once per parameter and day:

* the nearest row wins: county, then prefecture, then province;
* for standards, allowances and subsidies (``floor: true``) the province's value is a floor: where the province's row is newer than the place's, the
  greater of the two counts;
* a row holds until the next one of the same area; with ``lasts: year`` or ``lasts: month`` it ends with its year or month;
* yuan a year become yuan a month (divided by 12, unrounded), and words become the number of the choice;
* no row: NaN, and the rule is off.

Settings of a deployment are rows of the same kind, laid over the package's.
"""

from __future__ import annotations

import csv
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from openfisca_core.parameters import Parameter, ParameterNode

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

PROVINCE = "41"
DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Row:
    """One dated value of one place: what a document says, in its own unit."""

    parameter: str
    area: str
    start: str
    value: float | str | None
    unit: str
    reference: str
    unverified: bool = False
    status: str = ""
    setting: bool = False

    @property
    def number(self) -> float:
        """The value in the unit of the law: fractions such as ``1/3`` resolved, a year's yuan divided by 12."""
        if self.value is None:
            return float("nan")
        number = float(Fraction(self.value)) if isinstance(self.value, str) else float(self.value)
        return number / 12 if self.unit.startswith("yuan") and self.unit.endswith("/year") else number


@dataclass(frozen=True)
class Leaf:
    """What is said once of a parameter: label, unit, choices, where it may differ and how long a row lasts."""

    name: str
    label: str
    description: str
    unit: str
    choices: tuple[str, ...] = ()
    floor: bool = False
    lasts: str = ""
    areas: str = "county"


@dataclass(frozen=True)
class Dense:
    """Values of all counties on one day; ``row`` is the index in ``PlaceTable.rows`` of the row used (-1: none), ``day`` its date (20221201)."""

    values: FloatArray
    row: IntArray
    day: IntArray


@lru_cache(maxsize=1)
def divisions() -> dict[str, str]:
    """Code -> name of the province, its prefectures and counties (edition of 2023-06-30)."""
    with (DATA / "counties.csv").open(encoding="utf-8", newline="") as stream:
        return {row["code"]: row["name"] for row in csv.DictReader(stream)}


@lru_cache(maxsize=1)
def counties() -> tuple[str, ...]:
    """The six-digit codes that a household can belong to, in order: a county's place in this tuple is its index."""
    return tuple(sorted(code for code in divisions() if len(code) == 6))


@lru_cache(maxsize=1)
def county_codes() -> NDArray[np.int32]:
    return np.array([int(code) for code in counties()], dtype=np.int32)


def county_index(codes: NDArray[Any]) -> NDArray[np.int32]:
    """Index of each code in ``counties()``, -1 where it is not a county of the province. Takes integers, strings or bytes."""
    array = np.asarray(codes)
    if array.dtype.kind in "iu":
        numbers = array.astype(np.int64)
    else:
        numbers = _digits(array)
    position = np.searchsorted(county_codes(), numbers)
    position = np.minimum(position, len(county_codes()) - 1)
    return np.where(county_codes()[position] == numbers, position, -1).astype(np.int32)


def _digits(array: NDArray[Any]) -> NDArray[np.int64]:
    """Six-digit codes held as text, as numbers; -1 for anything else. Vectorised over the code points."""
    if array.dtype.kind == "S":
        array = np.char.decode(array, "ascii", "replace")
    text = array.astype("U7")
    points = text.view(np.uint32).reshape(len(text), 7).astype(np.int64)
    digits = points[:, :6] - ord("0")
    good = ((digits >= 0) & (digits <= 9)).all(axis=1) & (points[:, 6] == 0)
    numbers = digits @ np.array([100000, 10000, 1000, 100, 10, 1], dtype=np.int64)
    return np.where(good, numbers, -1)


@lru_cache(maxsize=4096)
def members_of(area: str) -> IntArray:
    """Indices of the counties of an area."""
    return np.array([i for i, code in enumerate(counties()) if code.startswith(area)], dtype=np.int64)


def check_row(leaf: Leaf, row: Row) -> str | None:
    """Why a row cannot stand, in Chinese, or None."""
    if row.area not in divisions():
        return f"“{leaf.label}”的地区代码 {row.area} 不是本省的省、市、县代码"
    if leaf.areas == "province" and row.area != PROVINCE:
        return f"“{leaf.label}”全省统一，不能按 {row.area} 设置"
    if leaf.areas == "prefecture" and len(row.area) == 6 and not row.area.startswith("4190"):
        return f"“{leaf.label}”以市为单位，不能按县 {row.area} 设置"
    if row.value is None:
        return None
    if leaf.choices:
        return None if row.value in leaf.choices else f"“{leaf.label}”的值“{row.value}”应为 {'、'.join(leaf.choices)} 之一"
    try:
        number = row.number
    except (ValueError, ZeroDivisionError):
        return f"“{leaf.label}”的值“{row.value}”不是数字"
    if not np.isfinite(number) or (number < 0 and not leaf.name.startswith("prices.")):
        return f"“{leaf.label}”的值“{row.value}”不能为负或无穷"
    return None


def public_name(path: str) -> str:
    """The name of a parameter. OpenFisca keeps ``children`` for itself, so that node is written ``children_``."""
    return ".".join(part.rstrip("_") for part in path.split("."))


def read_leaves(parameters: ParameterNode) -> tuple[dict[str, Leaf], list[Row]]:
    """All parameters of a tree, and all their rows."""
    leaves: dict[str, Leaf] = {}
    rows: list[Row] = []
    for node in parameters.get_descendants():
        if not isinstance(node, ParameterNode) or "unit" not in node.metadata:
            continue
        name = public_name(node.name)
        meta = node.metadata
        leaf = Leaf(
            name=name,
            label=meta["label"],
            description=node.description,
            unit=meta["unit"],
            choices=tuple(meta.get("choices", ())),
            floor=bool(meta.get("floor", False)),
            lasts=meta.get("lasts", ""),
            areas=meta.get("areas", "county"),
        )
        leaves[name] = leaf
        for area, child in node.children.items():
            assert isinstance(child, Parameter), f"{name}: {area} must hold dated values"
            for value in child.values_list:
                rows.append(
                    Row(
                        parameter=name,
                        area=area,
                        start=value.instant_str,
                        value=value.value,
                        unit=value.metadata.get("unit", leaf.unit),
                        reference=str(value.metadata.get("reference", "")),
                        unverified=bool(value.metadata.get("unverified", False)),
                        status=str(value.metadata.get("status", "")),
                    )
                )
    return leaves, rows


def _day_number(day: str) -> int:
    return int(day.replace("-", ""))


@dataclass
class PlaceTable:
    """All parameters with their rows, and the dense arrays made from them, each made once."""

    leaves: dict[str, Leaf]
    rows: list[Row]
    _by_area: dict[str, dict[str, list[int]]] = field(init=False, default_factory=dict)
    _dense: dict[Any, Any] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for index, row in enumerate(self.rows):
            self._by_area.setdefault(row.parameter, {}).setdefault(row.area, []).append(index)
        for areas in self._by_area.values():
            for indices in areas.values():
                indices.sort(key=lambda i: self.rows[i].start)

    def overlaid(self, rows: Iterable[Row]) -> PlaceTable:
        """This table with other rows laid over it: a row with the same parameter, area and date is replaced, others are added."""
        own = {(row.parameter, row.area, row.start): row for row in self.rows}
        for row in rows:
            own[(row.parameter, row.area, row.start)] = row
        return PlaceTable(self.leaves, list(own.values()))

    # -- one area ------------------------------------------------------------------------------------------------------------
    def row_of(self, name: str, area: str, day: str) -> int:
        """Index of the row of an area (itself, no other level) that holds on a day, or -1."""
        found = -1
        for index in self._by_area.get(name, {}).get(area, ()):
            if self.rows[index].start > day:
                break
            found = index
        if found < 0 or self.rows[found].value is None:
            return -1
        lasts, start = self.leaves[name].lasts, self.rows[found].start
        if (lasts == "year" and start[:4] != day[:4]) or (lasts == "month" and start[:7] != day[:7]):
            return -1
        return found

    def value_of(self, index: int) -> float:
        """The number of a row; for a choice its place among the choices."""
        row = self.rows[index]
        leaf = self.leaves[row.parameter]
        return float(leaf.choices.index(str(row.value))) if leaf.choices else row.number

    def province(self, name: str, day: str) -> float:
        """The province's value, NaN without a row."""
        index = self.row_of(name, PROVINCE, day)
        return float("nan") if index < 0 else self.value_of(index)

    # -- dense arrays --------------------------------------------------------------------------------------------------------
    def cached(self, key: Any, make: Callable[[], Any]) -> Any:
        """A value made once for this table."""
        try:
            return self._dense[key]
        except KeyError:
            value = self._dense[key] = make()
            return value

    def at(self, name: str, day: str) -> Dense:
        """Values of all counties on a day, by the nearest row, with the province's floor where the parameter has one."""
        return self.cached((name, day), lambda: self._make(name, day))

    def stacked(self, names: Sequence[str], day: str) -> FloatArray:
        """Values of several parameters, one row of counties each."""
        return self.cached(("stacked", tuple(names), day), lambda: np.stack([self.at(name, day).values for name in names]))

    def levels(self, name: str, day: str) -> Dense:
        """As ``at``, by the nearest row only: no floor."""
        return self.cached(("levels", name, day), lambda: self._nearest(name, day, self.leaves[name].areas != "prefecture"))

    def _make(self, name: str, day: str) -> Dense:
        dense = self.levels(name, day)
        if not self.leaves[name].floor:
            return dense
        index = self.row_of(name, PROVINCE, day)
        if index < 0:
            return dense
        value, start = self.value_of(index), _day_number(self.rows[index].start)
        lifted = (dense.row >= 0) & (dense.day < start) & (dense.values < value)
        return Dense(np.where(lifted, value, dense.values), np.where(lifted, index, dense.row), np.where(lifted, start, dense.day))

    def _nearest(self, name: str, day: str, with_province: bool) -> Dense:
        size = len(counties())
        values = np.full(size, np.nan)
        rows = np.full(size, -1, dtype=np.int64)
        days = np.zeros(size, dtype=np.int64)
        for area in sorted(self._by_area.get(name, ()), key=len):
            if area == PROVINCE and not with_province:
                continue
            index = self.row_of(name, area, day)
            if index >= 0:
                members = members_of(area)
                values[members], rows[members] = self.value_of(index), index
                days[members] = _day_number(self.rows[index].start)
        return Dense(values, rows, days)

    def alternatives(self, names: Sequence[str], day: str) -> tuple[NDArray[np.int8], Dense]:
        """Alternative names of one rule (amount, share, multiple): the nearest place's newest row of any of them replaces the others.

        Returns for each county which name counts (-1 none) and its dense values. Of two rows of one place and date the later name counts.
        """
        return self.cached(("alternatives", tuple(names), day), lambda: self._alternatives(names, day))

    def _alternatives(self, names: Sequence[str], day: str) -> tuple[NDArray[np.int8], Dense]:
        size = len(counties())
        which = np.full(size, -1, dtype=np.int8)
        values = np.full(size, np.nan)
        rows = np.full(size, -1, dtype=np.int64)
        days = np.zeros(size, dtype=np.int64)
        areas = sorted({area for name in names for area in self._by_area.get(name, ())}, key=len)
        for area in areas:
            best, best_name = -1, -1
            for position, name in enumerate(names):
                index = self.row_of(name, area, day)
                if index >= 0 and (best < 0 or self.rows[index].start >= self.rows[best].start):
                    best, best_name = index, position
            if best >= 0:
                members = members_of(area)
                which[members], values[members], rows[members] = best_name, self.value_of(best), best
                days[members] = _day_number(self.rows[best].start)
        return which, Dense(values, rows, days)


_tables: weakref.WeakKeyDictionary[ParameterNode, PlaceTable] = weakref.WeakKeyDictionary()


def place_table(parameters: ParameterNode) -> PlaceTable:
    """The place table of a parameter tree, made once (a reform has a tree, and so a table, of its own)."""
    table = _tables.get(parameters)
    if table is None:
        table = _tables[parameters] = PlaceTable(*read_leaves(parameters))
    return table
