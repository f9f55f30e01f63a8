"""What places set of the public pages: how often one network may send, by when the township looks at an online application."""

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from doudi.core.parameters import Procedure, declare

REPORT_LIMIT = "procedure.portal.report_limit"
APPLY_LIMIT = "procedure.portal.apply_limit"
FOLLOW_LIMIT = "procedure.portal.follow_limit"
CHECK_LIMIT = "procedure.portal.check_limit"
RECEIVE_DAYS = "procedure.portal.receive_days"

declare(
    Procedure(REPORT_LIMIT, _("公众报告：同一网络每小时最多提交"), "times", Decimal(10), "系统默认", False, 1, 1000),
    Procedure(APPLY_LIMIT, _("网上申请：同一网络每小时最多提交"), "times", Decimal(10), "系统默认", False, 1, 1000),
    Procedure(FOLLOW_LIMIT, _("查询进度：同一网络每小时最多查询"), "times", Decimal(30), "系统默认", False, 1, 1000),
    Procedure(CHECK_LIMIT, _("救助自测：同一网络每小时最多测算"), "times", Decimal(120), "系统默认", False, 1, 10000),
    Procedure(RECEIVE_DAYS, _("网上申请登记期限"), "working days", Decimal(2), "系统默认", False, 1, 15),
)
