"""The true state of a block: who lives, works, is disabled or ill, what comes in, who is helped already, and what the registry knows of it.

Money is in whole fen, incomes are totals of twelve months.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .structure import CHILD, IN_LAW, POOR_SHARE, SPOUSE, Bools, Days, Families, Floats, Ints, Kind

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
OUTSIDE_PLACES = (
    "440306",
    "440106",
    "441900",
    "330110",
    "330481",
    "320505",
    "320281",
    "310115",
    "110105",
    "120116",
    "420111",
    "610112",
    "650102",
    "350203",
)
STAGES = ("", "preschool", "primary", "junior", "senior", "vocational", "college")
RESIDENT_PENSION = 11_300
"""Fen a month: basic part of the residents' pension in Henan in 2022."""


@dataclass(frozen=True, slots=True)
class Standards:
    """Monthly dibao standards in fen."""

    urban: int = 63_000
    rural: int = 42_000


# Standards that differ from the province's on 2022-11-25, by prefix of the division code. Sources: Zhengzhou 750 unified (guide of
# Zhengdong New District, unverified), Luoyang urban 640 (city notice, 2022-01).
_LOCAL_STANDARDS = {"4101": Standards(75_000, 75_000), "4103": Standards(64_000, 42_000)}


def standards_for(area: str) -> Standards:
    """The standards that the synthetic county uses; the province's (630 urban, 420 rural) where no other is known."""
    return _LOCAL_STANDARDS.get(area[:4], Standards())


@dataclass(slots=True)
class World:
    """Columns by person unless said; `h_` by household."""

    families: Families
    urban: Bools
    poor: Bools
    died: Days
    death_known: Bools
    kind: Ints
    grade: Ints
    certified: Days
    registry_grade: Ints
    registry_disability: Bools
    ill: Bools
    ill_known: Bools
    illness: Ints
    stage: Ints
    dropped_out: Bools
    away: Bools
    outside: Bools
    workplace: Ints
    formal: Bools
    capacity: Ints
    wage: Ints
    business: Ints
    land: Ints
    property_: Ints
    transfer: Ints
    pension: Ints
    resident_pension: Bools
    unsupported: Bools
    h_income: Ints
    h_farmland: Floats
    h_assets: Ints
    h_vehicles: Ints
    h_dwellings: Ints
    h_floor_area: Ints
    h_rigid: Ints
    on_dibao: Bools
    on_tekun: Bools
    nursing: Bools
    living: Bools
    child_allowance: Bools
    h_dibao_amount: Ints
    h_tekun_amount: Ints
    h_standard: Ints

    @property
    def alive(self) -> Bools:
        return np.isnat(self.died)

    @property
    def recipient(self) -> Bools:
        """Holds a running award of dibao or tekun (as the registry has it, so the unreported dead are among them)."""
        return self.on_dibao | self.on_tekun

    @property
    def orphan(self) -> Bools:
        """Under 18 and both parents dead."""
        return orphaned(self.families, ~self.alive) & self.alive


def orphaned(families: Families, dead: Bools) -> Bools:
    """Under 18, both parents in the block and dead."""
    known = (families.father >= 0) & (families.mother >= 0)
    return known & (families.age < 18) & dead[families.father] & dead[families.mother]


def _deaths(rng: np.random.Generator, f: Families, on: np.datetime64) -> tuple[Days, Bools]:
    """Deaths of the last two years and what the registry knows of them: nearly all older than half a year, few of the last months."""
    yearly = 0.0004 * np.exp(0.082 * (f.age - 30.0)).clip(0.5)
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


