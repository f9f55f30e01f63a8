"""Bank files: made once from a released payroll, encrypted and recorded; asked for again, the same bytes come back."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch import sealed
from doudi.core import audit, numbers
from doudi.core import scope as scopes
from doudi.payments import layout_io, layouts
from doudi.payments.models import BankFile, Payroll
from doudi.payments.services import channels, content, envelopes
from doudi.payments.services.payrolls import locked


def folder() -> Path:
    path = Path(settings.HOME) / "bank"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


class Hashing:
    """A file being written, and the SHA-256 of what was written in order."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.digest = file, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self.file.write(data)


def keep(data: BinaryIO, name: str) -> str:
    """Encrypt a stream under the bank folder; its name there. Written beside and renamed: a crash leaves no half file."""
    sealed.keep_stream(numbers.keyring(), data, folder() / name)
    return name


def stored(name: str) -> Iterator[bytes]:
    """The plain blocks of a file of the bank folder, each checked before it is given out."""
    with open(folder() / Path(name).name, "rb") as file:
        yield from sealed.open_stream(numbers.keyring(), file)


@dataclass(frozen=True)
class Exported:
    """The recorded file, and whether it was made now."""

    file: BankFile
    made: bool


def _released(payroll_id: int) -> Payroll:
    payroll = locked(payroll_id, "payments.release")
    if payroll.state not in (Payroll.State.RELEASED, Payroll.State.BOOKED):
        raise ValidationError(_("批次尚未报送，不能生成代发文件。"))
    return payroll


@transaction.atomic
def export_file(*, payroll_id: int, layout: str, now: datetime) -> Exported:
    """The whole payroll in one layout: the first of its files (`export_whole` gives all), made now or found as it was made.

    For counties that have chosen no layouts; those that have use `export_chosen`. Raises ValidationError before the release.
    """
    return export_whole(payroll_id=payroll_id, layout=layout, now=now)[0]


@transaction.atomic
def export_whole(*, payroll_id: int, layout: str, now: datetime) -> list[Exported]:
    """The files of a whole payroll in one layout, each made once: asked for again they are byte for byte the same.

    The unencrypted file exists only in an unlinked temporary file of the bank folder.
    """
    payroll = _released(payroll_id)
    if layout not in layouts.LAYOUTS:
        raise ValidationError(_("没有这种文件格式。"))
    if BankFile.objects.filter(payroll=payroll, choice__isnull=False).exists():
        raise ValidationError(_("本批已按选定版式生成过代发文件，不能再按整批生成：同一笔可能发放两次。"))
    if not BankFile.objects.filter(payroll=payroll, layout=layout).exists():
        channels.need_choice(payroll, layout)
    whole = channels.Channel(layouts.LAYOUTS[layout], None, [], payroll.lines, payroll.amount)
    return _export(payroll, [whole], whole=True, now=now)


@transaction.atomic
def export_chosen(*, payroll_id: int, now: datetime) -> list[Exported]:
    """The files that the county chose for this payroll (`channels`), every line in exactly one; again, the same.

    A part that the bank refused whole is made anew under a new number; the others stay. Raises ValidationError where nothing is chosen.
    """
    payroll = _released(payroll_id)
    before = list(BankFile.objects.filter(payroll=payroll).select_related("choice"))
    if before and all(row.choice_id is None for row in before) and not any(row.lines < payroll.lines for row in before):
        raise ValidationError(_("本批已按整批生成过代发文件，不能再按选定版式生成：同一笔可能发放两次。"))
    found = channels.channels_of(payroll, [row.choice for row in before if row.choice] if before else None)
    if not found:
        raise ValidationError(_("本县还没有选定代发文件版式；请选一种生成，或先在“代发文件版式”页选定。"))
    return _export(payroll, found, whole=False, now=now)


def _export(payroll: Payroll, wanted: list[channels.Channel], *, whole: bool, now: datetime) -> list[Exported]:
    with connection.cursor() as cursor:
        # names of a day and numbers of a payroll are given out one after the other
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('bank files ' || %s, 0))", [payroll.area])
    answer = [made for channel in wanted for made in _export_channel(payroll, channel, whole, now)]
    scopes.check_constraints()
    return answer


