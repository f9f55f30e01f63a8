"""Synthetic people per second, beside a baseline that writes random numbers into the same registry columns.

    PYTHONPATH=src python bench/synth.py --people 1000000 --area 41

The baseline draws random integers for every column of `people`, `households`, `facts` and `awards` (text columns as the decimal
digits of random integers) and writes them to Parquet with as many rows. It makes no departments' files and no truth.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from doudi.batch.synth import generate
from doudi.batch.synth.county import BLOCK
from doudi.batch.synth.registry import AWARDS, FACTS, HOUSEHOLDS, PEOPLE

TABLES = {"people": PEOPLE, "households": HOUSEHOLDS, "facts": FACTS, "awards": AWARDS}


def random_table(rng: np.random.Generator, schema: pa.Schema, rows: int) -> pa.Table:
    columns = []
    for field in schema:
        values = pa.array(rng.integers(0, 10_000 if pa.types.is_date(field.type) else 100, rows).astype(np.int32))
        if pa.types.is_string(field.type):
            values = pa.array(rng.integers(10**16, 10**17, rows))
        columns.append((values.cast(pa.float64()) if pa.types.is_decimal(field.type) else values).cast(field.type))
    return pa.table(columns, schema=schema)


def baseline(out: Path, rows: dict[str, int]) -> float:
    rng = np.random.default_rng(1)
    seconds = 0.0
    for name, schema in TABLES.items():
        file, started = out / f"baseline-{name}.parquet", time.perf_counter()
        with pq.ParquetWriter(file, schema) as writer:
            for first in range(0, rows[name], BLOCK):
                writer.write_table(random_table(rng, schema, min(BLOCK, rows[name] - first)))
        seconds += time.perf_counter() - started
        file.unlink()  # random numbers do not pack: a province of them takes more room than its people
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--area", default="41")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="it prints nothing else; taken so that all benchmarks take it")
    arguments = parser.parse_args()
    out = Path(tempfile.mkdtemp(prefix="doudi-synth-"))
    try:
        started = time.perf_counter()
        summary = generate(arguments.area, arguments.people, arguments.seed, out)
        seconds = time.perf_counter() - started
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        plain = baseline(out, {name: pq.read_metadata(out / f"{name}.parquet").num_rows for name in TABLES})
        result = {
            "people": summary.people,
            "households": summary.households,
            "department_rows": sum(file.rows for file in summary.deliveries),
            "seconds": round(seconds, 2),
            "people_per_second": round(summary.people / seconds),
            "peak_memory_mb": memory,
            "baseline_seconds": round(plain, 2),
            "ratio_to_baseline": round(seconds / plain, 2),
        }
        print(json.dumps(result))  # noqa: T201
    finally:
        shutil.rmtree(out)


if __name__ == "__main__":
    main()
