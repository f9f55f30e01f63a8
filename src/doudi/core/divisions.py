"""Divisions (行政区划) of the package: loaded by a migration and by `doudi init`, recoded by the owner (integrity.md, recode)."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from io import TextIOWrapper
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.dispatch import Signal

from doudi.core.models.divisions import ancestors, level_of

# Codes of the national statistics bureau, edition with cut-off 2023-06-30: the day is the edition's, not the division's own beginning.
COPY = "copy pg_temp.load_division (code, name, parent, level, initials) from stdin"
INSERT = """
insert into core_division (code, name, level, parent_id, initials, statistical_only)
select code, name, level, parent, initials, level = 'county' and substr(code, 5, 1) = '7' from pg_temp.load_division order by code
on conflict (code) do nothing
"""


def shipped() -> Iterator[tuple[str, str, str | None, str, str]]:
    """Rows of the packaged file: code, name, parent (None for the province), level, pinyin initials."""
    with (files("doudi") / "core" / "data" / "divisions.csv.gz").open("rb") as packed, gzip.open(packed) as plain:
        for row in csv.DictReader(TextIOWrapper(plain, "utf-8")):
            yield row["code"], row["name"], row["parent"] or None, row["level"], row["initials"]


def load(connection: BaseDatabaseWrapper) -> int:
    """Insert the shipped divisions that are missing, as owner; the number inserted. Safe to run again: nothing is changed in place.

    County rows whose third pair of digits begins with 7 are development zones: counted by statistics, no division by law.
    """
    with connection.cursor() as cursor:
        cursor.execute("create temp table load_division (code text, name text, parent text, level text, initials text)")
        with cursor.copy(COPY) as copy:
            for row in shipped():
                copy.write_row(row)
        cursor.execute(INSERT)
        inserted: int = cursor.rowcount
        cursor.execute("drop table pg_temp.load_division")
    return inserted


# Sent at the end of a recode, in its transaction: `connection` (the owner's) and `area`, the new code. Rooms bring up what their triggers would have kept.
recoded = Signal()


class RecodeRefused(ValueError):
    """A recode that would leave rows behind or mix divisions, or a division that cannot be registered; the message is in Chinese."""


# A division as it stands elsewhere, with everything below it that has not ended.
LIKE = """
insert into core_division (code, name, level, parent_id, initials, statistical_only, starts)
select %(code)s || substr(code, %(length)s + 1), name, level, %(code)s || substr(parent_id, %(length)s + 1), initials, statistical_only, %(on)s
from core_division where code > %(like)s and code < %(like)s || ':' and ends is null order by code
on conflict (code) do nothing
"""


def _initials(name: str) -> str:
    from pypinyin import Style, lazy_pinyin  # its dictionaries take long to load

    return "".join(lazy_pinyin(name, style=Style.FIRST_LETTER, errors="ignore"))[:80]


def register(connection: BaseDatabaseWrapper, *, code: str, name: str, on: date, like: str = "") -> int:
    """Register a division that the shipped edition does not know, as owner: the number of rows inserted. Safe to repeat.

    `like`: a division of the same level after which everything below is named, as a recode with all its villages needs it. Raises RecodeRefused.
    """
    name = name.strip()
    try:
        level = level_of(code) if code.isascii() and code.isdigit() else ""
    except ValueError:
        level = ""
    if not level or level == "province":
        raise RecodeRefused(f"区划代码“{code}”应为 4、6、9 或 12 位数字；请核对。")
    if not 2 <= len(name) <= 80:
        raise RecodeRefused("区划名称应为 2 至 80 个字；请核对。")
    parent = ancestors(code)[-2]
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute("select code, name, ends from core_division where code = any(%s)", [[code, parent, like]])
        known = {row[0]: row[1:] for row in cursor.fetchall()}
        if parent not in known or known[parent][1] is not None:
            raise RecodeRefused(f"上级区划 {parent} 不存在或已停用；请先登记上级区划。")
        if code in known and (known[code][0] != name or known[code][1] is not None):
            raise RecodeRefused(f"区划代码 {code} 已用于“{known[code][0]}”；代码不重复使用，请核对。")
        if like and (like not in known or len(like) != len(code) or like == code):
            raise RecodeRefused(f"没有与 {code} 同级的区划 {like}；请核对 --like。")
        cursor.execute(
            "insert into core_division (code, name, level, parent_id, initials, statistical_only, starts) values (%s, %s, %s, %s, %s, false, %s)"
            " on conflict (code) do nothing",
            [code, name, level, parent, _initials(name), on],
        )
        inserted: int = cursor.rowcount
        if like:
            cursor.execute(LIKE, {"code": code, "like": like, "length": len(code), "on": on})
            inserted += cursor.rowcount
    return inserted


@dataclass(frozen=True)
class Recoded:
    """What a recode did: rows rewritten by `table.column`."""

    old: str
    new: str
    rows: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.rows.values())


# Every column that holds a division code is of this kind; `area_then` keeps what was, and the divisions themselves are dated, not rewritten.
CODE_COLUMNS = """
select c.relname, a.attname
from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'doudi' and c.relkind in ('r', 'p') and not c.relispartition and not a.attisdropped
  and a.attname in ('area', 'from_area', 'to_area', 'registered_area', 'residence_area', 'workplace_area') and c.relname <> 'core_division'
