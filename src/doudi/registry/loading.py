"""Bulk loading of a synthetic area (`doudi synth`): Parquet to temporary tables by COPY, then one INSERT ... SELECT per table.

COPY into a table with row-level security is refused to `doudi_app`, and a temporary table has none; the INSERT passes the
policies under the acting scope. Safe to run again: what is there stays, and is counted as skipped.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from django.db import connection, transaction

from doudi.core import keys, numbers
from doudi.core import scope as scopes
from doudi.core.numbers import Kind
from doudi.core.plans import at_once
from doudi.registry.names import pinyin_columns

BATCH = 100_000
SINCE = date(2015, 1, 1)  # households of a synthetic area exist at least since then, older than any of its awards
Progress = Callable[[str, int, int], None]
"""Called with the table, the rows done and the rows in all."""

TABLES = {
    "load_household": 'household_no bigint, number text collate "C", area text collate "C", name text, residence text, address bytea',
    "load_person": (
        'person_no bigint, household_no bigint, token uuid, area text collate "C", relationship text, name text, pinyin text, initials text, sex text,'
        " birth_date date, died_on date, ethnicity text, registered_area text, residence_area text, phone uuid, account uuid, bank text"
    ),
    "load_fact": "person_no bigint, household_no bigint, kind text, starts date, number numeric(16,2), text text, token uuid",
}
JOINED = {"load_household": "household_no, number", "load_person": "person_no, household_no, token", "load_fact": "person_no, household_no, kind"}
INSERT_HOUSEHOLDS = """
insert into registry_household (number, area, name, residence, address, made_at, version)
select number, area, name, residence, address, %(now)s, 1 from pg_temp.load_household order by area, household_no
on conflict (number) do nothing
"""
INSERT_PEOPLE = """
insert into registry_person (token, area, name, pinyin, initials, sex, birth_date, died_on, ethnicity, registered_area, residence_area,
                             phone, account, bank, made_at, version)
select token, area, name, pinyin, initials, sex, birth_date, died_on, ethnicity, registered_area, residence_area, phone, account, bank, %(now)s, 1
from pg_temp.load_person order by area, person_no
on conflict (token) do nothing
"""
IDS = """
create temp table synthetic_household on commit drop as
  select l.household_no, h.id as household_id, h.area from pg_temp.load_household l join registry_household h on h.number = l.number;
create temp table synthetic_person on commit drop as
  select l.person_no, p.id as person_id, p.area from pg_temp.load_person l join registry_person p on p.token = l.token;
analyze pg_temp.synthetic_household; analyze pg_temp.synthetic_person;
"""
INSERT_MEMBERSHIPS = """
insert into registry_membership (household_id, person_id, area, relationship, starts, ends)
select h.household_id, p.person_id, h.area, l.relationship, greatest(l.birth_date, %(since)s), l.died_on + 1
from pg_temp.load_person l
join pg_temp.synthetic_household h using (household_no)
join pg_temp.synthetic_person p using (person_no)
where p.area = h.area and (l.died_on is null or l.died_on >= greatest(l.birth_date, %(since)s))
  and not exists (select from registry_membership m where m.person_id = p.person_id)
order by h.household_id, l.person_no
"""
INSERT_FACTS = """
insert into registry_fact (person_id, household_id, area, kind, starts, number, text, token, source, recorded_at)
select p.person_id, h.household_id, coalesce(p.area, h.area), l.kind, l.starts, l.number, l.text, l.token, 'import', %(now)s
from pg_temp.load_fact l
left join pg_temp.synthetic_person p using (person_no)
left join pg_temp.synthetic_household h on h.household_no = l.household_no
where (p.person_id is not null or h.household_id is not null)
  and not exists (select from registry_fact f where f.person_id = p.person_id and f.kind = l.kind)
  and not exists (select from registry_fact f where f.household_id = h.household_id and f.kind = l.kind)
