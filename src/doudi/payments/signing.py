"""Who may approve how much (签批权限): duties in rising order, each up to its dated limit of the county; the last signs everything.

The limit is looked up when a payroll is checked, the duty is written on it, and the database asks for a posting of that duty or one above.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from doudi.core.models import Duty
from doudi.core.parameters import Procedure, declare
from doudi.core.settings_overlay import get_setting

APART = "procedure.payroll.checker_apart"
# the trigger `payroll_signed` names the same duties in the same order
BANDS = (
    (Duty.COUNTY_APPROVER, "procedure.payroll.sign.county_approver"),
    (Duty.COUNTY_DIRECTOR, ""),
)
declare(
    Procedure(BANDS[0][1], _("县级审批人审批发放批次的金额上限（0 为不限）"), "yuan", Decimal(0), "系统默认", False, 0, 9_999_999_999, False),
    Procedure(APART, _("复核人不得是编制人"), "switch", Decimal(1), "系统默认", False, 0, 1),
)


def signer_of(*, area: str, amount: Decimal, on: date) -> str:
    """The duty that must approve this amount, in yuan."""
    for duty, parameter in BANDS[:-1]:
        limit = get_setting(parameter, area, on)
        if not limit or amount <= limit:
            return duty.value
    return BANDS[-1][0].value


def may_sign(duty: str, signer: str) -> bool:
    """Whether a duty is the one that must sign, or one above it."""
    order = [each.value for each, _parameter in BANDS]
    return duty in order and order.index(duty) >= order.index(signer or order[0])
