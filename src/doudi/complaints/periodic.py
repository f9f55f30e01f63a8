"""What complaints do every day: holds that end, and what is overdue goes up."""

from __future__ import annotations

from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from doudi.complaints import services
from doudi.core import periodic


def clocks(*, area: str, on: date, now: datetime) -> dict[str, int]:
    return {"resumed": services.end_holds(on=on, now=now), "escalated": services.escalate(area=area, on=on, now=now)}


periodic.daily(
    "complaints.clocks", _("异议投诉计时与督办"), clocks, acts=["complaints.escalate"], figures={"resumed": _("恢复计时"), "escalated": _("已督办")}
)
