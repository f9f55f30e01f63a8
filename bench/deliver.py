"""Departments' files of a synthetic county taken into the lake: read, cleaned, checked against their contracts, tokens put in place of numbers.

    PYTHONPATH=src python bench/deliver.py [--people 100000] [--json]

Baseline: DuckDB reads the same text files, every column as text, and writes them to Parquet as they are.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb
from home import area_of

from doudi.batch.datasets import CONTRACTS
from doudi.batch.delivery import DeliveryRefused, read_delivery
from doudi.batch.lake import Lake
from doudi.batch.synth import generate
from doudi.batch.tokens import Keyring, TokenKey

KEYS = Keyring(TokenKey(bytes(range(32))), {1: b"k" * 32})
ON = date(2022, 11, 25)


def take_in(files: list[tuple[str, Path]], lake: Lake) -> tuple[int, dict[Path, str]]:
    """(rows taken or sent back, encoding of each file) of the files that were not refused whole."""
    rows, encodings = 0, {}
    for at, (dataset, source) in enumerate(files):
        try:
            taken = read_delivery(source, CONTRACTS[dataset], out=lake.root / "work", key=KEYS.token, on=ON)
        except DeliveryRefused:
            continue
        lake.put(taken, source, keys=KEYS, period=f"{ON:%Y-%m}", delivery=f"D{at}")
        rows += taken.accepted + taken.rejected
        encodings[source] = taken.encoding
    return rows, encodings


def by_duckdb(encodings: dict[Path, str], folder: Path) -> float:
    """Seconds of the same files in plain DuckDB; they are made UTF-8 before the clock runs, since it reads nothing else without an extension."""
    plain = folder / "plain"
    plain.mkdir()
    for source, encoding in encodings.items():
        (plain / source.name).write_text(source.read_text(encoding), "utf-8")
    start = time.perf_counter()
    with duckdb.connect() as connection:
        for source in encodings:
            read = f"read_csv('{plain / source.name}', all_varchar=true, header=false, null_padding=true, strict_mode=false, ignore_errors=true, delim=',')"
            connection.execute(f"copy (from {read}) to '{folder / source.stem}.parquet' (format parquet, compression zstd)")
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", "--size", dest="people", type=int, default=100_000, help="people of the county whose departments deliver")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(area_of(options.people, "410122"), options.people, 7, folder / "county", ON)
        manifest = json.loads((folder / "county/deliveries/manifest.json").read_text())
        files = [(file["dataset"], folder / "county/deliveries" / file["file"]) for file in manifest if not file["file"].endswith(".xlsx")]
        lake = Lake(folder / "lake")
        start = time.perf_counter()
        rows, encodings = take_in(files, lake)
        ours = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        theirs = by_duckdb(encodings, folder)
    figures = {
        "people": options.people, "files": len(encodings), "rows": rows, "seconds": ours, "rows_per_second": rows / ours,
        "baseline_seconds": theirs, "ratio": ours / theirs, "peak_mb": peak,
    }  # fmt: skip
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
        return
    sys.stdout.write(
        f"{rows:,} rows of {len(encodings)} files in {ours:.1f} s, {rows / ours:,.0f} rows/s; plain DuckDB {theirs:.1f} s, ratio {ours / theirs:.1f}; peak {peak:,} MB\n"
    )


if __name__ == "__main__":
    main()
