"""Decisions: proposed by the township, approved by the county, then frozen."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.assessment.models import Assessment
from doudi.core.fields import AreaModel, CodeField, MoneyField
from doudi.core.models import Account
from doudi.registry.models import Household, Person, Programme


class Decision(AreaModel):
    """A decision about one household and programme. What was approved is frozen: `content_hash` covers `content`."""

    class Kind(models.TextChoices):
        GRANT = "grant", _("审核确认")
        CHANGE = "change", _("待遇变更")
        STOP = "stop", _("停发")
        REFUSE = "refuse", _("不予确认")

    class State(models.TextChoices):
        PROPOSED = "proposed", _("待审批")
        APPROVED = "approved", _("已确认")
        SENT_BACK = "sent_back", _("已退回")
        WITHDRAWN = "withdrawn", _("已撤回")

    number = CodeField(max_length=24, unique=True)
    household = models.ForeignKey(Household, models.PROTECT, related_name="decisions", db_constraint=False)
    person = models.ForeignKey(
        Person, models.PROTECT, null=True, related_name="+", db_constraint=False, help_text="of a programme of one person; null for the household's"
    )
    programme = CodeField(max_length=20, choices=Programme.choices)
    kind = CodeField(max_length=8, choices=Kind.choices)
    assessment = models.ForeignKey(Assessment, models.PROTECT, null=True, db_constraint=False)
    lead_id = models.BigIntegerField(null=True)
    award_id = models.BigIntegerField(null=True, help_text="of a change or stop: the award it changes")
    content = models.JSONField(help_text="members with amounts and bands, starts, ends, payee, reasons")
    content_hash = CodeField(max_length=64)
    amount = MoneyField(null=True, help_text="yuan per month, all members")
    starts = models.DateField(help_text="first month")
    differs = models.BooleanField(default=False, help_text="differs from the law's calculation: needs a reason")
    reason = models.CharField(max_length=400, blank=True)
    state = CodeField(max_length=10, choices=State.choices, default=State.PROPOSED)
    proposed_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=400, blank=True)
    by_township = models.BooleanField(db_default=False, help_text="confirmed by the township, to which the county has delegated it")
    signed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", help_text="second signature where it differs from the law")
    signed_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["area", "state", "proposed_at"]),
            models.Index(fields=["area", "decided_at"], condition=Q(by_township=True), name="decision_by_township"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | Q(state="withdrawn") | ~Q(decided_by=F("proposed_by")), name="decision_two_officers"
            ),
            models.CheckConstraint(condition=~Q(state="approved") | Q(decided_by__isnull=False), name="decision_approved_by_somebody"),
            models.CheckConstraint(
                condition=Q(signed_by__isnull=True) | (~Q(signed_by=F("proposed_by")) & (Q(decided_by__isnull=True) | ~Q(signed_by=F("decided_by")))),
                name="decision_signed_by_another",
            ),
            models.UniqueConstraint(
                fields=["household", "programme", "person"], condition=Q(state="proposed"), nulls_distinct=False, name="decision_one_open"
            ),
        ]
