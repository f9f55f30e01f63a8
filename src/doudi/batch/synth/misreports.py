"""What registry and departments have wrong about the world, so that recall and precision measure something: the truth table is drawn from the world.

Different from `text.mistype` (cells that cannot be read): these rows look right. A row has not come yet, names another person, or shows what has
ended long since; the registry's incomes, workers away and phone numbers are out of date.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .records import Table
from .structure import Bools
from .world import NEVER, World

NOT_YET = 0.01
"""Share of rows that the department has not entered yet."""
ANOTHER = 0.01
"""Share of rows under another person's number (a namesake, the line above)."""
OUTDATED = 0.06
"""Share of what has ended that is still shown as running."""
OLD_INCOME, AWAY_UNKNOWN, CAME_BACK, NEW_PHONE = 0.05, 0.03, 0.004, 0.04
"""Shares of households without an award whose income in the registry is last year's, of people away of whom it does not know, of adults at home whom
it believes away, and of people who have a phone that it does not know."""

# Column that says that something has ended, by dataset, and the column's value for what runs still.
ENDS = {
    "unemployment": ("status", 0), "monitoring_list": ("removed_on", NEVER), "detention": ("until_on", NEVER), "assistance_elsewhere": ("ends", NEVER),
    "residence_permits": ("valid_until", NEVER),
}  # fmt: skip


def believed(rng: np.random.Generator, world: World) -> tuple[World, Bools, Bools]:
    """The world as the registry has it; and who lives in a household whose income it has wrong, who has a phone that it does not know. Recipients'
    incomes were checked when the award was made."""
    f = world.families
    old = (rng.random(f.households) < OLD_INCOME) & ~f.any_member(world.recipient)
    factor = np.where(old, rng.uniform(0.5, 1.8, f.households), 1.0)[f.household]
    wage, business, land = ((column * factor).astype(np.int64) for column in (world.income.wage, world.income.business, world.income.land))
    total = world.income.h_total + f.per_household(wage + business - world.income.wage - world.income.business)
    income = replace(world.income, wage=wage, business=business, land=land, h_total=total)
    draw = rng.random(f.people)
    away = np.where(world.work.away, draw >= AWAY_UNKNOWN, (draw < CAME_BACK) & world.alive & (f.age >= 18) & (f.age < 60) & ~world.recipient)
    return replace(world, income=income, work=replace(world.work, away=away)), old[f.household], rng.random(f.people) < NEW_PHONE


def reported(rng: np.random.Generator, dataset: str, table: Table, people: int) -> tuple[Table, Bools, Bools]:
    """The dataset's rows as the department has them; by position in the block whose rows are missing or under another's number, and who is that other."""
    n = len(table["person"])
    draw = rng.random(n)
    table = dict(table)
    lost, named = np.zeros(people, dtype=bool), np.zeros(people, dtype=bool)
    late, other = draw < NOT_YET, (draw >= NOT_YET) & (draw < NOT_YET + ANOTHER)
    lost[table["person"][late | other]] = True
    table["person"] = np.where(other, rng.integers(0, people, n), table["person"])
    named[table["person"][other]] = True
    if dataset in ENDS:
        column, running = ENDS[dataset]
        outdated = rng.random(n) < OUTDATED
        table[column] = np.where(outdated, np.array(running, table[column].dtype), table[column])
    return {name: column[~late] for name, column in table.items()}, lost, named
