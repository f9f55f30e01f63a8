"""Access records (查阅记录): who looked at whom, and the chain of seals over them."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from doudi.core import home, keys, side
from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, AccessSeal

# Records are sealed when every transaction that might still write an earlier one has ended, and this much later.
SETTLED = timedelta(seconds=60)
BATCH = 50_000
LOCK = 0x646F7564_6973656C  # "doudisel"

INSERT = (
    "insert into core_accessrecord (area, account_id, posting_id, what, subject, subject_id, field, digest, reason, page)"
    " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
# One row as text that no value can forge a separator in. No token stands in it (integrity.md, tokens).
ROW = (
    "jsonb_build_array(id, to_char(at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), xid, coalesce(area_then, area), account_id,"
    " posting_id, what, subject,"
    " subject_id, field, encode(digest, 'hex'), reason, page)::text"
)


def record_access(
    *,
    what: str,
    subject: str,
    subject_id: int | None = None,
    area: str | None = None,
    field: str = "",
    digest: bytes | None = None,
    reason: str = "",
    page: str = "",
) -> int:
    """Write one access record under the acting scope, and commit it before anything is answered; its id (0 outside the officer's own area).

    It stays when the request is rolled back (integrity.md, "Look-ups and records"). `what`: open, reveal, lookup, export,
    refused. `area` is that of the row looked at (the officer's own where none is given); `reason` holds no personal data.
    """
    acting = scopes.current()
    if what not in AccessRecord.What.values:
        raise ValueError(what)
    place = area or acting.area
    values: list[Any] = [
        place,
        acting.account_id,
        acting.posting_id,
        what,
        subject,
        subject_id,
        field,
        digest,
        reason[:200],
        (page or acting.page)[:200],
    ]
    with side.committed(acting) as cursor:
        if not acting.area or not acting.covers(place):  # written, but not to be read back
            cursor.execute(INSERT, values)
            return 0
        cursor.execute(INSERT + " returning id", values)
        row: tuple[int] = cursor.fetchone()
    return row[0]


def record_opened(*, subject: str, rows: Sequence[tuple[int, str]], reason: str, what: AccessRecord.What = AccessRecord.What.OPEN) -> None:
    """Access records of many rows at once, (id, area) each, as `record_access` writes one: committed before anything is answered.

    `what`: REFUSED for those whom an answer left out.
    """
    acting = scopes.current()
    if not rows:
        return
    with side.committed(acting) as cursor:
        cursor.execute(
            "insert into core_accessrecord (area, account_id, posting_id, what, subject, subject_id, field, reason, page)"
            " select given.area, %s, %s, %s, %s, given.id, '', %s, %s from unnest(%s::bigint[], %s::text[]) as given (id, area)",
            [
                acting.account_id, acting.posting_id, what, subject, reason[:200], acting.page[:200],
                [row[0] for row in rows], [row[1] for row in rows],
            ],
        )  # fmt: skip


def _sealed(previous: bytes, first: int, last: int) -> tuple[int, bytes]:
    """Number of records in the range of ids, and the link of the chain over them."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select count(*), sha256(convert_to(coalesce(string_agg(encode(sha256(convert_to({ROW}, 'UTF8')), 'hex'), ','"
            " order by id), ''), 'UTF8'))"
            " from core_accessrecord where id between %s and %s",
            [first, last],
        )
        count, digest = cursor.fetchone()
    link = previous + first.to_bytes(8, "big") + last.to_bytes(8, "big") + count.to_bytes(8, "big") + bytes(digest)
    return count, keys.sealing_digest(sha256(link).digest())


def seal_access_records(now: datetime) -> int:
    """Seal what is settled, in batches; the number of records sealed. Run under a scope that sees the whole province.

    One worker at a time (advisory lock), so that the chain has no fork. A record still to be committed cannot come into
    a sealed range: it is younger than the oldest open transaction, and only what is a minute older than that is sealed.
    The last seal is noted beside the database once it is committed.
    """
    total = 0
    cut, made = _cut_off(), None
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(
            "select least(%s, min(xact_start)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()", [now]
        )
        cutoff = (cursor.fetchone()[0] or now) - SETTLED
    while True:
        before = AccessSeal.objects.order_by("-last_id").first()
        first = before.last_id + 1 if before else 1
        ids = AccessRecord.objects.filter(id__gte=first, at__lt=cutoff).order_by("id").values_list("id", flat=True)[:BATCH]
        with connection.cursor() as cursor:
            sql, params = ids.query.sql_with_params()
            cursor.execute(f"select max(id) from ({sql}) batch", params)
            last = cursor.fetchone()[0]
        if last is None:
            if made is not None and not cut:  # a noted end that is gone stays noted, until an administrator has looked
                transaction.on_commit(partial(_note, made), robust=True)
            return total
        previous = bytes(before.digest) if before else bytes(32)
        count, digest = _sealed(previous, first, last)
        made = AccessSeal.objects.create(first_id=first, last_id=last, records=count, previous=previous, digest=digest, sealed_at=now)
        total += count


def note_file() -> Path:
    """Where the last seal stands outside the database: a chain whose end was cut off there does not hold it any more."""
    return home.home() / "seals.json"


def _note(seal: AccessSeal) -> None:
    home.write_private(note_file(), {"database": connection.settings_dict["NAME"], "last_id": seal.last_id, "digest": seal.digest.hex(), "sealed_at": seal.sealed_at.isoformat()})


def _cut_off() -> list[str]:
    """What is wrong with the end of the chain: the noted seal is not there, or another one stands in its place."""
    try:
        noted = home.read_private(note_file())
    except FileNotFoundError:
        return []
    except home.SetupError as error:
        return [str(error)]
    if noted["database"] != connection.settings_dict["NAME"]:
        return []
    found = AccessSeal.objects.filter(last_id=noted["last_id"]).values_list("digest", flat=True).first()
    if found is not None and hmac.compare_digest(bytes(found), bytes.fromhex(noted["digest"])):
        return []
    return [f"查阅记录封存 {noted['last_id']}：{noted['sealed_at'][:19]} 记下的末段已不在库中，可能从末尾删去了封存记录（或数据库退回了较早的时刻）；请与备份核对"]


@dataclass(frozen=True)
class Verdict:
    """`seals` checked, the `records` under them, and the places where the chain does not hold."""

    seals: int
    records: int
    problems: list[str]
    last_digest: str


def verify_seals() -> Verdict:
    """Recompute the chain: changed, deleted or inserted records and seals are found and named by their ids.

    What the chain alone cannot show is that its end was cut off: the last seal is noted in a file of the worker's data folder too.
    Where somebody could change both, compare `last_digest` with the one printed earlier or with a backup's manifest.
    """
    problems = _cut_off()
    previous, expected, records, seals = bytes(32), 1, 0, 0
    for seal in AccessSeal.objects.order_by("first_id").iterator():
        seals += 1
        records += seal.records
        where = f"{seal.first_id}–{seal.last_id}"
        if seal.first_id != expected or bytes(seal.previous) != previous:
            problems.append(f"查阅记录封存 {where}：与上一段不相接，可能删去或插入了封存记录；请与备份核对")
        count, digest = _sealed(bytes(seal.previous), seal.first_id, seal.last_id)
        if count != seal.records:
            problems.append(f"查阅记录 {where}：封存时 {seal.records} 条，现有 {count} 条；请与备份核对")
        elif not hmac.compare_digest(digest, bytes(seal.digest)):
            problems.append(f"查阅记录 {where}：内容与封存时不同；请与备份核对")
        previous, expected = bytes(seal.digest), seal.last_id + 1
    return Verdict(seals=seals, records=records, problems=problems, last_digest=previous.hex())
