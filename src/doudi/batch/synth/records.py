"""What the departments hold about a block of people, true to the state of the world: before anyone mistypes anything.

Each table is a dict of columns with `person` (position in the block). Money in fen, dates as datetime64[D].
Among them are the wrongs that audits find: recipients with a car, a company, a second home or wages that the registry does not know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .economy import RESIDENT_PENSION
from .structure import HEAD, Bools, Days, Ints
from .world import World

Table = dict[str, npt.NDArray[Any]]

CARS = ("小型轿车", "小型普通客车", "小型面包车", "重型货车")
MOTORCYCLE, DISABILITY_VEHICLE, FARM = 4, 5, 6
VEHICLE_NAMES = (*CARS, "普通摩托车", "残疾人专用车", "拖拉机")
USAGES = ("住宅", "宅基地", "商铺", "办公")
NON_RESIDENTIAL = 2
"""Positions in USAGES from here on are not dwellings."""
ROLES = ("法定代表人", "股东", "监事", "经营者")
COMMON_DISEASES = ("高血压", "2型糖尿病", "慢性支气管炎", "腰椎间盘突出", "肺炎", "骨折", "胆囊结石", "白内障", "冠心病", "急性上呼吸道感染")
DEATH_REASONS = ("疾病", "年老", "交通事故", "意外", "其他")
CAPITAL_LIMIT = 200_000 * 100


@dataclass(frozen=True, slots=True)
class Records:
    """The departments' tables of one block by the code of their dataset, and the plants: who has what the registry does not know."""

    tables: dict[str, Table]
    hidden_wage: Ints


