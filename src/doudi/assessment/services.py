"""Assessing (待遇测算): the law over one household or an area, with facts, settings and results frozen."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.assessment.facts import Array, Facts, area_chunks, facts_day, read_area, read_household
from doudi.assessment.freeze import facts_texts, results_texts, thaw
from doudi.assessment.models import Assessment, AssessmentRun, SettingsSnapshot
from doudi.assessment.outputs import HOUSEHOLD_OUTPUTS, PERSON_OUTPUTS, PERSON_PROGRAMMES
from doudi.batch import law
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.settings_overlay import overlay
from doudi.registry.models import Household, Person, Programme
from openfisca_henan.places import Row

Progress = Callable[[int, int], None]
"""Called with the households done and the households in all."""

STAGE = 'create temp table assessed (household_id bigint, area text collate "C", facts text, results text) on commit drop'
WRITE = """
insert into assessment_assessment (area, household_id, run_id, month, trigger, law_version, settings_id, as_of, facts, results, digest, made_by, made_at)
select r.area, r.household_id, %(run)s, %(month)s, %(trigger)s, %(law)s, %(settings)s, %(as_of)s, r.facts, r.results, r.digest, %(account)s, %(now)s
from (select household_id, area, facts::jsonb facts, results::jsonb results,
        encode(sha256(convert_to(concat_ws('|', %(month)s::date, %(law)s::text, %(settings)s::text, facts::jsonb::text), 'UTF8')), 'hex') digest
      from pg_temp.assessed) r
left join lateral (select a.digest from assessment_assessment a where a.household_id = r.household_id and a.month = %(month)s order by a.id + 0 desc limit 1) l on true
where l.digest is distinct from r.digest
order by r.household_id
"""


def law_settings(month: date) -> law.Settings:
    """The confirmed settings that count in a month."""
    return overlay(month)


def snapshot(settings: law.Settings, *, now: datetime) -> SettingsSnapshot:
    """The settings by their hash, kept once for all assessments that use them."""
    rows = [asdict(row) for row in settings.rows]
    made = SettingsSnapshot(hash=settings.hash, rows=rows, made_at=now)
    SettingsSnapshot.objects.bulk_create([made], ignore_conflicts=True)
    return made


def settings_of(frozen: SettingsSnapshot) -> law.Settings:
    """The settings that a snapshot holds."""
    return law.Settings(tuple(Row(**row) for row in frozen.rows))


def law_results(facts: Facts, settings: law.Settings) -> tuple[dict[str, Array], dict[str, Array]]:
    """(by person, by household) of the results that an assessment keeps. Raises law.LawInputError."""
    results = law.run(
        facts.persons, facts.households, facts.person_household, None, f"{facts.month:%Y-%m}", HOUSEHOLD_OUTPUTS + PERSON_OUTPUTS, settings
    )
    return {name: results[name] for name in PERSON_OUTPUTS}, {name: results[name] for name in HOUSEHOLD_OUTPUTS}


def write_assessments(facts: Facts, persons: Mapping[str, Array], households: Mapping[str, Array], values: dict[str, Any]) -> int:
    """COPY to a temporary table, then one INSERT ... SELECT under the scope; the number of new assessments."""
    rows = pa.table(
        [pa.array(facts.household_ids), pa.array(facts.areas.tolist()), facts_texts(facts), results_texts(facts, persons, households)],
        names=["household_id", "area", "facts", "results"],
    )
    buffer = io.BytesIO()
    pyarrow.csv.write_csv(rows, buffer, pyarrow.csv.WriteOptions(include_header=False))
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists pg_temp.assessed")
        cursor.execute(STAGE)
        with cursor.copy("copy pg_temp.assessed from stdin with (format csv)") as copy:
            copy.write(buffer.getbuffer())
        cursor.execute("analyze pg_temp.assessed")
        cursor.execute(WRITE, values)
        written = cursor.rowcount
        cursor.execute("drop table pg_temp.assessed")
    return written


@transaction.atomic
def assess(*, household: Household, month: date, trigger: str, now: datetime) -> Assessment:
    """Run the law over one household for a month (its first day) and keep the result.

    The same facts, law and settings as in the household's last assessment of the month make no second row: that one is returned.
    Raises ValidationError where nobody belongs to the household on that day or the facts cannot stand.
    """
    scope = duties.require("assessment.run")
    if trigger not in Assessment.Trigger.values:
        raise ValueError(trigger)
    with connection.cursor() as cursor:
        # two officers at once make one row: the second waits and finds the first's
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('assess ' || %s, 0))", [household.pk])
    settings = law_settings(month)
    facts = read_household(household_id=household.pk, month=month, as_of=facts_day(month, timezone.localdate(now)), settings=settings)
    if not len(facts.household_ids):
        raise ValidationError(
            _("家庭“%(name)s”在 %(month)s 没有在册成员，无法测算；请先核对家庭成员。") % {"name": household.name, "month": f"{month:%Y-%m}"}
        )
    try:
        persons, households = law_results(facts, settings)
    except law.LawInputError as error:
        raise ValidationError(
            _("登记的事实不能用于测算：%(problems)s；请在家庭页更正后重新测算。") % {"problems": problems_said(error, facts)}
        ) from None
    frozen = snapshot(settings, now=now)
    write_assessments(facts, persons, households, {
        "run": None, "month": month, "trigger": trigger, "law": law.law_version(), "settings": frozen.hash, "as_of": facts.as_of,
        "account": scope.account_id, "now": now,
    })  # fmt: skip
    scopes.check_constraints()
    return Assessment.objects.filter(household=household, month=month).order_by("-id")[0]


def problems_said(error: law.LawInputError, facts: Facts) -> str:
    """What is wrong, with the members' names."""
    ids = {facts.person_ids[problem.row] for problem in error.problems[:5] if problem.table == "persons"}
    names = dict(Person.objects.filter(id__in=[int(i) for i in ids]).values_list("id", "name"))
    said = []
    for problem in error.problems[:5]:
        who = names.get(int(facts.person_ids[problem.row]), "") if problem.table == "persons" else ""
        said.append(f"{who}“{problem.field}”{problem.reason}")
    return "；".join(said)


