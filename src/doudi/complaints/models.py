"""Objections and complaints (异议与投诉) about a decision, a payment or a person, from intake to the answer."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField, TokenField
from doudi.core.models import Account
from doudi.discovery.models.referrals import Department
from doudi.registry.models import Household


class Finding(models.TextChoices):
    UPHELD = "upheld", _("属实")
    PARTLY = "partly", _("部分属实")
    UNFOUNDED = "unfounded", _("不属实")
    WITHDRAWN = "withdrawn", _("本人撤回")
    OUTSIDE = "outside", _("不属民政受理范围")


class Action(models.TextChoices):
    """What closing does, through the rooms concerned."""

    NONE = "none", _("答复，不改变原决定")
    REVIEW = "review", _("重新核查待遇")
    SUSPEND = "suspend", _("暂停发放并核查")
    PAYMENT = "payment", _("更正发放")
    REFER = "refer", _("转有关部门")


class MassClose(AreaModel):
    """Many complaints closed for the same reason (批量办结), proposed by one officer and approved by another."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("待审批")
        APPROVED = "approved", _("已审批")
        SENT_BACK = "sent_back", _("已退回")

    reason = models.CharField(max_length=400)
    finding = CodeField(max_length=10, choices=Finding.choices)
    answer = SealedTextField()
    count = models.IntegerField()
    state = CodeField(max_length=10, choices=State.choices, default=State.PROPOSED)
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["area", "state"])]
        constraints = [models.CheckConstraint(condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("made_by")), name="mass_close_two_officers")]


class Complaint(AreaModel):
    """One objection (异议), complaint (投诉) or report (举报). Who made it stands apart (`Complainant`), sealed."""

    class Kind(models.TextChoices):
        OBJECTION = "objection", _("异议")
        COMPLAINT = "complaint", _("投诉")
        REPORT = "report", _("举报")

    class Category(models.TextChoices):
        DECISION = "decision", _("认定结果")
        AMOUNT = "amount", _("待遇金额")
        PAYMENT = "payment", _("发放到账")
        PUBLICITY = "publicity", _("公示")
        WRONG_RECEIPT = "wrong_receipt", _("不符合条件享受待遇")
        CONDUCT = "conduct", _("工作人员作风")
        OTHER = "other", _("其他")

    class Channel(models.TextChoices):
        HOUSEHOLD = "household", _("本人或家庭")
        PHONE = "phone", _("电话")
        LETTER = "letter", _("来信")
        STAFF = "staff", _("工作人员发现")
        PORTAL = "portal", _("网上")

    class State(models.TextChoices):
        NEW = "new", _("待分派")
        ASSIGNED = "assigned", _("已分派")
        IN_PROGRESS = "in_progress", _("办理中")
        ON_HOLD = "on_hold", _("暂停计时")
        FOR_APPROVAL = "for_approval", _("待审批")
        CLOSED = "closed", _("已办结")
        REOPENED = "reopened", _("重新办理")

    OPEN = (State.NEW, State.ASSIGNED, State.IN_PROGRESS, State.ON_HOLD, State.FOR_APPROVAL, State.REOPENED)

    number = CodeField(max_length=24, unique=True)
    uuid = models.UUIDField(unique=True, help_text="of the form: the same form sent twice is one complaint")
    kind = CodeField(max_length=10, choices=Kind.choices)
    category = CodeField(max_length=14, choices=Category.choices)
    channel = CodeField(max_length=10, choices=Channel.choices)
    anonymous = models.BooleanField(default=False)
    content = SealedTextField()
    household = models.ForeignKey(Household, models.PROTECT, null=True, related_name="complaints", db_constraint=False)
    person_id = models.BigIntegerField(null=True)
    decision_id = models.BigIntegerField(null=True)
    award_id = models.BigIntegerField(null=True)
    line_id = models.BigIntegerField(null=True)
    publicity_id = models.BigIntegerField(null=True)
    about_account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", help_text="the officer complained about: sees nothing of it")
    state = CodeField(max_length=12, choices=State.choices, default=State.NEW)
    handler = models.ForeignKey(Account, models.PROTECT, db_index=False, null=True, related_name="+")
    due = models.DateField()
    hold_reason = models.CharField(max_length=200, blank=True)
    hold_until = models.DateField(null=True)
    held_on = models.DateField(null=True)
    escalated = models.SmallIntegerField(default=0, help_text="0 no, 1 to the county, 2 to the city")
    escalated_on = models.DateField(null=True)
    finding = CodeField(max_length=10, choices=Finding.choices, blank=True)
    action = CodeField(max_length=8, choices=Action.choices, blank=True)
    department = CodeField(max_length=20, choices=Department.choices, blank=True)
    answer = SealedTextField(null=True)
    mass = models.ForeignKey(MassClose, models.PROTECT, null=True, related_name="complaints", db_constraint=False)
    opened_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    opened_at = models.DateTimeField()
    proposed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    proposed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True)
    reopened = models.SmallIntegerField(default=0)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["area", "state", "due"]),
            models.Index(fields=["handler", "state"]),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(closed_by__isnull=True) | (~Q(closed_by=F("proposed_by")) & (Q(handler__isnull=True) | ~Q(closed_by=F("handler")))),
                name="complaint_two_officers",
            ),
            models.CheckConstraint(
                condition=Q(about_account__isnull=True)
                | (
                    (Q(handler__isnull=True) | ~Q(handler=F("about_account")))
                    & (Q(closed_by__isnull=True) | ~Q(closed_by=F("about_account")))
                    & (Q(proposed_by__isnull=True) | ~Q(proposed_by=F("about_account")))
                ),
                name="complaint_not_ones_own",
            ),
            models.CheckConstraint(condition=~Q(state="on_hold") | (~Q(hold_reason="") & Q(hold_until__isnull=False)), name="complaint_hold_has_reason"),
            models.CheckConstraint(
                condition=~Q(state__in=["for_approval", "closed"]) | (~Q(finding="") & ~Q(action="") & Q(proposed_by__isnull=False)),
                name="complaint_closes_with_finding",
            ),
            models.CheckConstraint(condition=~Q(state="closed") | Q(closed_by__isnull=False), name="complaint_closed_by_somebody"),
        ]

    def __str__(self) -> str:
        return self.number


class Complainant(AreaModel):
    """Who made it: sealed; read only through `services.reveal_complainant`, which records it. Anonymous complaints have none."""

    complaint = models.OneToOneField(Complaint, models.PROTECT, related_name="complainant", db_constraint=False)
    name = SealedTextField()
    phone = TokenField(null=True)
    address = SealedTextField(null=True)


class ComplaintEvent(AreaModel):
    """What happened to a complaint: every change of state, with who and why."""

    complaint = models.ForeignKey(Complaint, models.PROTECT, db_index=False, related_name="events", db_constraint=False)
    at = models.DateTimeField()
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    what = models.CharField(max_length=40)
    note = SealedTextField(null=True)

    class Meta:
        indexes = [models.Index(fields=["complaint", "id"])]
