"""Linkage before a comparison (measures 1.2): who is meant by rows without a usable ID number; what people decided stands, the rest is linked or asked."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.db import connection
from django.urls import reverse

from doudi.batch import linkage
from doudi.batch.datasets import CONTRACTS
from doudi.batch.lake import Entry, Lake
from doudi.batch.linkage.model import COMPARISONS
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services import todos
from doudi.discovery import linkage_settings
from doudi.discovery.models import LinkagePair
from doudi.discovery.registry_side import write_linking
from doudi.discovery.services.deliveries import lake

CHUNK = 1000
DESK = "linkage_desk"
State = LinkagePair.State


@dataclass(frozen=True)
class Linked:
    """`lake`: with the linked rows as if they had had their number; `rows`: how many; `asked`: pairs that wait for a person; `marks`: dataset, delivery,
    row and state (`same`, `linked`) of each linked row."""

    lake: Lake
    rows: int
    asked: int
    marks: pa.Table


def waiting_entries(*, area: str, on: date) -> list[Entry]:
    """Deliveries up to a day with rows that wait for linkage, of the area, of places in it and of those above it."""

    def concerns(entry: Entry) -> bool:
        of = entry.delivery.partition("-")[0]
        return bool(entry.unlinked) and (of.startswith(area) or area.startswith(of))

    return [entry for entry in lake().entries(upto=f"{on:%Y-%m}") if concerns(entry)]


def link(*, area: str, on: date, now: datetime, folder: Path) -> Linked:
    """Link the waiting rows of the area's deliveries. Safe to run again: a pair that a person decided is not asked again."""
    scope = duties.require("discovery.compare")
    entries = waiting_entries(area=area, on=on)
    nothing = pa.table({name: pa.array([], kind) for name, kind in MARKS})
    if not entries:
        return Linked(lake(), 0, 0, nothing)
    people = folder / "linking.parquet"
    write_linking(people, area=area, on=on)
    found = linkage.pairs(
        linkage.waiting_rows(entries, lake().root), people, settled=_settled(), thresholds=linkage_settings.in_force(on), temp=folder
    )
    _keep(found, entries, now=now)
    waits = LinkagePair.objects.filter(area__gte=scope.low, area__lt=scope.high, state=State.OPEN).count()
    if waits:
        todos.raise_todo(
            kind="linkage.review", area=area, duty=Duty.DATA_CHECKER.value, title="疑似同一人核查：有缺号、错号数据等待认定", url=reverse("discovery:linkage"),
            subject=DESK, subject_id=int(area), now=now,
        )  # fmt: skip
    links = _links()
    with_rows, rows = linkage.with_linked(lake(), entries, links.select(["subject", "person_id"]), people, folder)
    return Linked(with_rows, rows, waits, _marks(entries, links) if rows else nothing)


def lake_as_linked(*, area: str, on: date, folder: Path, people: Collection[int] | None = None) -> Lake:
    """The lake with the rows that are somebody's already (of `people` alone, where given); nobody is looked for (trials of indicators, data checks)."""
    entries = waiting_entries(area=area, on=on)
    links = _links().select(["subject", "person_id"]) if entries else linkage.LINKS.empty_table()
    if people is not None:
        links = links.filter(pc.is_in(links["person_id"], value_set=pa.array(sorted(people), pa.int64())))
    if not len(links):
        return lake()
    described = folder / "linking.parquet"
    write_linking(described, area=area, on=on)
    return linkage.with_linked(lake(), entries, links, described, folder)[0]


def _settled() -> pa.Table:
    """What people decided (`batch.linkage.SETTLED`)."""
    rows = LinkagePair.objects.filter(state__in=(State.SAME, State.DIFFERENT, State.UNSURE)).values_list("subject", "person_id", "state")
    # Who is being verified is left alone until the township has an answer: neither asked again nor linked to somebody else.
    decided = [(subject.hex, person, state != State.DIFFERENT) for subject, person, state in rows]
    return pa.Table.from_arrays(
        [pa.array([row[at] for row in decided], field.type) for at, field in enumerate(linkage.SETTLED)], schema=linkage.SETTLED
    )


