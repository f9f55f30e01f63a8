"""Menu entries of the API."""

from django.utils.translation import gettext_lazy as _

from doudi.core import menu

menu.add("system", _("接口客户端"), "api:clients", "api.manage", 40)
