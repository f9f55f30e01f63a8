"""Messages that core sends."""

from django.utils.translation import gettext_lazy as _

from doudi.core.messaging import PEOPLE, STAFF, Template, templates

templates.add(
    Template(
        "emergency.declared",
        _("应急状态"),
        to=STAFF,
        zh="{place}自 {starts} 起进入应急状态（{title}），截止日：{last}。请按应急要求办理走访、救助等工作。",
        en="{place} is in a state of emergency from {starts} ({title}), last day: {last}. Please work by the rules that hold meanwhile.",
    ),
    Template(
        "emergency.extended",
        _("应急状态延长"),
        to=STAFF,
        zh="{place}的应急状态（{title}）延长，截止日：{last}。",
        en="The state of emergency of {place} ({title}) was extended, last day: {last}.",
    ),
    Template(
        "emergency.lifted",
        _("应急状态解除"),
        to=STAFF,
        zh="{place}的应急状态（{title}）自 {ends} 起解除。",
        en="The state of emergency of {place} ({title}) is lifted from {ends}.",
    ),
    Template(
        "emergency.switched",
        _("应急措施变更"),
        to=STAFF,
        zh="应急状态（{title}）：自 {starts} 起{what}“{measure}”。",
        en="State of emergency ({title}): “{measure}” {what} from {starts}.",
    ),
    Template(
        "phone.code",
        _("短信验证码"),
        to=PEOPLE,
        zh="验证码 {code}，{minutes} 分钟内有效。工作人员不会向您索要验证码；如非本人操作，不必理会。",
        en="Code {code}, valid for {minutes} minutes. Our staff never ask you for it; if you did not ask for it, do nothing.",
        secret=True,
        always=True,
    ),
)
