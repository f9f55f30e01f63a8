"""Visits (measures 1.7, 7.3): how often whom, who is due, what was found, and records that contradict each other."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField
from doudi.core.models import Account, Duty, Posting
from doudi.discovery.models.leads import Lead
from doudi.registry.models import Household


class Group(models.TextChoices):
    """Whom a place visits (走访对象). One household may belong to several; the densest counts."""

    DIBAO = "dibao", _("低保家庭")
    TEKUN = "tekun", _("分散供养特困人员")
    MARGINAL = "marginal", _("低保边缘家庭")
    DISABLED = "disabled", _("重度残疾人")
    ALONE = "alone", _("独居老人")
    ORPHAN = "orphan", _("散居孤儿")
    UNSUPPORTED = "unsupported", _("事实无人抚养儿童")
    LEFT_BEHIND = "left_behind", _("留守儿童")
    ILL = "ill", _("重病患者")
    LISTED = "listed", _("县定特殊困难人员")


CHILDREN = (Group.ORPHAN, Group.UNSUPPORTED, Group.LEFT_BEHIND)


# Who may be given visits.
VISITORS = (Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.STATION_WORKER, Duty.TOWNSHIP_OFFICER, Duty.CHILD_SUPERVISOR)


class Unit(models.TextChoices):
    DAY = "day", _("天")
    WEEK = "week", _("周")
    MONTH = "month", _("个月")


class VisitPlan(AreaModel):
    """Visit plan (走访计划): how often a group is visited at a place from a day on, and how often while an emergency holds there.

    `every` 0: not visited. Rows are never changed: of several the nearest place counts, there the latest `starts`, then the latest row.
    One for a time (a service plan that is active) counts until the day before `ends`; what held before counts again by itself.
    Places below read it too.
    """

    group = CodeField(max_length=12, choices=Group.choices)
    starts = models.DateField()
    ends = models.DateField(null=True, help_text="the first day on which it no longer counts")
    every = models.SmallIntegerField()
    unit = CodeField(max_length=5, choices=Unit.choices)
    emergency_every = models.SmallIntegerField(help_text="0: as in ordinary times")
    emergency_unit = CodeField(max_length=5, choices=Unit.choices)
    document = models.CharField(max_length=200, blank=True)
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["area", "group", "starts"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(every__gte=0, every__lte=366, emergency_every__gte=0, emergency_every__lte=366), name="visit_plan_every"
            ),
            models.CheckConstraint(condition=Q(ends__isnull=True) | Q(ends__gte=F("starts")), name="visit_plan_dates"),
        ]


class Met(models.TextChoices):
    """Whom the visitor met."""

    SELF = "self", _("见到本人")
    FAMILY = "family", _("见到家人")
    ABSENT = "absent", _("不在家")
    UNREACHABLE = "unreachable", _("无法联系")
    REFUSED = "refused", _("不愿走访")
    MOVED = "moved", _("已搬走")
    DIED = "died", _("已去世")


class Living(models.TextChoices):
    STEADY = "steady", _("平稳")
    HARD = "hard", _("有困难")
    VERY_HARD = "very_hard", _("很困难")


class VisitNeed(models.TextChoices):
    """What is missing, as the visitor sees it (measures 7.5: supplies, medicines, care)."""

    FOOD = "food", _("吃饭")
    MEDICINE = "medicine", _("用药")
    HEATING = "heating", _("取暖")
    CARER = "carer", _("无人照料")
    DOCTOR = "doctor", _("看病")
    COUNSEL = "counsel", _("心理疏导")
    SCHOOL = "school", _("上学")
    HOUSING = "housing", _("住房")


class Health(models.TextChoices):
    SAME = "same", _("没有变化")
    BETTER = "better", _("好转")
    WORSE = "worse", _("变差")


class Income(models.TextChoices):
    SAME = "same", _("没有变化")
    MORE = "more", _("增加")
    LESS = "less", _("减少")


class Visit(AreaModel):
    """One visit of a household (入户走访), owed or made. A household owes at most one at a time, whatever groups it is in.

    A missed visit is still owed. One that met nobody is over; the next attempt is a visit of its own. `version` changes when somebody
    records or closes the visit, not when its day or its visitor changes: who records on an older one contradicts somebody (`VisitConflict`).
    """

    class State(models.TextChoices):
        DUE = "due", _("待走访")
        MISSED = "missed", _("逾期未走访")
        DONE = "done", _("已走访")
        ABSENT = "absent", _("未见到人")
        REFUSED = "refused", _("不愿走访")
        CANCELLED = "cancelled", _("已取消")

    class Origin(models.TextChoices):
        PLAN = "plan", _("走访计划")
        AGAIN = "again", _("再次上门")
        ASKED = "asked", _("乡镇安排")
        OWN = "own", _("计划外")

    OPEN = ("due", "missed")

    household = models.ForeignKey(Household, models.PROTECT, related_name="visits", db_constraint=False, db_index=False)
    origin = CodeField(max_length=6, choices=Origin.choices)
    groups = ArrayField(CodeField(max_length=12), default=list)
    due = models.DateField()
    urgent = models.BooleanField(default=False, help_text="the emergency density set its day")
    posting = models.ForeignKey(Posting, models.PROTECT, null=True, related_name="+", help_text="the visitor; null: whoever visits the village")
    state = CodeField(max_length=10, choices=State.choices, default=State.DUE)
    version = models.IntegerField(default=1)
    absences = models.SmallIntegerField(default=0, help_text="visits in a row before this one that met nobody")
    missed_on = models.DateField(null=True)
    escalated = models.SmallIntegerField(default=0, help_text="0 none, 1 township, 2 county, 3 city")
    escalated_on = models.DateField(null=True)
    made_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, blank=True, help_text="why it was asked for or cancelled")
    # the record
    uuid = models.UUIDField(null=True, unique=True, help_text="made by the form or the device: a record counts once")
    based_on = models.IntegerField(null=True, help_text="the version that the visitor saw")
    done_at = models.DateTimeField(null=True, help_text="by the visitor's device")
    received_at = models.DateTimeField(null=True)
    recorder = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    paper = models.BooleanField(default=False, help_text="typed in from the printed list")
    met = CodeField(max_length=12, choices=Met.choices, default="")
    living = CodeField(max_length=10, choices=Living.choices, default="")
    needs = ArrayField(CodeField(max_length=12), default=list)
    medicine_days = models.SmallIntegerField(null=True)
    health = CodeField(max_length=6, choices=Health.choices, default="")
    income = CodeField(max_length=6, choices=Income.choices, default="")
    note = SealedTextField(null=True)
    witness = CodeField(max_length=60, default="")
    next_on = models.DateField(null=True, help_text="agreed day of the next attempt")
    lead = models.ForeignKey(Lead, models.PROTECT, null=True, related_name="visits", db_constraint=False, help_text="the lead that it answers")
    found = models.ForeignKey(Lead, models.PROTECT, null=True, related_name="+", db_constraint=False, help_text="the lead that it raised")

    class Meta:
        indexes = [
            models.Index(fields=["area", "state", "due"]),
            models.Index(fields=["household", "due"]),
            models.Index(fields=["area", "closed_at"]),
            models.Index(fields=["posting", "due"], condition=Q(state__in=("due", "missed")), name="visit_posting_open"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["household"], condition=Q(state__in=("due", "missed")), name="visit_one_open"),
            models.CheckConstraint(
                condition=Q(state__in=("due", "missed", "cancelled"), uuid__isnull=True, done_at__isnull=True)
                | Q(state__in=("done", "absent", "refused"), uuid__isnull=False, done_at__isnull=False, received_at__isnull=False),
                name="visit_recorded",
            ),
            models.CheckConstraint(condition=Q(state__in=("due", "missed")) ^ Q(closed_at__isnull=False), name="visit_closed"),
            models.CheckConstraint(condition=Q(medicine_days__isnull=True) | Q(medicine_days__range=(0, 366)), name="visit_medicine_days"),
        ]

    @property
    def late(self) -> bool:
        """Made after its day, or missed."""
        return self.state == self.State.MISSED or bool(self.done_at and self.missed_on)


class VisitConflict(AreaModel):
    """A second record of a visit that was recorded or closed meanwhile (走访记录冲突): kept whole until a person decides. Nothing is lost:
    what a decision replaces stays here too."""

    class State(models.TextChoices):
        OPEN = "open", _("待处理")
        FIRST = "first", _("保留先到的记录")
        SECOND = "second", _("采用后到的记录")
        MERGED = "merged", _("逐项合并")
        BOTH = "both", _("两次走访都保留")

    visit = models.ForeignKey(Visit, models.PROTECT, related_name="conflicts", db_constraint=False)
    uuid = models.UUIDField(unique=True)
    based_on = models.IntegerField(null=True)
    done_at = models.DateTimeField()
    received_at = models.DateTimeField()
    recorder = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    paper = models.BooleanField(default=False)
    content = SealedTextField(help_text="the second record, JSON of services.visits.Result")
    replaced = SealedTextField(null=True, help_text="the record that stood before the decision, likewise")
    found = models.ForeignKey(Lead, models.PROTECT, null=True, related_name="+", db_constraint=False)
    state = CodeField(max_length=8, choices=State.choices, default=State.OPEN)
    resolver = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    resolved_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["area", "state", "received_at"])]
        constraints = [
            models.CheckConstraint(condition=Q(state="open") ^ Q(resolved_at__isnull=False), name="visit_conflict_resolved"),
            models.CheckConstraint(condition=Q(resolved_at__isnull=True) | Q(resolved_at__gte=F("received_at")), name="visit_conflict_order"),
        ]
