"""Awards that run on from before a move (integrity.md, "A move"): the old area pays until the new one's begins; nobody may forget to make it."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from doudi.core import duties
from doudi.core.models import Duty
from doudi.core.services import todos

LATE = """
select left(t.area, 6), %s::text, 'move.award_late', '转入家庭的待遇即将无人发放，乡镇尚未重新认定', t.url, t.subject, t.subject_id, t.due
from core_todo t where t.area >= %s and t.area < %s and t.kind = 'move.award' and t.done_at is null and t.due < %s
"""


@transaction.atomic
def remind_moved_awards(*, area: str, on: date, now: datetime) -> int:
    """What the township has left past its day, before the old area stops paying, goes to the county, once; the number of new to-dos."""
    duties.require("enrolment.monitor")
    return todos.raise_todos(LATE, [Duty.COUNTY_REVIEWER, area, area + ":", on], now=now)
