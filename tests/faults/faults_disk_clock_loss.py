"""Disk full in the lake and in the database, the clock moved, the data folder lost: each ends with a clear message and nothing lost."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from places import Place, fill, small_disk, wait

from doudi.core import backup
from doudi.core.home import SetupError


def test_a_full_lake_refuses_a_delivery_and_takes_it_when_there_is_room(place: Place, tmp_path: Path) -> None:
    synthetic = next(place.home.glob("demo/county-*"))
    entry = next(each for each in json.loads((synthetic / "deliveries" / "manifest.json").read_text()) if each["dataset"] == "medical")
    source = synthetic / "deliveries" / entry["file"]
    file = tmp_path / source.name
    shutil.copy(source, file)
    file.write_bytes(file.read_bytes() + b"\r\n")  # another file by its digest
    arguments = ["deliver", entry["dataset"], str(file), "--as", "checker", "--period", "2022-12", "--json"]
    before = place.ask("select count(*) from doudi.discovery_delivery")
    with small_disk(place.home / "lake", 1):
        filler = place.home / "lake" / "filler"
        fill(filler)
        full = place.doudi(*arguments)
        assert full.returncode == 1 and "磁盘空间不足" in full.stderr and "Traceback" not in full.stderr, full.stderr[-2000:]
        assert place.ask("select count(*) from doudi.discovery_delivery") == before
        assert not list((place.home / "lake").glob(".incoming-*")), "no plain rows are left behind"
        filler.unlink()
        taken = place.doudi(*arguments)
        assert taken.returncode == 0, taken.stderr
        assert not list((place.home / "lake").glob(".incoming-*")), "no plain rows are left behind"
    assert place.ask("select count(*) from doudi.discovery_delivery where state = 'accepted'")[0][0] > 0


def test_a_full_database_refuses_a_payroll_and_prepares_it_when_there_is_room(copy: Path) -> None:
    place = Place(copy)
    with place.server.running():
        place.doing("arrange", "prepare")
        before = place.counts()
    place.server.stop()
    with small_disk(copy / "postgres", 24):
        with place.server.running():
            filler = copy / "postgres" / "filler"
            task = place.doing("begin", "prepare")
            with place.connected():
                fill(filler, leave=128 * 1024)
                with place.working() as worker:
                    # without room to write down that it failed the task stays asked for, and the worker ends
                    wait(lambda: place.task(task)[0] == "failed" or worker.ended())
                state, error = place.task(task)
                said = worker.log.read_text()
                assert "磁盘空间不足" in (error if state == "failed" else said), (state, error, said[-2000:])
                assert "Traceback" not in said, said[-3000:]
                assert place.counts() == before, "nothing is half written"
                filler.unlink()
            again = place.doing("begin", "prepare") if state == "failed" else task
            assert place.worked(again) == ("done", "")
            after = place.counts()
            assert after["payments_payroll"] == before["payments_payroll"] + 1 and after["payments_payrollline"] > before["payments_payrollline"]
            place.books_hold()
        place.server.stop()
        fill(filler)
        with pytest.raises(SetupError, match="磁盘空间不足"):
            place.server.start()
        filler.unlink()
        with place.server.running():
            assert place.counts() == after, "what was committed is there"
        place.server.stop()


def _clock(home: Path, to: datetime) -> None:
    (home / "demo" / "clock").write_text(str((to - datetime.now(UTC)).total_seconds()))


def test_the_clock_moved_forward_and_back_loses_and_repeats_nothing(place: Place) -> None:
    place.doing("arrange", "prepare")
    here = datetime.now(UTC) + timedelta(seconds=float((place.home / "demo" / "clock").read_text()))
    _clock(place.home, here + timedelta(days=400))
    ahead = place.doing("begin", "monitor")
    daily = place.doudi("daily", "--json")
    assert daily.returncode == 0, daily.stderr
    _clock(place.home, here)
    # the task was asked for in what is now the future; its entry in the queue is lost with a worker
    place.ask("delete from doudi.django_tasks_database_dbtaskresult where status = 'READY' returning 1")
    assert place.worked(ahead) == ("done", ""), "a task that was asked for before the clock went back does not wait a year"
    back = place.doing("begin", "prepare")
    assert place.worked(back) == ("done", "")
    after = place.counts()
    _clock(place.home, here - timedelta(days=30))
    earlier = place.doudi("daily", "--json")
    assert earlier.returncode == 0, earlier.stderr
    _clock(place.home, here)
    assert {name: rows for name, rows in place.counts().items() if name.startswith("payments_pa")} == {
        name: rows for name, rows in after.items() if name.startswith("payments_pa")
    }
    place.books_hold()
    found = json.loads(place.doudi("doctor", "--json").stdout)["checks"]
    assert {each["name"]: each["state"] for each in found}["查阅记录封存"] == "ok"


def test_a_lost_data_folder_comes_back_from_its_backup(copy: Path) -> None:
    """Everything is destroyed; backup and keys lie elsewhere."""
    place = Place(copy)
    target, keys = copy.parent / "backup", copy.parent / "safe" / "keys.json"
    keys.parent.mkdir()
    done = place.doudi("backup", str(target), "--keys", str(keys), "--json")
    assert done.returncode == 0, done.stderr
    with place.server.running():
        before, rows = place.counts(), backup.read(target).rows
        assert all(rows[table] == number for table, number in before.items())
    lake = {path.relative_to(copy): backup.digest(path) for path in (copy / "lake").rglob("*") if path.is_file()}
    place.server.stop()
    shutil.rmtree(copy)
    verified = place.doudi("backup", str(target), "--verify", "--json")
    assert verified.returncode == 0 and json.loads(verified.stdout)["manifest_sha256"] == json.loads(done.stdout)["manifest_sha256"]
    restored = place.doudi("restore", str(target), "--keys", str(keys), "--json")
    assert restored.returncode == 0, restored.stdout + restored.stderr
    with place.server.running():
        assert place.counts() == before
        place.books_hold()
        explained = place.doing("begin", "monitor")
        assert place.worked(explained) == ("done", ""), "work goes on, with what waited first"
        doctor = place.doudi("doctor")
        assert doctor.returncode == 0, doctor.stdout
    assert {path.relative_to(copy): backup.digest(path) for path in (copy / "lake").rglob("*") if path.is_file()} == lake


def test_a_backup_onto_a_full_disk_leaves_nothing_behind(place: Place) -> None:
    small = place.home.parent / "small"
    small.mkdir()
    with small_disk(small, 2):
        full = place.doudi("backup", str(small / "b"))
        assert full.returncode == 1 and "磁盘空间不足" in full.stderr and "Traceback" not in full.stderr, full.stderr[-1500:]
        assert not os.listdir(small)
