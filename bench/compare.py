"""Comparison of 5 million registered people with 100 million rows of seven datasets: all indicators, people and rows per second.

    PYTHONPATH=src python bench/compare.py [--size 5000000] [--memory 4GB] [--json]

Baseline: one SQL statement written by hand for DuckDB that finds the same (indicator, person) pairs in the same Parquet files, without reasons,
evidence or situation keys; both must find the same. Rows are twenty times the people; half of them are about people who are not in the registry.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from doudi.batch import compare
from doudi.batch.columns import from_byte_matrix
from doudi.batch.datasets import CONTRACTS
from doudi.batch.delivery import lake_schema
from doudi.batch.lake import Entry, Lake
from doudi.batch.tokens import Kind, TokenKey

ON = date(2022, 11, 25)
KEY = TokenKey(bytes(range(32)))
# Rows per registered person; together 20.
SHARES = {"medical": 9.2, "wages": 9.6, "disability": 0.12, "deaths": 0.05, "vehicles": 0.35, "housing": 0.5, "companies": 0.18}
CHUNK = 1_000_000


def numbers(persons: np.ndarray) -> pa.Array:
    digits = np.empty((len(persons), 18), np.uint8)
    for place in range(18):
        digits[:, 17 - place] = persons // 10**place % 10 + 48
    return from_byte_matrix(digits)


def days_back(rng: np.random.Generator, count: int, most: int) -> np.ndarray:
    return np.datetime64(ON) - rng.integers(1, most, count).astype("timedelta64[D]")


def values(name: str, kind: pa.DataType, count: int, rng: np.random.Generator) -> Any:
    """A column of a dataset, by its name."""
    if name == "month":
        return np.array(["2022-08-01", "2022-09-01", "2022-10-01"], "datetime64[D]")[rng.integers(0, 3, count)]
    if pa.types.is_date(kind):
        return days_back(rng, count, 395 if name == "settled_on" else 4000)
    if pa.types.is_decimal(kind):
        scale = {"total_cost": 8000, "own_cost": 600, "wage": 3000, "capital": 300_000}[name]
        return pa.array(np.floor(rng.exponential(scale, count))).cast(kind)
    if pa.types.is_floating(kind):
        return rng.uniform(30, 200, count)
    if pa.types.is_boolean(kind):
        return rng.random(count) < 0.02
    words = {
        "kind": ["small", "large", "motorcycle"],
        "grade": ["1", "2", "3", "4"],
        "usage": ["dwelling", "dwelling", "other"],
        "role": ["shareholder"],
        "employer": [f"公司{at}" for at in range(500)],
        "disease": ["肺炎", "骨折", "高血压"],
    }.get(name)
    if words is None:
        return numbers(rng.integers(0, 10**9, count))
    return pa.array(words).take(pa.array(rng.integers(0, len(words), count)))


def write(folder: Path, people: int) -> tuple[Lake, int]:
    """Registry and lake; returns the lake and its number of rows."""
    rng = np.random.default_rng(20221125)
    household = np.sort(rng.integers(0, max(1, people // 3), people))
    with pq.ParquetWriter(folder / "people.parquet", compare.PEOPLE) as writer:
        for start in range(0, people, CHUNK):
            part = np.arange(start, min(people, start + CHUNK))
            count = len(part)
            dibao = rng.random(count) < 0.5
            columns = {
                "person_id": part,
                "id_token": KEY.seal_many(Kind.CITIZEN_ID, numbers(part)),
                "household_id": household[part],
                "area": numbers(410122101201 + part % 40),
                "birth_date": days_back(rng, count, 30_000),
                "died_on": pa.array(days_back(rng, count, 2000), mask=rng.random(count) > 0.01),
                "on_dibao": dibao,
                "on_tekun": ~dibao & (rng.random(count) < 0.05),
                "on_living_subsidy": rng.random(count) < 0.05,
                "on_nursing_subsidy": rng.random(count) < 0.05,
                "on_orphan_allowance": np.zeros(count, bool),
                "on_child_allowance": np.zeros(count, bool),
                "known_wage": rng.random(count) < 0.97,
                "works_away": rng.random(count) < 0.1,
                "has_phone": rng.random(count) < 0.9,
                "own_income": rng.exponential(800, count),
                "income_month": rng.exponential(2500, count),
                "standard": np.full(count, 520.0),
                "refused_on": pa.nulls(count, pa.date32()),
                "last_contact": pa.nulls(count, pa.date32()),
            }
            writer.write_table(pa.table(columns, schema=compare.PEOPLE))
    first = np.concatenate([[True], household[1:] != household[:-1]])
    codes = pa.array(["02", "10", "20", "30"]).take(pa.array(np.where(first, 0, rng.integers(1, 4, people))))
    members = pa.table({"household_id": household, "person_id": np.arange(people), "relationship": codes}, schema=compare.MEMBERS)
    pq.write_table(members, folder / "members.parquet")
    lake, total = Lake(folder / "lake"), 0
    for dataset, share in SHARES.items():
        contract = CONTRACTS[dataset]
        schema = lake_schema(contract)
        target = lake.folder(dataset, "2022-10")
        target.mkdir(parents=True)
        rows = int(people * share)
        with pq.ParquetWriter(target / "D1.parquet", schema, compression="zstd") as writer:
            for start in range(0, rows, CHUNK):
                count = min(CHUNK, rows - start)
                tokens = KEY.seal_many(Kind.CITIZEN_ID, numbers(rng.integers(0, 2 * people, count)))
                columns = {"row": np.arange(start, start + count) + 2, "id_token": tokens, "certificate_token": tokens}
                columns |= {"birth_date": days_back(rng, count, 30_000), "sex": pa.array(["male"] * count), "name": pa.array(["张三"] * count)}
                columns["valid_until"] = pa.nulls(count, pa.date32())
                for field in schema:
                    if field.name not in columns:
                        columns[field.name] = values(field.name, field.type, count, rng)
                writer.write_table(pa.table({name: columns[name] for name in schema.names}, schema=schema))
        entry = Entry(dataset, "2022-10", "D1", dataset, rows, 0, 0, "", f"{dataset}/2022-10/D1.parquet", "")
        (target / "D1.json").write_text(json.dumps(asdict(entry)), "utf-8")
        total += rows
    return lake, total


BY_HAND = """
with registry as (select * from '{f}/people.parquet'),
dead as (select distinct person_id from '{f}/lake/deaths/*/*.parquet' d join registry r using (id_token) where d.died_on <= '{on}'),
flagged as (select r.*, on_dibao or on_tekun recipient, died_on is null and d.person_id is null alive
  from registry r left join dead d using (person_id)),
