"""What discovery does every day and in every round of the worker."""

from __future__ import annotations

from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from doudi.core import periodic
from doudi.discovery import services
from doudi.discovery.services import inbox, referring, telling


def escalate(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Overdue leads go up a level."""
    done = services.escalate(on=on, now=now, area=area)
    return {"escalated": done.escalated, "released": done.released}


def late_deliveries(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Departments' files that have not come."""
    return services.raise_late(area=area, on=on, now=now)


def visits(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Visits that the plans make due, and those that were missed."""
    done = services.make_due(area=area, on=on, now=now)
    return {"made": done.made, "nearer": done.nearer, "ended": done.ended, "missed": done.missed, "escalated": done.escalated}


def sweeps(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Lists of open sweeps, their visitors and reminders."""
    done = services.run_sweeps(area=area, on=on, now=now)
    return {"listed": done.listed, "given": done.given, "left": done.left, "reminded": done.reminded}


def visit_devices(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Keys of visitors' phones that are not in use any more."""
    return {"closed": services.close_devices(area=area, on=on, now=now)}


def clear_inbox(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Plain files that were taken in long ago."""
    return {"removed": inbox.clear(area=area, now=now)}


periodic.every_round("discovery.inbox", inbox.scan)
periodic.every_round("discovery.referrals", referring.take_waiting)
periodic.every_round("discovery.passed", telling.tell_passed)
periodic.daily("discovery.clear_inbox", _("清理接收文件夹"), clear_inbox, figures={"removed": _("已清理")})
periodic.daily(
    "discovery.late_deliveries",
    _("提醒逾期未报的部门数据"),
    late_deliveries,
    acts=["discovery.deliver"],
    figures={"late": _("逾期"), "raised": _("新提醒"), "finished": _("已办结")},
)
periodic.daily(
    "discovery.escalate",
    _("督办超期线索"),
    escalate,
    acts=["discovery.escalate"],
    figures={"escalated": _("已督办"), "released": _("已转交")},
)
periodic.daily(
    "discovery.visits",
    _("安排走访"),
    visits,
    level=6,
    acts=["visits.due"],
    figures={"made": _("新安排"), "nearer": _("提前"), "ended": _("不再走访"), "missed": _("逾期"), "escalated": _("已督办")},
)
periodic.daily(
    "discovery.sweeps",
    _("更新集中排查名单"),
    sweeps,
    level=6,
    acts=["sweeps.due"],
    figures={"listed": _("新列入"), "given": _("已分派"), "left": _("已不在此地"), "reminded": _("新提醒")},
)
periodic.daily(
    "discovery.visit_devices",
    _("停用走访手机"),
    visit_devices,
    level=6,
    acts=["visits.due"],
    figures={"closed": _("已停用")},
)
