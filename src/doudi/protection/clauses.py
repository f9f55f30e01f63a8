"""Clauses that the protection of minors serves."""

from __future__ import annotations

from django.utils.translation import gettext as _

from doudi.core import measures
from doudi.protection import visits_queries
from doudi.protection.models import Care


def in_care() -> tuple[int, str]:
    """5.3: children in temporary living care or temporary guardianship."""
    return Care.objects.filter(state=Care.State.ACTIVE).count(), _("名孩子在临时照料、临时监护中")


measures.serve("5.1", "protection:visits", act="protection.view", figure=visits_queries.visited_figure, rows=visits_queries.made_lately)
measures.serve("5.2", "protection:cases", act="protection.view", figure=visits_queries.gaps_figure, rows=visits_queries.gaps_closed)
measures.serve("5.3", "protection:cares", act="protection.care_view", figure=in_care, given="state=active")
measures.serve("5.4", "protection:cases", act="protection.view", figure=visits_queries.open_figure, given="state=open")
