"""Case meetings (一事一议) and the claims that keep one emergency from being paid twice in the province."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import models
from django.db.models import Func, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, MoneyField, SealedTextField, TokenField
from doudi.core.models import Account
from doudi.relief.models.cases import Cause, ReliefCase


class CaseMeeting(AreaModel):
    """What a case meeting (3.4) resolved about one case: written once, never changed. A meeting may deal with several.

    `content_hash` is a keyed digest over what was said and resolved.
    """

    class Resolution(models.TextChoices):
        GRANT = "grant", _("同意救助")
        REFUSE = "refuse", _("不予救助")

    case = models.ForeignKey(ReliefCase, models.PROTECT, related_name="meetings", db_constraint=False, db_index=False)
    sitting = models.UUIDField(null=True, help_text="the records of one meeting share it: each case its own resolution")
    held_on = models.DateField()
    place = models.CharField(max_length=100)
    participants = models.JSONField(help_text="name, unit and post of each, the chair first")
    facts = SealedTextField()
    opinions = SealedTextField()
    resolution = CodeField(max_length=8, choices=Resolution.choices)
    amount = MoneyField(null=True, help_text="resolved, yuan; null where refused")
    usual = MoneyField(help_text="ceiling of the case at the time")
    reason = SealedTextField(help_text="why no rule fits, or why beyond the rule")
    clash = CodeField(max_length=6, choices=ReliefCase.Clash.choices, default="")
    content_hash = CodeField(max_length=64)
    recorded_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["sitting"]), models.Index(fields=["area", "held_on"])]
        constraints = [
            models.UniqueConstraint(fields=["case"], name="case_meeting_once"),
            models.CheckConstraint(
                condition=Q(resolution="grant", amount__isnull=False, amount__gt=0) | Q(resolution="refuse", amount__isnull=True), name="case_meeting_amount"
            ),
        ]


class ReliefClaim(AreaModel):
    """One grant to one person: the same cause once in a year, and so many times in a calendar year, across areas (integrity.md, "Relief").

    Written by `doudi.claim_relief` alone. `until` is the last day of the year from the event (Civil Code arts. 201, 202: the same day of the
    next year; 28 February after a 29 February). Claims of a case meeting that decided beyond the rule stand outside of both guards.
    """

    case = models.ForeignKey(ReliefCase, models.PROTECT, related_name="claims", db_constraint=False)
    token = TokenField()
    cause = CodeField(max_length=12, choices=Cause.choices)
    event_on = models.DateField()
    until = models.DateField()
    year = models.SmallIntegerField()
    slot = models.SmallIntegerField(null=True)
    beyond = models.BooleanField(default=False, help_text="by a case meeting, in spite of a clash")
    void = models.BooleanField(default=False)
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["token", "event_on"])]
        constraints = [
            models.UniqueConstraint(fields=["case", "token"], condition=Q(void=False), name="relief_claim_once"),
            models.UniqueConstraint(fields=["token", "year", "slot"], condition=Q(void=False, beyond=False), name="relief_claim_slot"),
            models.CheckConstraint(condition=Q(beyond=True) | Q(slot__isnull=False, slot__gte=1), name="relief_claim_has_slot"),
            ExclusionConstraint(
                name="relief_claim_cause",
                expressions=[("token", "="), ("cause", "="), (Func("event_on", "until", models.Value("[]"), function="daterange"), "&&")],
                condition=Q(void=False, beyond=False),
            ),
        ]
