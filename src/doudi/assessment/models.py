"""Assessments (待遇测算): what the law said of a household for a month, with the facts it was told, frozen."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField
from doudi.registry.models import Household


class SettingsSnapshot(models.Model):
    """The settings that lay over the law's parameters at a run, by their hash: an assessment can be repeated years later."""

    hash = CodeField(max_length=64, primary_key=True)
    rows = models.JSONField()
    made_at = models.DateTimeField()


class AssessmentRun(AreaModel):
    """One run of the law over all households of an area for a month."""

    month = models.DateField()
    law_version = CodeField(max_length=40)
    settings = models.ForeignKey(SettingsSnapshot, models.PROTECT)
    households = models.IntegerField(default=0)
    people = models.IntegerField(default=0)
    summary = models.JSONField(default=dict)
    made_by = models.BigIntegerField(null=True)
    made_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)


class Assessment(AreaModel):
    """One household, one month. `facts` are the law's inputs (by variable; lists by member), `results` its outputs.

    The explanation is rebuilt from the frozen facts and the frozen settings, so it is the same whenever it is read.
    """

    class Trigger(models.TextChoices):
        APPLICATION = "application", _("申请")
        LEAD = "lead", _("救助线索")
        REVIEW = "review", _("定期核查")
        MONITORING = "monitoring", _("动态监测")
        OFFICER = "officer", _("经办人测算")

    household = models.ForeignKey(Household, models.PROTECT, related_name="assessments", db_constraint=False, db_index=False)
    run = models.ForeignKey(AssessmentRun, models.PROTECT, null=True)
    month = models.DateField()
    trigger = CodeField(max_length=12, choices=Trigger.choices)
    law_version = CodeField(max_length=40)
    settings = models.ForeignKey(SettingsSnapshot, models.PROTECT)
    as_of = models.DateField(help_text="day whose facts count")
    facts = models.JSONField()
    results = models.JSONField()
    digest = CodeField(max_length=64, help_text="of month, law, settings and facts: the same situation makes no second row")
    made_by = models.BigIntegerField(null=True)
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["household", "month", "id"]), models.Index(fields=["area", "month"])]


class WhatIf(AreaModel):
    """A policy question (政策测算): what a changed rule, or another month, makes of a population. Only sums are kept, nobody's own result."""

    class Source(models.TextChoices):
        REGISTRY = "registry", _("本辖区登记家庭")
        SYNTHETIC = "synthetic", _("模拟人口")

    name = models.CharField(max_length=100)
    source = CodeField(max_length=10, choices=Source.choices)
    size = models.IntegerField(default=0, help_text="people of a synthetic population")
    month = models.DateField()
    month_after = models.DateField(null=True, help_text="the month to compare with, where two months are compared")
    reform = models.TextField(blank=True, help_text="YAML; empty where two months are compared")
    law_version = CodeField(max_length=40)
    settings = models.ForeignKey(SettingsSnapshot, models.PROTECT)
    digest = CodeField(max_length=64, help_text="of question, day, law and settings: the same question again is the same run")
    result = models.JSONField(null=True)
    made_by = models.BigIntegerField(null=True)
    made_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["area", "-made_at"])]
        constraints = [models.UniqueConstraint(fields=["area", "digest"], name="what_if_once")]
