"""Dynamic monitoring (动态监测, 2.1): the law over everybody of an area for a month; differences become reviews, never silent changes.

    facts and awards of a chunk of villages -> the law -> differences (vectors) -> assessments of the differing households alone
    -> temporary table -> one statement each: new reviews, changed reviews, those whose difference is gone, to-dos by township and cause

Run twice it changes nothing. What an officer kept stays kept while the same facts, amounts and law stand; a suspended award, a waiver
(`kept_until`) and a gradual exit survive every run.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import date, datetime
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.assessment.facts import EXIT_SUSPENSION, Facts, area_chunks, facts_day, read_area, read_households
from doudi.assessment.services import law_settings, results_without_bad, snapshot, write_assessments
from doudi.batch import law
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.settings_overlay import get_setting
from doudi.core.workdays import add_working_days
from doudi.enrolment.differences import differences, running_awards
from doudi.enrolment.models import MonitoringRun
from doudi.enrolment.services.following import refresh_todos
from doudi.enrolment.settings import DAYS

Progress = Callable[[int, int], None]

INCOME = (
    "wage_income", "business_income", "property_income", "transfer_income", "land_income", "maintenance_income", "disregarded_income",
    "disregarded_income_tekun", "works_away", "workplace_urban_dibao_standard", "rigid_expenditure",
)  # fmt: skip
PROPERTY = ("financial_assets", "company_capital", "vehicles", "dwellings", "non_residential_property", "dwelling_area_per_head", "farmland_per_head")
DISABILITY = (
    "disability_grade", "disability_kind", "needs_long_care", "self_care_failures", "serious_illness", "labour_capacity", "support_obligor",
    "work_injury_nursing",
)  # fmt: skip
# The law's inputs that follow from awards or from the calendar: a change of theirs is no change of the household's.
FOLLOWING = (
    "previous_dibao_amount", "previous_dibao_members", "was_on_dibao", "was_on_tekun", "receives_dibao", "receives_tekun", "receives_child_allowance",
    "confirmed_marginal", "gradual_exit_months", "gradual_exit_start", "gradual_exit_limit", "income_rise_from_work", "exit_suspended", "dibao_band",
    "awards_known",
)  # fmt: skip
FROM_WORK = ("wage_income", "business_income", "works_away")

STAGE = """
create temp table difference (household_id bigint, area text collate "C", programme text, person_id bigint, award_id bigint, hint text, suggestion text,
  current_amount numeric(14,2), law_amount numeric(14,2), held boolean) on commit drop
"""
# What changed: the newest assessment of the month beside the one before it. Only differing households are compared; "+ 0" so that each is looked for
# among its own assessments, and not down the index of everybody's.
EXPLAIN = """
create temp table explained on commit drop as
select f.*, a.id assessment_id,
  encode(sha256(convert_to(
    concat_ws('|', a.facts -> 'persons', (a.facts -> 'household') - %(following)s::text[], f.current_amount, f.law_amount, f.suggestion), 'UTF8')), 'hex') digest,
  b.id is null first_time,
  coalesce((select d.assessment_id is null from enrolment_awardamount y join enrolment_decision d on d.id = y.decision_id
            where y.award_id = f.award_id and y.from_month <= %(month)s order by y.from_month desc limit 1), false) loaded,
  b.facts -> 'person_ids' is distinct from a.facts -> 'person_ids' others,
  coalesce((
    select array_agg(k order by k) from (
      select k from (select jsonb_object_keys(a.facts -> 'persons') k union select jsonb_object_keys(b.facts -> 'persons')) p
      where a.facts -> 'persons' -> k is distinct from b.facts -> 'persons' -> k
      union
      select k from (select jsonb_object_keys(a.facts -> 'household') k union select jsonb_object_keys(b.facts -> 'household')) h
      where a.facts -> 'household' -> k is distinct from b.facts -> 'household' -> k
    ) c where k <> all (%(following)s)), '{}') changed
