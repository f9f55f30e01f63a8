"""What places set of civil-affairs institutions: when they report, who is told when they do not, and what counts as a risk."""

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from doudi.core.parameters import Procedure, declare

PREFIX = "procedure.institution."
EMERGENCY_DAYS, WEEKDAY = PREFIX + "emergency_days", PREFIX + "weekday"
DUE_HOUR, REMIND_MINUTES, COUNTY_MINUTES, CITY_DAYS = PREFIX + "due_hour", PREFIX + "remind_minutes", PREFIX + "county_minutes", PREFIX + "city_days"
SUPPLY_DAYS, PER_STAFF, SYMPTOMS, CLOSED_DAYS = PREFIX + "supply_days", PREFIX + "per_staff", PREFIX + "symptoms", PREFIX + "closed_days"


def _p(name: str, label: object, unit: str, default: int, least: int, most: int) -> Procedure:
    return Procedure(name, label, unit, Decimal(default), "系统默认", False, least, most)  # type: ignore[arg-type]


declare(
    _p(EMERGENCY_DAYS, _("应急状态下机构上报间隔"), "days", 1, 1, 7),
    _p(WEEKDAY, _("平时机构每周上报日（1 为周一；遇休息日顺延）"), "number", 1, 1, 7),
    _p(DUE_HOUR, _("机构上报截止时刻（几点）"), "number", 10, 1, 23),
    _p(REMIND_MINUTES, _("截止后多久提醒填报员（分钟）"), "number", 30, 0, 600),
    _p(COUNTY_MINUTES, _("截止后多久提醒县级（分钟）"), "number", 120, 0, 840),
    _p(CITY_DAYS, _("连续几次未上报由市级督办"), "times", 2, 1, 14),
    _p(SUPPLY_DAYS, _("物资可用天数低于此数为风险"), "days", 3, 1, 60),
    _p(PER_STAFF, _("每名在岗人员照料人数超过此数为风险"), "number", 10, 1, 100),
    _p(SYMPTOMS, _("有症状人数达到此数为风险"), "number", 1, 1, 100),
    _p(CLOSED_DAYS, _("封闭管理超过此天数为风险"), "days", 14, 1, 366),
)
