"""What casework does every day."""

from __future__ import annotations

from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from doudi.core import periodic
from doudi.protection import services
from doudi.protection.services.base import across_places


def clocks(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """To-dos of what cases owe; response times, contacts and assessments that were missed go up."""
    with across_places():
        ran = services.run_clocks(area=area, on=on, now=now)
    return {"reminded": ran.reminded, "escalated": ran.escalated, "grown": ran.grown}


periodic.daily(
    "protection.clocks", _("未成年人个案计时与督办"), clocks, level=6, acts=["protection.clocks"],
    figures={"reminded": _("新提醒"), "escalated": _("已督办"), "grown": _("将满 18 周岁")},
)  # fmt: skip
