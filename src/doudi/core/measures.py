"""The eight measures (八项举措), clause by clause: where each lives in the system and its live figure.

Rooms register what they have built in `AppConfig.ready()`:

    measures.serve("1.2", "discovery:leads", act="discovery.view", figure=lambda: (Lead.objects.count(), _("条线索")))

A clause that no room serves yet says so: nothing is claimed that is not there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Figure = Callable[[], tuple[object, str]]

MEASURES: dict[int, str | Promise] = {
    1: _("主动发现"),
    2: _("基本生活救助"),
    3: _("急难和临时救助"),
    4: _("资金发放"),
    5: _("未成年人保护"),
    6: _("民政服务机构"),
    7: _("社区关爱"),
    8: _("社会力量"),
}

CLAUSES: dict[str, str | Promise] = {
    "1.1": _("部门数据共享"),
    "1.2": _("信息比对"),
    "1.3": _("主动发现队伍"),
    "1.4": _("救助服务热线"),
    "1.5": _("早发现时限"),
    "1.6": _("集中排查"),
    "1.7": _("村（社区）走访"),
    "2.1": _("动态监测"),
    "2.2": _("低收入人口认定"),
    "2.3": _("单人户纳入"),
    "2.4": _("务工成本扣减"),
    "2.5": _("渐退期"),
    "2.6": _("暂停退出"),
    "3.1": _("急难发生地救助"),
    "3.2": _("先行救助"),
    "3.3": _("物价联动"),
    "3.4": _("一事一议"),
    "4.1": _("专款专用"),
    "4.2": _("财政配套"),
    "4.3": _("10 日前发放到位"),
    "4.4": _("下年预算"),
    "4.5": _("残疾人两项补贴"),
    "5.1": _("未成年人走访"),
    "5.2": _("监护缺失"),
    "5.3": _("临时监护"),
    "5.4": _("救助保护机构"),
    "6.1": _("每日报告"),
    "6.2": _("专项工作组"),
    "6.3": _("协调事项"),
    "7.1": _("社区发现机制"),
    "7.2": _("应急响应预案"),
    "7.3": _("逐户走访"),
    "7.4": _("明白卡"),
    "7.5": _("帮扶责任人"),
    "7.6": _("走访慰问"),
    "8.1": _("慈善、志愿组织"),
    "8.2": _("社会工作服务站"),
    "8.3": _("供需对接"),
}


@dataclass(frozen=True)
class Served:
    """Where a clause lives: the page, who may open it, and the figure (value, unit) under the reader's scope.

    `given`: how the page's form is filled in for the figure, so that the list it opens has as many rows; empty where the figure is a share or has no list.
    """

    url_name: str
    act: str | None
    figure: Figure
    given: str = ""

    @property
    def url(self) -> str:
        return reverse(self.url_name) + (f"?{self.given}" if self.given else "")


_served: dict[str, Served] = {}


def serve(clause: str, url_name: str, *, act: str | None, figure: Figure, given: str = "") -> None:
    """Say that a room serves a clause. Unknown clauses raise KeyError."""
    if clause not in CLAUSES:
        raise KeyError(clause)
    _served[clause] = Served(url_name, act, figure, given)


def served(clause: str) -> Served | None:
    return _served.get(clause)
