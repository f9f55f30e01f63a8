"""All files of the county taken in, and what two engines say of them held against each other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from doudi.batch import compare, linkage
from doudi.batch.lake import Lake
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import officer
from doudi.discovery import services
from doudi.discovery.registry_side import write_members, write_people
from doudi.discovery.services.deliveries import lake
from doudi.discovery.services.linkage import link, waiting_entries

from .conftest import COUNTY, NOW, ON

BY_PLACE = {"medical_costs": {"share": {COUNTY: 0.4, COUNTY + "101": 0.6}}}


@dataclass(frozen=True)
class Taken:
    """The county's deliveries, rows linked without a number among them, and its registry as files."""

    folder: Path
    lake: Lake
    waiting: list[linkage.Waiting]

    def leads(self, **more: Any) -> list[dict[str, Any]]:
        """Leads by the engine of `DOUDI_BATCH_ENGINE`, with a threshold that differs by place."""
        people, members = self.folder / "people.parquet", self.folder / "members.parquet"
        rows = compare.run(self.lake, people, members, on=ON, parameters=BY_PLACE, temp=self.folder, **more).to_pylist()
        return sorted(rows, key=lambda row: (row["indicator"], row["situation"]))

    def pairs(self) -> pa.Table:
        return linkage.pairs(self.waiting, self.folder / "linking.parquet", temp=self.folder)


def take_everything(county: Path, folder: Path) -> Taken:
    manifest = json.loads((county / "deliveries" / "manifest.json").read_text())
    files = manifest["files"] if isinstance(manifest, dict) else manifest
    assert len({entry["dataset"] for entry in files}) >= 15
    with scopes.acting(officer(Duty.DATA_CHECKER, COUNTY)):
        for entry in files:
            path = county / "deliveries" / entry["file"]
            delivery, _new = services.deliver(path=path, dataset=entry["dataset"], area=COUNTY, now=NOW, name=path.name, period="2022-11")
            assert delivery.accepted, entry["file"]
        write_people(folder / "people.parquet", area=COUNTY, on=ON)
        write_members(folder / "members.parquet", area=COUNTY)
        linked = link(area=COUNTY, on=ON, now=NOW, folder=folder)
        assert linked.rows
        return Taken(folder, linked.lake, linkage.waiting_rows(waiting_entries(area=COUNTY, on=ON), lake().root))


def same_pairs(one: pa.Table, other: pa.Table) -> None:
    """The same pairs; scores within 1e-9."""
    exact = [field.name for field in linkage.PAIRS if not pa.types.is_floating(field.type)]
    assert other.num_rows > 5 and one.select(exact).equals(other.select(exact))
    for field in linkage.PAIRS:
        if pa.types.is_floating(field.type):
            assert one[field.name].to_pylist() == pytest.approx(other[field.name].to_pylist(), abs=1e-9), field.name
