"""Backup (备份) of a data folder: database, lake, attachments, bank files, settings; the keys go elsewhere or nowhere.

    <target>/manifest.json     what this is: version, migrations, row counts, totals, SHA-256 of every file; written last, so that what was cut off has none
             database/         pg_dump's directory form of the schema `doudi`, one moment
             files/lake/...    as they lie in the data folder

Files are written once and named by rows that are written after them. They are copied before the dump's moment and again after it: what a row of the dump
names is there, whatever was cleared away or added meanwhile. Rotation of keys, which replaces files, waits outside (`keystate.alone`).
A digest under each key tells at restoring whether the keys given are the ones; nobody can find a key from it.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

import psycopg
from psycopg import sql

from doudi.core import keys, keystate, pgclient, postgres
from doudi.core.checks_registry import Check
from doudi.core.home import SetupError, home, write_private

FORMAT = 1
MANIFEST = "manifest.json"
FOLDERS = ("lake", "attachments", "bank", "messages", "national")
SINGLE = ("demo/clock", "postgres/local.conf", "sms.toml")
# What the environment says of this deployment and holds no secret: told at restoring, set by the administrator.
SETTINGS = (
    "DOUDI_TLS", "DOUDI_HOSTS", "DOUDI_ORIGINS", "DOUDI_FONTS", "DOUDI_INBOX", "DOUDI_SYSTEM_USER", "DOUDI_BATCH_ENGINE", "DOUDI_SPARK_MASTER",
    "DOUDI_MESSAGE_CHANNEL", "DOUDI_STAFF_CHANNEL", "DOUDI_SMS", "DOUDI_MAIL_HOST", "DOUDI_MAIL_PORT", "DOUDI_MAIL_SECURITY", "DOUDI_MAIL_FROM",
)  # fmt: skip
CHUNK = 2**20

Tell = Callable[[str], None]
_totals: dict[str, str] = {"access_seal": "select 'last', encode(digest, 'hex') from core_accessseal order by id desc limit 1"}
_proofs: list[Check] = []


def add_total(name: str, query: str) -> None:
    """Register sums that a backup notes and a restore compares: SQL that returns (key, value) rows, asked as owner, who sees all areas."""
    _totals[name] = query


def add_proof(proof: Check) -> Check:
    """Register what proves restored data right, beside what doctor looks at. Usable as a decorator."""
    if proof not in _proofs:
        _proofs.append(proof)
    return proof


def proofs() -> list[Check]:
    return list(_proofs)


@dataclass(frozen=True)
class File:
    """A file of the backup: its path within, bytes, digest."""

    path: str
    size: int
    sha256: str


@dataclass
class Manifest:
    """What a backup says of itself. `keys`: digests by purpose and version; `totals`: name -> key -> value as text."""

    format: int
    program: str
    made_at: str
    server: int
    migrations: list[str]
    rows: dict[str, int]
    totals: dict[str, dict[str, str]]
    keys: dict[str, dict[str, str]]
    settings: dict[str, str]
    files: list[File] = field(default_factory=list)


# --- what is counted ---


def counted(connection: psycopg.Connection) -> dict[str, int]:
    """Rows of every table, partitions within theirs."""
    tables = connection.execute(
        "select relname::text from pg_class where relnamespace = 'doudi'::regnamespace and relkind in ('r', 'p') and not relispartition order by 1"
    ).fetchall()
    one = sql.SQL("select {name}, count(*) from doudi.{table}")
    asked = [one.format(name=table, table=sql.Identifier(table)) for (table,) in tables]
    return dict(connection.execute(sql.SQL(" union all ").join(asked)).fetchall()) if asked else {}


def totals(connection: psycopg.Connection) -> dict[str, dict[str, str]]:
    """What rooms registered, as text."""
    return {name: {str(key): str(value) for key, value in connection.execute(query).fetchall()} for name, query in sorted(_totals.items())}  # type: ignore[call-overload]


def _migrations(connection: psycopg.Connection) -> list[str]:
    return [f"{app}.{name}" for app, name in connection.execute("select app, name from django_migrations order by 1, 2").fetchall()]


def owner_conninfo() -> str:
    """Who reads everything: the superuser of the embedded server, doudi_owner of an external one."""
    if not postgres.external():
        return postgres.server().conninfo("superuser")
    if owner := os.environ.get("DATABASE_OWNER_URL"):
        return owner
    raise SetupError("备份外部数据库需要属主连接：请设置环境变量 DATABASE_OWNER_URL（角色 doudi_owner）后重试。")


# --- files ---


def digest(path: Path) -> tuple[int, str]:
    """(bytes, SHA-256) of a file."""
    made, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while part := file.read(CHUNK):
            made.update(part)
            size += len(part)
    return size, made.hexdigest()


def _listed(folder: Path) -> Iterator[str]:
    """Paths within the data folder that a backup takes; links and what is just being written are none."""
    for name in FOLDERS:
        for path in sorted((folder / name).rglob("*")):
            inside = path.relative_to(folder)
            if path.is_file() and not path.is_symlink() and path.suffix != ".part" and not any(part.startswith(".") for part in inside.parts):
                yield inside.as_posix()
    for name in SINGLE:
        if (folder / name).is_file():
            yield name


def _copy(source: Path, target: Path) -> tuple[int, str]:
    """Copy with mode 0600 and digest on the way."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    made, size = hashlib.sha256(), 0
    with source.open("rb") as read, open(target, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as write:
        while part := read.read(CHUNK):
            made.update(part)
            write.write(part)
            size += len(part)
    return size, made.hexdigest()


def _copy_new(folder: Path, target: Path, have: dict[str, File]) -> None:
    for path in _listed(folder):
        if path in have:
            continue
        try:
            size, found = _copy(folder / path, target / "files" / path)
        except FileNotFoundError:
            continue  # cleared away since it was listed
        have[path] = File(f"files/{path}", size, found)


@contextmanager
def _whole_or_nothing(target: Path) -> Iterator[None]:
    """A new folder that goes again where the work in it fails."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise SetupError(f"{target} 已存在且不是空文件夹，不予覆盖；请换一个位置。")
    if target.resolve().is_relative_to(home().resolve()):
        raise SetupError(f"备份不能放在数据目录 {home()} 之内；请放到另一块磁盘或另一台机器。")
    try:
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        yield
    except OSError as error:
        shutil.rmtree(target, ignore_errors=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise SetupError(f"{target} 所在磁盘空间不足，备份未完成，已写入的部分已删除；请腾出空间或换一个位置后重试。") from None
        raise SetupError(f"无法写入 {target}（{error.strerror}），备份未完成；请换一个位置后重试。") from None
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


# --- making ---


@contextmanager
def _only_one() -> Iterator[None]:
    """One backup of a data folder at a time: two would read the same disk twice and be told of a rotation that nobody started."""
    with (home() / "backup.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SetupError("另一份备份正在进行；请等待其结束后再备份。") from None
        yield


def make(target: Path, *, now: datetime, key_file: Path | None = None, jobs: int = 2, tell: Tell = lambda step: None) -> Manifest:
    """Back up the data folder and its database, which go on working, to a new folder; the keys to `key_file`, where one is named.

    Raises SetupError (nothing is left at `target`): no room, a target within the data folder, keys within the target, another backup or a
    rotation of keys at work.
    """
    if key_file is not None:
        if key_file.resolve().is_relative_to(target.resolve()):
            raise SetupError("密钥必须与备份分开存放，不能写在备份文件夹之内；请为 --keys 指定另一块介质上的文件。")
        if key_file.exists():
            raise SetupError(f"文件 {key_file} 已存在，不予覆盖；请换一个文件名。")
    with _only_one():
        try:
            with keystate.alone(wait=False), _whole_or_nothing(target):
                return _make(target, now, key_file, jobs, tell)
        except BlockingIOError:
            raise SetupError("正在轮换密钥；请等待其结束后再备份。") from None


def _make(target: Path, now: datetime, key_file: Path | None, jobs: int, tell: Tell) -> Manifest:
    from doudi import __version__

    tell("复制文件")
    files: dict[str, File] = {}
    _copy_new(home(), target, files)
    tell("导出数据库")
    conninfo = owner_conninfo()
    with psycopg.connect(conninfo) as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        ((snapshot,),) = connection.execute("select pg_export_snapshot()").fetchall()
        server = pgclient.major(connection)
        pgclient.run(
            "pg_dump", "--format=directory", f"--jobs={jobs}", f"--snapshot={snapshot}", "--schema=doudi", f"--file={target / 'database'}",
            conninfo=conninfo, server=server,
        )  # fmt: skip
        tell("清点")
        manifest = Manifest(
            format=FORMAT, program=__version__, made_at=now.isoformat(timespec="seconds"), server=server, migrations=_migrations(connection),
            rows=counted(connection), totals=totals(connection), keys=keys.proofs(keys.load()),
            settings={name: os.environ[name] for name in SETTINGS if name in os.environ},
        )  # fmt: skip
    tell("复制新增的文件")
    _copy_new(home(), target, files)
    tell("计算校验值")
    for path in sorted((target / "database").iterdir()):
        path.chmod(0o600)
        files[path.name] = File(f"database/{path.name}", *digest(path))
    manifest.files = sorted(files.values(), key=lambda each: each.path)
    if key_file is not None:
        keys.write_copy(key_file)
    os.sync()  # the manifest vouches for what is on the disk
    write_private(target / MANIFEST, asdict(manifest))
    return manifest


# --- looking at one ---


def read(source: Path) -> Manifest:
    """The manifest of a backup; SetupError for a folder that is none, was cut off, or is of a newer program."""
    path = source / MANIFEST
    if not path.is_file():
        raise SetupError(f"{source} 中没有 {MANIFEST}：不是备份，或备份中途中断、未完成；请另选一份备份。")
    try:
        value = json.loads(path.read_text("utf-8"))
        if value["format"] != FORMAT:
            raise SetupError(f"备份的格式（{value['format']}）比本程序新；请用制作该备份的程序版本（{value.get('program')}）。")
        files = [File(**each) for each in value.pop("files")]
        manifest = Manifest(**value, files=files)
    except (KeyError, TypeError, ValueError):
        raise SetupError(f"{path} 已损坏；请另选一份备份。") from None
    for each in files:
        parts = PurePosixPath(each.path).parts
        if ".." in parts or parts[:1] not in (("files",), ("database",)):
            raise SetupError(f"{path} 列有不允许的路径；请另选一份备份。")
    return manifest


def faults(source: Path, manifest: Manifest, *, tell: Tell = lambda step: None) -> list[str]:
    """What of a backup is not as its manifest says, in words; reads every file."""
    tell("核对校验值")
    found = []
    known = {each.path for each in manifest.files}
    for each in manifest.files:
        path = source / each.path
        if not path.is_file() or path.is_symlink():
            found.append(f"缺少文件 {each.path}")
        elif digest(path) != (each.size, each.sha256):
            found.append(f"文件 {each.path} 与备份时不同")
    for part in ("files", "database"):
        found += [
            f"多出文件 {path.relative_to(source).as_posix()}"
            for path in sorted((source / part).rglob("*"))
            if not path.is_dir() and path.relative_to(source).as_posix() not in known
        ]
    return found


def checked(source: Path, *, tell: Tell = lambda step: None) -> Manifest:
    """The manifest of a backup that is whole; SetupError with what is wrong."""
    manifest = read(source)
    if wrong := faults(source, manifest, tell=tell):
        raise SetupError(f"备份不完整或已被改动，共 {len(wrong)} 处：" + "；".join(wrong[:5]) + "。请另选一份备份。")
    return manifest


def manifest_digest(source: Path) -> str:
    """SHA-256 of the manifest: noted elsewhere, it shows later that nobody changed the backup as a whole."""
    return digest(source / MANIFEST)[1]


def differences(before: dict[str, Any], after: dict[str, Any], what: str) -> Iterable[str]:
    """Where two lists of figures differ, in words."""
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield f"{what} {name}：备份 {before.get(name, '无')}，恢复后 {after.get(name, '无')}"
