"""Restore (恢复) of a backup into an empty data folder. Everything is looked at before the first byte is written.

A mark in the folder says while it is under way: cut off, the folder is refused by every command and the restore begins anew in an empty one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg import sql

from doudi.core import backup, keys, pgclient, postgres
from doudi.core.backup import Manifest, Tell
from doudi.core.bootstrap import OWNER
from doudi.core.checks_registry import Finding
from doudi.core.home import SetupError, half_restored, home, make_home

ADMIN_URL = "DATABASE_RESTORE_URL"
# While the embedded server takes the data in: what is cut off is thrown away, and the whole is brought to the disk at the end.
IN_HASTE = """\
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
wal_level = minimal
max_wal_senders = 0
"""


def restore(source: Path, *, key_file: Path | None, jobs: int = 2, tell: Tell = lambda step: None) -> Manifest:
    """Put a backup back: keys, files, database. Django must not be set up yet: its settings name the database that this makes.

    Raises SetupError before anything is written: a data folder or database that holds something, a backup that is not whole or of a newer program,
    keys that are not those of the backup.
    """
    _refuse_full_home()
    manifest = backup.checked(source, tell=tell)
    _refuse_older_program(manifest)
    _refuse_other_keys(manifest, key_file)
    _refuse_small_disk(manifest)
    if postgres.external():
        _refuse_full_database()
    tell("写入密钥")
    if postgres.external():
        make_home(home())
    else:
        postgres.server().prepare()
    half_restored().touch(mode=0o600)
    keys.write_installed(key_file)
    tell("恢复文件")
    for each in manifest.files:
        if each.path.startswith("files/") and not each.path.startswith("files/postgres/"):
            _put(source / each.path, home() / each.path.removeprefix("files/"))
    if postgres.external():
        _database(source, manifest, jobs, tell)
    else:
        server = postgres.Server(home(), extra=IN_HASTE)
        with server.running():
            server.bootstrap()
            _database(source, manifest, jobs, tell)
        local = source / "files/postgres/local.conf"
        if local.is_file():
            server.add_local(local.read_bytes())
    os.sync()
    return manifest


def compared(manifest: Manifest) -> list[str]:
    """What does not agree with the manifest: rows and sums. To be called before migrations of a newer program run."""
    with psycopg.connect(backup.owner_conninfo()) as connection:
        found = list(backup.differences(manifest.rows, backup.counted(connection), "行数"))
        now = backup.totals(connection)
    for name, before in manifest.totals.items():
        found += backup.differences(before, now.get(name, {}), name)
    return found


def finish() -> None:
    """The data folder may be used: what was put back is what was kept."""
    half_restored().unlink(missing_ok=True)


def proven(now: datetime) -> Iterator[Finding]:
    """What proves it: what doctor looks at but the queue (tasks that waited still wait, for the worker), and what rooms added (`backup.add_proof`)."""
    from doudi.core import checks_registry
    from doudi.core import doctor as _checks  # noqa: F401 - registers the checks of the ground

    yield from checks_registry.run(now, restored=True)
    for proof in backup.proofs():
        try:
            yield from proof(now)
        except Exception as error:
            yield Finding(proof.__name__, "error", f"检查未能完成：{type(error).__name__}: {error}")


# --- before anything is written ---


def _refuse_full_home() -> None:
    postgres.refuse_half_restored()
    if home().exists() and any(home().iterdir()):
        raise SetupError(f"数据目录 {home()} 不是空的，不予覆盖；请先移走其中的数据，或用 DOUDI_HOME 指定一个空目录。")


def _refuse_older_program(manifest: Manifest) -> None:
    """A program older than the data does not know their tables."""
    rooms = Path(__file__).resolve().parents[1]
    known = {f"{path.parts[-3]}.{path.stem}" for path in rooms.glob("*/migrations/[0-9]*.py")}
    ours = {name for name in manifest.migrations if (rooms / name.split(".")[0] / "migrations").is_dir()}
    if unknown := sorted(ours - known):
        raise SetupError(
            f"备份由较新的程序（{manifest.program}）制作，本程序缺少 {len(unknown)} 个迁移（如 {unknown[0]}）；请安装该版本或更新版本后再恢复。"
        )


def _refuse_other_keys(manifest: Manifest, key_file: Path | None) -> None:
    given = keys.proofs(keys.install(key_file))
    for purpose, versions in manifest.keys.items():
        for version, proof in versions.items():
            if version not in given[purpose]:
                raise SetupError(f"所给密钥缺少 {purpose} 的第 {version} 版，无法读取备份中的数据；请给出备份之后另存的密钥文件。")
            if given[purpose][version] != proof:
                raise SetupError("所给密钥不是这份备份的密钥（可能属于另一套系统）；请给出对应的密钥文件。")


def _refuse_small_disk(manifest: Manifest) -> None:
    """Files as they are; of a dump comes several times its size."""
    need = sum(each.size * (6 if each.path.startswith("database/") else 1) for each in manifest.files)
    place = next(folder for folder in (home(), *home().parents) if folder.exists())
    if (free := shutil.disk_usage(place).free) < need:
        raise SetupError(f"{place} 只剩 {free / 2**30:.1f} GB，恢复约需 {need / 2**30:.1f} GB；请腾出空间，或用 DOUDI_HOME 指定其他位置。")


def _admin() -> str:
    """A superuser's conninfo: only one can give functions to the roles that own them."""
    if not postgres.external():
        return postgres.server().conninfo("superuser")
    if given := os.environ.get(ADMIN_URL):
        return given
    raise SetupError(f"恢复到外部数据库需要超级用户的连接（只在恢复时使用）：请设置环境变量 {ADMIN_URL} 后重试。")


def _refuse_full_database() -> None:
    with psycopg.connect(_admin()) as connection:
        ((prepared, tables, powerful),) = connection.execute(
            "select to_regnamespace('doudi') is not null, (select count(*) from pg_class where relnamespace = to_regnamespace('doudi')),"
            " current_setting('is_superuser') = 'on'"
        ).fetchall()
    if not powerful:
        raise SetupError(f"{ADMIN_URL} 使用的角色不是超级用户；请更正后重试。")
    if not prepared:
        raise SetupError("数据库尚未准备好；请先由数据库管理员执行 doudi init --print-sql 输出的脚本，不要运行 doudi init。")
    if tables:
        raise SetupError("数据库中已有数据，不予覆盖；请恢复到新建的空数据库。")


# --- putting back ---


def _put(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copyfile(source, target)
    target.chmod(0o600)


def _database(source: Path, manifest: Manifest, jobs: int, tell: Tell) -> None:
    tell("恢复数据库")
    with psycopg.connect(_admin()) as connection:
        server = pgclient.major(connection)
        if server < manifest.server:
            raise SetupError(f"备份来自 PostgreSQL {manifest.server}，目标数据库是较旧的 {server}；请使用不低于原版本的数据库。")
    # --schema: what lies in the schema; schema, roles and extension are there, made as for every new database
    pgclient.run("pg_restore", "--schema=doudi", "--exit-on-error", f"--jobs={jobs}", str(source / "database"), conninfo=_admin(), server=server)
    with psycopg.connect(_admin(), autocommit=True) as connection:
        tell("整理数据库")
        connection.execute(sql.SQL("alter schema doudi owner to {}").format(sql.Identifier(OWNER)))
        connection.execute("analyze")
