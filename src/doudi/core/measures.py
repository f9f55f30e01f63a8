"""The eight measures (八项举措), clause by clause: where each lives in the system and its figure.

Rooms register what they have built in `AppConfig.ready()`:

    measures.serve("1.2", "discovery:leads", act="discovery.view", counts=compared_leads, says=lambda numbers: (numbers["n"], _("条线索")))

`counts` names rows, or several by name, that belong to places: their numbers add up, so the reports count them each night and a county, city or province
reads sums; `says` makes the figure of the numbers. What does not add up over places (it is seen from above or below, or belongs to today) gives `figure`
instead and is asked at each opening. A clause that no room serves yet says so: nothing is claimed that is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, Sum
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from doudi.core import duties

Figure = Callable[[], tuple[object, str]]
Rows = Callable[[], QuerySet[Any]]
Numbers = Mapping[str, Decimal]
Says = Callable[[Numbers], tuple[object, str]]
Tally = Callable[[], Mapping[tuple[str, str], Decimal]]

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

    `counts` (name -> rows with an `area`) and `tally` ((area, name) -> number, for what rows do not give) are what adds up over places, `says` the figure of
    those numbers; without them the figure is live alone. `confidential`: told to who may open the rows and nobody else.

    Behind each figure stands a list of one of two kinds. `given`: how the page's own form is filled in, so that it has as many rows as the figure says.
    `rows`: the rows that are counted, listed by the reports (`reports/clause_lists.py`) for who may `rows_act`; `value` names the field that is added up
    where not the rows are counted; with `part` the figure is a share, and these are the rows above the line.
    """

    url_name: str
    act: str | None
    figure: Figure
    given: str = ""
    rows: Rows | None = None
    rows_act: str | None = None
    value: str = ""
    part: bool = False
    counts: Mapping[str, Rows] = field(default_factory=dict)
    tally: Tally | None = None
    says: Says | None = None
    confidential: bool = False

    @property
    def told(self) -> bool:
        """Whether the acting duty is told the figure."""
        return not self.confidential or self.rows_act is None or duties.may(self.rows_act)

    @property
    def url(self) -> str:
        return reverse(self.url_name)

    def counted(self) -> Decimal:
        """What the rows add up to; one query."""
        assert self.rows is not None
        return added(self.rows(), self.value)


_served: dict[str, Served] = {}


def added(rows: QuerySet[Any], value: str = "") -> Decimal:
    """The number of rows, or the sum of one of their fields; one query."""
    if value:
        return Decimal(rows.order_by().aggregate(value=Sum(value))["value"] or 0)
    return Decimal(rows.order_by().count())


def share(part: Decimal | int, whole: Decimal | int, digits: int = 1) -> str:
    """A share as it is shown; a dash of nothing."""
    return f"{part / whole:.{digits}%}" if whole else "—"


def live(counts: Mapping[str, Rows], tally: Tally | None) -> dict[str, Decimal]:
    """What adds up, counted now under the acting scope; a query a name."""
    found = {name: added(rows()) for name, rows in counts.items()}
    for (_area, name), number in (tally() if tally else {}).items():
        found[name] = found.get(name, Decimal(0)) + number
    return found


def serve(
    clause: str, url_name: str, *, act: str | None, figure: Figure | None = None, counts: Rows | Mapping[str, Rows] | None = None, tally: Tally | None = None,
    says: Says | None = None, given: str = "", rows: Rows | None = None, rows_act: str | None = None, value: str = "", part: bool = False,
    confidential: bool = False,
) -> None:  # fmt: skip
    """Say that a room serves a clause (`Served` tells the rest): with `figure`, or with `says` and `counts` (rows alone are named `n`) or `tally`.

    Unknown clauses raise KeyError, a figure said twice or not at all ValueError.
    """
    if clause not in CLAUSES:
        raise KeyError(clause)
    named = {"n": counts} if callable(counts) else dict(counts or {})
    if (figure is None) == (says is None) or (says is None) != (not named and tally is None):
        raise ValueError(clause)
    made: Figure = figure or (lambda: says(live(named, tally)))  # type: ignore[misc]
    _served[clause] = Served(url_name, act, made, given, rows, rows_act or act, value, part, named, tally, says, confidential)


def served(clause: str) -> Served | None:
    return _served.get(clause)
