"""Menu entries of the API."""

from django.utils.translation import gettext_lazy as _

from doudi.core import menu

menu.add("settings", _("信息共享同意"), "api:consents", "spdci.consent", 50)
menu.add("system", _("接口客户端"), "api:clients", "api.manage", 40)
