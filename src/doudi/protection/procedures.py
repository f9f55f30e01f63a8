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
    Procedure("procedure.protection.visit_days.high", _("未成年人个案回访间隔：高风险"), "days", Decimal(3), "系统默认", False, 1, 30),
    Procedure("procedure.protection.visit_days.middle", _("未成年人个案回访间隔：中风险"), "days", Decimal(7), "系统默认", False, 1, 60),
    Procedure("procedure.protection.visit_days.low", _("未成年人个案回访间隔：低风险"), "days", Decimal(30), "系统默认", False, 1, 180),
    Procedure("procedure.protection.assess_days", _("未成年人个案接案后评估期限"), "days", Decimal(3), "系统默认", False, 1, 30),
    Procedure("procedure.protection.retry_days", _("未成年人个案未见到人后再次回访期限"), "days", Decimal(1), "系统默认", False, 1, 7),
    Procedure("procedure.protection.close_days", _("未成年人个案结案前低风险评估的有效天数"), "days", Decimal(30), "系统默认", False, 1, 180),
    Procedure("procedure.protection.report_limit", _("强制报告公开页每小时提交次数上限（同一网络）"), "times", Decimal(10), "系统默认", False, 1, 200),
    Procedure("procedure.protection.care_days", _("临时生活照料最长天数"), "days", Decimal(30), "系统默认", False, 1, 90),
    Procedure("procedure.protection.guardianship_months", _("临时监护最长月数（一般不超过一年）"), "months", Decimal(12), "民政部门临时监护一般不超过一年", False, 1, 24),
    Procedure("procedure.protection.care_review_days.living", _("临时生活照料评估间隔"), "days", Decimal(7), "系统默认", False, 1, 30),
    Procedure("procedure.protection.care_review_days.guardianship", _("临时监护评估间隔"), "days", Decimal(30), "系统默认", False, 1, 92),
    Procedure("procedure.protection.care_remind_days", _("照料、监护到期前提醒天数"), "days", Decimal(7), "系统默认", False, 0, 60),
    Procedure("procedure.protection.adult_remind_days", _("年满十八周岁前提醒天数"), "days", Decimal(60), "系统默认", False, 0, 366),
    Procedure("procedure.protection.gap_hours.county", _("无人照料报县级负责人时限"), "hours", Decimal(2), "系统默认", False, 0, 48),
    Procedure("procedure.protection.gap_hours.city", _("无人照料报市级时限"), "hours", Decimal(12), "系统默认", False, 0, 96),
    Procedure("procedure.protection.allowance.living", _("临时生活照料补贴（每日）"), "yuan", Decimal(0), "系统默认：未设定，不补贴", False, 0, 1000),
    Procedure("procedure.protection.allowance.guardianship", _("临时监护照料补贴（每日）"), "yuan", Decimal(0), "系统默认：未设定，不补贴", False, 0, 1000),
    Procedure("procedure.protection.referral_days", _("转介接收期限"), "working days", Decimal(3), "系统默认", False, 1, 30),
    Procedure("procedure.protection.referral_remind_days", _("转介到期前提醒"), "working days", Decimal(1), "系统默认", False, 0, 10),
)
