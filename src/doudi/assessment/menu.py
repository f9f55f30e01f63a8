"""Entries of assessments in the side menu."""

from django.utils.translation import gettext_lazy as _

from doudi.core import menu

menu.add("reports", _("政策测算"), "assessment:what_ifs", "assessment.whatif", 60)
menu.add("households", _("测算说明"), "assessment:list", "assessment.view", 50)
