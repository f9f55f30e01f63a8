"""Backup and restore killed in the middle, by both victims: what is left says that it is unfinished and is used by nothing, and begun anew it is whole."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from places import Place, wait

from doudi.core.home import SetupError
from doudi.core.tests.servers import environment

VICTIMS = pytest.mark.parametrize("victim", ["postgres", "command"])


def _begun(home: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", "doudi.cli", *arguments], env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _kept(place: Place, name: str) -> tuple[Path, Path]:
    """A whole backup and its keys."""
    target, keys = place.home.parent / name, place.home.parent / f"{name}-safe" / "keys.json"
    keys.parent.mkdir()
    done = place.doudi("backup", str(target), "--keys", str(keys), "--json")
    assert done.returncode == 0, done.stderr
    assert place.doudi("backup", "--verify", str(target), "--json").returncode == 0
    return target, keys


@VICTIMS
def test_a_backup_cut_off_is_none(place: Place, victim: str) -> None:
    target, before = place.home.parent / "backup", place.stands()
    lock = psycopg.connect(place.server.conninfo("superuser"))
    lock.execute("lock table doudi.registry_person in access exclusive mode")  # the dump waits for it
    process = _begun(place.home, "backup", str(target), "--json")
    try:
        wait(lambda: place.ask("select count(*) from pg_stat_activity where application_name = 'pg_dump' and wait_event_type = 'Lock'") != [(0,)])
        if victim == "postgres":
            place.crash()
            said = process.communicate(timeout=240)[1]
            assert process.returncode == 1 and "错误：与数据库的连接中断" in said and "Traceback" not in said, said[-2000:]
            assert not target.exists(), "nothing is left that looks like a backup"
            place.server.start()
        else:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            lock.close()
            verified = place.doudi("backup", "--verify", str(target))
            assert verified.returncode == 1 and "备份中途中断" in verified.stderr, verified.stderr
            again = place.doudi("backup", str(target))
            assert again.returncode == 1 and "已存在且不是空文件夹" in again.stderr, again.stderr
            restored = place.doudi("restore", str(target), "--keys", str(place.home / "keys.json"), DOUDI_HOME=str(place.home.parent / "new"))
            assert restored.returncode == 1 and "备份中途中断" in restored.stderr and not (place.home.parent / "new").exists(), restored.stderr
    finally:
        process.kill()
        lock.close()
    assert place.stands() == before
    _kept(place, "anew")


@VICTIMS
def test_a_restore_cut_off_is_refused_and_begun_anew(copy: Path, victim: str) -> None:
    place = Place(copy)
    with place.server.running():
        target, keys = _kept(place, "backup")
        before = place.counts()
    shutil.rmtree(copy)
    arguments = ["restore", str(target), "--keys", str(keys), "--json"]
    process = _begun(copy, *arguments)

    def under_way() -> bool:
        assert process.poll() is None, process.communicate()
        try:
            return place.ask("select count(*) > 20 from pg_class where relnamespace = to_regnamespace('doudi') and relkind = 'r'")[0][0]  # type: ignore[no-any-return]
        except (psycopg.Error, SetupError, OSError):
            return False

    wait(under_way)
    if victim == "postgres":
        place.crash()
        said = process.communicate(timeout=240)[1]
        assert process.returncode == 1 and "错误：与数据库的连接中断" in said and "Traceback" not in said, said[-2000:]
    else:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    for command in (["doctor"], ["worker"], ["migrate"], ["payroll", "--check"], ["backup", str(copy.parent / "of-half")]):
        refused = place.doudi(*command)
        assert refused.returncode == 1 and "恢复没有完成" in refused.stderr and "Traceback" not in refused.stderr, refused.stderr
    assert not place.server.status(), "no server is left behind by what was cut off"
    again = place.doudi(*arguments)
    assert again.returncode == 1 and "恢复没有完成" in again.stderr, again.stderr
    copy.rename(copy.parent / "half")
    done = place.doudi(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    with place.server.running():
        assert place.counts() == before
        place.books_hold()
