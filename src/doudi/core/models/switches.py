"""Measures that a declared emergency switches on only where two officers said so (for example the suspension of exits, 2.6)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField
from doudi.core.models.emergencies import Emergency
from doudi.core.models.staff import Account


class EmergencySwitch(AreaModel):
    """One measure switched on (or off before its end) within an emergency. It holds from `starts` until before `ends`, and never outside
    the emergency's own days and places. A confirmed row of `off` ends the row that is on; rows are the history."""

    class What(models.TextChoices):
        ON = "on", _("启用")
        OFF = "off", _("停用")

    emergency = models.ForeignKey(Emergency, models.PROTECT, related_name="switches", db_constraint=False, db_index=False)
    measure = CodeField(max_length=30)
    what = CodeField(max_length=3, choices=What.choices)
    starts = models.DateField()
    ends = models.DateField(null=True, help_text="of what is on: the first day without it; null: with the emergency")
    document = models.CharField(max_length=200)
    note = models.CharField(max_length=400, blank=True)
    state = CodeField(max_length=12, choices=Emergency.State.choices, default=Emergency.State.PROPOSED)
    proposed_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=400, blank=True)

    class Meta:
        indexes = [models.Index(fields=["emergency", "proposed_at"], name="emergency_switch_history")]
        constraints = [
            models.UniqueConstraint(fields=["emergency", "measure"], condition=Q(state="proposed"), name="emergency_switch_one_open"),
            models.UniqueConstraint(
                fields=["emergency", "measure"], condition=Q(state="confirmed", what="on", ends__isnull=True), name="emergency_switch_one_on"
            ),
            models.CheckConstraint(condition=Q(ends__isnull=True) | Q(ends__gt=F("starts")), name="emergency_switch_dates"),
            models.CheckConstraint(
                condition=Q(state="proposed", decided_by__isnull=True)
                | Q(state="withdrawn")
                | (Q(decided_by__isnull=False) & ~Q(decided_by=F("proposed_by"))),
                name="emergency_switch_two_officers",
            ),
        ]
