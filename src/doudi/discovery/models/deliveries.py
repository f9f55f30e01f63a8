"""Deliveries of departments' files and comparison runs (measures 1.1, 1.2)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField
from doudi.core.models import Account


class Delivery(AreaModel):
    """A department's file (数据报送). The same file twice is recognised by its SHA-256 (measures 1.1);
    one that was refused is checked anew, since the contract may have changed."""

    class State(models.TextChoices):
        ACCEPTED = "accepted", _("已接收")
        REFUSED = "refused", _("整批退回")

    dataset = CodeField(max_length=30)
    period = CodeField(max_length=10)
    name = models.CharField(max_length=200)
    sha256 = CodeField(max_length=64)
    state = CodeField(max_length=10, choices=State.choices)
    reason = models.CharField(max_length=400, blank=True)
    accepted = models.IntegerField(default=0)
    rejected = models.IntegerField(default=0)
    kept = models.IntegerField(default=0, help_text="of the rejected rows those that wait for linkage")
    reasons = models.JSONField(default=list, help_text="[field and reason, number of rows], most frequent first; no values")
    lake_path = models.CharField(max_length=200, blank=True)
    original_path = models.CharField(max_length=200, blank=True)
    rejects_path = models.CharField(max_length=200, blank=True)
    received_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    received_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["area", "dataset", "period"])]
        constraints = [
            models.UniqueConstraint(fields=["area", "dataset", "sha256"], condition=models.Q(state="accepted"), name="delivery_once"),
            # what was refused is checked again when it comes again, and recorded again where the answer is another
            models.UniqueConstraint(fields=["area", "dataset", "sha256", "reason"], condition=models.Q(state="refused"), name="delivery_refused_once"),
        ]


class DeliveryPlan(AreaModel):
    """What a place agreed with a department on one dataset: whom to ask. Late to-dos name this row; how often is a setting."""

    dataset = CodeField(max_length=30)
    contact = models.CharField(max_length=80, blank=True)
    changed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    changed_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["area", "dataset"], name="delivery_plan_once")]


class ComparisonRun(AreaModel):
    """One comparison (信息比对) of the lake with the registry of an area (measures 1.2)."""

    on = models.DateField()
    deliveries = models.JSONField(default=list)
    found = models.IntegerField(default=0)
    raised = models.IntegerField(default=0)
    linked = models.IntegerField(default=0, help_text="rows without a usable ID number that counted for a person")
    by_indicator = models.JSONField(default=dict)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
