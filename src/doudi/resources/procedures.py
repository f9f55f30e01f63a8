"""What places set of purchased services, resources and donations."""

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from doudi.core.parameters import Procedure, declare

SHARE = "procedure.services.sample_share"
LEAST = "procedure.services.sample_least"
TOLERATED = "procedure.services.tolerated_wrong"
CONFIRM_DAYS = "procedure.services.confirm_days"
SETTLE_DAYS = "procedure.services.settle_days"
RESOURCE_DAYS = "procedure.resources.confirm_days"
REMIND_DAYS = "procedure.resources.remind_days"
DELIVER_DAYS = "procedure.donations.deliver_days"

declare(
    Procedure(SHARE, _("购买服务质量抽查比例"), "per cent", Decimal(10), "系统默认", False, 1, 100),
    Procedure(LEAST, _("购买服务质量抽查最少条数"), "number", Decimal(3), "系统默认", False, 0, 100),
    Procedure(TOLERATED, _("抽查不属实比例超过此数按比例扣减"), "per cent", Decimal(5), "系统默认", False, 0, 100),
    Procedure(CONFIRM_DAYS, _("服务记录确认期限"), "working days", Decimal(5), "系统默认", False, 1, 60),
    Procedure(SETTLE_DAYS, _("验收后结算期限"), "working days", Decimal(10), "系统默认", False, 1, 90),
    Procedure(RESOURCE_DAYS, _("社会资源重新核实间隔"), "days", Decimal(180), "系统默认", False, 7, 366),
    Procedure(REMIND_DAYS, _("社会资源到期前提醒天数"), "days", Decimal(14), "系统默认", False, 0, 90),
    Procedure(DELIVER_DAYS, _("捐赠分配后送达期限"), "working days", Decimal(10), "系统默认", False, 1, 120),
)
