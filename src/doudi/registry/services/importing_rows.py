"""Rows of an import in and out: one COPY and one INSERT ... SELECT a table, whatever their number."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import polars as pl
import pyarrow.csv
from django.db import IntegrityError, connection, transaction

from doudi.registry.models import Person

CHANGED = ("id", "phone", "account", "bank")


def people_of(tokens: Iterable[str]) -> list[Person]:
    """The people of the scope who have one of these tokens."""
    with connection.cursor() as cursor:
        cursor.execute("select id from registry_person where token = any(%s::uuid[])", ["{" + ",".join(tokens) + "}"])
        found = [pk for (pk,) in cursor.fetchall()]
    return list(Person.objects.filter(pk__in=found)) if found else []


def ids(table: str, count: int) -> list[int]:
    """So many ids that rows of this table are going to have."""
    with connection.cursor() as cursor:
        cursor.execute("select nextval(%s::regclass) from generate_series(1, %s)", [f"doudi.{table}_id_seq", count])
        return [pk for (pk,) in cursor.fetchall()]


def _stage(cursor: Any, table: str, like: str, rows: pl.DataFrame) -> str:
    """A temporary table of these columns of `like`, filled; their names. COPY into a table under row-level security is refused."""
    columns = ", ".join(rows.columns)
    cursor.execute(f"drop table if exists pg_temp.{table}")
    cursor.execute(f"create temp table {table} on commit drop as select {columns} from {like} limit 0")
    buffer = io.BytesIO()
    # an empty field is null, a quoted empty one is empty text: Arrow quotes text and leaves nulls bare
    pyarrow.csv.write_csv(rows.to_arrow(compat_level=pl.CompatLevel.oldest()), buffer, pyarrow.csv.WriteOptions(include_header=False))
    with cursor.copy(f"copy pg_temp.{table} from stdin with (format csv)") as copy:
        copy.write(buffer.getbuffer())
    return columns


def write_people(rows: pl.DataFrame, *, now: datetime) -> set[int]:
    """Insert people (columns of the table but residences, time and version); the ids of those who were not, as their number is held in another area."""
    if not len(rows):
        return set()
    with connection.cursor() as cursor:
        columns = _stage(cursor, "import_person", "registry_person", rows)
        insert = (
            f"insert into registry_person ({columns}, registered_area, residence_area, made_at, version) select {columns}, area, area, %s, 1"
            " from pg_temp.import_person"
        )
        try:
            # nearly always nobody is held elsewhere, and asking before each row whether he is costs a fifth of the rows
            with transaction.atomic():
                cursor.execute(insert, [now])
            return set()
        except IntegrityError as error:
            if "token" not in (error.__cause__.diag.constraint_name or ""):  # type: ignore[union-attr]
                raise
        cursor.execute(f"{insert} on conflict (token) do nothing", [now])
        cursor.execute("select id from pg_temp.import_person i where not exists (select from registry_person p where p.id = i.id)")
        return {pk for (pk,) in cursor.fetchall()}


def write_households(rows: pl.DataFrame, *, now: datetime) -> None:
    """Insert households (columns of the table but time and version)."""
    if not len(rows):
        return
    with connection.cursor() as cursor:
        columns = _stage(cursor, "import_household", "registry_household", rows)
        cursor.execute(
            f"insert into registry_household ({columns}, made_at, version) select {columns}, %s, 1 from pg_temp.import_household", [now]
        )


def write_memberships(rows: pl.DataFrame, *, on: date) -> None:
    """Insert members of households (household_id, person_id, area, relationship) from this day on."""
    if not len(rows):
        return
    with connection.cursor() as cursor:
        columns = _stage(cursor, "import_member", "registry_membership", rows)
        cursor.execute(f"insert into registry_membership ({columns}, starts) select {columns}, %s from pg_temp.import_member", [on])


def write_changes(people: Sequence[Person]) -> None:
    """Phone, account and bank of people who are registered, each with a new version."""
    if not people:
        return
    rows = [(person.pk, person.phone and person.phone.hex, person.account and person.account.hex, person.bank) for person in people]
    with connection.cursor() as cursor:
        _stage(cursor, "import_change", "registry_person", pl.DataFrame(rows, {"id": pl.Int64} | dict.fromkeys(CHANGED[1:], pl.String), orient="row"))
        cursor.execute("analyze pg_temp.import_change")
        cursor.execute(
            "update registry_person p set phone = i.phone, account = i.account, bank = i.bank, version = p.version + 1"
            " from pg_temp.import_change i where p.id = i.id"
        )
