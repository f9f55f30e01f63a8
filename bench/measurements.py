"""What the suite measures: script, its option for the size, which figure it prints is a cost, which a ratio, and to what.

A size is the number of people for whom the county, prefecture or province of the benchmark is made, except where `unit` says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Figures = dict[str, Any]


@dataclass(frozen=True)
class Cost:
    """`seconds` and `ratio` read a script's figures. `goal`: the ratio that was aimed at; none where no goal was set."""

    name: str
    seconds: Callable[[Figures], float]
    baseline: str
    ratio: Callable[[Figures], float]
    goal: float | None = None
    more: Callable[[Figures], dict[str, Any]] = lambda _figures: {}
    """What else the page tells of each size."""


@dataclass(frozen=True)
class Measurement:
    """`short`, `small`, `province`: base sizes of the three forms; small and province are measured at `times` the base."""

    script: str
    costs: tuple[Cost, ...]
    short: int
    small: int
    province: int
    unit: str = "people"
    more: tuple[str, ...] = ()
    more_short: tuple[str, ...] = ()
    home: str = ""
    """It needs a database: the suite names a data folder by `--home`; measurements of one name use the same, in their order here."""
    peak: Callable[[Figures], int] = lambda figures: figures.get("peak_mb", 0)
    times: tuple[int, ...] = (1, 2, 4, 8)
    """Of the base; one alone where the size is the point."""
    in_short: bool = True
    """Whether the short form has it; what takes its own package and a whole demo has a target of its own."""


def median_of(page: str, by: str, scope: str = "county") -> Callable[[Figures], float]:
    def read(figures: Figures) -> float:
        return next(row["median_ms"] for row in figures["search"] if (row["page"], row["by"], row["scope"]) == (page, by, scope)) / 1000

    return read


def ratio_of(page: str, by: str, scope: str = "county") -> Callable[[Figures], float]:
    def read(figures: Figures) -> float:
        return next(row["ratio"] for row in figures["search"] if (row["page"], row["by"], row["scope"]) == (page, by, scope))

    return read


def load_ratio(figures: Figures) -> float:
    return float(figures["load"]["seconds"] / max(figures["load"]["rows_insert_seconds"], 0.1))


def results_ratio(figures: Figures) -> float:
    return float(figures["seconds"]["results"] / figures["seconds"]["baseline"])


def cycle_cost(stage: str, name: str, goal: float | None = None) -> Cost:
    """Seconds of a stage; its ratio is the part of openIMIS's time for as many beneficiaries."""
    return Cost(
        name, lambda figures: figures["seconds"][stage], "openIMIS 1.11", lambda figures: 1 / figures["times"][stage], goal,
        lambda figures: {"queries": figures["queries"].get(stage) or sum(figures["queries"].values())},
    )  # fmt: skip


def at_once(figures: Figures) -> dict[str, Any]:
    """Of the mixed load: its actions, and in words what the whole came to."""
    load, plain, visits = figures["load"]["all"], figures["plain"], figures["visits"]
    words = (
        f"{figures['officers']} officers, {figures['visitors']} visitors and {figures['citizens']} citizens at once: {load['requests']:,} requests, {load['per_second']} a second, "
        f"{load['errors']} errors, median {load['median_ms']:,.0f} ms, 95 % {load['p95_ms']:,.0f} ms; an empty page under the same users: median {plain['median_ms']:,.0f} ms, "
        f"95 % {plain['p95_ms']:,.0f} ms. Of {visits['records']:,} records of visits, sent {visits['sent']:,} times, the database holds "
        f"{visits['visits'] + visits['conflicts']:,}; {visits['lost']} acknowledged ones are missing, {visits['twice']} stand there twice."
    )
    return {"actions": figures["load"]["actions"], "words": words}


def page_cost(name: str, words: str) -> Cost:
    return Cost(
        words,
        lambda figures: figures["pages"][name]["median_ms"] / 1000,
        "an empty view through the test client",
        lambda figures: figures["pages"][name]["ratio"],
    )


