"""Linked rows as if they had had their number: files beside the lake's deliveries, for one comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq

from ..datasets import CONTRACTS
from ..delivery import lake_schema
from ..lake import Entry, Lake
from .predict import Waiting

LINKS = pa.schema([("subject", pa.string()), ("person_id", pa.int64())])


@dataclass(frozen=True, slots=True)
class LinkedLake(Lake):
    """A lake in which linked rows stand just before the delivery that they came with: where the same row came with its number too, that one counts."""

    linked: tuple[Entry, ...] = ()

    def entries(self, dataset: str | None = None, *, upto: str | None = None) -> list[Entry]:
        own = Lake(self.root).entries(dataset, upto=upto)
        extra = {(each.dataset, each.period, each.delivery): each for each in self.linked}
        return [each for entry in own for each in (extra.get((entry.dataset, entry.period, entry.delivery)), entry) if each is not None]


def waiting_rows(entries: Sequence[Entry], root: Path) -> list[Waiting]:
    """The entries' rows that wait for linkage."""
    return [Waiting(each.dataset, each.delivery, root / each.unlinked, root / each.candidates) for each in entries if each.unlinked]


def with_linked(lake: Lake, entries: Sequence[Entry], links: pa.Table, people: Path, folder: Path) -> tuple[LinkedLake, int]:
    """The lake with the rows of `entries` whose subject is linked (LINKS), written into `folder` under the person's token; and how many rows."""
    wanted = pads.field("person_id").isin(links["person_id"].unique())
    person = pads.dataset(people).to_table(columns=["person_id", "id_token", "birth_date", "sex"], filter=wanted)
    known = links.cast(LINKS).join(person, "person_id", join_type="inner")
    linked, total = [], 0
    for at, entry in enumerate(entries):
        if not entry.unlinked or not len(known):
            continue
        schema = lake_schema(CONTRACTS[entry.dataset])
        rows = pq.read_table(lake.root / entry.unlinked)
        rows = rows.drop_columns([name for name in rows.column_names if name not in (*schema.names, "subject") or name in ("birth_date", "sex")])
        rows = rows.join(known, "subject", join_type="inner").select(schema.names).sort_by("row")
        if len(rows):
            target = folder / f"linked-{at}.parquet"
            pq.write_table(rows.cast(schema), target, compression="zstd")
            linked.append(replace(entry, parquet=str(target), accepted=len(rows)))
            total += len(rows)
    return LinkedLake(lake.root, tuple(linked)), total
