"""Sweeps (集中排查, measure 1.6): a time-boxed campaign, what it asks, whom it lists, what was answered, and every step of it."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaField, AreaModel, CodeField, SealedTextField
from doudi.core.models import Account, Posting
from doudi.discovery.models.leads import Lead
from doudi.discovery.models.visits import Met, Visit, VisitConflict, VisitNeed
from doudi.discovery.sweep_catalogue import Kind
from doudi.registry.models import Household


class Sweep(AreaModel):
    """A campaign of a township, or of a county for some of its townships. `area` is who leads it; places below read it too.

    Once closed or cancelled nothing of it changes any more: triggers on the tables below hold this.
    """

    class State(models.TextChoices):
        OPEN = "open", _("排查中")
        CLOSED = "closed", _("已办结")
        CANCELLED = "cancelled", _("已取消")

    key = models.UUIDField(unique=True, help_text="made by the form: opened once")
    title = models.CharField(max_length=60)
    document = models.CharField(max_length=200, blank=True)
    starts = models.DateField()
    ends = models.DateField(help_text="the last day, included")
    groups = ArrayField(CodeField(max_length=12), default=list)
    everybody = models.BooleanField(default=False, help_text="every household of the registry, whatever its groups")
    state = CodeField(max_length=10, choices=State.choices, default=State.OPEN)
    version = models.IntegerField(default=1)
    opened_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    closed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, blank=True, help_text="why it was cancelled, or what is said at its end")

    class Meta:
        indexes = [models.Index(fields=["area", "state", "ends"])]
        constraints = [
            models.UniqueConstraint(fields=["area", "title"], condition=Q(state="open"), name="sweep_once"),
            models.CheckConstraint(condition=Q(ends__gte=F("starts")), name="sweep_days"),
            models.CheckConstraint(condition=Q(everybody=True) | ~Q(groups=[]), name="sweep_concerns"),
            models.CheckConstraint(condition=Q(state="open") ^ Q(closed_at__isnull=False), name="sweep_closed"),
        ]

    def __str__(self) -> str:
        return self.title


class SweepPlace(AreaModel):
    """A place that a sweep covers: its own area, or divisions below."""

    sweep = models.ForeignKey(Sweep, models.PROTECT, related_name="places", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sweep", "area"], name="sweep_place_once")]


class SweepQuestion(AreaModel):
    """One question of a sweep: of the catalogue (`field`), or its own. `alarm` is the answer that shows a need (own questions)."""

    sweep = models.ForeignKey(Sweep, models.PROTECT, related_name="questions", db_index=False)
    position = models.SmallIntegerField()
    field = CodeField(max_length=20, default="")
    kind = CodeField(max_length=8, choices=Kind.choices)
    label = models.CharField(max_length=60)
    options = ArrayField(models.CharField(max_length=30), default=list)
    least = models.IntegerField(null=True)
    most = models.IntegerField(null=True)
    required = models.BooleanField(default=False)
    alarm = CodeField(max_length=8, default="")
    need = CodeField(max_length=12, choices=VisitNeed.choices, default="")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["sweep", "position"], name="sweep_question_position"),
            models.UniqueConstraint(fields=["sweep", "field"], condition=~Q(field=""), name="sweep_question_field"),
            models.CheckConstraint(condition=Q(alarm="", need="") | (~Q(alarm="") & ~Q(need="")), name="sweep_question_alarm"),
        ]


class SweepEntry(AreaModel):
    """One household on a sweep's list. A household stands there once; one that was found outside of the registry stands with its lead.

    `residence_area` is the village of stay where the whole household stays in another village of the sweep: its visitor sees the entry
    and has it. A household that moves within the sweep takes its entry along; one that moves out is no longer the sweep's (`left`).
    """

    class State(models.TextChoices):
        LISTED = "listed", _("待排查")
        ABSENT = "absent", _("未见到人")
        DONE = "done", _("已排查")
        REFUSED = "refused", _("不愿配合")
        LEFT = "left", _("已不在此地")
        UNREACHED = "unreached", _("未排查到")

    class Origin(models.TextChoices):
        LISTED = "listed", _("首次列入")
        JOINED = "joined", _("其间列入")
        FOUND = "found", _("排查中发现")

    OPEN = ("listed", "absent")
    ANSWERABLE = ("listed", "absent", "left")

    sweep = models.ForeignKey(Sweep, models.PROTECT, related_name="entries", db_index=False)
    household = models.ForeignKey(Household, models.PROTECT, null=True, related_name="sweep_entries", db_constraint=False, db_index=False)
    residence_area = AreaField(null=True)
    name = CodeField(max_length=60, help_text="name of the head when it was listed")
    groups = ArrayField(CodeField(max_length=12), default=list)
    origin = CodeField(max_length=8, choices=Origin.choices, default=Origin.LISTED)
    posting = models.ForeignKey(Posting, models.PROTECT, null=True, related_name="+", help_text="the visitor; null: whoever visits the village")
    given = models.BooleanField(default=False, help_text="the township gave it to the visitor; it is not dealt out again")
    state = CodeField(max_length=10, choices=State.choices, default=State.LISTED)
    version = models.IntegerField(default=1)
    made_at = models.DateTimeField()
    met = CodeField(max_length=12, choices=Met.choices, default="")
    attempts = models.SmallIntegerField(default=0)
    done_at = models.DateTimeField(null=True, help_text="by the visitor's device")
    received_at = models.DateTimeField(null=True)
    recorder = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    visit = models.ForeignKey(Visit, models.PROTECT, null=True, related_name="sweep_entries", db_constraint=False, db_index=False)
    lead = models.ForeignKey(Lead, models.PROTECT, null=True, related_name="sweep_entries", db_constraint=False, help_text="what it found")
    result = SealedTextField(null=True, help_text="JSON of services.visits.Result, where the household is not the recorder's to visit")

    class Meta:
        indexes = [
            models.Index(fields=["sweep", "area", "state"]),
            models.Index(fields=["sweep", "residence_area"], condition=Q(residence_area__isnull=False), name="sweep_entry_stay"),
            models.Index(fields=["posting", "sweep"], condition=Q(state__in=("listed", "absent")), name="sweep_entry_posting"),
            models.Index(fields=["area", "state"], condition=Q(state__in=("listed", "absent")), name="sweep_entry_open"),
            models.Index(fields=["household"], condition=Q(household__isnull=False), name="sweep_entry_household"),
            models.Index(fields=["visit"], condition=Q(visit__isnull=False), name="sweep_entry_visit"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["sweep", "household"], name="sweep_entry_once"),
            models.CheckConstraint(condition=Q(household__isnull=False) | Q(origin="found", lead__isnull=False), name="sweep_entry_subject"),
            models.CheckConstraint(
                condition=~Q(state__in=("done", "refused", "absent")) | Q(done_at__isnull=False, received_at__isnull=False),
                name="sweep_entry_recorded",
            ),
        ]


class SweepAnswer(AreaModel):
    """An answer: `choice` (yes, no, an option's code or number), a number, or text (sealed); exactly one of them."""

    entry = models.ForeignKey(SweepEntry, models.PROTECT, related_name="answers", db_constraint=False, db_index=False)
    question = models.ForeignKey(SweepQuestion, models.PROTECT, related_name="answers", db_index=False)
    residence_area = AreaField(null=True, help_text="that of the entry")
    choice = CodeField(max_length=20, default="")
    number = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    text = SealedTextField(null=True)

    class Meta:
        indexes = [models.Index(fields=["question", "choice"])]
        constraints = [
            models.UniqueConstraint(fields=["entry", "question"], name="sweep_answer_once"),
            models.CheckConstraint(
                condition=Q(number__isnull=True, text__isnull=True) & ~Q(choice="")
                | Q(choice="", number__isnull=False, text__isnull=True)
                | Q(choice="", number__isnull=True, text__isnull=False),
                name="sweep_answer_one",
            ),
        ]


class SweepConflict(AreaModel):
    """A second answer about a household that was answered meanwhile: kept whole. Where both are records of one visit, the decision between
    those (`visit_conflict`) is the decision here too."""

    class State(models.TextChoices):
        OPEN = "open", _("待处理")
        FIRST = "first", _("保留先到的答案")
        SECOND = "second", _("采用后到的答案")

    entry = models.ForeignKey(SweepEntry, models.PROTECT, related_name="conflicts", db_constraint=False)
    residence_area = AreaField(null=True, help_text="that of the entry")
    visit_conflict = models.OneToOneField(VisitConflict, models.PROTECT, null=True, related_name="sweep_conflict", db_constraint=False)
    done_at = models.DateTimeField()
    received_at = models.DateTimeField()
    recorder = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    content = SealedTextField(help_text="JSON: result and answers of the second record")
    replaced = SealedTextField(null=True, help_text="what stood before the decision, likewise")
    state = CodeField(max_length=8, choices=State.choices, default=State.OPEN)
    resolver = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(state="open") ^ Q(resolved_at__isnull=False), name="sweep_conflict_resolved")]


