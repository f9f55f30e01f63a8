"""Procedure parameters: what places set of how work is done. The law's own amounts and thresholds are in `openfisca_henan`.

Each has a default with its source; a confirmed row of the nearest place (village to province) lies over it (`settings_overlay.get_setting`).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

UNITS = {
    "yuan/person/month": _("元/人·月"),
    "yuan/person/year": _("元/人·年"),
    "yuan/month": _("元/月"),
    "yuan": _("元"),
    "share": _("比例"),
    "multiple": _("倍"),
    "months": _("个月"),
    "years": _("年"),
    "days": _("天"),
    "hours": _("小时"),
    "working days": _("个工作日"),
    "day of month": _("日"),
    "times": _("次"),
    "per cent": "%",
    "number": _("个"),
    "mu": _("亩"),
    "m2": _("平方米"),
    "grade": _("级"),
    "switch": _("是否"),
    "choice": _("选项"),
    "class": _("类"),
}


CHOICES = {
    "gap": _("补差"), "bands": _("分档"), "band": _("分档"), "scpi": _("低收入居民价格指数"), "started": _("启动的指数"), "fallback": _("按启动的指数"),
    "wait": _("等待该指数"), "half_up_fen": _("四舍五入到分"), "half_up_yuan": _("四舍五入到元"), "up_jiao": _("角以下进位"),
}  # fmt: skip


@dataclass(frozen=True)
class Procedure:
    """One parameter: whole numbers of `unit` (or amounts in yuan), from `least` to `most`."""

    name: str
    label: str | Promise
    unit: str
    default: Decimal
    source: str
    verified: bool
    least: float = 0
    most: float = 366
    whole: bool = True

    def problem(self, text: str) -> str | None:
        """Why a value cannot stand, or None."""
        try:
            number = Decimal(text.strip())
        except InvalidOperation:
            return str(_("“%(label)s”的值“%(text)s”不是数字")) % {"label": self.label, "text": text}
        if not number.is_finite() or not self.least <= number <= self.most:
            return str(_("“%(label)s”应在 %(least)s 至 %(most)s 之间")) % {"label": self.label, "least": self.least, "most": self.most}
        if self.whole and self.unit != "yuan" and number != number.to_integral_value():
            return str(_("“%(label)s”应为整数")) % {"label": self.label}
        return None


def _p(
    name: str, label: str | Promise, unit: str, default: int, source: str, verified: bool = False, *, least: int = 0, most: int = 366
) -> Procedure:
    return Procedure("procedure." + name, label, unit, Decimal(default), source, verified, least, most)


# Only what some room reads stands here: a setting without effect would mislead.
_ALL = [
    _p("lead.contact_days.red", _("红色预警首次联系期限"), "working days", 1, "系统默认", least=1, most=60),
    _p("lead.contact_days.orange", _("橙色预警首次联系期限"), "working days", 3, "系统默认", least=1, most=60),
    _p("lead.contact_days.yellow", _("黄色预警首次联系期限"), "working days", 5, "系统默认", least=1, most=60),
    _p("lead.verify_days.red", _("红色预警核实期限"), "working days", 5, "系统默认", least=1, most=90),
    _p("lead.verify_days.orange", _("橙色预警核实期限"), "working days", 10, "系统默认", least=1, most=90),
    _p("lead.verify_days.yellow", _("黄色预警核实期限"), "working days", 15, "系统默认", least=1, most=90),
    _p("lead.retry_days", _("无法联系后再次联系期限"), "working days", 1, "系统默认", least=1, most=30),
    _p("lead.escalate_days", _("逐级督办间隔"), "working days", 1, "系统默认", least=1, most=30),
    _p("lead.help_days.red", _("红色预警救助期限"), "working days", 10, "系统默认", least=1, most=120),
    _p("lead.help_days.orange", _("橙色预警救助期限"), "working days", 20, "系统默认", least=1, most=120),
    _p("lead.help_days.yellow", _("黄色预警救助期限"), "working days", 30, "系统默认", least=1, most=120),
    _p("visit.notice_days", _("走访提前通知天数"), "days", 2, "系统默认", least=0, most=30),
    _p("visit.retry_days", _("未见到人后再次上门期限"), "working days", 2, "系统默认", least=1, most=30),
    _p("visit.absences", _("连续未见到人交乡镇处理的次数"), "times", 3, "系统默认", least=1, most=10),
    _p("visit.offline_hours", _("走访手机离线解锁时限"), "hours", 12, "系统默认", least=0, most=24),
    _p("visit.escalate_days", _("走访逾期逐级督办间隔"), "working days", 3, "系统默认", least=1, most=30),
    _p("sweep.remind_days", _("集中排查截止前提醒天数"), "days", 3, "系统默认", least=0, most=30),
    _p("sweep.follow_days", _("未排查到的家庭补走访期限"), "working days", 10, "系统默认", least=1, most=60),
    _p("move.release_days", _("家庭转出办理期限"), "working days", 5, "系统默认", least=1, most=30),
    _p("code.phone_hour", _("每个手机号每小时发送验证码次数"), "times", 3, "系统默认", least=1, most=20),
    _p("code.phone_day", _("每个手机号每天发送验证码次数"), "times", 10, "系统默认", least=1, most=50),
    _p("code.network_hour", _("同一网络每小时发送验证码次数"), "times", 60, "系统默认", least=5, most=5000),
    _p("code.all_hour", _("全省每小时发送验证码次数"), "times", 20000, "系统默认", least=100, most=1000000),
    _p("move_overlap_months", _("迁移后原地继续发放月数"), "months", 3, "系统默认", most=6),
]
PROCEDURES: dict[str, Procedure] = {parameter.name: parameter for parameter in _ALL}


def declare(*parameters: Procedure) -> None:
    """Add parameters of a room, at start-up. Raises KeyError for a name that is taken or that lies outside of `procedure.`."""
    for parameter in parameters:
        if parameter.name in PROCEDURES or not parameter.name.startswith("procedure."):
            raise KeyError(parameter.name)
        PROCEDURES[parameter.name] = parameter


def shown_value(value: Any, unit: str) -> str:
    """630 yuan -> 630.00, 0.30 -> 0.3, bands -> 分档, None -> 停用."""
    if value is None:
        return gettext("停用")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return str(CHOICES.get(str(value), value))
    if unit == "switch":
        return gettext("是") if number else gettext("否")
    return f"{number:,.2f}" if unit.startswith("yuan") else f"{number.normalize():,f}"
