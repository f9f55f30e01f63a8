"""Procedure parameters: what places set of how work is done. The law's own amounts and thresholds are in `openfisca_henan`.

Each has a default with its source; a confirmed row of the nearest place (village to province) lies over it (`settings_overlay.get_setting`).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Procedure:
    """One parameter: whole numbers of `unit` (or amounts in yuan), from `least` to `most`."""

    name: str
    label: str | Promise
    unit: str
    default: Decimal
    source: str
    verified: bool
    least: int = 0
    most: int = 366

    def problem(self, text: str) -> str | None:
        """Why a value cannot stand, or None."""
        try:
            number = Decimal(text.strip())
        except InvalidOperation:
            return str(_("“%(label)s”的值“%(text)s”不是数字")) % {"label": self.label, "text": text}
        if not number.is_finite() or not self.least <= number <= self.most:
            return str(_("“%(label)s”应在 %(least)s 至 %(most)s 之间")) % {"label": self.label, "least": self.least, "most": self.most}
        if self.unit != "yuan" and number != number.to_integral_value():
            return str(_("“%(label)s”应为整数")) % {"label": self.label}
        return None


def _p(
    name: str, label: str | Promise, unit: str, default: int, source: str, verified: bool = False, *, least: int = 0, most: int = 366
) -> Procedure:
    return Procedure("procedure." + name, label, unit, Decimal(default), source, verified, least, most)


_ALL = [
    _p("lead.red_days", _("红色预警处置期限"), "working days", 3, "系统默认"),
    _p("lead.orange_days", _("橙色预警处置期限"), "working days", 7, "系统默认"),
    _p("lead.yellow_days", _("黄色预警处置期限"), "working days", 15, "系统默认"),
    _p("publicity_days", _("公示期"), "days", 7, "低保审核确认办法：公示 7 日", True, least=1, most=30),
    _p("confirm_days", _("审核确认期限"), "working days", 10, "低保审核确认办法", True, least=1, most=60),
    _p("refusal_notice_days", _("不予确认告知期限"), "working days", 3, "低保审核确认办法", True, least=1, most=30),
    _p("marginal_confirm_days", _("低保边缘家庭审核确认期限"), "working days", 5, "低保边缘家庭认定办法", True, least=1, most=60),
    _p("emergency_papers_days", _("急难型救助补办手续期限"), "working days", 10, "国发〔2014〕47号"),
    _p("move_release_days", _("迁移放行期限"), "working days", 5, "系统默认"),
    _p("move_overlap_months", _("迁移后原地继续发放月数"), "months", 3, "系统默认", most=6),
    _p("payment_day", _("到账期限"), "day of month", 10, "举措 4.3：每月 10 日前", True, least=1, most=28),
    _p("payroll_lead_days", _("发放批次提前天数"), "working days", 6, "系统默认", least=1, most=20),
    _p("account_cooling_days", _("账户变更冷静期"), "days", 7, "系统默认", most=60),
]  # fmt: skip
PROCEDURES: dict[str, Procedure] = {parameter.name: parameter for parameter in _ALL}
