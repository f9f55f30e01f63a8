"""Leads and their way from signal to help (measures 1.2, 1.3, 1.5)."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaField, AreaModel, CodeField, SealedTextField, TokenField
from doudi.core.models import Account, Posting
from doudi.discovery.models.deliveries import ComparisonRun
from doudi.registry.models import Household, Person


class Channel(models.TextChoices):
    """Where a signal came from."""

    COMPARISON = "comparison", _("信息比对")
    HOTLINE = "hotline", _("救助服务热线")
    PORTAL = "portal", _("网上申报")
    VISITOR = "visitor", _("入户走访")
    TEAM = "team", _("主动发现队伍")
    SWEEP = "sweep", _("集中排查")
    INSTITUTION = "institution", _("服务机构")
    OFFICER = "officer", _("经办登记")
    REFERRAL = "referral", _("外地转来")


class Need(models.TextChoices):
    """Kind of need (需求类别) in a word; what was said about it stands sealed in `Lead.detail`."""

    LIVING = "living", _("生活困难")
    ILLNESS = "illness", _("生病就医")
    DISABILITY = "disability", _("残疾照护")
    ELDERLY = "elderly", _("老人无人照料")
    CHILD = "child", _("儿童监护缺失")
    DISASTER = "disaster", _("火灾等意外")
    SUPPLIES = "supplies", _("缺少药品物资")
    STRANDED = "stranded", _("外来人员滞留")
    OTHER = "other", _("其他困难")


class Lead(AreaModel):
    """Lead (救助线索): a signal that someone may need help or a payment may be wrong. One situation is one lead, ever.

    One household is worked on once: while one of its leads is open, further signals are merged into that one (`merged_into`) and
    follow its state; the most urgent level and the earliest days count. `merge_key` says who is the same: household, person, or
    for a subject who is not in the registry phone and village, or name, village and day.
    """

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

    OPEN = ("new", "assigned", "contacted", "verified", "unreachable")
    UNCONTACTED = ("new", "assigned", "unreachable")

    number = CodeField(max_length=24, unique=True)
    channel = CodeField(max_length=12, choices=Channel.choices)
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="leads", db_constraint=False)
    household = models.ForeignKey(Household, models.PROTECT, null=True, related_name="leads", db_constraint=False)
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, related_name="signals", db_constraint=False, db_index=False)
    merge_key = CodeField(max_length=80)
    # a subject who is not in this area's registry
    subject_name = CodeField(max_length=60, default="")
    subject_phone = TokenField(null=True)
    subject_token = TokenField(null=True, help_text="ID number")
    registered_area = AreaField(null=True, help_text="registered residence (户籍地) of a person from elsewhere")
    residence_area = AreaField(null=True, help_text="village of stay, where it is not `area`: its staff see the lead too")
    address = SealedTextField(null=True)
    need = CodeField(max_length=12, choices=Need.choices, default="")
    detail = SealedTextField(null=True, help_text="what was told, in free text")
    indicator = CodeField(max_length=40, help_text="the indicator of a comparison; else the channel")
    situation = CodeField(max_length=120, help_text="what makes the same situation the same lead")
    programme = CodeField(max_length=20, default="")
    reason = models.CharField(max_length=400)
    evidence = models.JSONField(default=dict)
    urgency = CodeField(max_length=6, choices=Urgency.choices)
    state = CodeField(max_length=12, choices=State.choices, default=State.NEW)
    run = models.ForeignKey(ComparisonRun, models.PROTECT, null=True)
    signal_at = models.DateTimeField()
    reporter = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", help_text="who gave the signal")
    member = models.ForeignKey("discovery.TeamMember", models.PROTECT, null=True, related_name="leads", db_constraint=False, help_text="team member")
    posting = models.ForeignKey(Posting, models.PROTECT, null=True, related_name="+", help_text="the visitor it is assigned to; null: the township's")
    contact_due = models.DateField(null=True)
    verify_due = models.DateField(null=True)
    retry_due = models.DateField(null=True, help_text="next attempt on somebody who could not be reached")
    attempts = models.SmallIntegerField(default=0)
    escalated = models.SmallIntegerField(default=0, help_text="0 none, 1 township, 2 county, 3 city")
    escalated_on = models.DateField(null=True)
    contacted_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    helped_at = models.DateTimeField(null=True, help_text="first help that answered this lead or one merged into it")
    closed_at = models.DateTimeField(null=True)
    handler = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["area", "state", "contact_due"]),
            models.Index(fields=["state", "id"]),
            models.Index(fields=["merged_into"], condition=Q(merged_into__isnull=False), name="lead_merged"),
            models.Index(fields=["residence_area"], condition=Q(residence_area__isnull=False), name="lead_residence"),
            models.Index(fields=["posting", "contact_due"], condition=Q(posting__isnull=False), name="lead_posting"),
            models.Index(fields=["reporter", "signal_at"], condition=Q(reporter__isnull=False), name="lead_reporter"),
            models.Index(fields=["member", "signal_at"], condition=Q(member__isnull=False), name="lead_member"),
            models.Index(fields=["area", "signal_at"], condition=Q(merged_into__isnull=True), name="lead_signal"),
            models.Index(fields=["subject_phone"], condition=Q(subject_phone__isnull=False), name="lead_phone"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["indicator", "situation"], name="lead_once_per_situation"),
            models.UniqueConstraint(
                fields=["merge_key"],
                condition=Q(merged_into__isnull=True, state__in=("new", "assigned", "contacted", "verified", "unreachable")),
                name="lead_one_open",
            ),
        ]

    @property
    def due(self) -> date | None:
        """Day by which the next step is owed; None where none is."""
        if self.state in self.UNCONTACTED:
            return self.retry_due or self.contact_due
        return self.verify_due if self.state == self.State.CONTACTED else None

    @property
    def shown_name(self) -> str:
        """Name of whom it concerns; empty where nobody named them."""
        return self.person.name if self.person else self.subject_name or (self.household.name if self.household else "")


class LeadEvent(AreaModel):
    """Every step of a lead: who, when, from what to what, why (measures 1.5). The state stays where something else happened."""

    lead = models.ForeignKey(Lead, models.PROTECT, related_name="events", db_constraint=False, db_index=False)
    residence_area = AreaField(null=True, help_text="that of the lead")
    at = models.DateTimeField()
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    before = CodeField(max_length=12)
    after = CodeField(max_length=12)
    what = CodeField(max_length=12, default="", help_text="assigned, merged, escalated, released: the step where the state stayed")
    note = models.CharField(max_length=400, blank=True)

    class Meta:
        indexes = [models.Index(fields=["lead", "at"])]
