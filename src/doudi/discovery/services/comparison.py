"""Comparison of the lake with the registry (measures 1.2): findings become leads; the same situation is one lead, not one a month."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch import compare as batch_compare
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.scratch import scratch
from doudi.discovery import thresholds
from doudi.discovery.models import Channel, ComparisonRun
from doudi.discovery.registry_side import write_members, write_people
from doudi.discovery.services.deliveries import latest
from doudi.discovery.services.linkage import Linked, link
from doudi.discovery.services.raising import settle, staged

Progress = Callable[[int, int, str], None]
STEPS = 5


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
    with tempfile.TemporaryDirectory(dir=scratch(), prefix="compare-") as work:
        tell(0, STEPS, _("读取救助家庭数据"))
        people, members = Path(work) / "people.parquet", Path(work) / "members.parquet"
        write_people(people, area=area, on=on)
        write_members(members, area=area)
        tell(1, STEPS, _("认定缺号、错号数据的人员"))
        linked = link(area=area, on=on, now=now, folder=Path(work))
        tell(2, STEPS, _("比对部门数据"))
        parameters, switches = thresholds.in_force(on, area)
        found = batch_compare.run(linked.lake, people, members, on=on, parameters=parameters, switches=switches, temp=Path(work))
        tell(3, STEPS, _("生成救助线索"))
        raised = _raise(found, linked, run=run, on=on, now=now)
    by_indicator = dict(zip(*_counts(found), strict=True))
    ComparisonRun.objects.filter(pk=run.pk).update(
        found=found.num_rows, raised=raised, linked=linked.rows, by_indicator=by_indicator, finished_at=timezone.now(), deliveries=run.deliveries
    )
    run.refresh_from_db()
    tell(STEPS, STEPS, _("完成"))
    scopes.check_constraints()
    return Raised(run=run, found=found.num_rows, raised=raised, known=found.num_rows - raised, by_indicator=by_indicator)


def _counts(found: pa.Table) -> tuple[list[str], list[int]]:
    counted = found.group_by("indicator").aggregate([("indicator", "count")])
    return counted["indicator"].to_pylist(), counted["indicator_count"].to_pylist()


# Where somebody stays in another village of the same county, its staff get the lead too; further away an officer refers it.
STAYS = """
update lead_signals s set residence_area = p.residence_area from registry_person p
where p.id = s.person_id and length(p.residence_area) = 12 and p.residence_area <> s.area and left(p.residence_area, 6) = left(s.area, 6)
  and starts_with(p.residence_area, %s)
"""


# How a row without a usable number came to its person, said with the situation that it raises.
MARK = """
update lead_signals s set evidence = s.evidence || jsonb_build_object('linked', m.state),
  reason = left(s.reason, 370) || case m.state when 'same' then '（原数据无可用身份证号，经人工核查认定为本人）'
                                               else '（原数据无可用身份证号，由系统按姓名等关联，请先核对身份）' end
from linkage_marks m where s.evidence->>'dataset' = m.dataset and s.evidence->>'delivery' = m.delivery and (s.evidence->>'row')::bigint = m.row
"""


def _say_linked(cursor: Any, marks: pa.Table) -> None:
    cursor.execute("drop table if exists pg_temp.linkage_marks")
    cursor.execute("create temporary table linkage_marks (dataset text, delivery text, row bigint, state text) on commit drop")
    with cursor.copy("copy linkage_marks (dataset, delivery, row, state) from stdin") as copy:
        for row in zip(*(column.to_pylist() for column in marks.columns), strict=True):
            copy.write_row(row)
    cursor.execute(MARK)


def _raise(found: pa.Table, linked: Linked, *, run: ComparisonRun, on: date, now: datetime) -> int:
    """New leads by COPY into a temporary table and INSERT ... SELECT, merged per household and assigned; the number of new situations."""
    names = ["indicator", "person_id", "household_id", "area", "situation", "programme", "reason", "evidence", "urgency"]
    with staged() as cursor:
        with cursor.copy(f"copy lead_signals ({', '.join(names)}) from stdin") as copy:
            for batch in found.select(names).to_batches(max_chunksize=50_000):
                for row in zip(*(batch.column(name).to_pylist() for name in names), strict=True):
                    copy.write_row(row)
        cursor.execute(
            "update lead_signals set channel = %s, subject_name = '', need = '', merge_key = coalesce('h' || household_id, 'p' || person_id)",
            [Channel.COMPARISON],
        )
        if linked.rows:
            _say_linked(cursor, linked.marks)
        cursor.execute(STAYS, [scopes.current().area])
        settled = settle(cursor, area=run.area, on=on, now=now, run_id=run.pk, note=_("信息比对发现"))
    return len(settled.opened) + settled.merged