ALL = (
    Measurement(
        "synth",
        (Cost("Synthetic people", lambda f: f["seconds"], "random numbers into the same columns", lambda f: f["ratio_to_baseline"]),),
        20_000, 50_000, 12_500_000,
        more=("--area", "41"),
        peak=lambda f: f["peak_memory_mb"],
    ),
    Measurement(
        "deliver",
        (Cost("Departments' files into the lake", lambda f: f["seconds"], "plain DuckDB from text to Parquet", lambda f: f["ratio"]),),
        20_000, 25_000, 1_250_000,
    ),
    Measurement(
        "compare",
        (Cost("Comparison", lambda f: f["seconds"], "one DuckDB statement by hand", lambda f: f["ratio"]),),
        20_000, 100_000, 625_000,
    ),
    Measurement(
        "linkage",
        (Cost("Linkage", lambda f: f["seconds"], "Splink called directly", lambda f: f["ratio"]),),
        20_000, 25_000, 125_000,
    ),
    Measurement("tokens", (Cost("Tokens", lambda f: f["size"] / f["seal"], "raw AES-256-ECB", lambda f: 1 / f["seal_to_raw_ecb"]),), 200_000, 1_000_000, 12_500_000, "numbers"),
    Measurement(
        "law",
        (Cost("The law", lambda f: f["seconds"], "the same formulas in NumPy", lambda f: f["ratio_to_numpy"], 1.5),),
        20_000, 500_000, 625_000,
        peak=lambda f: f["peak_mib_per_process"],
    ),
    Measurement(
        "registry",
        (
            Cost("Registry loaded", lambda f: f["load"]["seconds"], "INSERT ... SELECT of the same rows", load_ratio),
            Cost("Search by name", median_of("people", "full name"), "the bare SELECT without row-level security", ratio_of("people", "full name")),
            Cost("Search by ID number", median_of("people", "ID number"), "the bare SELECT without row-level security", ratio_of("people", "ID number")),
            page_cost("household", "Household page"),
            page_cost("dashboard", "Dashboard"),
        ),
        20_000, 20_000, 625_000,
        more_short=("--rounds", "10"),
        home="prefecture",
    ),
    Measurement(
        "monitor",
        (Cost("Monthly monitoring", lambda f: f["unchanged"]["seconds"], "bare COPY and the law alone", lambda f: f["ratio"]),),
        20_000, 20_000, 625_000,
        home="prefecture",
        peak=lambda f: f["peak_memory_mb"],
    ),
    Measurement(
        "portal",
        (Cost("Public pages", lambda f: f["seconds"], "a plain page under the same load", lambda f: f["ratio"]),),
        50, 25, 25, "a second",
        more=("--seconds", "3"),
        home="portal",
    ),
    Measurement(
        "payroll",
        (
            Cost("Payroll prepared", lambda f: f["seconds"]["prepare"], "COPY and INSERT ... SELECT of the same lines", lambda f: f["ratio"], 1.5),
            Cost("Payroll, all five steps", lambda f: f["whole"], "COPY and INSERT ... SELECT of the same lines", lambda f: f["ratio_whole"]),
            Cost("Bank results booked", lambda f: f["seconds"]["results"], "COPY and INSERT ... SELECT of the same lines", results_ratio),
        ),
        20_000, 20_000, 625_000, "lines",
        home="county",
    ),
    Measurement(
        "cycle",
        (
            cycle_cost("import", "Cycle: import"),
            cycle_cost("payroll", "Cycle: payroll"),
            cycle_cost("reconciliation", "Cycle: reconciliation"),
            cycle_cost("whole", "Cycle: whole", 0.001),
        ),
        500, 1_250, 1_250, "beneficiaries",
        home="cycle",
    ),
    Measurement(
        "mixed",
        (Cost("Officers and visitors at once", lambda f: f["seconds"], "an empty page under the same users", lambda f: f["ratio"], more=at_once),),
        33, 550, 550, "at once",
        home="demo",
        times=(1,),
        in_short=False,
    ),
)  # fmt: skip
