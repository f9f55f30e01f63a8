"""Files of attachments that no row names: their request was rolled back after they were written (attachments come before their rows).

Once a day some of the folders are looked through, so that each is seen every sixteen days. A file goes when it is older than `KEPT` and the whole
province has no row for it, removed ones included. Where there would be more such files than attachments in the database, something else is wrong
(a database that does not belong to the folder): then none goes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.db import connection

from doudi.core import duties
from doudi.core.models import Attachment
from doudi.core.services import attachments

logger = logging.getLogger(__name__)

KEPT = timedelta(days=30)
PARTS = 16
BATCH = 5000


def _old(folder: Path, before: float) -> Iterator[list[tuple[UUID, Path]]]:
    """Files of a folder that were written before then, in batches; what is not named like an attachment is none of ours."""
    batch = []
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            identifier = UUID(hex=path.name)
        except ValueError:
            continue
        if path.name != identifier.hex or not path.is_file() or path.stat().st_mtime >= before:
            continue
        batch.append((identifier, path))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def clear(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Delete the files without a row in today's part of the folders; how many. Safe to be cut off and repeated."""
    duties.require("records.forget")
    part = on.toordinal() % PARTS
    unnamed: list[Path] = []
    for first in range(part, 256, PARTS):
        for batch in _old(attachments.folder() / f"{first:02x}", (now - KEPT).timestamp()):
            with connection.cursor() as cursor:
                cursor.execute("select doudi.attachments_named(%s)", [[identifier for identifier, _path in batch]])
                known = {identifier for (identifier,) in cursor.fetchall()}
            unnamed += [path for identifier, path in batch if identifier not in known]
    if Attachment.objects.all()[: len(unnamed) * PARTS + 1].count() <= len(unnamed) * PARTS and unnamed:
        logger.error("%s files of attachments without a row, too many beside those with one: none deleted", len(unnamed))
        return {"files": 0, "kept": len(unnamed)}
    for path in unnamed:
        path.unlink(missing_ok=True)
    return {"files": len(unnamed), "kept": 0}