households as (select household_id, count(*) filter (recipient) helped, count(*) filter (alive) living from flagged group by 1),
people as (select * from flagged join households using (household_id)),
living as (select * from people where alive),
medical as (select person_id, sum(own_cost) own, bool_or(serious_illness) serious from '{f}/lake/medical/*/*.parquet' m
  join registry using (id_token) where settled_on > '{year}' and settled_on <= '{on}' group by 1),
disability as (select p.*, d.grade from '{f}/lake/disability/*/*.parquet' d join living p using (id_token)
  where d.valid_until is null or d.valid_until >= '{on}'),
wages as (select person_id, sum(wage) / count(distinct month) wage from '{f}/lake/wages/*/*.parquet' w join registry using (id_token)
  where month >= '2022-08-01' and month <= '{on}' group by 1),
homes as (select p.person_id, h.usage, h.registered_on, count(*) filter (h.usage = 'dwelling') over (partition by p.person_id) dwellings
  from '{f}/lake/housing/*/*.parquet' h join living p using (id_token) where p.recipient),
members as (select m.*, r.birth_date born, not p.alive gone from '{f}/members.parquet' m join registry r using (person_id)
  join people p using (person_id)),
orphans as (select c.person_id from members c join members q using (household_id)
  where c.relationship in ('20', '30') and q.relationship in ('02', '10') and year(c.born) - year(q.born) >= 14
  group by 1 having count(*) >= 2 and bool_and(q.gone))
