"""Which houses are at risk and why (风险): from the last report, the stock, the visit state and reports that did not come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta

from django.db.models import F, Q

from doudi.institutions import procedures
from doudi.institutions.figures import gravest
from doudi.institutions.models import DailyReport, Institution, ReportDue, SupplyStock, VisitState
from doudi.institutions.services.settings import settings_on

# A report older than this says nothing of today.
LAST_DAYS = 8


def _latest(ids: list[int], on: date) -> dict[int, DailyReport]:
    rows = DailyReport.objects.filter(institution_id__in=ids, superseded_at__isnull=True, on__gt=on - timedelta(days=LAST_DAYS), on__lte=on)
    return {row.institution_id: row for row in rows.order_by("institution_id", "-on").distinct("institution_id")}


def _silent(ids: list[int], on: date) -> dict[int, int]:
    """How many reports each house missed in a row up to yesterday."""
    missed: dict[int, int] = {}
    over: set[int] = set()
    rows = ReportDue.objects.filter(institution_id__in=ids, on__lt=on, on__gt=on - timedelta(days=60)).order_by("institution_id", "-on")
    for institution_id, reported in rows.values_list("institution_id", "reported_at"):
        if reported is not None:
            over.add(institution_id)
        elif institution_id not in over:
            missed[institution_id] = missed.get(institution_id, 0) + 1
    return missed


def refresh_risk(*, on: date, ids: Iterable[int] | None = None) -> int:
    """Judge the houses named, or all that run within the scope, anew; the number that changed. The number of queries does not grow with them."""
    rows = Institution.objects.filter(state=Institution.State.RUNNING).only("id", "area", "risk", "risk_reasons")
    houses = list(rows if ids is None else rows.filter(pk__in=list(ids)))
    keys = [house.pk for house in houses]
    value, reports, silent = settings_on(on), _latest(keys, on), _silent(keys, on)
    stocks: dict[int, list[SupplyStock]] = defaultdict(list)
    for stock in SupplyStock.objects.filter(institution_id__in=keys, daily_use__gt=0, item__ended_on__isnull=True):
        stocks[stock.institution_id].append(stock)
    holding = VisitState.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), institution_id__in=keys, state=VisitState.State.CLOSED, starts__lte=on)
    closed = dict(holding.values_list("institution_id", F("starts")))
    changed = []
    for house in houses:
        reasons, report = [], reports.get(house.pk)
        if report is not None:
            if report.positive_residents + report.positive_staff:
                reasons.append("infected")
            if report.symptoms_residents + report.symptoms_staff >= value(procedures.SYMPTOMS, house.area):
                reasons.append("symptoms")
            if report.residents > report.staff_on_site * value(procedures.PER_STAFF, house.area):
                reasons.append("staff")
        if any((stock.days or 0) < value(procedures.SUPPLY_DAYS, house.area) for stock in stocks[house.pk]):
            reasons.append("supplies")
        if report is not None and report.incident:
            reasons.append("incident")
        if silent.get(house.pk, 0) >= value(procedures.CITY_DAYS, house.area):
            reasons.append("unreported")
        if house.pk in closed and (on - closed[house.pk]).days > value(procedures.CLOSED_DAYS, house.area):
            reasons.append("closed_long")
        level = gravest(reasons)
        if (house.risk, house.risk_reasons) != (level, reasons):
            house.risk, house.risk_reasons = level, reasons
            changed.append(house)
    Institution.objects.bulk_update(changed, ["risk", "risk_reasons"], batch_size=1_000)
    return len(changed)
