"""Backup and restore over a paid month: what comes back is what was there, and what is wrong is refused before a byte is written."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django_tasks_db.models import DBTaskResult
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from doudi.core import backup, keys, pgclient, postgres, restoring, tasks
from doudi.core import scope as scopes
from doudi.core.home import SetupError, half_restored, write_private
from doudi.core.models import DailyRun
from doudi.core.tests.servers import environment
from doudi.payments.safekeeping import payments_agree
from doudi.payments.tests.test_proof import paid, spoil
from doudi.payments.tests.world import NOW, Officers
from doudi.testing import TestDatabase


def _url(conninfo: str, **more: str) -> str:
    parts = conninfo_to_dict(conninfo) | more
    return f"postgresql://{parts['user']}:{quote(str(parts['password']))}@/{parts['dbname']}?host={quote(str(parts['host']), safe='')}&port={parts['port']}"


@contextmanager
def empty_database(database: TestDatabase) -> Iterator[str]:
    """A second database of the server, prepared as `doudi init --print-sql` prepares one."""
    name = f"{database.name}_r"
    with database.admin() as admin:
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
    database.server.bootstrap(name)
    try:
        yield name
    finally:
        with database.admin() as admin:
            admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def surroundings(database: TestDatabase, home: Path, name: str) -> dict[str, str]:
    """A data folder and a database, as on an external server."""
    urls = {"DATABASE_URL": "app", "DATABASE_OWNER_URL": "owner", "DATABASE_RESTORE_URL": "superuser"}
    return {"DOUDI_HOME": str(home), **{key: _url(database.server.conninfo(role, name)) for key, role in urls.items()}}


def _killed(target: Path) -> None:
    """A backup killed with -9 when everything is written but the manifest."""
    if (child := os.fork()) == 0:
        try:
            backup.make(target, now=NOW, tell=lambda step: os.kill(os.getpid(), signal.SIGKILL) if step == "计算校验值" else None)
        finally:
            os._exit(9)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert list(target.glob("database/*")) and list(target.glob("files/bank/*"))
    with pytest.raises(SetupError, match="备份中途中断、未完成"):
        backup.checked(target)
    with pytest.raises(SetupError, match="不是空文件夹"):
        backup.make(target, now=NOW)


def test_a_paid_month_comes_back_to_the_fen(
    committed_db: None, test_database: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    officers = Officers()
    payroll = paid(officers)
    with scopes.acting(officers.reviewer):
        tasks.start_task(path="doudi.payments.tasks.prepare", title="prepare", arguments={"area": officers.county, "month": "2023-01"}, now=NOW)
    DBTaskResult.objects.update(enqueued_at=NOW)  # it waited for long: no fault of what is restored
    home, target, new, key_file = tmp_path / "home", tmp_path / "backup", tmp_path / "new", tmp_path / "keys.json"
    (home / "bank").mkdir(parents=True)
    (home / "bank" / "one").write_bytes(b"sealed" * 1000)
    (home / "bank" / "two.part").write_bytes(b"being written")
    (home / "sms.toml").write_text("most_parts = 2")
    with monkeypatch.context() as patch:
        for key, value in surroundings(test_database, home, test_database.name).items():
            patch.setenv(key, value)
        with pytest.raises(SetupError, match="分开存放"):
            backup.make(target, now=NOW, key_file=target / "keys.json")
        with pytest.raises(SetupError, match="之内"):
            backup.make(home / "backup", now=NOW)
        _killed(tmp_path / "killed")
        real = pgclient.run

        def meanwhile(*arguments: str, **more: Any) -> None:
            """After the backup's moment and before the dump somebody works on, and somebody begins a second backup."""
            with scopes.acting(scopes.Scope(area="41", page="test")):
                DailyRun.objects.create(name="meanwhile", area="41", on=NOW.date(), attempts=1, tried_at=NOW)
            (home / "bank" / "late").write_bytes(b"sealed")
            with pytest.raises(SetupError, match="另一份备份正在进行"):
                backup.make(tmp_path / "second", now=NOW)
            real(*arguments, **more)

        patch.setattr(pgclient, "run", meanwhile)
        backup.make(target, now=NOW, key_file=key_file)
        patch.setattr(pgclient, "run", real)
        assert not (tmp_path / "second").exists()
        assert key_file.stat().st_mode & 0o777 == 0o600
        with pytest.raises(SetupError, match="不是空的"):
            restoring.restore(target, key_file=key_file)
        patch.setenv("DOUDI_HOME", str(new))
        with pytest.raises(SetupError, match="已有数据"):
            restoring.restore(target, key_file=key_file)
        foreign = tmp_path / "foreign.json"
        write_private(foreign, keys.fresh())
        with pytest.raises(SetupError, match="不是这份备份的密钥"):
            restoring.restore(target, key_file=foreign)
        patch.delenv("DOUDI_KEYS")
        with pytest.raises(SetupError, match=r"--keys.*银行账号.*无法读出"):
            restoring.restore(target, key_file=None)
        assert not new.exists(), "nothing is written before everything was looked at"
    manifest = backup.read(target)
    with scopes.acting(scopes.Scope(area="41", page="test")):
        assert DailyRun.objects.filter(name="meanwhile").exists() and manifest.rows["core_dailyrun"] == 0, "one moment: what came after it is not counted"
    assert {name: manifest.rows[name] for name in ("payments_payrollline", "payments_bankreturn", "enrolment_award")} == {
        "payments_payrollline": 2, "payments_bankreturn": 1, "enrolment_award": 2,
    }  # fmt: skip
    assert any(key.endswith(" paid") for key in manifest.totals["ledger"]) and manifest.totals["payrolls"] == {"2022-12": "500.05"}
    assert [each.path for each in manifest.files if each.path.startswith("files/")] == [
        "files/bank/late", "files/bank/one", "files/sms.toml",
    ], "what is half written is no file"  # fmt: skip
    secrets = [key for purpose in json.loads(key_file.read_text()).values() for key in purpose["versions"].values()]
    assert not any(secret in path.read_text(errors="replace") for path in target.rglob("*") if path.is_file() for secret in secrets)

    with empty_database(test_database) as name:
        given = environment(new, **surroundings(test_database, new, name))
        restored = subprocess.run(
            [sys.executable, "-m", "doudi.cli", "restore", str(target), "--keys", str(key_file), "--json"], capture_output=True, text=True, env=given
        )
        assert restored.returncode == 0, restored.stderr + restored.stdout
        assert json.loads(restored.stdout)["problems"] == []
        assert (new / "bank" / "one").read_bytes() == b"sealed" * 1000 and not (new / "restoring").exists()
        assert (new / "sms.toml").read_text() == "most_parts = 2", "the gateway's description comes back with the messages"
        assert (new / "keys.json").stat().st_mode & 0o777 == 0o600

    spoil(officers, payroll)
    assert not backup.faults(target, backup.read(target)), "what happens to the system afterwards does not change its backup"
    assert [finding.state for finding in payments_agree(NOW)] == ["error"], "the proof of a restore sees a fen"


