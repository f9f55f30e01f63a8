"""Long work of enrolment; may be run again with no effect."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.core.tasks import Run, background
from doudi.enrolment.services import checking
from doudi.enrolment.services.monitoring import monitor as run_monitoring


@background
def fill_check(run: Run, *, check_id: int) -> dict[str, Any]:
    """Read the departments' data about one household and write the report of its data check."""
    run.progress(0, 1)
    check = checking.fill_check(check_id=check_id, now=timezone.now())
    return {"check": check.pk, "state": check.state}


@background(figures={"households": _("测算户数"), "found": _("差异"), "new": _("新差异"), "settled": _("已消除"), "held": _("暂缓")})
def monitor(run: Run, *, area: str, month: str) -> dict[str, Any]:
    """Dynamic monitoring of an area for a month."""
    done = run_monitoring(area=area, month=date.fromisoformat(month), now=timezone.now(), progress=run.progress)
    return {"run": done.pk, "households": done.households, **{name: done.figures[name] for name in ("found", "new", "updated", "settled", "held")}}
