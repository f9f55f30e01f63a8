"""Background tasks: under the asker's scope, whole or not at all, safe against a killed worker."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from doudi.core import scope as scopes
from doudi.core import tasks
from doudi.core.models import Account, Posting, TaskProgress, Todo
from doudi.core.tests.officers import COUNTY, TOWNSHIP, client_of, officer
from doudi.core.worker import run_worker

HERE = "doudi.core.tests.background"
PROVINCE = scopes.Scope(area="41")


def _start(scope: scopes.Scope, name: str, **arguments: Any) -> TaskProgress:
    with scopes.acting(scope):
        return tasks.start_task(path=f"{HERE}.{name}", title="试", arguments=arguments, now=timezone.now())


def _now(row: TaskProgress) -> TaskProgress:
    with scopes.acting(PROVINCE):
        return TaskProgress.objects.get(pk=row.pk)


def _marks() -> int:
    with scopes.acting(PROVINCE):
        return Todo.objects.filter(kind="test").count()


def test_a_task_runs_under_the_scope_of_its_asker(committed_db: None) -> None:
    row = _start(officer("township_officer", TOWNSHIP), "counts", total=5)
    run_worker(batch=True, signals=False)
    after = _now(row)
    assert (after.state, after.done, after.total, after.result) == ("done", 5, 5, {"counted": 5, "area": TOWNSHIP})
    assert _marks() == 5
    with scopes.acting(PROVINCE):
        assert tasks.told(after) == [("件数", 5)]  # what has no name in words is not for readers


def test_what_is_not_marked_or_lies_elsewhere_cannot_be_started(committed_db: None) -> None:
    scope = officer("township_officer", TOWNSHIP)
    for path in (f"{HERE}.unmarked", "os.system", "doudi.core.tasks.start_task"):
        with pytest.raises(ValueError, match=r"no room|not marked"), scopes.acting(scope):
            tasks.start_task(path=path, title="试", now=timezone.now())


def test_a_refused_task_says_why_and_leaves_nothing(committed_db: None) -> None:
    row = _start(officer("township_officer", TOWNSHIP), "refuses")
    run_worker(batch=True, signals=False)
    assert _now(row).state == "failed"
    assert _now(row).error == "第 3 行“金额”不是数字；请更正后重新上传"
    assert _marks() == 0


def test_an_unforeseen_error_shows_no_personal_data(committed_db: None) -> None:
    row = _start(officer("township_officer", TOWNSHIP), "breaks")
    run_worker(batch=True, signals=False)
    assert _now(row).state == "failed"
    assert "王建明" not in _now(row).error and "4101" not in _now(row).error
    assert _marks() == 0
    assert "王建明" not in "".join(str(found) for found in DBTaskResult.objects.values_list("traceback", flat=True))


def test_a_task_of_an_ended_posting_is_not_run(committed_db: None) -> None:
    scope = officer("township_officer", TOWNSHIP)
    row = _start(scope, "counts", total=2)
    with scopes.acting(PROVINCE):
        Posting.objects.filter(pk=scope.posting_id).update(ends=date(2022, 2, 1))
    run_worker(batch=True, signals=False)
    assert _now(row).state == "failed" and "不在任" in _now(row).error
    assert _marks() == 0


def test_a_task_of_a_closed_account_is_not_run(committed_db: None) -> None:
    scope = officer("township_officer", TOWNSHIP)
    row = _start(scope, "counts", total=2)
    Account.objects.filter(pk=scope.account_id).update(is_active=False)
    run_worker(batch=True, signals=False)
    assert _now(row).state == "failed"


def test_a_waiting_task_is_cancelled_by_its_asker_only(committed_db: None) -> None:
    scope, other = officer("township_officer", TOWNSHIP), officer("township_officer", TOWNSHIP)
    row = _start(scope, "counts", total=2)
    with scopes.acting(other):
        assert not tasks.cancel_task(identifier=row.pk, now=timezone.now())
    with scopes.acting(scope):
        assert tasks.cancel_task(identifier=row.pk, now=timezone.now())
    run_worker(batch=True, signals=False)
    assert _now(row).state == "cancelled" and _marks() == 0


def test_tasks_of_other_areas_are_not_seen(committed_db: None) -> None:
    row = _start(officer("township_officer", TOWNSHIP), "counts", total=1)
    other = client_of(officer("township_officer", "410122100"))
    assert other.get(f"/tasks/{row.pk}/").status_code == 404
    assert other.get(f"/tasks/{row.pk}/widget/").status_code == 404
    assert "没有后台任务" in other.get("/tasks/").content.decode()


def _worker() -> subprocess.Popen[bytes]:
    """A worker in a process of its own, on this test's database."""
    found = connections["default"].settings_dict
    url = f"host={found['HOST']} port={found['PORT']} user={found['USER']} password={found['PASSWORD']} dbname={found['NAME']}"
    code = "import django; django.setup(); from doudi.core.worker import run_worker; run_worker(interval=0.1)"
    environment = os.environ | {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "doudi.config.settings",
        "PYTHONPATH": str(Path(settings.PACKAGE).parent),
    }
    return subprocess.Popen([sys.executable, "-c", code], env=environment)


