"""Attachments (附件): files of a record, encrypted at rest, under the same area and policy as their record."""

from __future__ import annotations

import uuid

from django.db import models

from doudi.core.fields import AreaModel, CodeField
from doudi.core.models.staff import Account


class Attachment(AreaModel):
    """A photo, scan or PDF. The file lies encrypted in the data folder under its `id`; the row knows its kind and digest."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subject = CodeField(max_length=40)
    subject_id = models.BigIntegerField()
    name = models.CharField(max_length=120)
    content_type = CodeField(max_length=60)
    size = models.IntegerField()
    sha256 = models.BinaryField()
    uploaded_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", help_text="null: came with a public page")
    uploaded_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["subject", "subject_id"]), models.Index(fields=["area"])]
