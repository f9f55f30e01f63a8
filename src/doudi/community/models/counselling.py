"""Counselling (心理疏导, measure 7.6): asked for, booked with a counsellor, held, followed up. What was said is read by two people alone."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField
from doudi.core.models import Account
from doudi.registry.models import Person


class CounsellingSession(AreaModel):
    """One session. Seen by its counsellor, its supervisor, whoever asked for it and the place's coordinators; elsewhere there are numbers only."""

    class Kind(models.TextChoices):
        COUNSELLING = "counselling", _("心理疏导")
        COMFORT = "comfort", _("慰问陪伴")

    class Cause(models.TextChoices):
        LOSS = "loss", _("亲人离世")
        ISOLATION = "isolation", _("隔离、独处")
        ILLNESS = "illness", _("疾病、失能")
        FAMILY = "family", _("家庭变故")
        DISASTER = "disaster", _("灾害、事故")
        OTHER = "other", _("其他")

    class State(models.TextChoices):
        ASKED = "asked", _("待预约")
        BOOKED = "booked", _("已预约")
        HELD = "held", _("已开展")
        MISSED = "missed", _("未到场")
        CANCELLED = "cancelled", _("已取消")

    class Way(models.TextChoices):
        HOME = "home", _("上门")
        STATION = "station", _("社工站")
        PHONE = "phone", _("电话")

    OPEN = (State.ASKED, State.BOOKED)

    uuid = models.UUIDField(unique=True)
    person = models.ForeignKey(Person, models.PROTECT, related_name="counselling", db_constraint=False)
    kind = CodeField(max_length=12, choices=Kind.choices)
    cause = CodeField(max_length=10, choices=Cause.choices)
    urgent = models.BooleanField(default=False)
    asked_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField()
    follows = models.ForeignKey("self", models.PROTECT, null=True, related_name="followed", db_constraint=False)
    state = CodeField(max_length=10, choices=State.choices, default=State.ASKED)
    counsellor = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", db_index=False)
    supervisor = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    booked_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    way = CodeField(max_length=10, choices=Way.choices, blank=True)
    starts = models.DateTimeField(null=True)
    ends = models.DateTimeField(null=True)
    follow_up = models.DateField(null=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True, help_text="why cancelled or not held")
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["area", "state", "starts"]),
            models.Index(fields=["counsellor", "state"]),
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="counselling_id_area"),
            models.UniqueConstraint(fields=["person", "kind"], condition=Q(state__in=["asked", "booked"]), name="counselling_one_open"),
            models.CheckConstraint(
                condition=~Q(state__in=["booked", "held"]) | Q(counsellor__isnull=False, supervisor__isnull=False, starts__isnull=False, ends__isnull=False),
                name="counselling_booked_whole",
            ),
            models.CheckConstraint(condition=Q(counsellor__isnull=True) | ~Q(counsellor=F("supervisor")), name="counselling_two_people"),
            models.CheckConstraint(condition=Q(starts__isnull=True) | Q(ends__gt=F("starts")), name="counselling_times"),
            models.CheckConstraint(condition=~Q(state__in=["missed", "cancelled"]) | ~Q(reason=""), name="counselling_ended_why"),
            ExclusionConstraint(
                name="counselling_one_at_a_time",
                expressions=[("counsellor", "="), (Func("starts", "ends", function="tstzrange"), "&&")],
                condition=Q(state="booked"),
            ),
        ]


class CounsellingNote(AreaModel):
    """What was said, sealed; the database shows it to the session's counsellor and supervisor alone."""

    session = models.OneToOneField(CounsellingSession, models.PROTECT, related_name="note", db_constraint=False)
    text = SealedTextField()
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
