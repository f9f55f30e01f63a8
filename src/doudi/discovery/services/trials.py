"""Trials of indicators (指标试算): what a threshold would have raised on past data, before it is set (measures 1.2)."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _

from doudi.batch import compare as batch_compare
from doudi.batch.indicators import INDICATORS, ByPlace, Indicator
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models.divisions import LEVEL_LENGTH
from doudi.core.parameters import PROCEDURES
from doudi.core.scratch import scratch
from doudi.discovery import thresholds
from doudi.discovery.models import IndicatorTrial, Lead
from doudi.discovery.registry_side import write_members, write_people
from doudi.discovery.services.comparison import Progress
from doudi.discovery.services.linkage import lake_as_linked

CONFIRMED = (Lead.State.VERIFIED, Lead.State.HELPED, Lead.State.REFERRED)
REFUTED = (Lead.State.NOT_IN_NEED,)


def checked(indicator: Indicator, given: Mapping[str, str]) -> dict[str, float]:
    """Thresholds as numbers. Raises ValidationError by name of the threshold."""
    problems = {}
    for name, text in given.items():
        procedure = PROCEDURES.get(thresholds.parameter(indicator.code, name)) if name in indicator.parameters else None
        problem = procedure.problem(text) if procedure else _("没有这个阈值。")
        if problem:
            problems[name] = problem
    if problems:
        raise ValidationError(problems)
    return {name: float(text) for name, text in given.items()}


def try_indicator(
    *, indicator: str, area: str, on: date, given: Mapping[str, str], now: datetime, progress: Progress | None = None
) -> IndicatorTrial:
    """Run one indicator over the deliveries that had come by a day, with thresholds `given` (the others as they stand), and count what it would have
    raised. Nothing is raised. Raises ValidationError for a threshold out of its range or a day to come."""
    scope = duties.require("discovery.compare")
    if indicator not in INDICATORS:
        raise ValidationError(_("没有这个指标。"))
    if not scope.covers(area):
        raise ValidationError(_("所选地区不在您的辖区内。"))
    if on > now.date():
        raise ValidationError({"on": _("试算日期不能晚于今天。")})
    chosen = INDICATORS[indicator]
    values: dict[str, float | ByPlace] = dict(thresholds.in_force(on, area)[0].get(indicator, {}))
    numbers = checked(chosen, given)
    values |= numbers
    tell = progress or (lambda done, total, step: None)
    with tempfile.TemporaryDirectory(dir=scratch(), prefix="trial-") as work:
        tell(0, 2, _("读取救助家庭数据"))
        people, members = Path(work) / "people.parquet", Path(work) / "members.parquet"
        write_people(people, area=area, on=on)
        write_members(members, area=area)
        tell(1, 2, _("比对部门数据"))
        # As the switch stands does not matter here: a trial comes before it.
        linked = lake_as_linked(area=area, on=on, folder=Path(work))
        found = batch_compare.run(linked, people, members, on=on, indicators=[chosen], parameters={indicator: values}, temp=Path(work))
    counted = _counted(found, chosen, on, area)
    trial = IndicatorTrial.objects.create(
        area=area, indicator=indicator, on=on, values=numbers, made_by_id=scope.account_id or None, made_at=now, **counted
    )
    tell(2, 2, _("完成"))
    scopes.check_constraints()
    return trial


def _counted(found: pa.Table, indicator: Indicator, on: date, area: str) -> dict[str, object]:
    """Situations against the leads and benefits that are there: by COPY and two statements, whatever the number."""
    month = on.replace(day=1)
    deeper = next((length for length in sorted(LEVEL_LENGTH.values()) if length > len(area)), len(area))
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists tried")
        cursor.execute("create temporary table tried (person_id bigint, area text, situation text) on commit drop")
        with cursor.copy("copy tried from stdin") as copy:
            for batch in found.select(["person_id", "area", "situation"]).to_batches(max_chunksize=50_000):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    copy.write_row(row)
        cursor.execute("analyze tried")
        cursor.execute(
            """
            select count(*), count(l.id), count(*) filter (where l.state = any(%(confirmed)s)), count(*) filter (where l.state = any(%(refuted)s)),
                   count(*) filter (where exists (
                     select from registry_benefitstatus b where b.person_id = t.person_id and b.programme = %(programme)s
                       and b.state in ('active', 'suspended') and b.starts <= %(month)s and (b.ends is null or b.ends > %(month)s)))
            from tried t left join discovery_lead l on l.indicator = %(indicator)s and l.situation = t.situation
            """,
            {
                "confirmed": [str(state) for state in CONFIRMED],
                "refuted": [str(state) for state in REFUTED],
                "programme": indicator.programme,
                "month": month,
                "indicator": indicator.code,
            },
        )
        total, known, confirmed, refuted, helped = cursor.fetchone()
        cursor.execute("select left(area, %s), count(*) from tried group by 1 order by 2 desc, 1 limit 50", [deeper])
        places = dict(cursor.fetchall())
        cursor.execute("drop table tried")
    return {"found": total, "known": known, "confirmed": confirmed, "refuted": refuted, "helped": helped, "places": places}
