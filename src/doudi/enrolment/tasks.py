"""Long work of enrolment; may be run again with no effect."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from doudi.core.tasks import Run, background
from doudi.enrolment.services import checking


@background
def fill_check(run: Run, *, check_id: int) -> dict[str, Any]:
    """Read the departments' data about one household and write the report of its data check."""
    run.progress(0, 1)
    check = checking.fill_check(check_id=check_id, now=timezone.now())
    return {"check": check.pk, "state": check.state}