def _export_channel(payroll: Payroll, channel: channels.Channel, whole: bool, now: datetime) -> list[Exported]:
    newest: dict[int, BankFile] = {}
    for row in BankFile.objects.filter(payroll=payroll, layout=channel.layout.code, choice=channel.choice).order_by("part", "attempt"):
        newest[row.part] = row
    size = channel.layout.most_lines or max(channel.lines, 1)
    parts = -(-channel.lines // size)
    todo = {part for part in range(1, parts + 1) if part not in newest or newest[part].refused_at}
    answer = {part: Exported(row, made=False) for part, row in newest.items() if part not in todo}
    if not todo:
        return [answer[part] for part in sorted(answer)]
    tables = content.tables_of(payroll, None if whole else channel.covers)
    first_whole = whole and parts == 1 and not newest
    for part, piece in enumerate(_cut(tables, channel.layout.most_lines), 1):
        if part not in todo:
            continue
        lines, amount, given = channel.lines, channel.amount, piece
        if parts > 1:
            held = list(piece)
            lines, amount, given = sum(table.num_rows for table in held), _yuan(held), iter(held)
        attempt = newest[part].attempt + 1 if part in newest else 1
        batch = _batch(payroll, channel.layout, lines, amount, part, parts, now, plain_number=first_whole)
        answer[part] = Exported(_make(payroll, channel, batch, given, attempt, now), made=True)
    return [answer[part] for part in sorted(answer)]


def _yuan(tables: list[pa.Table]) -> Decimal:
    return sum((Decimal(pc.sum(table["fen"]).as_py() or 0) for table in tables), Decimal(0)) / 100


def _cut(tables: Iterator[pa.Table], most: int) -> Iterator[Iterator[pa.Table]]:
    """The tables of one file after the other; with a limit, of at most so many lines (a few: they are held in memory)."""
    if not most:
        yield tables
        return
    held: list[pa.Table] = []
    room = most
    for table in tables:
        at = 0
        while at < table.num_rows:
            piece = table.slice(at, room)
            held.append(piece.combine_chunks())
            at, room = at + piece.num_rows, room - piece.num_rows
            if not room:
                yield iter(held)
                held, room = [], most
    if held:
        yield iter(held)


def _batch(
    payroll: Payroll, layout: layouts.Layout, lines: int, amount: Decimal, part: int, parts: int, now: datetime, *, plain_number: bool
) -> layouts.Batch:
    """What the file says of itself. Its number is the payroll's, or the payroll's with a running number, or date and serial."""
    day = timezone.localdate(now)
    count = BankFile.objects.filter(payroll=payroll).count()
    begins = f"{day:%Y%m%d}"
    serial = 1 + BankFile.objects.filter(area=payroll.area, layout=layout.code, number__startswith=begins).count() if layout.dated else part
    number = f"{begins}{serial:05d}" if layout.dated else payroll.number if plain_number else f"{payroll.number}-{count + 1:03d}"
    return layouts.Batch(number, payroll.month, lines, amount, payroll.area, day, part, parts, serial)


def _make(payroll: Payroll, channel: channels.Channel, batch: layouts.Batch, tables: Iterator[pa.Table], attempt: int, now: datetime) -> BankFile:
    form, choice = channel.layout, channel.choice
    name = form.file_name(batch)
    signature: bytes | None = None
    with tempfile.TemporaryFile(dir=folder()) as plain:
        if form.suffix == "xlsx":
            layout_io.write(form, batch, tables, plain)  # type: ignore[arg-type]  # zip seeks
            plain.seek(0)
            digest = hashlib.file_digest(plain, "sha256").hexdigest()
        else:
            hashing = Hashing(plain)  # type: ignore[arg-type]
            layout_io.write(form, batch, tables, hashing)  # type: ignore[arg-type]
            digest = hashing.digest.hexdigest()
        plain.seek(0)
        out: BinaryIO = plain  # type: ignore[assignment]
        if choice is not None and (choice.encrypted or choice.signed):
            data = plain.read()
            if choice.encrypted:
                data, name = envelopes.sealed_for(choice, data), name + ".p7m"
            if choice.signed:
                signature = envelopes.sign(payroll.area, data)
            digest, out = hashlib.sha256(data).hexdigest(), io.BytesIO(data)
        # a name of its own, and the same one when a crash came before the row: the next run writes over it
        path = keep(out, f"{payroll.pk}-{name}.sealed")
    return BankFile.objects.create(
        area=payroll.area,
        payroll=payroll,
        layout=form.code,
        choice=choice,
        number=batch.number,
        part=batch.part,
        parts=batch.parts,
        attempt=attempt,
        name=name,
        path=path,
        sha256=digest,
        signature=signature,
        lines=batch.lines,
        amount=batch.amount,
        made_by_id=scopes.current().account_id,
        made_at=now,
    )


def download(*, file_id: int) -> tuple[BankFile, Iterator[bytes]]:
    """The recorded file and its plain bytes, after the access record is written (导出)."""
    from doudi.core import duties

    acting = duties.require("payments.release")
    file = BankFile.objects.select_related("payroll").filter(pk=file_id).first()
    if file is None or not acting.covers(file.area):
        raise ValidationError(_("文件不存在，或不在您的管辖范围内。"))
    audit.record_access(what="export", subject="payroll", subject_id=file.payroll_id, area=file.area, field=file.layout, reason=file.name)
    return file, stored(file.path)
