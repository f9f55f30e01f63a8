"""1.2: DuckDB and Spark run the same declarations and give the same leads, to the letter."""

from __future__ import annotations

from pathlib import Path

import pytest

from doudi.batch import compare, engine
from doudi.batch.datasets import CONTRACTS
from doudi.batch.indicators import INDICATORS
from doudi.core import scope as scopes
from doudi.discovery.registry_side import write_members, write_people
from doudi.discovery.services.deliveries import lake

from .conftest import COUNTY, ON


@pytest.mark.django_db
def test_1_2_both_engines_raise_the_same_leads_on_the_county(compared: scopes.Scope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed; make test-spark installs it")
    people, members = tmp_path / "people.parquet", tmp_path / "members.parquet"
    with scopes.acting(compared):
        write_people(people, area=COUNTY, on=ON)
        write_members(members, area=COUNTY)
    found = {}
    by_place = {"medical_costs": {"share": {COUNTY: 0.4, COUNTY + "101": 0.6}}}
    for name in ("duckdb", "spark"):
        monkeypatch.setenv("DOUDI_BATCH_ENGINE", name)
        rows = compare.run(lake(), people, members, on=ON, parameters=by_place, temp=tmp_path).to_pylist()
        found[name] = sorted(rows, key=lambda row: (row["indicator"], row["situation"]))
    assert len(found["duckdb"]) > 10
    assert found["spark"] == found["duckdb"]


def test_an_engine_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOUDI_BATCH_ENGINE", "abacus")
    with pytest.raises(ValueError, match="abacus"), engine.opened(memory_limit="1GB", threads=1, temp=tmp_path):
        pass


def test_every_indicator_reads_datasets_that_have_a_contract() -> None:
    assert {dataset for indicator in INDICATORS.values() for dataset in indicator.datasets} <= set(CONTRACTS)
