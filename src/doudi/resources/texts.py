"""Messages that purchased services send."""

from django.utils.translation import gettext_lazy as _

from doudi.core.messaging import PEOPLE, Template, templates

templates.add(
    Template(
        "service.confirm",
        _("服务确认"),
        to=PEOPLE,
        zh="{provider}登记 {day} 为您提供了服务，请打开 {url} 说明是否属实。不要把这个网址告诉别人。",
        en="{provider} recorded a service for you on {day}. Please say at {url} whether it is true. Tell nobody this address.",
    )
)
