"""What payments does every day."""

from django.utils.translation import gettext_lazy as _

from doudi.core import periodic
from doudi.payments.services.reminding import remind

periodic.daily(
    "payments.calendar", _("发放日历提醒"), remind, level=6, acts=["payments.remind"],
    figures={"asked": _("新待办"), "warned": _("已提醒"), "late": _("逾期环节")},
)  # fmt: skip
