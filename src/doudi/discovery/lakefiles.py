"""The lake's files, for a rotation of the token key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from doudi.core import rotation
from doudi.discovery.services.deliveries import lake


@rotation.add_files
def accepted_rows() -> Iterator[Path]:
    """Accepted rows of every delivery, and those that wait for linkage: tokens stand there in place of numbers. (Originals and rejects are encrypted
    texts, with numbers.)"""
    for entry in lake().entries():
        for path in (entry.parquet, entry.unlinked, entry.candidates):
            if path:
                yield lake().root / path