def results_without_bad(facts: Facts, settings: law.Settings, bad: list[dict[str, Any]]) -> tuple[Facts, dict[str, Array], dict[str, Array]]:
    """The law over the chunk; households whose facts cannot stand are left out and listed in `bad`."""
    while True:
        try:
            return (facts, *law_results(facts, settings))
        except law.LawInputError as error:
            keep = np.ones(len(facts.household_ids), dtype=bool)
            for problem in error.problems:
                row = facts.person_household[problem.row] if problem.table == "persons" else problem.row
                keep[row] = False
                if len(bad) < 1000:
                    bad.append({"household": int(facts.household_ids[row]), "field": problem.field, "reason": problem.reason})
            facts = facts.only(keep)
            if not len(facts.household_ids):
                empty_p, empty_h = {name: np.zeros(0) for name in PERSON_OUTPUTS}, {name: np.zeros(0) for name in HOUSEHOLD_OUTPUTS}
                return facts, empty_p, empty_h


@transaction.atomic
def assess_all(
    *,
    area: str,
    month: date,
    now: datetime,
    also: Collection[int] = (),
    trigger: str = Assessment.Trigger.MONITORING,
    progress: Progress | None = None,
) -> AssessmentRun:
    """Run the law over all households of an area for a month, in chunks of villages (bounded memory).

    An assessment is kept for each household that the law gives anything (an amount or a status), that has an award in the month, or
    that stands in `also` (ids, for example of households with leads): so their number is bounded by those, not by the population.
    Unchanged ones (same facts, law and settings) make no second row. `summary` of the run counts entitled people and amounts by
    programme, rows written and unchanged, and lists households whose facts cannot stand.
    """
    scope = duties.require("assessment.run")
    if not scope.covers(area):
        raise ValidationError(_("该地区不在您的管辖范围内。"))
    settings = law_settings(month)
    frozen = snapshot(settings, now=now)
    run = AssessmentRun.objects.create(
        area=area, month=month, law_version=law.law_version(), settings=frozen, made_by=scope.account_id or None, made_at=now
    )
    as_of = facts_day(month, timezone.localdate(now))
    values = {
        "run": run.pk, "month": month, "trigger": trigger, "law": run.law_version, "settings": frozen.hash,
        "as_of": as_of, "account": scope.account_id, "now": now,
    }  # fmt: skip
    wanted = np.array(sorted(also), dtype=np.int64)
    totals: dict[str, dict[str, float]] = {}
    bad: list[dict[str, Any]] = []
    counts = {"kept": 0, "written": 0}
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('assess area ' || %s, 0))", [area[:6]])
        cursor.execute("select count(*) from registry_household where area >= %s and area < %s", [area, area + ":"])
        in_all = cursor.fetchone()[0]
    for first, end in area_chunks(area, area + ":"):
        facts = read_area(low=first, high=end, month=month, as_of=as_of, settings=settings)
        run.households += len(facts.household_ids)
        run.people += len(facts.person_ids)
        facts, persons, households = results_without_bad(facts, settings, bad)
        if len(facts.household_ids):
            _add_up(totals, facts, persons, households)
            keep = (households["benefits_total"] > 0) | households["marginal_family"] | households["rigid_expenditure_family"] | facts.receives
            keep |= np.isin(facts.household_ids, wanted)
            rows = keep[facts.person_household]
            if keep.any():
                kept_p, kept_h = {n: c[rows] for n, c in persons.items()}, {n: c[keep] for n, c in households.items()}
                counts["written"] += write_assessments(facts.only(keep), kept_p, kept_h, values)
                counts["kept"] += int(keep.sum())
        if progress:
            progress(min(run.households, in_all), in_all)
    run.summary = {
        "programmes": totals, "written": counts["written"], "unchanged": counts["kept"] - counts["written"],
        "bad": len({entry["household"] for entry in bad}), "bad_facts": bad[:100],
    }  # fmt: skip
    run.finished_at = now
    run.save(update_fields=["households", "people", "summary", "finished_at"])
    scopes.check_constraints()
    return run


