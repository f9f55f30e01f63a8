"""What follows for reviews and their to-dos when decisions are made. Stands below what proposes and decides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services import todos
from doudi.enrolment.models import Review

# One to-do per township and cause: the list behind it holds the households.
TODOS = """
select left(area, 9), %s::text, 'review.' || cause, '动态监测待核查：' || label, '/enrolment/reviews/?state=open&cause=' || cause, 'review.' || cause,
  (left(area, 9) || '000')::bigint, min(due)
from enrolment_review join unnest(%s::text[], %s::text[]) w (name, label) on name = cause
where area >= %s and area < %s and state = 'open' group by left(area, 9), cause, label
"""
DONE = """
update core_todo t set done_at = %(now)s, done_by_id = %(account)s where t.done_at is null and t.kind like 'review.%%' and t.area >= %(low)s and t.area < %(high)s
and not exists (select from enrolment_review r where r.state = 'open' and 'review.' || r.cause = t.kind and r.area >= t.area and r.area < t.area || ':')
"""


def refresh_todos(*, area: str, now: datetime) -> None:
    """One open to-do per township and cause that has something open; the others are done."""
    causes = [(cause.value, str(cause.label)) for cause in Review.Cause]
    names = [[value for value, _label in causes], [label for _value, label in causes]]
    todos.raise_todos(TODOS, [Duty.TOWNSHIP_OFFICER, *names, area, area + ":"], now=now)
    with connection.cursor() as cursor:
        cursor.execute(DONE, {"now": now, "account": scopes.current().account_id or None, "low": area[:9], "high": area + ":"})


def follow_decisions(*, ids: Sequence[int], approved: bool, now: datetime) -> None:
    """The reviews behind decisions: changed with an approval, open again where it was sent back or withdrawn. Called by what decides."""
    account = scopes.current().account_id or None
    with connection.cursor() as cursor:
        cursor.execute(
            "update enrolment_review set state = %s, decided_by_id = case when %s then %s::bigint end, decided_at = case when %s then %s::timestamptz end,"
            " decision_id = case when %s then decision_id end, version = version + 1"
            " where decision_id = any(%s) and state = 'proposed' returning left(area, 9)",
            [Review.State.CHANGED if approved else Review.State.OPEN, approved, account, approved, now, approved, list(ids)],
        )
        townships = {row[0] for row in cursor.fetchall()}
    for township in sorted(townships):
        refresh_todos(area=township, now=now)
