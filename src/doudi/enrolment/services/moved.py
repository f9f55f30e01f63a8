"""Awards that run on from before a move (integrity.md, "A move"): the old area pays until the new one's begins; nobody may forget to make it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import transaction

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services import todos

LATE = """
select left(t.area, 6), %s::text, 'move.award_late', '转入家庭的待遇即将无人发放，乡镇尚未重新认定', t.url, t.subject, t.subject_id, t.due
from core_todo t where t.area >= %s and t.area < %s and t.kind = 'move.award' and t.done_at is null and t.due < %s
"""


# Nobody pays any more: to who stands above, each level once. The to-do is due twenty days before the old award ends (migration 0013).
UNPAID = """
select left(t.area, %s), %s::text, %s::text, '转入家庭已无人发放待遇，请督办：' || t.title, t.url, t.subject, t.subject_id, t.due + 20
from core_todo t where t.area >= %s and t.area < %s and t.kind = 'move.award' and t.done_at is null and t.due + 20 <= %s
"""
LEVELS = ((4, "move.award_unpaid"), (2, "move.award_province"))


@transaction.atomic
def remind_moved_awards(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """What the township has left past its day, before the old area stops paying, goes to the county; when it has stopped to the city, a month
    later to the province; each once. The months between are paid by the new award, which begins where the old one ended."""
    duties.require("enrolment.monitor")
    found = {"late": todos.raise_todos(LATE, [Duty.COUNTY_REVIEWER, area, area + ":", on], now=now), "unpaid": 0}
    for wait, (length, kind) in enumerate(LEVELS):
        if len(scopes.current().area) <= length:
            values = [length, Duty.SUPERVISOR, kind, area, area + ":", on - timedelta(days=31 * wait)]
            found["unpaid"] += todos.raise_todos(UNPAID, values, now=now)
    return found
