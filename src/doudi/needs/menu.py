"""Entries of 社区关爱 in the side menu."""

from django.utils.translation import gettext_lazy as _

from doudi.core import menu

menu.add("community", _("我的需求"), "needs:mine", "needs.mine", 5)
menu.add("community", _("需求"), "needs:list", "needs.view", 10)
