"""The entries of relief in the side menu."""

from django.utils.translation import gettext_lazy as _

from doudi.core import menu

menu.add("relief", _("临时救助"), "relief:cases", "relief.view", 10)
menu.add("relief", _("先行救助"), "relief:first", "relief.grant", 15)
menu.add("relief", _("乡镇备用金"), "payments:reserves", "payments.reserve_view", 30)
menu.add("relief", _("流浪乞讨人员救助"), "relief:vagrants", "vagrants.view", 20)
menu.add("relief", _("特困照料护理"), "relief:agreements", "relief.view", 50)
menu.add("relief", _("特困丧葬费"), "relief:funerals", "relief.view", 55)
menu.add("relief", _("物价联动"), "relief:prices", "prices.view", 40)
