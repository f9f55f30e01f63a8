"""Entries of 社会力量 in the side menu."""

from django.utils.translation import gettext_lazy as _

from doudi.core import doors, menu

menu.add("volunteering", _("社会资源"), "resources:register", "resources.view", 50)
menu.add("volunteering", _("购买服务合同"), "resources:contracts", "purchases.contracts", 60)
menu.add("volunteering", _("购买服务记录"), "resources:services", "purchases.view", 65)
menu.add("volunteering", _("捐赠管理"), "resources:donations", "donations.view", 70)
menu.add("volunteering", _("捐赠送达"), "resources:allocations", "donations.arrivals", 75)
doors.add("donations", _("捐赠公示"), _("收到多少、给了谁、送到没有。"), "gift", "resources:public_donations", 70)
