"""Menu entries of community care."""

from django.utils.translation import gettext_lazy as _

from doudi.core import menu

menu.add("community", _("关爱对象"), "community:people", "community.view", 10)
menu.add("community", _("我的帮扶对象"), "community:mine", "community.mine", 5)
menu.add("community", _("落实帮扶责任人"), "community:assign", "community.contacts", 15)
menu.add("community", _("帮扶责任人"), "community:contacts", "community.view", 20)
menu.add("community", _("关爱对象类别"), "community:groups", "community.view", 40)
menu.add("community", _("明白卡"), "community:cards", "community.cards", 25)
menu.add("community", _("本地服务"), "community:services", "community.view", 35)
menu.add("community", _("心理疏导"), "community:counselling", "counselling.list", 30)
menu.add("community", _("服务应急响应预案"), "community:plans", "plans.view", 45)
