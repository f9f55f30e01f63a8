"""Long work of reports in the background."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.core.tasks import Run, background
from doudi.reports import national

FIGURES = {
    "number": gettext_lazy("文件编号"), "households": gettext_lazy("家庭"), "people": gettext_lazy("人员"), "left_out": gettext_lazy("未报家庭"),
    "faults": gettext_lazy("问题"),
}  # fmt: skip


@background(figures=FIGURES)
def national_export(run: Run, *, area: str, month: str) -> dict[str, Any]:
    """The file for the national platform; killed or cancelled, it leaves no record."""
    run.progress(0, 1, _("整理低收入人口"))
    row = national.make_export(area=area, month=date.fromisoformat(month), now=timezone.now()).export
    return {"number": row.number, "households": row.households, "people": row.people, "left_out": row.left_out, "faults": row.faults}
