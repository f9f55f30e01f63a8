"""1.2: DuckDB and Spark run the same declarations and give the same leads, to the letter."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow as pa
import pytest

from doudi.batch import compare, engine, linkage
from doudi.batch.datasets import CONTRACTS
from doudi.batch.indicators import INDICATORS
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import officer
from doudi.discovery import services
from doudi.discovery.registry_side import write_members, write_people
from doudi.discovery.services.deliveries import lake
from doudi.discovery.services.linkage import link, waiting_entries

from .conftest import COUNTY, NOW, ON


@pytest.mark.django_db
def test_1_2_both_engines_raise_the_same_leads_on_the_county(loaded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file of the county, rows linked without a number among them, and a threshold that differs by place."""
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed; make test-spark installs it")
    manifest = json.loads((loaded / "deliveries" / "manifest.json").read_text())
    files = manifest["files"] if isinstance(manifest, dict) else manifest
    people, members = tmp_path / "people.parquet", tmp_path / "members.parquet"
    with scopes.acting(officer(Duty.DATA_CHECKER, COUNTY)):
        for entry in files:
            path = loaded / "deliveries" / entry["file"]
            delivery, _new = services.deliver(path=path, dataset=entry["dataset"], area=COUNTY, now=NOW, name=path.name, period="2022-11")
            assert delivery.accepted, entry["file"]
        write_people(people, area=COUNTY, on=ON)
        write_members(members, area=COUNTY)
        linked = link(area=COUNTY, on=ON, now=NOW, folder=tmp_path)
    assert linked.rows
    assert len({entry["dataset"] for entry in files}) >= 15
    found = {}
    by_place = {"medical_costs": {"share": {COUNTY: 0.4, COUNTY + "101": 0.6}}}
    for name in ("duckdb", "spark"):
        monkeypatch.setenv("DOUDI_BATCH_ENGINE", name)
        rows = compare.run(linked.lake, people, members, on=ON, parameters=by_place, temp=tmp_path).to_pylist()
        found[name] = sorted(rows, key=lambda row: (row["indicator"], row["situation"]))
    assert len({row["indicator"] for row in found["duckdb"]}) >= 10
    assert found["spark"] == found["duckdb"]
    if not os.environ.get("DOUDI_SPARK_MASTER", "").startswith("spark://"):
        return  # the county's pairs are scored on a cluster only, which takes its time; small ones are in batch/tests/test_linkage.py
    scored = {}
    with scopes.acting(officer(Duty.DATA_CHECKER, COUNTY)):
        waiting = linkage.waiting_rows(waiting_entries(area=COUNTY, on=ON), lake().root)
    for name in ("duckdb", "spark"):
        monkeypatch.setenv("DOUDI_BATCH_ENGINE", name)
        scored[name] = linkage.pairs(waiting, tmp_path / "linking.parquet", temp=tmp_path)
    exact = [field.name for field in linkage.PAIRS if not pa.types.is_floating(field.type)]
    assert scored["duckdb"].num_rows > 5 and scored["spark"].select(exact).equals(scored["duckdb"].select(exact))
    for field in linkage.PAIRS:
        if pa.types.is_floating(field.type):
            assert scored["spark"][field.name].to_pylist() == pytest.approx(scored["duckdb"][field.name].to_pylist(), abs=1e-9), field.name
    executors = engine.spark_session().sparkContext._jsc.sc().statusStore().executorList(False)
    listed = [executors.apply(number) for number in range(executors.size())]
    tasks = {each.id(): each.completedTasks() for each in listed if each.id() != "driver"}
    assert len(tasks) >= 2 and min(tasks.values()) > 0, tasks


def test_an_engine_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOUDI_BATCH_ENGINE", "abacus")
    with pytest.raises(ValueError, match="abacus"), engine.opened(memory_limit="1GB", threads=1, temp=tmp_path):
        pass


def test_every_indicator_reads_datasets_that_have_a_contract() -> None:
    assert {dataset for indicator in INDICATORS.values() for dataset in indicator.datasets} <= set(CONTRACTS)
