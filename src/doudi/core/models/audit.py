"""Access records (查阅记录) and their seals; the base of every history table."""

from __future__ import annotations

import pghistory.models
from django.db import models
from django.db.models.expressions import RawSQL

from doudi.core.fields import AreaField, AreaModel, CodeField


class AccessRecord(AreaModel):
    """One look at a person's page, one reveal of a sensitive value, one look-up across areas. Append-only by grants.

    `digest` is a keyed digest of the plain number looked up, under the sealing key: no token stands here,
    so that a rotation of the token key never touches a sealed record (integrity.md, tokens).
    """

    class What(models.TextChoices):
        OPEN = "open"
        REVEAL = "reveal"
        LOOKUP = "lookup"
        EXPORT = "export"
        REFUSED = "refused"

    at = models.DateTimeField(db_default=RawSQL("clock_timestamp()", ()))
    xid = models.BigIntegerField(db_default=RawSQL("(pg_current_xact_id()::text)::bigint", ()))
    account_id = models.BigIntegerField()
    posting_id = models.BigIntegerField()
    what = CodeField(max_length=10, choices=What.choices)
    subject = CodeField(max_length=40, help_text="kind of row: person, household, payroll_line ...")
    subject_id = models.BigIntegerField(null=True)
    field = CodeField(max_length=40, default="")
    digest = models.BinaryField(null=True)
    reason = models.CharField(max_length=200, default="")
    page = models.CharField(max_length=200, default="")

    class Meta:
        indexes = [models.Index(fields=["area", "at"]), models.Index(fields=["subject", "subject_id", "at"]), models.Index(fields=["account_id", "at"])]


class AccessSeal(models.Model):
    """One batch of access records sealed into the hash chain by the worker; `doudi doctor` verifies it."""

    first_id = models.BigIntegerField(unique=True)
    last_id = models.BigIntegerField(unique=True)
    records = models.IntegerField()
    previous = models.BinaryField()
    digest = models.BinaryField(unique=True)
    sealed_at = models.DateTimeField()


class HistoryEvent(pghistory.models.Event):
    """Base of history tables: who acted, from which page, filled by the database from the scope's own settings."""

    account_id = models.BigIntegerField(null=True, db_default=RawSQL("nullif(current_setting('app.account', true), '')::bigint", ()))
    page = models.TextField(null=True, db_default=RawSQL("nullif(current_setting('app.page', true), '')", ()))

    class Meta:
        abstract = True


__all__ = ["AccessRecord", "AccessSeal", "AreaField", "HistoryEvent"]
