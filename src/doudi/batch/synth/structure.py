"""Households and their members: who lives with whom, how old, of what sex.

Every household is a row of eleven slots (head, spouse, parents, children, a child's spouse, grandchildren); a slot is filled or
not by the household's type. So a block of households is a few matrices, and no Python runs per person.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from .names import draw_surnames

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]

HEAD, SPOUSE, FATHER, MOTHER, CHILD, CHILD2, CHILD3, IN_LAW, GRANDCHILD, GRANDCHILD2, GRANDCHILD3 = range(11)
SLOTS = 11
YEAR = 365.2425


class Kind(IntEnum):
    """Types of household. The order is that of the columns in TYPES."""

    OLD_ALONE = 0
    ADULT_ALONE = 1
    OLD_COUPLE = 2
    COUPLE = 3
    PARENTS_CHILDREN = 4
    WITH_GRANDPARENTS = 5
    WITH_CHILDS_FAMILY = 6
    GRANDPARENTS_GRANDCHILDREN = 7
    ONE_PARENT = 8
    OLD_PARENT_ADULT_CHILD = 9
    ORPHANS = 10
    ONE_PARENT_DEAD = 11


# share of households, youngest and oldest head, share of male heads, share of poor households
TYPES: dict[Kind, tuple[float, int, int, float, float]] = {
    Kind.OLD_ALONE: (0.09, 62, 92, 0.44, 0.55),
    Kind.ADULT_ALONE: (0.05, 30, 61, 0.85, 0.45),
    Kind.OLD_COUPLE: (0.12, 60, 85, 0.95, 0.08),
    Kind.COUPLE: (0.09, 45, 61, 0.93, 0.05),
    Kind.PARENTS_CHILDREN: (0.262, 24, 52, 0.9, 0.08),
    Kind.WITH_GRANDPARENTS: (0.13, 27, 54, 0.93, 0.09),
    Kind.WITH_CHILDS_FAMILY: (0.14, 50, 72, 0.9, 0.09),
    Kind.GRANDPARENTS_GRANDCHILDREN: (0.04, 54, 77, 0.75, 0.05),
    Kind.ONE_PARENT: (0.031, 26, 50, 0.35, 0.18),
    Kind.OLD_PARENT_ADULT_CHILD: (0.04, 60, 84, 0.5, 0.27),
    Kind.ORPHANS: (0.002, 58, 78, 0.7, 0.3),
    Kind.ONE_PARENT_DEAD: (0.005, 28, 50, 0.3, 0.15),
}
_SHARES = np.array([row[0] for row in TYPES.values()])
_SHARES = _SHARES / _SHARES.sum()
_YOUNGEST = np.array([row[1] for row in TYPES.values()])
_OLDEST = np.array([row[2] for row in TYPES.values()])
_MALE_HEAD = np.array([row[3] for row in TYPES.values()])
POOR_SHARE = np.array([row[4] for row in TYPES.values()])


@dataclass(slots=True)
class Families:
    """One block. Per household: `kind`, `start` (position of its first member), `size`. Per person: the rest; `father` and `mother` are
    positions in the block or -1."""

    kind: Ints
    start: Ints
    size: Ints
    household: Ints
    slot: Ints
    male: Bools
    birth: Days
    age: Ints
    surname: Ints
    relationship: Ints
    father: Ints
    mother: Ints

    @property
    def households(self) -> int:
        return len(self.kind)

    @property
    def people(self) -> int:
        return len(self.slot)

    def per_household(self, values: Bools | Ints) -> Ints:
        """Sum (numbers) or count (bools) of a person column by household."""
        return np.add.reduceat(values.astype(np.int64, copy=False), self.start)

    def any_member(self, values: Bools) -> Bools:
        return np.logical_or.reduceat(values, self.start)


def completed_years(birth: Days, on: np.datetime64) -> Ints:
    """Age in completed years; a birthday on 29 February is reached on 1 March of common years."""
    years = on.astype("datetime64[Y]").astype(np.int64) - birth.astype("datetime64[Y]").astype(np.int64)
    month = birth.astype("datetime64[M]")
    birth_key = (month.astype(np.int64) % 12) * 32 + (birth - month.astype("datetime64[D]")).astype(np.int64)
    on_month = on.astype("datetime64[M]")
    on_key = int(on_month.astype(np.int64)) % 12 * 32 + int((on - on_month.astype("datetime64[D]")).astype(np.int64))
    return years - (birth_key > on_key)


def _folded(age: Floats, least: float, share: float = 1.0) -> Floats:
    """Ages below `least` come to lie above it, by `share` of what they were below: cut off there they would all have one birthday, and a
    province has fewer ID numbers for a day than such a cut gives people."""
    return np.where(age < least, least + share * (least - age), age)


def _slots(rng: np.random.Generator, kind: Ints) -> tuple[Bools, Floats, Bools]:
    """Which slots are filled, ages in years and sexes (True = male), each of shape (households, SLOTS)."""
    n = len(kind)
    here = np.zeros((n, SLOTS), dtype=bool)
    age = np.zeros((n, SLOTS))
    male = np.zeros((n, SLOTS), dtype=bool)
    draw = rng.random((n, 24))
    is_ = {each: kind == each for each in Kind}

    head_age = _YOUNGEST[kind] + (_OLDEST[kind] - _YOUNGEST[kind]) * rng.beta(1.6, 2.0, n)
    here[:, HEAD], age[:, HEAD], male[:, HEAD] = True, head_age, draw[:, 0] < _MALE_HEAD[kind]

    couple = np.isin(kind, (Kind.OLD_COUPLE, Kind.COUPLE, Kind.PARENTS_CHILDREN, Kind.WITH_GRANDPARENTS, Kind.ONE_PARENT_DEAD))
    sometimes = np.isin(kind, (Kind.WITH_CHILDS_FAMILY, Kind.GRANDPARENTS_GRANDCHILDREN, Kind.ORPHANS)) & (draw[:, 1] < 0.75)
    here[:, SPOUSE] = couple | sometimes | (is_[Kind.OLD_PARENT_ADULT_CHILD] & (draw[:, 1] < 0.35))
    gap = rng.normal(1.5, 2.5, n)
    age[:, SPOUSE] = _folded(head_age - np.where(male[:, HEAD], gap, -gap), 20.5)
    male[:, SPOUSE] = ~male[:, HEAD]

    parents = is_[Kind.WITH_GRANDPARENTS]
    age[:, FATHER] = head_age + 23 + 9 * draw[:, 2]
    age[:, MOTHER] = (age[:, FATHER] - 3 + 4 * draw[:, 3]).clip(head_age + 18)
    male[:, FATHER] = True
    here[:, MOTHER] = parents & (draw[:, 4] < 0.75) & (age[:, MOTHER] < 98)
    here[:, FATHER] = parents & (age[:, FATHER] < 97) & ((draw[:, 5] < 0.5) | ~here[:, MOTHER])

    # Children of the head. The first one lives at home always while young, later only if not yet married.
    with_children = np.isin(kind, (Kind.PARENTS_CHILDREN, Kind.WITH_GRANDPARENTS, Kind.ONE_PARENT, Kind.ONE_PARENT_DEAD))
    younger = np.where(here[:, SPOUSE], np.minimum(head_age, age[:, SPOUSE]), head_age)
    first = younger - 20.5 - 9 * draw[:, 6]
    must = np.isin(kind, (Kind.ONE_PARENT, Kind.ONE_PARENT_DEAD))
    first = np.where(must, -_folded(-_folded(first, 0.5, 0.2), -17.5, 0.7), first)
    second, third = first - 1.5 - 5 * draw[:, 7], first - 7 - 5 * draw[:, 8]
    for slot, child_age, share in ((CHILD, first, 1.0), (CHILD2, second, 0.58), (CHILD3, third, 0.17)):
        at_home = (child_age < 22) | (draw[:, 9 + slot - CHILD] < 0.45)
        age[:, slot] = child_age
        here[:, slot] = with_children & (child_age >= 0) & at_home & (draw[:, 12 + slot - CHILD] < share)

    # An adult child: with a family of its own, unmarried beside an old parent, or dead (orphans living with grandparents).
    family = is_[Kind.WITH_CHILDS_FAMILY] | is_[Kind.ORPHANS]
    adult = family | is_[Kind.OLD_PARENT_ADULT_CHILD]
    here[:, CHILD] |= adult
    age[:, CHILD] = np.where(adult, _folded(younger - 20.5 - 8 * draw[:, 6], 23, 0.3), age[:, CHILD])
    here[:, IN_LAW] = family
    age[:, IN_LAW] = _folded(age[:, CHILD] - 3 + 5 * draw[:, 15], 21.5)
    male[:, CHILD : CHILD3 + 1] = draw[:, 16:19] < 0.53
    male[:, CHILD] = np.where(family, draw[:, 16] < 0.88, male[:, CHILD])
    male[:, IN_LAW] = ~male[:, CHILD]

    grand = family | is_[Kind.GRANDPARENTS_GRANDCHILDREN]
    younger_parent = np.minimum(age[:, CHILD], age[:, IN_LAW])
    first_grandchild = np.where(is_[Kind.WITH_CHILDS_FAMILY], younger_parent - 20.5 - 6 * draw[:, 19], 1 + 15.5 * draw[:, 19])
    first_grandchild = np.where(is_[Kind.ORPHANS], (1.5 + 15.9 * draw[:, 19]).clip(1.5, younger_parent - 20), first_grandchild)
    for slot, child_age, share in (
        (GRANDCHILD, first_grandchild, 1.0),
        (GRANDCHILD2, first_grandchild - 1.5 - 4 * draw[:, 20], 0.5),
        (GRANDCHILD3, first_grandchild - 6 - 3 * draw[:, 21], 0.12),
    ):
        age[:, slot] = child_age
        # The dead have had no children for the last two years at least (they died up to two years ago).
        here[:, slot] = grand & (child_age >= np.where(is_[Kind.ORPHANS], 1.5, 0)) & (rng.random(n) < share)
    male[:, GRANDCHILD : GRANDCHILD3 + 1] = rng.random((n, 3)) < 0.53
    return here, age, male


def _relationships(here: Bools, male: Bools) -> Ints:
    """GB/T 4761 codes, shape (households, SLOTS)."""
    codes = np.zeros(here.shape, dtype=np.int64)
    codes[:, HEAD], codes[:, SPOUSE], codes[:, FATHER], codes[:, MOTHER] = 2, 10, 51, 52
    children = slice(CHILD, CHILD3 + 1)
    codes[:, children] = np.where(male[:, children], 20, 30)
    codes[:, IN_LAW] = np.where(male[:, CHILD], 38, 28)
    grandchildren = slice(GRANDCHILD, GRANDCHILD3 + 1)
    daughters = (here[:, CHILD] & ~male[:, CHILD])[:, None]
    codes[:, grandchildren] = np.where(male[:, grandchildren], 41, 42) + np.where(daughters, 2, 0)
    return codes


def _surnames(rng: np.random.Generator, here: Bools, male: Bools) -> Ints:
    """Children carry their father's surname, wives keep their own."""
    n = len(here)
    line, names = draw_surnames(rng, n), np.empty((n, SLOTS), dtype=np.int64)
    head = np.where(male[:, HEAD], line, draw_surnames(rng, n))
    names[:, HEAD] = head
    names[:, SPOUSE] = np.where(male[:, SPOUSE], line, draw_surnames(rng, n))
    names[:, FATHER], names[:, MOTHER] = head, draw_surnames(rng, n)
    names[:, CHILD : CHILD3 + 1] = line[:, None]
    in_law = draw_surnames(rng, n)
    names[:, IN_LAW] = in_law
    names[:, GRANDCHILD:] = np.where(here[:, CHILD] & ~male[:, CHILD], in_law, line)[:, None]
    return names


