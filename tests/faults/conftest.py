"""A demo made once, of which each test gets a copy of its own; its server is the test's."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from places import Place

from doudi.core.postgres import Server
from doudi.core.tests.servers import doudi

PEOPLE = "2000"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--short", action="store_true", help="one kill, one full disk, one restore (run by .ci/run)")
    parser.addoption("--demo", type=Path, help="data folder of a demo that is stopped; it is only copied")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The short form has a file of its own, which the long form need not repeat."""
    short = config.getoption("--short")
    config.hook.pytest_deselected(items=[item for item in items if (item.path.stem == "faults_short") != short])
    items[:] = [item for item in items if (item.path.stem == "faults_short") == short]


@pytest.fixture(scope="session")
def original(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A demo's data folder (kept between runs where DOUDI_FAULTS_HOME names one), stopped."""
    if given := request.config.getoption("--demo"):
        yield given
        return
    kept = os.environ.get("DOUDI_FAULTS_HOME")
    folder = Path(kept or tempfile.mkdtemp(prefix="doudi-faults-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    try:
        if not (folder / "made").exists():
            shutil.rmtree(folder / "home", ignore_errors=True)
            done = doudi(folder / "home", "demo", "--people", PEOPLE, "--no-serve", "--json", seconds=1800)
            assert done.returncode == 0, done.stderr[-2000:]
            (folder / "made").touch()
        else:
            assert doudi(folder / "home", "migrate").returncode == 0
        yield folder / "home"
    finally:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def copied(original: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="doudi-faults-copy-"))
    folder.chmod(0o755)  # the embedded server's own user must reach its folder
    subprocess.run(["cp", "-a", str(original), str(folder / "home")], check=True)
    try:
        yield folder / "home"
    finally:
        Server(folder / "home").stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def copy(original: Path) -> Iterator[Path]:
    """A copy of the demo's data folder, not running."""
    with copied(original) as home:
        yield home


@pytest.fixture(scope="module")
def shared(original: Path) -> Iterator[Place]:
    """One copy, its server up, for all that leaves the next one what it needs."""
    with copied(original) as home:
        made = Place(home)
        with made.server.running():
            made.doing("arrange", "prepare")
            yield made
            made.let_go()


@pytest.fixture
def place(copy: Path) -> Iterator[Place]:
    """The copy with its server up; nothing else uses it."""
    made = Place(copy)
    with made.server.running():
        yield made
        made.let_go()
