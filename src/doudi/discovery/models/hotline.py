"""The hotline (社会救助服务热线, measures 1.4): desks, calls, calls back, what operators look up."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField, TokenField
from doudi.core.models import Account
from doudi.discovery.models.leads import Lead
from doudi.registry.models import Person


class HotlineDesk(AreaModel):
    """A desk of province, city or county (热线受理台) with the number that people dial. One a place; everybody may read it."""

    name = models.CharField(max_length=60)
    number = CodeField(max_length=20)
    hours = models.CharField(max_length=60, blank=True)
    is_open = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["area"], name="hotline_desk_once")]


class Call(AreaModel):
    """One call (来电). `area` is the place of the case as far as it is known, at first the desk's own."""

    class State(models.TextChoices):
        RINGING = "ringing", _("排队中")
        TALKING = "talking", _("通话中")
        DONE = "done", _("已结束")
        MISSED = "missed", _("未接")

    class Role(models.TextChoices):
        SELF = "self", _("本人或家人")
        NEIGHBOUR = "neighbour", _("邻居、亲友")
        CADRE = "cadre", _("村（社区）工作人员")
        PASSER = "passer", _("路人及其他")

    class Outcome(models.TextChoices):
        LEAD = "lead", _("登记线索")
        ATTACHED = "attached", _("并入已有线索")
        CONSULT = "consult", _("政策咨询")
        COMPLAINT = "complaint", _("投诉转办")
        TRANSFERRED = "transferred", _("转其他热线")

    uuid = models.UUIDField(unique=True, help_text="made by the page or the call centre: a call is registered once")
    number = CodeField(max_length=24, unique=True)
    desk = models.ForeignKey(HotlineDesk, models.PROTECT, related_name="calls", db_index=False)
    external = CodeField(max_length=60, null=True, help_text="the call centre's own id")
    state = CodeField(max_length=8, choices=State.choices)
    rang_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    operator = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", db_index=False)
    caller_phone = TokenField(null=True)
    caller_name = CodeField(max_length=60, default="")
    caller_role = CodeField(max_length=10, choices=Role.choices, default="")
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_constraint=False)
    subject_name = CodeField(max_length=60, default="")
    subject_age = models.SmallIntegerField(null=True)
    needs = models.JSONField(default=list)
    urgency = CodeField(max_length=6, choices=Lead.Urgency.choices, default="")
    detail = SealedTextField(null=True)
    outcome = CodeField(max_length=12, choices=Outcome.choices, default="")
    lead = models.ForeignKey(Lead, models.PROTECT, null=True, related_name="calls", db_constraint=False)
    transferred_to = models.ForeignKey(HotlineDesk, models.PROTECT, null=True, related_name="+")
    repeat_of = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    satisfaction = models.SmallIntegerField(null=True, validators=[MinValueValidator(1), MaxValueValidator(5)])
    satisfaction_note = models.CharField(max_length=200, blank=True)
    asked_at = models.DateTimeField(null=True, help_text="when the caller was asked how satisfied")
    asked = models.SmallIntegerField(default=0, help_text="attempts to ask")

    class Meta:
        indexes = [
            models.Index(fields=["desk", "state", "rang_at"]),
            models.Index(fields=["caller_phone", "rang_at"]),
            models.Index(fields=["operator", "rang_at"]),
            models.Index(fields=["area", "rang_at"]),
        ]
        constraints = [
            models.UniqueConstraint(fields=["desk", "external"], name="call_once_per_centre"),
            models.CheckConstraint(condition=Q(answered_at__isnull=True) | Q(answered_at__gte=F("rang_at")), name="call_answered_after_ring"),
            models.CheckConstraint(condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("rang_at")), name="call_ended_after_ring"),
            models.CheckConstraint(condition=Q(satisfaction__isnull=True) | Q(satisfaction__range=(1, 5)), name="call_satisfaction_1_to_5"),
        ]


class CallBack(AreaModel):
    """A call owed to somebody (回拨): a missed call, or what an operator promised."""

    class Kind(models.TextChoices):
        MISSED = "missed", _("未接来电")
        PROMISED = "promised", _("约定回电")

    call = models.ForeignKey(Call, models.PROTECT, related_name="callbacks")
    kind = CodeField(max_length=10, choices=Kind.choices)
    due_at = models.DateTimeField()
    note = models.CharField(max_length=200, blank=True)
    attempts = models.SmallIntegerField(default=0)
    tried_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    reached = models.BooleanField(null=True)
    done_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["area", "done_at", "due_at"])]
        constraints = [models.UniqueConstraint(fields=["call", "kind"], condition=Q(done_at__isnull=True), name="callback_open_once")]


class Knowledge(AreaModel):
    """An answer for operators (知识) that a place has written for itself; seen in that place and below."""

    title = models.CharField(max_length=80)
    keywords = models.CharField(max_length=200)
    body = models.CharField(max_length=600)
    written_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    written_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["area", "ended_at"])]
