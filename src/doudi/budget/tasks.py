"""Long work of the budget; may be run again with no effect."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.budget.services import scenarios
from doudi.core.tasks import Run, background


@background(figures={"amount": gettext_lazy("金额（元）")})
def calculate(run: Run, *, scenario: int) -> dict[str, Any]:
    """Calculate the figures of a scenario."""
    made = scenarios.calculate(scenario_id=scenario, now=timezone.now(), progress=lambda done, total: run.progress(done, total, _("测算")))
    return {"scenario": made.pk, "amount": f"{made.amount:.2f}"}
