"""Entries of 社会力量 in the side menu."""

from django.utils.translation import gettext_lazy as _

from doudi.core import menu

menu.add("volunteering", _("社会组织"), "volunteering:organisations", "volunteering.view", 10)
