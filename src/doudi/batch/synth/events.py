"""What befell people of a block and where else they are known: stays, marriages, illness, lost work, disasters, detention, aid, money, refusals.

Tables as in `records`. Among them are wrongs (an award in two counties, a big deposit) and near misses (an ended award, a small one).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .economy import OUTSIDE_PLACES
from .records import Records, Table, days_back, stack
from .structure import HEAD, SPOUSE, Bools, Days, Ints, Kind
from .world import NEVER, World

STAYS = ("务工", "就学", "投靠亲属", "其他")
MARRIAGES = ("结婚", "离婚")
MARRIED = 0
WORK_STATUS = ("失业", "已就业")
UNEMPLOYED = 0
WORK_REASONS = ("单位裁员", "合同到期", "企业破产", "疫情停工", "本人辞职")
INCOMES = ("劳务报酬", "经营所得", "财产租赁所得")
ASSETS = ("存款", "理财产品", "基金")
INSTITUTIONS = ("农村信用社", "邮政储蓄银行", "农业银行", "工商银行", "建设银行")
WATCHES = ("脱贫不稳定户", "边缘易致贫户", "突发严重困难户")
RISKS = ("因病", "因残", "因学", "因灾", "务工就业不稳")
DISASTERS = ("火灾", "洪涝", "风雹", "低温雨雪")
DAMAGES = ("未受损", "一般损坏", "严重损坏", "倒塌")
SERIOUS_DAMAGE = 2
ABSENCES = ("服刑", "羁押", "强制隔离戒毒", "失联")
MISSING = 3
LEVELS = ("特别困难", "困难", "一般困难")
SPECIAL = 0
AIDS = ("生活补助", "助学金", "学费减免")
PROGRAMMES = ("最低生活保障", "特困人员救助供养", "困难残疾人生活补贴", "重度残疾人护理补贴")


@dataclass(frozen=True, slots=True)
class Events:
    """`tables` by dataset; `refused`: first month that an application of the household was refused for, by household (NaT: none)."""

    tables: dict[str, Table]
    refused: Days


def first_living(world: World) -> Bools:
    """The first living member of each household."""
    chosen = np.zeros(world.families.people, dtype=bool)
    living = np.flatnonzero(world.alive)
    chosen[living[np.unique(world.families.household[living], return_index=True)[1]]] = True
    return chosen


def _later(days: Days, rng: np.random.Generator, least: int, most: int) -> Days:
    return days + rng.integers(least, most, len(days)).astype("timedelta64[D]")


def _permits(world: World, rng: np.random.Generator, on: np.datetime64, counties: int) -> Table:
    """Half of those who work away are registered where they stay; some of the permits ran out."""
    person = np.flatnonzero(world.alive & world.work.away & (rng.random(world.families.people) < 0.5))
    n = len(person)
    outside = world.work.outside[person]
    place = world.work.workplace[person] % np.where(outside, len(OUTSIDE_PLACES), counties)
    registered = days_back(rng, on, n, 30, 700)
    return {
        "person": person, "outside": outside, "place": place, "reason": rng.choice(4, n, p=[0.85, 0.03, 0.08, 0.04]), "registered_on": registered,
        "valid_until": _later(registered, rng, 330, 1100),
    }  # fmt: skip


def _marriages(world: World, rng: np.random.Generator, on: np.datetime64) -> Table:
    """Young couples, divorces, and people alone on the roll who married lately."""
    f = world.families
    n, draw = f.people, rng.random(f.people)
    partner = np.full(n, -1)
    spouses = np.flatnonzero((f.slot == SPOUSE) & world.alive)
    heads = f.start[f.household[spouses]]
    both = world.alive[heads]
    partner[spouses[both]], partner[heads[both]] = heads[both], spouses[both]
    couple = (partner >= 0) & (f.age < 45) & (draw[f.start[f.household]] < 0.05)
    alone = world.recipient & world.alive & (f.age >= 22) & (f.per_household(world.alive)[f.household] == 1)
    groups: list[Table] = []
    for mask, least, most, event in ((couple, 20, 1500, MARRIED), (alone & (draw < 0.03), 10, 340, MARRIED), (alone & (draw > 0.97), 10, 900, 1)):
        person = np.flatnonzero(mask)
        days = days_back(rng, on, n, least, most)
        day = days[np.where(partner[person] >= 0, f.start[f.household[person]], person)]
        groups.append({"person": person, "event": np.full(len(person), event), "registered_on": day, "spouse": partner[person]})
    return stack(groups)


def _refusals(world: World, rng: np.random.Generator, on: np.datetime64) -> Days:
    """One household in fifty without an award asked for help and was refused, two to twenty months ago."""
    f = world.families
    asked = ~f.any_member(world.recipient) & (f.per_household(world.alive) > 0) & (rng.random(f.households) < 0.02)
    month = on.astype("datetime64[M]") - rng.integers(2, 20, f.households)
    return np.where(asked, month.astype("datetime64[D]"), NEVER)


def _illnesses(world: World, rng: np.random.Generator, on: np.datetime64, refused: Days) -> Table:
    """Whoever is seriously ill, diagnosed at any time; of the refused households two in five fell ill since."""
    f = world.families
    person = np.flatnonzero(world.ill & (rng.random(f.people) < 0.9))
    known = {"person": person, "disease": world.illness[person], "diagnosed_on": days_back(rng, on, len(person), 5, 1500)}
    since = refused[f.household]
    struck = np.flatnonzero(first_living(world) & ~world.ill & ~np.isnat(since) & (rng.random(f.people) < 0.4))
    room = (on - since[struck]).astype(np.int64)
    day = since[struck] + (5 + rng.random(len(struck)) * (room - 10)).astype("timedelta64[D]")
    table = stack([known, {"person": struck, "disease": world.illness[struck], "diagnosed_on": day}])
    keep = (table["diagnosed_on"] >= f.birth[table["person"]]) & ~(table["diagnosed_on"] > world.died[table["person"]])
    return {name: column[keep] for name, column in table.items()}


def _unemployment(world: World, rng: np.random.Generator, on: np.datetime64) -> Table:
    f = world.families
    earning = world.alive & (f.age >= 18) & (f.age < 60) & (world.income.wage > 0)
    person = np.flatnonzero(earning & (rng.random(f.people) < 0.03))
    n = len(person)
    registered = days_back(rng, on, n, 5, 480)
    insured = rng.random(n) < 0.4
    until = np.where(insured, _later(registered, rng, 90, 540), NEVER)
    return {
        "person": person, "registered_on": registered, "status": (rng.random(n) < 0.25).astype(np.int64),
        "reason": rng.integers(0, len(WORK_REASONS), n), "benefit": np.where(insured, 160_000, 0), "benefit_until": until,
    }  # fmt: skip


def _tax(world: World, rng: np.random.Generator, on: np.datetime64) -> Table:
    """Payments for work without a contract, trade and rent in four of the last twelve months."""
    f = world.families
    adult = world.alive & (f.age >= 18) & (f.age < 66)
    draw = rng.random(f.people)
    helped = adult & world.recipient & (world.grade == 0)
    groups: list[Table] = []
    for mask, low, high in ((adult & ~world.recipient & (draw < 0.03), 200_000, 3_000_000), (helped & (draw < 0.04), 400_000, 1_500_000),
                            (helped & (draw > 0.93), 5_000, 40_000)):  # fmt: skip
        person = np.flatnonzero(mask)
        n = len(person)
        kind, each = rng.integers(0, len(INCOMES), n), rng.integers(low, high, n)
        for back in (11, 8, 5, 2):
            month = np.full(n, on.astype("datetime64[M]") - back)
            groups.append({"person": person, "month": month, "kind": kind, "income": each, "payer": person % 300})
    return stack(groups)


def _housing_fund(world: World, rng: np.random.Generator, on: np.datetime64, hidden: Ints) -> Table:
    """Three months of those with a contract, and of half of those whose wages the registry does not know."""
    draw = rng.random(world.families.people)
    known = world.work.formal & world.alive & (world.income.wage > 0) & (draw < 0.6)
    unknown = (hidden > 0) & (draw < 0.5)
    person = np.flatnonzero(known | unknown)
    base = np.where(unknown, hidden, world.income.wage // 12)[person]
    employer, balance = rng.integers(0, 400, len(person)), base * rng.integers(2, 40, len(person))
    months = (on.astype("datetime64[M]") - np.array([3, 2, 1])).repeat(len(person))
    columns = {"person": person, "base": base, "employer": employer, "balance": balance}
    return {"month": months, **{name: np.tile(column, 3) for name, column in columns.items()}}


def _bank_assets(world: World, rng: np.random.Generator, on: np.datetime64) -> Table:
    """The answers about recipients' households and some others, with authorisation; a few deposits that nobody declared."""
    f = world.families
    adult, first = world.alive & (f.age >= 18), first_living(world)
    helped = f.any_member(world.recipient)[f.household]
    draw = rng.random(f.people)
    limit = 24 * world.amounts.standard[f.household] * f.per_household(world.alive)[f.household]
    rich = limit + (limit * rng.random(f.people) * 2).astype(np.int64) + 100_000
    small = (rng.gamma(0.8, 40_000, f.people)).astype(np.int64)
    groups: list[Table] = []
    for mask, least, most, kind, sums in (
        (adult & helped, 3, 60, 0, np.where(first, np.minimum(world.owned.assets[f.household], limit // 3), small)),
        (first & helped & (draw < 0.025), 3, 60, 1, rich),
        (first & helped & (draw > 0.985), 400, 700, 2, rich),
        (first & ~helped & (draw < 0.02), 3, 60, 0, rich),
    ):
        person = np.flatnonzero(mask)
        n = len(person)
        groups.append(
            {"person": person, "kind": np.full(n, kind), "institution": rng.integers(0, len(INSTITUTIONS), n), "balance": sums[person],
             "checked_on": days_back(rng, on, n, least, most)}
        )  # fmt: skip
    return stack(groups)


def _monitoring(world: World, rng: np.random.Generator, on: np.datetime64) -> Table:
    f = world.families
    draw = rng.random(f.people)
    poor = world.poor[f.household]
    person = np.flatnonzero(first_living(world) & ~world.urban[f.household] & (draw < np.where(poor, 0.2, 0.008)))
    n = len(person)
    identified = days_back(rng, on, n, 60, 700)
    removed = np.where(rng.random(n) < 0.35, np.minimum(_later(identified, rng, 30, 300), on - 1), NEVER)
    return {
        "person": person, "kind": rng.integers(0, len(WATCHES), n), "risk": rng.integers(0, len(RISKS), n), "identified_on": identified,
        "removed_on": removed,
    }  # fmt: skip


def _disasters(world: World, rng: np.random.Generator, on: np.datetime64) -> Table:
    person = np.flatnonzero(first_living(world) & (rng.random(world.families.people) < 0.012))
    n = len(person)
    damage = rng.choice(4, n, p=[0.35, 0.35, 0.2, 0.1])
    loss = (rng.gamma(1.2, 6_000 + 9_000 * damage, n)).astype(np.int64) * 100
    return {
        "person": person,
        "kind": rng.choice(4, n, p=[0.3, 0.4, 0.2, 0.1]),
        "happened_on": days_back(rng, on, n, 2, 420),
        "damage": damage,
        "loss": loss,
    }


def _detention(world: World, rng: np.random.Generator, on: np.datetime64) -> Table:
    """Prison, custody, treatment, missing people: few of everybody, and every fourth parent whom the other's death left alone."""
    f = world.families
    adult = world.alive & (f.age >= 18) & (f.age < 65)
    draw = rng.random(f.people)
    widowed = adult & (f.kind[f.household] == Kind.ONE_PARENT_DEAD) & (f.slot == HEAD)
    person = np.flatnonzero(adult & (draw < np.where(widowed, 0.3, np.where(world.recipient, 0.012, 0.003))))
    n = len(person)
    kind = rng.choice(4, n, p=[0.5, 0.1, 0.25, 0.15])
    start = days_back(rng, on, n, 20, 900)
    until = np.where(kind == MISSING, NEVER, _later(start, rng, 150, 2500))
    return {"person": person, "kind": kind, "from_on": start, "until_on": until}


def _student_aid(world: World, rng: np.random.Generator, on: np.datetime64) -> Table:
    f = world.families
    aided = (world.stage > 0) & world.alive & (rng.random(f.people) < np.where(world.poor[f.household], 0.4, 0.02))
    person = np.flatnonzero(aided)
    n = len(person)
    return {
        "person": person, "school": rng.integers(0, 9, n), "kind": rng.integers(0, len(AIDS), n), "level": rng.choice(3, n, p=[0.4, 0.3, 0.3]),
        "month": np.full(n, on.astype("datetime64[M]") - 2), "amount": rng.integers(3, 20, n) * 10_000,
    }  # fmt: skip


def _elsewhere(world: World, rng: np.random.Generator, on: np.datetime64, counties: int) -> Table:
    """Awards of other counties: running ones beside an award here, ended ones, and of people who get nothing here."""
    f = world.families
    draw = rng.random(f.people)
    groups: list[Table] = []
    for mask, running in (
        (world.recipient & world.alive & (draw < 0.012), True),
        (world.recipient & world.alive & (draw > 0.985), False),
        (~world.recipient & world.alive & (f.age >= 18) & (draw < 0.002), True),
    ):
        person = np.flatnonzero(mask)
        n = len(person)
        month = on.astype("datetime64[M]")
        ends = np.full(n, np.datetime64("NaT", "M")) if running else month - rng.integers(0, 12, n)
        groups.append(
            {"person": person, "programme": np.where(world.on_tekun[person], 1, 0), "place": rng.integers(0, counties, n),
             "starts": month - rng.integers(13, 40, n), "ends": ends, "amount": rng.integers(200, 600, n) * 100}
        )  # fmt: skip
    return stack(groups)


def make_events(rng: np.random.Generator, world: World, records: Records, counties: int, on: np.datetime64) -> Events:
    """The tables of the block that `records` has not; each from a random stream of its own."""
    streams = iter(rng.spawn(13))
    refused = _refusals(world, next(streams), on)
    tables = {
        "residence_permits": _permits(world, next(streams), on, counties),
        "marriages": _marriages(world, next(streams), on),
        "serious_illness": _illnesses(world, next(streams), on, refused),
        "unemployment": _unemployment(world, next(streams), on),
        "tax": _tax(world, next(streams), on),
        "housing_fund": _housing_fund(world, next(streams), on, records.hidden_wage),
        "bank_assets": _bank_assets(world, next(streams), on),
        "monitoring_list": _monitoring(world, next(streams), on),
        "disasters": _disasters(world, next(streams), on),
        "detention": _detention(world, next(streams), on),
        "student_aid": _student_aid(world, next(streams), on),
        "assistance_elsewhere": _elsewhere(world, next(streams), on, counties),
    }
    return Events(tables, refused)
