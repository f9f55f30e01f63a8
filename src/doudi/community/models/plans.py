"""Service emergency plans (社区服务应急响应预案, measure 7.2): what a village or community has and does when an emergency comes, its activations and their lists."""

from __future__ import annotations

from datetime import date, timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField, TokenField
from doudi.core.models import Account, Emergency


class PlanVersion(AreaModel):
    """One version of a village's plan. Written there, approved by the township; the approved one stays as it is until a newer one replaces it."""

    class State(models.TextChoices):
        DRAFT = "draft", _("起草中")
        SUBMITTED = "submitted", _("待审批")
        APPROVED = "approved", _("现行")
        REPLACED = "replaced", _("已被替换")

    OPEN = (State.DRAFT, State.SUBMITTED)

    number = models.SmallIntegerField()
    state = CodeField(max_length=10, choices=State.choices, default=State.DRAFT)
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    submitted_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    submitted_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=200, blank=True, help_text="why it was sent back last")
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["area", "state"])]
        constraints = [
            models.UniqueConstraint(fields=["area", "number"], name="plan_number_once"),
            models.UniqueConstraint(fields=["area"], condition=Q(state="approved"), name="plan_one_in_force"),
            models.UniqueConstraint(fields=["area"], condition=Q(state__in=["draft", "submitted"]), name="plan_one_open"),
            models.UniqueConstraint(fields=["id", "area"], name="plan_id_area"),
            models.CheckConstraint(condition=~Q(state__in=["approved", "replaced"]) | Q(decided_by__isnull=False), name="plan_approved_by_somebody"),
            models.CheckConstraint(condition=~Q(state__in=["approved", "replaced"]) | ~Q(decided_by=F("submitted_by")), name="plan_two_officers"),
        ]


class PlanItem(AreaModel):
    """One line of a plan: a grid and who answers for it, somebody to call, something to use, a supplier, whom to look after how often, a step of the start."""

    class Section(models.TextChoices):
        GRID = "grid", _("网格")
        CONTACT = "contact", _("联系人")
        RESOURCE = "resource", _("资源")
        SUPPLIER = "supplier", _("供应商")
        PRIORITY = "priority", _("重点人员")
        STEP = "step", _("启动清单")

    class Kind(models.TextChoices):
        # resources
        SHELTER = "shelter", _("安置场所")
        VEHICLE = "vehicle", _("车辆")
        GOODS = "goods", _("物资")
        TEAM = "team", _("队伍")
        # suppliers
        SHOP = "shop", _("商店")
        PHARMACY = "pharmacy", _("药店")
        HOSPITAL = "hospital", _("医院、卫生室")
        MEALS = "meals", _("助餐点")
        # how somebody is looked after
        VISIT = "visit", _("上门")
        CALL = "call", _("电话")

    plan = models.ForeignKey(PlanVersion, models.PROTECT, related_name="items", db_constraint=False, db_index=False)
    section = CodeField(max_length=10, choices=Section.choices)
    position = models.SmallIntegerField(default=0)
    kind = CodeField(max_length=10, choices=Kind.choices, blank=True)
    name = CodeField(max_length=60, help_text="of the grid, thing, supplier or office; the code of a group; the step in words")
    detail = models.CharField(max_length=200, blank=True, help_text="extent of the grid, place, hours, what it delivers")
    quantity = models.IntegerField(null=True)
    person = CodeField(max_length=60, blank=True)
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", help_text="of the grid's person, where there is one")
    phone = TokenField(null=True, help_text="of a person")
    line = CodeField(max_length=20, blank=True, help_text="a number that the supplier makes public")
    priority = models.SmallIntegerField(null=True, help_text="1 first")
    every = models.SmallIntegerField(null=True, help_text="days between two visits or calls")

    class Meta:
        indexes = [models.Index(fields=["plan", "section", "position"])]
        constraints = [
            models.UniqueConstraint(fields=["plan", "section", "name", "kind"], name="plan_item_once"),
            models.CheckConstraint(condition=~Q(section="grid") | ~Q(person=""), name="plan_grid_has_a_person"),
            models.CheckConstraint(
                condition=~Q(section="priority") | Q(priority__range=(1, 9), every__range=(1, 30), kind__in=["visit", "call"]), name="plan_priority_whole"
            ),
            models.CheckConstraint(condition=Q(quantity__isnull=True) | Q(quantity__gte=0), name="plan_quantity"),
        ]


