"""Rows of an import in and out: numbers read and sealed by column, then one COPY and one INSERT ... SELECT a table, whatever their number."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection

from doudi.batch import idnumber
from doudi.batch.idnumber import IdNumber
from doudi.core import keys, numbers
from doudi.core.numbers import Kind
from doudi.core.sheets import Row
from doudi.registry.models import Person

PERSON = (
    "id", "area", "token", "name", "pinyin", "initials", "sex", "birth_date", "ethnicity", "registered_area", "residence_area", "phone", "account", "bank",
    "made_at", "version",
)  # fmt: skip
HOUSEHOLD = ("id", "area", "number", "name", "residence", "address", "made_at", "version")
MEMBER = ("household_id", "person_id", "area", "relationship", "starts")
CHANGED = ("id", "phone", "account", "bank")


@dataclass(frozen=True)
class Numbers:
    """What is known of a row's numbers before it is looked at: the ID number with its token, the tokens of phone and account (None for an empty one).
    None for what is missing or wrong."""

    citizen: tuple[IdNumber, UUID] | None
    tokens: dict[str, UUID | None] | None


def read_numbers(rows: Sequence[Row], *, on: date) -> list[Numbers]:
    """The numbers of all rows at once; one that is wrong is left to be checked by itself, which finds the words for it."""
    parsed = idnumber.parse_column([row.cells["id_number"] for row in rows], on=on)
    citizens = zip(
        parsed.numbers.to_pylist(), parsed.birth_dates.to_pylist(), parsed.sexes.to_pylist(), parsed.was_15.tolist(),
        numbers.tokens_of(Kind.CITIZEN_ID, parsed.numbers.to_pylist()), strict=True,
    )  # fmt: skip
    columns: dict[str, list[UUID | None]] = {}
    wrong: set[int] = set()
    for name, check, kind in (("phone", idnumber.check_phone, Kind.PHONE), ("account", idnumber.check_account, Kind.ACCOUNT)):
        found: list[str | None] = [None] * len(rows)
        for at, row in enumerate(rows):
            if text := row.cells[name]:
                try:
                    found[at] = check(text)
                except ValueError:
                    wrong.add(at)
        columns[name] = numbers.tokens_of(kind, found)
    return [
        Numbers(
            (IdNumber(number, birth_date, sex, was_15), token) if number and token else None,
            None if at in wrong else {"phone": columns["phone"][at], "account": columns["account"][at]},
        )
        for at, (number, birth_date, sex, was_15, token) in enumerate(citizens)
    ]


def people_of(tokens: Iterable[UUID]) -> list[Person]:
    """The people of the scope who have one of these tokens."""
    with connection.cursor() as cursor:
        cursor.execute("select id from registry_person where token = any(%s::uuid[])", ["{" + ",".join(token.hex for token in tokens) + "}"])
        found = [pk for (pk,) in cursor.fetchall()]
    return list(Person.objects.filter(pk__in=found)) if found else []


def ids(table: str, count: int) -> list[int]:
    """So many ids that rows of this table are going to have."""
    with connection.cursor() as cursor:
        cursor.execute("select nextval(%s::regclass) from generate_series(1, %s)", [f"doudi.{table}_id_seq", count])
        return [pk for (pk,) in cursor.fetchall()]


def _stage(cursor: Any, table: str, like: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A temporary table of these columns of `like`, filled: COPY into a table under row-level security is refused."""
    cursor.execute(f"drop table if exists pg_temp.{table}")
    cursor.execute(f"create temp table {table} on commit drop as select {', '.join(columns)} from {like} limit 0")
    text = io.StringIO()
    csv.writer(text).writerows([["\\N" if value is None else value for value in row] for row in rows])
    with cursor.copy(f"copy pg_temp.{table} from stdin with (format csv, null '\\N')") as copy:
        copy.write(text.getvalue())
    cursor.execute(f"analyze pg_temp.{table}")


def sealed(address: str) -> str | None:
    """An address as the table keeps it, as COPY takes it."""
    return "\\x" + keys.seal_text(address).hex() if address else None


def write_people(rows: Sequence[tuple[Any, ...]]) -> set[int]:
    """Insert people (columns PERSON); the ids of those who were not, as their number is held in another area."""
    if not rows:
        return set()
    columns = ", ".join(PERSON)
    with connection.cursor() as cursor:
        _stage(cursor, "import_person", "registry_person", PERSON, rows)
        cursor.execute(f"insert into registry_person ({columns}) select {columns} from pg_temp.import_person order by id on conflict (token) do nothing")
        if cursor.rowcount == len(rows):
            return set()
        cursor.execute("select id from pg_temp.import_person i where not exists (select from registry_person p where p.id = i.id)")
        return {pk for (pk,) in cursor.fetchall()}


def write_households(rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert households (columns HOUSEHOLD)."""
    if not rows:
        return
    columns = ", ".join(HOUSEHOLD)
    with connection.cursor() as cursor:
        _stage(cursor, "import_household", "registry_household", HOUSEHOLD, rows)
        cursor.execute(f"insert into registry_household ({columns}) select {columns} from pg_temp.import_household order by id")


def write_memberships(rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert members of households (columns MEMBER); who is in a household already stays as he is."""
    columns = ", ".join(MEMBER)
    with connection.cursor() as cursor:
        _stage(cursor, "import_member", "registry_membership", MEMBER, rows)
        cursor.execute(
            f"insert into registry_membership ({columns}) select {columns} from pg_temp.import_member i"
            " where not exists (select from registry_membership m where m.person_id = i.person_id and m.ends is null) order by household_id, person_id"
        )


def write_changes(people: Sequence[Person]) -> None:
    """Phone, account and bank of people who are registered, each with a new version."""
    if not people:
        return
    with connection.cursor() as cursor:
        _stage(cursor, "import_change", "registry_person", CHANGED, ([getattr(person, name) for name in CHANGED] for person in people))
        cursor.execute(
            "update registry_person p set phone = i.phone, account = i.account, bank = i.bank, version = p.version + 1"
            " from pg_temp.import_change i where p.id = i.id"
        )
