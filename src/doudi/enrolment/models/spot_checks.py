"""Spot checks (抽查) of what townships confirmed for the county: seed and frame are kept, so that anybody can draw again and see the same."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField
from doudi.core.models import Account
from doudi.enrolment.models.decisions import Decision
from doudi.enrolment.models.reviews import Review
from doudi.registry.models import Programme


class SpotCheck(AreaModel):
    """One drawing of a county: decisions confirmed by its townships from `starts` to `ends` (days, both included). Periods never overlap."""

    class State(models.TextChoices):
        OPEN = "open", _("抽查中")
        CLOSED = "closed", _("已办结")

    number = CodeField(max_length=24, unique=True)
    starts = models.DateField()
    ends = models.DateField()
    share = models.SmallIntegerField(help_text="per cent of each stratum, at least one")
    seed = models.BigIntegerField()
    size = models.IntegerField(help_text="decisions in the frame")
    drawn = models.IntegerField()
    state = CodeField(max_length=6, choices=State.choices, default=State.OPEN)
    due = models.DateField()
    figures = models.JSONField(default=list, help_text="findings by township, when it was closed")
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    closed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends__gte=F("starts")), name="spot_check_dates"),
            models.CheckConstraint(condition=Q(share__gte=1) & Q(share__lte=100), name="spot_check_share"),
            models.CheckConstraint(condition=Q(state="closed") ^ Q(closed_at__isnull=True), name="spot_check_closed"),
            ExclusionConstraint(
                name="spot_check_period_once",
                expressions=[("area", "="), (Func("starts", "ends", Value("[]"), function="daterange"), "&&")],
            ),
        ]

    def __str__(self) -> str:
        return self.number


class SpotCheckStratum(AreaModel):
    """One stratum: decisions of one township (`area`) under one programme; `frame`: their ids in order."""

    check_of = models.ForeignKey(SpotCheck, models.PROTECT, related_name="strata", db_constraint=False, db_index=False)
    programme = CodeField(max_length=20, choices=Programme.choices)
    frame = ArrayField(models.BigIntegerField())
    drawn = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["check_of", "area", "programme"], name="spot_stratum_once"),
            models.CheckConstraint(condition=Q(drawn__gte=1), name="spot_stratum_drawn"),
        ]


class SpotCheckItem(AreaModel):
    """One drawn decision with what a county officer found, who neither proposed nor confirmed it."""

    class Finding(models.TextChoices):
        IN_ORDER = "in_order", _("符合规定")
        INCOMPLETE = "incomplete", _("材料不齐")
        WRONG = "wrong", _("确认错误")

    check_of = models.ForeignKey(SpotCheck, models.PROTECT, related_name="items", db_constraint=False, db_index=False)
    decision = models.ForeignKey(Decision, models.PROTECT, related_name="spot_checks", db_constraint=False)
    programme = CodeField(max_length=20, choices=Programme.choices)
    confirmed_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    finding = CodeField(max_length=10, choices=Finding.choices, default="")
    text = SealedTextField(null=True)
    checked_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    checked_at = models.DateTimeField(null=True)
    review = models.ForeignKey(Review, models.PROTECT, null=True, related_name="spot_items", db_constraint=False, help_text="by which it was reopened", db_index=False)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["review"], condition=Q(review__isnull=False), name="spot_item_review")]
        constraints = [
            models.UniqueConstraint(fields=["check_of", "decision"], name="spot_item_once"),
            models.CheckConstraint(condition=Q(checked_by__isnull=True) | ~Q(checked_by=F("confirmed_by")), name="spot_item_two_officers"),
            models.CheckConstraint(
                condition=Q(finding="", checked_by__isnull=True, checked_at__isnull=True)
                | (~Q(finding="") & Q(checked_by__isnull=False) & Q(checked_at__isnull=False)),
                name="spot_item_found_by",
            ),
            models.CheckConstraint(condition=Q(finding__in=("", "in_order")) | Q(text__isnull=False), name="spot_item_found_what"),
            models.CheckConstraint(condition=Q(review__isnull=True) | Q(finding="wrong"), name="spot_item_reopened_why"),
        ]