from pg_temp.difference f
left join lateral (select id, facts from assessment_assessment where household_id = f.household_id and month = %(month)s order by id + 0 desc limit 1) a on true
left join lateral (select id, facts from assessment_assessment where household_id = f.household_id and id + 0 < a.id order by id + 0 desc limit 1) b on true
"""
CAUSES = """
create temp table caused on commit drop as
select e.*, case
    when hint = 'death' then 'death' when hint = 'age' then 'age' when suggestion = 'grant' then 'programme'
    when hint = 'member' or (others and not first_time) then 'member'
    when first_time or (loaded and changed = '{}') then 'loaded'
    when changed && %(income)s::text[] then 'income' when changed && %(property)s::text[] then 'property'
    when changed && %(disability)s::text[] then 'disability' when changed = '{}' then 'standard' else 'other' end cause,
  d.due
from pg_temp.explained e join pg_temp.due d on d.county = left(e.area, 6)
"""
# A gradual exit fits where income passed the standard through work and nothing else ended the award (2.5).
GRADUAL = """
update pg_temp.caused set suggestion = 'gradual'
where programme = 'dibao' and suggestion = 'stop' and not held and cause = 'income' and changed && %(work)s::text[] and not changed && %(property)s::text[]
"""
SAME = "r.household_id = c.household_id and r.programme = c.programme and r.person_id is not distinct from c.person_id and r.kind = 'difference'"
KEPT = f"""
delete from pg_temp.caused c where c.cause <> 'death' and exists (
  select from enrolment_review r where {SAME} and r.state = 'kept' and (r.kept_until >= %(month)s or (r.digest = c.digest
    and not exists (select from enrolment_review n where n.id > r.id and n.household_id = r.household_id and n.programme = r.programme
      and n.person_id is not distinct from r.person_id and n.kind = r.kind))))
"""
WAITING = """
delete from pg_temp.caused c where exists (
  select from enrolment_decision d where d.household_id = c.household_id and d.programme = c.programme and d.person_id is not distinct from c.person_id
  and d.state = 'proposed')
"""
UPDATE = f"""
update enrolment_review r set cause = c.cause, changed = c.changed, suggestion = c.suggestion, month = %(month)s, current_amount = c.current_amount,
  law_amount = c.law_amount, assessment_id = c.assessment_id, digest = c.digest, run_id = %(run)s, award_id = c.award_id, version = r.version + 1,
  state = case when c.held then 'held' else 'open' end, due = case when r.state = 'held' and not c.held then c.due else r.due end
from pg_temp.caused c where {SAME} and r.state in ('open', 'held') and (r.digest <> c.digest or r.suggestion <> c.suggestion or (r.state = 'held') <> c.held)
"""
INSERT = f"""
insert into enrolment_review (household_id, area, programme, person_id, award_id, kind, cause, changed, suggestion, month, current_amount, law_amount,
  assessment_id, digest, run_id, state, due, version, reason, made_at)
select c.household_id, c.area, c.programme, c.person_id, c.award_id, 'difference', c.cause, c.changed, c.suggestion, %(month)s, c.current_amount, c.law_amount,
  c.assessment_id, c.digest, %(run)s, case when c.held then 'held' else 'open' end, c.due, 1, '', %(now)s
from pg_temp.caused c where not exists (select from enrolment_review r where {SAME} and r.state in ('open', 'held', 'proposed'))
order by c.household_id, c.programme, c.person_id
on conflict do nothing
"""
SETTLE = """
update enrolment_review r set state = 'settled', version = r.version + 1, decided_at = %(now)s
where r.area >= %(low)s and r.area < %(high)s and r.kind = 'difference' and r.state in ('open', 'held')
  and (%(ids)s::bigint[] is null or r.household_id = any(%(ids)s)) and not exists (
  select from pg_temp.difference c where r.household_id = c.household_id and r.programme = c.programme and r.person_id is not distinct from c.person_id)
