"""Trials of indicators on past data, before a threshold is set (measures 1.2)."""

from __future__ import annotations

from django.db import models

from doudi.core.fields import AreaModel, CodeField
from doudi.core.models import Account


class IndicatorTrial(AreaModel):
    """What an indicator would have raised on a day with given thresholds (指标试算). Counts of people only; no lead comes of it.

    `found` situations, of which `known` are leads already (`confirmed` and `refuted` ones among them) and `helped` concern people who receive what
    the indicator points to; `places`: count by division below the area.
    """

    indicator = CodeField(max_length=40)
    on = models.DateField()
    values = models.JSONField(default=dict)
    found = models.IntegerField()
    known = models.IntegerField()
    confirmed = models.IntegerField()
    refuted = models.IntegerField()
    helped = models.IntegerField()
    places = models.JSONField(default=dict)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["area", "indicator", "-made_at"])]
