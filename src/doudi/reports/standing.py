"""What waits now (在办情况): each figure is the count of a list that a room shows, so that the number and the list behind it cannot differ.

    STANDING ─▶ the list's own rows and filters ─┬▶ counted live for a county and below
                                                 └▶ by township each night ─▶ `MonthlyFigure` "now.…" ─▶ cities, the province, trends

A figure names the page, what its form is filled with, and the act of the page: who may not open the list does not see the number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, QuerySet
from django.db.models.functions import Left
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.lists import COUNT_CEILING, rows_of
from doudi.reports.models import MonthlyFigure

PIECES, PEOPLE, HOUSES = _("件"), _("人"), _("家")


@dataclass(frozen=True)
class Standing:
    """One figure. `given`: what the list's form holds; `bad`: more than none is a reason to look; `kept`: also counted nightly for the levels above."""

    key: str
    label: str | Promise
    unit: str | Promise
    page: str
    act: str
    given: tuple[tuple[str, str], ...] = ()
    bad: bool = False
    kept: bool = True

    def filled(self) -> list[tuple[str, str]]:
        """What the form holds today: `-7` stands for the day a week ago."""
        today = timezone.localdate()
        return [(name, f"{today + timedelta(days=int(value))}" if value.startswith("-") else value) for name, value in self.given]

    def url(self, area: str) -> str:
        """The list, narrowed to a place where that is not the reader's own."""
        given = [*self.filled(), *([("area", area)] if area != scopes.current().area else [])]
        return reverse(self.page) + ("?" + urlencode(given) if given else "")


@dataclass(frozen=True)
class Group:
    """Figures of one kind of work."""

    key: str
    title: str | Promise
    figures: tuple[Standing, ...]


def _f(key: str, label: Any, unit: Any, page: str, act: str, given: str = "", **more: Any) -> Standing:
    return Standing(key, label, unit, page, act, tuple(tuple(pair.split("=")) for pair in given.split("&") if pair), **more)  # type: ignore[misc]


