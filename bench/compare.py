"""Comparison of 5 million registered people with 100 million rows of 21 datasets: all indicators, people and rows per second.

    PYTHONPATH=src python bench/compare.py [--size 5000000] [--memory 8GB] [--json]

Baseline: one SQL statement written by hand for DuckDB (compare.sql) that finds the same (indicator, person) pairs in the same Parquet files, without
reasons, evidence or situations; both must find the same, or the benchmark fails. Rows are twenty times the people; half of them are about people who
are not in the registry. The peak is that of our own comparison, taken before the baseline runs.
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
BY_HAND = Path(__file__).with_suffix(".sql").read_text("utf-8")
KEY = TokenKey(bytes(range(32)))
# Rows per registered person; together 20.
SHARES = {
    "medical": 7.0, "wages": 6.0, "tax": 2.5, "housing_fund": 2.4, "bank_assets": 0.5, "housing": 0.4, "vehicles": 0.35, "education": 0.3,
    "companies": 0.1, "disability": 0.1, "residence_permits": 0.1, "moves": 0.06, "deaths": 0.03, "marriages": 0.03, "unemployment": 0.03,
    "student_aid": 0.03, "serious_illness": 0.02, "monitoring_list": 0.02, "disasters": 0.01, "detention": 0.01, "assistance_elsewhere": 0.01,
}  # fmt: skip
# Words of texts, and codes that are rarer than the others of their column.
WORDS = {
    "employer": [f"公司{at}" for at in range(500)],
    "payer": [f"单位{at}" for at in range(300)],
    "disease": ["肺炎", "骨折", "高血压"],
    "school": [f"第{at}小学" for at in range(40)],
    "institution": ["农村信用社", "邮政储蓄银行"],
    "status": ["enrolled"] * 96 + ["suspended", "left"] * 2,
    "role": ["shareholder"],
}
RARE = {("education", "status"): ("dropped_out", 0.005), ("unemployment", "status"): ("unemployed", 0.75)}
SCALES = {
    "total_cost": 8000,
    "own_cost": 600,
    "wage": 3000,
    "capital": 300_000,
    "income": 4000,
    "base": 3500,
    "balance": 5000,
    "loss": 9000,
    "benefit": 1500,
}
CHUNK = 1_000_000


def numbers(persons: np.ndarray) -> pa.Array:
    digits = np.empty((len(persons), 18), np.uint8)
    for place in range(18):
        digits[:, 17 - place] = persons // 10**place % 10 + 48
    return from_byte_matrix(digits)


def days_back(rng: np.random.Generator, count: int, most: int) -> np.ndarray:
    return np.datetime64(ON) - rng.integers(1, most, count).astype("timedelta64[D]")


def values(dataset: str, name: str, kind: pa.DataType, count: int, rng: np.random.Generator) -> Any:
    """A column of a dataset, by its name."""
    if name == "month":
        return np.array(["2022-08-01", "2022-09-01", "2022-10-01"], "datetime64[D]")[rng.integers(0, 3, count)]
    if name in ("valid_until", "until_on", "removed_on", "ends", "benefit_until"):
        return pa.array(np.datetime64(ON) + rng.integers(-900, 900, count).astype("timedelta64[D]"), mask=rng.random(count) < 0.3)
    if pa.types.is_date(kind):
        return days_back(rng, count, 395 if name == "settled_on" else 4000)
    if pa.types.is_decimal(kind):
        return pa.array(np.floor(rng.exponential(SCALES.get(name, 500), count))).cast(kind)
    if pa.types.is_floating(kind):
        return rng.uniform(30, 200, count)
    if pa.types.is_boolean(kind):
        return rng.random(count) < 0.02
    if name in ("division", "residence", "workplace", "from_division", "to_division"):
        return numbers(410122101201 + rng.integers(0, 3, count) * 10**6).cast(kind)
    labels = next((column.labels for column in CONTRACTS[dataset].columns if column.name == name), None)
    words = WORDS.get(name) or list(labels or ())
    if dataset == "unemployment" and name == "status":
        words = ["employed"]
    if not words:
        return numbers(rng.integers(0, 10**9, count))
    drawn = np.array(words, object)[rng.integers(0, len(words), count)]
    if rare := RARE.get((dataset, name)):
        drawn[rng.random(count) < rare[1]] = rare[0]
    return pa.array(drawn, kind)


def write(folder: Path, people: int) -> tuple[Lake, int]:
    """Registry and lake; returns the lake and its number of rows."""
    rng = np.random.default_rng(20221125)
    household = np.sort(rng.integers(0, max(1, people // 3), people))
    homes = max(1, people // 3)
    own = np.floor(rng.exponential(800, people))
    income, asked, refused = np.bincount(household, own, homes), rng.random(homes) < 0.02, days_back(rng, homes, 900)
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
                "own_income": own[part],
                "income_month": income[household[part]],
                "standard": np.full(count, 520.0),
                "refused_on": pa.array(refused[household[part]], mask=~asked[household[part]]),
                "last_contact": pa.nulls(count, pa.date32()),
            }
            writer.write_table(pa.table(columns, schema=compare.PEOPLE))
    first = np.concatenate([[True], household[1:] != household[:-1]])
    codes = pa.array(["02", "10", "20", "30", "41", "51", "52"]).take(pa.array(np.where(first, 0, rng.integers(1, 7, people))))
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
                columns = {"row": np.arange(start, start + count) + 2, "id_token": tokens, "certificate_token": tokens, "spouse_token": tokens}
                columns |= {"birth_date": days_back(rng, count, 30_000), "sex": pa.array(["male"] * count), "name": pa.array(["张三"] * count)}
                for field in schema:
                    if field.name not in columns:
                        columns[field.name] = values(dataset, field.name, field.type, count, rng)
                writer.write_table(pa.table({name: columns[name] for name in schema.names}, schema=schema))
        entry = Entry(dataset, "2022-10", "D1", dataset, rows, 0, 0, "", f"{dataset}/2022-10/D1.parquet", "")
        (target / "D1.json").write_text(json.dumps(asdict(entry)), "utf-8")
        total += rows
    return lake, total


def by_hand(folder: Path, memory: str, threads: int) -> pa.Table:
    config = {"memory_limit": memory, "threads": threads, "temp_directory": str(folder / "spill"), "preserve_insertion_order": False}
    with duckdb.connect(config=config) as connection:
        return connection.sql(BY_HAND.format(f=folder, on=ON, year="2021-11-25")).to_arrow_table()


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
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
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
        "peak_mb": peak,
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
