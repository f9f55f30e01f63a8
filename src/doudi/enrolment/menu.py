"""Entries of 救助办理 in the side menu."""

from django.utils.translation import gettext_lazy as _

from doudi.core import menu

menu.add("enrolment", _("救助申请"), "enrolment:cases", "enrolment.cases", 5)
menu.add("enrolment", _("办理列表"), "enrolment:decisions", "enrolment.view", 10)
menu.add("enrolment", _("批量审批"), "enrolment:approve_many", "enrolment.approve", 20)
menu.add("enrolment", _("动态监测"), "enrolment:reviews", "enrolment.view", 35)
menu.add("enrolment", _("乡镇确认与抽查"), "enrolment:confirmed", "enrolment.view", 25)
menu.add("enrolment", _("文书制发"), "enrolment:letters", "enrolment.letters", 40)
menu.add("enrolment", _("保障待遇"), "enrolment:awards", "enrolment.view", 30)
menu.add("enrolment", _("平均补助水平"), "enrolment:averages", "enrolment.view", 36)
