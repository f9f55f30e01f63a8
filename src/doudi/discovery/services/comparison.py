"""Comparison of the lake with the registry (measures 1.2): findings become leads; the same situation is one lead, not one a month."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch import compare as batch_compare
from doudi.core import duties, postgres
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.discovery.clocks import deadlines
from doudi.discovery.models import ComparisonRun, Lead
from doudi.discovery.registry_side import write_members, write_people
from doudi.discovery.services.deliveries import lake, latest

Progress = Callable[[int, int, str], None]
STEPS = 4


@dataclass(frozen=True)
class Raised:
    """Result of a run: `found` situations, of which `raised` are new leads and `known` stand as leads already."""

    run: ComparisonRun
    found: int
    raised: int
    known: int
    by_indicator: dict[str, int]


def compare(*, area: str, on: date, now: datetime, progress: Progress | None = None) -> Raised:
    """Compare all accepted deliveries of the area with the registry and raise leads. Safe to run again: nothing is raised twice."""
    scope = duties.require("discovery.compare")
    tell = progress or (lambda done, total, step: None)
    deliveries = latest(area=area, until=on)
    run = ComparisonRun.objects.create(
        area=area, on=on, made_by_id=scope.account_id or None, made_at=now, deliveries=[delivery.pk for delivery in deliveries]
    )
    with tempfile.TemporaryDirectory(dir=_scratch(), prefix="compare-") as work:
        tell(0, STEPS, _("读取救助家庭数据"))
        people, members = Path(work) / "people.parquet", Path(work) / "members.parquet"
        write_people(people, area=area, on=on)
        write_members(members, area=area)
        tell(1, STEPS, _("比对部门数据"))
        found = batch_compare.run(lake(), people, members, on=on, temp=Path(work))
        tell(2, STEPS, _("生成救助线索"))
        raised = _raise(found, run=run, on=on, now=now)
    by_indicator = dict(zip(*_counts(found), strict=True))
    ComparisonRun.objects.filter(pk=run.pk).update(
        found=found.num_rows, raised=raised, by_indicator=by_indicator, finished_at=timezone.now(), deliveries=run.deliveries
    )
    run.refresh_from_db()
    tell(STEPS, STEPS, _("完成"))
    scopes.check_constraints()
    return Raised(run=run, found=found.num_rows, raised=raised, known=found.num_rows - raised, by_indicator=by_indicator)


def _scratch() -> Path:
    folder = postgres.home() / "scratch"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _counts(found: pa.Table) -> tuple[list[str], list[int]]:
    counted = found.group_by("indicator").aggregate([("indicator", "count")])
    return counted["indicator"].to_pylist(), counted["indicator_count"].to_pylist()


def _raise(found: pa.Table, *, run: ComparisonRun, on: date, now: datetime) -> int:
    """New leads by COPY into a temporary table and one INSERT ... SELECT; their first event and the township's to-do in the same way."""
    account = scopes.current().account_id or None
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists found_leads")
        cursor.execute(
            "create temporary table found_leads (indicator text, person_id bigint, household_id bigint, area text, situation text, programme text,"
            " reason text, evidence jsonb, urgency text) on commit drop"
        )
        names = ["indicator", "person_id", "household_id", "area", "situation", "programme", "reason", "evidence", "urgency"]
        with cursor.copy(f"copy found_leads ({', '.join(names)}) from stdin") as copy:
            for batch in found.select(names).to_batches(max_chunksize=50_000):
                for row in zip(*(batch.column(name).to_pylist() for name in names), strict=True):
                    copy.write_row(row)
        cursor.execute("analyze found_leads")
        cursor.execute("create temporary table limits (urgency text, contact_due date, verify_due date) on commit drop")
        for urgency in Lead.Urgency.values:
            limit = deadlines(urgency, on, run.area)
            cursor.execute("insert into limits values (%s, %s, %s)", [urgency, limit.contact, limit.verify])
        cursor.execute(
            """
            with new as (
              insert into discovery_lead (number, area, person_id, household_id, indicator, situation, programme, reason, evidence, urgency, state, run_id,
                                          signal_at, contact_due, verify_due, version)
              select 'XS' || %(day)s || '-' || lpad(nextval('doudi.lead_number')::text, 6, '0'), f.area, f.person_id, f.household_id, f.indicator, f.situation,
                     f.programme, left(f.reason, 400), f.evidence, f.urgency, 'new', %(run)s, %(now)s, l.contact_due, l.verify_due, 1
              from (select distinct on (indicator, situation) * from found_leads order by indicator, situation, person_id) f
              join limits l using (urgency)
              order by f.area, f.person_id
              on conflict (indicator, situation) do nothing
              returning id, area, number, contact_due
            ), events as (
              insert into discovery_leadevent (lead_id, area, at, account_id, before, after, note)
              select id, area, %(now)s, %(account)s, '', 'new', %(note)s from new
            ), todos as (
              insert into core_todo (area, duty, kind, title, url, subject, subject_id, due, made_at)
              select area, %(duty)s, 'lead', %(title)s || number || %(what)s, '/leads/' || id || '/', 'lead', id, contact_due, %(now)s from new
              on conflict (kind, subject, subject_id, duty) where done_at is null do nothing
            )
            select count(*) from new
            """,
            {
                "day": f"{on:%Y%m%d}",
                "run": run.pk,
                "now": now,
                "account": account,
                "note": _("信息比对发现"),
                "duty": Duty.TOWNSHIP_OFFICER.value,
                "title": "救助线索 ",
                "what": "：首次联系",
            },
        )
        (raised,) = cursor.fetchone()
        cursor.execute("drop table found_leads, limits")
    return raised