def make_families(rng: np.random.Generator, people: int, on: np.datetime64) -> Families:
    """Households with exactly `people` members together."""
    kind = rng.choice(len(_SHARES), size=people // 2 + 8, p=_SHARES)
    here, age, male = _slots(rng, kind)
    total = np.cumsum(here.sum(axis=1))
    keep = int(np.searchsorted(total, people, side="right"))
    missing = people - (int(total[keep - 1]) if keep else 0)
    kind, here, age, male = kind[:keep], here[:keep], age[:keep], male[:keep]
    if missing:
        alone = np.full(missing, int(Kind.OLD_ALONE))
        more = _slots(rng, alone)
        kind = np.concatenate([kind, alone])
        here, age, male = (np.concatenate(pair) for pair in zip((here, age, male), more, strict=True))

    size = here.sum(axis=1)
    start = np.concatenate([[0], np.cumsum(size)[:-1]])
    position = np.where(here, np.cumsum(here).reshape(here.shape) - 1, -1)
    household, slot = np.nonzero(here)
    fathers = np.full(here.shape, -1, dtype=np.int64)
    mothers = fathers.copy()
    man, woman = (np.where(male[:, HEAD] == sex, position[:, HEAD], position[:, SPOUSE]) for sex in (True, False))
    fathers[:, HEAD], mothers[:, HEAD] = position[:, FATHER], position[:, MOTHER]
    fathers[:, CHILD : CHILD3 + 1], mothers[:, CHILD : CHILD3 + 1] = man[:, None], woman[:, None]
    fathers[:, GRANDCHILD:] = np.where(male[:, CHILD], position[:, CHILD], position[:, IN_LAW])[:, None]
    mothers[:, GRANDCHILD:] = np.where(male[:, CHILD], position[:, IN_LAW], position[:, CHILD])[:, None]
    # With the grandchildren's parents registered elsewhere the slot of the child is empty, and position is -1 already.
    birth = on - np.floor(age[here] * YEAR).astype("timedelta64[D]")
    return Families(
        kind=kind,
        start=start,
        size=size,
        household=household,
        slot=slot,
        male=male[here],
        birth=birth,
        age=completed_years(birth, on),
        surname=_surnames(rng, here, male)[here],
        relationship=_relationships(here, male)[here],
        father=fathers[here],
        mother=mothers[here],
    )


def orphaned(families: Families, dead: Bools) -> Bools:
    """Under 18, both parents in the block and dead."""
    known = (families.father >= 0) & (families.mother >= 0)
    return known & (families.age < 18) & dead[families.father] & dead[families.mother]
