"""What a row costs on DuckDB (or this process) and on Spark: comparison, linkage, the law; for sizing (docs/scaling.md).

    PYTHONPATH=src python bench/spark.py [--what law compare linkage] [--size 200000 ...] [--json]

Each part runs on the same files with both engines, at each size: people for the law and linkage, twenty rows a person for the comparison. Spark's session
is warmed by a first run of a hundredth of the size. Results are compared: equal amounts, as many leads and pairs, or the benchmark fails. `DOUDI_SPARK_MASTER` names a
cluster (`python tests/spark/cluster.py python bench/spark.py ...` starts one); without it local[2].
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import compare as bench_compare
import law as bench_law
import linkage as bench_linkage

from doudi.batch import compare, linkage
from doudi.batch.law import households, spread
from doudi.batch.synth.population import draw

PEOPLE_A_HOUSEHOLD = 2.51


def the_law(folder: Path, size: int) -> tuple[int, Callable[[], Any]]:
    homes, people = max(1, round(size / PEOPLE_A_HOUSEHOLD)), 0

    def blocks() -> Any:
        nonlocal people
        for number, start in enumerate(range(0, homes, 25_000)):
            persons, own, of, _head = draw(min(25_000, homes - start), number)
            people += len(of)
            yield households.rows(persons, own, of, keys=range(start, start + len(own["county"])))

    spread.write(blocks(), folder / "rows")
    return people, lambda: spread.amounts(folder / "rows", bench_law.MONTH, bench_law.BENEFITS, bench_law.SETTINGS)


def the_comparison(folder: Path, size: int) -> tuple[int, Callable[[], Any]]:
    lake, rows = bench_compare.write(folder, size)
    return rows, lambda: compare.run(lake, folder / "people.parquet", folder / "members.parquet", on=bench_compare.ON, temp=folder).num_rows


def the_linkage(folder: Path, size: int) -> tuple[int, Callable[[], Any]]:
    lake, people, _rows = bench_linkage.prepare(folder, size, 7)
    waiting = linkage.waiting_rows(lake.entries(), lake.root)
    return size, lambda: linkage.pairs(waiting, people, temp=folder).num_rows


PARTS = {"law": the_law, "compare": the_comparison, "linkage": the_linkage}


def measured(what: str, size: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as small, tempfile.TemporaryDirectory() as name:
        _rows, warm = PARTS[what](Path(small), max(2_000, size // 100))
        rows, work = PARTS[what](Path(name), size)
        seconds, results = {}, []
        for engine in ("duckdb", "spark"):
            os.environ["DOUDI_BATCH_ENGINE"] = engine
            warm()
            start = time.perf_counter()
            results.append(work())
            seconds[engine] = round(time.perf_counter() - start, 2)
    if results[0] != results[1]:
        sys.exit(f"{what}: the engines differ")
    return {"what": what, "rows": rows, **seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--what", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--size", "--people", type=int, nargs="+", default=[20_000, 80_000])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    for what in options.what:
        for size in options.size:
            told = measured(what, size)
            if options.json:
                sys.stdout.write(json.dumps(told) + "\n")
            else:
                of = " ".join(f"{engine} {told[engine]:.2f} s ({told[engine] / told['rows'] * 1e6:.1f} s a million)" for engine in ("duckdb", "spark"))
                sys.stdout.write(f"{what}: {told['rows']:,} rows: {of}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
