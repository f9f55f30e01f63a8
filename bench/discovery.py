"""Recall and precision of discovery on counties that nobody has seen: one per seed, through files, lake, comparison and truth table.

    PYTHONPATH=src python bench/discovery.py [--people 20000] [--seeds 101,102,103,104,105,106] [--json]

Baseline: the truth table. It is drawn from the synthetic world before any error enters the files or the registry, by code of its own; missing IDs,
wrong numbers, late files, stale incomes and deaths unknown to the registry count against recall, near misses against precision.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from doudi.batch.indicators import INDICATORS
from doudi.batch.synth.trial import trial
from doudi.batch.tokens import Keyring, TokenKey

KEYS = Keyring(TokenKey(bytes(range(32))), {1: b"k" * 32})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", "--size", dest="people", type=int, default=20_000, help="people of each county")
    parser.add_argument("--seeds", default="101,102,103,104,105,106")
    parser.add_argument("--area", default="410122")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    total: dict[str, Counter[str]] = {name: Counter() for name in ("true", "leads", "found")}
    seeds = []
    for seed in map(int, options.seeds.split(",")):
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            done = trial(options.area, options.people, seed, Path(folder), keys=KEYS)
        seconds = time.perf_counter() - start
        seeds.append(
            {
                "seed": seed,
                "recall": done.score.recall,
                "precision": done.score.precision,
                "seconds": seconds,
                "people_per_second": options.people / seconds,
            }
        )
        for indicator, part in done.score.by_indicator.items():
            for name, counter in total.items():
                counter[indicator] += getattr(part, name)
        if not options.json:
            sys.stdout.write(
                f"seed {seed}: recall {done.score.recall:.4f}, precision {done.score.precision:.4f}, {done.refused} of {done.files} files refused, {seconds:.0f} s\n"
            )
    table = {code: {name: total[name][code] for name in total} for code in INDICATORS}
    if options.json:
        sys.stdout.write(json.dumps({"people": options.people, "seeds": seeds, "by_indicator": table}) + "\n")
        return
    for code, row in table.items():
        recall, precision = row["found"] / max(1, row["true"]), row["found"] / max(1, row["leads"])
        sys.stdout.write(f"{code:32}{row['true']:>7} true{row['leads']:>7} leads   recall {recall:.3f}  precision {precision:.3f}\n")


if __name__ == "__main__":
    main()
