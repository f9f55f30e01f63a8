"""Where long work keeps files for as long as it runs. Engines on other machines read them there too (`docs/scaling.md`)."""

from __future__ import annotations

from pathlib import Path

from doudi.core import postgres


def scratch() -> Path:
    folder = postgres.home() / "scratch"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
