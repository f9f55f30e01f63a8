"""Point-in-time recovery of an external server, carried out with the settings and commands that docs/administrator.md prints."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from urllib.parse import quote

import psycopg
import pytest
from places import Place, wait

from doudi.core.postgres import Server

DOCS = Path(__file__).parents[2] / "docs" / "administrator.md"
SECTION = "### Any moment: point-in-time recovery of an external server"
FOLDERS = ("lake", "attachments", "bank", "national", "messages")
REPLICATOR = "a-replicators-own"


def printed() -> list[str]:
    """The blocks of the section: settings, role, base backup, recovery."""
    section = DOCS.read_text().split(SECTION)[1].split("\n## ")[0]
    blocks = [dedent(block).strip() for block in re.findall(r"```\n(.*?)```", section, re.S)]
    assert len(blocks) == 4 and "archive_mode" in blocks[0] and "restore_command" in blocks[3], "the section has other blocks than this test carries out"
    return blocks


class Outside:
    """The database administrator's side: an external server, its archive and its base backups below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.server = folder, Server(folder / "server")
        self.server.start()
        self.data = self.server.data
        owner = self.data.stat()
        for name in ("wal", "base"):
            (folder / name).mkdir(mode=0o700)
            os.chown(folder / name, owner.st_uid, owner.st_gid)

    def here(self, text: str) -> str:
        return text.replace("/mnt/", f"{self.folder}/")

    def shell(self, command: str) -> str:
        """A command of the server's user."""
        programs = self.server._programs()
        around = {"PATH": f"{programs}:/usr/bin:/bin", "PGHOST": str(self.server.socket_folder()), "PGPASSWORD": REPLICATOR, "LC_ALL": "C"}
        done = subprocess.run(
            ["bash", "-ec", command], env=around, cwd="/", umask=0o077, capture_output=True, text=True, timeout=120, **self.server._as_user()
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ask(self, query: str, database: str = "postgres") -> list[tuple[object, ...]]:
        with psycopg.connect(self.server.conninfo("superuser", database), autocommit=True) as connection:
            found = connection.execute(query)
            return found.fetchall() if found.description else []

    def set(self, text: str) -> None:
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(f"\n{text}\n")

    def unset(self, beginning: str) -> None:
        path = self.data / "postgresql.conf"
        path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if not line.startswith(beginning)))

    def archived(self) -> None:
        """All log up to now lies in the archive."""
        ((segment,),) = self.ask("select pg_walfile_name(pg_switch_wal())")
        wait(lambda: (self.folder / "wal" / str(segment)).exists())

    def address(self, role: str, database: str) -> str:
        info = self.server.info()[role]
        return f"postgresql://{info['user']}:{quote(info['password'])}@/{database}?host={quote(str(self.server.socket_folder()), safe='')}"

    def back(self, base: str, old: Path, recovery: str) -> None:
        """The base backup in the place of the data directory, which is set aside."""
        if self.data.exists():
            self.data.rename(old)
        subprocess.run(["cp", "-a", str(self.folder / "base" / base), str(self.data)], check=True)
        assert self.data.stat().st_mode & 0o777 == 0o700
        if old.exists():
            self.shell(f"find {old}/pg_wal -maxdepth 1 -type f -exec cp {{}} {self.data}/pg_wal/ ';'")
        self.set(self.here(recovery))
        self.shell(f"touch {self.data}/recovery.signal")
        self.server.start()


@pytest.fixture
def moved(copy: Path) -> Iterator[tuple[Outside, Place, Path]]:
    """The demo on an external server, restored there from its backup; Doudi's data folder beside it; the keys elsewhere."""
    target, keys = copy.parent / "backup", copy.parent / "safe" / "keys.json"
    keys.parent.mkdir()
    done = Place(copy).doudi("backup", str(target), "--keys", str(keys), "--json")
    assert done.returncode == 0, done.stderr
    outside = Outside(copy.parent)
    try:
        outside.server.bootstrap()
        urls = {"DATABASE_URL": outside.address("app", "doudi"), "DATABASE_OWNER_URL": outside.address("owner", "doudi")}
        place = Place(copy.parent / "doudi", outside.server, **urls)
        restored = place.doudi("restore", str(target), "--keys", str(keys), "--json", DATABASE_RESTORE_URL=outside.address("superuser", "doudi"))
        assert restored.returncode == 0, restored.stdout + restored.stderr
        shutil.rmtree(target)
        yield outside, place, keys
    finally:
        outside.server.stop()


