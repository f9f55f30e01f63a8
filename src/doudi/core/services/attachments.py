"""Attachments (附件): taken in by content, stripped, encrypted; opened with a record of who looked."""

from __future__ import annotations

import io
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from doudi.batch import sealed
from doudi.core import audit, keys
from doudi.core import scope as scopes
from doudi.core.models import Attachment
from doudi.core.prepared import prepared

LARGEST = 10 * 1024 * 1024
MOST_PIXELS = 60_000_000
LONGEST_SIDE = 2400
KINDS = {"image/jpeg": "jpg", "image/png": "png", "application/pdf": "pdf"}


def _name(name: str) -> bytes:
    """A PDF name as a pattern: each letter may be written as an escape (/J#61vaScript)."""
    return b"/" + b"".join(b"(?:%c|#%02x|#%02X)" % (letter, letter, letter) for letter in name.encode())


# A PDF that starts programs, carries files or hides its content is not a scan. Only names so long that compressed pictures do not contain them by
# chance: an action needs its full type (/S /JavaScript), its script stands under the short /JS beside it. /XFA is looked for with its value.
ACTIVE_PDF = re.compile(
    b"|".join(map(_name, ("JavaScript", "Launch", "EmbeddedFile", "RichMedia", "Rendition", "SubmitForm", "ImportData"))) + b"|" + _name("XFA") + rb"\s*[\[<(\d]"
)
LOCKED_PDF = re.compile(_name("Encrypt") + rb"\s*[<\d]")
# Objects may stand in a compressed stream, which says where its first object begins.
OBJECTS = re.compile(rb"<<([^\x00]{0,1000}?" + _name("First") + rb"\b[^\x00]{0,1000}?)>>\s*stream\r?\n")
DEFLATED = re.compile(rb"/Filter\s*\[?\s*/FlateDecode\s*\]?\s*(?:/|$)")


def folder() -> Path:
    return Path(settings.HOME) / "attachments"


def _path(identifier: UUID) -> Path:
    return folder() / identifier.hex[:2] / identifier.hex


def _picture(content: bytes) -> tuple[str, bytes]:
    """The picture drawn again: turned upright, at most 2400 pixels, without place, time and camera (EXIF)."""
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG", "PNG", "WEBP"]) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise ValidationError(_("图片像素过多；请用普通清晰度重新拍摄后上传。"))
            upright = ImageOps.exif_transpose(opened)
            upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            drawn = io.BytesIO()
            if opened.format == "PNG":
                clean = upright.convert("RGBA" if "A" in upright.getbands() or "transparency" in upright.info else "RGB")
                clean.info.clear()
                clean.save(drawn, "PNG", optimize=False)
                return "image/png", drawn.getvalue()
            clean = upright.convert("RGB")
            clean.info.clear()
            clean.save(drawn, "JPEG", quality=85)
            return "image/jpeg", drawn.getvalue()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise ValidationError(_("图片已损坏，无法打开；请重新拍摄或扫描后上传。")) from None


def _is_picture(content: bytes) -> bool:
    return content.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (content[:4] == b"RIFF" and content[8:12] == b"WEBP")


def _objects_of(content: bytes) -> Iterator[bytes]:
    """The parts of a PDF in which objects stand: the file as it is, then its compressed object streams. Raises ValidationError where they cannot be read."""
    yield content
    for found in OBJECTS.finditer(content):
        if b"/Filter" not in found[1] and b"#" not in found[1]:
            continue  # not compressed: it stands in the file as it is
        if not DEFLATED.search(found[1]) or b"/DecodeParms" in found[1]:
            raise ValidationError(_("PDF 文件的内容无法核对；请打印为普通 PDF 后上传。"))
        try:
            yield zlib.decompressobj().decompress(content[found.end() :], LARGEST)
        except zlib.error:
            raise ValidationError(_("PDF 文件不完整；请重新导出后上传。")) from None


def _harmless(content: bytes) -> None:
    """Raises ValidationError for a PDF that runs something, carries files, or cannot be looked into."""
    for part in _objects_of(content):
        if ACTIVE_PDF.search(part):
            raise ValidationError(_("PDF 文件含有脚本或嵌入文件；请打印为普通 PDF 后上传。"))
        if LOCKED_PDF.search(part):
            raise ValidationError(_("PDF 文件有密码或权限保护，无法核对；请打印为普通 PDF 后上传。"))


def cleaned(content: bytes) -> tuple[str, bytes]:
    """Content type by the first bytes, and what is kept of the content. Raises ValidationError with the reason and next step."""
    if len(content) > LARGEST:
        raise ValidationError(_("文件超过 10 MB；请压缩或分次上传。"))
    if not content:
        raise ValidationError(_("文件是空的；请重新选择。"))
    if _is_picture(content):
        return _picture(content)
    if content.startswith(b"%PDF-1.") or content.startswith(b"%PDF-2."):
        if b"%%EOF" not in content[-2048:]:
            raise ValidationError(_("PDF 文件不完整；请重新导出后上传。"))
        _harmless(content)
        return "application/pdf", content
    raise ValidationError(_("只接受照片（JPG、PNG、WebP）和 PDF；请转换后上传。"))


