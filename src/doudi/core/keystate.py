"""Keys and database in step: the table says which token key is in use, the key file follows.

Every new connection of the application compares the two (`settle`), so that a process that was idle while the keys were
rotated cannot write a token of the old key: a rotation runs only while no such connection is open, and holds the table's
lock, so that a connection made meanwhile waits here. What a crash left half done is put right on the way.
"""

from __future__ import annotations

import fcntl
import hmac
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from doudi.batch.tokens import Kind
from doudi.core import keys
from doudi.core.home import SetupError, home, read_private, write_private

PROOF = "doudi: which key wrote this database"


@dataclass(frozen=True)
class InUse:
    """The token key that the database was written with."""

    version: int
    proof: bytes


def proof(version: int) -> bytes:
    """Keyed digest of a fixed text under one version of the token key. Raises KeyError for a version that is not there."""
    return keys.token_key(version).digest(Kind.NONE, PROOF)


def read(cursor: Any) -> InUse | None:
    """What the table says; None before `doudi init` or in a database that is not migrated yet."""
    cursor.execute("select to_regclass('doudi.core_keystate') is not null")
    if not cursor.fetchone()[0]:
        return None
    cursor.execute("select token_version, proof from core_keystate")
    row = cursor.fetchone()
    return row and InUse(row[0], bytes(row[1]))


def record(cursor: Any) -> None:
    """As owner: note the key in use in a new database; leaves what is there."""
    version = keys.load()["token"].current
    cursor.execute(
        "insert into core_keystate (id, token_version, proof) values (1, %s, %s) on conflict do nothing",
        [version, proof(version)],
    )


def _in_step(state: InUse) -> bool:
    return keys.load()["token"].current == state.version and hmac.compare_digest(proof(state.version), state.proof)


def settle(cursor: Any) -> None:
    """Bring the loaded keys and the lake in step with the database, where a rotation was cut off.

    Raises SetupError where that cannot be: the version is not in the file, the keys are those of another deployment, or they
    come from the environment and name another version.
    """
    state = read(cursor)
    if state is not None and (not _in_step(state) or journal().exists()):
        with alone():  # a rotation that has committed is just about to do the same
            settle_alone(cursor)


def settle_alone(cursor: Any) -> None:
    """`settle` for who is `alone` already."""
    clean_up(cursor)
    keys.forget()
    state = read(cursor)
    if state is None or _in_step(state):
        return
    if state.version not in keys.load()["token"].versions:
        raise SetupError(f"数据库使用第 {state.version} 版标记密钥，而当前密钥中没有该版本；请从备份恢复密钥，切勿重建。")
    if not hmac.compare_digest(proof(state.version), state.proof):
        raise SetupError("当前密钥与数据库不相符（可能属于另一套系统）；请恢复与本数据库对应的密钥，切勿重建。")
    if keys.from_environment():
        raise SetupError(f"数据库使用第 {state.version} 版标记密钥；请把环境变量 DOUDI_KEYS 中 token 的 current 改为 {state.version} 后重试。")
    keys.switch(state.version)


def on_connect(sender: Any, connection: Any, **_kwargs: Any) -> None:
    """Receiver of connection_created: the application's connections, the second one of a thread included."""
    if connection.alias == "default":
        with connection.cursor() as cursor:
            settle(cursor)


# --- what a rotation writes beside the database ---


@contextmanager
def alone(*, wait: bool = True) -> Iterator[None]:
    """One process at a time changes keys and files. Without `wait` raises BlockingIOError where another one does."""
    with (home() / "rotation.lock").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield


def journal() -> Path:
    """Lists the files of a rotation under way: which ones stand beside which, waiting for its commit."""
    return home() / "rotation.json"


def write_journal(version: int, moves: list[tuple[Path, Path]]) -> None:
    """Note, before the first is written, the files (new, in place of) of the rotation to `version`."""
    write_private(journal(), {"version": version, "moves": [[str(new), str(old)] for new, old in moves]})


def clean_up(cursor: Any) -> None:
    """New files take the place of the old ones if their rotation was committed, else they go. Safe to be cut off and repeated.

    To be called within `alone`.
    """
    if not journal().exists():
        return
    left, state = read_private(journal()), read(cursor)
    committed = state is not None and state.version >= left["version"]
    for new, old in left["moves"]:
        if committed and Path(new).exists():
            os.replace(new, old)
        else:
            Path(new).unlink(missing_ok=True)
    journal().unlink()
