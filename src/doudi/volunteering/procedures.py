"""What places set of organisations, volunteers and hours."""

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from doudi.core.parameters import Procedure, declare

PREFIX = "procedure.volunteering."
REMIND_DAYS, EARLY_MINUTES, LATE_HOURS, NO_SHOWS = PREFIX + "remind_days", PREFIX + "early_minutes", PREFIX + "late_hours", PREFIX + "no_shows"


def _p(name: str, label: object, unit: str, default: int, least: int, most: int) -> Procedure:
    return Procedure(name, label, unit, Decimal(default), "系统默认", False, least, most)  # type: ignore[arg-type]


declare(
    _p(REMIND_DAYS, _("社会组织资质到期前提醒天数"), "days", 30, 1, 180),
    _p(EARLY_MINUTES, _("志愿服务班次开始前多久可以签到（分钟）"), "number", 60, 0, 600),
    _p(LATE_HOURS, _("志愿服务班次结束后多久可以自己签退"), "hours", 12, 0, 48),
    _p(NO_SHOWS, _("志愿者报名后未到几次提醒协调员"), "times", 3, 1, 20),
)