def test_a_folder_whose_restore_was_cut_off_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOUDI_HOME", str(tmp_path))
    postgres.refuse_half_restored()
    half_restored().touch()
    with pytest.raises(SetupError, match="恢复没有完成"):
        postgres.refuse_half_restored()


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A backup by hand: one file of the lake, one of the dump."""
    target = tmp_path / "kept"
    for path in ("files/lake/a", "database/toc.dat"):
        (target / path).parent.mkdir(parents=True)
        (target / path).write_bytes(path.encode())
    files = [backup.File(path, *backup.digest(target / path)) for path in ("database/toc.dat", "files/lake/a")]
    value = backup.asdict(backup.Manifest(1, "0.1.0", "2022-12-01T00:00:00+00:00", 18, [], {}, {}, {}, {}, files))
    (target / backup.MANIFEST).write_text(json.dumps(value))
    return target


def _changed(kept: Path, name: str) -> None:
    manifest = json.loads((kept / backup.MANIFEST).read_text())
    if name == "one byte":
        (kept / "files/lake/a").write_bytes(b"files/lake/b")
    elif name == "missing":
        (kept / "database/toc.dat").unlink()
    elif name == "added":
        (kept / "files/lake/more").touch()
    elif name == "a link":
        shutil.move(kept / "files/lake/a", kept / "elsewhere")
        (kept / "files/lake/a").symlink_to(kept / "elsewhere")
    elif name == "cut off":
        (kept / backup.MANIFEST).unlink()
    elif name == "newer":
        manifest["format"] = 2
    else:
        manifest["files"][0]["path"] = "files/../../etc/passwd"
    if name in ("newer", "outside"):
        (kept / backup.MANIFEST).write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("one byte", "与备份时不同"),
        ("missing", "缺少文件 database/toc.dat"),
        ("added", "多出文件 files/lake/more"),
        ("a link", "缺少文件"),
        ("cut off", "未完成"),
        ("newer", "比本程序新"),
        ("outside", "不允许的路径"),
    ],
)
def test_a_changed_backup_is_named(kept: Path, name: str, words: str) -> None:
    assert backup.checked(kept).format == 1
    _changed(kept, name)
    with pytest.raises(SetupError, match=words):
        backup.checked(kept)


def test_a_backup_into_a_full_folder_leaves_it_alone(kept: Path) -> None:
    with pytest.raises(SetupError, match="不是空文件夹"), backup._whole_or_nothing(kept):
        raise AssertionError("not reached")
    assert backup.checked(kept)