def _deliver(place: Place, byte: bytes) -> str:
    """A department's file; other bytes make it another one. What the command says of it."""
    synthetic = next((place.home.parent / "home").glob("demo/county-*"))
    entry = next(each for each in json.loads((synthetic / "deliveries" / "manifest.json").read_text()) if each["dataset"] == "medical")
    file = place.home.parent / "medical.csv"
    file.write_bytes((synthetic / "deliveries" / entry["file"]).read_bytes() + byte)
    done = place.doudi("deliver", "medical", str(file), "--as", "checker", "--period", "2022-12", "--json")
    assert done.returncode == 0, done.stderr
    return done.stdout


def _files_kept(place: Place) -> None:
    """What a snapshot or `rsync -a` without `--delete` does to the copy beside."""
    for name in FOLDERS:
        if (place.home / name).exists():
            shutil.copytree(place.home / name, place.home.parent / "files" / name, dirs_exist_ok=True)


def _data_folder_again(place: Place, keys: Path) -> None:
    """An empty data folder, the files from their copy, the keys from where they are kept."""
    clock = (place.home / "demo" / "clock").read_text()  # the demo's only; a real system has none
    shutil.rmtree(place.home)
    shutil.copytree(place.home.parent / "files", place.home)
    place.home.chmod(0o700)
    shutil.copy(keys, place.home / "keys.json")
    (place.home / "keys.json").chmod(0o600)
    (place.home / "demo").mkdir()
    (place.home / "demo" / "clock").write_text(clock)


def _verified(place: Place) -> None:
    checks = json.loads(place.doudi("doctor", "--json").stdout)["checks"]
    wrong = [check for check in checks if check["state"] == "error" and check["name"] != "任务队列：积压"]  # what was asked for waits for the worker
    assert checks and not wrong, wrong
    place.books_hold()


def test_an_external_server_comes_back_to_the_moment_before_a_mistake(moved: tuple[Outside, Place, Path]) -> None:
    outside, place, keys = moved
    settings, role, base, recovery = printed()
    outside.server.stop()
    outside.set(outside.here(settings))
    outside.server.start()
    outside.archived()
    outside.ask(role.splitlines()[0])
    outside.ask(f"alter role replicator password '{REPLICATOR}'")
    outside.shell(outside.here(base))
    first = "2022-12-04"

    # after the base backup: what the archive has, and what only the server's own disk has
    _deliver(place, b"\r\n")
    outside.archived()
    assert place.worked(place.doing("begin", "back_payroll")) == ("done", "")
    before, stands = place.counts(), place.stands()
    ((target,),), seen = outside.ask("select now()::text"), place.ask("select max(at) from doudi.core_accessrecord")
    seal = place.ask("select encode(digest, 'hex') from doudi.core_accessseal order by id desc limit 1")

    # the mistake, noticed after another delivery came in
    outside.ask("drop table doudi.payments_ledgerentry cascade", "doudi")  # deleting its rows is refused to a superuser too
    _deliver(place, b"\r\n\r\n")
    _files_kept(place)
    place.crash()

    damaged = outside.folder / "damaged"
    outside.back(first, damaged, recovery.replace("2022-12-09 14:29:00+08", str(target)))
    assert outside.ask("select pg_is_in_recovery()") == [(True,)], "it waits to be looked at"
    # the dropped table itself may be locked until the server goes on
    assert place.ask("select max(at) from doudi.core_accessrecord") == seen
    outside.ask("select pg_wal_replay_resume()")
    wait(lambda: outside.ask("select pg_is_in_recovery()") == [(False,)])
    outside.unset("recovery_")
    _data_folder_again(place, keys)
    assert (place.counts(), place.stands()) == (before, stands), "to the row"
    assert place.ask("select encode(digest, 'hex') from doudi.core_accessseal order by id desc limit 1") == seal
    _verified(place)
    taken = _deliver(place, b"\r\n\r\n")
    assert "accepted" in taken, "the file whose delivery was lost is taken as new"
    outside.archived()
    assert outside.ask("select last_archived_wal >= '00000002' from pg_stat_archiver") == [(True,)]

    # the new server's disk is lost before its first base backup: the old one leads over to the new timeline by its history file
    after = place.counts()
    place.crash()
    shutil.rmtree(outside.data)
    shutil.rmtree(damaged)
    lines = [line for line in recovery.splitlines() if not line.startswith("recovery_target_time")]
    outside.back(first, damaged, "\n".join(lines))
    wait(lambda: outside.ask("select pg_is_in_recovery()") == [(False,)])
    assert place.counts() == after
    _verified(place)