class SweepEvent(AreaModel):
    """Every step of a sweep and of its households: who, when, what, why. `uuid` makes a record count once, however often it is sent."""

    class What(models.TextChoices):
        OPENED = "opened", _("开展")
        LISTED = "listed", _("列入家庭")
        EXTENDED = "extended", _("延期")
        CLOSED = "closed", _("办结")
        CANCELLED = "cancelled", _("取消")
        GIVEN = "given", _("改派")
        ANSWERED = "answered", _("登记")
        SECOND = "second", _("重复登记")
        DECIDED = "decided", _("选定记录")
        FOUND = "found", _("新发现家庭")
        SETTLED = "settled", _("核实变化")

    sweep = models.ForeignKey(Sweep, models.PROTECT, related_name="events")
    entry = models.ForeignKey(SweepEntry, models.PROTECT, null=True, related_name="events", db_constraint=False)
    residence_area = AreaField(null=True, help_text="that of the entry")
    uuid = models.UUIDField(null=True, unique=True)
    at = models.DateTimeField()
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    what = CodeField(max_length=10, choices=What.choices)
    note = models.CharField(max_length=400, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["sweep", "at"], condition=Q(entry__isnull=True), name="sweep_event_sweep"),
            models.Index(fields=["entry", "at"], condition=Q(entry__isnull=False), name="sweep_event_entry"),
        ]
