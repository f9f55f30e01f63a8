"""The short form (`make test-faults ARGS=--short`): a demo, its database killed in a payroll, its folder lost and restored; another, its database full."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cases import CLOSELY
from places import Place, fill, small_disk, wait


@pytest.fixture
def bare(copy: Path) -> Place:
    """The demo as it is, nothing arranged: both tests prepare what nobody has prepared yet."""
    return Place(copy)


def _paid(place: Place) -> dict[str, int]:
    return {table: rows for table, rows in place.counts().items() if table.startswith("payments_")}


def test_short_a_killed_payroll_is_made_and_a_lost_folder_comes_back(bare: Place) -> None:
    with bare.server.running():
        task = bare.doing("begin", "back_payroll")
        before = _paid(bare)
        worker = bare.held(CLOSELY["prepare"], "worker")
        assert bare.task(task) == ("running", "")
        bare.crash()
        said = worker.communicate("\n", timeout=240)[1]
        assert worker.returncode == 1 and "错误：无法连接数据库" in said and "Traceback" not in said, said[-2000:]
        bare.server.start()
        assert _paid(bare) == before, "nothing is half written"
        assert bare.worked(task) == ("done", "")
        assert bare.ask("select attempts from doudi.core_taskprogress where id = %s", task) == [(2,)]
        after = bare.counts()
        target, keys = bare.home.parent / "backup", bare.home.parent / "safe" / "keys.json"
        keys.parent.mkdir()
        done = bare.doudi("backup", str(target), "--keys", str(keys), "--json")
        assert done.returncode == 0, done.stderr
    bare.server.stop()
    shutil.rmtree(bare.home)
    restored = bare.doudi("restore", str(target), "--keys", str(keys), "--json")  # it compares rows and sums and runs doctor and payroll --check
    assert restored.returncode == 0, restored.stdout + restored.stderr
    with bare.server.running():
        assert bare.counts() == after


def test_short_a_full_database_says_so_and_goes_on(bare: Place) -> None:
    bare.server.stop()
    with small_disk(bare.home / "postgres", 24):
        with bare.server.running():
            task = bare.doing("begin", "back_payroll")
            before, filler = _paid(bare), bare.home / "postgres" / "filler"
            with bare.connected():
                for table in ("payments_payrollline", "payments_paidmonth", "payments_openmonth"):
                    bare.ask(f"vacuum (full) doudi.{table}")  # what a draft left free would be room enough
                fill(filler, leave=64 * 1024)
                with bare.working() as worker:
                    # without room to write down that it failed the task stays asked for, and the worker ends
                    wait(lambda: bare.task(task)[0] in ("done", "failed") or worker.ended())
                state, error = bare.task(task)
                said = worker.log.read_text()
                assert "磁盘空间不足" in (error if state == "failed" else said) and "Traceback" not in said, (state, error, said[-2000:])
                filler.unlink()
            assert _paid(bare) == before
            assert bare.worked(bare.doing("begin", "back_payroll") if state == "failed" else task) == ("done", "")
        bare.server.stop()
