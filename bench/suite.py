"""The benchmarks together: figures, ratio to the baseline beside each, and how the cost grows with size; as JSON and as a page with charts.

    python bench/suite.py [--short | --province] [--only NAME,...] [--times 1,8] [--json FILE] [--page FILE]

`--short` runs each once at its least size, to see that it works. Otherwise each runs at 1, 2, 4 and 8 times its base, and the exponent of the cost is
fitted (1: twice the people take twice the time). `--province` goes up to a hundred million. One that fails is told at the end; the others go on.
With `--only` and `--times` a form may be measured in parts: `--json FILE` keeps what the file has of the same form and machine beside what is measured
now, point by point, each with its day, and the page is written from all of it. The file is written after each benchmark: what broke off is gone on with.
A page holds each form between marks of its own; the words around them stay.
Data folders are made in DOUDI_BENCH_DIR or the temporary folder and removed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from measurements import ALL, Measurement
from report import write_page

HERE = Path(__file__).parent


def say(words: str) -> None:
    print(words, flush=True)  # noqa: T201


def run(measurement: Measurement, size: int, folder: Path, *, short: bool) -> dict[str, Any]:
    """The figures that a script prints at a size. Raises CalledProcessError."""
    command = [sys.executable, str(HERE / f"{measurement.script}.py"), "--people", str(size), "--json", *measurement.more, *(measurement.more_short if short else ())]
    if measurement.home:
        command += ["--home", str(folder / f"{measurement.home}-{size}")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])  # type: ignore[no-any-return]


def exponent(points: list[tuple[int, float]]) -> float | None:
    """Slope of the least-squares line through the logarithms of (size, seconds)."""
    if len(points) < 2:
        return None
    logs = [(math.log(size), math.log(max(seconds, 1e-6))) for size, seconds in points]
    x, y = (sum(values) / len(logs) for values in zip(*logs, strict=True))
    return sum((a - x) * (b - y) for a, b in logs) / sum((a - x) ** 2 for a, _b in logs)


def machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"cores": len(os.sched_getaffinity(0)), "memory_gib": round(memory), "processor": platform.machine(), "python": platform.python_version()}


def measured(measurement: Measurement, size: int, folder: Path, *, short: bool) -> list[dict[str, Any]]:
    """One entry per cost of a measurement, with its point at a size."""
    began = time.monotonic()
    figures = run(measurement, size, folder, short=short)
    say(f"{measurement.script:10} {size:>12,} {measurement.unit:8} {time.monotonic() - began:6.0f} s with making the data")
    point = {"size": figures.get("people", size), "on": f"{datetime.now(UTC):%Y-%m-%d}", "peak_mb": measurement.peak(figures)}
    return [
        {
            "name": cost.name, "script": measurement.script, "unit": measurement.unit, "baseline": cost.baseline, "goal": cost.goal, "exponent": None,
            "points": [{**point, "seconds": cost.seconds(figures), "ratio": cost.ratio(figures), **cost.more(figures)}],
        }
        for cost in measurement.costs
    ]  # fmt: skip


def merged(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Costs of an earlier part with those of now; of a size that both have, the later counts. In the suite's order."""
    kept = {(row["script"], row["name"]): row for row in before}
    for row in now:
        old = kept.get((row["script"], row["name"]), {"points": []})
        points = {point["size"]: point for point in (*old["points"], *row["points"])}
        found = [points[size] for size in sorted(points)]
        kept[row["script"], row["name"]] = row | {"points": found, "exponent": exponent([(point["size"], point["seconds"]) for point in found])}
    order = {(measurement.script, cost.name): at for at, (measurement, cost) in enumerate((m, c) for m in ALL for c in m.costs)}
    return sorted(kept.values(), key=lambda row: order.get((row["script"], row["name"]), len(order)))


def written(file: Path | None, form: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The results with those that the file has of the same form and machine, as it holds them from now on."""
    results = {"machine": machine(), "form": form, "costs": rows}
    if file and file.exists():
        before = json.loads(file.read_text("utf-8"))
        if (before["form"], before["machine"]) == (form, machine()):
            results["costs"] = merged(before["costs"], rows)
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return results


def told(row: dict[str, Any]) -> str:
    last = row["points"][-1]
    growth = f"  growth {row['exponent']:.2f}" if row["exponent"] is not None else ""
    return f"{row['name']:34} {last['size']:>12,} {row['unit']:8} {last['seconds']:10.3f} s  ratio {last['ratio']:7.2f} to {row['baseline']}{growth}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--short", action="store_true")
    form.add_argument("--province", action="store_true")
    parser.add_argument("--only", default="", help="names of scripts, comma between")
    parser.add_argument("--times", default="", help="of the base, comma between, instead of all")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--page", type=Path)
    options = parser.parse_args()
    known = {measurement.script for measurement in ALL}
    chosen = set(options.only.split(",")) - {""} or known
    if wrong := chosen - known:
        parser.error(f"no benchmark {', '.join(sorted(wrong))}; there are {', '.join(sorted(known))}")
    form_name = "short" if options.short else "province" if options.province else "small"
    times = {int(each) for each in options.times.split(",") if each}
    failed: list[str] = []
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="doudi-bench-", dir=os.environ.get("DOUDI_BENCH_DIR")) as name:
        folder = Path(name)
        folder.chmod(0o755)  # the embedded server's own user must reach its folders
        os.environ.setdefault("DOUDI_BENCH_MADE", str(folder / "made"))
        Path(os.environ["DOUDI_BENCH_MADE"]).mkdir(exist_ok=True)
        # what has a target of its own runs in the short form only where it is named
        todo = [measurement for measurement in ALL if measurement.script in chosen and (measurement.in_short or options.only or not options.short)]
        for at, measurement in enumerate(todo):
            base = measurement.province if options.province else measurement.small
            sizes = [measurement.short] if options.short else [base * each for each in measurement.times if not times or each in times]
            if not sizes:
                continue
            mine: list[dict[str, Any]] = []
            try:
                for size in sizes:
                    mine = merged(mine, measured(measurement, size, folder, short=options.short))
                    written(options.json, form_name, mine)
            except subprocess.CalledProcessError as error:
                failed.append(measurement.script)
                say(f"{measurement.script} failed:\n{error.stderr[-4000:]}")
            for row in mine:
                say(told(row))
            rows = merged(rows, mine)
            if measurement.home and measurement.home not in {later.home for later in todo[at + 1 :]}:
                for home in folder.glob(f"{measurement.home}-*"):
                    shutil.rmtree(home, ignore_errors=True)
    results = written(options.json, form_name, rows)
    if options.page:
        write_page(results, options.page)
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
