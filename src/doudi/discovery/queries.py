"""Reads of discovery for pages and panels."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.batch.datasets import CONTRACTS
from doudi.batch.indicators import INDICATORS
from doudi.discovery.models import Channel, Delivery, Lead, LeadEvent
from doudi.registry.models import Household

STATE_COLOURS: dict[str, str] = {
    Lead.State.NEW: "orange",
    Lead.State.ASSIGNED: "",
    Lead.State.CONTACTED: "",
    Lead.State.VERIFIED: "purple",
    Lead.State.HELPED: "green",
    Lead.State.NOT_IN_NEED: "gray",
    Lead.State.REFERRED: "gray",
    Lead.State.UNREACHABLE: "red",
}
URGENCY_COLOURS: dict[str, str] = {Lead.Urgency.RED: "red", Lead.Urgency.ORANGE: "orange", Lead.Urgency.YELLOW: "unv"}


def indicator_title(code: str) -> str:
    """The indicator in words; leads that people report have none."""
    return _(INDICATORS[code].title_zh) if code in INDICATORS else str(Channel(code).label) if code in Channel.values else code


def indicator_choices() -> list[tuple[str, str]]:
    return [(code, _(indicator.title_zh)) for code, indicator in INDICATORS.items()]


def leads() -> QuerySet[Lead]:
    return Lead.objects.select_related("person", "household")


def timeline(lead: Lead) -> list[dict[str, Any]]:
    """办理记录 of a lead, the newest first; one query."""
    return [
        {"at": event.at, "title": Lead.State(event.after).label, "who": event.account.name if event.account else _("系统"), "note": event.note}
        for event in LeadEvent.objects.filter(lead=lead).select_related("account").order_by("-at", "-id")
    ]


def household_panel(request: HttpRequest, household: Household) -> dict[str, Any] | None:
    found = list(Lead.objects.filter(household=household).select_related("person").order_by("-signal_at")[:20])
    for lead in found:
        lead.colour = STATE_COLOURS[lead.state]  # type: ignore[attr-defined]
        lead.title = indicator_title(lead.indicator)  # type: ignore[attr-defined]
    return {"leads": found} if found else None


def dashboard_card(request: HttpRequest) -> dict[str, Any]:
    """Open leads within the scope by state of their clock; one query."""
    today = timezone.localdate()
    waiting = Q(state__in=(Lead.State.NEW, Lead.State.ASSIGNED))
    counted = Lead.objects.filter(state__in=Lead.OPEN, merged_into=None).aggregate(
        open=Count("id"),
        waiting=Count("id", filter=waiting),
        late=Count("id", filter=waiting & Q(contact_due__lt=today)),
        red=Count("id", filter=Q(urgency=Lead.Urgency.RED)),
    )
    url = reverse("discovery:leads")
    figures = [
        {"label": _("未办结线索"), "value": f"{counted['open']:,}", "unit": _("条"), "url": url},
        {"label": _("待首次联系"), "value": f"{counted['waiting']:,}", "unit": _("条"), "url": f"{url}?state=new"},
        {"label": _("超过联系期限"), "value": f"{counted['late']:,}", "unit": _("条"), "url": f"{url}?late=on"},
        {"label": _("红色预警"), "value": f"{counted['red']:,}", "unit": _("条"), "url": f"{url}?urgency=red"},
    ]
    return {"figures": figures}


# Figures that comparison computes; columns of the departments' own are named by their contract.
FIGURES = {
    "own_cost": gettext_lazy("个人负担（元）"),
    "total_cost": gettext_lazy("总费用（元）"),
    "visits": gettext_lazy("结算次数"),
    "last_on": gettext_lazy("最近结算日期"),
    "income_year": gettext_lazy("家庭年收入（元）"),
    "income_month": gettext_lazy("家庭月收入（元）"),
    "standard": gettext_lazy("保障标准（元/月）"),
    "household_alive": gettext_lazy("家庭人数"),
    "wage": gettext_lazy("月均工资（元）"),
    "last_month": gettext_lazy("最近月份"),
    "dwellings": gettext_lazy("住房（套）"),
    "birth_date": gettext_lazy("出生日期"),
    "died_on": gettext_lazy("死亡日期"),
}


def evidence_rows(lead: Lead) -> list[tuple[Any, Any]]:
    """Evidence in words for the page: what the department's row said, and from which delivery it came."""
    contract = CONTRACTS.get(lead.evidence.get("dataset", ""))
    if contract is None:
        return []
    rows: list[tuple[Any, Any]] = [(_("数据来源"), f"{_(contract.department_zh)}　{_(contract.name_zh)}")]
    for name, value in lead.evidence.items():
        if name in ("dataset", "delivery", "row") or value in (None, ""):
            continue
        column = next((each for each in contract.columns if each.name == name), None)
        label = FIGURES.get(name) or (_(column.header_zh) if column else name)
        if column is not None and column.labels:
            value = _(str(column.labels.get(str(value), value)))
        rows.append((label, f"{value:,.2f}" if isinstance(value, float) else value))
    if lead.evidence.get("row"):
        rows.append((_("原文件行号"), lead.evidence["row"]))
    return rows


def deliveries_figure() -> tuple[int, str]:
    """1.1: departments' files taken in."""
    return Delivery.objects.filter(state=Delivery.State.ACCEPTED).count(), _("批数据")


def leads_figure() -> tuple[int, str]:
    """1.2: leads from comparison."""
    return Lead.objects.filter(run__isnull=False).count(), _("条线索")


def in_time_figure() -> tuple[str, str]:
    """1.5: share of first contacts made by their day."""
    counted = Lead.objects.aggregate(
        contacted=Count("id", filter=Q(contacted_at__isnull=False)),
        in_time=Count("id", filter=Q(contacted_at__isnull=False, contacted_at__date__lte=F("contact_due"))),
    )
    if not counted["contacted"]:
        return "—", _("尚无首次联系")
    return f"{counted['in_time'] / counted['contacted']:.1%}", _("按时联系")
