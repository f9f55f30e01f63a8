"""A demo made once, of which each test gets a copy of its own; its server is the test's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from places import Place

from doudi.core.postgres import Server
from doudi.core.tests.servers import doudi, environment

PEOPLE = "2000"


@pytest.fixture(scope="session")
def original() -> Iterator[Path]:
    """A demo's data folder (kept between runs where DOUDI_FAULTS_HOME names one), stopped."""
    kept = os.environ.get("DOUDI_FAULTS_HOME")
    folder = Path(kept or tempfile.mkdtemp(prefix="doudi-faults-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    try:
        if not (folder / "made").exists():
            shutil.rmtree(folder / "home", ignore_errors=True)
            done = subprocess.run(
                [sys.executable, "-m", "doudi.cli", "demo", "--people", PEOPLE, "--no-serve", "--json"], env=environment(folder / "home"), capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr[-2000:]
            (folder / "made").touch()
        else:
            assert doudi(folder / "home", "migrate").returncode == 0
        yield folder / "home"
    finally:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def copy(original: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A copy of the demo's data folder, not running."""
    folder = Path(tempfile.mkdtemp(prefix="doudi-faults-copy-"))
    folder.chmod(0o755)  # the embedded server's own user must reach its folder
    subprocess.run(["cp", "-a", str(original), str(folder / "home")], check=True)
    try:
        yield folder / "home"
    finally:
        Server(folder / "home").stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def place(copy: Path) -> Iterator[Place]:
    """The copy with its server up; nothing else uses it."""
    made = Place(copy)
    with made.server.running():
        yield made
