"""Applications (救助申请), one case per programme, the steps and the record of each case."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, MoneyField, SealedTextField
from doudi.core.models import Account, Duty
from doudi.enrolment.models.decisions import Decision
from doudi.enrolment.procedure import Step
from doudi.registry.models import Household, Person, Programme


class Application(AreaModel):
    """Application (救助申请) of a household for one or several programmes. While a case of it is open it moves with its household:
    `moves_with` carries the household then, and is empty afterwards (done work stays where it was done)."""

    class Channel(models.TextChoices):
        COUNTER = "counter", _("乡镇窗口")
        VILLAGE = "village", _("村（社区）代办")
        LEAD = "lead", _("主动发现")
        PORTAL = "portal", _("网上申请")

    number = CodeField(max_length=24, unique=True)
    household = models.ForeignKey(Household, models.PROTECT, related_name="applications", db_constraint=False)
    moves_with = models.BigIntegerField(null=True, help_text="the household while open")
    applicant = models.ForeignKey(Person, models.PROTECT, related_name="+", db_constraint=False)
    channel = CodeField(max_length=8, choices=Channel.choices)
    lead_id = models.BigIntegerField(null=True)
    applied_on = models.DateField(help_text="the day that counts for the start of subsidies")
    note = SealedTextField(null=True)
    wish = models.JSONField(default=list, help_text="what the law gave when it was made: programme, person, amount")
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    supplements = models.JSONField(default=list, help_text="documents and points owed, as told once")
    supplements_due = models.DateField(null=True)
    accepted_papers = models.JSONField(default=list, help_text="ids of the documents that acceptance counted")
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["area", "applied_on"])]
        constraints = [models.UniqueConstraint(fields=["id", "area"], name="application_id_area")]

    def __str__(self) -> str:
        return self.number


class Case(AreaModel):
    """Case (办件): one programme of an application on its way. `procedure` is frozen at the start (`procedure.frozen`)."""

    class State(models.TextChoices):
        OPEN = "open", _("办理中")
        SUPPLEMENTS = "supplements", _("待补正")
        PAUSED = "paused", _("已中止")
        CLOSED = "closed", _("已办结")

    class Outcome(models.TextChoices):
        NONE = "", _("未作决定")
        GRANTED = "granted", _("已确认")
        REFUSED = "refused", _("不予确认")
        NOT_ACCEPTED = "not_accepted", _("不予受理")
        WITHDRAWN = "withdrawn", _("申请人撤回")
        ENDED = "ended", _("终止办理")

    application = models.ForeignKey(Application, models.PROTECT, related_name="cases", db_constraint=False)
    household = models.ForeignKey(Household, models.PROTECT, related_name="cases", db_constraint=False)
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_constraint=False, help_text="of a programme of one person")
    programme = CodeField(max_length=20, choices=Programme.choices)
    procedure = models.JSONField()
    step = CodeField(max_length=12, choices=Step.choices, help_text="empty at the end")
    state = CodeField(max_length=12, choices=State.choices, default=State.OPEN)
    outcome = CodeField(max_length=12, choices=Outcome.choices, default="")
    duty = CodeField(max_length=30, choices=Duty.choices, help_text="whose turn it is")
    due = models.DateField(null=True, help_text="of the step")
    decide_by = models.DateField(null=True, help_text="of the whole, from acceptance")
    paused_on = models.DateField(null=True)
    decision = models.ForeignKey(Decision, models.PROTECT, null=True, related_name="cases", db_constraint=False)
    amount = MoneyField(null=True)
    made_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["area", "step", "due"], condition=~Q(state="closed"), name="case_open"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="case_id_area"),
            models.UniqueConstraint(fields=["household", "programme", "person"], condition=Q(outcome=""), nulls_distinct=False, name="case_one_open"),
            models.CheckConstraint(condition=Q(state="closed") ^ Q(closed_at__isnull=True), name="case_closed"),
            models.CheckConstraint(condition=~Q(state="closed") | ~Q(outcome=""), name="case_outcome"),
        ]


class CaseStep(AreaModel):
    """One step of a case as it was taken. A step taken again is a new row; the old one is void."""

    class State(models.TextChoices):
        OPEN = "open", _("办理中")
        DONE = "done", _("已办")
        VOID = "void", _("重新办理")

    case = models.ForeignKey(Case, models.PROTECT, related_name="steps", db_constraint=False)
    step = CodeField(max_length=12, choices=Step.choices)
    state = CodeField(max_length=6, choices=State.choices, default=State.OPEN)
    duty = CodeField(max_length=30, choices=Duty.choices)
    opened_on = models.DateField()
    due = models.DateField()
    paused_days = models.SmallIntegerField(default=0, help_text="working days that the clock stood still")
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    data = models.JSONField(default=dict, help_text="what the step says, without personal data")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case"], condition=Q(state="open"), name="case_step_one_open"),
            models.UniqueConstraint(fields=["case", "step"], condition=Q(state="done"), name="case_step_done_once"),
        ]


class CaseEvent(AreaModel):
    """What happened to a case, in order: never changed."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="events", db_constraint=False)
    at = models.DateTimeField()
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    what = models.CharField(max_length=60, help_text="as it was said then")
    note = SealedTextField(null=True)
