"""A few people's rows of a lake: each file is read once for its tokens, and the rest of a row group only where one of them stands.

A comparison over a narrowed lake finds of these people what one over the whole lake finds: every dataset is joined to people by their token alone. As
the files keep their schemas, order and row numbers, it also runs the statements of any comparison of the same shape (`plans`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .lake import Entry, Lake, period_start


@dataclass(frozen=True, slots=True)
class NarrowedLake(Lake):
    """A lake whose deliveries stand in `held`, cut down to some people's rows."""

    held: tuple[Entry, ...] = ()

    def entries(self, dataset: str | None = None, *, upto: str | None = None) -> list[Entry]:
        return [each for each in self.held if dataset in (None, each.dataset) and (upto is None or period_start(each.period) <= upto)]


def narrowed(lake: Lake, tokens: Iterable[bytes], folder: Path, *, upto: str) -> NarrowedLake:
    """The lake's deliveries up to a month with the rows of `tokens` (16 bytes each) alone, written into `folder`."""
    wanted = pa.array(sorted(set(tokens)), pa.binary(16))
    held = []
    for at, entry in enumerate(lake.entries(upto=upto)):
        target = folder / f"narrowed-{at}.parquet"
        file = pq.ParquetFile(lake.root / entry.parquet)
        with file, pq.ParquetWriter(target, file.schema_arrow) as writer:
            for group in range(file.num_row_groups):
                theirs = pc.is_in(file.read_row_group(group, columns=["id_token"])["id_token"], value_set=wanted)
                if pc.any(theirs).as_py():
                    writer.write_table(file.read_row_group(group).filter(theirs))
        held.append(replace(entry, parquet=str(target)))
    return NarrowedLake(lake.root, tuple(held))
