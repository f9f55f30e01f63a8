"""Work, incomes, property and who is helped already. Money is in whole fen, incomes are totals of twelve months."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .amounts import Amounts
from .structure import HEAD, SPOUSE, Bools, Families, Floats, Ints, Kind, orphaned

ALONE = (Kind.OLD_ALONE, Kind.ADULT_ALONE)
OUTSIDE_PLACES = (
    ("440306", "440106", "441900", "330110", "330481", "320505", "320281", "310115", "110105", "120116", "420111", "610112", "650102", "350203")
)  # fmt: skip
RESIDENT_PENSION = 11_300
"""Fen a month: basic part of the residents' pension in Henan in 2022. It is no income (domain.md: not income) and so in no sum here."""


@dataclass(frozen=True, slots=True)
class Work:
    """`workplace`: position among the province's counties, or in OUTSIDE_PLACES where `outside`. `formal`: insured in the province."""

    away: Bools
    outside: Bools
    workplace: Ints
    formal: Bools
    wage: Ints


@dataclass(frozen=True, slots=True)
class Income:
    """By person; `land` is part of `business`, `pension` (of former employees) part of `transfer`. By household: `h_total`, `h_farmland` (mu),
    `h_counted` (total for dibao's own test: without land income where the land rule applies) and `h_paid_standard` (fen a month)."""

    wage: Ints
    business: Ints
    land: Ints
    property: Ints
    transfer: Ints
    pension: Ints
    resident_pension: Bools
    h_total: Ints
    h_living: Ints
    h_farmland: Floats
    h_counted: Ints
    h_paid_standard: Ints


@dataclass(frozen=True, slots=True)
class Awards:
    """Running awards as the registry has them, by person (so the unreported dead are among them); `h_` amounts in fen a month by household."""

    dibao: Bools
    single: Bools
    tekun: Bools
    nursing: Bools
    living: Bools
    orphan: Bools
    unsupported: Bools
    h_dibao_amount: Ints


@dataclass(frozen=True, slots=True)
class Property:
    """By household, as the registry knows it: fen, numbers, m2; `rigid`: necessary own spending of twelve months."""

    assets: Ints
    vehicles: Ints
    dwellings: Ints
    floor_area: Ints
    rigid: Ints


def make_work(rng: np.random.Generator, f: Families, able: Bools, poor: Bools, urban: Bools, counties: int) -> Work:
    """Two of five able adults of the villages work away, nearly half of them outside the province."""
    n = f.people
    share = np.select([f.age < 30, f.age < 40, f.age < 50], [0.52, 0.48, 0.36], 0.22) * np.where(poor, 0.35, 1) * np.where(urban, 0.5, 1)
    away = able & (rng.random(n) < share)
    # Where children would be left without a grown-up, one parent mostly stays: in seven families of eight.
    alone = f.any_member(f.age < 16) & ~f.any_member((f.age >= 18) & ~away)
    away &= ~(alone & (np.arange(f.households) % 8 != 0))[f.household] | (
        f.slot != np.where(f.any_member(f.slot == SPOUSE), SPOUSE, HEAD)[f.household]
    )
    outside = away & (rng.random(n) < 0.45)
    workplace = np.where(outside, rng.integers(0, len(OUTSIDE_PLACES), n), rng.integers(0, counties, n))
    local = able & ~away & (rng.random(n) < np.where(urban, 0.6, 0.35))
    formal = (away & ~outside & (rng.random(n) < 0.45)) | (local & (rng.random(n) < 0.4))
    wage = np.select([away, local], [np.exp(rng.normal(10.62, 0.33, n)), np.exp(rng.normal(10.05, 0.35, n))], 0.0) * 100
    return Work(away, outside, workplace, formal, wage.astype(np.int64))


