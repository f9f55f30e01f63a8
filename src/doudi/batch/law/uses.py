"""Where a parameter of the law is used (用在哪里): what each result reads in a run, so that it stays true when formulas change."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from doudi.batch.law.engine import Population, forget, prepare, simulate
from doudi.batch.law.settings import Settings
from openfisca_henan.places import PlaceTable, counties

# What a person or household receives or is confirmed as, in the order of the page.
RESULTS = (
    ("dibao_amount", "最低生活保障"),
    ("single_person_dibao_amount", "单人保"),
    ("tekun_living_amount", "特困基本生活"),
    ("tekun_care_amount", "特困照料护理"),
    ("orphan_allowance", "孤儿基本生活费"),
    ("unsupported_child_allowance", "事实无人抚养儿童基本生活费"),
    ("disability_living_subsidy", "困难残疾人生活补贴"),
    ("disability_nursing_subsidy", "重度残疾人护理补贴"),
    ("price_subsidy", "价格临时补贴"),
    ("temporary_assistance_ceiling", "临时救助限额"),
    ("temporary_assistance_township_ceiling", "乡镇临时救助限额"),
    ("marginal_family", "低保边缘家庭"),
    ("rigid_expenditure_family", "刚性支出困难家庭"),
    ("imputed_maintenance", "赡养费核算"),
)
MONTH = "2022-12"
READS = ("at", "stacked", "levels", "province", "alternatives", "row_of")


class _Told:
    """A table of parameters that notes which are read."""

    def __init__(self, table: PlaceTable) -> None:
        self._table, self.read = table, set[str]()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._table, name)
        if name not in READS:
            return found

        def noted(names: str | Sequence[str], *rest: Any, **more: Any) -> Any:
            self.read |= {names} if isinstance(names, str) else set(names)
            return found(names, *rest, **more)

        return noted


def _population() -> Population:
    """A household in a county of each prefecture, urban and rural, with everybody whom some rule asks about."""
    places = sorted({code[:4]: code for code in counties()}.values()) * 4  # urban and rural; the second half in gradual exit
    size, half = 5, np.arange(len(places)) >= len(places) // 2
    born = np.tile(np.array(["1940-01-01", "1980-01-01", "1985-01-01", "2012-01-01", "2015-01-01"], "datetime64[D]"), len(places))
    persons = {
        "birth_date": born,
        "wage_income": np.where(half.repeat(size), 1.0, 0.05) * np.tile([0.0, 6000.0, 0, 0, 0], len(places)),
        "works_away": np.tile([False, True, False, False, False], len(places)),
        "obligor_household_income": np.tile([5000.0, 0, 0, 0, 0], len(places)),
        "disability_grade": np.tile([0, 0, 1, 0, 0], len(places)),
        "disability_kind": np.tile([0, 0, 4, 0, 0], len(places)),
        "de_facto_unsupported_child": np.tile([False, False, False, True, False], len(places)),
    }
    households = {
        "county": np.array(places, dtype=object),
        "residence": np.tile(np.array(["urban", "rural"], dtype=object).repeat(len(places) // 4), 2),
        "was_on_dibao": half,
        "income_rise_from_work": half,
        "previous_dibao_amount": np.where(half, 500.0, 0.0),
        "previous_dibao_members": np.where(half, 5, 0),
        "rigid_expenditure": np.full(len(places), 100.0),
        "temporary_residents_in_need": np.ones(len(places), dtype=int),
    }
    return prepare(persons, households, np.arange(len(places)).repeat(size), month=MONTH)


@lru_cache(maxsize=1)
def _readers() -> dict[str, tuple[str, ...]]:
    """Parameter -> results that read it."""
    population, found = _population(), dict[str, list[str]]()
    given = [
        {"parameter": f"prices.{name}", "area": area, "start": "2022-11-01", "value": value, "document": "-"}
        for name, value in (("cpi", 5), ("food", 9), ("scpi", 5))
        for area in sorted({code[:4] for code in counties()})
    ]
    given += [
        {"parameter": f"dibao.payment.mode.{one}", "area": "410302", "start": "2022-01-01", "value": "bands", "document": "-"}
        for one in ("urban", "rural")
    ]
    for result, _label in RESULTS:
        told = _Told(Settings.of(given).table().overlaid([]))
        simulation = simulate(population, MONTH, told)  # type: ignore[arg-type]
        simulation.calculate(result, MONTH)
        forget(simulation)
        for name in told.read:
            found.setdefault(name, []).append(result)
    return {name: tuple(results) for name, results in found.items()}


def used_in(parameter: str) -> tuple[str, ...]:
    """Labels (of `RESULTS`) of what a parameter can change. One that the run had no occasion to read is used where its siblings are."""
    readers, parts = _readers(), parameter.split(".")
    found = readers.get(parameter)
    for length in range(len(parts) - 1, min(2, len(parts) - 1) - 1, -1):
        if found:
            break
        begin = ".".join(parts[:length]) + "."
        siblings = {result for name, results in readers.items() if name.startswith(begin) for result in results}
        found = tuple(siblings)
    return tuple(label for result, label in RESULTS if result in (found or ()))
