"""What the law gives a county's people in each month of a year, added up: one read of the registry, twelve vectorised runs, no row per person.

People, facts and awards are those of the base month; standards, prices and ages those of each month. A gradual exit goes on and ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
from django.db import connection
from django.utils import timezone

from doudi.assessment.facts import Array, Facts, Position, area_chunks, copy_rows, facts_day, read_area
from doudi.batch import law
from doudi.budget.models import COVERED, PROGRAMME_OF, Item, Scenario
from doudi.core.plans import at_once
from doudi.registry.models import Programme

Progress = Callable[[int, int], None]
RESIDENCES = ("urban", "rural")
VARIABLE: dict[str, str] = {
    Item.DIBAO_SINGLE: "single_person_dibao_amount",
    Item.TEKUN_LIVING: "tekun_living_amount",
    Item.TEKUN_CARE: "tekun_care_amount",
    Item.ORPHAN: "orphan_allowance",
    Item.UNSUPPORTED_CHILD: "unsupported_child_allowance",
    Item.DISABILITY_LIVING: "disability_living_subsidy",
    Item.DISABILITY_NURSING: "disability_nursing_subsidy",
}
OUTPUTS = ("dibao_amount", "marginal_family", "counts_in_dibao_household", "price_subsidy", *VARIABLE.values())
HOLDERS = """
select b.person_id, b.programme from registry_benefitstatus b
where b.area >= %(low)s and b.area < %(high)s and b.state in ('active', 'suspended') and b.starts <= %(first)s and (b.ends is null or b.ends > %(first)s)
"""


AWARDS = """
select b.programme, count(distinct b.person_id), coalesce(sum(b.amount), 0) from registry_benefitstatus b
where b.area >= %s and b.area < %s and b.state in ('active', 'suspended') and b.starts <= %s and (b.ends is null or b.ends > %s) group by 1
"""


@dataclass(frozen=True)
class Key:
    """What is added up apart from the rest."""

    month: date
    item: str
    programme: str
    residence: str
    in_institution: bool


@dataclass
class Sums:
    """`found`: key -> [people, fen]; `covered`: (month, programme) -> people, each person once."""

    found: dict[Key, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    covered: dict[tuple[date, str], int] = field(default_factory=lambda: defaultdict(int))
    households: int = 0
    left_out: int = 0

    def add(self, other: Sums) -> None:
        for key, (people, fen) in other.found.items():
            self.found[key][0] += people
            self.found[key][1] += fen
        for pair, people in other.covered.items():
            self.covered[pair] += people


def months_of(year: int) -> list[date]:
    return [date(year, number, 1) for number in range(1, 13)]


def award_sums(*, area: str, month: date) -> dict[str, list[Any]]:
    """programme -> [people, yuan as text] of the awards that run in a month."""
    with connection.cursor() as cursor:
        cursor.execute(AWARDS, [area, area + ":", month, month])
        return {programme: [people, f"{amount:.2f}"] for programme, people, amount in cursor.fetchall()}


def law_sums(
    *, area: str, basis: str, base_month: date, months: Sequence[date], settings: law.Settings, now: datetime, progress: Progress | None = None
) -> Sums:
    """Sums over all registered households of an area, in chunks of villages. `settings`: all dated rows, those to come too.

    Basis `awards`: whom an award pays in the base month gets what the law gives by the standards of each month. Basis `entitled`: everybody to whom the law
    gives something. Households whose facts the law cannot take are left out and counted.
    """
    total = Sums()
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from registry_household where area >= %s and area < %s", [area, area + ":"])
        (in_all,) = cursor.fetchone()
    as_of, done = facts_day(base_month, timezone.localdate(now)), 0
    for low, high in area_chunks(area, area + ":"):
        facts = read_area(low=low, high=high, month=base_month, as_of=as_of, settings=settings)
        done += len(facts.household_ids)
        if basis == Scenario.Basis.AWARDS:
            facts = facts.only(facts.receives)
        if len(facts.household_ids):
            _add_chunk(total, facts, _holders(low, high, base_month) if basis == Scenario.Basis.AWARDS else None, months, settings)
        if progress:
            progress(min(done, in_all), in_all)
    return total


def _holders(low: str, high: str, month: date) -> pa.Table:
    with connection.cursor() as cursor, at_once(cursor):
        rows = copy_rows(HOLDERS, {"low": low, "high": high, "first": month}, {"person_id": pa.int64(), "programme": pa.string()})
    return rows


def _add_chunk(total: Sums, facts: Facts, holders: pa.Table | None, months: Sequence[date], settings: law.Settings) -> None:
    """All months of one chunk; where a household's facts cannot stand in one of them it is left out of all."""
    while len(facts.household_ids):
        try:
            made = _chunk(facts, holders, months, settings)
        except law.LawInputError as error:
            keep = np.ones(len(facts.household_ids), dtype=bool)
            for problem in error.problems:
                keep[facts.person_household[problem.row] if problem.table == "persons" else problem.row] = False
            total.left_out += int((~keep).sum())
            facts = facts.only(keep)
        else:
            total.add(made)
            total.households += len(facts.household_ids)
            return


