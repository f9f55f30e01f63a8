"""Messages that the portal sends."""

from django.utils.translation import gettext_lazy as _

from doudi.core.messaging import Template, templates

templates.add(
    Template(
        "portal.registered", _("网上申请已登记"), to="people", zh="您的网上申请 {number} 已登记，正在办理；可用编号和本手机号查询进度。",
        en="Your online application {number} has been registered; follow it with the number and this phone.",
    ),
    Template(
        "portal.again", _("同一人又提交了网上申请"), to="people",
        zh="又收到您的一件网上申请 {again}，与 {number} 一并办理；凭 {number} 和本手机号查询进度。不是您提交的请拨 12345。",
        en="We received another online application of yours ({again}); it is handled with {number}, which you can follow with this phone. If it was not you, call 12345.",
    ),
    Template(
        "portal.declined", _("网上申请未登记"), to="people", zh="您的网上申请 {number} 有答复，请用编号和本手机号查询，或拨打 12345。",
        en="There is an answer to your online application {number}; look it up with the number and this phone, or call 12345.",
        always=True,  # an application that is not taken up is answered, whoever wants no messages
    ),
)  # fmt: skip
