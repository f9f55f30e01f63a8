"""Protection cases (未成年人保护个案): a minor whose guardianship fails or may fail, who answers for the case, and what is written down of it (measure 5)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField, TokenField
from doudi.core.models import Account


class ProtectionCase(AreaModel):
    """One minor's case. `area` is the place that is responsible for the minor; a transfer moves it.

    Narrower than area: it is seen by those assigned to it and by their supervisors; while it waits to be taken, by the county's protection
    workers and by whoever reported it. The database holds this (`0002_guards`), so every table below a case follows it.
    """

    class Category(models.TextChoices):
        ORPHAN = "orphan", _("孤儿")
        UNSUPPORTED = "unsupported", _("事实无人抚养儿童")
        LEFT_BEHIND = "left_behind", _("农村留守儿童")
        GAP = "gap", _("监护缺失")
        HARM = "harm", _("监护侵害")
        OTHER = "other", _("其他困境未成年人")

    class Source(models.TextChoices):
        VISIT = "visit", _("走访发现")
        LEAD = "lead", _("救助线索")
        HOTLINE = "hotline", _("热线来电")
        MANDATORY = "mandatory", _("强制报告")
        PUBLIC = "public", _("群众报告")
        TRANSFER = "transfer", _("外地移交")
        STAFF = "staff", _("工作人员登记")

    class Urgency(models.TextChoices):
        RED = "red", _("紧急")
        ORANGE = "orange", _("较急")
        YELLOW = "yellow", _("一般")

    class State(models.TextChoices):
        INTAKE = "intake", _("待接案")
        ASSESSING = "assessing", _("评估中")
        FOLLOWING = "following", _("帮扶中")
        CLOSED = "closed", _("已结案")
        MOVED = "moved", _("已移交")

    class Level(models.TextChoices):
        HIGH = "high", _("高风险")
        MIDDLE = "middle", _("中风险")
        LOW = "low", _("低风险")

    OPEN = (State.INTAKE, State.ASSESSING, State.FOLLOWING)

    number = CodeField(max_length=24, unique=True)
    uuid = models.UUIDField(unique=True, help_text="of the form: the same form sent twice is one case")
    person_id = models.BigIntegerField(null=True, help_text="of the registry, where the minor is registered")
    household_id = models.BigIntegerField(null=True)
    token = TokenField(null=True, help_text="ID number; one open case for a minor in the whole province")
    name = CodeField(max_length=60, blank=True, help_text="empty where nobody knows it yet")
    sex = CodeField(max_length=1, blank=True)
    birth_date = models.DateField(null=True)
    category = CodeField(max_length=12, choices=Category.choices)
    source = CodeField(max_length=10, choices=Source.choices)
    source_id = models.BigIntegerField(null=True, help_text="lead, visit, call or report that it came from")
    reported = SealedTextField(help_text="what was reported, in the reporter's words")
    urgency = CodeField(max_length=6, choices=Urgency.choices)
    level = CodeField(max_length=6, choices=Level.choices, blank=True, help_text="of the last assessment")
    state = CodeField(max_length=10, choices=State.choices, default=State.INTAKE)
    opened_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    opened_at = models.DateTimeField()
    contact_due = models.DateTimeField(help_text="by when somebody has seen the minor; by urgency")
    contacted_at = models.DateTimeField(null=True)
    unattended_from = models.DateTimeField(null=True, help_text="since when nobody looks after the minor; null: somebody does")
    responsible = models.ForeignKey(Account, models.PROTECT, db_index=False, null=True, related_name="+")
    review_due = models.DateField(null=True)
    closed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True)
    close_reason = CodeField(max_length=20, blank=True)
    reopened = models.SmallIntegerField(default=0)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["area", "state", "contact_due"]), models.Index(fields=["responsible", "state"]), models.Index(fields=["person_id"]),
            models.Index(fields=["area", "unattended_from"], condition=Q(unattended_from__isnull=False), name="protection_gap_open"),
        ]  # fmt: skip
        constraints = [
            models.UniqueConstraint(fields=["token"], condition=~Q(state__in=["closed", "moved"]), name="protection_one_open_case"),
            models.UniqueConstraint(fields=["person_id"], condition=~Q(state__in=["closed", "moved"]), name="protection_one_open_case_person"),
            models.CheckConstraint(
                condition=~Q(state="closed") | (Q(closed_by__isnull=False) & ~Q(close_reason="")), name="protection_closed_with_reason"
            ),
            models.CheckConstraint(condition=Q(state="intake") | Q(responsible__isnull=False) | Q(state="moved"), name="protection_somebody_answers"),
        ]

    def __str__(self) -> str:
        return self.number


class CaseAssignment(AreaModel):
    """Who works on a case, from when to when: the one responsible, and others who help."""

    class Role(models.TextChoices):
        RESPONSIBLE = "responsible", _("责任人")
        HELPER = "helper", _("协办人")

    case = models.ForeignKey(ProtectionCase, models.PROTECT, related_name="assignments", db_constraint=False)
    account = models.ForeignKey(Account, models.PROTECT, db_index=False, related_name="+")
    role = CodeField(max_length=12, choices=Role.choices)
    starts = models.DateTimeField()
    ends = models.DateTimeField(null=True)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["account", "ends"])]
        constraints = [
            models.UniqueConstraint(fields=["case"], condition=Q(role="responsible", ends__isnull=True), name="protection_one_responsible"),
            models.UniqueConstraint(fields=["case", "account"], condition=Q(ends__isnull=True), name="protection_assigned_once"),
            models.CheckConstraint(condition=Q(ends__isnull=True) | Q(ends__gte=F("starts")), name="protection_assignment_dates"),
        ]


class CaseSection(AreaModel):
    """One section of a case's file (`sections.SECTIONS`): its fields as JSON, sealed; read and written by the duties that the section names.

    `version` counts saves: who saves over another's change is shown both (`services.sections.Merge`).
    """

    case = models.ForeignKey(ProtectionCase, models.PROTECT, db_index=False, related_name="sections", db_constraint=False)
    section = CodeField(max_length=20)
    content = SealedTextField()
    version = models.IntegerField(default=1)
    edited_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    edited_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "section"], name="protection_section_once")]


class CaseEvent(AreaModel):
    """What happened to a case: every change of state and of who answers, with who and why."""

    case = models.ForeignKey(ProtectionCase, models.PROTECT, db_index=False, related_name="events", db_constraint=False)
    at = models.DateTimeField()
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    what = CodeField(max_length=20)
    note = SealedTextField(null=True)

    class Meta:
        indexes = [models.Index(fields=["case", "id"])]
