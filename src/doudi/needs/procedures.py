"""What places set of needs: hours and days by urgency. Urgent ones run by the clock, the others in working days."""

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from doudi.core.parameters import Procedure, declare

declare(
    Procedure("procedure.need.answer.red", _("紧急需求响应期限"), "hours", Decimal(2), "系统默认", False, 1, 72),
    Procedure("procedure.need.answer.orange", _("较急需求响应期限"), "working days", Decimal(1), "系统默认", False, 1, 30),
    Procedure("procedure.need.answer.yellow", _("一般需求响应期限"), "working days", Decimal(3), "系统默认", False, 1, 60),
    Procedure("procedure.need.meet.red", _("紧急需求满足期限"), "hours", Decimal(24), "系统默认", False, 1, 240),
    Procedure("procedure.need.meet.orange", _("较急需求满足期限"), "working days", Decimal(3), "系统默认", False, 1, 60),
    Procedure("procedure.need.meet.yellow", _("一般需求满足期限"), "working days", Decimal(10), "系统默认", False, 1, 120),
    Procedure("procedure.need.reply.red", _("紧急需求交办后答复期限"), "hours", Decimal(1), "系统默认", False, 1, 24),
    Procedure("procedure.need.reply.orange", _("较急需求交办后答复期限"), "working days", Decimal(1), "系统默认", False, 1, 15),
    Procedure("procedure.need.reply.yellow", _("一般需求交办后答复期限"), "working days", Decimal(2), "系统默认", False, 1, 30),
    Procedure("procedure.need.county.red", _("紧急需求无人响应报县级督办间隔"), "hours", Decimal(2), "系统默认", False, 1, 72),
    Procedure("procedure.need.county.orange", _("较急需求无人响应报县级督办间隔"), "working days", Decimal(2), "系统默认", False, 1, 30),
    Procedure("procedure.need.county.yellow", _("一般需求无人响应报县级督办间隔"), "working days", Decimal(5), "系统默认", False, 1, 60),
    Procedure("procedure.need.expire_days", _("需求超过满足期限后继续公布天数"), "days", Decimal(30), "系统默认", False, 1, 180),
    Procedure("procedure.need.remind_days", _("需求过期前提醒天数"), "days", Decimal(3), "系统默认", False, 0, 30),
)
