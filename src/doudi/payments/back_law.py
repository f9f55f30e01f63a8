"""The law over months that are over (补发核算): vectors over all awards of an area and month, what was right before a raise and what is right now.

    awards and months (temporary table) -> facts of their households -> the law of the month before the raise and of the month -> temporary table

An award's facts are those of the registry in that month; where they do not give the amount that was paid (the household has moved away, somebody
died, facts changed without a decision), the facts frozen with the decision that the amount rests on. What neither explains stays with an officer.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from django.db import connection

from doudi.assessment.facts import Array, Facts, Position, copy_rows, facts_day, read_households
from doudi.assessment.models import Assessment
from doudi.assessment.outputs import HOUSEHOLD_PROGRAMMES, PERSON_PROGRAMMES
from doudi.assessment.services import law_settings, results_again, results_without_bad
from doudi.batch import law
from doudi.enrolment.differences import person_amounts
from doudi.enrolment.models import AwardMember
from doudi.registry.models import Programme

Progress = Callable[[int, int], None]
CHUNK = 20_000
BY_STANDARD = (Programme.DIBAO, Programme.DIBAO_SINGLE, Programme.TEKUN)
ROWS = """
select award_id, household_id, programme, person_id, members, living, own, regular, assessment_id
from pg_temp.back_due where month = %(month)s and source_of_law and place >= %(low)s and place < %(high)s order by place
"""
TYPES = {
    "award_id": pa.int64(), "household_id": pa.int64(), "programme": pa.string(), "person_id": pa.int64(), "members": pa.int64(), "living": pa.int64(),
    "own": pa.float64(), "regular": pa.float64(), "assessment_id": pa.int64(),
}  # fmt: skip
STAGE = """
create temporary table back_law (award_id bigint, month date, was numeric(14,2), law numeric(14,2), standard_was numeric(14,2), standard numeric(14,2),
  dead_share numeric(14,2), living_only boolean) on commit drop
"""


@dataclass
class Answer:
    """Columns, one row per award: yuan of the whole award before and now (nan: not known), the dibao standard, the dead members' bands, and
    whether the amounts are those of the living members alone."""

    was: Array
    law: Array
    standard_was: Array
    standard: Array
    dead_share: Array
    living_only: Array

    @classmethod
    def empty(cls, size: int) -> Answer:
        was, now, standard_was, standard = (np.full(size, np.nan) for _each in range(4))
        return cls(was, now, standard_was, standard, np.zeros(size), np.zeros(size, dtype=bool))


def near(one: Array, other: Array) -> Array:
    """Equal to the fen; what is not known is equal to nothing."""
    result: Array = np.abs(one - other) < 0.005
    return result


def amounts_in(
    facts: Facts, persons: Mapping[str, Array], households: Mapping[str, Array], rows: Mapping[str, Array]
) -> tuple[Array, Array]:
    """(yuan that the law gives each award, the dibao standard of its household); nan where the facts do not hold it."""
    size = len(rows["award_id"])
    amount, standard, household = np.full(size, np.nan), np.full(size, np.nan), np.full(size, -1)
    if not len(facts.household_ids):
        return amount, standard
    found, at = Position(facts.household_ids).of(rows["household_id"])
    household[found] = at
    known, of = Position(facts.person_ids).of(rows["person_id"])
    person = np.full(size, -1)
    person[known] = of
    for name in np.unique(rows["programme"]):
        mine = (rows["programme"] == name) & (household >= 0)
        if name == Programme.DIBAO:
            amount[mine] = np.round(households["dibao_amount"][household[mine]], 2)
        elif name in PERSON_PROGRAMMES:
            mine &= person >= 0
            amount[mine] = person_amounts(persons, name)[person[mine]]
        if name in BY_STANDARD:
            standard[mine] = np.round(households["local_dibao_standard"][household[mine]], 2)
    return amount, standard


def explained(rows: Mapping[str, Array], answer: Answer) -> Array:
    """Where the amount that was paid is what the law gave before, or gives now: only there the difference is the document's."""
    full = near(answer.was, rows["own"]) | near(answer.law, rows["own"])
    living = (rows["living"] < rows["members"]) & (near(answer.was, rows["regular"]) | near(answer.law, rows["regular"]))
    answer.living_only |= living & ~full
    result: Array = full | living
    return result


def from_registry(rows: Mapping[str, Array], *, month: date, before: date, today: date) -> Answer:
    """By the registry's facts of that month."""
    answer = Answer.empty(len(rows["award_id"]))
    ids = [int(one) for one in np.unique(rows["household_id"])]
    settings = law_settings(month)
    facts = read_households(ids=ids, month=month, as_of=facts_day(month, today), settings=settings)
    if not len(facts.household_ids):
        return answer
    bad: list[dict[str, Any]] = []
    answer.law, answer.standard = amounts_in(*results_without_bad(facts, settings, bad), rows)
    earlier = results_without_bad(replace(facts, month=before), law_settings(before), bad)
    answer.was, answer.standard_was = amounts_in(*earlier, rows)
    return answer


def from_decisions(rows: Mapping[str, Array], answer: Answer, open_: Array, *, month: date, before: date) -> None:
    """By the facts that the decision froze, for the rows in `open_` whose decision has an assessment."""
    wanted = np.flatnonzero(open_ & (rows["assessment_id"] > 0))
    for start in range(0, len(wanted), 2_000):
        part = wanted[start : start + 2_000]
        kept = {row.pk: row for row in Assessment.objects.filter(pk__in={int(rows["assessment_id"][at]) for at in part})}
        part = np.array([at for at in part if int(rows["assessment_id"][at]) in kept], dtype=np.int64)
        if not len(part):
            continue
        members = AwardMember.objects.filter(award_id__in=[int(rows["award_id"][at]) for at in part], void=False, starts__lte=month).exclude(ends__lte=month)
        of: dict[int, list[AwardMember]] = {}
        for one in members:
            of.setdefault(one.award_id, []).append(one)
        bands = {one.person_id: one.band for mine in of.values() for one in mine if one.band}
        results = _again(sorted(kept), kept, bands, month, before)
        for at in part:
            if (both := results.get(int(rows["assessment_id"][at]))) is not None:
                _place(rows, answer, int(at), kept[int(rows["assessment_id"][at])].facts["person_ids"], both, of.get(int(rows["award_id"][at]), []), month)


