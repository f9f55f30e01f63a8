"""Reads of the discovery team for pages."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.core.measures import Numbers
from doudi.discovery.models import Lead, TeamMember, TeamTraining

# What became of a report, in words for who made it: no more than they need.
PLAIN: dict[str, Any] = {
    "new": gettext_lazy("已收到，等待联系"),
    "assigned": gettext_lazy("已收到，已安排人员联系"),
    "contacted": gettext_lazy("工作人员已联系上"),
    "verified": gettext_lazy("已上门核实，正在办理救助"),
    "helped": gettext_lazy("已获得救助"),
    "not_in_need": gettext_lazy("已核实，不符合救助条件"),
    "referred": gettext_lazy("已转有关部门或地区办理"),
    "unreachable": gettext_lazy("暂时联系不上，会再次联系"),
}


def members() -> QuerySet[TeamMember]:
    """Members with the day of their last training and the number of their reports."""
    trained = TeamTraining.objects.filter(member=OuterRef("pk")).order_by().values("member").annotate(last=Max("on")).values("last")
    reports = Lead.objects.filter(member=OuterRef("pk")).order_by().values("member").annotate(n=Count("id")).values("n")
    return TeamMember.objects.select_related("account").annotate(trained_on=Subquery(trained), reports=Coalesce(Subquery(reports), 0))


def reports_of(*, account_id: int, limit: int = 50) -> list[Lead]:
    """Reports of an account, also those that an officer entered for its member, the newest first, each with what became of it in `said`."""
    members = list(TeamMember.objects.filter(account=account_id).values_list("pk", flat=True))
    rows = Lead.objects.filter(Q(reporter=account_id) | Q(member__in=members)).select_related("merged_into", "person", "household")
    return said(list(rows.order_by("-signal_at", "-id")[:limit]))


def said(rows: list[Lead]) -> list[Lead]:
    """What became of each lead, in plain words."""
    for lead in rows:
        root = lead.merged_into or lead
        lead.said = PLAIN[root.state]  # type: ignore[attr-defined]
        lead.colour = {"helped": "green", "not_in_need": "gray", "unreachable": "orange"}.get(root.state, "")  # type: ignore[attr-defined]
    return rows


def serving() -> QuerySet[TeamMember]:
    """1.3: members of the discovery team."""
    return TeamMember.objects.filter(ends__isnull=True)


def roster_figure(numbers: Numbers) -> tuple[int, str]:
    return int(numbers["n"]), _("名队员")


def roster_counts() -> list[dict[str, Any]]:
    """Members today by kind, trained and with an account; one query."""
    kinds = {f"kind_{kind}": Count("id", filter=Q(kind=kind)) for kind in TeamMember.Kind.values}
    counted = TeamMember.objects.filter(ends__isnull=True).aggregate(
        all=Count("id"), places=Count("area", distinct=True), account=Count("id", filter=Q(account__isnull=False)), **kinds
    )
    shown = [
        (_("在册队员"), counted["all"], _("人")),
        (_("覆盖乡镇、村（社区）"), counted["places"], _("个")),
        (_("有账号"), counted["account"], _("人")),
    ]
    shown += [(str(label), counted[f"kind_{kind}"], _("人")) for kind, label in TeamMember.Kind.choices if counted[f"kind_{kind}"]]
    return [{"label": label, "value": f"{value:,}", "unit": unit} for label, value, unit in shown]