GROUPS: tuple[Group, ...] = (
    Group("finding", _("主动发现"), (
        _f("leads.open", _("未办结线索"), _("条"), "discovery:leads", "discovery.view", "state=open"),
        _f("leads.late", _("超期线索"), _("条"), "discovery:leads", "discovery.view", "late=on", bad=True),
        _f("leads.escalated", _("督办线索"), _("条"), "discovery:leads", "discovery.view", "escalated=on", bad=True),
        _f("visits.today", _("到期及逾期走访"), _("户"), "discovery:visits", "visits.view", "when=today"),
        _f("visits.missed", _("逾期未走访"), _("户"), "discovery:visits", "visits.view", "state=missed", bad=True),
    )),
    Group("hotline", _("救助服务热线"), (
        _f("calls.ringing", _("振铃中来电"), _("通"), "discovery:calls", "hotline.view", "state=ringing", kept=False),
        _f("calls.missed", _("未接来电"), _("通"), "discovery:calls", "hotline.view", "state=missed", bad=True),
        _f("calls.lead", _("转为线索的来电"), _("通"), "discovery:calls", "hotline.view", "outcome=lead"),
    )),
    Group("deciding", _("救助办理"), (
        _f("cases.open", _("办理中的申请"), PIECES, "enrolment:cases", "enrolment.cases", "state=open"),
        _f("cases.telling", _("待告知的申请"), PIECES, "enrolment:cases", "enrolment.cases", "state=telling"),
        _f("cases.late", _("超期的申请"), PIECES, "enrolment:cases", "enrolment.cases", "late=on", bad=True),
        _f("decisions.waiting", _("待审批的决定"), PIECES, "enrolment:decisions", "enrolment.view", "state=proposed"),
        _f("reviews.open", _("动态监测待核查"), PIECES, "enrolment:reviews", "enrolment.view", "state=open"),
        _f("awards.active", _("在享待遇"), _("份"), "enrolment:awards", "enrolment.view", "state=active"),
        _f("awards.suspended", _("暂停发放"), _("份"), "enrolment:awards", "enrolment.view", "state=suspended"),
        _f("complaints.open", _("未办结异议投诉"), PIECES, "complaints:list", "complaints.view", "state=open"),
        _f("complaints.late", _("超期异议投诉"), PIECES, "complaints:list", "complaints.view", "state=late", bad=True),
    )),
    Group("relief", _("急难救助"), (
        _f("relief.open", _("待乡镇办理的临时救助"), PIECES, "relief:cases", "relief.view", "state=open"),
        _f("relief.county", _("待县级审批的临时救助"), PIECES, "relief:cases", "relief.view", "state=county"),
        _f("relief.late", _("补充说明逾期"), PIECES, "relief:cases", "relief.view", "which=late", bad=True),
    )),
    Group("money", _("资金发放"), (
        _f("returns.open", _("待更正的支付退票"), _("笔"), "payments:returns", "payments.returns", "state=open"),
        _f("returns.late", _("逾期未更正"), _("笔"), "payments:returns", "payments.returns", "late=1", bad=True),
    )),
    Group("minors", _("未成年人保护"), (
        _f("minors.open", _("在办个案"), PIECES, "protection:cases", "protection.view", "state=open", kept=False),
        _f("minors.late", _("首次到场超期"), PIECES, "protection:cases", "protection.view", "state=late", bad=True, kept=False),
        _f("minors.gaps", _("无人照料"), PEOPLE, "protection:gaps", "protection.care_view", bad=True, kept=False),
    )),
    Group("institutions", _("民政服务机构"), (
        _f("houses.running", _("运行中的机构"), HOUSES, "institutions:institutions", "institutions.view", "state=running"),
        _f("houses.silent", _("今天未上报"), HOUSES, "institutions:institutions", "institutions.view", "reported=no", bad=True),
        _f("requests.open", _("未办结协调事项"), PIECES, "institutions:requests", "requests.view", "state=open"),
        _f("requests.late", _("超期协调事项"), PIECES, "institutions:requests", "requests.view", "state=late", bad=True),
    )),
    Group("community", _("社区关爱"), (
        _f("care.people", _("关爱对象"), PEOPLE, "community:people", "community.view"),
        _f("care.bare", _("未落实帮扶责任人"), PEOPLE, "community:people", "community.view", "contact=none", bad=True),
        _f("needs.live", _("未办结需求"), _("项"), "needs:list", "needs.view", "state=live"),
        _f("needs.late", _("超期需求"), _("项"), "needs:list", "needs.view", "state=late", bad=True),
    )),
    Group("social", _("社会力量"), (
        _f("board.on", _("公布中的需求"), _("项"), "volunteering:board", "board.view", "board=on"),
        _f("organisations.active", _("参与的组织"), HOUSES, "volunteering:organisations", "volunteering.view", "state=active"),
    )),
    Group("watching", _("查阅与任务"), (
        _f("access.refused", _("近7天被拒绝的查阅"), _("次"), "audit", "audit.view", "what=refused&since=-7", bad=True, kept=False),
        _f("access.exports", _("近7天数据导出"), _("次"), "audit", "audit.view", "what=export&since=-7", kept=False),
        _f("access.reveals", _("近7天查看完整信息"), _("次"), "audit", "audit.view", "what=reveal&since=-7", kept=False),
        _f("daily.failed", _("未完成的定时任务"), _("次"), "daily", "tasks.watch", "done=0", bad=True, kept=False),
    )),
)  # fmt: skip
FIGURES: dict[str, Standing] = {figure.key: figure for group in GROUPS for figure in group.figures}


def rows(figure: Standing, area: str) -> QuerySet[Any]:
    """The rows of the list behind a figure, as its page would show them under the acting scope."""
    given = figure.filled()
    return rows_of(figure.page, [*given, ("area", area)] if area != scopes.current().area else given)


def live(figure: Standing, area: str) -> int:
    """How many there are now; one query. Above the county no further than a list counts (`COUNT_CEILING` and one)."""
    found = rows(figure, area).order_by()
    return found.count() if len(area) >= 6 else found[: COUNT_CEILING + 1].count()


def count(*, area: str, month: date, now: datetime) -> int:
    """What waits, by township, as figures `now.…` of the running month; returns how many were written. One query a figure and one insert."""
    made = []
    for figure in FIGURES.values():
        if not figure.kept:
            continue
        found = rows(figure, area).order_by().annotate(counted_place=Left("area", 9)).values_list("counted_place").annotate(n=Count("pk", distinct=True))
        made += [MonthlyFigure(area=place, month=month, key=f"now.{figure.key}", value=Decimal(n), counted_at=now) for place, n in found]
    MonthlyFigure.objects.bulk_create(made, batch_size=5_000)
    return len(made)


def visible() -> list[tuple[Group, list[Standing]]]:
    """Groups and figures that the acting duty may open."""
    found = [(group, [figure for figure in group.figures if duties.may(figure.act)]) for group in GROUPS]
    return [(group, figures) for group, figures in found if figures]