def months_before(on: np.datetime64, months: int) -> np.datetime64:
    """The same day `months` months earlier, the last of the month where there is none."""
    month = on.astype("datetime64[M]")
    day = on - month.astype("datetime64[D]")
    start = (month - months).astype("datetime64[D]")
    last = (month - months + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
    return min(start + day, last)


def days_back(rng: np.random.Generator, on: np.datetime64, size: int, least: int, most: int) -> Days:
    return on - rng.integers(least, most, size).astype("timedelta64[D]")


def _disability(world: World, rng: np.random.Generator) -> Table:
    person = np.flatnonzero((world.grade > 0) & (world.alive | (rng.random(len(world.grade)) < 0.6)))
    return {"person": person, "kind": world.kind[person], "grade": world.grade[person], "issued_on": world.certified[person]}


def _medical(world: World, rng: np.random.Generator, on: np.datetime64) -> Table:
    """Settlements of thirteen months, so that some lie outside of the twelve that count."""
    f = world.families
    often = np.select([f.age < 6, f.age < 40, f.age < 60], [0.3, 0.12, 0.25], 0.6) + np.where(world.grade > 0, 0.3, 0)
    visits = np.where(world.ill, 2 + rng.poisson(3.0, f.people), rng.poisson(often))
    person = np.repeat(np.arange(f.people), visits)
    n = len(person)
    ill = world.ill[person] & (rng.random(n) < 0.85)
    total = np.where(ill, np.exp(rng.normal(9.3, 0.75, n)), np.exp(rng.normal(6.6, 1.1, n)).clip(30, 60_000))
    share = rng.uniform(0.25, 0.5, n)
    # Medical aid bears nearly all for tekun and most for dibao.
    share = np.select([world.on_tekun[person], world.on_dibao[person]], [share * 0.05, share * 0.4], share)
    total_fen = np.floor(total * 100)
    settled = days_back(rng, on, n, 2, 395)
    disease = np.where(ill, world.illness[person], rng.integers(0, len(COMMON_DISEASES), n))
    # Nobody is treated before birth or after death (newborns are first settled under their own number).
    keep = (settled >= f.birth[person]) & ~(settled > world.died[person])
    columns = {"person": person, "settled_on": settled, "total": total_fen, "own": np.floor(total_fen * share), "serious": ill, "disease": disease}
    return {name: column[keep] if column.dtype != np.float64 else column[keep].astype(np.int64) for name, column in columns.items()}


def _wages(world: World, rng: np.random.Generator, on: np.datetime64) -> tuple[Table, Ints]:
    """Three months of contributions of who works in the province with a contract; hidden wages of recipients; small ones as near misses."""
    f = world.families
    can = world.recipient & world.alive & (f.age >= 18) & (f.age < 60) & (world.grade == 0) & ~((world.income.wage > 0) | world.work.away)
    draw = rng.random(f.people)
    hidden = np.where(can & (draw < 0.12), rng.integers(170_000, 420_000, f.people), 0)
    small = np.where(can & (draw > 0.93), rng.integers(25_000, 55_000, f.people), 0)
    known = world.work.formal & world.alive & (world.income.wage > 0)
    person = np.flatnonzero(known | (hidden > 0) | (small > 0))
    monthly = np.where(known, world.income.wage // 12, hidden + small)[person]
    workplace = np.where(world.work.away & ~world.work.outside, world.work.workplace, -1)[person]
    months = (on.astype("datetime64[M]") - np.array([3, 2, 1])).repeat(len(person))
    monthly = np.floor(np.tile(monthly, 3) * rng.uniform(0.96, 1.04, len(months))).astype(np.int64)
    table = {
        "person": np.tile(person, 3),
        "month": months,
        "wage": monthly,
        "workplace": np.tile(workplace, 3),
        "employer": np.tile(rng.integers(0, 400, len(person)), 3),
    }
    return table, hidden


def _pensions(world: World, on: np.datetime64) -> Table:
    person = np.flatnonzero((world.income.pension > 0) | world.income.resident_pension)
    worker = world.income.pension[person] > 0
    amount = np.where(worker, world.income.pension[person] // 12, RESIDENT_PENSION)
    month = np.full(len(person), on.astype("datetime64[M]") - 1)
    return {"person": person, "kind": np.where(worker, 0, 1), "month": month, "amount": amount}


def _deaths(world: World, rng: np.random.Generator, on: np.datetime64) -> Table:
    """The last year's deaths, and older ones that the registry missed."""
    recent = ~world.alive & ((world.died > on - 365) | ~world.death_known)
    person = np.flatnonzero(recent)
    reason = np.where(world.families.age[person] >= 60, rng.integers(0, 2, len(person)), rng.choice([0, 2, 3, 4], len(person)))
    return {"person": person, "died_on": world.died[person], "reason": reason}


def _moves(world: World, rng: np.random.Generator, on: np.datetime64, counties: int) -> Table:
    f = world.families
    person = np.flatnonzero(world.alive & (f.age > 1) & (rng.random(f.people) < 0.008))
    n = len(person)
    return {
        "person": person,
        "relationship": f.relationship[person],
        "other": rng.integers(0, counties, n),
        "inwards": rng.random(n) < 0.8,
        "moved_on": days_back(rng, on, n, 3, 365),
    }


def _award_member(world: World) -> Bools:
    """One living adult award member at most per household, for the wrongs: the first one."""
    f = world.families
    chosen = np.zeros(f.people, dtype=bool)
    fit = np.flatnonzero(world.recipient & world.alive & (f.age >= 18))
    chosen[fit[np.unique(f.household[fit], return_index=True)[1]]] = True
    return chosen


def _housing(world: World, rng: np.random.Generator, on: np.datetime64) -> Table:
    """Certificates: a third of families, a second home, shops; recipients' new second homes and shops; homesteads confirmed lately as near misses."""
    f = world.families
    head = (f.slot == HEAD) & world.alive
    n = f.people
    member, draw = _award_member(world), rng.random(n)
    household = f.household
    dwellings = world.owned.dwellings[household]
    poor = world.poor[household]
    wrong, near = member & (draw < 0.025), member & (draw >= 0.025) & (draw < 0.065)
    second_wrong = wrong & (rng.random(n) < 0.6)
    first = (head & ~poor & (dwellings >= 1) & (rng.random(n) < 0.3)) | second_wrong | near
    second = head & ~poor & (dwellings == 2)
    shop = head & ~poor & (rng.random(n) < 0.012)
    groups: list[Table] = []
    for mask, least, most, usage in (
        (first & ~near, 420, 5500, 0),
        (near & (draw < 0.045), 420, 3000, 1),
        (near & (draw >= 0.045), 5, 330, 1),
        (second, 30, 3000, 0),
        (shop, 30, 3000, NON_RESIDENTIAL),
        (second_wrong, 5, 350, 0),
        (wrong & ~second_wrong, 5, 350, NON_RESIDENTIAL),
    ):
        person = np.flatnonzero(mask)
        size = len(person)
        usages = np.full(size, usage) + (rng.integers(0, 2, size) if usage == NON_RESIDENTIAL else 0)
        area = np.where(usages >= NON_RESIDENTIAL, rng.normal(45, 12, size).clip(12), rng.normal(108, 22, size).clip(38))
        groups.append({"person": person, "area": np.round(area, 2), "usage": usages, "registered_on": days_back(rng, on, size, least, most)})
    return stack(groups)


def _vehicles(world: World, rng: np.random.Generator, on: np.datetime64) -> Table:
    f = world.families
    n = f.people
    head = (f.slot == HEAD) & world.alive & (f.age >= 18)
    member, draw = _award_member(world), rng.random(n)
    poor = world.poor[f.household]
    car = head & (world.owned.vehicles[f.household] > 0)
    groups: list[Table] = []
    for mask, least, most, kind in (
        (car, 5, 3600, None),
        (member & (draw < 0.025), 5, 350, None),
        (member & (draw >= 0.025) & (draw < 0.08), 5, 3000, MOTORCYCLE),
        (member & (world.kind == 4) & (draw > 0.95), 5, 2000, DISABILITY_VEHICLE),
        (head & ~poor & (rng.random(n) < 0.12), 5, 3600, MOTORCYCLE),
        (head & ~poor & (world.income.h_farmland[f.household] > 6) & (rng.random(n) < 0.12), 5, 3600, FARM),
    ):
        person = np.flatnonzero(mask)
        size = len(person)
        kinds = rng.choice(len(CARS), size, p=[0.62, 0.25, 0.1, 0.03]) if kind is None else np.full(size, kind)
        groups.append({"person": person, "kind": kinds, "registered_on": days_back(rng, on, size, least, most)})
    return stack(groups)


def _companies(world: World, rng: np.random.Generator, on: np.datetime64) -> Table:
    """Roles in companies; of recipients some new or with much capital, and small old ones as near misses (a supervisor in a cooperative)."""
    f = world.families
    n = f.people
    adult = world.alive & (f.age >= 22) & (f.age < 66)
    member, draw = _award_member(world), rng.random(n)
    poor = world.poor[f.household]
    groups: list[Table] = []
    for mask, least, most, low, high, roles in (
        (adult & ~poor & (rng.random(n) < 0.02), 10, 5000, 1, 300, (0, 1, 2, 3)),
        (member & (draw < 0.012), 10, 340, 0, 60, (0, 3)),
        (member & (draw >= 0.012) & (draw < 0.022), 420, 3000, 25, 200, (0, 1)),
        (member & (draw >= 0.022) & (draw < 0.04), 420, 3000, 0, 10, (2, 3)),
    ):
        person = np.flatnonzero(mask)
        size = len(person)
        capital = rng.integers(low, high + 1, size) * 10_000 * 100
        groups.append({"person": person, "capital": capital, "role": rng.choice(roles, size), "registered_on": days_back(rng, on, size, least, most)})
    return stack(groups)


def _education(world: World, rng: np.random.Generator) -> Table:
    person = np.flatnonzero(world.stage > 0)
    status = np.where(world.dropped_out[person], 2, np.where(rng.random(len(person)) < 0.003, 1, 0))
    return {
        "person": person,
        "stage": world.stage[person],
        "age": world.families.age[person],
        "school": rng.integers(0, 9, len(person)),
        "status": status,
    }


def stack(groups: list[Table]) -> Table:
    return {name: np.concatenate([group[name] for group in groups]) for name in groups[0]}


def make_records(rng: np.random.Generator, world: World, counties: int, on: np.datetime64) -> Records:
    """All departments' tables of the block."""
    wages, hidden = _wages(world, rng, on)
    tables = {
        "disability": _disability(world, rng),
        "medical": _medical(world, rng, on),
        "wages": wages,
        "pensions": _pensions(world, on),
        "deaths": _deaths(world, rng, on),
        "moves": _moves(world, rng, on, counties),
        "housing": _housing(world, rng, on),
        "vehicles": _vehicles(world, rng, on),
        "companies": _companies(world, rng, on),
        "education": _education(world, rng),
    }
    return Records(tables, hidden)
