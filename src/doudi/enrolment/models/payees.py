"""Who is paid for an award (领款人): changed by one officer's proposal and another's confirmation, never silently."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, TokenField
from doudi.core.models import Account
from doudi.enrolment.models.awards import Award


class PayeeChange(AreaModel):
    """Another payee or account of an award: a member, a guardian, or the institution where one lives. `was`: name and bank before."""

    class Kind(models.TextChoices):
        MEMBER = "member", _("家庭成员本人")
        GUARDIAN = "guardian", _("监护人")
        INSTITUTION = "institution", _("供养（养老、福利）机构")
        HEIR = "heir", _("继承人")

    class State(models.TextChoices):
        PROPOSED = "proposed", _("待确认")
        CONFIRMED = "confirmed", _("已确认")
        SENT_BACK = "sent_back", _("已退回")

    award = models.ForeignKey(Award, models.PROTECT, related_name="payee_changes", db_constraint=False)
    kind = CodeField(max_length=12, choices=Kind.choices)
    person_id = models.BigIntegerField(null=True, help_text="the member who is paid")
    name = models.CharField(max_length=60)
    account = TokenField()
    bank = CodeField(max_length=14)
    basis = models.CharField(max_length=400, help_text="why, and by which papers")
    was_name = models.CharField(max_length=60)
    state = CodeField(max_length=10, choices=State.choices, default=State.PROPOSED)
    proposed_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=400, blank=True)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["award"])]
        constraints = [
            models.UniqueConstraint(fields=["award"], condition=Q(state="proposed"), name="payee_change_one_open"),
            models.CheckConstraint(condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")), name="payee_change_two_officers"),
            models.CheckConstraint(condition=Q(state="proposed") ^ Q(decided_by__isnull=False), name="payee_change_decided"),
            models.CheckConstraint(condition=Q(kind="member") ^ Q(person_id__isnull=True), name="payee_change_member"),
            models.CheckConstraint(condition=~Q(basis=""), name="payee_change_why"),
        ]
