"""Linkage of departments' rows without a usable ID number with the people of a synthetic county: quality over thresholds, and speed.

    PYTHONPATH=src python bench/linkage.py [--people 200000] [--seed 7] [--memory 2GB] [--measure] [--json]

The county's files have missing numbers, wrong check digits, numbers of 15 digits, mistyped names, wrong birth dates and other people's phones; who is
who is known (`who.parquet`). Precision and recall count rows: the likeliest person of each row, from a threshold on. `linked` is what the system links
without asking, `asked` what comes to the review desk.

Baseline: Splink called directly with the same model on the two sides as they are prepared. It leaves out reading the rows, pinyin and variant
characters, possible corrections of numbers, and the choice of whom to link or ask about. `--measure` prints how often each level occurs among true pairs
(m) and among different people (u), to compare with `doudi.batch.linkage.model`.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from home import area_of

from doudi.batch import linkage, synth
from doudi.batch.datasets import CONTRACTS
from doudi.batch.delivery import read_delivery
from doudi.batch.lake import Lake
from doudi.batch.linkage.features import FEATURES, subject_features, write_people
from doudi.batch.linkage.model import Chance
from doudi.batch.linkage.predict import _subjects
from doudi.batch.tokens import Keyring, Kind, TokenKey

ON = date(2022, 11, 25)
KEYS = Keyring(TokenKey(bytes(range(32))), {1: b"k" * 32})
THRESHOLDS = (0.01, 0.1, 0.3, 0.5, 0.8, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999)


def prepare(folder: Path, people: int, seed: int) -> tuple[Lake, Path, int]:
    """A county's lake and registry; and the rows that its departments handed in."""
    synth.generate(area_of(people, "410122"), people, seed, folder / "county", on=ON)
    lake, rows = Lake(folder / "lake"), 0
    for file in json.loads((folder / "county/deliveries/manifest.json").read_text()):
        contract = CONTRACTS[file["dataset"]]
        if contract.linking:
            source = folder / "county/deliveries" / file["file"]
            taken = read_delivery(source, contract, out=folder / "work", key=KEYS.token, on=ON, linking=bytes(32))
            lake.put(taken, source, keys=KEYS, period=file["period"], delivery="D")
            rows += taken.accepted + taken.rejected
    target = folder / "people.parquet"
    with pq.ParquetWriter(target, linkage.PEOPLE) as writer:
        for part in pq.ParquetFile(folder / "county/people.parquet").iter_batches(200_000):
            sex = pl.Series(pl.from_arrow(part["sex"])).replace({"1": "male", "2": "female"}).to_arrow().cast(pa.string())
            token, phone = KEYS.token.seal_many(Kind.CITIZEN_ID, part["id_number"]), KEYS.token.seal_many(Kind.PHONE, part["phone"])
            own = [part[name] for name in ("person_no", "household_no", "area", "registered_area", "name", "birth_date")]
            columns = [own[0], token, own[1], own[2], own[3], own[4], sex, own[5], phone]
            writer.write_table(pa.table(columns, schema=linkage.PEOPLE))
    return lake, target, rows


def directly(folder: Path, waiting: list[linkage.Waiting], people: Path, count: int, memory: str) -> tuple[float, int]:
    """Seconds and pairs of Splink alone with the same settings."""
    from splink import DuckDBAPI, Linker

    write_people(people, folder / "features.parquet")
    subjects = subject_features(_subjects(waiting, linkage.SETTLED.empty_table()).to_arrow())
    with duckdb.connect(config={"memory_limit": memory, "threads": 2, "temp_directory": str(folder)}) as connection:
        connection.register("told", subjects)
        names = ", ".join(FEATURES.names)
        connection.execute(
            f"create table a as select subject unique_id, {names}, relative, null::bigint corrected, null::varchar[] relatives, null::varchar[] phones from told"
        )
        connection.execute(
            f"create table b as select person::varchar unique_id, {names}, null::varchar relative, person corrected, h.relatives, h.phones "
            f"from '{folder}/features.parquet' p left join (select household, list(plain) relatives, list(phone) phones "
            f"from '{folder}/features.parquet' group by 1) h using (household)"
        )
        start = time.perf_counter()
        splink = DuckDBAPI(connection)
        sides = [splink.register(name, dataset_display_name=name + "_") for name in ("a", "b")]
        linker = Linker(sides, linkage.settings(Chance(count)), log_level=None)
        found = linker.inference.predict(threshold_match_probability=linkage.REVIEW, warning_mode="never")
        pairs = connection.sql(f"select count(*) from {found.physical_name}").fetchall()[0][0]
        return time.perf_counter() - start, pairs


