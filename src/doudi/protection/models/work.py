"""What is found out and agreed in a case: assessments with their level, goals and the services that serve them (5.4)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField
from doudi.core.models import Account
from doudi.protection.models.cases import ProtectionCase


class CaseGap(AreaModel):
    """A time in which nobody looked after the minor (`alone`), or in which nobody was an able guardian (`guardian`, 监护缺失)."""

    class Kind(models.TextChoices):
        ALONE = "alone", _("无人照料")
        GUARDIAN = "guardian", _("监护缺失")

    case = models.ForeignKey(ProtectionCase, models.PROTECT, related_name="gaps", db_constraint=False)
    kind = CodeField(max_length=8, choices=Kind.choices)
    starts = models.DateTimeField()
    ends = models.DateTimeField(null=True)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    ended_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    how = SealedTextField(null=True, help_text="who looks after the minor, or is the guardian, from the end on")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "kind"], condition=Q(ends__isnull=True), name="protection_one_open_gap"),
            models.CheckConstraint(condition=Q(ends__isnull=True) | Q(ends__gte=F("starts")), name="protection_gap_dates"),
        ]


class SectionVersion(AreaModel):
    """What stood in a section before it was saved again: nothing that was written is lost."""

    case = models.ForeignKey(ProtectionCase, models.PROTECT, db_index=False, related_name="section_versions", db_constraint=False)
    section = CodeField(max_length=20)
    version = models.IntegerField()
    content = SealedTextField()
    edited_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    edited_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "section", "version"], name="protection_section_version_once")]


class CaseAssessment(AreaModel):
    """Assessment of safety and guardianship (监护状况评估): answers as data, the level that follows from them, never changed afterwards.

    The assessor may set a level above the computed one, with a reason, never below it.
    """

    case = models.ForeignKey(ProtectionCase, models.PROTECT, db_index=False, related_name="assessments", db_constraint=False)
    uuid = models.UUIDField(unique=True)
    form = CodeField(max_length=10, help_text="version of the questions and of their rules: `instrument.FORMS`")
    answers = SealedTextField(help_text="JSON: question -> answer")
    computed = CodeField(max_length=6, choices=ProtectionCase.Level.choices)
    level = CodeField(max_length=6, choices=ProtectionCase.Level.choices)
    reason = SealedTextField(null=True, help_text="why the level is above the computed one")
    remarks = SealedTextField(null=True)
    assessed_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    assessed_at = models.DateTimeField()
    next_due = models.DateField()

    class Meta:
        indexes = [models.Index(fields=["case", "assessed_at"])]


class PlanGoal(AreaModel):
    """A goal of the plan (帮扶方案): what shall be better, and by when it is looked at."""

    class State(models.TextChoices):
        OPEN = "open", _("进行中")
        REACHED = "reached", _("已达成")
        DROPPED = "dropped", _("已取消")

    case = models.ForeignKey(ProtectionCase, models.PROTECT, db_index=False, related_name="goals", db_constraint=False)
    uuid = models.UUIDField(unique=True)
    goal = SealedTextField()
    due = models.DateField()
    state = CodeField(max_length=8, choices=State.choices, default=State.OPEN)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    note = SealedTextField(null=True, help_text="how it ended")
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["case", "id"])]
        constraints = [models.CheckConstraint(condition=Q(state="open") ^ Q(closed_at__isnull=False), name="protection_goal_closed")]


class PlanService(AreaModel):
    """A service that serves a goal (服务): who does it, by when, how far it is."""

    class Kind(models.TextChoices):
        CARE = "care", _("生活照料")
        BENEFIT = "benefit", _("救助保障")
        HEALTH = "health", _("医疗健康")
        SCHOOL = "school", _("教育")
        MIND = "mind", _("心理疏导")
        GUARDIAN = "guardian", _("监护指导")
        LEGAL = "legal", _("法律援助")
        OTHER = "other", _("其他")

    class State(models.TextChoices):
        PLANNED = "planned", _("未开始")
        RUNNING = "running", _("进行中")
        DONE = "done", _("已完成")
        DROPPED = "dropped", _("已取消")

    OPEN = (State.PLANNED, State.RUNNING)

    case = models.ForeignKey(ProtectionCase, models.PROTECT, db_index=False, related_name="services", db_constraint=False)
    goal = models.ForeignKey(PlanGoal, models.PROTECT, related_name="services", db_constraint=False)
    uuid = models.UUIDField(unique=True)
    kind = CodeField(max_length=10, choices=Kind.choices)
    what = SealedTextField()
    responsible = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", help_text="of those who work on the case")
    provider = models.CharField(max_length=100, blank=True, help_text="who else provides it: a school, a hospital, an organisation")
    due = models.DateField()
    state = CodeField(max_length=8, choices=State.choices, default=State.PLANNED)
    progress = SealedTextField(null=True, help_text="the last word on it; earlier ones are events")
    changed_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["case", "id"]), models.Index(fields=["area", "due"], condition=Q(state__in=("planned", "running")), name="protection_service_due")]
        constraints = [
            models.CheckConstraint(condition=Q(responsible__isnull=False) | ~Q(provider=""), name="protection_service_somebody"),
            models.CheckConstraint(condition=Q(state__in=("planned", "running")) ^ Q(closed_at__isnull=False), name="protection_service_closed"),
        ]
