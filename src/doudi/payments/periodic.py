"""What payments does every day."""

from django.utils.translation import gettext_lazy as _

from doudi.core import periodic
from doudi.payments.services import cover, proof
from doudi.payments.services.reminding import remind

periodic.daily(
    "payments.calendar", _("发放日历提醒"), remind, level=6, acts=["payments.remind"],
    figures={"asked": _("新待办"), "warned": _("已提醒"), "late": _("逾期环节")},
)  # fmt: skip
periodic.daily(
    "payments.proof", _("资金对账"), proof.nightly, level=6, acts=["payments.view"], figures={"payrolls": _("批次"), "differences": _("不符")}
)
periodic.daily(
    "payments.cover", _("资金保障月数预警"), cover.nightly, level=6, acts=["payments.view"], figures={"short": _("不足"), "ended": _("已恢复")}
)
