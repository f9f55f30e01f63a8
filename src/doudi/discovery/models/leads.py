"""Leads and their way from signal to help (measures 1.2, 1.3, 1.5)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField
from doudi.core.models import Account
from doudi.discovery.models.deliveries import ComparisonRun
from doudi.registry.models import Household, Person


class Lead(AreaModel):
    """Lead (救助线索): a signal that someone may need help or a payment may be wrong. One situation is one lead, ever."""

    class State(models.TextChoices):
        NEW = "new", _("待签收")
        ASSIGNED = "assigned", _("已分派")
        CONTACTED = "contacted", _("已联系")
        VERIFIED = "verified", _("已核实")
        HELPED = "helped", _("已救助")
        NOT_IN_NEED = "not_in_need", _("不符合条件")
        REFERRED = "referred", _("已转办")
        UNREACHABLE = "unreachable", _("无法联系")

    class Urgency(models.TextChoices):
        RED = "red", _("红色预警")
        ORANGE = "orange", _("橙色预警")
        YELLOW = "yellow", _("黄色预警")

    OPEN = ("new", "assigned", "contacted", "verified", "referred")

    number = CodeField(max_length=24, unique=True)
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="leads", db_constraint=False)
    household = models.ForeignKey(Household, models.PROTECT, null=True, related_name="leads", db_constraint=False)
    indicator = CodeField(max_length=40)
    situation = CodeField(max_length=120, help_text="what makes the same situation the same lead")
    programme = CodeField(max_length=20, default="")
    reason = models.CharField(max_length=400)
    evidence = models.JSONField(default=dict)
    urgency = CodeField(max_length=6, choices=Urgency.choices)
    state = CodeField(max_length=12, choices=State.choices, default=State.NEW)
    run = models.ForeignKey(ComparisonRun, models.PROTECT, null=True)
    signal_at = models.DateTimeField()
    contact_due = models.DateField(null=True)
    verify_due = models.DateField(null=True)
    contacted_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    handler = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["area", "state", "contact_due"]),
            models.Index(fields=["person"]),
            models.Index(fields=["household"]),
            models.Index(fields=["state", "id"]),
        ]
        constraints = [models.UniqueConstraint(fields=["indicator", "situation"], name="lead_once_per_situation")]


class LeadEvent(AreaModel):
    """Every step of a lead: who, when, from what to what, why (measures 1.5)."""

    lead = models.ForeignKey(Lead, models.PROTECT, related_name="events", db_constraint=False)
    at = models.DateTimeField()
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    before = CodeField(max_length=12)
    after = CodeField(max_length=12)
    note = models.CharField(max_length=400, blank=True)

    class Meta:
        indexes = [models.Index(fields=["lead", "at"])]
