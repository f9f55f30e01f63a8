"""Servers and commands of their own for tests of the ground: in folders that the server's system user can reach."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from doudi.core.postgres import Server
from doudi.core.postgres_conf import THROWAWAY

SOURCE = Path(__file__).resolve().parents[3]


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """A temporary folder that others may pass (pytest's own are closed, and then root's server cannot get in)."""
    folder = Path(tempfile.mkdtemp(prefix="doudi-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def throwaway_server() -> Iterator[Server]:
    """A server that is not started yet; stopped and removed at the end."""
    with reachable_folder() as folder:
        server = Server(folder / "home", extra=THROWAWAY)
        try:
            yield server
        finally:
            server.stop()


def environment(home: Path, **more: str) -> dict[str, str]:
    """Surroundings of a command on its own data folder."""
    dropped = ("DOUDI_", "DATABASE_", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {"DOUDI_HOME": str(home), "PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200", **more}


def doudi(home: Path, *arguments: str, seconds: float = 600, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "doudi.cli", *arguments], capture_output=True, text=True, timeout=seconds, env=environment(home, **more)
    )
