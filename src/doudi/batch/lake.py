"""The lake: validated deliveries as Parquet files, with tokens in place of numbers (decision 6 of the architecture).

    <root>/<dataset>/<period>/<delivery>.parquet         accepted rows
                              <delivery>.unlinked.parquet, .candidates.parquet   rows without a usable ID number (`unlinked`)
                              <delivery>.original.sealed the department's file, encrypted
                              <delivery>.rejects.sealed  the sheet of rejected rows, encrypted
                              <delivery>.json            what and how many; written last: without it there is no delivery

Every file is written beside and renamed, so that a crash leaves nothing half.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from .datasets import CONTRACTS
from .delivery import Accepted
from .sealed import seal_file
from .tokens import Keyring

_PERIOD = re.compile(r"[0-9]{4}(?:-(?:0[1-9]|1[0-2]|Q[1-4]))?")
_DELIVERY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class LakeError(ValueError):
    """A name that is not allowed, or a delivery that is there already."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A delivery in the lake. Paths are relative to the lake's root."""

    dataset: str
    period: str
    delivery: str
    sha256: str
    accepted: int
    rejected: int
    ignored: int
    name: str
    parquet: str
    original: str
    rejects: str = ""
    kept: int = 0
    unlinked: str = ""
    candidates: str = ""
    came: str = ""  # when, ISO 8601: of two deliveries of a period the later one counts


@dataclass(frozen=True, slots=True)
class Lake:
    """A lake below a folder. Only tasks open it."""

    root: Path

    def folder(self, dataset: str, period: str) -> Path:
        """Folder of a dataset and period (`2022`, `2022-11`, `2022-Q4`). Raises LakeError for any other name."""
        if dataset not in CONTRACTS:
            raise LakeError(f"unknown dataset {dataset!r}")
        if not _PERIOD.fullmatch(period):
            raise LakeError(f"not a period: {period!r}")
        return self.root / dataset / period

    def put(self, accepted: Accepted, original: Path, *, keys: Keyring, period: str, delivery: str, came: str = "") -> Entry:
        """Moves an accepted delivery into the lake, seals original and rejects, and removes the plain ones in the working folder (not the original).
        Raises LakeError for names that are not allowed and a delivery that exists."""
        folder = self.folder(accepted.contract.code, period)
        if not _DELIVERY.fullmatch(delivery):
            raise LakeError(f"not a delivery id: {delivery!r}")
        mark = folder / f"{delivery}.json"
        if mark.exists():
            raise LakeError(f"delivery {delivery} is in the lake already")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        parquet, sealed = folder / f"{delivery}.parquet", folder / f"{delivery}.original.sealed"
        _copy(accepted.parquet, parquet)
        seal_file(keys, original, sealed)
        rejects = ""
        if accepted.rejects is not None:
            target = folder / f"{delivery}.rejects.sealed"
            seal_file(keys, accepted.rejects, target)
            rejects = self._relative(target)
        waiting = {}
        for kind, source in (("unlinked", accepted.unlinked), ("candidates", accepted.candidates)):
            if source is not None:
                _copy(source, folder / f"{delivery}.{kind}.parquet")
                waiting[kind] = self._relative(folder / f"{delivery}.{kind}.parquet")
        entry = Entry(
            accepted.contract.code,
            period,
            delivery,
            accepted.sha256,
            accepted.accepted,
            accepted.rejected,
            accepted.ignored,
            Path(original).name,
            self._relative(parquet),
            self._relative(sealed),
            rejects,
            accepted.kept,
            **waiting,
            came=came,
        )
        part = mark.with_name(mark.name + ".part")
        part.write_text(json.dumps(asdict(entry), ensure_ascii=False), "utf-8")
        os.replace(part, mark)
        for plain in (accepted.parquet, accepted.rejects, accepted.unlinked, accepted.candidates):
            if plain is not None:
                plain.unlink(missing_ok=True)
        return entry

    def entries(self, dataset: str | None = None, *, upto: str | None = None) -> list[Entry]:
        """Deliveries, oldest period first, within a period as they came; with `upto` (`2022-11`) only periods that begin no later."""
        return sorted(self._entries(dataset, upto), key=lambda entry: (entry.dataset, entry.period, entry.came, entry.delivery))

    def _entries(self, dataset: str | None, upto: str | None) -> Iterator[Entry]:
        for mark in self.root.glob(f"{dataset or '*'}/*/*.json"):
            entry = Entry(**json.loads(mark.read_text("utf-8")))
            if upto is None or period_start(entry.period) <= upto:
                yield entry

    def find(self, dataset: str, sha256: str) -> Entry | None:
        """The delivery with the same original, if the same file came before."""
        return next((entry for entry in self._entries(dataset, None) if entry.sha256 == sha256), None)

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def period_start(period: str) -> str:
    """First month of a period: 2022 -> 2022-01, 2022-Q4 -> 2022-10."""
    if "Q" in period:
        return f"{period[:4]}-{3 * int(period[-1]) - 2:02d}"
    return period if "-" in period else f"{period}-01"


def _copy(source: Path, target: Path) -> None:
    part = target.with_name(target.name + ".part")
    with open(source, "rb") as plain, open(part, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as out:
        shutil.copyfileobj(plain, out, 1 << 20)
        out.flush()
        os.fsync(out.fileno())
    os.replace(part, target)
