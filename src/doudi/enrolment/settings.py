"""What places set of monitoring and reviews (标准与参数): declared once, at start-up."""

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from doudi.core.parameters import Procedure, declare

DAYS = "procedure.review.days"
MONTHS = {"stable": "procedure.review.months.stable", "varying": "procedure.review.months.varying"}
NOTICE = "procedure.review.notice_days"
AUTOMATIC = "procedure.review.automatic_standard"
SPOT_SHARE = "procedure.spot_check.share"
SPOT_DAYS = "procedure.spot_check.days"
COOLING = "procedure.payee.cooling_days"
PAYEE_NOTICE = "procedure.payee.notice_days"

declare(
    Procedure(DAYS, _("动态监测差异核查期限"), "working days", Decimal(10), "系统默认", False, 1, 90),
    Procedure(MONTHS["stable"], _("情况稳定家庭定期核查间隔"), "months", Decimal(12), "民发〔2021〕57号第二十六条", True, 1, 24),
    Procedure(MONTHS["varying"], _("收入变动家庭定期核查间隔"), "months", Decimal(6), "民发〔2021〕57号第二十六条", True, 1, 12),
    Procedure(NOTICE, _("定期核查和渐退期满提前提醒"), "days", Decimal(30), "系统默认", False, 0, 90),
    Procedure(AUTOMATIC, _("标准提高后自动调整待遇"), "switch", Decimal(0), "系统默认", False, 0, 1),
    Procedure(SPOT_SHARE, _("下放乡镇确认的抽查比例"), "per cent", Decimal(30), "系统默认", False, 1, 100),
    Procedure(SPOT_DAYS, _("抽查办结期限"), "working days", Decimal(20), "系统默认", False, 1, 120),
    Procedure(COOLING, _("账户变更冷静期"), "days", Decimal(7), "系统默认", False, 0, 60),
    Procedure(PAYEE_NOTICE, _("代领期限届满提前提醒"), "days", Decimal(30), "系统默认", False, 0, 120),
)
