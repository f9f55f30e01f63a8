"""Entries of 未成年人保护 in the side menu."""

from django.utils.translation import gettext_lazy as _

from doudi.core import menu

menu.add("minors", _("个案"), "protection:cases", "protection.view", 10)
menu.add("minors", _("登记个案"), "protection:new", "protection.report", 20)
menu.add("minors", _("监护空档"), "protection:gaps", "protection.care_view", 15)
menu.add("minors", _("临时照料和监护"), "protection:cares", "protection.care_view", 30)
menu.add("minors", _("转介"), "protection:referrals", "protection.referrals", 40)
menu.add("minors", _("照料补贴"), "protection:claims", "protection.care_view", 60)
menu.add("minors", _("强制报告"), "protection:reports", "protection.reports", 50)
menu.add("minors", _("未成年人走访"), "protection:visits", "protection.view", 25)
