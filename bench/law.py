"""The law over millions of people: people a second, against the same formulas straight in NumPy and against OpenFisca's public builder.

    PYTHONPATH=src python bench/law.py [--people 5000000] [--processes 2] [--json]

The population is drawn block by block, so memory stays bounded whatever the number of people; drawing is not part of the time, checking the input
is. Each block goes through every benefit of the package. The ratios are measured on one block in one process, after checking that both give the same
amounts to the last bit.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import law_numpy
import numpy as np
from openfisca_core.simulations import SimulationBuilder

from doudi.batch.law import Settings, calculate, prepare
from doudi.batch.law.engine import CHUNK_HOUSEHOLDS, chunk_bounds, person_rows
from doudi.batch.law.settings import system
from doudi.batch.synth.population import draw

MONTH = "2022-12"
BENEFITS = [
    "dibao_amount",
    "marginal_family",
    "rigid_expenditure_family",
    "single_person_dibao_amount",
    "tekun_living_amount",
    "tekun_care_amount",
    "orphan_allowance",
    "unsupported_child_allowance",
    "disability_living_subsidy",
    "disability_nursing_subsidy",
    "price_subsidy",
    "benefits_total",
]
#: Outputs that the NumPy yardstick leaves out; part of the run over all people.
MORE = ["imputed_maintenance", "temporary_assistance_ceiling", "temporary_assistance_township_ceiling", "dibao_uplift", "income_per_capita"]
BLOCK_HOUSEHOLDS = 200_000
SETTINGS = Settings.of(
    # Example indices, so that price subsidies are computed too; not figures of record.
    {"parameter": f"prices.{name}", "area": f"41{city:02d}", "start": "2022-11-01", "value": value, "document": "example"}
    for city in range(1, 18)
    for name, value in (("cpi", 3.1), ("food", 6.2), ("scpi", 3.4))
)


def block(job: tuple[int, int]) -> dict[str, float]:
    """One block through everything; people, seconds, yuan."""
    households, seed = job
    persons, household, of, head = draw(households, seed)
    start = time.perf_counter()
    results = calculate(prepare(persons, household, of, head, month=MONTH), MONTH, BENEFITS + MORE, SETTINGS)
    seconds = time.perf_counter() - start
    return {"people": len(of), "seconds": seconds, "yuan": float(results["benefits_total"].sum()), "peak_mib": peak_mib()}


def peak_mib() -> float:
    """Highest memory of this process (not getrusage: that one starts with the parent's)."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024


def with_builder(persons: dict[str, Any], household: dict[str, Any], of: Any, head: Any) -> dict[str, Any]:
    """The same through OpenFisca's public builder: entities declared and joined, inputs set by name, one simulation for all."""
    builder = SimulationBuilder()
    builder.create_entities(system())
    builder.declare_person_entity("person", range(len(of)))
    families = builder.declare_entity("household", range(len(household["county"])))
    builder.join_with_persons(families, of, np.where(head, "head", "members"))
    simulation = builder.build(system())
    simulation.place_table = SETTINGS.table()
    for columns in (persons, household):
        for name, column in columns.items():
            variable = system().variables[name]
            values = column.astype(str).astype(object) if name == "county" else column
            period = "ETERNITY" if name == "birth_date" else MONTH
            simulation.set_input(name, period, np.asarray(values).astype(variable.dtype) if name != "county" else values)
    return {name: simulation.calculate(name, MONTH) for name in BENEFITS}


def with_numpy(population: Any) -> dict[str, Any]:
    """The yardstick, over the same chunks as the law."""
    made: dict[str, list[Any]] = {}
    for first, last in chunk_bounds(population.household_count, CHUNK_HOUSEHOLDS):
        rows = person_rows(population, first, last)
        people = {name: column[rows] for name, column in population.persons.items()}
        families = {name: column[first:last] for name, column in population.households.items()}
        for name, values in law_numpy.law(people, families, population.person_household[rows] - first, MONTH, SETTINGS.table()).items():
            made.setdefault(name, []).append(values)
    return {name: np.concatenate(parts) for name, parts in made.items()}


def race(*runners: Any, times: int) -> list[tuple[float, Any]]:
    """Best seconds and result of each, run in turns: what else happens on the machine only ever adds, and hits all alike."""
    best, results = [float("inf")] * len(runners), [None] * len(runners)
    for _ in range(times):
        for number, runner in enumerate(runners):
            start = time.perf_counter()
            results[number] = runner()
            best[number] = min(best[number], time.perf_counter() - start)
    return list(zip(best, results, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=5_000_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    persons, household, of, head = draw(BLOCK_HOUSEHOLDS, 1)
    population = prepare(persons, household, of, head, month=MONTH)
    (law_seconds, by_law), (numpy_seconds, by_numpy) = race(
        lambda: calculate(population, MONTH, BENEFITS, SETTINGS), lambda: with_numpy(population), times=11
    )
    (whole, _), (builder_seconds, by_builder) = race(
        lambda: calculate(prepare(persons, household, of, head, month=MONTH), MONTH, BENEFITS, SETTINGS),
        lambda: with_builder(persons, household, of, head),
        times=4,
    )
    for other, made in (("NumPy", by_numpy), ("the public builder", by_builder)):
        for name in BENEFITS:
            if not np.array_equal(by_law[name], made[name]):
                different = int((by_law[name] != made[name]).sum())
                raise SystemExit(f"{name}: {different} of {len(by_law[name])} differ between the law and {other}")

    blocks = max(1, round(options.people / len(of)))
    started = time.perf_counter()
    with ProcessPoolExecutor(options.processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        done = list(pool.map(block, [(BLOCK_HOUSEHOLDS, seed) for seed in range(100, 100 + blocks)]))
    wall = time.perf_counter() - started
    people = sum(int(result["people"]) for result in done)
    seconds = sum(result["seconds"] for result in done) / options.processes
    report = {
        "people": people,
        "processes": options.processes,
        "benefits": len(BENEFITS) + len(MORE),
        "seconds": round(seconds, 2),
        "people_per_second": round(people / seconds),
        "wall_seconds_with_drawing": round(wall, 2),
        "peak_mib_per_process": round(max(result["peak_mib"] for result in done)),
        "ratio_to_numpy": round(law_seconds / numpy_seconds, 2),
        "ratio_to_public_builder": round(whole / builder_seconds, 2),
        "block": {
            "people": len(of),
            "law": round(law_seconds, 3),
            "law_with_checks": round(whole, 3),
            "numpy": round(numpy_seconds, 3),
            "public_builder": round(builder_seconds, 3),
        },
    }
    if options.json:
        sys.stdout.write(json.dumps(report) + "\n")
        return
    sys.stdout.write(
        f"{people:,} people through {report['benefits']} outputs on {options.processes} cores: {report['seconds']} s of law and input checks, "
        f"{report['people_per_second']:,} people a second, {report['peak_mib_per_process']} MiB a process\n"
        f"(wall {report['wall_seconds_with_drawing']} s with drawing the population)\n"
        f"one block of {len(of):,} people, one core: law {law_seconds:.3f} s, NumPy {numpy_seconds:.3f} s, "
        f"ratio {report['ratio_to_numpy']} (goal 1.5); "
        f"with input checks {whole:.3f} s, public builder {builder_seconds:.3f} s, ratio {report['ratio_to_public_builder']}\n"
    )


if __name__ == "__main__":
    main()
