"""What places set of complaints: days by category."""

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from doudi.core.parameters import Procedure, declare

declare(
    Procedure("procedure.complaint.assign_days", _("异议投诉分派期限"), "working days", Decimal(2), "系统默认", False, 1, 15),
    Procedure("procedure.complaint.days.decision", _("异议投诉办理期限：认定结果"), "working days", Decimal(15), "系统默认", False, 1, 60),
    Procedure("procedure.complaint.days.amount", _("异议投诉办理期限：待遇金额"), "working days", Decimal(10), "系统默认", False, 1, 60),
    Procedure("procedure.complaint.days.payment", _("异议投诉办理期限：发放到账"), "working days", Decimal(5), "系统默认", False, 1, 60),
    Procedure("procedure.complaint.days.publicity", _("异议投诉办理期限：公示"), "working days", Decimal(10), "系统默认", False, 1, 60),
    Procedure("procedure.complaint.days.wrong_receipt", _("异议投诉办理期限：不符合条件享受待遇"), "working days", Decimal(20), "系统默认", False, 1, 60),
    Procedure("procedure.complaint.days.conduct", _("异议投诉办理期限：工作人员作风"), "working days", Decimal(20), "系统默认", False, 1, 60),
    Procedure("procedure.complaint.days.other", _("异议投诉办理期限：其他"), "working days", Decimal(15), "系统默认", False, 1, 60),
    Procedure("procedure.complaint.hold_days", _("异议投诉暂停计时最长天数"), "days", Decimal(60), "系统默认", False, 1, 366),
    Procedure("procedure.complaint.escalate_days", _("异议投诉逐级督办间隔"), "working days", Decimal(3), "系统默认", False, 1, 30),
)
