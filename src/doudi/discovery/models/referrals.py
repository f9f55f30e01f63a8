"""Leads passed on to another county (measures 1.5, 3.1): a frozen copy crosses, no row of the registry does."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaField, AreaModel, CodeField, SealedTextField, TokenField
from doudi.core.models import Account
from doudi.discovery.models.leads import Lead, Need


class Department(models.TextChoices):
    """Departments that a lead is passed on to (转办)."""

    MEDICAL_INSURANCE = "medical", _("医疗保障")
    HEALTH = "health", _("卫生健康")
    EDUCATION = "education", _("教育")
    EMPLOYMENT = "employment", _("人力资源社会保障")
    HOUSING = "housing", _("住房城乡建设")
    EMERGENCY = "emergency", _("应急管理")
    REVITALISATION = "rural", _("农业农村（乡村振兴）")
    FEDERATION = "federation", _("残联")
    POLICE = "police", _("公安")
    JUSTICE = "justice", _("司法行政")
    OTHER = "other", _("其他部门")


class LeadReferral(AreaModel):
    """A lead passed on to another area: what the receiving side needs, as it stood that day. `area` is the receiving side.

    Both sides see it; the receiving side takes it, which raises a lead of its own with a clock of its own, and its result is read by the sender.
    One that names a village (where somebody from elsewhere stays) is taken by itself and goes to the visitor there. The receiving side may send
    it back: then the sender's own lead is open again.
    """

    from_area = AreaField()
    lead = models.ForeignKey(Lead, models.PROTECT, related_name="referrals", db_constraint=False)
    subject_name = CodeField(max_length=60, default="")
    subject_phone = TokenField(null=True)
    subject_token = TokenField(null=True)
    registered_area = AreaField(null=True)
    address = SealedTextField(null=True)
    need = CodeField(max_length=12, choices=Need.choices, default="")
    urgency = CodeField(max_length=6, choices=Lead.Urgency.choices)
    reason = models.CharField(max_length=400)
    detail = SealedTextField(null=True)
    note = models.CharField(max_length=400)
    sent_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    sent_at = models.DateTimeField()
    taken_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    taken_at = models.DateTimeField(null=True)
    lead_there = models.BigIntegerField(null=True)
    result = CodeField(max_length=12, choices=Lead.State.choices, default="")
    result_at = models.DateTimeField(null=True)
    returned_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    returned_at = models.DateTimeField(null=True)
    return_reason = models.CharField(max_length=400, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["area", "sent_at"]),
            models.Index(fields=["lead_there"], condition=Q(lead_there__isnull=False), name="referral_there"),
            models.Index(fields=["area", "sent_at"], condition=Q(taken_at__isnull=True, returned_at__isnull=True), name="referral_waiting"),
        ]
        constraints = [models.CheckConstraint(condition=Q(returned_at__isnull=True) | ~Q(return_reason=""), name="referral_return_reason")]

    @property
    def standing(self) -> str:
        """How it stands, in a word: returned, a state of leads once it ended, taken, or waiting."""
        return "returned" if self.returned_at else self.result or ("taken" if self.taken_at else "waiting")
