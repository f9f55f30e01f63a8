"""Reads one household's simulation for the explanation: values, and the dated rows behind them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from openfisca_core.indexed_enums import EnumArray
from openfisca_core.simulations import Simulation

from doudi.batch.law.explanation import Line, ParameterUsed, Section
from openfisca_henan.places import PlaceTable, counties, divisions


def yuan(amount: float) -> str:
    return f"{amount + 0.0:,.2f}"


def number(value: float) -> str:
    return f"{value:g}"


def per_cent(share: float) -> str:
    return f"{share * 100:g}%"


def fen_below(amount: float, limit: float) -> float:
    """The smallest whole-fen amount that must go from ``amount`` to come below ``limit`` (not to it)."""
    return math.floor(round((amount - limit) * 100, 4)) / 100 + 0.01


class Reader:
    """Values of one household, by variable name; remembers which rows were used, and numbers the lines."""

    def __init__(self, simulation: Simulation, table: PlaceTable, month: str, names: list[str]) -> None:
        self.simulation, self.table, self.month, self.names = simulation, table, month, names
        self.day = f"{month}-01"
        self.county = int(self.household("county_index"))
        self.code = counties()[self.county]
        self.residence = "urban" if int(self.raw("residence")[0]) == 0 else "rural"
        self.parameters: list[ParameterUsed] = []
        self._known: dict[int, int] = {}
        self.sections: list[Section] = []
        self._last = 0
        self.income_line = 0
        self.numbers: dict[tuple[str, int | None], int] = {}

    # -- values --------------------------------------------------------------------------------------------------------------
    def raw(self, name: str) -> Any:
        return np.asarray(self.simulation.calculate(name, self.month))

    def household(self, name: str) -> float:
        return float(self.raw(name)[0])

    def persons(self, name: str) -> Any:
        return self.raw(name)

    def flag(self, name: str) -> bool:
        return bool(self.raw(name)[0])

    # -- rows ----------------------------------------------------------------------------------------------------------------
    def use(self, *names: str, on: str | None = None) -> list[int]:
        """Remember the rows of these parameters that hold for the household's county; their indices in ``parameters``."""
        used = []
        for name in names:
            row = int(self.table.at(name, on or self.day).row[self.county])
            if row >= 0:
                used.append(self.use_row(row))
        return used

    def use_row(self, row: int) -> int:
        if row not in self._known:
            found, leaf = self.table.rows[row], self.table.leaves[self.table.rows[row].parameter]
            self._known[row] = len(self.parameters)
            self.parameters.append(
                ParameterUsed(
                    found.parameter,
                    leaf.label,
                    found.area,
                    divisions()[found.area],
                    found.start,
                    found.value,
                    found.unit,
                    found.reference,
                    found.unverified,
                    found.setting,
                )
            )
        return self._known[row]

    def use_row_of_alternatives(self, names: tuple[str, ...]) -> list[int]:
        """The row that counts of several alternative names of one rule."""
        row = int(self.table.alternatives(names, self.day)[1].row[self.county])
        return [self.use_row(row)] if row >= 0 else []

    def value(self, name: str, on: str | None = None) -> float:
        return float(self.table.at(name, on or self.day).values[self.county])

    def where(self, used: list[int]) -> str:
        """Place and date of the first row used: 自 2022-01-01，河南省."""
        if not used:
            return ""
        row = self.parameters[used[0]]
        source = "本系统设置" if row.setting else row.area_name
        return f"自 {row.start}，采用{source}标准"

    def tekun_candidates(self) -> Any:
        """Members near enough to tekun to speak of: without labour capacity, but not minors whose obligors (parents) are able."""
        minor = self.persons("age") < self.table.province("children.age", self.day)
        kept = self.persons("no_able_obligor") | self.persons("was_on_tekun")
        return np.flatnonzero(self.persons("no_labour_capacity") & (~minor | kept))

    # -- lines ---------------------------------------------------------------------------------------------------------------
    def section(self, code: str, title: str, title_en: str) -> None:
        self.sections.append(Section(code, title, title_en))

    def line(self, line: Line) -> int:
        """Add a line to the current section and return its number. A subtotal has none, unless it asks for one with ``number=0``."""
        if not line.subtotal or line.number == 0:
            self._last += 1
            line.number = self._last
        if line.member is not None:
            line.member_name = self.names[line.member]
        line.unverified = any(self.parameters[index].unverified for index in line.parameters)
        self.sections[-1].lines.append(line)
        if line.number:
            self.numbers[line.code, line.member] = line.number
        return self._last

    def cite(self, *codes: str, member: int | None = None) -> list[int]:
        """Numbers of the lines with these codes, about this member or the household; lines that were not needed are left out."""
        found = (self.numbers.get((code, member)) or self.numbers.get((code, None)) for code in codes)
        return [number for number in found if number]

    def all_values(self) -> dict[str, list[Any]]:
        """Every variable that was calculated or given, as plain values; NaN and infinity (not known, no limit) become None."""
        values: dict[str, list[Any]] = {}
        for population in self.simulation.populations.values():
            for name, holder in sorted(population._holders.items()):
                for period in holder.get_known_periods():
                    values[name] = _plain(holder.get_array(period))
        return values


def _plain(array: Any) -> list[Any]:
    if isinstance(array, EnumArray):
        return [str(name) for name in array.decode_to_str()]
    if array.dtype.kind == "f":
        return [value if math.isfinite(value) else None for value in array.tolist()]
    if array.dtype.kind == "M":
        return [str(value) for value in array]
    return array.tolist()
