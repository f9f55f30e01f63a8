"""The true state of a block: who lives, works, is disabled or ill, what comes in, who is helped already, and what the registry knows of it.

Money is in whole fen, incomes are totals of twelve months.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .amounts import Amounts
from .economy import ALONE, Awards, Income, Property, Work, make_awards, make_income, make_property, make_work
from .structure import CHILD, IN_LAW, POOR_SHARE, SPOUSE, Bools, Days, Families, Ints, Kind, orphaned

NEVER = np.datetime64("NaT", "D")
KINDS = np.array(["visual", "hearing", "speech", "physical", "intellectual", "mental", "multiple"])
_KIND_SHARES = np.array([0.12, 0.14, 0.02, 0.54, 0.08, 0.07, 0.03])
_GRADE_SHARES = np.array([0.14, 0.28, 0.27, 0.31])
INTELLECTUAL, MENTAL = 5, 6
ILLNESSES = (
    "恶性肿瘤",
    "尿毒症",
    "急性心肌梗死",
    "脑梗死",
    "白血病",
    "肝硬化失代偿期",
    "重型再生障碍性贫血",
    "慢性心力衰竭",
    "终末期肾病",
    "系统性红斑狼疮",
)
STAGES = ("", "preschool", "primary", "junior", "senior", "vocational", "college")


@dataclass(frozen=True, slots=True)
class World:
    """Columns by person; `urban`, `poor`, `amounts` and `owned` by household."""

    families: Families
    urban: Bools
    poor: Bools
    died: Days
    death_known: Bools
    kind: Ints
    grade: Ints
    certified: Days
    registry_grade: Ints
    ill: Bools
    ill_known: Bools
    illness: Ints
    stage: Ints
    dropped_out: Bools
    capacity: Ints
    work: Work
    income: Income
    awards: Awards
    amounts: Amounts
    owned: Property

    @property
    def alive(self) -> Bools:
        return np.isnat(self.died)

    @property
    def on_dibao(self) -> Bools:
        """Holds a running dibao award, with the household or alone."""
        return self.awards.dibao | self.awards.single

    @property
    def on_tekun(self) -> Bools:
        return self.awards.tekun

    @property
    def recipient(self) -> Bools:
        """Holds a running award of dibao or tekun (as the registry has it, so the unreported dead are among them)."""
        return self.on_dibao | self.on_tekun

    @property
    def orphan(self) -> Bools:
        """Under 18 and both parents dead."""
        return orphaned(self.families, ~self.alive) & self.alive


def _deaths(rng: np.random.Generator, f: Families, poor: Bools, on: np.datetime64) -> tuple[Days, Bools]:
    """Deaths of the last two years and what the registry knows of them: nearly all older than half a year, few of the last months."""
    yearly = 0.0003 * np.exp(0.098 * (f.age - 30.0)).clip(0.5) * np.where(poor, 2.0, 1.0)
    gone = rng.random(f.people) < 2 * yearly.clip(0, 0.3)
    days = rng.integers(1, 730, f.people)
    family_dead = ((f.kind[f.household] == Kind.ORPHANS) & np.isin(f.slot, (CHILD, IN_LAW))) | (
        (f.kind[f.household] == Kind.ONE_PARENT_DEAD) & (f.slot == SPOUSE)
    )
    # Families that lose both parents between them would otherwise be far more than there are: chance deaths spare the households of minors.
    with_minors = f.any_member(f.age < 18)[f.household]
    gone &= ~(with_minors & (f.age < 55)) & ((on - f.birth).astype(np.int64) > days)
    gone |= family_dead
    known = np.where(days > 180, rng.random(f.people) < 0.98, rng.random(f.people) < 0.5)
    known &= days > 3
    return np.where(gone, on - days.astype("timedelta64[D]"), NEVER), known & gone


def _schooling(rng: np.random.Generator, f: Families, alive: Bools) -> tuple[Ints, Bools]:
    """School stage (position in STAGES, 0 = none) on 1 September's age, roughly, and dropped out of compulsory school."""
    age, draw = f.age, rng.random(f.people)
    stage = np.select(
        [
            (age >= 3) & (age <= 5) & (draw < 0.9),
            (age >= 6) & (age <= 11),
            (age >= 12) & (age <= 14),
            (age >= 15) & (age <= 17) & (draw < 0.6),
            (age >= 15) & (age <= 17) & (draw < 0.93),
            (age >= 18) & (age <= 21) & (draw < 0.5),
        ],
        [1, 2, 3, 4, 5, 6],
        0,
    )
    return np.where(alive, stage, 0), alive & np.isin(stage, (2, 3)) & (rng.random(f.people) < 0.003)


