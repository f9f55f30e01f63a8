"""Declared emergencies (应急状态): dated, for named places, by two officers; other rooms hang switches on them (architecture, decision 2)."""

from __future__ import annotations

from datetime import date

from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField
from doudi.core.models.staff import Account


class Emergency(AreaModel):
    """An emergency, declared by a county, city or the province (`area`) for places of its own (`places`).

    Nobody writes `state` and `ends` directly: a confirmed `EmergencyStep` sets them by a trigger. `ends` is the first day on which
    it no longer holds; None: until further notice.
    """

    class Kind(models.TextChoices):
        EPIDEMIC = "epidemic", _("疫情")
        FLOOD = "flood", _("洪涝")
        DROUGHT = "drought", _("干旱")
        STORM = "storm", _("风雹、台风")
        COLD = "cold", _("低温雨雪冰冻")
        EARTHQUAKE = "earthquake", _("地震")
        LANDSLIDE = "landslide", _("地质灾害")
        FIRE = "fire", _("重大火灾")
        ACCIDENT = "accident", _("事故灾难")
        OTHER = "other", _("其他突发事件")

    class State(models.TextChoices):
        PROPOSED = "proposed", _("待确认")
        CONFIRMED = "confirmed", _("已确认")
        REFUSED = "refused", _("已退回")
        WITHDRAWN = "withdrawn", _("已撤回")

    kind = CodeField(max_length=12, choices=Kind.choices)
    title = models.CharField(max_length=80)
    document = models.CharField(max_length=200, help_text="number of the document that declares it")
    starts = models.DateField()
    ends = models.DateField(null=True)
    state = CodeField(max_length=12, choices=State.choices, default=State.PROPOSED)

    class Meta:
        indexes = [models.Index(fields=["area", "starts"])]
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="emergency_id_area"),
            models.CheckConstraint(condition=Q(ends__isnull=True) | Q(ends__gt=F("starts")), name="emergency_dates"),
        ]

    def __str__(self) -> str:
        return self.title

    def holds_on(self, on: date) -> bool:
        return self.state == self.State.CONFIRMED and self.starts <= on and (self.ends is None or on < self.ends)


class EmergencyPlace(AreaModel):
    """One place of an emergency with everything below it. Kind, dates and `active` are the emergency's own, kept by triggers."""

    emergency = models.ForeignKey(Emergency, models.PROTECT, related_name="places", db_constraint=False, db_index=False)
    kind = CodeField(max_length=12)
    starts = models.DateField()
    ends = models.DateField(null=True)
    active = models.BooleanField(default=False, help_text="confirmed")

    class Meta:
        indexes = [models.Index(fields=["area"], condition=Q(active=True), name="emergency_place_active")]
        constraints = [
            models.UniqueConstraint(fields=["emergency", "area"], name="emergency_place_once"),
            ExclusionConstraint(
                name="emergency_no_overlap",
                expressions=[("area", "="), ("kind", "="), (Func("starts", "ends", function="daterange"), "&&")],
                condition=Q(active=True),
            ),
        ]


class EmergencyStep(AreaModel):
    """Declared, extended or lifted: proposed by one officer, decided by another of the same place. Rows are the history."""

    class What(models.TextChoices):
        DECLARE = "declare", _("宣布")
        EXTEND = "extend", _("延长")
        LIFT = "lift", _("提前解除")

    emergency = models.ForeignKey(Emergency, models.PROTECT, related_name="steps", db_constraint=False, db_index=False)
    what = CodeField(max_length=8, choices=What.choices)
    ends = models.DateField(null=True, help_text="first day on which the emergency no longer holds, once this is confirmed")
    document = models.CharField(max_length=200)
    note = models.CharField(max_length=400, blank=True)
    state = CodeField(max_length=12, choices=Emergency.State.choices, default=Emergency.State.PROPOSED)
    proposed_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=400, blank=True)

    class Meta:
        indexes = [models.Index(fields=["emergency", "proposed_at"])]
        constraints = [
            models.UniqueConstraint(fields=["emergency"], condition=Q(state="proposed"), name="emergency_one_open_step"),
            models.CheckConstraint(
                condition=Q(state="proposed", decided_by__isnull=True)
                | Q(state="withdrawn")
                | (Q(decided_by__isnull=False) & ~Q(decided_by=F("proposed_by"))),
                name="emergency_two_officers",
            ),
        ]