order by c.relname, a.attname
"""
# Children first, parents last: depth of a table in the graph of foreign keys.
PARENTS = """
select distinct c.relname, p.relname from pg_constraint f
join pg_class c on c.oid = f.conrelid join pg_class p on p.oid = f.confrelid join pg_namespace n on n.oid = c.relnamespace
where f.contype = 'f' and n.nspname = 'doudi' and c.oid <> p.oid and not c.relispartition and not p.relispartition
"""


def _by_depth(tables: set[str], edges: list[tuple[str, str]]) -> list[str]:
    """Tables in the order children before parents."""
    parents: dict[str, set[str]] = {table: set() for table in tables}
    for child, parent in edges:
        if child in tables and parent in tables:
            parents[child].add(parent)
    ordered: list[str] = []
    done: set[str] = set()

    def visit(table: str, way: tuple[str, ...] = ()) -> None:
        if table in done or table in way:
            return
        for parent in sorted(parents[table]):
            visit(parent, (*way, table))
        done.add(table)
        ordered.append(table)

    for table in sorted(tables):
        visit(table)
    return ordered[::-1]


@contextmanager
def _quiet(cursor: Any, tables: list[str]) -> Iterator[None]:
    """Without the tables' own triggers: a recode is no business change, so it makes no history and wakes no guard of one."""
    for table in tables:
        cursor.execute(f'alter table "{table}" disable trigger user')
    yield
    for table in tables:
        cursor.execute(f'alter table "{table}" enable trigger user')


def recode(connection: BaseDatabaseWrapper, *, old: str, new: str, on: date) -> Recoded:
    """Rewrite the code `old` to `new` in every table, as owner, in one transaction: work, what is done, history.

    A village to a village, a township or county with everything below it (the digits after the prefix stay). `new` must be
    a division of the same level; it may already hold rows (a merger goes village by village). The old division ends on `on`
    with `new` as its successor; `area_then` keeps the first code that a row had. Codes inside JSON (frozen facts, summaries, trials) stay as they
    were said: the old division keeps its name. Raises RecodeRefused.
    """
    if old == new or level_of(old) != level_of(new):
        raise RecodeRefused(f"{old} 与 {new} 必须是同一级的两个区划代码；请核对后重新执行。")
    rows: dict[str, int] = {}
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute("select code, ends from core_division where code in (%s, %s)", [old, new])
        known = dict(cursor.fetchall())
        for code in (old, new):
            if code not in known:
                raise RecodeRefused(f"没有区划代码 {code}；请先用 doudi register-division 登记该区划，再执行变更。")
        if known[new] is not None:
            raise RecodeRefused(f"区划 {new} 已于 {known[new]} 停用，不能作为变更后的区划；请核对代码。")
        cursor.execute(
            "select o.code from core_division o where o.code >= %s and o.code < %s and o.ends is null"
            " and not exists (select from core_division n where n.code = %s || substr(o.code, %s)) limit 3",
            [old, old + ":", new, len(old) + 1],
        )
        missing = [code for (code,) in cursor.fetchall()]
        if missing:
            raise RecodeRefused(f"{new} 之下缺少与 {'、'.join(missing)} 等对应的区划；整体变更请先用 doudi register-division --like 登记，拆分、合并请按村逐个变更。")
        cursor.execute(CODE_COLUMNS)
        columns: dict[str, list[str]] = {}
        for table, column in cursor.fetchall():
            columns.setdefault(table, []).append(column)
        cursor.execute(PARENTS)
        order = _by_depth(set(columns), cursor.fetchall())
        cursor.execute("select table_name from information_schema.columns where table_schema = 'doudi' and column_name = 'area_then'")
        keeps = {table for (table,) in cursor.fetchall()}
        with _quiet(cursor, order):
            for table in order:
                for column in columns[table]:
                    then = ", area_then = coalesce(area_then, area)" if column == "area" and table in keeps else ""
                    cursor.execute(
                        f'update "{table}" set {column} = %s || substr({column}, %s){then} where {column} >= %s and {column} < %s',
                        [new, len(old) + 1, old, old + ":"],
                    )
                    if cursor.rowcount:
                        rows[f"{table}.{column}"] = cursor.rowcount
            cursor.execute("set constraints all immediate")
        cursor.execute(
            "update core_division set ends = %s, successor_id = %s || substr(code, %s) where code >= %s and code < %s and ends is null",
            [on, new, len(old) + 1, old, old + ":"],
        )
        rows["core_division"] = cursor.rowcount
        recoded.send(None, connection=connection, area=new)
    return Recoded(old, new, rows)
