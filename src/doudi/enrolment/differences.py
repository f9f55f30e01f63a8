"""What the law gives beside what is paid (2.1): vectors of one chunk of households, no query and no Python step per person.

A difference is one award whose amount, members or ground no longer fit, or one programme that the law gives to a household which already
receives something and lacks it. What it was that changed is found later, for the differing households alone (`services.monitoring`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from django.db import connection

from doudi.assessment.facts import Array, Facts, Position, copy_rows
from doudi.assessment.outputs import CONFIRMATIONS, HOUSEHOLD_PROGRAMMES, PERSON_PROGRAMMES
from doudi.core.plans import at_once
from doudi.registry.models import GROUPS, Programme

P = Programme
CHILDREN = (P.ORPHAN, P.UNSUPPORTED_CHILD)
AWARDS = """
select a.id award_id, a.household_id, a.area, a.programme, m.person_id, m.members, m.ids, m.dead, y.amount
from enrolment_award a
join registry_household h on h.id = a.household_id and h.area = a.area and h.area >= %(low)s and h.area < %(high)s -- who has moved away is looked at where the household is now
join (select award_id, min(person_id) person_id, count(*) members, sum(person_id) ids, bool_or(died_on is not null and died_on < %(first)s) dead
      from enrolment_awardmember where area >= %(low)s and area < %(high)s and not void and starts <= %(first)s and (ends is null or ends > %(first)s)
      group by award_id) m on m.award_id = a.id
left join (select distinct on (award_id) award_id, amount from enrolment_awardamount
           where area >= %(low)s and area < %(high)s and from_month <= %(first)s order by award_id, from_month desc) y on y.award_id = a.id
