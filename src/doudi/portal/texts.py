"""Messages that the portal sends."""

from django.utils.translation import gettext_lazy as _

from doudi.core.messaging import Template, templates

templates.add(
    Template(
        "portal.registered", _("网上申请已登记"), to="people", zh="您的网上申请 {number} 已登记，正在办理；可用编号和本手机号查询进度。",
        en="Your online application {number} has been registered; follow it with the number and this phone.",
    ),
    Template(
        "portal.declined", _("网上申请未登记"), to="people", zh="您的网上申请 {number} 有答复，请用编号和本手机号查询，或拨打 12345。",
        en="There is an answer to your online application {number}; look it up with the number and this phone, or call 12345.",
    ),
)  # fmt: skip