@dataclass(frozen=True, slots=True)
class Disability:
    """Certificates (kind and grade 0 = none) and what the registry knows of them."""

    kind: Ints
    grade: Ints
    certified: Days
    registry_grade: Ints


def _disability(rng: np.random.Generator, f: Families, poor: Bools, on: np.datetime64) -> Disability:
    """About 2.7% of people hold a certificate; more of the old and the poor."""
    n, kinds = f.people, f.kind[f.household]
    share = np.select([f.age < 3, f.age < 18, f.age < 45, f.age < 60], [0, 0.007, 0.012, 0.022], 0.04) * np.where(poor, 2.2, 0.85)
    disabled = rng.random(n) < share
    grade = rng.choice(4, size=n, p=_GRADE_SHARES) + 1
    # What makes a larger household poor is often one grown-up who cannot work.
    alone = np.isin(kinds, ALONE)
    reason = poor & (f.age >= 18) & (f.age < 60) & ~alone & (rng.random(n) < 0.28)
    reason |= poor & (kinds == Kind.ADULT_ALONE) & (rng.random(n) < 0.5)
    disabled |= reason
    grade = np.where(disabled, np.where(reason, rng.integers(1, 3, n), grade), 0)
    kind = np.where(disabled, rng.choice(7, size=n, p=_KIND_SHARES) + 1, 0)
    back = (rng.beta(0.9, 1.6, n) * 3600).astype(np.int64) + 2
    back = np.minimum(back, (on - f.birth).astype(np.int64).clip(2) - 1)
    known = disabled & (rng.random(n) < np.where(back < 180, 0.5, 0.96))
    # Some certificates became a grade heavier and the registry does not know yet.
    registry_grade = np.where(known, np.where((rng.random(n) < 0.03) & (grade < 4), grade + 1, grade), 0)
    return Disability(kind, grade, np.where(disabled, on - back.astype("timedelta64[D]"), NEVER), registry_grade)


def make_world(rng: np.random.Generator, f: Families, urban: Bools, amounts: Amounts, counties: int, on: np.datetime64) -> World:
    """Draws the true state of the block. `urban` and `amounts` by household; `counties`: how many counties of the province are workplaces."""
    n, h = f.people, f.households
    poor = rng.random(h) < POOR_SHARE[f.kind]
    p_poor = poor[f.household]
    died, death_known = _deaths(rng, f, p_poor, on)
    alive = np.isnat(died)
    disability = _disability(rng, f, p_poor, on)
    ill_share = np.select([f.age < 18, f.age < 45, f.age < 60], [0.001, 0.004, 0.012], 0.025) * np.where(p_poor, 2.5, 1)
    ill = rng.random(n) < ill_share
    stage, dropped_out = _schooling(rng, f, alive)
    grade = disability.grade
    severe = (grade >= 1) & (grade <= 2)
    capacity = np.select([(f.age < 16) | (f.age >= 70) | severe, (f.age >= 60) | (grade > 0) | ill], [0, 1], 2)
    able = alive & (capacity == 2) & (stage == 0) & (f.age < 60)
    work = make_work(rng, f, able, p_poor, urban[f.household], counties)
    income = make_income(rng, f, work, alive, able, poor, urban, amounts)
    awards = make_awards(rng, f, income, alive, death_known, poor, disability.grade, disability.registry_grade, amounts)
    return World(
        families=f,
        urban=urban,
        poor=poor,
        died=died,
        death_known=death_known,
        kind=disability.kind,
        grade=grade,
        certified=disability.certified,
        registry_grade=disability.registry_grade,
        ill=ill,
        ill_known=ill & (rng.random(n) < 0.6),
        illness=rng.integers(0, len(ILLNESSES), n),
        stage=stage,
        dropped_out=dropped_out,
        capacity=capacity,
        work=work,
        income=income,
        awards=awards,
        amounts=amounts,
        owned=make_property(rng, f, poor, f.any_member(ill & alive)),
    )
