"""1.2: DuckDB and Spark run the same declarations and give the same leads, to the letter."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from doudi.batch import engine
from doudi.batch.datasets import CONTRACTS
from doudi.batch.indicators import INDICATORS

from .engines import same_pairs, take_everything


@pytest.mark.django_db
def test_1_2_both_engines_raise_the_same_leads_on_the_county(loaded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file of the county, rows linked without a number among them, and a threshold that differs by place."""
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed; make test-spark installs it")
    taken = take_everything(loaded, tmp_path)
    found, scored = {}, {}
    on_cluster = os.environ.get("DOUDI_SPARK_MASTER", "").startswith("spark://")
    for name in ("duckdb", "spark"):
        monkeypatch.setenv("DOUDI_BATCH_ENGINE", name)
        found[name] = taken.leads()
        if on_cluster:  # the county's pairs take their time; small ones are in batch/tests/test_linkage.py
            scored[name] = taken.pairs()
    assert len({row["indicator"] for row in found["duckdb"]}) >= 10
    assert found["spark"] == found["duckdb"]
    if not on_cluster:
        return
    same_pairs(scored["spark"], scored["duckdb"])
    executors = engine.spark_session().sparkContext._jsc.sc().statusStore().executorList(False)
    listed = [executors.apply(number) for number in range(executors.size())]
    tasks = {each.id(): each.completedTasks() for each in listed if each.id() != "driver"}
    assert len(tasks) >= 2 and min(tasks.values()) > 0, tasks


def test_an_engine_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOUDI_BATCH_ENGINE", "abacus")
    with pytest.raises(ValueError, match="abacus"), engine.opened(memory_limit="1GB", threads=1, temp=tmp_path):
        pass


def test_spark_without_java_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed; make test-spark installs it")
    code = "import sys; from doudi import cli; from doudi.batch import engine; cli.build = lambda: engine.spark_session; cli.main()"
    bare = {name: value for name, value in os.environ.items() if name not in ("JAVA_HOME", "DOUDI_SPARK_MASTER")} | {"PATH": str(tmp_path)}
    for name in ("bash", "dirname", "ps"):
        if found := shutil.which(name):
            (tmp_path / name).symlink_to(found)
    done = subprocess.run([sys.executable, "-c", code], env=bare, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "错误：Spark 没有启动" in done.stderr and "Traceback" not in done.stderr, done.stderr[-2000:]


def test_every_indicator_reads_datasets_that_have_a_contract() -> None:
    assert {dataset for indicator in INDICATORS.values() for dataset in indicator.datasets} <= set(CONTRACTS)
