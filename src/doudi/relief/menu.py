"""Entries of 急难救助 in the side menu."""

from django.utils.translation import gettext_lazy as _

from doudi.core import menu

menu.add("relief", _("物价联动"), "relief:prices", "prices.view", 40)