def _keep(found: pa.Table, entries: list[Entry], *, now: datetime) -> None:
    """New pairs in, known ones to their new score and state; decided ones stay as they are."""
    names = [each.field for each in COMPARISONS]
    deliveries = sorted({entry.delivery for entry in entries})
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists pg_temp.linkage_found")
        cursor.execute(
            "create temporary table linkage_found (subject uuid, person_id bigint, area text, score float8, link bool, levels jsonb) on commit drop"
        )
        columns = ("subject", "person_id", "area", "score", "link", "levels")
        with cursor.copy(f"copy linkage_found ({', '.join(columns)}) from stdin") as copy:
            for batch in found.to_batches(max_chunksize=50_000):
                for row in batch.to_pylist():
                    told = {
                        name: [linkage.level_of(name, row[f"level_{name}"]), round(row[f"weight_{name}"] or 0.0, 3)]
                        for name in names
                        if row[f"level_{name}"] >= 0
                    }
                    copy.write_row([*(row[name] for name in columns[:-1]), json.dumps(told)])
        # What no longer comes up is closed: somebody else was chosen, or the thresholds rose. Then those that are no longer linked, so that a subject
        # never has two persons.
        cursor.execute(GONE, [deliveries])
        for link in (False, True):
            cursor.execute(UPDATE, [State.LINKED if link else State.OPEN, link])
        cursor.execute(NEW)
        fresh = [(UUID(str(subject)), person, place, score, link, levels) for subject, person, place, score, link, levels in cursor.fetchall()]
    rows = dict(_described({each[0].hex for each in fresh}, entries))
    made = []
    for subject, person, place, score, link, levels in fresh:
        row = rows[subject.hex]
        made.append(
            LinkagePair(
                subject=subject, person_id=person, area=place, score=score, levels=levels if isinstance(levels, dict) else json.loads(levels),
                state=State.LINKED if link else State.OPEN, made_at=now, **row,
            )
        )  # fmt: skip
    LinkagePair.objects.bulk_create(sorted(made, key=lambda pair: (pair.area, pair.person_id)), batch_size=CHUNK)
    scopes.check_constraints()


UPDATE = """
update discovery_linkagepair p set score = f.score, levels = f.levels, state = %s
from pg_temp.linkage_found f
where p.subject = f.subject and p.person_id = f.person_id and f.link = %s and p.state in ('open', 'linked', 'settled')
"""
GONE = """
update discovery_linkagepair p set state = 'settled'
where p.state in ('open', 'linked')
  and (p.delivery = any(%s) and not exists (select from pg_temp.linkage_found f where f.subject = p.subject and f.person_id = p.person_id)
       or exists (select from discovery_linkagepair s where s.subject = p.subject and s.state = 'same'))
"""
NEW = """
select f.subject, f.person_id, f.area, f.score, f.link, f.levels from pg_temp.linkage_found f
where not exists (select from discovery_linkagepair p where p.subject = f.subject and p.person_id = f.person_id)
"""


def _described(subjects: set[str], entries: list[Entry]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Of each subject the newest row, as the columns of a pair."""
    left = set(subjects)
    for entry in reversed(entries):
        if not left:
            return
        rows = pq.read_table(lake().root / entry.unlinked, filters=[("subject", "in", sorted(left))])
        for row in rows.to_pylist():
            if row["subject"] in left:
                left.discard(row["subject"])
                yield row["subject"], {
                    "dataset": entry.dataset, "period": entry.period, "delivery": entry.delivery, "row": row["row"],
                    "number": row["number"] and UUID(bytes=row["number"]), "phone": row["told_phone"] and UUID(bytes=row["told_phone"]),
                    "content": _content(entry.dataset, row),
                }  # fmt: skip


def _content(dataset: str, row: dict[str, Any]) -> str:
    """What the desk shows of a row, as JSON."""
    facts = []
    for column in CONTRACTS[dataset].columns:
        value = row.get(column.stored)
        if value is not None and not column.sensitive and column.name not in ("name", "id_number"):
            said = (column.labels or {}).get(str(value), "是" if value is True else "否" if value is False else f"{value}")
            facts.append([column.header_zh, said + (column.unit if column.type in ("amount", "number") else "")])
    told = {name: row[name] for name in ("state", "name", "told_sex", "told_division", "told_relatives")}
    return json.dumps(told | {"told_birth": row["told_birth"] and row["told_birth"].isoformat(), "facts": facts}, ensure_ascii=False)


LINKED = (("subject", pa.string()), ("person_id", pa.int64()), ("state", pa.string()))
MARKS = (("dataset", pa.string()), ("delivery", pa.string()), ("row", pa.int64()), ("state", pa.string()))


def _links() -> pa.Table:
    """Subjects that are somebody, in the scope."""
    rows = list(LinkagePair.objects.filter(state__in=LinkagePair.COUNTING).values_list("subject", "person_id", "state"))
    told = [(subject.hex, person, state) for subject, person, state in rows]
    return pa.table({name: pa.array([row[at] for row in told], kind) for at, (name, kind) in enumerate(LINKED)})


def _marks(entries: list[Entry], links: pa.Table) -> pa.Table:
    known = pl.DataFrame(pl.from_arrow(links))
    parts = []
    for entry in entries:
        rows = pl.DataFrame(pl.from_arrow(pq.read_table(lake().root / entry.unlinked, columns=["row", "subject"])))
        parts.append(
            rows.join(known, on="subject").select(dataset=pl.lit(entry.dataset), delivery=pl.lit(entry.delivery), row="row", state="state")
        )
    return pl.concat(parts).to_arrow().cast(pa.schema(MARKS))
