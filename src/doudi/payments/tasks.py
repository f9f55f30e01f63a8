"""Long work of payments in the background."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core.tasks import Run, background
from doudi.payments.services import grants, payrolls, supplements


@background
def prepare(run: Run, *, area: str, month: str) -> dict[str, Any]:
    """Prepare or refresh the regular payroll of a county; killed or cancelled, it leaves nothing."""
    run.progress(0, 1, _("生成发放明细"))
    done = payrolls.prepare_payroll(area=area, month=date.fromisoformat(month), now=timezone.now())
    return {"payroll": done.payroll.number, "lines": done.lines, "amount": str(done.amount), "excluded": done.excluded}


@background
def prepare_one_off(run: Run, *, area: str, month: str, programme: str = "") -> dict[str, Any]:
    """Prepare or refresh the one-off payroll of a county; killed or cancelled, it leaves nothing."""
    run.progress(0, 1, _("生成发放明细"))
    done = grants.prepare_one_off(area=area, month=date.fromisoformat(month), programme=programme, now=timezone.now())
    return {"payroll": done.payroll.number, "lines": done.lines, "amount": str(done.amount), "excluded": done.excluded}


@background
def prepare_supplement(run: Run, *, area: str, month: str) -> dict[str, Any]:
    """Prepare or refresh the supplementary payroll of a county; killed or cancelled, it leaves nothing."""
    run.progress(0, 1, _("生成发放明细"))
    done = supplements.prepare_supplement(area=area, month=date.fromisoformat(month), now=timezone.now())
    return {"payroll": done.payroll.number, "lines": done.lines, "amount": str(done.amount), "excluded": done.excluded}
