"""Long work of discovery; may be run again with no effect."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.core.tasks import Run, background
from doudi.discovery import services


@background(figures={"accepted": _("接收行数"), "rejected": _("退回行数")})
def take_delivery(run: Run, *, path: str, dataset: str, name: str, period: str, area: str = "") -> dict[str, Any]:
    """Check an uploaded file against its contract. The upload is removed once it stands encrypted in the lake, or cannot be taken for good."""
    file = Path(path)
    run.progress(0, 1, name)
    try:
        delivery, fresh = services.deliver(path=file, dataset=dataset, area=area or run.scope.area, now=timezone.now(), name=name, period=period)
    except ValidationError:
        file.unlink(missing_ok=True)
        raise
    transaction.on_commit(lambda: file.unlink(missing_ok=True))
    return {"delivery": delivery.pk, "new": fresh, "accepted": delivery.accepted, "rejected": delivery.rejected, "state": delivery.state}


@background(figures={"found": _("命中"), "raised": _("新线索"), "known": _("已有线索")})
def run_comparison(run: Run, *, area: str, on: str) -> dict[str, Any]:
    """Compare the lake with the registry of an area."""
    found = services.compare(area=area, on=date.fromisoformat(on), now=timezone.now(), progress=run.progress)
    return {"found": found.found, "raised": found.raised, "known": found.known, "by_indicator": found.by_indicator}


@background(figures={"found": _("命中"), "known": _("已有线索")})
def try_indicator(run: Run, *, indicator: str, area: str, on: str, given: dict[str, str]) -> dict[str, Any]:
    """Count what an indicator would have raised with other thresholds."""
    trial = services.try_indicator(indicator=indicator, area=area, on=date.fromisoformat(on), given=given, now=timezone.now(), progress=run.progress)
    return {"trial": trial.pk, "found": trial.found, "known": trial.known}
