"""Background tasks of community care."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from doudi.community.services import printing
from doudi.core.tasks import Run, background


@background
def print_cards(run: Run, *, run_id: int, base: str) -> dict[str, Any]:
    """The PDF files of an ordered printing."""
    done = printing.print_run(run_id=run_id, base=base, now=timezone.now(), progress=run.progress)
    return {"cards": done.cards, "parts": done.parts}
