"""Long work of assessment; may be run again with no effect."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.assessment import whatif
from doudi.core.tasks import Run, background


@background(figures={"winners": _("增加"), "losers": _("减少")})
def run_what_if(run: Run, *, what_if: int) -> dict[str, Any]:
    """Compute a policy question."""
    asked = whatif.run_what_if(what_if_id=what_if, now=timezone.now(), progress=run.progress)
    assert asked.result is not None
    return {"what_if": asked.pk, "winners": asked.result["winners"], "losers": asked.result["losers"]}