@transaction.atomic
def attach(
    *, subject: str, subject_id: int, area: str, name: str, content: bytes, now: datetime, identifier: UUID | None = None, pictures_only: bool = False
) -> Attachment:
    """Take in a file of a record. `area` is that of the record; the caller has checked that the officer may change the record, and that
    `identifier` (of a file that a device sends again when it is not sure) is not taken.

    The row keeps the digest of the content, so that one encrypted file cannot be put in the place of another.
    Raises ValidationError for what is no photo and no PDF (`pictures_only`: for what is no photo), and for what is too large.
    """
    acting = scopes.current()
    if not acting.area or not acting.covers(area):
        raise ValidationError(_("这条记录不在您的管辖范围内。"))
    if pictures_only and content and not _is_picture(content):
        raise ValidationError(_("这里只接受照片（JPG、PNG、WebP）；请拍照后上传。"))
    kind, kept = cleaned(content)
    shown = (re.sub(r"[^\w\-. ()（）【】]+", "_", Path(name.replace("\\", "/")).stem)[:100].strip() or _("附件")) + "." + KINDS[kind]
    return _store(identifier or uuid4(), subject, subject_id, area, shown, kind, kept, now)


@transaction.atomic
def keep(*, subject: str, subject_id: int, area: str, name: str, content_type: str, content: bytes, now: datetime) -> Attachment:
    """Keep a file that Doudi made itself (a batch of letters): nothing of it came from outside, so it is neither checked nor drawn again."""
    acting = scopes.current()
    if not acting.area or not acting.covers(area):
        raise ValidationError(_("这条记录不在您的管辖范围内。"))
    return _store(uuid4(), subject, subject_id, area, name, content_type, content, now)


def _store(identifier: UUID, subject: str, subject_id: int, area: str, shown: str, kind: str, kept: bytes, now: datetime) -> Attachment:
    row = Attachment.objects.create(
        id=identifier, area=area, subject=subject, subject_id=subject_id, name=shown, content_type=kind, size=len(kept),
        sha256=sha256(kept).digest(), uploaded_by_id=scopes.current().account_id or None, uploaded_at=now,
    )  # fmt: skip
    path = _path(identifier)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        sealed.seal_stream(keys.keyring(), io.BytesIO(kept), file)
        file.flush()
        os.fsync(file.fileno())
    return row


def without_file(newest: int) -> tuple[int, int]:
    """(how many of the newest attachments within the scope have no stored file, how many were looked at): what a recovery to a moment may have missed."""
    found = list(Attachment.objects.filter(removed_at__isnull=True).order_by("-uploaded_at").values_list("pk", flat=True)[:newest])
    return sum(not _path(pk).is_file() for pk in found), len(found)


@prepared
def shown(subject: str, subject_id: int) -> QuerySet[Attachment]:
    """`attachments_of` as a list, for pages."""
    return attachments_of(subject=subject, subject_id=subject_id)


def attachments_of(*, subject: str, subject_id: int) -> QuerySet[Attachment]:
    """Files of a record that are still there, newest first; row-level security leaves out those of other areas."""
    return (
        Attachment.objects.filter(subject=subject, subject_id=subject_id, removed_at__isnull=True)
        .select_related("uploaded_by")
        .order_by("-uploaded_at")
    )


def open_attachment(*, identifier: UUID) -> tuple[Attachment, bytes]:
    """The file, after the access record is written. Raises Attachment.DoesNotExist outside the scope or once removed,
    ValueError where the stored file was changed."""
    row = Attachment.objects.get(id=identifier, removed_at__isnull=True)
    audit.record_access(what="open", subject="attachment", area=row.area, field=row.subject, subject_id=row.subject_id, reason=str(row.id))
    with _path(row.id).open("rb") as file:
        content = b"".join(sealed.open_stream(keys.keyring(), file))
    if sha256(content).digest() != bytes(row.sha256):
        raise ValueError("attachment differs from its digest")
    return row, content


@transaction.atomic
def erase(*, subject: str, subject_ids: Sequence[int], now: datetime) -> int:
    """Delete files that Doudi made itself and can make again (printed cards) once their time is over: the rows stay and say when; the number.

    The stored files go when the transaction has held; one that is gone already is no error.
    """
    rows = list(Attachment.objects.select_for_update().filter(subject=subject, subject_id__in=list(subject_ids), removed_at__isnull=True).order_by("id"))
    Attachment.objects.filter(pk__in=[row.pk for row in rows]).update(removed_at=now)

    def unlink() -> None:
        for row in rows:
            _path(row.pk).unlink(missing_ok=True)

    transaction.on_commit(unlink)
    return len(rows)


def remove(*, identifier: UUID, now: datetime) -> None:
    """Take a file out of its record (it stays in the store for the audit). Only who uploaded it may."""
    acting = scopes.current()
    changed = Attachment.objects.filter(id=identifier, removed_at__isnull=True, uploaded_by_id=acting.account_id or -1).update(removed_at=now)
    if not changed:
        raise ValidationError(_("只有上传人可以移除附件；请联系上传人。"))
