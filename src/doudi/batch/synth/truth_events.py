"""The truth table's part about `events`: who is really in a situation that the newer datasets show."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .events import MARRIED, MISSING, SERIOUS_DAMAGE, SPECIAL, UNEMPLOYED, first_living
from .records import Table
from .structure import Bools, Days, Ints
from .truth import AWAY, INCOME, Known, flag
from .world import World

LINE = 1.5
SHARE = 0.5
LOSS = 20_000 * 100
ASSET_MONTHS = 24
OLD, CHILD = 70, 16

EVENT_SOURCES: dict[str, tuple[str, ...]] = {
    "serious_illness_listed": ("serious_illness", INCOME),
    "breadwinner_unemployed": ("unemployment", INCOME),
    "breadwinner_died": (INCOME,),
    "disaster_hit": ("disasters",),
    "refused_worse": (),
    "monitoring_unhelped": ("monitoring_list", INCOME),
    "student_aid_unhelped": ("student_aid", INCOME),
    "old_alone_no_contact": (),
    "unsupported_child": (),
    "child_left_alone": (AWAY,),
    "school_dropout": ("education",),
    "recipient_housing_fund": ("housing_fund",),
    "recipient_taxed_income": ("tax",),
    "recipient_assets": ("bank_assets",),
    "recipient_elsewhere": ("assistance_elsewhere",),
    "recipient_moved_away": ("moves",),
    "recipient_detained": ("detention",),
    "recipient_married": ("marriages",),
}
"""Indicators and the datasets whose row about the person shows them; none where other people's rows do."""

Add = Callable[..., None]


def _running(until: Days, on: np.datetime64) -> Bools:
    return np.isnat(until) | (until > on)


def event_situations(add: Add, world: World, known: Known, hidden_wage: Ints, on: np.datetime64) -> None:
    """Adds the true situations and near misses (`add`: indicator, mask of people, masks of near misses by note)."""
    _to_help(add, world, known.tables, known, on)
    _children(add, world, known.tables, on)
    _to_check(add, world, known.tables, known, hidden_wage, on)


def _to_help(add: Add, world: World, tables: dict[str, Table], known: Known, on: np.datetime64) -> None:
    f, alive = world.families, world.alive
    n, home = f.people, f.household
    year = on - 365
    helped = f.any_member(world.recipient)[home]
    members = f.per_household(alive)[home]
    line = LINE * 12 * world.amounts.standard[home] * members
    total = world.income.h_total[home]
    low = (total < line) & ~helped

    ill = tables["serious_illness"]
    listed = flag(n, ill["person"], (ill["diagnosed_on"] > year))
    add("serious_illness_listed", listed & alive & low, income_high_enough=listed & alive & (total >= line), recipient=listed & alive & helped)

    lost = tables["unemployment"]
    counts = (lost["status"] == UNEMPLOYED) & (lost["registered_on"] > year)
    own = world.income.wage + world.income.business + world.income.property + world.income.transfer
    benefit = np.zeros(n, dtype=np.int64)
    running = np.isnat(lost["benefit_until"]) | (lost["benefit_until"] >= on)
    benefit[lost["person"]] = np.where(running, lost["benefit"], 0)
    rest = total - own + 12 * benefit
    jobless = flag(n, lost["person"], counts) & alive & ~helped & (members >= 2)
    main = (own > 0) & (own >= SHARE * total)
    add(
        "breadwinner_unemployed", jobless & main & (rest < line),
        others_earn_enough=jobless & main & (rest >= line), not_the_main_income=jobless & ~main,
        back_at_work=flag(n, lost["person"], lost["status"] != UNEMPLOYED),
    )  # fmt: skip

    dead = tables["deaths"]
    working_age = (f.age >= 18) & (f.age < 60)
    died = flag(n, dead["person"], (dead["died_on"] > year) & (dead["died_on"] <= on)) & working_age
    bereaved = f.any_member(died)[home] & first_living(world)
    add("breadwinner_died", bereaved & low, income_high_enough=bereaved & (total >= line), recipient=bereaved & helped)

    blow = tables["disasters"]
    heavy = (blow["damage"] >= SERIOUS_DAMAGE) | (blow["loss"] >= LOSS)
    lately = blow["happened_on"] > on - 180
    add(
        "disaster_hit", flag(n, blow["person"], heavy & lately) & alive, small=flag(n, blow["person"], ~heavy & lately),
        long_ago=flag(n, blow["person"], heavy & ~lately),
    )  # fmt: skip

    since = known.refused[home]
    worse = np.zeros(n, dtype=bool)
    for dataset, day in (
        ("serious_illness", "diagnosed_on"),
        ("disability", "issued_on"),
        ("unemployment", "registered_on"),
        ("disasters", "happened_on"),
    ):
        rows = tables[dataset]
        worse |= flag(n, rows["person"], rows[day] > since[rows["person"]])
    refused = ~np.isnat(since) & (since > on - 730)
    add("refused_worse", worse & refused & alive & ~helped, nothing_new=refused & alive & first_living(world) & ~worse)

    watch = tables["monitoring_list"]
    open_ = flag(n, watch["person"], _running(watch["removed_on"], on))
    add(
        "monitoring_unhelped",
        open_ & alive & low,
        recipient=open_ & helped,
        risk_removed=flag(n, watch["person"], ~_running(watch["removed_on"], on)),
    )

    aid = tables["student_aid"]
    special = flag(n, aid["person"], aid["level"] == SPECIAL)
    add("student_aid_unhelped", special & alive & low, recipient=special & helped, income_high_enough=special & (total >= line))

    alone = alive & (members == 1) & (f.age >= OLD)
    silent = alone & known.no_phone & ~world.on_tekun
    add("old_alone_no_contact", silent, has_a_phone=alone & ~known.no_phone, on_tekun=alone & world.on_tekun)


