"""What payments does every day."""

from __future__ import annotations

from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from doudi.core import periodic
from doudi.payments.services import account_checks, cover, overpayments, proof, recovery, repairs
from doudi.payments.services.reminding import remind


def check_accounts(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Accounts of a county that are missing, malformed or shared."""
    return {"found": sum(account_checks.check_accounts(area=area, on=on, now=now).values())}


def late_returns(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Returned lines that their townships have not corrected in time."""
    return {"late": repairs.remind_late(area=area, on=on, now=now)}


periodic.daily(
    "payments.calendar", _("发放日历提醒"), remind, level=6, acts=["payments.remind"],
    figures={"asked": _("新待办"), "warned": _("已提醒"), "late": _("逾期环节")},
)  # fmt: skip
def find_overpaid(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Months that were paid beyond what was due; instalments that are due."""
    return {
        "found": overpayments.find_overpayments(area=area, on=on, now=now),
        "reminded": recovery.remind_instalments(area=area, on=on, now=now),
    }


periodic.daily(
    "payments.overpayments", _("多发比对和退款提醒"), find_overpaid, level=6, acts=["payments.overpayments"], figures={"found": _("新发现"), "reminded": _("提醒")}
)
periodic.daily("payments.accounts", _("账户核查"), check_accounts, level=6, acts=["payments.accounts"], figures={"found": _("问题")})
periodic.daily("payments.returns", _("支付退票逾期提醒"), late_returns, level=6, acts=["payments.returns"], figures={"late": _("逾期")})
periodic.daily(
    "payments.proof", _("资金对账"), proof.nightly, level=6, acts=["payments.view"], figures={"payrolls": _("批次"), "differences": _("不符")}
)
periodic.daily(
    "payments.cover", _("资金保障月数预警"), cover.nightly, level=6, acts=["payments.view"], figures={"short": _("不足"), "ended": _("已恢复")}
)