where a.area >= %(low)s and a.area < %(high)s and not a.void and a.starts <= %(first)s and (a.ends is null or a.ends > %(first)s)
order by a.household_id, a.id
"""
TYPES = {
    "award_id": pa.int64(), "household_id": pa.int64(), "area": pa.string(), "programme": pa.string(), "person_id": pa.int64(),
    "members": pa.int64(), "ids": pa.int64(), "dead": pa.string(), "amount": pa.float64(),
}  # fmt: skip


def running_awards(*, low: str, high: str, month: date) -> pa.Table:
    """The awards of a range of villages that hold in a month, with the amount of that month: columns as in `TYPES`."""
    with connection.cursor() as cursor, at_once(cursor):
        found = copy_rows(AWARDS, {"low": low, "high": high, "first": month}, TYPES)
    return found


@dataclass(frozen=True)
class Differences:
    """Columns, one row per difference. `award_id` and `person_id` 0: none; `law` nan: the law gives no amount (or nothing); `held`: only the
    suspension of exits keeps it."""

    household_id: Array
    area: Array
    programme: Array
    person_id: Array
    award_id: Array
    hint: Array
    suggestion: Array
    current: Array
    law: Array
    held: Array

    def table(self) -> pa.Table:
        none = pa.scalar(None, pa.int64())

        def ids(column: Array) -> pa.Array:
            given = pa.array(column, pa.int64())
            return pa.compute.if_else(pa.compute.equal(given, 0), none, given)

        def money(column: Array) -> pa.Array:
            return pa.array(np.round(column, 2), mask=~np.isfinite(column))

        return pa.table({
            "household_id": pa.array(self.household_id, pa.int64()), "area": pa.array(self.area.astype(str)), "programme": pa.array(self.programme.astype(str)),
            "person_id": ids(self.person_id), "award_id": ids(self.award_id), "hint": pa.array(self.hint.astype(str)),
            "suggestion": pa.array(self.suggestion.astype(str)), "current": money(self.current), "law": money(self.law), "held": pa.array(self.held),
        })  # fmt: skip


def person_amounts(persons: Mapping[str, Array], programme: str) -> Array:
    """Yuan a month that the law gives each person under a programme."""
    total: Array = np.round(sum((persons[name] for name in PERSON_PROGRAMMES[programme]), np.zeros(len(persons["countable_income"]))), 2)
    return total


def differences(facts: Facts, persons: Mapping[str, Array], households: Mapping[str, Array], awards: pa.Table) -> Differences:
    """Differences of one chunk. `facts`, `persons`, `households` as `assessment.services` gives them for the month."""
    paid = _awards(facts, persons, households, awards)
    new = _lacking(facts, persons, households, awards)
    return Differences(*(np.concatenate([getattr(paid, name), getattr(new, name)]) for name in Differences.__dataclass_fields__))


def _awards(facts: Facts, persons: Mapping[str, Array], households: Mapping[str, Array], awards: pa.Table) -> Differences:
    """Awards that no longer fit."""
    size = awards.num_rows
    programme = awards["programme"].to_numpy(zero_copy_only=False).astype(str)
    current = awards["amount"].to_numpy(zero_copy_only=False).astype(np.float64)
    person_id = awards["person_id"].to_numpy()
    here, at = Position(facts.household_ids).of(awards["household_id"].to_numpy())
    known, of = Position(facts.person_ids).of(person_id)
    household, person = np.full(size, -1), np.full(size, -1)
    household[here], person[known] = at, of
    dead = awards["dead"].to_numpy(zero_copy_only=False).astype(str) == "t"

    law, fits = np.full(size, np.nan), np.zeros(size, dtype=bool)
    held, members_differ, grown = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
    counted = persons["counts_in_dibao_household"].astype(bool)
    number = np.bincount(facts.person_household[counted], minlength=len(facts.household_ids))
    total = np.zeros(len(facts.household_ids), dtype=np.int64)
    np.add.at(total, facts.person_household[counted], facts.person_ids[counted])
    for name in np.unique(programme):
        if name in HOUSEHOLD_PROGRAMMES:
            mine = (programme == name) & (household >= 0)
            where = household[mine]
            if name == P.DIBAO:
                amount = np.round(households["dibao_amount"][where], 2)
                fits[mine] = households["dibao_eligible"][where].astype(bool) & (amount > 0)
                law[mine] = np.where(fits[mine], amount, np.nan)
                held[mine] = households["dibao_exit_is_suspended"][where].astype(bool)
            else:
                fits[mine] = households[CONFIRMATIONS[name]][where].astype(bool)
            members_differ[mine] = (number[where] != awards["members"].to_numpy()[mine]) | (total[where] != awards["ids"].to_numpy()[mine])
        else:
            mine = (programme == name) & (person >= 0)
            amount = person_amounts(persons, name)[person[mine]]
            fits[mine], law[mine] = amount > 0, np.where(amount > 0, amount, np.nan)
            if name in CHILDREN:
                born = facts.persons["birth_date"][person[mine]].astype("datetime64[M]")
                grown[mine] = (np.datetime64(facts.month, "M") - born).astype(int) >= 18 * 12
    # amounts are compared to the fen; an award without money has none on either side
    same = fits & (np.isnan(law) & np.isnan(current) | (np.abs(law - current) < 0.005)) & ~members_differ & ~held
    rows = ~same
    suggestion = np.select(
        [~fits, held, law - current > 0.004, law - current < -0.004, members_differ], ["stop", "stop", "raise", "lower", "members"], "look"
    )
    hint = np.select([dead, members_differ, grown], ["death", "member", "age"], "")
    alone = ~np.isin(programme, HOUSEHOLD_PROGRAMMES)
    return Differences(
        awards["household_id"].to_numpy()[rows], awards["area"].to_numpy(zero_copy_only=False)[rows].astype("U12"), programme[rows].astype("U20"),
        np.where(alone, person_id, 0)[rows], awards["award_id"].to_numpy()[rows], hint[rows].astype("U10"), suggestion[rows].astype("U8"),
        current[rows], law[rows], held[rows],
    )  # fmt: skip


def _lacking(facts: Facts, persons: Mapping[str, Array], households: Mapping[str, Array], awards: pa.Table) -> Differences:
    """Programmes that the law gives to a household which has an award, and that nobody has yet."""
    programme = awards["programme"].to_numpy(zero_copy_only=False).astype(str)
    group = np.array([GROUPS[name] for name in programme], dtype=np.int64) if len(programme) else np.zeros(0, dtype=np.int64)
    here, household = Position(facts.household_ids).of(awards["household_id"].to_numpy())
    size = len(facts.household_ids)
    receives = np.zeros(size, dtype=bool)
    receives[household] = True
    found: list[tuple[str, Array, Array, Array]] = []

    def holds(names: tuple[str, ...]) -> Array:
        mask = np.zeros(size, dtype=bool)
        mask[household[np.isin(programme[here], names)]] = True
        return mask

    basic = holds((P.DIBAO, P.DIBAO_SINGLE))
    dibao = households["dibao_eligible"].astype(bool) & (households["dibao_amount"] > 0) & receives & ~basic & ~households["dibao_exit_is_suspended"].astype(bool)
    found.append((P.DIBAO, np.flatnonzero(dibao), np.zeros(dibao.sum(), dtype=np.int64), households["dibao_amount"][dibao]))
    lonely = ~np.isin(programme, HOUSEHOLD_PROGRAMMES)
    of_person, their = awards["person_id"].to_numpy()[lonely], programme[lonely]
    for name in PERSON_PROGRAMMES:
        amounts = person_amounts(persons, name)
        wanted = (amounts > 0) & receives[facts.person_household]
        wanted &= ~np.isin(facts.person_ids, of_person[their == name])
        same_group = of_person[(group[lonely] == GROUPS[name]) & (their != P.DIBAO_SINGLE if name == P.TEKUN else np.ones(len(their), dtype=bool))]
        wanted &= ~np.isin(facts.person_ids, same_group)
        if name == P.DIBAO_SINGLE:
            wanted &= ~basic[facts.person_household]
        rows = np.flatnonzero(wanted)
        found.append((name, facts.person_household[rows], facts.person_ids[rows], amounts[rows]))
    names = np.concatenate([np.full(len(rows), name, dtype="U20") for name, rows, _people, _amounts in found])
    rows = np.concatenate([rows for _name, rows, _people, _amounts in found]).astype(np.int64)
    count = len(rows)
    return Differences(
        facts.household_ids[rows], facts.areas[rows].astype("U12"), names, np.concatenate([people for _n, _r, people, _a in found]).astype(np.int64),
        np.zeros(count, dtype=np.int64), np.full(count, "programme", dtype="U10"), np.full(count, "grant", dtype="U8"), np.full(count, np.nan),
        np.concatenate([amounts for _n, _r, _p, amounts in found]).astype(np.float64), np.zeros(count, dtype=bool),
    )  # fmt: skip


__all__ = ["Differences", "differences", "running_awards"]
