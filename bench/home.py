"""Where the synthetic people of a benchmark live, and its data folder: made once for one `make bench`, copied by each that needs a database."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def area_of(people: int, least: str = "4101") -> str:
    """Where the synthetic people of a size live, from `least` upwards: a county's, then a prefecture's ID numbers run out (500 for each county, day and sex)."""
    return least if people <= (200_000 if len(least) == 6 else 1_000_000) else "4101" if people <= 1_000_000 else "41"


def _doudi(command: str, home: Path) -> None:
    subprocess.run([sys.executable, "-m", "doudi.cli", command], check=True, stdout=subprocess.DEVNULL, env={**os.environ, "DOUDI_HOME": str(home)})


def prepare(home: Path) -> None:
    """A database of this code's state in `home`, and the environment pointed at it. DOUDI_BENCH_MADE names a folder that the benchmarks of one run share."""
    os.environ["DOUDI_HOME"] = str(home)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "doudi.config.settings")
    if (home / "keys.json").exists():
        _doudi("migrate", home)  # a kept home may be older than the code
        return
    shared = os.environ.get("DOUDI_BENCH_MADE")
    if not shared:
        _doudi("init", home)
        return
    made, whole = Path(shared) / "home", Path(shared) / "whole"
    if not whole.exists():
        Path(shared).chmod(0o755)  # the server's own user must reach its folder
        _doudi("init", made)
        whole.touch()
    home.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", f"{made}/.", str(home)], check=True)  # with its owners and modes; its server has stopped


def measured(home: Path | None, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The figures of a measurement on a database in `home`, or in a folder of its own that is removed at the end."""
    folder = home or Path(tempfile.mkdtemp(prefix="doudi-bench-"))
    if home is None:
        folder.chmod(0o755)  # the server's own user must reach its folder
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    prepare(folder.resolve())
    from doudi.core import postgres

    with postgres.running():
        import django

        django.setup()
        return measure()
