"""Entries of 救助办理 in the side menu."""

from django.utils.translation import gettext_lazy as _

from doudi.core import menu

menu.add("enrolment", _("异议与投诉"), "complaints:list", "complaints.view", 60)
menu.add("enrolment", _("异议投诉质量"), "complaints:quality", "complaints.assign", 65)
