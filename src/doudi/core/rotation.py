"""Rotation of the token key (`doudi rotate-keys`; integrity.md, tokens): one key is in use at any time.

    key file        a new version is added, the current one stays
    database        no application session, tables locked; in ONE transaction: every distinct number opened and sealed again
                    (vectorised), every column of tokens rewritten, lake files written anew beside the old ones, the version in use noted
    after commit    the key file names the new version, new lake files take the place of the old ones

Cut off anywhere, the table `core_keystate` says which key the data are under; `keystate.settle` and `clean_up` do the rest.
History is rewritten without writing history: who has which number did not change. No seal and no frozen hash covers a token.
The text key gets a new version too (what was written stays under its old one); the sealing key never rotates.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
from django.apps import apps
from django.db import DatabaseError, OperationalError, connections, transaction

from doudi.batch import idnumber
from doudi.batch.reseal import has_tokens, renewed, reseal, reseal_parquet
from doudi.batch.tokens import Kind, TokenError, TokenKey, tokens_from_matrix
from doudi.core import keys, keystate, side
from doudi.core.bootstrap import APP
from doudi.core.fields import SealedTextField, TokenField
from doudi.core.home import SetupError
from doudi.core.plans import at_once

BATCH = 1_000_000
SESSION_PATIENCE = 3.0  # seconds: a session that was just closed takes a moment to go
HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
UNHEX = np.zeros(256, np.uint8)
UNHEX[HEX] = np.arange(16)

Step = Callable[[str], None]
Find = Callable[[], Iterable[Path]]
_finders: list[Find] = []


def add_files(find: Find) -> Find:
    """Register Parquet files of a room that hold tokens: `find()` lists them. Usable as a decorator."""
    if find not in _finders:
        _finders.append(find)
    return find


@dataclass(frozen=True)
class Table:
    """A table with columns of tokens, and its columns of encrypted text."""

    name: str
    tokens: tuple[str, ...]
    sealed: tuple[str, ...]


@dataclass
class Rotated:
    """What a rotation did. `missing` are lake files that are listed and not there."""

    version: int
    numbers: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    files: int = 0
    missing: list[str] = field(default_factory=list)


def token_tables(cursor: Any) -> list[Table]:
    """Every table with tokens: the models say which `uuid` columns are, the catalogue that none is forgotten."""
    known: dict[str, dict[str, Any]] = {}
    for model in apps.get_models(include_auto_created=True):
        known.setdefault(model._meta.db_table, {}).update({str(each.column): each for each in model._meta.local_concrete_fields})
    cursor.execute(
        "select c.relname::text, a.attname::text from pg_class c join pg_attribute a on a.attrelid = c.oid and not a.attisdropped"
        " where c.relnamespace = 'doudi'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and a.atttypid = 'uuid'::regtype"
        " order by 1, a.attnum"
    )
    found: dict[str, list[str]] = {}
    for table, column in cursor.fetchall():
        if column not in known.get(table, {}):
            raise SetupError(f"表 {table} 的列 {column} 不在程序的数据模型中，无法判断其中是否有标记；请先运行 doudi migrate，或联系开发者。")
        if isinstance(known[table][column], TokenField):
            found.setdefault(table, []).append(column)
    declared = {(table, name) for table, columns in known.items() for name, each in columns.items() if isinstance(each, TokenField)}
    if absent := declared - {(table, column) for table, columns in found.items() for column in columns}:
        raise SetupError(f"数据库中缺少列 {', '.join(sorted('.'.join(each) for each in absent))}；请先运行 doudi migrate。")
    return [
        Table(name, tuple(columns), tuple(column for column, each in known[name].items() if isinstance(each, SealedTextField)))
        for name, columns in sorted(found.items())
    ]


def rotate(*, now: datetime, after: Step = lambda step: None) -> Rotated:
    """Rotate the token key and the text key; all or nothing. `after` is told each step that is done.

    Raises SetupError (nothing changed): no connection as owner, the application is connected, another rotation runs, tokens
    of another key, long numbers whose encrypted text is not kept, or keys from the environment without a next version.
    """
    if "owner" not in connections.settings:
        raise SetupError("轮换密钥需要属主连接：请设置环境变量 DATABASE_OWNER_URL（角色 doudi_owner）后重试。")
    connections["default"].close()
    side.close_now()
    try:
        with keystate.alone(wait=False):
            return _rotate(now, after)
    except BlockingIOError:
        raise SetupError("另一个密钥轮换或备份正在进行；请等待其结束后重试。") from None
    finally:
        connections["owner"].close()


def _rotate(now: datetime, after: Step) -> Rotated:
    owner = connections["owner"]
    with owner.cursor() as cursor:
        keystate.record(cursor)
        keystate.settle_alone(cursor)
    old_version = keys.load()["token"].current
    done = Rotated(keys.prepare_rotation())
    after("keys")
    try:
        with transaction.atomic(using="owner", durable=True), owner.cursor() as cursor:
            _in_transaction(cursor, keys.token_key(old_version), keys.token_key(done.version), done, now, after)
    except BaseException:
        # Rolled back, or the answer to the commit was lost: the table knows which files count.
        try:
            with owner.cursor() as cursor:
                keystate.clean_up(cursor)
        except DatabaseError:
            pass  # the server is away: the next start does it
        raise
    after("committed")
    with owner.cursor() as cursor:
        keystate.clean_up(cursor)
    after("files in place")
    if not keys.from_environment():
        keys.switch(done.version)
    after("switched")
    return done


def _in_transaction(cursor: Any, old: TokenKey, new: TokenKey, done: Rotated, now: datetime, after: Step) -> None:
    tables = token_tables(cursor)
    _stop_writers(cursor, tables)
    after("locked")
    cursor.execute("set constraints all immediate")
    with at_once(cursor, work_mem="256MB", statement_timeout="0"):
        digests = _map(cursor, tables, old, new)
        cursor.execute("select count(*) from pg_temp.rotation_map")
        done.numbers = cursor.fetchone()[0]
        after("numbers")
        moves = _file_moves(done)
        keystate.write_journal(done.version, moves)
        after("journal")
        renew = _renewer(old, new, digests)
        for target, source in moves:
            _write_file(source, target, renew)
        done.files = len(moves)
        after("files")
        for table in tables:
            done.rows[table.name] = _rewrite(cursor, table)
            after(table.name)
        cursor.execute(
            "update core_keystate set token_version = %s, proof = %s, rotated_at = %s", [done.version, keystate.proof(done.version), now]
        )
        after("before commit")


def _stop_writers(cursor: Any, tables: list[Table]) -> None:
    """Lock what is rewritten, first the table at which every new session of the application waits; then none may be left."""
    cursor.execute("set local lock_timeout = '5s'")
    try:
        cursor.execute("lock table core_keystate in access exclusive mode")
        deadline = time.monotonic() + SESSION_PATIENCE
        while True:
            cursor.execute("select count(*) from pg_stat_activity where datname = current_database() and usename = %s", [APP])
            if not (sessions := cursor.fetchone()[0]):
                break
            if time.monotonic() > deadline:
                raise SetupError(f"仍有 {sessions} 个应用连接（网页或后台任务）；请先停止 doudi serve 和 doudi worker，再轮换密钥。")
            cursor.execute("select pg_stat_clear_snapshot(), pg_sleep(0.1)")
        cursor.execute("lock table " + ", ".join(f'"{table.name}"' for table in tables) + " in access exclusive mode")
    except OperationalError as error:
        if "lock timeout" in str(error):
            raise SetupError("数据表正被其他程序占用（例如备份或升级）；请等待其结束后再轮换密钥。") from None
        raise


# --- numbers ---


def _from_hex(lines: bytes, width: int = 33) -> np.ndarray:
    """(n, 16) bytes of n lines of 32 hexadecimal digits."""
    text = np.frombuffer(lines, np.uint8).reshape(-1, width)[:, :32]
    return UNHEX[text[:, 0::2]] << 4 | UNHEX[text[:, 1::2]]


def _to_lines(old: np.ndarray, new: np.ndarray) -> bytes:
    """`old <tab> new` in hexadecimal, a line for each row: the form of COPY."""
    out = np.empty((len(old), 66), np.uint8)
    for at, matrix in ((0, old), (33, new)):
        out[:, at : at + 32 : 2], out[:, at + 1 : at + 32 : 2] = HEX[matrix >> 4], HEX[matrix & 15]
    out[:, 32], out[:, 65] = ord("\t"), ord("\n")
    return out.tobytes()


def _map(cursor: Any, tables: list[Table], old: TokenKey, new: TokenKey) -> dict[bytes, bytes]:
    """Fill the temporary table rotation_map (old, new) with every distinct token; returns the part of it that are digests."""
    columns = [(table.name, column) for table in tables for column in table.tokens]
    union = " union ".join(f'select "{column}" as token from "{table}" where "{column}" is not null' for table, column in columns)
    cursor.execute(f"create temp table rotation_old on commit drop as select row_number() over () as n, token from ({union}) every_token")
    total = cursor.rowcount
    cursor.execute("create index on pg_temp.rotation_old (n); analyze pg_temp.rotation_old")
    cursor.execute("create temp table rotation_map (old uuid not null, new uuid not null) on commit drop")
    left: dict[bytes, Kind] = {}
    for start in range(0, total, BATCH):
        with cursor.copy(
            f"copy (select encode(uuid_send(token), 'hex') from pg_temp.rotation_old where n > {start} and n <= {start + BATCH}) to stdout"
        ) as copy:
            before = _from_hex(b"".join(copy))
        try:
            fresh, kinds = reseal(old, new, tokens_from_matrix(before))
        except TokenError as error:
            raise SetupError(f"有标记不是用当前密钥生成的（{error}）；未作任何更改。请恢复正确的密钥或数据库备份后重试。") from None
        readable = kinds == 0
        _copy_in(cursor, before[readable], fresh[readable])
        left |= {bytes(before[row]): Kind(int(kinds[row])) for row in np.flatnonzero(kinds)}
    digests = _read_digests(cursor, tables, old, new, left) if left else {}
    if digests:
        _copy_in(cursor, *(np.frombuffer(b"".join(part), np.uint8).reshape(-1, 16) for part in (digests.keys(), digests.values())))
    # one to one: two numbers never become one
    for column in ("old", "new"):
        cursor.execute(f"create unique index on pg_temp.rotation_map ({column})")
    cursor.execute("analyze pg_temp.rotation_map")
    return digests


def _copy_in(cursor: Any, old: np.ndarray, new: np.ndarray) -> None:
    with cursor.copy("copy pg_temp.rotation_map (old, new) from stdin") as copy:
        copy.write(_to_lines(old, new))


def _read_digests(cursor: Any, tables: list[Table], old: TokenKey, new: TokenKey, left: dict[bytes, Kind]) -> dict[bytes, bytes]:
    """New digests of long document numbers, made from the encrypted text that stands in the same row as the token somewhere.

    A text counts when the old key makes the old digest of it. Raises SetupError, by table, where no row keeps the text.
    """
    found: dict[bytes, bytes] = {}
    wanted = [UUID(bytes=raw) for raw in left]
    for table in tables:
        for token in table.tokens:
            for sealed in table.sealed:
                cursor.execute(f'select "{token}", "{sealed}" from "{table.name}" where "{token}" = any(%s) and "{sealed}" is not null', [wanted])
                for value, ciphertext in cursor.fetchall():
                    kind, text = left[value.bytes], keys.open_text(bytes(ciphertext))
                    for form in (text, idnumber.normalise(text)):
                        if form and old.seal(kind, form) == value:
                            found[value.bytes] = new.seal(kind, form).bytes
                            break
    if missing := [token for token in wanted if token.bytes not in found]:
        places = []
        for table in tables:
            for column in table.tokens:
                cursor.execute(f'select count(*) from "{table.name}" where "{column}" = any(%s)', [missing])
                if count := cursor.fetchone()[0]:
                    places.append(f"{table.name}.{column} {count} 行")
        raise SetupError(
            f"有 {len(missing)} 个较长的证件号码只存有摘要，且没有保留加密原文，无法换用新密钥：{'；'.join(places)}。"
            "未作任何更改；请补录这些证件号码后重试。"
        )
    return found


# --- tables ---


@contextmanager
def _quiet(cursor: Any, table: str) -> Iterator[None]:
    """No trigger of ours on a table (no history, no status); those of constraints stay on."""
    cursor.execute("select tgname::text from pg_trigger where tgrelid = %s::regclass and not tgisinternal and tgenabled = 'O'", [f'"{table}"'])
    triggers = [name for (name,) in cursor.fetchall()]
    for name in triggers:
        cursor.execute(f'alter table "{table}" disable trigger "{name}"')
    yield
    for name in triggers:
        cursor.execute(f'alter table "{table}" enable trigger "{name}"')


def _counts(cursor: Any, table: Table) -> tuple[int, ...]:
    columns = ", ".join(f'count("{column}")' for column in table.tokens)
    some = " or ".join(f'"{column}" is not null' for column in table.tokens)
    cursor.execute(f'select count(*), count(*) filter (where {some}), {columns} from "{table.name}"')
    return tuple(cursor.fetchone())


def _rewrite(cursor: Any, table: Table) -> int:
    """New tokens in all columns of one table, in one statement; the number of rows."""
    before = _counts(cursor, table)
    with _quiet(cursor, table.name):
        if len(table.tokens) == 1:
            (column,) = table.tokens
            cursor.execute(f'update "{table.name}" t set "{column}" = m.new from pg_temp.rotation_map m where m.old = t."{column}"')
        else:
            sets = ", ".join(f'"{column}" = m{at}.new' for at, column in enumerate(table.tokens))
            joins = " ".join(f'left join pg_temp.rotation_map m{at} on m{at}.old = s."{column}"' for at, column in enumerate(table.tokens))
            some = " or ".join(f's."{column}" is not null' for column in table.tokens)
            cursor.execute(
                f'update "{table.name}" t set {sets} from "{table.name}" s {joins} where t.ctid = s.ctid and t.tableoid = s.tableoid and ({some})'
            )
        updated = cursor.rowcount
    if _counts(cursor, table) != before or updated != before[1]:
        raise SetupError(f"表 {table.name} 轮换前后的行数不一致；未作任何更改，请联系开发者。")
    cursor.execute(f'analyze "{table.name}"')
    return updated


# --- files ---


def _file_moves(done: Rotated) -> list[tuple[Path, Path]]:
    """(new, old) of every file with tokens: the new one beside the old. Files that are not there go to `missing`."""
    moves = []
    for path in (path for find in _finders for path in find()):
        if not path.exists():
            done.missing.append(str(path))
        elif has_tokens(path):
            moves.append((path.with_name(f"{path.name}.k{done.version}"), path))
    return moves


def _renewer(old: TokenKey, new: TokenKey, digests: dict[bytes, bytes]) -> Callable[[pa.Array], pa.Array]:
    """From a column of old tokens to one of new ones; digests as the database knows them."""

    def renew(tokens: pa.Array) -> pa.Array:
        fresh, kinds = reseal(old, new, tokens)
        for row in np.flatnonzero(kinds):
            fresh[row] = np.frombuffer(digests[tokens[int(row)].as_py()], np.uint8)
        return renewed(fresh, tokens)

    return renew


def _write_file(source: Path, target: Path, renew: Callable[[pa.Array], pa.Array]) -> None:
    try:
        reseal_parquet(source, target, renew)
    except TokenError as error:
        raise SetupError(f"数据文件 {source} 中有标记不是用当前密钥生成的（{error}）；未作任何更改。请从备份恢复该文件后重试。") from None
    except KeyError:
        raise SetupError(f"数据文件 {source} 中有较长的证件号码只存有摘要，无法换用新密钥；未作任何更改。请删除该批次或重新报送后重试。") from None
    except OSError as error:
        raise SetupError(f"无法写入 {target}（{error.strerror}）；未作任何更改。请检查磁盘空间和权限后重试。") from None
