"""PostgreSQL or the worker killed with -9 in the middle of each long task: nothing is half written, whoever waits is told, the task is done again."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from cases import ALL_WRITTEN, CLOSELY, COMMANDS, OTHERS
from doing import IMPORTED
from places import Place, wait

from doudi.core.tests.servers import environment


@pytest.mark.parametrize("victim", ["postgres", "worker"])
@pytest.mark.parametrize("name", list(CLOSELY))
def test_a_long_task_survives(place: Place, name: str, victim: str) -> None:
    place.doing("arrange", name)
    before = place.counts()
    task = place.doing("begin", name)
    worker = place.held(CLOSELY[name], "worker")
    assert place.task(task)[0] == "running"
    if victim == "postgres":
        place.crash()
        said = worker.communicate("\n", timeout=240)[1]
        assert worker.returncode != 0 and "错误：无法连接数据库" in said, said[-2000:]
        assert place.server.start(), "it starts by itself after a crash"
    else:
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
    wait(lambda: place.counts() == before)
    state, error = place.worked(task)
    assert (state, error) == ("done", "")
    after = place.counts()
    grown = {table: after[table] - before[table] for table in after if after[table] != before[table]}
    if name == "import":
        assert grown == {"registry_person": IMPORTED, "registry_household": IMPORTED // 2, "registry_membership": IMPORTED}
    elif name in ("linkage", "comparison"):
        assert grown.pop("discovery_comparisonrun") == 1 and set(grown) <= {"discovery_lead"}
    elif name == "monitor":
        assert grown.pop("enrolment_monitoringrun") == 1 and set(grown) <= {"enrolment_review", "assessment_assessment"}
    else:
        assert grown["payments_payroll"] == 1 and grown["payments_payrollline"] > 100 and grown["payments_paidmonth"] >= grown["payments_payrollline"]
    assert place.ask("select attempts from doudi.core_taskprogress where id = %s", task) == [(2,)]
    again = place.doing("begin", name)
    assert place.worked(again)[0] == "done", "doing it again changes nothing"
    runs = {"discovery_comparisonrun", "enrolment_monitoringrun"}  # each run is noted; what it finds is there already
    assert {table: rows for table, rows in place.counts().items() if table not in runs} == {table: rows for table, rows in after.items() if table not in runs}
    place.books_hold()


@pytest.mark.parametrize("name", list(OTHERS))
def test_every_other_long_task_leaves_nothing_and_is_done_again(shared: Place, name: str) -> None:
    """The database is killed when all is written and nothing committed."""
    shared.let_go()
    task = shared.doing("begin", name)
    before = shared.stands()
    worker = shared.held(ALL_WRITTEN, "worker")
    assert shared.task(task) == ("running", "")
    shared.crash()
    said = worker.communicate("\n", timeout=240)[1]
    assert worker.returncode != 0 and "错误：无法连接数据库" in said, said[-2000:]
    shared.server.start()
    assert shared.stands() == before, "nothing is half written"
    assert shared.worked(task) == ("done", "")
    assert shared.stands()[OTHERS[name]] != before[OTHERS[name]], "it had something to write"
    assert shared.ask("select attempts from doudi.core_taskprogress where id = %s", task) == [(2,)]


@pytest.mark.parametrize("victim", ["postgres", "command"])
@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_long_command_is_all_or_nothing(place: Place, name: str, victim: str) -> None:
    path = place.doing("arrange", name)
    stop, arguments = COMMANDS[name]
    if path:
        arguments = [arguments[0], path, *arguments[1:]]
    before = place.counts()
    process = place.held(stop, *arguments)
    if victim == "postgres":
        place.crash()
        _out, said = process.communicate("\n", timeout=240)
        assert process.returncode == 1 and "错误：无法连接数据库" in said and "Traceback" not in said, said[-2000:]
        place.server.start()
    else:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    wait(lambda: place.counts() == before)
    done = place.doudi(*arguments)
    assert done.returncode == 0, done.stderr
    after = place.counts()
    if name == "results":
        assert after["payments_bankresult"] == before["payments_bankresult"] + 1 and after["payments_bankreturn"] > before["payments_bankreturn"]
        assert after["payments_ledgerentry"] > before["payments_ledgerentry"]
    elif name == "assessment":
        assert after["assessment_assessment"] > before["assessment_assessment"]
    noted = {"enrolment_monitoringrun"} if name == "daily" else set()  # each run of monitoring is noted, also one that finds nothing
    assert place.doudi(*arguments).returncode == 0
    assert {table: rows for table, rows in place.counts().items() if table not in noted} == {table: rows for table, rows in after.items() if table not in noted}
    place.books_hold()


def _page(port: int) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/accounts/login/", timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        text = error.read().decode()
        assert error.code != 503 or ("暂时连接不上" in text and "系统暂时不能办理" in text)
        return error.code
    except OSError:
        return 0


def test_serve_starts_a_killed_database_again(copy: Path) -> None:
    """Nobody need be called: pages say for a moment that the database is away, then they are back, and a task that was under way is done."""
    port = 8079
    place = Place(copy)
    with open(copy / "serve.log", "w") as log:
        serve = subprocess.Popen(
            [sys.executable, "-m", "doudi.cli", "serve", "--port", str(port), "--workers", "1"], env=environment(copy), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait(lambda: _page(port) == 200)
            for _time in range(2):
                task = place.doing("begin", "monitor")
                place.server.kill()
                wait(lambda: place.server.status())
                wait(lambda: _page(port) == 200)
                wait(lambda task=task: place.task(task)[0] == "done")
        finally:
            serve.terminate()
            serve.wait(60)
    said = (copy / "serve.log").read_text()
    assert "内置数据库曾停止，已重新启动" in said
    assert not place.server.status(), "serve stops what it started"