def _wait(what: Callable[[], Any], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.1)


def test_the_next_worker_finishes_what_a_killed_one_began(committed_db: None, tmp_path: Path) -> None:
    flag = tmp_path / "began"
    row = _start(officer("township_officer", TOWNSHIP), "dawdles", flag=str(flag))
    worker = _worker()
    try:
        _wait(flag.exists)
        _wait(lambda: _now(row).done == 1)
        assert _now(row).state == "running"
        assert tasks.recover_stale(timezone.now()) == 0, "a running task must not be taken away from its worker"
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        assert _marks() == 0, "what was half-done is gone"
        _wait(lambda: tasks.recover_stale(timezone.now()) == 1)
        asker = client_of(officer("county_reviewer", COUNTY))
        page = asker.get(f"/tasks/{row.pk}/").content.decode()
        assert "自动从头重新办理，不需要重新提出" in page, "who asked is not left with a bar that stands still"
        run_worker(batch=True, signals=False)
        assert "重新办理" not in asker.get(f"/tasks/{row.pk}/").content.decode()
        assert _now(row).state == "done" and _now(row).attempts == 2 and _now(row).result == {"ended": 1}
        assert _marks() == 1
        assert not DBTaskResult.objects.filter(status="RUNNING").exists()
    finally:
        worker.kill()
        worker.wait()


def test_a_running_task_ends_at_its_next_step_when_cancelled(committed_db: None, tmp_path: Path) -> None:
    flag = tmp_path / "began"
    scope = officer("township_officer", TOWNSHIP)
    row = _start(scope, "dawdles", flag=str(flag))
    worker = _worker()
    try:
        _wait(lambda: _now(row).done == 1)
        with scopes.acting(scope):
            assert tasks.cancel_task(identifier=row.pk, now=timezone.now())
        _wait(lambda: _now(row).state == "cancelled")
        assert _marks() == 0
    finally:
        worker.kill()
        worker.wait()


def test_after_three_attempts_a_task_fails_for_good(committed_db: None) -> None:
    row = _start(officer("township_officer", TOWNSHIP), "counts", total=1)
    with scopes.acting(PROVINCE):
        TaskProgress.objects.filter(pk=row.pk).update(state="running", attempts=3)
    assert tasks.recover_stale(timezone.now()) == 0
    assert _now(row).state == "failed" and "三次中断" in _now(row).error


def test_a_task_whose_place_in_the_queue_was_lost_is_put_back(committed_db: None) -> None:
    row = _start(officer("township_officer", TOWNSHIP), "counts", total=1)
    DBTaskResult.objects.update(status="RUNNING")
    assert tasks.recover_stale(timezone.now()) == 0, "it may be about to begin"
    assert tasks.recover_stale(timezone.now() + timedelta(minutes=1)) == 1
    run_worker(batch=True, signals=False)
    assert _now(row).state == "done"


def test_the_county_sees_the_tasks_of_its_townships(committed_db: None) -> None:
    _start(officer("township_officer", TOWNSHIP), "counts", total=1)
    page = client_of(officer("county_reviewer", COUNTY)).get("/tasks/").content.decode()
    assert "试" in page and 'hx-trigger="load delay' in page