def _chunk(facts: Facts, holders: pa.Table | None, months: Sequence[date], settings: law.Settings) -> Sums:
    base = facts.month
    population = law.prepare(facts.persons, facts.households, facts.person_household, month=f"{base:%Y-%m}")
    holds = _masks(facts, holders)
    made = Sums()
    place = _places(facts)
    for month in months:
        later = (month.year - base.year) * 12 + month.month - base.month
        results = law.calculate(_at(population, later), f"{month:%Y-%m}", OUTPUTS, settings)
        _add_month(made, month, facts, results, holds, place)
    return made


def _masks(facts: Facts, holders: pa.Table | None) -> dict[str, Array] | None:
    """programme -> which persons hold an award of it; None where awards do not count."""
    if holders is None:
        return None
    found, at = Position(facts.person_ids).of(holders["person_id"].to_numpy())
    programmes = holders["programme"].to_numpy(zero_copy_only=False).astype(str)[found]
    masks = {}
    for programme in Programme.values:
        masks[programme] = np.zeros(len(facts.person_ids), dtype=bool)
        masks[programme][at[programmes == programme]] = True
    return masks


def _places(facts: Facts) -> Array:
    """Each person's residence and whether the money goes to an institution, as one small number."""
    urban = (facts.households["residence"] == "urban")[facts.person_household]
    inside = facts.persons.get("in_institution", np.zeros(len(facts.person_ids), dtype=bool))
    return (~urban).astype(np.int64) * 2 + inside.astype(np.int64)


def _at(population: law.Population, later: int) -> law.Population:
    """The population `later` months on: who leaves dibao gradually is that much further (2.5)."""
    started, months = population.households.get("income_rise_from_work"), population.households.get("gradual_exit_months")
    if later <= 0 or started is None or months is None:
        return population
    moved = (months + np.where(started, later, 0)).astype(months.dtype)
    return replace(population, households=population.households | {"gradual_exit_months": moved})


def _fen(amounts: Array) -> Array:
    return np.rint(np.asarray(amounts, dtype=np.float64) * 100)


def _add_month(made: Sums, month: date, facts: Facts, results: dict[str, Any], holds: dict[str, Array] | None, place: Array) -> None:
    of, size = facts.person_household, len(facts.household_ids)

    def held(programme: str) -> Array:
        return np.ones(len(of), dtype=bool) if holds is None else holds[programme]

    def put(item: str, programme: str, people: Array, fen: Array, at: Array) -> None:
        counts = np.bincount(at[people], minlength=4)
        sums = np.bincount(at, weights=fen, minlength=4)
        for number in range(4):
            if counts[number] or sums[number]:
                entry = made.found[Key(month, item, programme, RESIDENCES[number // 2], bool(number % 2))]
                entry[0] += int(counts[number])
                entry[1] += int(sums[number])

    counted = results["counts_in_dibao_household"].astype(bool)
    dibao = held(Programme.DIBAO) & counted & (results["dibao_amount"] > 0)[of]
    home = np.bincount(of[dibao], minlength=size) > 0
    at_home = (~(facts.households["residence"] == "urban")).astype(np.int64) * 2
    # the household's amount stands with its first person, so that people and yuan are added up the same way
    first = np.zeros(len(of))
    first[facts.offsets[:-1]] = np.where(home, _fen(results["dibao_amount"]), 0)
    put(Item.DIBAO, Programme.DIBAO, dibao, first, at_home[of])
    gets = {Programme.DIBAO.value: dibao}
    for item, variable in VARIABLE.items():
        programme = PROGRAMME_OF[item]
        amounts = np.where(held(programme), results[variable], 0)
        gets[programme] = gets.get(programme, np.zeros(len(of), dtype=bool)) | (amounts > 0)
        put(item, programme, amounts > 0, _fen(amounts), place)
    gets[Programme.MARGINAL.value] = held(Programme.MARGINAL) & results["marginal_family"].astype(bool)[of] & counted
    left = np.ones(len(of), dtype=bool)
    for covered in COVERED:
        mine = gets[covered] & left
        left &= ~mine
        made.covered[month, covered.value] += int(mine.sum())
        subsidy = np.where(mine, results["price_subsidy"], 0)
        put(Item.PRICE_SUBSIDY, covered.value, subsidy > 0, _fen(subsidy), at_home[of])