select 'disability_no_nursing_subsidy' indicator, person_id from disability
  where grade in ('1', '2') and not on_nursing_subsidy and not on_tekun
union select 'disability_no_living_subsidy', person_id from disability where on_dibao and not on_living_subsidy and not on_tekun
union select 'medical_costs', person_id from medical join living using (person_id) where helped = 0 and own >= 5000 and own > 0.5 * 12 * income_month
union select 'serious_illness_low_income', person_id from medical join living using (person_id)
  where serious and helped = 0 and income_month < 1.5 * standard * living
union select 'recipient_death', p.person_id from '{f}/lake/deaths/*/*.parquet' d join people p using (id_token)
  where recipient or on_living_subsidy or on_nursing_subsidy
union select 'recipient_vehicle', p.person_id from '{f}/lake/vehicles/*/*.parquet' v join living p using (id_token)
  where recipient and kind in ('small', 'large') and registered_on > '{year}' and registered_on <= '{on}'
union select 'recipient_company', p.person_id from '{f}/lake/companies/*/*.parquet' c join living p using (id_token)
  where recipient and (capital >= 200000 or (registered_on > '{year}' and registered_on <= '{on}'))
union select 'recipient_house', person_id from homes
  where registered_on > '{year}' and registered_on <= '{on}' and (usage <> 'dwelling' or dwellings >= 2)
union select 'recipient_wages', person_id from wages join living using (person_id) where recipient and not known_wage and wage > 1.5 * standard
union select 'orphaned_minor', person_id from orphans join living using (person_id)
  where birth_date > '2004-11-25' and not on_orphan_allowance
"""


def by_hand(folder: Path, memory: str, threads: int) -> pa.Table:
    config = {"memory_limit": memory, "threads": threads, "temp_directory": str(folder / "spill"), "preserve_insertion_order": False}
    with duckdb.connect(config=config) as connection:
        return connection.execute(BY_HAND.format(f=folder, on=ON, year="2021-11-25")).to_arrow_table()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", "--size", dest="size", type=int, default=5_000_000, help="registered people; rows are twenty times as many")
    parser.add_argument("--memory", default="8GB")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lake, rows = write(folder, options.size)
        start = time.perf_counter()
        leads = compare.run(
            lake, folder / "people.parquet", folder / "members.parquet", on=ON, memory_limit=options.memory, threads=options.threads, temp=folder
        )
        ours = time.perf_counter() - start
        start = time.perf_counter()
        plain = by_hand(folder, options.memory, options.threads)
        theirs = time.perf_counter() - start
    found = {tuple(pair.values()) for pair in leads.select(["indicator", "person_id"]).to_pylist()}
    expected = {tuple(pair.values()) for pair in plain.select(["indicator", "person_id"]).to_pylist()}
    if found != expected:
        sys.exit(f"differ: {Counter(pair[0] for pair in found ^ expected)}")
    figures = {
        "people": options.size,
        "rows": rows,
        "leads": leads.num_rows,
        "seconds": ours,
        "people_per_second": options.size / ours,
        "rows_per_second": rows / ours,
        "baseline_seconds": theirs,
        "ratio": ours / theirs,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        sys.stdout.write(
            f"{rows:,} rows against {options.size:,} people: {leads.num_rows:,} leads in {ours:.1f} s, {figures['people_per_second']:,.0f} people/s, "
            f"{figures['rows_per_second']:,.0f} rows/s; by hand {theirs:.1f} s, ratio {figures['ratio']:.2f}; peak {figures['peak_mb']:,} MB\n"
        )


if __name__ == "__main__":
    main()
