"""Files that anybody may send: few, small, checked by content, drawn again (`core.services.attachments`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from doudi.core.services.attachments import attach

LARGEST = 8 * 1024 * 1024
PHOTOS, PAPERS = 3, 8


class File(Protocol):
    name: str | None
    size: int | None

    def read(self) -> bytes: ...


def read(given: Sequence[File], *, most: int, field: str) -> list[bytes]:
    """Contents of the files. Raises ValidationError at `field` for too many or too large ones; what they hold is checked by `keep`."""
    if len(given) > most:
        raise ValidationError({field: _("最多上传 %(most)d 个文件；请减少后再提交。") % {"most": most}})
    if any((file.size or 0) > LARGEST for file in given):
        raise ValidationError({field: _("单个文件不能超过 8 MB；请用普通清晰度重新拍摄。")})
    return [file.read() for file in given]


def keep(contents: Sequence[bytes], *, subject: str, subject_id: int, area: str, name: str, field: str, pictures_only: bool, now: datetime) -> None:
    """Attach files to a record under names of our own (a sender's file name may name people). Raises ValidationError at `field`."""
    for number, content in enumerate(contents, 1):
        try:
            attach(subject=subject, subject_id=subject_id, area=area, name=f"{name}{number}", content=content, now=now, pictures_only=pictures_only)
        except ValidationError as error:
            raise ValidationError({field: error.messages}) from None
