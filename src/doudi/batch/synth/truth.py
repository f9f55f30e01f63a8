"""The truth table: who is really in a situation that discovery should find, drawn from the world before anything goes wrong in files and registry.

The situations are those that the documents name, told here in NumPy over the world's true state; the comparison sees nothing of it but what the
departments and the registry have written down (`misreports`, `text.mistype`). What both share is the figures of the documents' thresholds.

Near misses are in it too (`expected` false), each with the reason why it is none, so that precision can fail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .records import CAPITAL_LIMIT, CARS, MOTORCYCLE, NON_RESIDENTIAL, Table, months_before
from .structure import Bools, Days, Ints
from .world import World, orphaned

MEDICAL_LEAST = 5_000 * 100
WAGE_MULTIPLE = 1.5
MARGINAL_MULTIPLE = 1.5

INCOME, AWAY, PARENTS = "the registry's income", "the registry's workers away", "a parent's death"
SOURCES = {
    "disability_no_nursing_subsidy": ("disability",),
    "disability_no_living_subsidy": ("disability",),
    "medical_costs": ("medical", INCOME),
    "recipient_death": ("deaths",),
    "recipient_vehicle": ("vehicles",),
    "recipient_company": ("companies",),
    "recipient_house": ("housing",),
    "recipient_wages": ("wages",),
    "orphaned_minor": (PARENTS,),
    "serious_illness_low_income": ("medical", INCOME),
}
"""Indicators and the datasets that show them, and what the registry must know rightly."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Rows of the truth table for one indicator: people (positions in the block), and for near misses the reason."""

    indicator: str
    person: Ints
    expected: bool
    note: str


def flag(n: int, person: Ints, chosen: Bools) -> Bools:
    flags = np.zeros(n, dtype=bool)
    flags[person[chosen]] = True
    return flags


def adding(found: list[Situation]) -> Callable[..., None]:
    """A function that adds an indicator's true people and its near misses, by note, to the list."""

    def add(indicator: str, true: Bools, **near: Bools) -> None:
        found.append(Situation(indicator, np.flatnonzero(true), True, ""))
        for note, mask in near.items():
            found.append(Situation(indicator, np.flatnonzero(mask & ~true), False, note))

    return add


@dataclass(frozen=True, slots=True)
class Known:
    """What is on paper about a block: the departments' true `tables`, first month refused by household, who has no phone, and the position of
    each person's own county among those of the tables."""

    tables: dict[str, Table]
    refused: Days
    no_phone: Bools
    county: Ints


def situations(world: World, known: Known, hidden_wage: Ints, on: np.datetime64) -> list[Situation]:
    """All true situations and near misses of the block on the day `on`."""
    f = world.families
    n = f.people
    tables = known.tables
    alive, recipient = world.alive, world.recipient
    year = months_before(on, 12)
    found: list[Situation] = []
    add = adding(found)

    certified = flag(n, tables["disability"]["person"], np.ones(len(tables["disability"]["person"]), bool))
    severe = certified & (world.grade <= 2)
    add(
        "disability_no_nursing_subsidy",
        severe & alive & ~world.awards.nursing & ~world.on_tekun,
        grade_3=certified & alive & (world.grade == 3),
        on_tekun=severe & alive & world.on_tekun,
        dead=severe & ~alive,
    )
    add(
        "disability_no_living_subsidy",
        certified & alive & world.on_dibao & ~world.awards.living,
        not_on_dibao=severe & alive & ~recipient,
        on_tekun=certified & alive & world.on_tekun,
    )

    medical = tables["medical"]
    counted = medical["settled_on"] > year
    own = np.bincount(medical["person"][counted], medical["own"][counted], n)
    income = world.income.h_total[f.household]
    high = own >= MEDICAL_LEAST
    on_dibao_household = f.any_member(recipient)[f.household]
    heavy = high & (own > income / 2)
    add(
        "medical_costs",
        heavy & alive & ~on_dibao_household,
        income_high_enough=high & alive & ~heavy,
        recipient=heavy & alive & on_dibao_household,
        dead=heavy & ~alive,
    )
    serious = np.zeros(n, dtype=bool)
    serious[medical["person"][medical["serious"] & counted]] = True
    members = f.per_household(alive).clip(1)[f.household]
    low = income < MARGINAL_MULTIPLE * 12 * world.amounts.standard[f.household] * members
    add(
        "serious_illness_low_income",
        serious & alive & low & ~on_dibao_household,
        income_high_enough=serious & alive & ~low,
        recipient=serious & alive & on_dibao_household,
        dead=serious & low & ~alive,
    )

    add(
        "recipient_death",
        ~alive & recipient,
        known_to_registry=world.death_known & world.poor[f.household],
        no_recipient=~alive & ~recipient & ~world.death_known,
    )

    vehicles = tables["vehicles"]
    new_car = (vehicles["kind"] < len(CARS)) & (vehicles["registered_on"] > year)
    add(
        "recipient_vehicle",
        flag(n, vehicles["person"], new_car) & recipient & alive,
        motorcycle_or_disability_vehicle=flag(n, vehicles["person"], vehicles["kind"] >= MOTORCYCLE) & recipient,
    )
    companies = tables["companies"]
    matters = (companies["capital"] >= CAPITAL_LIMIT) | (companies["registered_on"] > year)
    add(
        "recipient_company",
        flag(n, companies["person"], matters) & recipient & alive,
        small_and_old=flag(n, companies["person"], ~matters) & recipient,
    )
    housing = tables["housing"]
    new = housing["registered_on"] > year
    several = np.bincount(housing["person"], housing["usage"] < NON_RESIDENTIAL, n)[housing["person"]] >= 2
    wrong = new & ((housing["usage"] >= NON_RESIDENTIAL) | several)
    add(
        "recipient_house",
        flag(n, housing["person"], wrong) & recipient & alive,
        only_home_newly_registered=flag(n, housing["person"], new & ~several) & recipient,
        long_registered=flag(n, housing["person"], ~new) & recipient,
    )

    wages = tables["wages"]
    average = np.bincount(wages["person"], wages["wage"], n) / 3
    above = average > WAGE_MULTIPLE * world.amounts.standard[f.household]
    declared = world.income.wage > 0
    add(
        "recipient_wages",
        above & recipient & alive & ~declared,
        known_to_registry=above & recipient & declared,
        small=(average > 0) & recipient & ~above,
        no_recipient=above & ~on_dibao_household & (hidden_wage > 0),
    )

    orphan = orphaned(f, ~alive) & alive
    one_dead = (f.father >= 0) & (f.mother >= 0) & (f.age < 18) & (~alive[f.father] ^ ~alive[f.mother])
    add("orphaned_minor", orphan & ~world.awards.orphan, allowance_running=orphan, one_parent_dead=one_dead & alive)
    return found
