"""Clauses that the protection of minors serves."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from doudi.core import measures
from doudi.protection import visits_queries
from doudi.protection.models import Care


def cared_for() -> QuerySet[Care]:
    """5.3: children in temporary living care or temporary guardianship."""
    return Care.objects.filter(state=Care.State.ACTIVE)


def in_care(numbers: measures.Numbers) -> tuple[int, str]:
    return int(numbers["n"]), _("名孩子在临时照料、临时监护中")


measures.serve(
    "5.1", "protection:visits", act="protection.view", counts={"homes": visits_queries.homes_lately, "cases": visits_queries.contacts_lately},
    says=visits_queries.visited_figure, rows=visits_queries.made_lately, confidential=True,
)  # fmt: skip
measures.serve(
    "5.2", "protection:cases", act="protection.view", counts=visits_queries.gaps_closed, says=visits_queries.gaps_figure, rows=visits_queries.gaps_closed,
    confidential=True,
)  # fmt: skip
measures.serve("5.3", "protection:cares", act="protection.care_view", counts=cared_for, says=in_care, given="state=active", confidential=True)
measures.serve("5.4", "protection:cases", act="protection.view", counts=visits_queries.in_hand, says=visits_queries.open_figure, given="state=open", confidential=True)
