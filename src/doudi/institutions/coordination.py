"""What places set of coordination: how long a department has to take a request and to fulfil it, when a late one goes up, how far a roster must reach."""

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from doudi.core.parameters import Procedure, declare

PREFIX = "procedure.request."
ROSTER_AHEAD = PREFIX + "roster_days"
ESCALATE_HOURS = PREFIX + "escalate_hours"
REFILL_DAYS = PREFIX + "refill_days"


def _p(name: str, label: object, unit: str, default: int, least: int, most: int) -> Procedure:
    return Procedure(name, label, unit, Decimal(default), "系统默认", False, least, most)  # type: ignore[arg-type]


# Urgent needs do not wait for offices to open: hours of the clock. Others count working days.
declare(
    _p(PREFIX + "accept_hours.red", _("协调事项签收时限：紧急"), "hours", 1, 1, 24),
    _p(PREFIX + "accept_hours.orange", _("协调事项签收时限：较急"), "hours", 4, 1, 72),
    _p(PREFIX + "accept_days.yellow", _("协调事项签收时限：一般"), "working days", 1, 1, 10),
    _p(PREFIX + "finish_hours.red", _("协调事项办结时限：紧急"), "hours", 12, 1, 72),
    _p(PREFIX + "finish_hours.orange", _("协调事项办结时限：较急"), "hours", 48, 1, 240),
    _p(PREFIX + "finish_days.yellow", _("协调事项办结时限：一般"), "working days", 5, 1, 60),
    _p(ESCALATE_HOURS, _("协调事项逐级督办间隔"), "hours", 6, 1, 240),
    _p(ROSTER_AHEAD, _("专项工作组值班表应排到几天后"), "days", 7, 1, 60),
    _p(REFILL_DAYS, _("按每日报告提出物资需求时补足的天数"), "days", 14, 1, 90),
)
