"""What relief does every day."""

from __future__ import annotations

from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from doudi.core import periodic
from doudi.relief.services import price_entries, remind, vagrants


def prices(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Price indices to be entered, starts and stops, subsidies to be proposed."""
    return price_entries.daily(area=area, on=on, now=now)


periodic.daily(
    "relief.prices",
    _("物价联动提醒"),
    prices,
    figures={"asked": _("待录入指数"), "published": _("启动或终止"), "owed": _("待提出补贴"), "raised": _("待补发差额")},
)
periodic.daily(
    "relief.remind",
    _("提醒先行救助补充说明"),
    remind,
    level=6,
    acts=["relief.remind"],
    figures={"reminded": _("已提醒"), "escalated": _("已督办")},
)
periodic.daily("relief.stays", _("提醒流浪乞讨人员在站期限"), vagrants.watch_stays, level=6, acts=["relief.remind"], figures={"late": _("超期")})
