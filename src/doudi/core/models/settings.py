"""Settings (标准与参数): dated values of what a place sets itself (architecture, decision 2)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField
from doudi.core.models.staff import Account


class Setting(AreaModel):
    """One dated value of one parameter at one place, entered by one officer and confirmed by another of that level.

    `value` is text as the parameter's unit wants it (a decimal, a word, a share); the loader parses it.
    Rows are never changed: a new row with a later date, or a withdrawal, supersedes.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", _("待确认")
        CONFIRMED = "confirmed", _("已确认")
        REFUSED = "refused", _("已退回")
        WITHDRAWN = "withdrawn", _("已撤回")

    parameter = CodeField(max_length=120)
    starts = models.DateField()
    value = models.CharField(max_length=200)
    document = models.CharField(max_length=200, help_text="number of the document that sets it")
    note = models.CharField(max_length=400, blank=True)
    state = CodeField(max_length=12, choices=State.choices, default=State.PROPOSED)
    proposed_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=400, blank=True)

    class Meta:
        indexes = [models.Index(fields=["parameter", "area", "starts"])]
        constraints = [
            models.UniqueConstraint(fields=["parameter", "area", "starts"], condition=Q(state="confirmed"), name="setting_once_per_date"),
            models.CheckConstraint(condition=Q(decided_by__isnull=True) | Q(state="withdrawn") | ~Q(decided_by=F("proposed_by")), name="setting_two_officers"),
        ]
