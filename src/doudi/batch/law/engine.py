"""The engine room: OpenFisca simulations straight from arrays, chunk by chunk, households kept whole."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from openfisca_core import periods
from openfisca_core.indexed_enums import EnumArray
from openfisca_core.populations import GroupPopulation
from openfisca_core.populations import Population as PersonPopulation
from openfisca_core.projectors import projectable
from openfisca_core.simulations import Simulation

import openfisca_henan
from doudi.batch.law.checks import Problems, check_together, convert
from doudi.batch.law.settings import Settings, system
from openfisca_henan.places import PlaceTable

#: Large enough that the cost of a simulation (3 ms) does not show, small enough that memory stays at some 100 MiB whatever the population.
CHUNK_HOUSEHOLDS = 50_000


@lru_cache(maxsize=1)
def law_version() -> str:
    """Version of the law package with a digest of its formulas, parameters and data: two assessments with the same version used the same rules."""
    digest = hashlib.sha256()
    root = Path(openfisca_henan.__file__).parent
    files = [path for path in root.rglob("*") if path.suffix in (".py", ".yaml", ".csv") and "tests" not in path.parts]
    for path in sorted(files, key=lambda path: path.relative_to(root).as_posix()):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{openfisca_henan.__version__}+{digest.hexdigest()[:12]}"


class QuickAnswers:
    """Answers a question that was asked before at once; the core checks name, period and entity each time, at 15 microseconds a question."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.answers: dict[Any, Any] = {}

    def __call__(self, variable_name: str, period: Any, options: Any = None) -> Any:
        if options is not None:
            return super().__call__(variable_name, period, options)  # type: ignore[misc]
        found = self.answers.get((variable_name, period))
        if found is None:
            found = self.answers[variable_name, period] = super().__call__(variable_name, period)  # type: ignore[misc]
        return found


class OrderedPersons(QuickAnswers, PersonPopulation):
    """Persons, household by household."""


class OrderedHouseholds(QuickAnswers, GroupPopulation):
    """Households whose members stand one after the other, as the engine always lays them out: summing and projecting need no index array."""

    def lay_out(self, starts: NDArray[np.int64], person_household: NDArray[np.int64]) -> None:
        self.count = len(starts) - 1
        self.starts, self.sizes = starts[:-1], np.diff(starts)
        self.members_entity_id = person_household

    @projectable
    def sum(self, array: NDArray[Any], role: Any = None) -> NDArray[Any]:
        if role is not None:
            return super().sum(array, role)
        self.members.check_array_compatible_with_entity(array)
        return np.add.reduceat(array, self.starts, dtype=np.float64)

    def nb_persons(self, role: Any = None) -> NDArray[Any]:
        return super().nb_persons(role) if role is not None else self.sizes

    def project(self, array: NDArray[Any], role: Any = None) -> NDArray[Any]:
        if role is not None or isinstance(array, EnumArray):
            return super().project(array, role)
        self.check_array_compatible_with_entity(array)
        return np.repeat(array, self.sizes)


@dataclass(frozen=True)
class Population:
    """Checked columns in the law's own types. ``order`` lists the persons household by household; None where they already stand so."""

    persons: dict[str, NDArray[Any]]
    households: dict[str, NDArray[Any]]
    person_household: NDArray[np.int64]
    starts: NDArray[np.int64]
    order: NDArray[np.int64] | None

    @property
    def person_count(self) -> int:
        return len(self.person_household)

    @property
    def household_count(self) -> int:
        return len(self.starts) - 1


def check_month(month: str) -> None:
    """Raise ValueError for anything but ``YYYY-MM``."""
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise ValueError(f"月份“{month}”应为 YYYY-MM")


def prepare(
    persons: Mapping[str, ArrayLike],
    households: Mapping[str, ArrayLike],
    person_household: ArrayLike,
    head: ArrayLike | None = None,
    *,
    month: str | None = None,
) -> Population:
    """Check columns and bring them into the law's types.

    ``persons`` and ``households`` map input variables (see ``openfisca_henan/README.md``) to columns; what is left out has its default.
    ``birth_date``, ``county`` and ``residence`` are required. ``county`` holds six-digit codes, as text or numbers; choices are names or numbers.
    ``person_household`` is each person's household as an index into the household columns; ``head`` marks one head in each household (None: not
    checked).
    Raises ``LawInputError`` with row, field and reason.
    """
    if month is not None:
        check_month(month)
    problems = Problems()
    index = np.asarray(person_household, dtype=np.int64)
    size = len(np.asarray(next(iter(households.values())))) if households else 0
    for table, columns, required in (("persons", persons, ("birth_date",)), ("households", households, ("county", "residence"))):
        for name in required:
            if name not in columns:
                problems.add(table, np.ones(1, dtype=bool), name, "缺少该项")
    problems.add("persons", (index < 0) | (index >= size), "person_household", "指向不存在的家庭")
    problems.raise_if_any()
    made_persons = convert("persons", persons, len(index), problems)
    made_households = convert("households", households, size, problems)
    counts = np.bincount(index, minlength=size)
    problems.add("households", counts == 0, "person_household", "没有成员")
    if head is not None:
        heads = np.bincount(index[np.asarray(head, dtype=bool)], minlength=size)
        problems.add("households", heads != 1, "head", "应有且只有一名户主")
    check_together(made_persons, made_households, month, problems)
    problems.raise_if_any()
    starts = np.concatenate([[0], np.cumsum(counts)])
    sorted_already = bool((index[1:] >= index[:-1]).all())
    order = None if sorted_already else np.argsort(index, kind="stable")
    return Population(made_persons, made_households, index, starts, order)


