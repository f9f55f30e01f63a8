"""The entry of assessments in the side menu."""

from django.utils.translation import gettext_lazy as _

from doudi.core import menu

menu.add("households", _("测算说明"), "assessment:list", "assessment.view", 50)
