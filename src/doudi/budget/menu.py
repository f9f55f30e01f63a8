"""Entries of the budget in the side menu."""

from django.utils.translation import gettext_lazy as _

from doudi.core import menu

menu.add("payments", _("下年预算"), "budget:index", "budget.view", 70)
menu.add("payments", _("预算执行"), "budget:running", "budget.view", 75)
