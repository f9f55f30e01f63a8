"""Entries of 社会力量 in the side menu."""

from django.utils.translation import gettext_lazy as _

from doudi.core import doors, menu

menu.add("volunteering", _("社会组织"), "volunteering:organisations", "volunteering.view", 10)
menu.add("volunteering", _("志愿者"), "volunteering:volunteers", "volunteering.people", 20)
menu.add("volunteering", _("志愿服务活动"), "volunteering:activities", "volunteering.view", 30)
menu.add("volunteering", _("服务时长"), "volunteering:records", "volunteering.people", 40)
menu.add("volunteering", _("供需对接"), "volunteering:board", "board.view", 5)
menu.add("volunteering", _("志愿者召集"), "volunteering:calls", "board.view", 35)
doors.add("board", _("需求信息"), _("看看哪里需要帮手；不含任何人的姓名和住址。"), "clipboard-document-list", "volunteering:public_board", 45)
