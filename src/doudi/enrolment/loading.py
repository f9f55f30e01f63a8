"""Loading of running awards (系统初始化导入): what places paid before this system, as decisions of a named pair of officers."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from doudi.core import scope as scopes
from doudi.core.plans import at_once
from doudi.registry import loading as registry_loading
from doudi.registry.models import GROUPS

DOCUMENT = "系统初始化导入"
BATCH = 100_000
TOGETHER = ("dibao", "marginal")
Progress = Callable[[int, int], None]

STAGE = """
create temp table load_award (award_no bigint, programme text, household_no bigint, person_no bigint, payee_no bigint, starts date, amount numeric(14,2))
on commit drop
"""
# One row per award that can be loaded: all members are managed with the household and alive, and nobody has the number yet.
READY = """
create temp table ready_award on commit drop as
select l.award_no, 'INIT' || left(h.area, 6) || lpad(l.award_no::text, 13, '0') number, l.programme, g.grp, h.household_id, h.area,
  case when l.programme <> all(%(together)s) then min(p.person_id) end person_id, min(l.starts) starts, min(l.amount) amount,
  min(y.person_id) payee_id, jsonb_agg(jsonb_build_object('person_id', p.person_id, 'name', r.name, 'band', null,
    'share', case when l.programme <> all(%(together)s) then l.amount::text end) order by p.person_id) members
from pg_temp.load_award l
join unnest(%(programmes)s::text[], %(groups)s::smallint[]) g (programme, grp) on g.programme = l.programme
join pg_temp.synthetic_household h using (household_no)
join pg_temp.synthetic_person p on p.person_no = l.person_no and p.area = h.area
join registry_person r on r.id = p.person_id and r.died_on is null
left join pg_temp.synthetic_person y on y.person_no = l.payee_no
where l.starts < %(before)s and not exists (
  select from enrolment_awardmember w where w.person_id = p.person_id and w.grp = g.grp and not w.void and (w.ends is null or w.ends > l.starts))
group by l.award_no, l.programme, g.grp, h.household_id, h.area
having min(y.person_id) is not null
"""
DECISIONS = """
insert into enrolment_decision (number, area, household_id, person_id, programme, kind, content, content_hash, amount, starts, differs, reason, state,
  proposed_by_id, proposed_at, decided_by_id, decided_at, decision_note, version)
select c.number, c.area, c.household_id, c.person_id, c.programme, 'grant', c.content, encode(sha256(convert_to(c.content::text, 'UTF8')), 'hex'),
  c.amount, c.starts, false, '', 'approved', %(proposer)s, %(now)s, %(approver)s, %(now)s, %(document)s, 2
from (select a.*, jsonb_build_object('household_id', a.household_id, 'area', a.area, 'programme', a.programme, 'kind', 'grant', 'person_id', a.person_id,
    'members', a.members, 'amounts', jsonb_build_array(jsonb_build_object('from', a.starts, 'amount', a.amount::text)), 'starts', a.starts,
    'payee', jsonb_build_object('person_id', p.id, 'name', p.name), 'differs', false, 'reason', '', 'document', %(document)s::text) content
  from pg_temp.ready_award a join registry_person p on p.id = a.payee_id) c
