"""Entries of 未成年人保护 in the side menu."""

from django.utils.translation import gettext_lazy as _

from doudi.core import menu

menu.add("minors", _("个案"), "protection:cases", "protection.view", 10)
menu.add("minors", _("登记个案"), "protection:new", "protection.report", 20)
