"""Long work of the registry."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone

from doudi.core.tasks import Run, background
from doudi.registry.services import importing


@background
def run_import(run: Run, *, identifier: str, update: bool) -> dict[str, Any]:
    """Import a kept file; killed or refused, it leaves nothing and the file stays for another try."""
    with importing.kept(UUID(identifier)) as path:
        run.progress(0, 2)
        figures = importing.import_file(path=path, update=update, on=timezone.localdate(), now=timezone.now())
        run.progress(2, 2)
    return figures