order by c.number
on conflict (number) do nothing
"""
MADE = """
create temp table made_award on commit drop as
select a.*, d.id decision_id, row_number() over (partition by a.area order by d.id) place
from pg_temp.ready_award a join enrolment_decision d on d.number = a.number
where not exists (select from enrolment_award w where w.household_id = a.household_id and w.decision_id = d.id)
"""
ENTITLED = """
create temp table made_id on commit drop as
with new as (insert into enrolment_entitlement (area, kind) select area, 'award' from pg_temp.made_award order by area, place returning id, area)
select id, area, row_number() over (partition by area order by id) place from new
"""
AWARDS = """
insert into enrolment_award (id, area, household_id, programme, grp, starts, void, suspended, payee_id, payee_name, account, bank, decision_id, made_at)
select i.id, a.area, a.household_id, a.programme, a.grp, a.starts, false, false, p.id, p.name, p.account, p.bank, a.decision_id, %(now)s
from pg_temp.made_award a join pg_temp.made_id i using (area, place) join registry_person p on p.id = a.payee_id order by i.id
"""
AMOUNTS = """
insert into enrolment_awardamount (area, award_id, from_month, amount, decision_id)
select a.area, i.id, a.starts, a.amount, a.decision_id from pg_temp.made_award a join pg_temp.made_id i using (area, place) where a.amount > 0 order by i.id
"""
MEMBERS = """
insert into enrolment_awardmember (area, award_id, person_id, grp, void, starts, share)
select a.area, i.id, p.person_id, a.grp, false, l.starts, case when a.programme <> all(%(together)s) then l.amount end
from pg_temp.made_award a join pg_temp.made_id i using (area, place) join pg_temp.load_award l using (award_no)
join pg_temp.synthetic_person p on p.person_no = l.person_no and p.area = a.area
join registry_person r on r.id = p.person_id and r.died_on is null
order by p.person_id
"""


@dataclass(frozen=True)
class LoadedAwards:
    """Rows inserted, and awards of the file left out (`skipped`): loaded before, or nobody of them is managed here alive."""

    awards: int
    members: int
    skipped: int


@transaction.atomic
def load_awards(
    folder: Path, *, proposer_id: int, approver_id: int, now: datetime, before: date = date(2022, 12, 1), progress: Progress | None = None
) -> LoadedAwards:
    """Load the running awards of a synthetic area under the acting scope; the registry of it is loaded already.

    `folder`: what `doudi.batch.synth.generate` wrote. Each award has a decision (grant, document 系统初始化导入) proposed and approved by
    the two accounts. Awards that start on or after `before` are left out. Safe to run again. All or nothing.
    """
    scopes.current()
    if proposer_id == approver_id:
        raise ValidationError(_("导入须由两名工作人员分别提出和确认。"))
    registry_loading.stage_ids(folder)
    file = pq.ParquetFile(Path(folder) / "awards.parquet")
    total, done = file.metadata.num_rows, 0
    values: dict[str, Any] = {
        "proposer": proposer_id, "approver": approver_id, "now": now, "before": before, "document": DOCUMENT, "together": list(TOGETHER),
        "programmes": list(GROUPS), "groups": list(GROUPS.values()),
    }  # fmt: skip
    with connection.cursor() as cursor, at_once(cursor):
        for table in ("load_award", "ready_award", "made_award", "made_id"):
            cursor.execute(f"drop table if exists pg_temp.{table}")
        cursor.execute(STAGE)
        for batch in file.iter_batches(BATCH):
            yuan = pc.divide(batch["amount_fen"].cast(pa.decimal128(21, 2)), pa.scalar(100, pa.decimal128(3, 0))).cast(pa.decimal128(16, 2), safe=False)
            names = ["award_no", "programme", "household_no", "person_no", "payee_no", "starts"]
            rows = pa.table([*(batch[name] for name in names), yuan], names=[*names, "amount"])
            buffer = io.BytesIO()
            pyarrow.csv.write_csv(rows, buffer, pyarrow.csv.WriteOptions(include_header=False))
            with cursor.copy("copy pg_temp.load_award from stdin with (format csv)") as copy:
                copy.write(buffer.getbuffer())
            done += len(batch)
            if progress:
                progress(done, total)
        cursor.execute("analyze pg_temp.load_award")
        cursor.execute("select count(distinct award_no) from pg_temp.load_award")
        in_all = cursor.fetchone()[0]
        cursor.execute(READY, values)
        cursor.execute("analyze pg_temp.ready_award")
        cursor.execute(DECISIONS, values)
        cursor.execute(MADE)
        cursor.execute(ENTITLED)
        cursor.execute("analyze pg_temp.made_award; analyze pg_temp.made_id")
        cursor.execute(AWARDS, values)
        awards = cursor.rowcount
        cursor.execute(AMOUNTS)
        cursor.execute(MEMBERS, values)
        members = cursor.rowcount
        scopes.check_constraints()
        for table in ("load_award", "ready_award", "made_award", "made_id", "synthetic_person", "synthetic_household"):
            cursor.execute(f"drop table if exists pg_temp.{table}")
    return LoadedAwards(awards=awards, members=members, skipped=in_all - awards)


REFUSED = """
insert into enrolment_decision (number, area, household_id, programme, kind, content, content_hash, starts, differs, reason, state,
  proposed_by_id, proposed_at, decision_note, version)
