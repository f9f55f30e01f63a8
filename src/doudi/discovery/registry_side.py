"""The registry's side of a comparison: people and memberships of an area as Parquet, read by one statement each."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq
from django.db import connection

from doudi.core import scope as scopes

PEOPLE = """
with members as (
  select m.person_id, m.household_id, m.relationship from registry_membership m
  where m.area >= %(lo)s and m.area < %(hi)s and m.starts <= %(on)s and (m.ends is null or m.ends > %(on)s)
), benefits as (
  select b.person_id,
         bool_or(b.programme in ('dibao', 'dibao_single')) as on_dibao, bool_or(b.programme = 'tekun') as on_tekun,
         bool_or(b.programme = 'disability_living') as on_living_subsidy, bool_or(b.programme = 'disability_nursing') as on_nursing_subsidy,
         bool_or(b.programme in ('orphan', 'unsupported_child')) as on_child_allowance
  from registry_benefitstatus b
  where b.area >= %(lo)s and b.area < %(hi)s and b.state in ('active', 'suspended') and b.starts <= %(month)s and (b.ends is null or b.ends > %(month)s)
  group by b.person_id
), facts as (
  select f.person_id,
         max(f.number) filter (where f.kind = 'disability') as disability_grade, max(f.text) filter (where f.kind = 'disability') as disability_kind,
         sum(f.number) filter (where f.kind in ('wage_income', 'business_income', 'property_income', 'transfer_income', 'maintenance_income')) as income,
         sum(f.number) filter (where f.kind = 'wage_income') as wages,
         bool_or(f.kind = 'orphan' and f.number = 1) as orphan
  from registry_fact f where f.area >= %(lo)s and f.area < %(hi)s and f.superseded_at is null and f.person_id is not null
  group by f.person_id
), households as (
  select m.household_id, sum(coalesce(f.income, 0)) as income, sum(coalesce(f.wages, 0)) as wages, count(*) as size
  from members m left join facts f using (person_id) join registry_person p on p.id = m.person_id and p.died_on is null
  group by m.household_id
)
select p.id as person_id, p.token as id_token, m.household_id, p.area, p.name, p.birth_date, p.sex, p.died_on, m.relationship,
       coalesce(f.disability_kind, '') as disability_kind, coalesce(f.disability_grade, 0)::int as disability_grade,
       coalesce(b.on_dibao, false) as on_dibao, coalesce(b.on_tekun, false) as on_tekun,
       coalesce(b.on_living_subsidy, false) as on_living_subsidy, coalesce(b.on_nursing_subsidy, false) as on_nursing_subsidy,
       coalesce(b.on_child_allowance, false) as on_child_allowance, coalesce(f.orphan, false) as orphan,
       coalesce(h.income, 0) as household_income_year, coalesce(h.wages, 0) as household_wages_year, coalesce(h.size, 1)::int as household_size,
       coalesce(r.residence, 'rural') as residence
from registry_person p
left join members m on m.person_id = p.id
left join registry_household r on r.id = m.household_id
left join households h on h.household_id = m.household_id
left join benefits b on b.person_id = p.id
left join facts f on f.person_id = p.id
where p.area >= %(lo)s and p.area < %(hi)s
order by p.id
"""

TYPES = {
    "person_id": pa.int64(),
    "id_token": pa.string(),
    "household_id": pa.int64(),
    "area": pa.string(),
    "name": pa.string(),
    "birth_date": pa.date32(),
    "sex": pa.string(),
    "died_on": pa.date32(),
    "relationship": pa.string(),
    "disability_kind": pa.string(),
    "disability_grade": pa.int32(),
    "household_income_year": pa.float64(),
    "household_wages_year": pa.float64(),
    "household_size": pa.int32(),
    "residence": pa.string(),
    **dict.fromkeys(("on_dibao", "on_tekun", "on_living_subsidy", "on_nursing_subsidy", "on_child_allowance", "orphan"), pa.bool_()),
}


class _Reader(io.RawIOBase):
    """psycopg's COPY as a stream that pyarrow reads in blocks: memory stays bounded."""

    def __init__(self, copy: object) -> None:
        self._blocks, self._left = iter(copy), b""  # type: ignore[call-overload]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._left:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._left = bytes(block)
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size


def _tokens(texts: pa.Array) -> pa.Array:
    """UUIDs as text into the 16 plain bytes of the lake."""
    plain = pc.replace_substring(texts, "-", "")
    raw = np.frombuffer(bytes.fromhex("".join(plain.to_pylist())), dtype="S16") if len(plain) else np.array([], dtype="S16")
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(plain), [None, pa.py_buffer(raw.tobytes())])


def write_people(target: Path, *, area: str, on: date) -> int:
    """People of an area with what the registry knows of them on a day; returns how many. Runs under the caller's scope."""
    scope = scopes.current()
    low = area if scope.covers(area) else scope.low
    parameters = {"lo": low, "hi": low + ":", "on": on, "month": on.replace(day=1)}
    schema = pa.schema([(name, pa.binary(16) if name == "id_token" else TYPES[name]) for name in _order()])
    rows = 0
    with connection.cursor() as cursor:
        cursor.execute("set local enable_nestloop = off")
        with (
            pq.ParquetWriter(target, schema, compression="zstd") as writer,
            cursor.copy(f"copy ({PEOPLE}) to stdout (format csv, header, null '\\N')", parameters) as copy,
        ):
            options = csv.ConvertOptions(
                column_types=TYPES,
                null_values=["\\N"],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["t"],
                false_values=["f"],
            )
            reader = csv.open_csv(
                io.BufferedReader(_Reader(copy), 1 << 20), convert_options=options, parse_options=csv.ParseOptions(newlines_in_values=False)
            )
            for batch in reader:
                columns = [_tokens(batch.column(name)) if name == "id_token" else batch.column(name) for name in schema.names]
                writer.write_batch(pa.record_batch(columns, schema=schema))
                rows += batch.num_rows
        cursor.execute("set local enable_nestloop = on")
    return rows


def _order() -> list[str]:
    return [
        "person_id",
        "id_token",
        "household_id",
        "area",
        "name",
        "birth_date",
        "sex",
        "died_on",
        "relationship",
        "disability_kind",
        "disability_grade",
        "on_dibao",
        "on_tekun",
        "on_living_subsidy",
        "on_nursing_subsidy",
        "on_child_allowance",
        "orphan",
        "household_income_year",
        "household_wages_year",
        "household_size",
        "residence",
    ]
