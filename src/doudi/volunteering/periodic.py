"""What volunteering does every day."""

from __future__ import annotations

from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from doudi.core import periodic
from doudi.volunteering import services


def papers(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Papers of organisations that expire."""
    return {"told": services.remind_credentials(area=area, on=on, now=now)}


def shifts(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Shifts that are over: who never checked out, who never came, what is done."""
    closed = services.close_open(area=area, on=on, now=now)
    return {"closed": closed, **services.finish_over(area=area, on=on, now=now)}


periodic.daily("volunteering.papers", _("提醒社会组织资质到期"), papers, level=6, acts=["volunteering.clocks"], figures={"told": _("已提醒")})
periodic.daily(
    "volunteering.shifts", _("志愿服务班次收尾"), shifts, level=6, acts=["volunteering.clocks"],
    figures={"closed": _("补签退"), "absent": _("未到"), "waiting": _("候补结束"), "ended": _("活动结束")},
)  # fmt: skip