select c.number, c.area, c.household_id, c.programme, 'refuse', c.content, encode(sha256(convert_to(c.content::text, 'UTF8')), 'hex'), c.starts, false,
  %(document)s, 'proposed', %(proposer)s, %(now)s, '', 1
from (select 'INIT' || left(h.area, 6) || 'R' || lpad(l.household_no::text, 12, '0') number, h.area, h.household_id, l.programme, l.starts,
    jsonb_build_object('household_id', h.household_id, 'area', h.area, 'programme', l.programme, 'kind', 'refuse', 'person_id', null,
      'members', jsonb_agg(jsonb_build_object('person_id', p.person_id, 'name', r.name) order by p.person_id), 'starts', l.starts,
      'reason', %(document)s::text, 'document', %(document)s::text) content
  from pg_temp.load_refusal l join pg_temp.synthetic_household h using (household_no)
  join pg_temp.synthetic_person p on p.person_no = l.person_no and p.area = h.area join registry_person r on r.id = p.person_id
  group by h.area, h.household_id, l.household_no, l.programme, l.starts) c
order by c.number
on conflict (number) do nothing
"""
APPROVED = """
update enrolment_decision set state = 'approved', decided_by_id = %(approver)s, decided_at = %(now)s, decision_note = %(document)s, version = 2
where state = 'proposed' and kind = 'refuse' and number like 'INIT%%'
"""


@transaction.atomic
def load_refusals(folder: Path, *, proposer_id: int, approver_id: int, now: datetime) -> int:
    """Load earlier refusals (不予确认) of a synthetic area under the acting scope, each as a decision of two officers; the benefit status of the
    members says so by trigger. `folder`: what `doudi.batch.synth.generate` wrote. Returns how many are new; safe to run again."""
    scopes.current()
    if proposer_id == approver_id:
        raise ValidationError(_("导入须由两名工作人员分别提出和确认。"))
    registry_loading.stage_ids(folder)
    buffer = io.BytesIO()
    rows = pq.read_table(Path(folder) / "refusals.parquet", columns=["household_no", "person_no", "programme", "starts"])
    pyarrow.csv.write_csv(rows, buffer, pyarrow.csv.WriteOptions(include_header=False))
    values: dict[str, Any] = {"proposer": proposer_id, "approver": approver_id, "now": now, "document": DOCUMENT}
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists pg_temp.load_refusal")
        cursor.execute("create temp table load_refusal (household_no bigint, person_no bigint, programme text, starts date) on commit drop")
        with cursor.copy("copy pg_temp.load_refusal from stdin with (format csv)") as copy:
            copy.write(buffer.getbuffer())
        cursor.execute("analyze pg_temp.load_refusal")
        cursor.execute(REFUSED, values)
        cursor.execute(APPROVED, values)
        made: int = cursor.rowcount
        scopes.check_constraints()
        for table in ("load_refusal", "synthetic_person", "synthetic_household"):
            cursor.execute(f"drop table if exists pg_temp.{table}")
    return made


__all__ = ["DOCUMENT", "LoadedAwards", "load_awards", "load_refusals"]