"""
# Whose facts were recorded, who joined, left or died since then.
CHANGED = """
with recorded as (select f.household_id, f.person_id from registry_fact f where f.area >= %(low)s and f.area < %(high)s and f.recorded_at > %(since)s)
select household_id from recorded where household_id is not null
union
select m.household_id from registry_membership m join registry_person p on p.id = m.person_id
where m.area >= %(low)s and m.area < %(high)s and (m.person_id in (select person_id from recorded) or m.starts >= %(day)s or m.ends >= %(day)s or p.died_on >= %(day)s)
"""
CHUNK = 20_000


@transaction.atomic
def monitor(*, area: str, month: date, now: datetime, since: datetime | None = None, progress: Progress | None = None) -> MonitoringRun:
    """Run the law over all households of an area for a month (its first day) and bring the reviews up to date. Bounded memory.

    With `since` only over households where something was recorded, or somebody joined, left or died, after it.

    Raises ValidationError for an area outside the scope or a month that is not one. `figures` of the run: reviews `new`, `updated`, `settled`,
    `held`, counts `by_cause`, households whose facts cannot stand (`bad`), and seconds spent `reading`, in the `law` and `writing`.
    """
    scope = duties.require("enrolment.monitor")
    if not scope.covers(area):
        raise ValidationError(_("该地区不在您的管辖范围内。"))
    if month.day != 1:
        raise ValidationError(_("月份应为某月的 1 日。"))
    settings = law_settings(month)
    frozen = snapshot(settings, now=now)
    run = MonitoringRun.objects.create(area=area, month=month, since=since, made_by=scope.account_id or None, made_at=now)
    as_of = facts_day(month, timezone.localdate(now))
    values = {
        "run": None, "month": month, "trigger": "monitoring", "law": law.law_version(), "settings": frozen.hash, "as_of": as_of,
        "account": scope.account_id, "now": now,
    }  # fmt: skip
    seconds = {"reading": 0.0, "law": 0.0, "writing": 0.0}
    bad: list[dict[str, Any]] = []
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('monitor ' || %s, 0))", [area[:6]])
        cursor.execute(STAGE)
        cursor.execute("select count(*) from registry_household where area >= %s and area < %s", [area, area + ":"])
        in_all = cursor.fetchone()[0]
    ids = None if since is None else _changed(area, since)
    in_all = in_all if ids is None else len(ids)
    found = 0
    began = perf_counter()
    for facts, awards in _chunks(area, ids, month, as_of, settings):
        run.households += len(facts.household_ids)
        run.people += len(facts.person_ids)
        run.awards += awards.num_rows
        read = perf_counter()
        facts, persons, households = results_without_bad(facts, settings, bad)
        broken = {entry["household"] for entry in bad}
        if broken:  # their awards are neither confirmed nor called in question: they stand on the run's page
            awards = awards.filter(pc.invert(pc.is_in(awards["household_id"], value_set=pa.array(sorted(broken), pa.int64()))))
        ruled = perf_counter()
        seconds["reading"] += read - began
        seconds["law"] += ruled - read
        if len(facts.household_ids):
            made = differences(facts, persons, households, awards)
            if len(made.household_id):
                keep = np.isin(facts.household_ids, made.household_id)
                rows = keep[facts.person_household]
                if keep.any():
                    write_assessments(facts.only(keep), {n: c[rows] for n, c in persons.items()}, {n: c[keep] for n, c in households.items()}, values)
                _stage(made.table())
                found += len(made.household_id)
        seconds["writing"] += perf_counter() - ruled
        if progress:
            progress(min(run.households, in_all), in_all)
        began = perf_counter()
    began = perf_counter()
    run.figures = _settle(run, now=now, ids=ids) | {"found": found, "bad": len({entry["household"] for entry in bad}), "bad_facts": bad[:100]}
    seconds["writing"] += perf_counter() - began
    run.figures["seconds"] = {name: round(value, 2) for name, value in seconds.items()}
    run.finished_at = now
    run.save(update_fields=["households", "people", "awards", "figures", "finished_at"])
    scopes.check_constraints()
    return run


def _changed(area: str, since: datetime) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(CHANGED, {"low": area, "high": area + ":", "since": since, "day": timezone.localdate(since)})
        return sorted(row[0] for row in cursor.fetchall())


def _chunks(area: str, ids: list[int] | None, month: date, as_of: date, settings: law.Settings) -> Iterator[tuple[Facts, pa.Table]]:
    """(facts, awards) of chunks of villages, or of the households named."""
    if ids is None:
        for low, high in area_chunks(area, area + ":"):
            yield read_area(low=low, high=high, month=month, as_of=as_of, settings=settings), running_awards(low=low, high=high, month=month)
        return
    awards = running_awards(low=area, high=area + ":", month=month)
    for first in range(0, len(ids), CHUNK):
        part = ids[first : first + CHUNK]
        mine = awards.filter(pc.is_in(awards["household_id"], value_set=pa.array(part, pa.int64())))
        yield read_households(ids=part, month=month, as_of=as_of, settings=settings), mine


def _stage(rows: Any) -> None:
    buffer = io.BytesIO()
    pyarrow.csv.write_csv(rows, buffer, pyarrow.csv.WriteOptions(include_header=False))
    with connection.cursor() as cursor, cursor.copy("copy pg_temp.difference from stdin with (format csv)") as copy:
        copy.write(buffer.getbuffer())


def _settle(run: MonitoringRun, *, now: datetime, ids: list[int] | None = None) -> dict[str, Any]:
    """The reviews after the differences of a run (`ids`: of these households alone); the figures."""
    on = timezone.localdate(now)
    values: dict[str, Any] = {
        "month": run.month, "run": run.pk, "now": now, "low": run.area, "high": run.area + ":", "ids": ids, "account": scopes.current().account_id or None,
        "following": list(FOLLOWING), "income": list(INCOME), "property": list(PROPERTY), "disability": list(DISABILITY), "work": list(FROM_WORK),
    }  # fmt: skip
    figures: dict[str, Any] = {}
    with connection.cursor() as cursor:
        cursor.execute("analyze pg_temp.difference")
        cursor.execute("select distinct left(area, 6) from pg_temp.difference")
        counties = [row[0] for row in cursor.fetchall()]
        cursor.execute("create temp table due (county text, due date) on commit drop")
        cursor.executemany(
            "insert into pg_temp.due values (%s, %s)", [(county, add_working_days(on, int(get_setting(DAYS, county, on)))) for county in counties]
        )
        for statement in (EXPLAIN, CAUSES, GRADUAL, KEPT, WAITING):
            cursor.execute(statement, values)
        cursor.execute("analyze pg_temp.caused")
        for name, statement in (("updated", UPDATE), ("new", INSERT), ("settled", SETTLE)):
            cursor.execute(statement, values)
            figures[name] = cursor.rowcount
        cursor.execute("select cause, count(*) from pg_temp.caused group by cause order by cause")
        figures["by_cause"] = dict(cursor.fetchall())
        cursor.execute("select count(*) from pg_temp.caused where held")
        figures["held"] = cursor.fetchone()[0]
        for table in ("due", "explained", "caused", "difference"):
            cursor.execute(f"drop table pg_temp.{table}")
    refresh_todos(area=run.area, now=now)
    return figures


@transaction.atomic
def release_held(*, area: str, on: date, now: datetime) -> int:
    """Reviews that a suspension of exits held back come up again where none is on any more (2.6); their number."""
    duties.require("enrolment.monitor")
    due = add_working_days(on, int(get_setting(DAYS, area, on)))
    with connection.cursor() as cursor:
        cursor.execute(
            "update enrolment_review r set state = 'open', due = %s, version = version + 1 where r.area >= %s and r.area < %s and r.state = 'held'"
            " and not exists (select from doudi.switched_areas(%s, %s, %s) a where starts_with(r.area, a))",
            [due, area, area + ":", EXIT_SUSPENSION, on, on],
        )
        released = cursor.rowcount
    if released:
        refresh_todos(area=area, now=now)
    return released
