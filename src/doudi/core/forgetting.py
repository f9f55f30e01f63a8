"""What the machine notes for itself and nobody needs for ever (运行记录到期清理): daily jobs, tasks, places in the queue, sessions over.

    daily jobs (定时任务)                     400 days   a year's audit still finds every run of the year before
    background tasks (后台任务) that ended    180 days   as long as calls of other systems, whose deliveries name them
    ended places in the queue                  14 days   the task's own row says what came of it
    sessions (登录会话)                        when over  access records say who signed in and what was opened

The ages stand in the database's function, past the reach of the application. Nothing about people, money, decisions or access is touched
here; how many rows went stands in the run of the day.
"""

from __future__ import annotations

from datetime import date, datetime

from django.db import connection

from doudi.core import duties, periodic

MOST = 50_000
"""Rows of a kind in one night: a province that begins to clean up catches up over some nights, without a long lock."""
KINDS = ("runs", "tasks", "results", "sessions")


def forget(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Remove what is past its age, at most `MOST` of each kind; how many of each. Runs of what is no registered job stay."""
    duties.require("records.forget")
    with connection.cursor() as cursor:
        cursor.execute("select * from doudi.core_forget(%s, %s, %s)", [now, sorted(periodic.jobs()), MOST])
        return dict(zip(KINDS, cursor.fetchone(), strict=True))