def quality(found: pa.Table, lake: Lake, waiting: list[linkage.Waiting], who: Path) -> dict[str, Any]:
    """Precision and recall of the rows over thresholds; of what is linked; how much is asked."""
    rows = pl.concat(
        [
            pl.DataFrame(pl.from_arrow(pq.read_table(each.unlinked, columns=["row", "subject", "state"]))).with_columns(dataset=pl.lit(each.dataset))
            for each in waiting
        ]
    ).join(pl.read_parquet(who), on=["dataset", "row"], how="left")
    pairs = pl.DataFrame(pl.from_arrow(found))
    best = pairs.sort("weight", descending=True).unique("subject", keep="first", maintain_order=True)
    told = rows.join(best.select("subject", "person_id", "score", "link"), on="subject", how="left").with_columns(
        right=pl.col("person_id") == pl.col("person_no").fill_null(-1)
    )
    known = told["person_no"].is_not_null().sum()
    curve = []
    for threshold in THRESHOLDS:
        taken = told.filter(pl.col("score") >= threshold)
        right = int(taken["right"].sum())
        curve.append({"threshold": threshold, "rows": len(taken), "precision": right / len(taken) if len(taken) else 1.0, "recall": right / max(known, 1)})
    linked = told.filter("link")
    by_state = {
        state: {"rows": len(part), "found": int(part["right"].fill_null(False).sum()), "linked": int(part["link"].fill_null(False).sum())}
        for (state,), part in sorted(told.group_by("state"))
    }
    return {
        "waiting_rows": len(rows), "of_known_people": int(known), "curve": curve, "linked": len(linked),
        "linked_precision": int(linked["right"].sum()) / len(linked) if len(linked) else 1.0, "asked": int((~pairs["link"]).sum()), "by_state": by_state,
    }  # fmt: skip


def measure(found: pa.Table, lake: Lake, waiting: list[linkage.Waiting], who: Path) -> dict[str, dict[str, float]]:
    """m of each level among true pairs."""
    rows = pl.concat(
        [pl.DataFrame(pl.from_arrow(pq.read_table(each.unlinked, columns=["row", "subject"]))).with_columns(dataset=pl.lit(each.dataset)) for each in waiting]
    ).join(pl.read_parquet(who), on=["dataset", "row"])
    pairs = pl.DataFrame(pl.from_arrow(found)).join(rows.unique("subject"), on="subject").filter(pl.col("person_id") == pl.col("person_no"))
    told = {}
    for each in linkage.COMPARISONS:
        counts = pairs.filter(pl.col(f"level_{each.field}") >= 0)[f"level_{each.field}"].value_counts(normalize=True)
        told[each.field] = {linkage.level_of(each.field, gamma): round(share, 4) for gamma, share in sorted(counts.iter_rows(), reverse=True)}
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", "--size", dest="people", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lake, people, rows = prepare(folder, options.people, options.seed)
        waiting = linkage.waiting_rows(lake.entries(), lake.root)
        start = time.perf_counter()
        found = linkage.pairs(waiting, people, memory_limit=options.memory, temp=folder)
        ours = time.perf_counter() - start
        theirs, pairs = directly(folder, waiting, people, options.people, options.memory)
        figures: dict[str, Any] = {
            "people": options.people, "department_rows": rows, "seconds": ours, "people_per_second": options.people / ours,
            "rows_per_second": rows / ours, "baseline_seconds": theirs, "baseline_pairs": pairs, "ratio": ours / theirs,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10, **quality(found, lake, waiting, folder / "county/who.parquet"),
        }  # fmt: skip
        if options.measure:
            figures["measured"] = measure(found, lake, waiting, folder / "county/who.parquet")
    if options.json:
        sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n")
        return
    say = sys.stdout.write
    say(
        f"{figures['waiting_rows']:,} of {rows:,} rows without a usable number, {options.people:,} people: {ours:.1f} s "
        f"({figures['people_per_second']:,.0f} people/s, {figures['rows_per_second']:,.0f} rows/s); Splink alone {theirs:.1f} s, "
        f"ratio {figures['ratio']:.2f}; peak {figures['peak_mb']:,} MB\n"
    )
    say(f"linked without asking {figures['linked']:,}, precision {figures['linked_precision']:.4f}; asked {figures['asked']:,}\n\n")
    say("threshold    rows  precision  recall\n")
    for point in figures["curve"]:
        say(f"{point['threshold']:>9} {point['rows']:>7,} {point['precision']:>10.4f} {point['recall']:>7.4f}\n")
    for state, part in figures["by_state"].items():
        say(f"\n{state:>12}: {part['rows']:,} rows, {part['found']:,} with the right person first, {part['linked']:,} linked")
    say("\n")
    for field, levels in figures.get("measured", {}).items():
        say(f"{field}: {levels}\n")


if __name__ == "__main__":
    main()
