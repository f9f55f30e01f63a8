"""What the machine notes for itself goes after its time; nothing younger does, whatever day the database is told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import DatabaseError, connection, transaction
from django_tasks_db.models import DBTaskResult

from doudi.core import forgetting, periodic
from doudi.core import scope as scopes
from doudi.core.models import DailyRun, Duty, TaskProgress
from doudi.core.tests.officers import COUNTY, officer

NOW = datetime(2026, 3, 1, 2, tzinfo=UTC)  # the day after the last of February
ON = date(2026, 3, 1)
PROVINCE = scopes.Scope(area="41")
KNOWN = "core.forget"


def _days(number: float) -> datetime:
    return NOW - timedelta(days=number)


def _fill() -> None:
    """One row of each kind on either side of each limit, and what never goes: a task that runs, runs of no registered job."""
    posting = officer(Duty.DATA_CHECKER)
    with scopes.acting(PROVINCE):
        for name, age in ((KNOWN, 401), (KNOWN, 400), ("simulate.births", 4_000)):
            DailyRun.objects.create(area=COUNTY, name=name, on=ON - timedelta(days=age), tried_at=_days(age), done_at=_days(age))
        DailyRun.objects.create(area=COUNTY, name="api.forget", on=ON - timedelta(days=500), tried_at=_days(500), error="Failed")
        for title, age, state in (("over", 181, "done"), ("young", 179, "failed"), ("runs", 400, "running")):
            TaskProgress.objects.create(
                area=COUNTY, title=title, account_id=posting.account_id, posting_id=posting.posting_id, duty=posting.duty, state=state, asked_at=_days(age), task_path="x",
                finished_at=None if state == "running" else _days(age - 0.5),
            )  # fmt: skip
    values: dict[str, Any] = {"args_kwargs": {}, "backend_name": "default", "run_after": NOW, "exception_class_path": "", "traceback": ""}
    for path, age, status in (("over", 15, "SUCCESSFUL"), ("young", 13, "FAILED"), ("runs", 15, "RUNNING")):
        DBTaskResult.objects.create(task_path=path, status=status, finished_at=None if status == "RUNNING" else _days(age), **values)
    Session.objects.create(session_key="over", session_data="", expire_date=NOW - timedelta(minutes=1))
    Session.objects.create(session_key="open", session_data="", expire_date=NOW + timedelta(minutes=1))


def _left() -> dict[str, list[str]]:
    with scopes.acting(PROVINCE):
        return {
            "runs": sorted(f"{row.name} {(ON - row.on).days}" for row in DailyRun.objects.filter(on__lt=ON)),
            "tasks": sorted(TaskProgress.objects.values_list("title", flat=True)),
            "results": sorted(DBTaskResult.objects.values_list("task_path", flat=True)),
            "sessions": sorted(Session.objects.values_list("session_key", flat=True)),
        }


STAYS = {"runs": ["core.forget 400", "simulate.births 4000"], "tasks": ["runs", "young"], "results": ["runs", "young"], "sessions": ["open"]}


@pytest.mark.django_db
def test_the_nightly_job_removes_what_is_past_its_time_and_writes_how_much() -> None:
    _fill()
    job = periodic.jobs()[KNOWN]
    assert periodic.run_daily(job=job, area="41", on=ON, now=NOW) == {"runs": 2, "tasks": 1, "results": 1, "sessions": 1}
    assert _left() == STAYS
    with scopes.acting(PROVINCE):
        written = DailyRun.objects.get(name=KNOWN, on=ON)
    assert job.told(written.result) == "定时任务记录 2；后台任务 1；任务队列 1；登录会话 1", "what went is written where it went"
    assert periodic.run_daily(job=job, area="41", on=ON, now=NOW, again=True) == dict.fromkeys(forgetting.KINDS, 0)


@pytest.mark.django_db
def test_a_wrong_clock_removes_nothing_that_is_young(monkeypatch: pytest.MonkeyPatch) -> None:
    with scopes.acting(PROVINCE), connection.cursor() as cursor:
        cursor.execute("select now()")
        today = cursor.fetchone()[0].date()
        DailyRun.objects.create(area=COUNTY, name=KNOWN, on=today - timedelta(days=399), tried_at=NOW, done_at=NOW)
    Session.objects.create(session_key="mine", session_data="", expire_date=datetime.now(UTC) + timedelta(hours=1))
    periodic.run_daily(job=periodic.jobs()[KNOWN], area="41", on=date(2099, 1, 1), now=datetime(2099, 1, 1, 2, tzinfo=UTC))
    with scopes.acting(PROVINCE):
        assert DailyRun.objects.filter(on=today - timedelta(days=399)).exists()
    assert Session.objects.filter(pk="mine").exists()


@pytest.mark.django_db
def test_a_night_takes_no_more_than_its_share_and_nobody_else_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "MOST", 1)
    for number in range(3):
        Session.objects.create(session_key=f"over{number}", session_data="", expire_date=NOW - timedelta(days=1))
    with scopes.acting(periodic.jobs()[KNOWN].scope("41")):
        assert forgetting.forget(area="41", on=ON, now=NOW)["sessions"] == 1
    assert Session.objects.count() == 2
    with pytest.raises(scopes.NoScope):
        forgetting.forget(area="41", on=ON, now=NOW)
    for attack in ("delete from core_taskprogress", "delete from core_accessrecord"):
        with scopes.acting(PROVINCE), connection.cursor() as cursor, pytest.raises(DatabaseError), transaction.atomic():
            cursor.execute(attack)
