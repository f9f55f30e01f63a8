"""Clauses that the portal serves: the public reports too (1.3), beside the team."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import measures
from doudi.discovery import team_queries
from doudi.portal.models import PublicReport

LATELY = timedelta(days=30)


def reported_lately() -> QuerySet[PublicReport]:
    return PublicReport.objects.filter(received_at__gte=timezone.now() - LATELY)


def found_figure(numbers: measures.Numbers) -> tuple[object, str]:
    """1.3: members of the discovery team, and what the public reported in the last 30 days."""
    members, unit = team_queries.roster_figure(numbers)
    return members, _("%(unit)s；近 30 天群众报告 %(count)d 份") % {"unit": unit, "count": numbers["reports"]}


measures.serve(
    "1.3", "discovery:team", act="discovery.roster", counts={"n": team_queries.serving, "reports": reported_lately}, says=found_figure, rows=team_queries.serving
)
