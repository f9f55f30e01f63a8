"""Reports of anybody about somebody in difficulty (报告困难群众)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from doudi.core.fields import AreaModel, CodeField, SealedTextField, TokenField
from doudi.discovery.models import Lead


class PublicReport(AreaModel):
    """One sending of the report page. Its receipt number is drawn from a sequence of its own, so that it tells nothing of leads.

    Several reports of the same content in one place stand for one lead. Who reported is kept here, apart from the lead.
    """

    uuid = models.UUIDField(unique=True, help_text="made by the page: a form is one report, however often it is sent")
    receipt = CodeField(max_length=24, unique=True)
    lead = models.ForeignKey(Lead, models.PROTECT, related_name="public_reports", db_constraint=False)
    digest = CodeField(max_length=32, help_text="keyed digest of place and content")
    repeats = models.BooleanField(default=False, help_text="the same content had come before")
    reporter = SealedTextField(null=True)
    phone = TokenField(null=True, help_text="of the reporter")
    photos = models.SmallIntegerField(default=0)
    received_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["area", "digest", "received_at"]),
            models.Index(fields=["area", "received_at"]),
        ]
        constraints = [models.CheckConstraint(condition=Q(photos__gte=0), name="public_report_photos")]
