"""Daily jobs: once per day and place, whoever runs them and whatever fails."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from threading import Barrier
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import DatabaseError, connection, connections, transaction

from doudi.core import duties, periodic, side
from doudi.core import scope as scopes
from doudi.core.models import DailyRun, Duty, Todo
from doudi.core.services.todos import raise_todo
from doudi.core.tests.officers import COUNTY, TOWNSHIP, client_of, officer

CHINA = ZoneInfo("Asia/Shanghai")
NOW = datetime(2024, 2, 29, 6, 0, tzinfo=CHINA)
ON = date(2024, 2, 29)
PROVINCE = scopes.Scope(area="41")
_numbers = iter(range(1, 1000))


def mark(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """A job that leaves a trace of each run."""
    raise_todo(kind="daily", area=area, duty="data_checker", title="跑过", url="/", subject="daily", subject_id=next(_numbers), now=now)
    return {"marks": 1}


def _marks() -> int:
    with scopes.acting(PROVINCE):
        return Todo.objects.filter(kind="daily").count()


@pytest.fixture
def only() -> Iterator[Any]:
    """No jobs but those that the test registers."""
    jobs, rounds = dict(periodic._jobs), dict(periodic._rounds)
    periodic._jobs.clear()
    periodic._rounds.clear()
    yield periodic.daily
    periodic._jobs.clear()
    periodic._rounds.clear()
    periodic._jobs.update(jobs)
    periodic._rounds.update(rounds)


@pytest.mark.django_db
def test_a_job_runs_once_a_day_and_again_on_the_next(only: Any) -> None:
    only("test.mark", "试", mark)
    runs = [periodic.run_due(NOW), periodic.run_due(NOW + timedelta(hours=12)), periodic.run_due(NOW.replace(hour=23, minute=59))]
    assert runs == [1, 0, 0] and _marks() == 1
    assert periodic.run_due(NOW + timedelta(hours=18)) == 0, "midnight has passed, one o'clock has not"
    assert periodic.run_due(NOW + timedelta(hours=19)) == 1
    with scopes.acting(PROVINCE):
        assert list(DailyRun.objects.order_by("on").values_list("on", flat=True)) == [ON, date(2024, 3, 1)]


@pytest.mark.django_db
def test_the_day_is_the_provinces_not_greenwichs(only: Any) -> None:
    only("test.mark", "试", mark)
    early = datetime(2024, 3, 1, 1, 30, tzinfo=CHINA)  # still 29 February in UTC
    assert periodic.run_due(early) == 1
    with scopes.acting(PROVINCE):
        assert DailyRun.objects.get().on == date(2024, 3, 1)


@pytest.mark.django_db
def test_a_job_of_counties_runs_where_there_is_staff(only: Any) -> None:
    officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)
    officer(Duty.COUNTY_REVIEWER, "410724")
    officer(Duty.SUPERVISOR, "4101")
    only("test.mark", "试", mark, level=6)
    assert periodic.run_due(NOW) == 2
    with scopes.acting(PROVINCE):
        assert set(DailyRun.objects.values_list("area", flat=True)) == {COUNTY, "410724"}


@pytest.mark.django_db
def test_one_that_fails_leaves_nothing_is_tried_three_times_and_stops_no_other(only: Any) -> None:
    def fails(*, area: str, on: date, now: datetime) -> None:
        mark(area=area, on=on, now=now)
        raise ValueError("410122199001011234")

    only("test.a_fails", "坏", fails)
    only("test.b_works", "好", mark)
    tried = [periodic.run_due(NOW + timedelta(minutes=minutes)) for minutes in (0, 5, 15, 30, 45, 60)]
    assert tried == [1, 0, 0, 0, 0, 0] and _marks() == 1
    with scopes.acting(PROVINCE):
        row = DailyRun.objects.get(name="test.a_fails")
    assert (row.attempts, row.done_at, row.error) == (3, None, "ValueError")


@pytest.mark.django_db
def test_by_hand_it_runs_again_only_when_told(only: Any) -> None:
    only("test.mark", "试", mark)
    job = periodic.jobs()["test.mark"]
    assert [periodic.run_daily(job=job, area="41", on=ON, now=NOW, again=again) for again in (False, False, True)] == [
        {"marks": 1},
        None,
        {"marks": 1},
    ]


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_run_it_once(committed_db: None, only: Any) -> None:
    gate = Barrier(2)

    def work() -> int:
        gate.wait()
        try:
            return periodic.run_due(NOW)
        finally:
            side.close_now()
            connections.close_all()

    only("test.mark", "试", mark)
    with ThreadPoolExecutor(2) as pool:
        runs = [each.result() for each in [pool.submit(work), pool.submit(work)]]
    assert sorted(runs) == [0, 1] and _marks() == 1


@pytest.mark.django_db
def test_a_job_may_do_its_own_acts_within_its_own_area(only: Any) -> None:
    only("test.acts", "试", mark, level=6, acts=["discovery.deliver"])
    scope = periodic.jobs()["test.acts"].scope(COUNTY)
    assert [act for act in duties.MAY if duties.may(act, scope=scope)] == ["discovery.deliver"] and not scope.covers("410724")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "attack", ["delete from core_dailyrun", "update core_dailyrun set \"on\" = '2030-01-01'", "update core_dailyrun set name = 'x'"]
)
def test_what_was_run_stays_written(only: Any, attack: str) -> None:
    only("test.mark", "试", mark)
    periodic.run_due(NOW)
    with scopes.acting(PROVINCE), connection.cursor() as cursor, pytest.raises(DatabaseError), transaction.atomic():
        cursor.execute(attack)


@pytest.mark.django_db
def test_the_administrator_sees_what_was_run(only: Any) -> None:
    only("test.mark", "试跑任务", mark)
    periodic.run_due(NOW)
    page = client_of(officer(Duty.ADMINISTRATOR)).get("/daily/")
    assert page.status_code == 200 and "试跑任务" in page.content.decode()
    assert client_of(officer(Duty.DATA_CHECKER)).get("/daily/").status_code == 403
