"""Entries of 社会力量 in the side menu."""

from django.utils.translation import gettext_lazy as _

from doudi.core import doors, menu

menu.add("volunteering", _("社会组织"), "volunteering:organisations", "volunteering.view", 10)
menu.add("volunteering", _("志愿者"), "volunteering:volunteers", "volunteering.people", 20)
menu.add("volunteering", _("志愿服务活动"), "volunteering:activities", "volunteering.view", 30)
menu.add("volunteering", _("服务时长"), "volunteering:records", "volunteering.people", 40)
menu.add("volunteering", _("供需对接"), "volunteering:board", "board.view", 5)
menu.add("volunteering", _("志愿者召集"), "volunteering:calls", "board.view", 35)
doors.add("volunteer", _("志愿服务"), _("用手机号登记为志愿者，报名活动，签到，查看服务时长。"), "user-group", "volunteering:door", 40)
doors.add("board", _("需求信息"), _("看看哪里需要帮手；不含任何人的姓名和住址。"), "clipboard-document-list", "volunteering:public_board", 45)
doors.add("certificate", _("核验志愿服务记录证明"), _("输入证明上的核验码，看它是否真实有效。"), "document-check", "volunteering:certificate_check", 90)