class Activation(AreaModel):
    """A plan put to work (启动), for a declared emergency or on its own, from a day until the day before `ends`. Its lists are frozen when it begins."""

    class State(models.TextChoices):
        ACTIVE = "active", _("启动中")
        ENDED = "ended", _("待总结")
        REVIEWED = "reviewed", _("已总结")

    plan = models.ForeignKey(PlanVersion, models.PROTECT, related_name="activations", db_constraint=False)
    emergency = models.ForeignKey(Emergency, models.PROTECT, null=True, related_name="+", db_constraint=False)
    reason = models.CharField(max_length=200)
    document = models.CharField(max_length=200)
    starts = models.DateField()
    ends = models.DateField(help_text="the first day on which it no longer holds")
    state = CodeField(max_length=10, choices=State.choices, default=State.ACTIVE)
    visit_plans = ArrayField(models.BigIntegerField(), default=list, help_text="the visit plans that it set")
    people = models.IntegerField(default=0)
    started_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    ended_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=200, blank=True)
    review = SealedTextField(null=True, help_text="what went well, what was missing, what the plan should change")
    reviewed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["area", "state", "ends"])]
        constraints = [
            models.UniqueConstraint(fields=["area"], condition=Q(state="active"), name="activation_one_at_a_time"),
            models.UniqueConstraint(fields=["id", "area"], name="activation_id_area"),
            models.CheckConstraint(condition=Q(ends__gte=F("starts")), name="activation_dates"),
            models.CheckConstraint(condition=Q(state="active") ^ Q(ended_at__isnull=False), name="activation_ended"),
            models.CheckConstraint(condition=~Q(state="reviewed") | Q(review__isnull=False, reviewed_at__isnull=False), name="activation_reviewed"),
        ]

    @property
    def last_day(self) -> date:
        """The last day on which it held: the first one at least."""
        return max(self.ends - timedelta(days=1), self.starts)


class ActivationStep(AreaModel):
    """One step of the start, ticked with who and when."""

    activation = models.ForeignKey(Activation, models.PROTECT, related_name="steps", db_constraint=False, db_index=False)
    position = models.SmallIntegerField()
    text = models.CharField(max_length=200)
    done_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    done_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["activation", "position"], name="activation_step_once"),
            models.CheckConstraint(condition=Q(done_by__isnull=True) | Q(done_at__isnull=False), name="activation_step_ticked"),
        ]


class ActivationPerson(AreaModel):
    """Somebody who must be visited or called while the plan is active: as the groups stood when it began."""

    activation = models.ForeignKey(Activation, models.PROTECT, related_name="entries", db_constraint=False, db_index=False)
    person_id = models.BigIntegerField()
    household_id = models.BigIntegerField()
    care_id = models.BigIntegerField()
    name = CodeField(max_length=60, help_text="as it was: the list is frozen")
    groups = ArrayField(CodeField(max_length=24))
    priority = models.SmallIntegerField()
    how = CodeField(max_length=10, choices=[(PlanItem.Kind.VISIT.value, _("上门")), (PlanItem.Kind.CALL.value, _("电话"))])
    every = models.SmallIntegerField()
    grid = models.ForeignKey(PlanItem, models.PROTECT, null=True, related_name="+", db_constraint=False)
    due = models.DateField()
    last_on = models.DateField(null=True)
    last_outcome = CodeField(max_length=12, blank=True)

    class Meta:
        indexes = [models.Index(fields=["activation", "due", "priority", "id"])]
        constraints = [
            models.UniqueConstraint(fields=["activation", "person_id"], name="activation_person_once"),
            models.UniqueConstraint(fields=["id", "area"], name="activation_person_id_area"),
        ]


class ActivationCheck(AreaModel):
    """One visit or call of a day: once a person and day, however often it is sent."""

    class Outcome(models.TextChoices):
        WELL = "well", _("平安")
        NEED = "need", _("有需求")
        UNREACHABLE = "unreachable", _("没有联系上")
        TAKEN = "taken", _("已送医或转移")

    entry = models.ForeignKey(ActivationPerson, models.PROTECT, related_name="checks", db_constraint=False, db_index=False)
    on = models.DateField()
    outcome = CodeField(max_length=12, choices=Outcome.choices)
    note = SealedTextField(null=True)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entry", "on"], name="activation_check_once_a_day")]
