"""The discovery team (measures 1.3): people of the grass roots who report whom they find."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, TokenField
from doudi.core.models import Account


class TeamMember(AreaModel):
    """Member of the discovery team (主动发现队员) of a village or township, with or without an account of their own."""

    class Kind(models.TextChoices):
        GRID = "grid", _("网格员")
        COMMITTEE = "committee", _("村（居）委会成员")
        STATION = "station", _("社工站社工")
        VOLUNTEER = "volunteer", _("志愿者")
        BUILDING = "building", _("楼栋长")
        DOCTOR = "doctor", _("乡村医生")
        OTHER = "other", _("其他")

    name = CodeField(max_length=60)
    kind = CodeField(max_length=12, choices=Kind.choices)
    organisation = models.CharField(max_length=80, blank=True)
    phone = TokenField()
    contact = models.CharField(max_length=200, blank=True, help_text="when and how to reach, whom else to ask")
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    starts = models.DateField()
    ends = models.DateField(null=True, help_text="first day on which they are no longer a member")
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["area", "name"])]
        constraints = [
            models.CheckConstraint(condition=Q(ends__isnull=True) | Q(ends__gt=F("starts")), name="team_member_dates"),
            models.UniqueConstraint(fields=["area", "phone"], condition=Q(ends__isnull=True), name="team_member_once"),
            models.UniqueConstraint(fields=["account"], condition=Q(ends__isnull=True), name="team_member_account"),
        ]

    def __str__(self) -> str:
        return self.name


class TeamTraining(AreaModel):
    """A training that a member took part in."""

    member = models.ForeignKey(TeamMember, models.PROTECT, related_name="trainings", db_constraint=False, db_index=False)
    on = models.DateField()
    title = models.CharField(max_length=80)
    hours = models.DecimalField(max_digits=4, decimal_places=1)
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member", "on", "title"], name="team_training_once"),
            models.CheckConstraint(condition=Q(hours__gt=0), name="team_training_hours"),
        ]
