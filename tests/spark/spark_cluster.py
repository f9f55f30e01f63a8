"""The batch work on a standalone cluster: both workers take part; a worker that dies in the middle changes no amount."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cluster import HERE, Cluster, standalone

from doudi.batch import engine
from doudi.batch.law import Settings, households, read_reform, run, spread
from doudi.batch.synth.population import draw

MONTH = "2022-12"
REFORM = "{name: 提标, from: 2022-12-01, changes: [{parameter: dibao.standard.rural, times: 1.5}]}"
# A county's own standards, entered as dated settings.
COUNTY = Settings.of([
    {"parameter": "dibao.standard.urban", "area": "410122", "start": "2022-01-01", "value": 688.5, "document": "县民政〔2022〕1号"},
    {"parameter": "dibao.standard.rural", "area": "410122", "start": "2022-01-01", "value": 512.25, "document": "县民政〔2022〕1号"},
])  # fmt: skip
VARIABLES = ("dibao_amount", "orphan_allowance", "disability_living_subsidy", "benefits_total", "marginal_family")
FILES, HOMES = 24, 20_000


@contextmanager
def on_cluster(monkeypatch: pytest.MonkeyPatch, **more: str) -> Iterator[Cluster]:
    """Batch work inside goes to a cluster of its own."""
    with standalone() as made, monkeypatch.context() as patch:
        own = {"DOUDI_BATCH_ENGINE": "spark", "DOUDI_SPARK_MASTER": made.url, "DOUDI_SPARK_EXECUTOR_MEMORY": "700m", "SPARK_LOCAL_IP": HERE}
        for name, value in (own | more).items():
            patch.setenv(name, value)
        session = engine.spark_session()
        try:
            yield made
        finally:
            session.stop()


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    with on_cluster(monkeypatch, DOUDI_SPARK_BATCH="999") as made:
        yield made


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("law") / "households"
    drawn = draw(HOMES, 7, "410122")
    rows = households.rows(*drawn[:3])
    spread.write((rows.slice(start, HOMES // FILES + 1) for start in range(0, HOMES, HOMES // FILES + 1)), folder)
    return folder, drawn


def tasks() -> dict[str, int]:
    """Finished tasks of each executor."""
    listed = engine.spark_session().sparkContext._jsc.sc().statusStore().executorList(False)
    every = [listed.apply(number) for number in range(listed.size())]
    return {each.id(): each.completedTasks() for each in every if each.id() != "driver"}


def same_amounts(found: Any, drawn: Any) -> None:
    expected = run(*drawn, MONTH, VARIABLES, COUNTY)
    assert found[households.KEY].to_pylist() == list(range(HOMES))
    for name in VARIABLES:
        column = found[name].combine_chunks()
        values = column.flatten() if households.is_person(name) else column
        assert np.array_equal(values.to_numpy(zero_copy_only=False), expected[name]), name
    assert expected["dibao_amount"].any()


def test_both_workers_run_the_law_with_the_countys_settings(cluster: Cluster, county: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, drawn = county
    until = time.monotonic() + 120
    while len(tasks()) < 2 and time.monotonic() < until:
        time.sleep(0.5)
    same_amounts(spread.amounts(folder, MONTH, VARIABLES, COUNTY), drawn)
    assert len(tasks()) == 2 and min(tasks().values()) > 0, tasks()
    after = read_reform(REFORM, COUNTY).settings
    by_cluster = spread.sums(folder, MONTH, COUNTY, after)
    monkeypatch.setenv("DOUDI_BATCH_ENGINE", "duckdb")
    here = spread.sums(folder, MONTH, COUNTY, after)
    assert by_cluster.comparison.ordered() == here.comparison.ordered() and here.comparison.moved[0] > 0
    assert (by_cluster.people, by_cluster.comparison.changed, by_cluster.comparison.moved) == (
        here.people,
        here.comparison.changed,
        here.comparison.moved,
    )


def test_a_worker_that_dies_in_the_middle_changes_no_amount(cluster: Cluster, county: tuple[Path, Any]) -> None:
    folder, drawn = county
    until = time.monotonic() + 120
    while len(tasks()) < 2 and time.monotonic() < until:
        time.sleep(0.5)
    assert len(tasks()) == 2
    killed = threading.Event()

    def kill() -> None:
        while not killed.is_set():
            if sum(tasks().values()) >= 2:  # under way, most still to do
                cluster.kill_worker(0)
                killed.set()
            time.sleep(0.02)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        found = spread.amounts(folder, MONTH, VARIABLES, COUNTY)
    finally:
        was_killed = killed.is_set()
        killed.set()
        killer.join()
    assert was_killed
    same_amounts(found, drawn)
