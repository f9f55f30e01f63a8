"""What community care does every day and in every round of the worker."""

from __future__ import annotations

from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from doudi.community import services
from doudi.community.services import activating, counselling
from doudi.core import periodic


def groups(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Birthdays, facts and awards of the day; contacts without a posting; villages with somebody without a contact."""
    done = services.derive(area=area, on=on, now=now)
    ended = services.end_without_posting(area=area, on=on, now=now)
    services.tell_gaps(area=area, now=now)
    cards = services.refresh(area=area, on=on)
    files = services.drop_files(area=area, on=on, now=now)
    counselling.call_off_of_dead(area=area, now=now)
    return {"joined": done.joined, "changed": done.changed, "left": done.left, "ended": ended, "cards": cards, "files": files}


def plans(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Activations whose time is over end by themselves."""
    return {"ended": activating.end_over(area=area, on=on, now=now)}


periodic.daily("community.plans", _("到期结束预案启动"), plans, acts=["plans.clocks"], figures={"ended": _("已结束")})
periodic.every_round("community.groups", services.derive_changed)
periodic.daily(
    "community.groups",
    _("更新关爱对象"),
    groups,
    level=6,
    acts=["community.derive"],
    figures={"joined": _("新列入"), "changed": _("类别变化"), "left": _("退出"), "ended": _("责任人停任"), "cards": _("明白卡内容有变化"), "files": _("到期删除的打印文件")},
)
