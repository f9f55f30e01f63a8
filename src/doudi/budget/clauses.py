"""Clauses that the budget serves."""

from __future__ import annotations

from django.db.models import Max, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.budget.models import Scenario
from doudi.core import measures


def submitted() -> QuerySet[Scenario]:
    """4.4: the budget that each county has submitted last for next year."""
    year = timezone.localdate().year + 1
    sent = Scenario.objects.filter(year=year, state__in=[Scenario.State.SUBMITTED, Scenario.State.ACCEPTED])
    return sent.filter(pk__in=sent.order_by().values("area").annotate(last=Max("pk")).values("last"))


def next_year(numbers: measures.Numbers) -> tuple[object, str]:
    """4.4: counties that have submitted next year's budget."""
    return int(numbers["n"]), _("个县已上报下年预算")


measures.serve("4.4", "budget:index", act="budget.view", counts=submitted, says=next_year, rows=submitted)
