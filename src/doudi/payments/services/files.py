"""Bank files: made once from a released payroll, encrypted and recorded; asked for again, the same bytes come back."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch import sealed
from doudi.core import audit, numbers
from doudi.core import scope as scopes
from doudi.payments import layouts
from doudi.payments.models import BankFile, Payroll
from doudi.payments.services import content
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
    target = folder() / name
    part = target.with_name(target.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        sealed.seal_stream(numbers.keyring(), data, out)
        out.flush()
        os.fsync(out.fileno())
    os.replace(part, target)
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


@transaction.atomic
def export_file(*, payroll_id: int, layout: str, now: datetime) -> Exported:
    """Make the bank file of a released payroll in one layout, or find the one that was made (it stays byte for byte the same).

    The unencrypted file exists only in an unlinked temporary file of the bank folder. Raises ValidationError before the release.
    """
    payroll = locked(payroll_id, "payments.release")
    if layout not in layouts.LAYOUTS:
        raise ValidationError(_("没有这种文件格式。"))
    found = BankFile.objects.filter(payroll=payroll, layout=layout).first()
    if found is not None:
        return Exported(found, made=False)
    if payroll.state not in (Payroll.State.RELEASED, Payroll.State.BOOKED):
        raise ValidationError(_("批次尚未报送，不能生成代发文件。"))
    form = layouts.LAYOUTS[layout]
    batch = layouts.Batch(
        number=payroll.number, month=payroll.month, lines=payroll.lines, amount=payroll.amount, unit=payroll.area, made_on=timezone.localdate(now)
    )
    name = f"{payroll.number}-{layout}.{form.suffix}"
    with tempfile.TemporaryFile(dir=folder()) as plain:
        if form.suffix == "xlsx":
            layouts.write(form, batch, content.tables_of(payroll), plain)  # type: ignore[arg-type]  # zip seeks
            plain.seek(0)
            digest = hashlib.file_digest(plain, "sha256")
        else:
            hashing = Hashing(plain)  # type: ignore[arg-type]
            layouts.write(form, batch, content.tables_of(payroll), hashing)  # type: ignore[arg-type]
            digest = hashing.digest
        plain.seek(0)
        path = keep(plain, f"{payroll.pk}-{name}.sealed")  # type: ignore[arg-type]
    file = BankFile.objects.create(
        area=payroll.area,
        payroll=payroll,
        layout=layout,
        name=name,
        path=path,
        sha256=digest.hexdigest(),
        lines=payroll.lines,
        amount=payroll.amount,
        made_by_id=scopes.current().account_id,
        made_at=now,
    )
    scopes.check_constraints()
    return Exported(file, made=True)


def download(*, file_id: int) -> tuple[BankFile, Iterator[bytes]]:
    """The recorded file and its plain bytes, after the access record is written (导出)."""
    from doudi.core import duties

    acting = duties.require("payments.release")
    file = BankFile.objects.select_related("payroll").filter(pk=file_id).first()
    if file is None or not acting.covers(file.area):
        raise ValidationError(_("文件不存在，或不在您的管辖范围内。"))
    audit.record_access(what="export", subject="payroll", subject_id=file.payroll_id, area=file.area, field=file.layout, reason=file.name)
    return file, stored(file.path)


def read_whole(*, file_id: int) -> bytes:
    """The plain bytes, checked against the recorded SHA-256. Raises ValueError where they differ."""
    file, blocks = download(file_id=file_id)
    data = b"".join(blocks)
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise ValueError("the stored file differs from its digest")
    return data
