"""Clauses that payments serves."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import measures
from doudi.core import scope as scopes
from doudi.payments import fund_queries, watch_queries
from doudi.payments.models import Fund


def earmarked() -> tuple[int, str]:
    """4.1: funds, each paying only what it is for (the database refuses anything else)."""
    return Fund.objects.count(), _("项资金")


def in_time() -> tuple[str, str]:
    """4.3: months of the last twelve and this one, of all counties in view, that were paid by their pay day, of those that are over or late."""
    today = timezone.localdate()
    good = counted = 0
    for county in watch_queries.overview(area=scopes.current().area, month=today, today=today):
        standings = [county.standing, *(standing for _month, standing, _share in county.history)]
        good += standings.count("paid")
        counted += sum(standing in ("paid", "paid_late", "late") for standing in standings)
    return (f"{good / counted:.1%}", _("县月按期到账")) if counted else ("—", _("尚无发放结果"))


def matched() -> tuple[str, str]:
    """4.2: how much of what this year's documents promise has been received, over all levels within the reader's scope."""
    acting = scopes.current()
    planned, received = fund_queries.short_of_plan(acting.low, acting.high, timezone.localdate().year)
    return (f"{received / planned:.1%}", _("指标已到账")) if planned else ("—", _("尚未登记指标"))


measures.serve("4.1", "payments:purposes", act="payments.view", figure=earmarked)
measures.serve("4.2", "payments:funds", act="payments.view", figure=matched)
measures.serve("4.3", "payments:calendar", act="payments.view", figure=in_time)
