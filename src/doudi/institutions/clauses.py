"""Clauses that institutions serve."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import measures
from doudi.institutions import queries, request_queries
from doudi.institutions.models import Institution, ReportDue, Request, TaskGroup


def reported() -> tuple[object, str]:
    """6.1: houses that reported today, of those that owe a report; in ordinary times the houses."""
    _lines, total = queries.by_kind(timezone.localdate())
    if total["owed"]:
        return f"{total['reported']} / {total['owed']}", _("家机构今天已上报")
    return total["houses"], _("家机构（今天不需上报）")


def reporting_houses() -> QuerySet[Institution]:
    """6.1: the houses behind the figure: those that reported today; in ordinary times all that run."""
    on = timezone.localdate()
    running = Institution.objects.filter(state=Institution.State.RUNNING)
    dues = ReportDue.objects.filter(on=on, institution__state=Institution.State.RUNNING)
    return running.filter(pk__in=dues.filter(reported_at__isnull=False).values("institution_id")) if dues.exists() else running


def groups() -> tuple[object, str]:
    """6.2: task groups that run."""
    return TaskGroup.objects.filter(ended_at__isnull=True).count(), _("个专项工作组运行中")


def open_requests() -> QuerySet[Request]:
    """6.3: requests that are open."""
    return Request.objects.filter(state__in=Request.OPEN)


def late_requests() -> QuerySet[Request]:
    return open_requests().filter(request_queries.late(timezone.now()))


def requests(numbers: measures.Numbers) -> tuple[object, str]:
    return int(numbers["open"]), _("件协调事项未办结，其中超期 %(n)s 件") % {"n": int(numbers["late"])}


measures.serve("6.1", "institutions:reports", act="institutions.oversee", figure=reported, rows=reporting_houses)
measures.serve("6.2", "institutions:groups", act="group.view", figure=groups, given="state=running")
measures.serve("6.3", "institutions:requests", act="requests.view", counts={"open": open_requests, "late": late_requests}, says=requests, given="state=open")
