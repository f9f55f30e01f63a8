"""1.2: a worker that dies in the middle of comparison or linkage takes cached tables and shuffled rows with it; leads and scores are DuckDB's all the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cluster import Cluster
from spark_cluster import on_cluster

from doudi.batch import engine
from doudi.discovery.tests.conftest import county, loaded
from doudi.discovery.tests.engines import same_pairs, take_everything

__all__ = ["county", "loaded"]


def _executors(*, alive: bool = False) -> list[Any]:
    listed = engine.spark_session().sparkContext._jsc.sc().statusStore().executorList(alive)
    every = [listed.apply(number) for number in range(listed.size())]
    return [each for each in every if each.id() != "driver"]


@contextmanager
def _a_worker_lost(cluster: Cluster, under_way: Callable[[], bool]) -> Iterator[None]:
    """Kills a worker once both hold cached tables, one of them is at work, and `under_way` says so. The block must not end before."""
    killed, over = threading.Event(), threading.Event()

    def kill() -> None:
        while not over.is_set():
            there = _executors(alive=True)
            if under_way() and len(there) == 2 and min(each.rddBlocks() for each in there) > 0 and any(each.activeTasks() for each in there):
                cluster.kill_worker(0)
                killed.set()
                return
            time.sleep(0.02)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield
        assert killed.is_set(), "it was over before a worker was killed"
        assert len(_executors(alive=True)) == 1 and len(_executors()) == 2
    finally:
        over.set()
        killer.join()


@pytest.mark.django_db
def test_1_2_a_worker_lost_in_the_middle_changes_no_lead_and_no_score(loaded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = take_everything(loaded, tmp_path)
    leads, pairs = taken.leads(), taken.pairs()
    assert len({row["indicator"] for row in leads}) >= 10
    told: list[str] = []
    with on_cluster(monkeypatch) as cluster, _a_worker_lost(cluster, lambda: len(told) >= 3):
        assert taken.leads(progress=lambda code, _number: told.append(code)) == leads
    assert len(told) >= 10
    with on_cluster(monkeypatch) as cluster, _a_worker_lost(cluster, lambda: True):
        same_pairs(taken.pairs(), pairs)
