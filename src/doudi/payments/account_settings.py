"""What places set of how accounts, returns and overpayments are handled (标准与参数): declared once, at start-up."""

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from doudi.core.parameters import Procedure, declare

RETURN_DAYS = "procedure.payments.return_days"
SETOFF_SHARE = "procedure.recovery.setoff_share"
REPAY_NOTICE = "procedure.recovery.notice_days"

declare(
    Procedure(RETURN_DAYS, _("支付退票乡镇更正期限"), "working days", Decimal(5), "系统默认", False, 1, 60),
    Procedure(SETOFF_SHARE, _("多发款项抵扣每月待遇的上限"), "per cent", Decimal(20), "系统默认", False, 0, 50),
    Procedure(REPAY_NOTICE, _("退款到期提前提醒"), "days", Decimal(7), "系统默认", False, 0, 60),
)
