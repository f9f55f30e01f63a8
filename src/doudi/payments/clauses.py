"""Clauses that payments serves."""

from __future__ import annotations

from django.db.models import Count, F, Q
from django.db.models.functions import ExtractDay, TruncMonth
from django.utils.translation import gettext as _

from doudi.core import measures
from doudi.payments.models import BankResult, Fund


def earmarked() -> tuple[int, str]:
    """4.1: funds, each paying only what it is for (the database refuses anything else)."""
    return Fund.objects.count(), _("项资金")


def in_time() -> tuple[str, str]:
    """4.3: bank results of regular payrolls booked by the 10th of their month."""
    counted = BankResult.objects.filter(payroll__kind="regular").aggregate(
        all=Count("id"), good=Count("id", filter=Q(booked_on__lt=F("payroll__month")) | Q(pk__in=_by_the_tenth()))
    )
    return (f"{counted['good'] / counted['all']:.1%}", _("按时到账")) if counted["all"] else ("—", _("尚无发放结果"))


def _by_the_tenth() -> object:
    rows = BankResult.objects.annotate(paid_in=TruncMonth("booked_on"), day=ExtractDay("booked_on"))
    return rows.filter(paid_in=F("payroll__month"), day__lte=10).values("pk")


measures.serve("4.1", "payments:ledger", act="payments.view", figure=earmarked)
measures.serve("4.3", "payments:payrolls", act="payments.view", figure=in_time)
