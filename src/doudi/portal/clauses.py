"""Clauses that the portal serves: the public reports too (1.3), beside the team."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import measures
from doudi.discovery import team_queries
from doudi.portal.models import PublicReport

LATELY = timedelta(days=30)


def found_figure() -> tuple[object, str]:
    """1.3: members of the discovery team, and what the public reported in the last 30 days."""
    members, unit = team_queries.roster_figure()
    count = PublicReport.objects.filter(received_at__gte=timezone.now() - LATELY).count()
    return members, _("%(unit)s；近 30 天群众报告 %(count)d 份") % {"unit": unit, "count": count}


measures.serve("1.3", "discovery:team", act="discovery.roster", figure=found_figure, rows=team_queries.serving)
