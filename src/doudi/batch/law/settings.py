"""Settings of a deployment: dated rows (parameter, area, from, value, document) laid over the law's own parameters under the same names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from openfisca_henan import CountryTaxBenefitSystem
from openfisca_henan.places import Leaf, PlaceTable, Row, check_row, divisions, place_table


class SettingsError(ValueError):
    """Rows that cannot stand; ``problems`` says which and why, in Chinese."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("；".join(problems[:20]))


@lru_cache(maxsize=1)
def system() -> CountryTaxBenefitSystem:
    """The law, loaded once (about 0.1 s)."""
    return CountryTaxBenefitSystem()


def base_table() -> PlaceTable:
    return place_table(system().parameters)


@dataclass(frozen=True)
class Settings:
    """An immutable overlay. Two overlays with the same rows have the same ``hash``, whatever order the rows came in."""

    rows: tuple[Row, ...] = ()

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> Settings:
        """Build from mappings with ``parameter``, ``area``, ``start`` (or ``from``; a date or ``YYYY-MM-DD``), ``value`` and ``document``.

        ``value`` is a number, a numeric text, a fraction such as ``1/3``, one of the parameter's choices, or None (the place's own rule ends).
        ``unit`` may be given where it is not the parameter's own (``yuan/person/year``). Raises ``SettingsError``.
        """
        leaves = base_table().leaves
        made: dict[tuple[str, str, str], Row] = {}
        problems = []
        for number, given in enumerate(rows, 1):
            name = str(given["parameter"])
            leaf = leaves.get(name)
            if leaf is None:
                problems.append(f"第 {number} 行参数名“{name}”不存在")
                continue
            row = _row(leaf, given)
            why = check_row(leaf, row) or _bad_date(row.start)
            key = (row.parameter, row.area, row.start)
            if key in made:
                why = f"“{leaf.label}”{row.area} 自 {row.start} 起有两个值"
            if why:
                problems.append(f"第 {number} 行{why}")
            made[key] = row
        if problems:
            raise SettingsError(problems)
        return cls(tuple(made[key] for key in sorted(made)))

    @property
    def hash(self) -> str:
        """SHA-256 of the rows, in hexadecimal; stable across runs and machines."""
        lines = [json.dumps([r.parameter, r.area, r.start, r.value, r.unit, r.reference], ensure_ascii=False) for r in sorted(self.rows, key=_key)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def table(self) -> PlaceTable:
        """The law's parameters with these rows over them."""
        return _table(self)


def _key(row: Row) -> tuple[str, str, str]:
    return row.parameter, row.area, row.start


def _bad_date(start: str) -> str | None:
    try:
        date.fromisoformat(start)
    except ValueError:
        return f"起始日期“{start}”应为 YYYY-MM-DD"
    return None


def _row(leaf: Leaf, given: Mapping[str, Any]) -> Row:
    start = given.get("start", given.get("from"))
    value = given["value"]
    if isinstance(value, bool):
        value = int(value)
    if isinstance(value, int | float | Decimal):
        value = float(value)
    elif isinstance(value, str) and not leaf.choices:
        try:
            value = float(value)
        except ValueError:
            value = value.strip()
    return Row(
        parameter=leaf.name,
        area=str(given["area"]),
        start=start.isoformat()[:10] if isinstance(start, date) else str(start),
        value=value,
        unit=str(given.get("unit") or leaf.unit),
        reference=str(given.get("document", "")),
        status="S",
        setting=True,
    )


@lru_cache(maxsize=64)
def _table(settings: Settings) -> PlaceTable:
    return base_table().overlaid(settings.rows) if settings.rows else base_table()


@dataclass(frozen=True)
class ParameterRow:
    """One dated value. ``value`` is what the document says, in ``unit``; ``setting`` is true where a deployment entered it."""

    area: str
    area_name: str
    start: str
    value: float | str | None
    unit: str
    reference: str
    unverified: bool
    status: str
    setting: bool


@dataclass(frozen=True)
class ParameterInfo:
    """One parameter with all its rows, oldest first within each area, province first."""

    name: str
    label: str
    description: str
    unit: str
    choices: tuple[str, ...]
    floor: bool
    lasts: str
    areas: str
    rows: tuple[ParameterRow, ...]


def list_parameters(settings: Settings | None = None) -> list[ParameterInfo]:
    """Every parameter by name, with the rows of the law and of the settings over it.

    ``areas`` says where it may differ: ``province`` nowhere, ``prefecture`` by city, ``county`` anywhere. ``floor``: the province's newer row is a
    minimum.
    ``lasts``: ``year`` or ``month`` where a row ends by itself.
    """
    table = (settings or Settings()).table()
    rows: dict[str, list[Row]] = {name: [] for name in table.leaves}
    for row in table.rows:
        rows[row.parameter].append(row)
    names = divisions()
    return [
        ParameterInfo(
            leaf.name,
            leaf.label,
            leaf.description,
            leaf.unit,
            leaf.choices,
            leaf.floor,
            leaf.lasts,
            leaf.areas,
            tuple(
                ParameterRow(r.area, names[r.area], r.start, r.value, r.unit, r.reference, r.unverified, r.status, r.setting)
                for r in sorted(rows[leaf.name], key=lambda r: (len(r.area), r.area, r.start))
            ),
        )
        for leaf in sorted(table.leaves.values(), key=lambda leaf: leaf.name)
    ]
