"""Menu entries of reports."""

from django.utils.translation import gettext_lazy as _

from doudi.core import menu

menu.add("reports", _("八项举措"), "reports:measures", "reports.view", 10)
