"""What places set of the protection of minors: response times by urgency, days between reviews by level."""

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from doudi.core.parameters import Procedure, declare

declare(
    Procedure("procedure.protection.contact_hours.red", _("未成年人个案首次到场时限：紧急"), "hours", Decimal(2), "系统默认", False, 1, 24),
    Procedure("procedure.protection.contact_hours.orange", _("未成年人个案首次到场时限：较急"), "hours", Decimal(24), "系统默认", False, 1, 72),
    Procedure("procedure.protection.contact_hours.yellow", _("未成年人个案首次到场时限：一般"), "hours", Decimal(72), "系统默认", False, 1, 240),
    Procedure("procedure.protection.review_days.high", _("未成年人个案评估间隔：高风险"), "days", Decimal(14), "系统默认", False, 1, 60),
    Procedure("procedure.protection.review_days.middle", _("未成年人个案评估间隔：中风险"), "days", Decimal(30), "系统默认", False, 1, 120),
    Procedure("procedure.protection.review_days.low", _("未成年人个案评估间隔：低风险"), "days", Decimal(90), "系统默认", False, 1, 366),
)
