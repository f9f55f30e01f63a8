"""The registry's side of a comparison: people and memberships of an area as Parquet, read by one statement each."""

from __future__ import annotations

import io
import re
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq
from django.db import connection
from django.db.models.functions import Left
from psycopg import sql

from doudi.batch import compare, law, linkage
from doudi.batch.tokens import TOKEN
from doudi.core import scope as scopes
from doudi.core.plans import at_once
from doudi.core.settings_overlay import overlay
from doudi.registry.models import Household

PEOPLE = """
with members as (
  select m.person_id, m.household_id from registry_membership m
  where m.area >= %(lo)s and m.area < %(hi)s and m.starts <= %(on)s and (m.ends is null or m.ends > %(on)s)
), benefits as (
  select b.person_id,
         bool_or(b.programme in ('dibao', 'dibao_single')) as on_dibao, bool_or(b.programme = 'tekun') as on_tekun,
         bool_or(b.programme = 'disability_living') as on_living_subsidy, bool_or(b.programme = 'disability_nursing') as on_nursing_subsidy,
         bool_or(b.programme = 'orphan') as on_orphan_allowance, bool_or(b.programme = 'unsupported_child') as on_child_allowance
  from registry_benefitstatus b
  where b.area >= %(lo)s and b.area < %(hi)s and b.state in ('active', 'suspended') and b.starts <= %(month)s and (b.ends is null or b.ends > %(month)s)
  group by b.person_id
), facts as (
  select f.person_id,
         sum(f.number) filter (where f.kind in ('wage_income', 'business_income', 'property_income', 'transfer_income', 'maintenance_income')) as income,
         bool_or(f.kind = 'wage_income' and f.number > 0) as known_wage, bool_or(f.kind = 'works_away' and f.number > 0) as works_away
  from registry_fact f where f.area >= %(lo)s and f.area < %(hi)s and f.superseded_at is null and f.person_id is not null
  group by f.person_id
), households as (
  select m.household_id, sum(f.income) / 12 as income_month from members m left join facts f using (person_id) group by m.household_id
), refusals as (
  select b.household_id, max(b.starts) as refused_on from registry_benefitstatus b
  where b.area >= %(lo)s and b.area < %(hi)s and b.state = 'refused' and b.starts <= %(on)s and b.household_id is not null
    and not exists (select from registry_benefitstatus c where c.household_id = b.household_id and c.state in ('active', 'suspended') and c.starts >= b.starts)
  group by b.household_id
), standards (county, residence, standard) as (values %(standards)s)
select p.id as person_id, p.token as id_token, m.household_id, p.area, p.birth_date, p.died_on,
       coalesce(b.on_dibao, false) as on_dibao, coalesce(b.on_tekun, false) as on_tekun,
       coalesce(b.on_living_subsidy, false) as on_living_subsidy, coalesce(b.on_nursing_subsidy, false) as on_nursing_subsidy,
       coalesce(b.on_orphan_allowance, false) as on_orphan_allowance, coalesce(b.on_child_allowance, false) as on_child_allowance, coalesce(f.known_wage, false) as known_wage,
       coalesce(f.works_away, false) as works_away, p.phone is not null as has_phone, f.income / 12 as own_income, h.income_month, s.standard,
       x.refused_on, null::date as last_contact
from registry_person p
left join members m on m.person_id = p.id
left join registry_household r on r.id = m.household_id
left join standards s on s.county = left(p.area, 6) and s.residence = coalesce(r.residence, 'rural')
left join households h on h.household_id = m.household_id
left join refusals x on x.household_id = m.household_id
left join benefits b on b.person_id = p.id
left join facts f on f.person_id = p.id
where p.area >= %(lo)s and p.area < %(hi)s
order by p.id
"""

# Ended memberships too: a dead parent left the household on the day of death.
MEMBERS = """
select m.household_id, m.person_id, m.relationship from registry_membership m
join registry_person p on p.id = m.person_id and (m.ends is null or p.died_on is not null)
where m.area >= %(lo)s and m.area < %(hi)s order by 1, 2
"""