def make_world(rng: np.random.Generator, f: Families, urban: Bools, standards: Standards, counties: int, on: np.datetime64) -> World:
    """Draws the true state of the block. `urban` by household; `counties`: how many counties of the province are possible workplaces."""
    n, h = f.people, f.households
    poor = rng.random(h) < POOR_SHARE[f.kind]
    p_poor, p_kind = poor[f.household], f.kind[f.household]
    alone = np.isin(f.kind, (Kind.OLD_ALONE, Kind.ADULT_ALONE))
    died, death_known = _deaths(rng, f, on)
    alive = np.isnat(died)

    # Disability: 2.7% of people hold a certificate; more among the old and the poor.
    share = np.select([f.age < 3, f.age < 18, f.age < 45, f.age < 60], [0, 0.008, 0.015, 0.026], 0.05) * np.where(p_poor, 3.5, 0.85)
    disabled = rng.random(n) < share
    grade = rng.choice(4, size=n, p=_GRADE_SHARES) + 1
    # The reason of poverty in a larger household is often one member who cannot work: one grown-up, the last, severely disabled.
    adult_at_work_age = (f.age >= 18) & (f.age < 60) & alive
    reason = p_poor & adult_at_work_age & ~alone[f.household] & (rng.random(n) < 0.4)
    unable_alone = p_poor & (p_kind == Kind.ADULT_ALONE) & (rng.random(n) < 0.75)
    disabled |= reason | unable_alone
    grade = np.where(reason | unable_alone, rng.integers(1, 3, n), grade)
    kind = np.where(disabled, rng.choice(7, size=n, p=_KIND_SHARES) + 1, 0)
    grade = np.where(disabled, grade, 0)
    back = (rng.beta(0.9, 1.6, n) * 3600).astype(np.int64) + 2
    back = np.minimum(back, (on - f.birth).astype(np.int64).clip(2) - 1)
    certified = np.where(disabled, on - back.astype("timedelta64[D]"), NEVER)
    registry_disability = disabled & (rng.random(n) < np.where(back < 180, 0.4, 0.94))
    # Some certificates became a grade heavier and the registry does not know yet.
    registry_grade = np.where(registry_disability, np.where((rng.random(n) < 0.03) & (grade < 4), grade + 1, grade), 0)

    ill_share = np.select([f.age < 18, f.age < 45, f.age < 60], [0.001, 0.004, 0.012], 0.025) * np.where(p_poor, 2.5, 1)
    ill = rng.random(n) < ill_share
    ill_known = ill & (rng.random(n) < 0.6)
    stage, dropped_out = _schooling(rng, f, alive)

    severe = (grade >= 1) & (grade <= 2)
    capacity = np.select([(f.age < 16) | (f.age >= 70) | severe, (f.age >= 60) | (grade > 0) | ill], [0, 1], 2)
    able = alive & (capacity == 2) & (stage == 0) & (f.age < 60)
    away_share = (
        np.select([f.age < 30, f.age < 40, f.age < 50], [0.52, 0.48, 0.36], 0.22) * np.where(p_poor, 0.35, 1) * np.where(urban, 0.5, 1)[f.household]
    )
    away = able & (rng.random(n) < away_share)
    outside = away & (rng.random(n) < 0.45)
    workplace = np.where(outside, rng.integers(0, len(OUTSIDE_PLACES), n), rng.integers(0, counties, n))
    local = able & ~away & (rng.random(n) < np.where(urban[f.household], 0.6, 0.35))
    formal = (away & ~outside & (rng.random(n) < 0.45)) | (local & (rng.random(n) < 0.4))
    wage = np.select([away, local], [np.exp(rng.normal(10.62, 0.33, n)), np.exp(rng.normal(10.05, 0.35, n))], 0.0) * 100

    head = f.slot == 0
    living = f.per_household(alive)
    rural_head = head & ~urban[f.household]
    h_farmland = np.where(urban, 0, np.round(f.size * rng.gamma(4, 0.3, h), 1))
    land = np.where(rural_head, h_farmland[f.household] * rng.normal(820, 120, n).clip(300), 0) * 100
    trade = np.where(head & able & (rng.random(n) < 0.12), np.exp(rng.normal(10.2, 0.5, n)), 0) * 100
    property_ = np.where(head & (rng.random(n) < 0.12), rng.gamma(2, 600, n), 0) * 100
    old = alive & (f.age >= 60)
    worker_pension = old & ~p_poor & (rng.random(n) < np.where(urban[f.household], 0.5, 0.07))
    resident_pension = old & ~worker_pension
    pension = np.where(worker_pension, np.exp(rng.normal(7.95, 0.3, n)) * 12, 0) * 100
    remittance = np.where(head & ~p_poor & (f.age >= 60), rng.gamma(2, 3500, n), 0) * 100
    # An orphan's or half orphan's household is kept by relatives: the same remittance.
    transfer = np.round(pension + remittance)

    streams = np.vstack([wage, trade, land, property_, transfer])
    streams[:, ~alive] = 0
    # The head of a household may have died: its land goes on with whoever is left; it then counts for no one, which is a small error.
    h_standard = np.where(urban, standards.urban, standards.rural)
    per_head = np.add.reduceat(streams.sum(axis=0), f.start) / living.clip(1) / 12
    # Poor households are brought below (small ones) or around (larger ones) the standard, others above 1.2 times of it.
    larger = f.size >= 3
    aim = np.where(larger & (rng.random(h) < 0.9), rng.uniform(1.0, 1.42, h), rng.beta(1.4, 1.3, h) * 1.05 + 0.05) * h_standard
    factor = np.where(poor & (per_head > aim), aim / per_head.clip(1), 1.0)
    streams = np.floor(streams * factor[f.household])
    floor = rng.uniform(1.2, 3.0, h) * h_standard
    least = np.where(poor, aim, floor)
    short = np.where(per_head < least, (least - per_head) * living * 12, 0)
    first_living = np.zeros(n, dtype=bool)
    order = np.flatnonzero(alive)
    first_living[order[np.unique(f.household[order], return_index=True)[1]]] = True
    streams[4] += np.where(first_living, short[f.household], 0)
    streams = np.floor(streams).astype(np.int64)
    wage_fen, trade_fen, land_fen, property_fen, transfer_fen = streams
    h_income = np.add.reduceat(streams.sum(axis=0), f.start)
    ratio = h_income / 12 / living.clip(1) / h_standard

    # Who is helped already. Tekun: alone, without labour capacity and obligor. Dibao: below the standard; in larger marginal households
    # the severely disabled member alone (single-person inclusion).
    tekun_able = alone & poor & (living > 0) & (np.minimum(ratio, 9) < 0.97)
    no_capacity = f.any_member(alive & ((f.age >= 60) | severe))
    h_tekun = tekun_able & no_capacity & (rng.random(h) < 0.36)
    covered = rng.random(h) < 0.92
    h_dibao = poor & ~h_tekun & (ratio < 0.99) & covered
    # The registry also still pays some of the dead: whoever died unknown to it stays on the roll.
    believed_alive = alive | ~death_known
    on_tekun = h_tekun[f.household] & believed_alive & alone[f.household]
    h_single = poor & ~h_dibao & (ratio >= 0.99) & (ratio < 1.5)
    on_dibao = (h_dibao[f.household] & believed_alive) | (h_single[f.household] & severe & believed_alive & (rng.random(n) < 0.92))
    # Alone and dead without the registry knowing: still on the roll as before.
    dead_alone = ~alive & believed_alive & alone[f.household] & p_poor
    on_dibao |= dead_alone & ~on_tekun & (rng.random(n) < 0.8)
    orphan = orphaned(f, ~alive) & alive
    child_allowance = orphan & (rng.random(n) < 0.55) & (death_known[f.father] & death_known[f.mother])
    on_dibao &= ~orphan
    unsupported = alive & (f.age < 18) & (p_kind == Kind.ONE_PARENT_DEAD) & (rng.random(n) < 0.15)

    nursing = registry_disability & believed_alive & (registry_grade <= 2) & (registry_grade >= 1) & ~on_tekun & (rng.random(n) < 0.88)
    living_subsidy = registry_disability & believed_alive & on_dibao & (rng.random(n) < 0.85)

    members = np.add.reduceat(on_dibao.astype(np.int64), f.start)
    gap = h_standard * members - np.where(h_single, 0, h_income * members // (12 * living.clip(1)))
    h_dibao_amount = np.where(members > 0, np.maximum(gap, h_standard * members // 5), 0)
    h_tekun_amount = np.where(np.logical_or.reduceat(on_tekun, f.start), (h_standard * 13 + 9) // 10, 0)

    h_assets = (rng.gamma(0.8, 1.0, h) * np.where(poor, 3_000, 45_000)).astype(np.int64) * 100
    h_dwellings = np.where(rng.random(h) < np.where(poor, 0.02, 0.01), 0, np.where(~poor & (rng.random(h) < 0.07), 2, 1))
    h_floor_area = (rng.normal(105, 25, h).clip(35) * np.maximum(h_dwellings, 0)).astype(np.int64)
    h_vehicles = (~poor & (rng.random(h) < 0.24)).astype(np.int64)
    h_rigid = np.where(f.any_member(ill & alive) & (rng.random(h) < 0.5), rng.gamma(2, 4_000, h), 0).astype(np.int64) * 100
    return World(
        families=f,
        urban=urban,
        poor=poor,
        died=died,
        death_known=death_known,
        kind=kind,
        grade=grade,
        certified=certified,
        registry_grade=registry_grade,
        registry_disability=registry_disability,
        ill=ill,
        ill_known=ill_known,
        illness=rng.integers(0, len(ILLNESSES), n),
        stage=stage,
        dropped_out=dropped_out,
        away=away,
        outside=outside,
        workplace=workplace,
        formal=formal,
        capacity=capacity,
        wage=wage_fen,
        business=trade_fen + land_fen,
        land=land_fen,
        property_=property_fen,
        transfer=transfer_fen,
        pension=np.where(worker_pension & alive, np.floor(pension), 0).astype(np.int64),
        resident_pension=resident_pension,
        unsupported=unsupported,
        h_income=h_income,
        h_farmland=h_farmland,
        h_assets=h_assets,
        h_vehicles=h_vehicles,
        h_dwellings=h_dwellings,
        h_floor_area=h_floor_area,
        h_rigid=h_rigid,
        on_dibao=on_dibao,
        on_tekun=on_tekun,
        nursing=nursing,
        living=living_subsidy,
        child_allowance=child_allowance,
        h_dibao_amount=h_dibao_amount,
        h_tekun_amount=h_tekun_amount,
        h_standard=h_standard,
    )
