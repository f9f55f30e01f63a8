"""Words of what happens to a case (`CaseEvent.what`), and which section one must be able to read to see it. Parts of the room add theirs by `add`."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

EVENTS: dict[str, str | Promise] = {
    "opened": _("立案登记"),
    "reported": _("又收到报告"),
    "taken": _("接案"),
    "handed_on": _("变更责任人"),
    "helper_added": _("增加协办人"),
    "helper_released": _("协办结束"),
    "placed": _("确定所在地"),
    "section": _("填写档案"),
    "gap_alone": _("发现无人照料"),
    "gap_alone_end": _("有人照料"),
    "gap_guardian": _("发现监护缺失"),
    "gap_guardian_end": _("监护恢复"),
    "assessed": _("监护状况评估"),
    "goal": _("制定帮扶目标"),
    "goal_closed": _("帮扶目标结束"),
    "service": _("安排服务"),
    "service_progress": _("服务进展"),
    "contact": _("跟踪回访"),
    "contact_missed": _("回访未见到人"),
    "contact_moved": _("改约回访"),
    "review": _("安排个案会商"),
    "review_held": _("召开个案会商"),
    "review_cancelled": _("取消个案会商"),
    "counselled": _("心理疏导"),
    "resource": _("链接资源"),
    "resource_ended": _("资源链接结束"),
    "closed": _("结案"),
    "reopened": _("重新立案"),
}
EVENT_SECTIONS: dict[str, str] = {
    "assessed": "assessment", "goal": "plan", "goal_closed": "plan", "service": "plan", "service_progress": "plan",
    "contact": "visits", "contact_missed": "visits", "contact_moved": "visits",
    "review": "reviews", "review_held": "reviews", "review_cancelled": "reviews", "counselled": "counselling", "resource": "resources", "resource_ended": "resources",
}  # fmt: skip


def add(what: str, label: str | Promise, section: str = "") -> None:
    """Name an event of another part; with `section`, shown to those alone who read that section."""
    EVENTS[what] = label
    if section:
        EVENT_SECTIONS[what] = section