order by 3, 1, 2
"""


@dataclass(frozen=True)
class Loaded:
    """Rows inserted by table, and people who were there before or are managed outside the acting scope (`skipped`)."""

    households: int
    people: int
    memberships: int
    facts: int
    skipped: int


def person_tokens(people: pa.RecordBatch) -> pa.Array:
    """Tokens (hexadecimal text) of the people of a batch; who has no number gets one of kind `none` made from county and running number."""
    ids = people["id_number"]
    own = numbers.token_texts(Kind.CITIZEN_ID, ids)
    if ids.null_count == 0:
        return own
    county = pc.utf8_slice_codeunits(people["area"], 0, 6)
    running = pc.utf8_lpad(people["person_no"].cast(pa.string()), 10, "0")
    return pc.coalesce(own, numbers.token_texts(Kind.NONE, pc.binary_join_element_wise(county, running, "")))


def household_numbers(area: pa.Array, household_no: pa.Array) -> pa.Array:
    """Number of a synthetic household: county and running number (16 digits; those of registered households are shorter)."""
    return pc.binary_join_element_wise(pc.utf8_slice_codeunits(area, 0, 6), pc.utf8_lpad(household_no.cast(pa.string()), 10, "0"), "")


def _households(batch: pa.RecordBatch, _on: date) -> pa.Table:
    sealed = [None if text is None else "\\x" + text.hex() for text in keys.seal_texts(batch["address"].to_pylist())]
    return pa.table(
        [
            batch["household_no"],
            household_numbers(batch["area"], batch["household_no"]),
            batch["area"],
            batch["name"],
            batch["residence"],
            pa.array(sealed),
        ],
        names=["household_no", "number", "area", "name", "residence", "address"],
    )


def _people(batch: pa.RecordBatch, _on: date) -> pa.Table:
    pinyin, initials = pinyin_columns(batch["name"])
    columns = {
        name: batch[name] for name in ("person_no", "household_no", "area", "relationship", "name", "sex", "birth_date", "died_on", "ethnicity")
    }
    columns |= {name: batch[name] for name in ("registered_area", "residence_area")}
    columns |= {"token": person_tokens(batch), "pinyin": pinyin, "initials": initials, "bank": pc.fill_null(batch["bank"], "")}
    columns |= {"phone": numbers.token_texts(Kind.PHONE, batch["phone"]), "account": numbers.token_texts(Kind.ACCOUNT, batch["account"])}
    return pa.table(columns)


def _facts(batch: pa.RecordBatch, _on: date) -> pa.Table:
    certificate = pc.equal(batch["kind"], "disability_certificate")
    number = pc.if_else(certificate, batch["text"], pa.scalar(None, pa.string()))
    columns = {name: batch[name] for name in ("person_no", "household_no", "kind", "starts", "number")}
    return pa.table(columns | {"text": pc.if_else(certificate, "", batch["text"]), "token": numbers.token_texts(Kind.CERTIFICATE, number)})


def _stage(cursor: Any, table: str, path: Path, shape: Callable[[pa.RecordBatch, date], pa.Table], on: date, progress: Progress | None) -> int:
    """Create a temporary table and COPY a Parquet file into it, batch by batch."""
    cursor.execute(f"create temp table {table} ({TABLES[table]}) on commit drop")
    file = pq.ParquetFile(path)
    total, done = file.metadata.num_rows, 0
    for batch in file.iter_batches(BATCH):
        rows = shape(batch, on)
        buffer = io.BytesIO()
        pyarrow.csv.write_csv(rows, buffer, pyarrow.csv.WriteOptions(include_header=False))
        # an empty field is null, a quoted empty one is empty text: Arrow quotes text and leaves nulls bare
        with cursor.copy(f"copy pg_temp.{table} ({', '.join(rows.column_names)}) from stdin with (format csv)") as copy:
            copy.write(buffer.getbuffer())
        done += len(batch)
        if progress:
            progress(table.removeprefix("load_"), done, total)
    cursor.execute(f"analyze pg_temp.{table} ({JOINED[table]})")
    return total


def _drop(cursor: Any, tables: Iterable[str]) -> None:
    for table in tables:
        cursor.execute(f"drop table if exists pg_temp.{table}")


@transaction.atomic
def load_area(folder: Path, *, on: date, now: datetime, progress: Progress | None = None) -> Loaded:
    """Load people, households, memberships and facts of a synthetic area into the registry, under the acting scope.

    `folder`: what `doudi.batch.synth.generate` wrote. Awards are enrolment's to load: `stage_ids` gives it the ids.
    One transaction: all or nothing. Raises django.db.DatabaseError for areas outside the scope.
    """
    scopes.current()
    folder = Path(folder)
    with connection.cursor() as cursor, at_once(cursor):
        _drop(cursor, (*TABLES, "synthetic_person", "synthetic_household"))
        _stage(cursor, "load_household", folder / "households.parquet", _households, on, progress)
        people_in_all = _stage(cursor, "load_person", folder / "people.parquet", _people, on, progress)
        _stage(cursor, "load_fact", folder / "facts.parquet", _facts, on, progress)
        counts = {}
        values = {"now": now, "since": SINCE}
        for name, statement in (("households", INSERT_HOUSEHOLDS), ("people", INSERT_PEOPLE)):
            cursor.execute(statement, values)
            counts[name] = cursor.rowcount
        for statement in IDS.split(";"):
            if statement.strip():
                cursor.execute(statement)
        for name, statement in (("memberships", INSERT_MEMBERSHIPS), ("facts", INSERT_FACTS)):
            cursor.execute(statement, values)
            counts[name] = cursor.rowcount
            if progress:
                progress(name, counts[name], counts[name])
        scopes.check_constraints()
        _drop(cursor, (*TABLES, "synthetic_person", "synthetic_household"))
    return Loaded(**counts, skipped=people_in_all - counts["people"])


def stage_ids(folder: Path) -> None:
    """Make the temporary tables `synthetic_person` (person_no, person_id, area) and `synthetic_household` (household_no, household_id, area)
    of a loaded area for the rest of this transaction; rows that the acting scope does not see are left out."""
    folder = Path(folder)
    with connection.cursor() as cursor:
        _drop(cursor, (*TABLES, "synthetic_person", "synthetic_household"))
        for table, file, columns in (
            ("load_household", "households", ["household_no", "area"]),
            ("load_person", "people", ["person_no", "area", "id_number"]),
        ):
            cursor.execute(f"create temp table {table} ({TABLES[table]}) on commit drop")
            for batch in pq.ParquetFile(folder / f"{file}.parquet").iter_batches(BATCH, columns=columns):
                no = columns[0]
                key = household_numbers(batch["area"], batch[no]) if file == "households" else person_tokens(batch)
                buffer = io.BytesIO()
                name = "number" if file == "households" else "token"
                pyarrow.csv.write_csv(pa.table([batch[no], key], names=[no, name]), buffer, pyarrow.csv.WriteOptions(include_header=False))
                with cursor.copy(f"copy pg_temp.{table} ({no}, {name}) from stdin with (format csv)") as copy:
                    copy.write(buffer.getbuffer())
            cursor.execute(f"analyze pg_temp.{table}")
        for statement in IDS.split(";"):
            if statement.strip():
                cursor.execute(statement)
        _drop(cursor, TABLES)