def _add_up(totals: dict[str, dict[str, float]], facts: Facts, persons: Mapping[str, Array], households: Mapping[str, Array]) -> None:
    def add(programme: str, people: Array, amount: float) -> None:
        entry = totals.setdefault(programme, {"people": 0, "amount": 0.0})
        entry["people"] += int(people.sum())
        entry["amount"] = round(entry["amount"] + amount, 2)

    counted = persons["counts_in_dibao_household"].astype(bool)
    of = facts.person_household
    add(Programme.DIBAO, households["dibao_eligible"].astype(bool)[of] & counted, float(households["dibao_amount"].sum()))
    add(Programme.MARGINAL, households["marginal_family"].astype(bool)[of] & counted, 0.0)
    for programme, names in PERSON_PROGRAMMES.items():
        amounts = sum((persons[name] for name in names), np.zeros(len(of)))
        add(programme, amounts > 0, float(amounts.sum()))


def latest(*, household_id: int, month: date) -> Assessment | None:
    """The household's last assessment of a month."""
    return Assessment.objects.filter(household_id=household_id, month=month).select_related("settings").order_by("-id").first()


def explanation(assessment: Assessment, *, names: Sequence[str] | None = None) -> law.Explanation:
    """The explanation (测算说明) rebuilt from the frozen facts and settings: the same whenever it is read under the same law version."""
    persons, households, _index = thaw([assessment.facts])
    return law.explain(persons, households, f"{assessment.month:%Y-%m}", settings_of(assessment.settings), names)


def unverified_effects(assessment: Assessment, explained: law.Explanation) -> list[dict[str, Any]]:
    """Of each unverified parameter that the explanation used: `used`, whether the answer `changes` without it, and `total` (yuan a month) without it."""
    persons, households, _index = thaw([assessment.facts])
    effects = law.unverified_effects(persons, households, f"{assessment.month:%Y-%m}", explained, settings_of(assessment.settings))
    return [effect | {"used": explained.parameters[effect["index"]]} for effect in effects]


def member_names(assessment: Assessment) -> list[str]:
    """Names of the members in the order of the facts; who is managed elsewhere by now is 成员1, 成员2 …"""
    ids = assessment.facts["person_ids"]
    names = dict(Person.objects.filter(id__in=ids).values_list("id", "name"))
    return [names.get(person, _("成员%(number)d") % {"number": at}) for at, person in enumerate(ids, 1)]


def results_again(
    assessments: Iterable[Assessment], *, month: date, settings: law.Settings, bands: Mapping[int, int] | None = None
) -> list[dict[str, Any]]:
    """Results of the frozen facts for another month, or with bands given to members (person id -> band), in the shape of `Assessment.results`.

    One vectorised run for all. Raises law.LawInputError (for example a band without an amount in that place).
    """
    rows = list(assessments)
    persons, households, index = thaw([row.facts for row in rows])
    ids = [person for row in rows for person in row.facts["person_ids"]]
    if bands:
        persons["dibao_band"] = np.array([bands.get(person, 0) for person in ids], dtype=np.int32)
    results = law.run(persons, households, index, None, f"{month:%Y-%m}", HOUSEHOLD_OUTPUTS + PERSON_OUTPUTS, settings)
    made, at = [], 0
    for position, row in enumerate(rows):
        size = len(row.facts["person_ids"])
        made.append({
            "household": {name: results[name][position].item() for name in HOUSEHOLD_OUTPUTS},
            "persons": {name: results[name][at : at + size].tolist() for name in PERSON_OUTPUTS},
        })  # fmt: skip
        at += size
    return made


def gradual_exit(*, assessment: Assessment, start: date) -> tuple[int, float]:
    """(months, yuan a month) of a gradual exit (渐退期, 2.5) that begins in `start`, by the frozen facts; (0, 0) where the law gives none.

    The household is taken to have been on dibao in the month before, as its facts say, and its income to have risen through work.
    """
    persons, households, index = thaw([assessment.facts])
    size = len(households["residence"])
    households |= {
        "was_on_dibao": np.ones(size, dtype=bool), "income_rise_from_work": np.ones(size, dtype=bool), "gradual_exit_months": np.zeros(size, dtype=np.int32),
        "gradual_exit_start": np.full(size, start, dtype="datetime64[D]"), "exit_suspended": np.zeros(size, dtype=bool),
    }  # fmt: skip
    names = ("dibao_in_gradual_exit", "dibao_amount", "gradual_exit_limit_months")
    found = law.run(persons, households, index, None, f"{start:%Y-%m}", names, law_settings(start))
    if not bool(found["dibao_in_gradual_exit"][0]):
        return 0, 0.0
    return int(found["gradual_exit_limit_months"][0]), float(found["dibao_amount"][0])
