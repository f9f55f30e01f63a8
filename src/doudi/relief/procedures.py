"""What places set of how relief is done."""

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from doudi.core.parameters import Procedure, declare

declare(
    Procedure("procedure.prices.enter_day", _("价格指数录入期限（公布当月）"), "day of month", Decimal(18), "系统默认", False, 9, 28),
    Procedure("procedure.prices.propose_days", _("价格临时补贴提出期限（月末前）"), "working days", Decimal(5), "系统默认", False, 1, 15),
)