def make_income(rng: np.random.Generator, f: Families, work: Work, alive: Bools, able: Bools, poor: Bools, urban: Bools, amounts: Amounts) -> Income:
    """Incomes by class. Poor households are brought below the standard (small ones) or just above it (larger ones), others above 1.2 times of it."""
    n, h = f.people, f.households
    p_poor, p_urban = poor[f.household], urban[f.household]
    first_living = np.zeros(n, dtype=bool)
    order = np.flatnonzero(alive)
    first_living[order[np.unique(f.household[order], return_index=True)[1]]] = True
    living = np.maximum(f.per_household(alive), 1)

    farmland = np.where(urban, 0, np.round(f.size * rng.gamma(4, 0.3, h), 1))
    land = np.where(first_living, farmland[f.household] * rng.normal(820, 120, n).clip(300), 0) * 100
    trade = np.where(first_living & able & (rng.random(n) < 0.12), np.exp(rng.normal(10.2, 0.5, n)), 0) * 100
    interest = np.where(first_living & (rng.random(n) < 0.12), rng.gamma(2, 600, n), 0) * 100
    old = alive & (f.age >= 60)
    worker_pension = old & ~p_poor & (rng.random(n) < np.where(p_urban, 0.5, 0.07))
    pension = np.floor(np.where(worker_pension, np.exp(rng.normal(7.95, 0.3, n)) * 12, 0) * 100)
    remittance = np.where(first_living & ~p_poor & (f.age >= 60), rng.gamma(2, 3500, n), 0) * 100
    streams = np.vstack([work.wage, trade, land, interest, pension + remittance])
    streams[:, ~alive] = 0

    land_rule = farmland / f.size >= amounts.land_threshold
    paid_standard = np.where(land_rule, np.rint(amounts.standard * amounts.land_share), amounts.standard).astype(np.int64)
    left_out = np.where(land_rule, np.add.reduceat(streams[2], f.start), 0)
    per_head = (np.add.reduceat(streams.sum(axis=0), f.start) - left_out) / living / 12
    above = (f.size >= 3) & (rng.random(h) < 0.9)
    aim = np.where(above, rng.uniform(1.0, 1.42, h) * amounts.standard, (rng.beta(1.4, 1.3, h) * 1.05 + 0.05) * paid_standard)
    factor = np.where(poor & (per_head > aim), aim / per_head.clip(1), 1.0)
    streams = np.floor(streams * factor[f.household])
    least = np.where(poor, aim, rng.uniform(1.2, 3.0, h) * amounts.standard)
    short = np.where(per_head < least, (least - per_head) * living * 12, 0)
    streams[4] += np.where(first_living, short[f.household], 0)
    wage, trade_fen, land_fen, interest_fen, transfer = np.floor(streams).astype(np.int64)
    total = np.add.reduceat(wage + trade_fen + land_fen + interest_fen + transfer, f.start)
    counted = total - np.where(land_rule, np.add.reduceat(land_fen, f.start), 0)
    return Income(
        wage=wage,
        business=trade_fen + land_fen,
        land=land_fen,
        property=interest_fen,
        transfer=transfer,
        pension=np.where(worker_pension, pension, 0).astype(np.int64),
        resident_pension=old & ~worker_pension,
        h_total=total,
        h_living=living,
        h_farmland=farmland,
        h_counted=counted,
        h_paid_standard=paid_standard,
    )


def make_awards(
    rng: np.random.Generator,
    f: Families,
    income: Income,
    alive: Bools,
    death_known: Bools,
    poor: Bools,
    grade: Ints,
    registry_grade: Ints,
    amounts: Amounts,
) -> Awards:
    """Who is helped already: most of those who fit, and some of the dead whose death the registry has not heard of."""
    n, h = f.people, f.households
    kind = f.kind[f.household]
    severe = (grade >= 1) & (grade <= 2)
    believed = alive | ~death_known
    below = income.h_counted < income.h_paid_standard * income.h_living * 12 * 0.99
    # Tekun: alone, without labour capacity and without obligor. Dibao: below the standard.
    no_capacity = f.any_member(alive & ((f.age >= 60) | severe))
    h_tekun = poor & np.isin(f.kind, ALONE) & below & no_capacity & (rng.random(h) < 0.36)
    h_dibao = poor & ~h_tekun & below & (rng.random(h) < 0.92)
    tekun = h_tekun[f.household] & believed
    dibao = h_dibao[f.household] & believed
    # Single-person inclusion (单人户): the severely disabled member of a marginal family alone.
    at_least = income.h_total >= amounts.standard * income.h_living * 12
    marginal = poor & at_least & (income.h_total < 1.5 * 12 * amounts.standard * income.h_living)
    single = marginal[f.household] & severe & believed & ~dibao & (rng.random(n) < 0.92)
    # Alone and dead without the registry knowing: still on the roll as before.
    dibao |= ~alive & believed & np.isin(kind, ALONE) & poor[f.household] & ~tekun & (rng.random(n) < 0.8)
    single &= ~dibao & ~tekun
    orphan = orphaned(f, ~alive) & alive
    allowance = orphan & (rng.random(n) < 0.55) & death_known[f.father] & death_known[f.mother]
    dibao, single = dibao & ~orphan, single & ~orphan
    unsupported = alive & (f.age < 18) & (kind == Kind.ONE_PARENT_DEAD) & (rng.random(n) < 0.15)

    certified = believed & (registry_grade > 0)
    nursing = certified & (registry_grade <= 2) & ~tekun & (rng.random(n) < 0.9)
    living = certified & (dibao | single) & (rng.random(n) < 0.85)

    members = np.add.reduceat(dibao.astype(np.int64), f.start)
    # The gap: standard less income per head, times members, half up to the fen. At least 1% of the standard, as awards are positive.
    income_share = (income.h_counted * members * 2 + 12 * income.h_living) // (2 * 12 * income.h_living)
    gap = np.maximum(income.h_paid_standard * members - income_share, income.h_paid_standard // 100)
    return Awards(dibao, single, tekun, nursing, living, allowance, unsupported, np.where(members > 0, gap, 0))


def make_property(rng: np.random.Generator, f: Families, poor: Bools, ill_member: Bools) -> Property:
    """Poor households have little money, mostly one home and no car."""
    h = f.households
    assets = (rng.gamma(0.8, 1.0, h) * np.where(poor, 3_000, 45_000)).astype(np.int64) * 100
    dwellings = np.where(rng.random(h) < np.where(poor, 0.02, 0.01), 0, np.where(~poor & (rng.random(h) < 0.07), 2, 1))
    floor_area = (rng.normal(105, 25, h).clip(35) * dwellings).astype(np.int64)
    vehicles = (~poor & (rng.random(h) < 0.24)).astype(np.int64)
    rigid = np.where(ill_member & (rng.random(h) < 0.5), rng.gamma(2, 4_000, h), 0).astype(np.int64) * 100
    return Property(assets, vehicles, dwellings, floor_area, rigid)
