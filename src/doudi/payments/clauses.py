"""Clauses that payments serves."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, Least
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import measures
from doudi.core import scope as scopes
from doudi.payments import watch_queries
from doudi.payments.models import Fund, LedgerEntry, Payroll


def funds() -> QuerySet[Fund]:
    """4.1: funds, each paying only what it is for (the database refuses anything else)."""
    return Fund.objects.all()


def earmarked() -> tuple[int, str]:
    return funds().count(), _("项资金")


def _standings() -> list[tuple[str, date, str]]:
    """County, month and standing of the last twelve months and this one, of all counties in view."""
    today = timezone.localdate()
    counties = watch_queries.overview(area=scopes.current().area, month=today, today=today)
    now = [(one.area, today.replace(day=1), one.standing) for one in counties]
    return now + [(one.area, month, standing) for one in counties for month, standing, _share in one.history]


def months_of_counties() -> dict[tuple[str, str], Decimal]:
    """4.3: of each county the months paid by the pay day, and those that are over or late."""
    found: dict[tuple[str, str], Decimal] = {}
    for area, _month, standing in _standings():
        for name, holds in (("paid", standing == "paid"), ("over", standing in ("paid", "paid_late", "late"))):
            found[area, name] = found.get((area, name), Decimal(0)) + holds
    return found


def in_time(numbers: measures.Numbers) -> tuple[str, str]:
    over = numbers.get("over", Decimal(0))
    return measures.share(numbers.get("paid", Decimal(0)), over), _("县月按期到账") if over else _("尚无发放结果")


def paid_in_time() -> QuerySet[Payroll]:
    """4.3: the regular payrolls of those months."""
    months: dict[date, list[str]] = {}
    for area, month, standing in _standings():
        if standing == "paid":
            months.setdefault(month, []).append(area)
    asked = Q(pk__isnull=True)
    for month, areas in months.items():
        asked |= Q(month=month, area__in=areas)
    return Payroll.objects.filter(asked, kind=Payroll.Kind.REGULAR)


def promised() -> dict[tuple[str, str], Decimal]:
    """4.2: of each place what this year's documents promise, and what of it has been received, over all funds and levels."""
    found: dict[tuple[str, str], Decimal] = {}
    for area, planned, counts in received_of_plan().order_by().values_list("area", "planned", "counts"):
        for name, yuan in (("planned", planned), ("received", counts)):
            found[area, name] = found.get((area, name), Decimal(0)) + yuan
    return found


def matched(numbers: measures.Numbers) -> tuple[str, str]:
    planned = numbers.get("planned", Decimal(0))
    return measures.share(numbers.get("received", Decimal(0)), planned), _("指标已到账") if planned else _("尚未登记指标")


def received_of_plan() -> QuerySet[Any, Any]:
    """4.2: place, fund and level with what was planned this year, what came, and what of it counts: what came beyond one plan does not make up for another."""
    nothing = Value(Decimal(0), output_field=DecimalField())
    year = LedgerEntry.objects.filter(fund_year=timezone.localdate().year, account__in=("planned", "appropriation"))
    found = year.values("area", "fund_id", "fund__name", "level").annotate(
        planned=Coalesce(Sum("amount", filter=Q(account="planned")), nothing), came=-Coalesce(Sum("amount", filter=Q(account="appropriation")), nothing)
    )
    return found.annotate(counts=Least("planned", "came")).filter(planned__gt=0)


measures.serve("4.1", "payments:purposes", act="payments.view", figure=earmarked, rows=funds)
measures.serve("4.2", "payments:funds", act="payments.view", tally=promised, says=matched, rows=received_of_plan, value="counts", part=True)
measures.serve("4.3", "payments:calendar", act="payments.view", tally=months_of_counties, says=in_time, rows=paid_in_time, part=True)
