"""Entries of 社会力量 in the side menu."""

from django.utils.translation import gettext_lazy as _

from doudi.core import menu

menu.add("volunteering", _("社会组织"), "volunteering:organisations", "volunteering.view", 10)
menu.add("volunteering", _("志愿者"), "volunteering:volunteers", "volunteering.people", 20)
menu.add("volunteering", _("志愿服务活动"), "volunteering:activities", "volunteering.view", 30)
menu.add("volunteering", _("服务时长"), "volunteering:records", "volunteering.people", 40)
