"""The registry's entries in the side menu."""

from django.utils.translation import gettext_lazy as _

from doudi.core import menu

menu.add("households", _("救助家庭"), "registry:households", "registry.view", 10)
menu.add("households", _("人员查询"), "registry:people", "registry.view", 20)
menu.add("households", _("批量导入"), "registry:import", "registry.import", 25)
menu.add("households", _("外地救助查询"), "registry:look_up", "registry.edit", 30)
menu.add("households", _("家庭转移"), "registry:moves", "registry.release", 40)
