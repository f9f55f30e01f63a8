"""A compared county for tests of leads and indicators; a township's officer and a village's visitor for tests of visits and sweeps."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from doudi.batch import synth
from doudi.core import postgres
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import officer
from doudi.discovery import services
from doudi.registry.loading import load_area
from doudi.registry.tests.helpers import VILLAGE

NOW = datetime(2022, 11, 28, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
ON = date(2022, 11, 28)
COUNTY = "410122"


@pytest.fixture(scope="session")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("county")
    synth.generate(COUNTY, 2_000, 11, folder, on=ON)
    return folder


@pytest.fixture
def loaded(county: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The county's people in the registry, a data folder of its own; the folder of its files."""
    monkeypatch.setattr(postgres, "home", lambda: tmp_path)
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, COUNTY)):
        load_area(county, on=ON, now=NOW)
    return county


@pytest.fixture
def compared(loaded: Path) -> scopes.Scope:
    """A county some of whose departments' files were taken in and compared once; the data-check officer's scope."""
    checker = officer(Duty.DATA_CHECKER, COUNTY)
    with scopes.acting(checker):
        for dataset in ("disability", "medical", "deaths"):
            for file in sorted((loaded / "deliveries").glob(f"*{dataset}*")):
                services.deliver(path=file, dataset=dataset, area=COUNTY, now=NOW, period="2022-11")
        services.compare(area=COUNTY, on=ON, now=NOW)
    return checker


@pytest.fixture
def town(db: None) -> scopes.Scope:
    return officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9])


@pytest.fixture
def visitor(db: None) -> scopes.Scope:
    return officer(Duty.VISITOR, VILLAGE, name="杨建国")
