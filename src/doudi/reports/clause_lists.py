"""The list behind a clause's figure (八项举措): the rows that the room counts, with the columns in which they are shown.

Rows come from the room (`core.measures.serve`, `rows=`), so that number and list cannot differ; the room says who may open them. Columns never
tell more than the list itself: of a minor's case its number alone.
"""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from doudi.core import duties, measures
from doudi.core.lists import Column
from doudi.payments.models import FundLevel
from doudi.registry.queries import shown_name
from doudi.reports.behind import AREA, HOUSEHOLD, LEAD, PAYROLL, VISIT

Columns = tuple[Column, ...]
LEVELS = dict(FundLevel.choices)


def _child_visit_url(row: dict[str, Any]) -> str:
    return reverse("protection:case", args=[row["file"]]) if row["file"] else reverse("discovery:visit", args=[row["visit"]])


MEMBER: Columns = (
    Column(_("姓名"), lambda row: shown_name(row.name)), AREA, Column(_("类型"), "get_kind_display"), Column(_("单位"), "organisation"),
    Column(_("加入日期"), "starts", kind="day"),
)  # fmt: skip
ENTRY: Columns = (
    Column(_("户主"), lambda row: shown_name(row.name), url=lambda row: reverse("discovery:sweep", args=[row.sweep_id])), AREA,
    Column(_("排查"), "sweep.title"), Column(_("排查时间"), "done_at", kind="day"), Column(_("状态"), "get_state_display"),
)  # fmt: skip
PERSON: Columns = (
    Column(_("姓名"), lambda row: shown_name(row.name), url=lambda row: reverse("registry:person", args=[row.pk])), AREA,
    Column(_("出生日期"), "birth_date", kind="day"),
)  # fmt: skip
FACT: Columns = (
    Column(_("姓名"), lambda row: shown_name(row.person.name), url=lambda row: reverse("registry:person", args=[row.person_id])), AREA,
    Column(_("起始日期"), "starts", kind="day"), Column(_("来源"), "get_source_display"),
)  # fmt: skip
PLACE: Columns = (Column(_("地区"), "code", kind="area"), Column(_("级别"), "get_level_display"))
SUBSIDY: Columns = (
    Column(_("编号"), "number", kind="code", url=lambda row: reverse("relief:prices")), AREA, Column(_("发放月份"), "month", kind="day"),
    Column(_("人数"), "people", kind="number"), Column(_("金额（元）"), "amount", kind="money"), Column(_("审批日期"), "decided_at", kind="day"),
)  # fmt: skip
FUND: Columns = (Column(_("资金"), "name", url=lambda row: reverse("payments:purposes")), Column(_("代码"), "code", kind="code"), AREA)
RECEIVED: Columns = (
    Column(_("资金"), "fund__name", url=lambda row: reverse("payments:funds")), AREA, Column(_("级次"), lambda row: LEVELS.get(row["level"], "")),
    Column(_("下达指标"), "planned", kind="money"), Column(_("已到账"), "came", kind="money"), Column(_("计入到账"), "counts", kind="money"),
)  # fmt: skip
SCENARIO: Columns = (
    Column(_("方案"), "name", url=lambda row: reverse("budget:scenario", args=[row.pk])), AREA, Column(_("年度"), lambda row: str(row.year)),
    Column(_("金额（元）"), "amount", kind="money"), Column(_("上报日期"), "submitted_at", kind="day"), Column(_("状态"), "get_state_display"),
)  # fmt: skip
CHILD_VISIT: Columns = (
    Column(_("户主或个案"), lambda row: row["number"] if row["file"] else shown_name(row["number"]), url=_child_visit_url), AREA,
    Column(_("走访时间"), "done_at", kind="day"), Column(_("种类"), lambda row: _("个案回访") if row["file"] else _("入户走访")),
)  # fmt: skip
MINOR: Columns = (
    Column(_("个案编号"), "number", kind="code", url=lambda row: reverse("protection:case", args=[row.pk])), AREA, Column(_("状态"), "get_state_display"),
)  # fmt: skip
HOUSE: Columns = (
    Column(_("机构"), "name", url=lambda row: reverse("institutions:institution", args=[row.pk])), AREA, Column(_("类型"), "get_kind_display"),
    Column(_("最近上报"), "last_report_on", kind="day"),
)  # fmt: skip
PLAN: Columns = (
    Column(_("村（社区）"), "area", kind="area", url=lambda row: reverse("community:plan", args=[row.pk])), Column(_("版次"), "number", kind="number"),
    Column(_("批准日期"), "decided_at", kind="day"),
)  # fmt: skip
CARE: Columns = (
    Column(_("姓名"), lambda row: shown_name(row.person.name), url=lambda row: reverse("community:person", args=[row.pk])), AREA,
    Column(_("帮扶责任人"), lambda row: shown_name(row.contact.name)), Column(_("落实日期"), "contact_since", kind="day"),
)  # fmt: skip
CARD: Columns = (
    Column(_("姓名"), lambda row: shown_name(row.care.person.name), url=lambda row: reverse("community:person", args=[row.care_id])), AREA,
    Column(_("版次"), "printed_version", kind="number"), Column(_("打印日期"), "printed_at", kind="day"),
)  # fmt: skip
SERVICE: Columns = (
    Column(_("服务对象"), lambda row: shown_name(row.recipient), url=lambda row: reverse("resources:service", args=[row.pk])), AREA,
    Column(_("服务日期"), "day", kind="day"), Column(_("服务内容"), "line.name"), Column(_("金额（元）"), "amount", kind="money"), Column(_("状态"), "get_state_display"),
)  # fmt: skip
OFFER: Columns = (
    Column(_("需求编号"), "need.number", kind="code", url=lambda row: reverse("needs:need", args=[row.need_id])), AREA, Column(_("种类"), "need.kind_label"),
    Column(_("志愿者或组织"), lambda row: shown_name(row.volunteer.name) if row.volunteer_id else row.organisation.name),
    Column(_("完成时间"), "answer.ended_at", kind="day"),
)  # fmt: skip