def _children(add: Add, world: World, tables: dict[str, Table], on: np.datetime64) -> None:
    f, alive = world.families, world.alive
    n = f.people
    both = (f.father >= 0) & (f.mother >= 0)
    held_rows = tables["detention"]
    held = flag(n, held_rows["person"], _running(held_rows["until_on"], on))
    severe = flag(n, tables["disability"]["person"], tables["disability"]["grade"] <= 2)
    ill = flag(n, tables["serious_illness"]["person"], np.ones(len(tables["serious_illness"]["person"]), dtype=bool))
    cannot = ~alive | held | severe | ill
    without = both & cannot[f.father] & cannot[f.mother] & (alive[f.father] | alive[f.mother])
    minor = alive & (f.age < 18)
    one = both & (cannot[f.father] ^ cannot[f.mother])
    paid = world.awards.unsupported | world.awards.orphan
    add("unsupported_child", minor & without & ~paid, allowance_running=minor & without & paid, one_parent_can=minor & one)

    away = world.work.away & alive
    at_home = f.per_household(alive & (f.age >= 18) & ~away)[f.household] > 0
    young = alive & (f.age < CHILD)
    gone = both & away[f.father] & away[f.mother]
    add("child_left_alone", young & gone & ~at_home, grandparents_at_home=young & gone & at_home)

    school = tables["education"]
    out = flag(n, school["person"], school["status"] == 2)
    add("school_dropout", out & alive & (f.age < 18), suspended=flag(n, school["person"], school["status"] == 1))


def _to_check(add: Add, world: World, tables: dict[str, Table], known: Known, hidden_wage: Ints, on: np.datetime64) -> None:
    f, alive, recipient = world.families, world.alive, world.recipient
    n, home = f.people, f.household
    year = on - 365
    standard = world.amounts.standard[home]
    running = recipient & alive

    fund = tables["housing_fund"]
    base = np.bincount(fund["person"], fund["base"], n) / 3
    declared = world.income.wage > 0
    add("recipient_housing_fund", running & (base > LINE * standard) & ~declared, known_to_registry=running & (base > 0) & declared)

    tax = tables["tax"]
    own = world.income.wage + world.income.business + world.income.property + world.income.transfer
    taxed = np.bincount(tax["person"], tax["income"], n)
    beyond = (taxed - own) / 12 > standard
    add("recipient_taxed_income", running & beyond, small=running & (taxed > 0) & ~beyond, no_recipient=beyond & ~recipient)

    bank = tables["bank_assets"]
    fresh = bank["checked_on"] > year
    balance = np.bincount(bank["person"], np.where(fresh, bank["balance"], 0), n)
    balance = np.where(alive, balance, 0)
    together = f.per_household(balance.astype(np.int64))[home]
    counted = flag(n, bank["person"], fresh) & alive
    order = np.flatnonzero(counted)
    first = np.zeros(n, dtype=bool)
    first[order[np.unique(home[order], return_index=True)[1]]] = True
    members = f.per_household(alive)[home]
    rich = together > ASSET_MONTHS * standard * members
    helped = f.any_member(recipient)[home]
    add("recipient_assets", first & rich & helped, below=first & helped & ~rich, no_recipient=first & rich & ~helped)

    other = tables["assistance_elsewhere"]
    abroad = (other["place"] != known.county[other["person"]]) & (np.isnat(other["ends"]) | (other["ends"] > on.astype("datetime64[M]")))
    add("recipient_elsewhere", flag(n, other["person"], abroad) & running, ended=flag(n, other["person"], ~abroad) & running)

    moves = tables["moves"]
    out = ~moves["inwards"] & (moves["other"] != known.county[moves["person"]]) & (moves["moved_on"] > year)
    add("recipient_moved_away", flag(n, moves["person"], out) & running, moved_in=flag(n, moves["person"], moves["inwards"]) & running)

    held = tables["detention"]
    now = (held["kind"] != MISSING) & _running(held["until_on"], on)
    add("recipient_detained", flag(n, held["person"], now) & running, set_free_or_missing=flag(n, held["person"], ~now) & running)

    weddings = tables["marriages"]
    lately = (weddings["event"] == MARRIED) & (weddings["registered_on"] > year)
    alone = (members == 1) | world.on_tekun
    add(
        "recipient_married", flag(n, weddings["person"], lately) & running & alone, divorced=flag(n, weddings["person"], ~lately) & running & alone,
        household_known=flag(n, weddings["person"], lately) & running & ~alone,
    )  # fmt: skip
