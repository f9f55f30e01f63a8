"""What volunteers and organisations are told on their phones: the kind and the township, never whose need it is."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from doudi.core.messaging import PEOPLE, Template, templates

templates.add(
    Template(
        "board.offer", _("志愿服务邀请"), to=PEOPLE,
        zh="有一项志愿服务邀请您：{kind}，{place}。请在 {until} 前登录志愿者页面答复，逾期将邀请他人。",
        en="You are asked to help: {kind}, {place}. Please answer on the volunteers' page by {until}; after that others are asked.",
    ),
    Template(
        "board.taken", _("志愿服务报名已确认"), to=PEOPLE,
        zh="您报名的志愿服务已确认：{kind}，{place}。请登录志愿者页面查看联系方式。",
        en="You have been taken for: {kind}, {place}. The contact is on the volunteers' page.",
    ),
    Template(
        "board.ended", _("志愿服务不再需要"), to=PEOPLE,
        zh="您接下的志愿服务（{kind}，{place}）已不再需要或改由他人办理，请不必前往。谢谢您。",
        en="The help you took on ({kind}, {place}) is no longer wanted or is done by somebody else; please do not set out. Thank you.",
    ),
    Template(
        "board.call", _("志愿者召集"), to=PEOPLE,
        zh="志愿者召集：{title}，集合地点{place}，需要 {wanted} 人，{until} 前有效。请登录志愿者页面答复，没有答复的请不要前往。",
        en="Volunteers called: {title}, meeting at {place}, {wanted} wanted, until {until}. Please answer on the volunteers' page and do not come without.",
    ),
    Template(
        "board.enough", _("志愿者召集已满"), to=PEOPLE,
        zh="志愿者召集“{title}”人数已够，没有报名的请不要前往。谢谢您。",
        en="The call for volunteers \"{title}\" has enough people; who has not signed up, please do not come. Thank you.",
    ),
)  # fmt: skip