# Who may be meant by a row without an ID number; the dead too (a row may be about a death).
LINKING = """
select p.id as person_id, p.token as id_token, m.household_id, p.area, p.registered_area, p.name,
       case p.sex when '1' then 'male' else 'female' end as sex, p.birth_date, p.phone
from registry_person p
left join registry_membership m on m.person_id = p.id and m.starts <= %(on)s and (m.ends is null or m.ends > %(on)s)
where p.area >= %(lo)s and p.area < %(hi)s
order by p.id
"""


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
    """UUIDs as text into the 16 plain bytes of the lake; null for null."""
    if texts.null_count:
        known = _tokens(texts.drop_null())
        at = pc.subtract(pc.cumulative_sum(pc.is_valid(texts).cast(pa.int64())), 1)
        return known.take(pc.if_else(pc.is_valid(texts), at, pa.scalar(None, pa.int64())))
    plain = pc.replace_substring(texts, "-", "")
    raw = np.frombuffer(bytes.fromhex("".join(plain.to_pylist())), dtype="S16") if len(plain) else np.array([], dtype="S16")
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(plain), [None, pa.py_buffer(raw.tobytes())])


def _standards(low: str, on: date) -> sql.Composable:
    """(county, residence, monthly standard) of the counties in range, from the law, as rows of a VALUES list."""
    counties = sorted(
        {code[:6] for code in Household.objects.filter(area__gte=low, area__lt=low + ":").values_list(Left("area", 6), flat=True).distinct()}
    )
    pairs = [(county, residence) for county in counties for residence in ("urban", "rural")] or [(low.ljust(6, "0"), "rural")]
    households = {"county": np.array([pair[0] for pair in pairs], dtype=object), "residence": np.array([pair[1] for pair in pairs], dtype=object)}
    index = np.arange(len(pairs))
    people = {"birth_date": np.full(len(pairs), np.datetime64("1980-01-01"))}
    found = law.run(people, households, index, np.ones(len(pairs), bool), f"{on:%Y-%m}", ["local_dibao_standard"], overlay(on))[
        "local_dibao_standard"
    ]
    rows = [sql.SQL("({}, {}, {}::float8)").format(*map(sql.Literal, (*pair, float(value)))) for pair, value in zip(pairs, found, strict=True)]
    return sql.SQL(", ").join(rows)


def _copy(target: Path, query: sql.Composable, schema: pa.Schema) -> int:
    """The rows of a query into a Parquet file, in blocks; tokens as 16 plain bytes."""
    types = {field.name: pa.string() if field.type == TOKEN else field.type for field in schema}
    options = csv.ConvertOptions(
        column_types=types, null_values=["\\N"], strings_can_be_null=True, quoted_strings_can_be_null=False, true_values=["t"], false_values=["f"]
    )
    rows = 0
    with (
        connection.cursor() as cursor,
        at_once(cursor),
        pq.ParquetWriter(target, schema, compression="zstd") as writer,
        cursor.copy(sql.SQL("copy ({}) to stdout (format csv, header, null '\\N')").format(query)) as copy,
    ):
        for batch in csv.open_csv(io.BufferedReader(_Reader(copy), 1 << 20), convert_options=options):
            columns = [_tokens(batch.column(each.name)) if each.type == TOKEN else batch.column(each.name) for each in schema]
            writer.write_batch(pa.record_batch(columns, schema=schema))
            rows += batch.num_rows
    return rows


def _low(area: str) -> str:
    """The area, or the scope's own where that is narrower."""
    scope = scopes.current()
    return area if scope.covers(area) else scope.low


def _filled(query: str, **values: object) -> sql.Composed:
    """The query with its values as literals (COPY takes no parameters)."""
    named = {name: value if isinstance(value, sql.Composable) else sql.Literal(value) for name, value in values.items()}
    return sql.SQL(re.sub(r"%\((\w+)\)s", r"{\1}", query)).format(**named)


def write_people(target: Path, *, area: str, on: date) -> int:
    """People of an area with what the registry knows of them on a day (`batch.compare.PEOPLE`); returns how many. Runs under the caller's scope."""
    low = _low(area)
    query = _filled(PEOPLE, lo=low, hi=low + ":", on=on, month=on.replace(day=1), standards=_standards(low, on))
    return _copy(target, query, compare.PEOPLE)


def write_members(target: Path, *, area: str) -> int:
    """Members of households of an area, dead ones included (`batch.compare.MEMBERS`)."""
    low = _low(area)
    return _copy(target, _filled(MEMBERS, lo=low, hi=low + ":"), compare.MEMBERS)


def write_linking(target: Path, *, area: str, on: date) -> int:
    """People of an area as linkage compares them (`batch.linkage.PEOPLE`); returns how many."""
    low = _low(area)
    return _copy(target, _filled(LINKING, lo=low, hi=low + ":", on=on), linkage.PEOPLE)
