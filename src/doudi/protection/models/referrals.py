"""Referral (转介) to another service and transfer (移交) of responsibility, between services and areas (5.3, 5.4)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaField, AreaModel, CodeField, SealedTextField
from doudi.core.models import Account, Duty
from doudi.protection.models.cases import ProtectionCase


class Referral(AreaModel):
    """A referral or a transfer: `area` gives, `to_area` receives. It names the minor by the case's number alone; what the receiver needs stands in `ReferralContent`.

    `to_duty` empty: a service outside of the system (a school, a hospital); its answer is written down by who refers.
    """

    class Kind(models.TextChoices):
        REFERRAL = "referral", _("转介")
        TRANSFER = "transfer", _("移交")

    class Service(models.TextChoices):
        COUNSELLING = "counselling", _("心理疏导")
        MEDICAL = "medical", _("医疗救治")
        SCHOOL = "school", _("就学安排")
        CARE = "care", _("照料安置")
        ESCORT = "escort", _("护送返乡")
        LEGAL = "legal", _("法律援助")
        VISIT = "visit", _("走访探视")
        RELIEF = "relief", _("社会救助")
        VOLUNTEER = "volunteer", _("志愿服务")
        CASE = "case", _("个案移交")

    class Ground(models.TextChoices):
        CONSENT = "consent", _("监护人同意")
        OWN = "own", _("本人同意（八周岁以上）")
        GUARDIAN = "guardian", _("民政部门依法临时监护")
        LAW = "law", _("依法履行职责，无须同意")

    class State(models.TextChoices):
        OFFERED = "offered", _("待接收")
        ACCEPTED = "accepted", _("已接收")
        DECLINED = "declined", _("已退回")
        DONE = "done", _("已完成")
        REVOKED = "revoked", _("已撤回")
        EXPIRED = "expired", _("逾期未接收")

    OPEN = (State.OFFERED, State.ACCEPTED)

    case = models.ForeignKey(ProtectionCase, models.PROTECT, related_name="referrals", db_constraint=False)
    case_number = CodeField(max_length=24)
    uuid = models.UUIDField(unique=True, help_text="of the form: the same form sent twice is one")
    kind = CodeField(max_length=8, choices=Kind.choices)
    service = CodeField(max_length=12, choices=Service.choices)
    to_area = AreaField()
    to_duty = CodeField(max_length=30, choices=Duty.choices, blank=True)
    to_name = models.CharField(max_length=80, blank=True, help_text="a service outside of the system")
    ground = CodeField(max_length=10, choices=Ground.choices)
    state = CodeField(max_length=8, choices=State.choices, default=State.OFFERED)
    follows = models.OneToOneField(
        "self", models.PROTECT, null=True, related_name="followed_by", db_constraint=False, help_text="one that came to nothing and is offered again"
    )
    offered_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    offered_at = models.DateTimeField()
    due = models.DateField(help_text="last working day to accept or decline")
    accepted_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    accepted_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["area", "state", "due"]), models.Index(fields=["to_area", "to_duty", "state"])]
        constraints = [
            models.CheckConstraint(condition=~Q(to_duty="") | ~Q(to_name=""), name="protection_referred_to_somebody"),
            models.CheckConstraint(
                condition=Q(kind="referral") | (~Q(to_duty="") & ~Q(to_area=F("area"))), name="protection_transfer_to_another_place"
            ),
            models.CheckConstraint(condition=~Q(state="accepted") | Q(accepted_at__isnull=False), name="protection_accepted_when"),
            models.CheckConstraint(condition=Q(state__in=["offered", "accepted"]) ^ Q(ended_at__isnull=False), name="protection_referral_ended_when"),
            models.UniqueConstraint(fields=["case"], condition=Q(kind="transfer", state="offered"), name="protection_one_transfer_offered"),
        ]

    def __str__(self) -> str:
        return f"{self.case_number}-{self.pk}"


class ReferralContent(AreaModel):
    """What the receiver sees of the minor: chosen fields and sections as they stood when it was offered, sealed. Read by the giving side, and by the receiver while it is open."""

    referral = models.OneToOneField(Referral, models.PROTECT, related_name="content", db_constraint=False)
    case = models.ForeignKey(ProtectionCase, models.PROTECT, related_name="+", db_constraint=False)
    content = SealedTextField(help_text="JSON: minor, purpose, ground, sections with labels and values")


class ReferralStep(AreaModel):
    """What was done with a referral, by whom and why; read like its content."""

    referral = models.ForeignKey(Referral, models.PROTECT, related_name="steps", db_constraint=False)
    case = models.ForeignKey(ProtectionCase, models.PROTECT, related_name="+", db_constraint=False)
    at = models.DateTimeField()
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    what = CodeField(max_length=12)
    note = SealedTextField(null=True)
