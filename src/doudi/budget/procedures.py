"""What places set of budgets (标准与参数): each level's share of a fund, and when counties hand in."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from doudi.budget.models import Level
from doudi.core.parameters import Procedure, declare

SHARE = "procedure.budget.share"
DUE = "procedure.budget.due_month_day"
FUNDS = {"assistance": _("困难群众救助补助资金"), "disability": _("残疾人两项补贴资金")}
LABELS = {
    ("assistance", "central"): _("困难群众救助补助资金中央负担比例"),
    ("assistance", "province"): _("困难群众救助补助资金省级负担比例"),
    ("assistance", "city"): _("困难群众救助补助资金市级负担比例"),
    ("assistance", "county"): _("困难群众救助补助资金县级负担比例"),
    ("disability", "central"): _("残疾人两项补贴资金中央负担比例"),
    ("disability", "province"): _("残疾人两项补贴资金省级负担比例"),
    ("disability", "city"): _("残疾人两项补贴资金市级负担比例"),
    ("disability", "county"): _("残疾人两项补贴资金县级负担比例"),
}


def share_of(fund: str, level: str) -> str:
    """Name of the parameter that holds a level's share of a fund; per cent."""
    return f"{SHARE}.{fund}.{level}"


# No rule of the province is known: nothing is assumed, and the whole need stands as a gap until shares are set or entered.
declare(
    *(
        Procedure(share_of(fund, level), LABELS[fund, level], "per cent", Decimal(0), "系统默认", False, 0, 100, whole=False)
        for fund in FUNDS
        for level in Level.values
    ),
    Procedure(DUE, _("下年预算上报截止日（11 月几日）"), "day of month", Decimal(30), "系统默认", False, 1, 30),
)
