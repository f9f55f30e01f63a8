"""Long work of payments in the background."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.core.tasks import Run, background
from doudi.payments.services import back_pay, back_payroll, grants, one_offs, payrolls, supplements

PREPARED = {"payroll": gettext_lazy("批次"), "lines": gettext_lazy("笔数"), "amount": gettext_lazy("金额（元）"), "excluded": gettext_lazy("未列入")}


@background(figures=PREPARED)
def prepare(run: Run, *, area: str, month: str) -> dict[str, Any]:
    """Prepare or refresh the regular payroll of a county; killed or cancelled, it leaves nothing."""
    run.progress(0, 1, _("生成发放明细"))
    done = payrolls.prepare_payroll(area=area, month=date.fromisoformat(month), now=timezone.now())
    return {"payroll": done.payroll.number, "lines": done.lines, "amount": str(done.amount), "excluded": done.excluded}


@background(figures=PREPARED)
def prepare_one_off(run: Run, *, area: str, month: str, programme: str = "") -> dict[str, Any]:
    """Prepare or refresh the one-off payroll of a county; killed or cancelled, it leaves nothing."""
    run.progress(0, 1, _("生成发放明细"))
    done = grants.prepare_one_off(area=area, month=date.fromisoformat(month), programme=programme, now=timezone.now())
    return {"payroll": done.payroll.number, "lines": done.lines, "amount": str(done.amount), "excluded": done.excluded}


@background(figures=PREPARED)
def prepare_supplement(run: Run, *, area: str, month: str) -> dict[str, Any]:
    """Prepare or refresh the supplementary payroll of a county; killed or cancelled, it leaves nothing."""
    run.progress(0, 1, _("生成发放明细"))
    done = supplements.prepare_supplement(area=area, month=date.fromisoformat(month), now=timezone.now())
    return {"payroll": done.payroll.number, "lines": done.lines, "amount": str(done.amount), "excluded": done.excluded}


@background(figures={"awards": gettext_lazy("待遇"), "months": gettext_lazy("月数"), "amount": gettext_lazy("金额（元）")})
def calculate_back_pay(
    run: Run, *, area: str, document: str, first: str, last: str = "", programmes: list[str] | None = None, reason: str = ""
) -> dict[str, Any]:
    """Calculate back pay by a document, month by month; killed or cancelled, it leaves nothing."""
    done = back_pay.propose_back_pay(
        area=area, document=document, first=date.fromisoformat(first), last=date.fromisoformat(last) if last else None,
        programmes=back_pay.PAID if programmes is None else programmes, reason=reason, now=timezone.now(),
        progress=lambda at, total: run.progress(at, total, _("逐月核算补发")),
    )  # fmt: skip
    return _back_pay(done)


@background(figures={"awards": gettext_lazy("待遇"), "months": gettext_lazy("月数"), "amount": gettext_lazy("金额（元）")})
def calculate_late_decisions(run: Run, *, area: str) -> dict[str, Any]:
    """Calculate what decisions that came late owe; killed or cancelled, it leaves nothing."""
    run.progress(0, 1, _("核对较晚的决定"))
    return _back_pay(back_pay.propose_late_decisions(area=area, now=timezone.now()))


def _back_pay(done: back_pay.Proposed) -> dict[str, Any]:
    made = done.back_pay
    return {"back_pay": made.pk, "awards": made.awards, "months": made.months, "amount": str(made.amount)}


@background(figures=PREPARED)
def prepare_back_payroll(run: Run, *, area: str, month: str) -> dict[str, Any]:
    """Prepare or refresh the payroll of approved back pay; killed or cancelled, it leaves nothing."""
    run.progress(0, 1, _("生成发放明细"))
    done = back_payroll.prepare_back_payroll(area=area, month=date.fromisoformat(month), now=timezone.now())
    return {"payroll": done.payroll.number, "lines": done.lines, "amount": str(done.amount), "excluded": done.excluded}


@background(figures={"people": gettext_lazy("人数"), "amount": gettext_lazy("金额（元）")})
def make_one_off_list(run: Run, *, area: str, decision: int) -> dict[str, Any]:
    """List everybody of a county whom a one-off payment covers; killed or cancelled, it leaves nothing."""
    run.progress(0, 1, _("编制名单"))
    made = one_offs.make_list(decision_id=decision, area=area, now=timezone.now())
    return {"list": made.pk, "people": made.people, "amount": str(made.amount)}


@background(figures=PREPARED)
def pay_one_off_list(run: Run, *, one_off_list: int, on: str) -> dict[str, Any]:
    """Prepare or refresh the one-off payroll of an approved list's county; killed or cancelled, it leaves nothing."""
    run.progress(0, 1, _("生成发放明细"))
    done = one_offs.pay_list(list_id=one_off_list, on=date.fromisoformat(on), now=timezone.now())
    return {"payroll": done.payroll.number, "lines": done.lines, "amount": str(done.amount), "excluded": done.excluded}