LISTS: dict[str, tuple[Columns, tuple[str, ...], tuple[str, ...]]] = {
    "1.2": (LEAD, ("-signal_at", "id"), ()),
    "1.3": (MEMBER, ("area", "id"), ()),
    "1.5": (LEAD, ("-contacted_at", "id"), ()),
    "1.6": (ENTRY, ("-done_at", "id"), ("sweep",)),
    "1.7": (VISIT, ("-done_at", "id"), ("household",)),
    "2.2": (PERSON, ("area", "id"), ()),
    "2.4": (FACT, ("area", "id"), ("person",)),
    "2.6": (PLACE, ("code",), ()),
    "3.3": (SUBSIDY, ("area", "id"), ()),
    "4.1": (FUND, ("area", "id"), ()),
    "4.2": (RECEIVED, ("area", "fund_id", "level"), ()),
    "4.3": (PAYROLL, ("-month", "area"), ()),
    "4.4": (SCENARIO, ("area", "id"), ()),
    "5.1": (CHILD_VISIT, ("-done_at", "pk"), ()),
    "5.2": (MINOR, ("area", "id"), ()),
    "6.1": (HOUSE, ("area", "id"), ()),
    "7.1": (LEAD, ("-signal_at", "id"), ()),
    "7.2": (PLAN, ("area", "id"), ()),
    "7.3": (HOUSEHOLD, ("area", "id"), ()),
    "7.4": (CARD, ("area", "id"), ("care__person",)),
    "7.5": (CARE, ("area", "id"), ("person", "contact")),
    "7.6": (VISIT, ("-done_at", "id"), ("household",)),
    "8.2": (SERVICE, ("-day", "id"), ("line",)),
    "8.3": (OFFER, ("-answer__ended_at", "id"), ("need", "answer", "volunteer", "organisation")),
}
"""Clause -> columns, order, what is read along with a row."""


def rows_of(clause: str) -> QuerySet[Any]:
    """The rows of a clause under the acting scope, what the columns show read along. A clause without such a list raises KeyError."""
    there, along = measures.served(clause), LISTS[clause][2]
    if there is None or there.rows is None:
        raise KeyError(clause)
    found = there.rows()
    return found.select_related(*along) if along else found


def url_of(clause: str) -> str:
    """Where a clause's figure leads: the room's own list filled in, or the page of this module; empty where the acting duty may not open it."""
    there = measures.served(clause)
    if there is None:
        return ""
    if there.given:
        return f"{there.url}?{there.given}" if there.act is None or duties.may(there.act) else ""
    if there.rows is None or clause not in LISTS or not (there.rows_act is None or duties.may(there.rows_act)):
        return ""
    return reverse("reports:clause", args=[clause])