def _again(
    ids: list[int], kept: Mapping[int, Assessment], bands: dict[int, int], month: date, before: date
) -> dict[int, tuple[dict[str, Any], dict[str, Any]]]:
    """Results before and now by assessment; one vectorised run each, and one by one only where one of them cannot stand."""
    try:
        rows = [kept[one] for one in ids]
        was = results_again(rows, month=before, settings=law_settings(before), bands=bands)
        now = results_again(rows, month=month, settings=law_settings(month), bands=bands)
        return dict(zip(ids, zip(was, now, strict=True), strict=True))
    except law.LawInputError:
        if len(ids) == 1:
            return {}
        half = len(ids) // 2
        return _again(ids[:half], kept, bands, month, before) | _again(ids[half:], kept, bands, month, before)


def _place(
    rows: Mapping[str, Array], answer: Answer, at: int, people: list[int], both: tuple[dict[str, Any], dict[str, Any]], members: list[AwardMember], month: date
) -> None:
    was, now = both
    programme, person = str(rows["programme"][at]), int(rows["person_id"][at])

    def amount(results: dict[str, Any]) -> float:
        if programme in HOUSEHOLD_PROGRAMMES:
            return round(float(results["household"]["dibao_amount"]), 2)
        if person not in people:
            return float("nan")
        return round(sum(float(results["persons"][name][people.index(person)]) for name in PERSON_PROGRAMMES[programme]), 2)

    answer.law[at], answer.was[at] = amount(now), amount(was)
    if programme in BY_STANDARD:
        answer.standard[at] = round(float(now["household"]["local_dibao_standard"]), 2)
        answer.standard_was[at] = round(float(was["household"]["local_dibao_standard"]), 2)
    if programme == Programme.DIBAO and now["household"]["dibao_pays_by_bands"]:
        dead = [one.person_id for one in members if one.died_on is not None and one.died_on < month and one.person_id in people]
        answer.dead_share[at] = round(sum(float(now["persons"]["dibao_band_amount"][people.index(one)]) for one in dead), 2)


def places(cursor: Any) -> Iterator[tuple[int, int]]:
    """Ranges of the awards' numbers in `back_due`, each of bounded size."""
    cursor.execute("select coalesce(max(place), 0) from pg_temp.back_due")
    last = cursor.fetchone()[0]
    for low in range(0, last + 1, CHUNK):
        yield low, low + CHUNK


def answer_all(*, months: list[date], before: date, today: date, progress: Progress | None = None) -> None:
    """Fill `pg_temp.back_law` for all rows of `pg_temp.back_due`; bounded memory."""
    with connection.cursor() as cursor:
        cursor.execute(STAGE)
        ranges = list(places(cursor))
    for number, month in enumerate(months):
        for low, high in ranges:
            table = copy_rows(ROWS, {"month": month, "low": low, "high": high}, TYPES)
            if not table.num_rows:
                continue
            rows: dict[str, Array] = {name: table[name].to_numpy(zero_copy_only=False) for name in TYPES}
            rows["programme"] = rows["programme"].astype(str)
            for name in ("own", "regular"):
                rows[name] = rows[name].astype(np.float64)
            rows["assessment_id"] = np.nan_to_num(rows["assessment_id"].astype(np.float64)).astype(np.int64)
            answer = from_registry(rows, month=month, before=before, today=today)
            holds = explained(rows, answer)
            if not holds.all():
                again = replace_open(answer, ~holds)
                from_decisions(rows, again, ~holds, month=month, before=before)
                mended = explained(rows, again)
                merge(answer, again, mended & ~holds)
                holds |= mended
            _write(rows, answer, holds, month)
        if progress:
            progress(number + 1, len(months))


def replace_open(answer: Answer, open_: Array) -> Answer:
    """A copy that knows nothing of the open rows."""
    blank = Answer.empty(len(answer.law))
    return Answer(*(np.where(open_, getattr(blank, name), getattr(answer, name)) for name in Answer.__dataclass_fields__))


def merge(answer: Answer, other: Answer, rows: Array) -> None:
    for name in Answer.__dataclass_fields__:
        getattr(answer, name)[rows] = getattr(other, name)[rows]


def _write(rows: Mapping[str, Array], answer: Answer, holds: Array, month: date) -> None:
    def money(column: Array) -> pa.Array:
        return pa.array(np.round(column, 2), mask=~np.isfinite(column))

    size = len(holds)
    table = pa.table({
        "award_id": pa.array(rows["award_id"]), "month": pa.array([month.isoformat()] * size), "was": money(np.where(holds, answer.was, np.nan)),
        "law": money(np.where(holds, answer.law, np.nan)), "standard_was": money(answer.standard_was), "standard": money(answer.standard),
        "dead_share": money(answer.dead_share), "living_only": pa.array(answer.living_only),
    })  # fmt: skip
    buffer = io.BytesIO()
    pyarrow.csv.write_csv(table, buffer, pyarrow.csv.WriteOptions(include_header=False))
    with connection.cursor() as cursor, cursor.copy("copy pg_temp.back_law from stdin with (format csv)") as copy:
        copy.write(buffer.getbuffer())


__all__ = ["answer_all"]
