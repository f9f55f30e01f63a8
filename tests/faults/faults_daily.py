"""The daily jobs: the database killed when a job has written all and nothing is committed; retention, the nightly count and the end of publicity among them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from cases import DAILY
from places import Place

DAY = "2023-01-05"  # the day after the one on which the place stands: no job has run for it
LEFT = "select (select count(*) from doudi.core_todo), (select count(*) from doudi.core_message), (select count(*) from doudi.core_dailyrun)"


@pytest.mark.parametrize("job", DAILY)
def test_a_daily_job_leaves_nothing_and_is_done_the_next_time(shared: Place, job: str) -> None:
    shared.let_go()
    before, left = shared.stands(), shared.ask(LEFT)
    process = shared.held('INSERT INTO "core_dailyrun"', "daily", "--job", job, "--on", DAY, "--json")
    shared.crash()
    said = process.communicate("\n", timeout=240)[1]
    assert process.returncode == 1 and "错误：无法连接数据库" in said and "Traceback" not in said, said[-2000:]
    shared.server.start()
    assert (shared.stands(), shared.ask(LEFT)) == (before, left), "nothing is half written"
    done = shared.doudi("daily", "--job", job, "--on", DAY, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    runs = shared.ask('select count(*), count(done_at), max(attempts) from doudi.core_dailyrun where name = %s and "on" = %s', job, DAY)
    assert runs[0][0] == runs[0][1] > 0 and runs[0][2] == 1, runs


def test_all_daily_jobs_run_again_do_nothing(shared: Place) -> None:
    first = shared.doudi("daily", "--on", DAY, "--json")
    assert first.returncode == 0, first.stdout + first.stderr
    before, left = shared.stands(), shared.ask(LEFT)
    again = shared.doudi("daily", "--on", DAY, "--json")
    assert again.returncode == 0, again.stdout + again.stderr
    assert set(json.loads(again.stdout)) == set(DAILY)
    assert (shared.stands(), shared.ask(LEFT)) == (before, left)


def test_retention_killed_has_removed_nothing(place: Place) -> None:
    """A month later the queue's ended places are past their fourteen days."""
    place.doing("arrange", "prepare")
    clock = place.home / "demo" / "clock"
    clock.write_text(str(float(clock.read_text()) + timedelta(days=40).total_seconds()))
    day = f"{datetime.now(UTC) + timedelta(seconds=float(clock.read_text())):%Y-%m-%d}"
    queue = "select count(*) from doudi.django_tasks_database_dbtaskresult"
    arguments = ["daily", "--job", "core.forget", "--on", day, "--json"]
    ((before,),) = place.ask(queue)
    process = place.held('INSERT INTO "core_dailyrun"', *arguments)
    place.crash()
    said = process.communicate("\n", timeout=240)[1]
    assert process.returncode == 1 and "错误：无法连接数据库" in said, said[-2000:]
    place.server.start()
    assert place.ask(queue) == [(before,)]
    done = place.doudi(*arguments)
    assert done.returncode == 0, done.stderr
    gone = json.loads(done.stdout)["core.forget"]["41"]["results"]
    assert gone > 0 and place.ask(queue) == [(before - gone,)]