def run(
    persons: Mapping[str, ArrayLike],
    households: Mapping[str, ArrayLike],
    person_household: ArrayLike,
    head: ArrayLike | None,
    month: str,
    variables: Sequence[str],
    settings: Settings | None = None,
    chunk_households: int = CHUNK_HOUSEHOLDS,
    workers: int = 1,
) -> dict[str, NDArray[Any]]:
    """The law over a population in one month (``YYYY-MM``): an array for each variable, in the order of its entity's rows.

    Choices come back as an array of numbers (``EnumArray``). See ``prepare`` for the inputs; raises ``LawInputError``.
    """
    return calculate(prepare(persons, households, person_household, head, month=month), month, variables, settings, chunk_households, workers)


def calculate(
    population: Population,
    month: str,
    variables: Sequence[str],
    settings: Settings | None = None,
    chunk_households: int = CHUNK_HOUSEHOLDS,
    workers: int = 1,
) -> dict[str, NDArray[Any]]:
    """``run`` for a population that is prepared already (several months, several settings)."""
    check_month(month)
    table = (settings or Settings()).table()
    law = system()
    check_bands(population, month, table)
    entity_of = {name: law.get_variable(name, check_existence=True).entity.key for name in variables}
    results: dict[str, NDArray[Any]] = {}
    for name, entity in entity_of.items():
        variable = law.get_variable(name)
        size = population.person_count if entity == "person" else population.household_count
        results[name] = np.empty(size, dtype=variable.dtype)

    def one(bounds: tuple[int, int]) -> None:
        first, last = bounds
        simulation = simulate(population, month, table, first, last)
        rows = person_rows(population, first, last)
        for name, entity in entity_of.items():
            results[name][rows if entity == "person" else slice(first, last)] = simulation.calculate(name, month)
        forget(simulation)

    chunks = chunk_bounds(population.household_count, chunk_households)
    if workers > 1:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(one, chunks))
    else:
        for bounds in chunks:
            one(bounds)
    for name in results:
        values = getattr(law.get_variable(name), "possible_values", None)
        if values is not None:
            results[name] = EnumArray(results[name], values)
    return results


def chunk_bounds(households: int, size: int) -> Iterator[tuple[int, int]]:
    if size < 1:
        raise ValueError("chunk_households must be at least 1")
    return ((first, min(first + size, households)) for first in range(0, households, size))


def person_rows(population: Population, first: int, last: int) -> Any:
    """The persons of households ``first`` to ``last``: a slice, or their positions where persons do not stand in order."""
    bounds = slice(int(population.starts[first]), int(population.starts[last]))
    return bounds if population.order is None else population.order[bounds]


def simulate(population: Population, month: str, table: PlaceTable, first: int = 0, last: int | None = None) -> Simulation:
    """An OpenFisca simulation of some households, built without the public builder: columns become holders as they are."""
    last = population.household_count if last is None else last
    rows = person_rows(population, first, last)
    law = system()
    person = OrderedPersons(law.person_entity)
    household = OrderedHouseholds(law.group_entities[0], person)
    simulation = Simulation(law, {person.entity.key: person, household.entity.key: household})
    simulation.place_table = table
    starts = population.starts[first : last + 1]
    person.count = int(starts[-1] - starts[0])
    household.lay_out(starts - starts[0], population.person_household[rows] - first)
    person.ids, household.ids = range(person.count), range(household.count)
    period, eternity = periods.period(month), periods.period("ETERNITY")
    for owner, columns, where in ((person, population.persons, rows), (household, population.households, slice(first, last))):
        for name, column in columns.items():
            owner.get_holder(name).set_input(eternity if name == "birth_date" else period, column[where])
    return simulation


def forget(simulation: Simulation) -> None:
    """Let go of all arrays now. Simulation and populations hold each other, so memory would otherwise wait for the garbage collector."""
    for population in simulation.populations.values():
        population._holders.clear()
        population.answers.clear()


def check_bands(population: Population, month: str, table: PlaceTable) -> None:
    """Some members with a band and some without, or a band without an amount in that place, is an input error.

    Only households with a band are looked at; tekun members do not count, so for a mixed household the law is asked who is tekun.
    """
    bands = population.persons.get("dibao_band")
    if bands is None or not bands.any():
        return
    problems = Problems()
    given = np.bincount(population.person_household, weights=bands > 0, minlength=population.household_count) > 0
    for household in _runs(np.flatnonzero(given)):
        first, last = household
        simulation = simulate(population, month, table, first, last)
        rows = person_rows(population, first, last)
        place = simulation.person.household
        by_bands = place("dibao_pays_by_bands", month)
        counts = simulation.calculate("counts_in_dibao_household", month) & by_bands
        band = bands[rows]
        own = given[population.person_household[rows]]
        positions = np.arange(population.person_count)[rows]
        bad = np.zeros(population.person_count, dtype=bool)
        bad[positions] = own & counts & (band == 0)
        problems.add("persons", bad, "dibao_band", "同户其他成员已定档，本人未定档")
        county, residence = place("county_index", month), np.asarray(place("residence", month))
        without = np.zeros(len(band), dtype=bool)
        for number in np.unique(band[band > 0]):
            names = (f"dibao.payment.band.urban.band_{number}", f"dibao.payment.band.rural.band_{number}")
            amounts = table.stacked(names, f"{month}-01")[residence, county]
            without |= (band == number) & counts & np.isnan(amounts)
        bad[:] = False
        bad[positions] = without
        problems.add("persons", bad, "dibao_band", "当地没有该档次的金额")
        forget(simulation)
    problems.raise_if_any()


def _runs(households: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Bounds of runs of neighbouring chunks that hold these households."""
    for chunk in np.unique(households // CHUNK_HOUSEHOLDS):
        inside = households[households // CHUNK_HOUSEHOLDS == chunk]
        yield int(inside[0]), int(inside[-1]) + 1
