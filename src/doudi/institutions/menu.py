"""Entries of 民政服务机构 in the side menu."""

from django.utils.translation import gettext_lazy as _

from doudi.core import menu

menu.add("institutions", _("专项工作组"), "institutions:groups", "group.view", 60)
