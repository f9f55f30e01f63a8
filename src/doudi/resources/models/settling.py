"""Acceptance of a period (验收), its quality checks, and what a fund spends for it or for a donation's purpose (结算)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, MoneyField
from doudi.core.models import Account
from doudi.payments.models import Fund


class Acceptance(AreaModel):
    """Acceptance (验收) of what a provider did in a period: confirmed records, a sample of them checked, settled by another officer.

    `gross` is the sum of the records that count, `payable` what the fund pays (yuan). Records found wrong in the sample are refused and do not
    count; `deduction` is for the rest, with its reason. One is open for a contract at a time.
    """

    class State(models.TextChoices):
        OPEN = "open", _("抽查中")
        SUBMITTED = "submitted", _("待结算")
        SETTLED = "settled", _("已结算")
        CANCELLED = "cancelled", _("已撤销")

    UNDER_WAY = (State.OPEN, State.SUBMITTED)

    key = models.UUIDField(unique=True, help_text="of the form")
    number = CodeField(max_length=40, unique=True)
    contract = models.ForeignKey("resources.ServiceContract", models.PROTECT, db_index=False, related_name="acceptances")
    starts = models.DateField()
    until = models.DateField()
    state = CodeField(max_length=10, choices=State.choices, default=State.OPEN)
    records = models.IntegerField(help_text="taken in")
    share = models.SmallIntegerField(help_text="per cent of the records that are checked")
    seed = CodeField(max_length=32, help_text="the sample can be drawn again from it")
    checked = models.IntegerField(default=0)
    wrong = models.IntegerField(default=0)
    gross = MoneyField()
    deduction = MoneyField(default=0)
    payable = MoneyField()
    reason = models.CharField(max_length=200, blank=True, help_text="why something is deducted, or why it was cancelled")
    note = models.CharField(max_length=200, blank=True, help_text="why it was sent back")
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    submitted_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    submitted_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    settled_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["area", "state", "-id"], name="acceptance_area"),
            models.Index(fields=["contract", "-id"], name="acceptance_contract"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["contract"], condition=Q(state__in=["open", "submitted"]), name="acceptance_one_open"),
            models.CheckConstraint(condition=Q(until__gte=F("starts")), name="acceptance_dates"),
            models.CheckConstraint(condition=Q(share__gte=0, share__lte=100, wrong__gte=0, checked__gte=F("wrong")), name="acceptance_sample"),
            models.CheckConstraint(condition=Q(deduction__gte=0, payable=F("gross") - F("deduction"), payable__gte=0), name="acceptance_payable"),
            models.CheckConstraint(condition=Q(deduction=0) & ~Q(state="cancelled") | ~Q(reason=""), name="acceptance_why"),
            models.CheckConstraint(condition=Q(state__in=["open", "cancelled"]) | Q(submitted_by__isnull=False), name="acceptance_submitted_by"),
            models.CheckConstraint(condition=Q(state="settled") ^ Q(settled_by__isnull=True), name="acceptance_settled_by"),
            models.CheckConstraint(
                condition=Q(settled_by__isnull=True) | ~Q(settled_by=F("made_by")) & ~Q(settled_by=F("submitted_by")), name="acceptance_two_officers"
            ),
        ]


class QualityCheck(AreaModel):
    """One record of the sample (质量抽查), drawn by the acceptance's seed; what the recipient said when asked by somebody else. `area`: the record's."""

    class Result(models.TextChoices):
        RIGHT = "right", _("属实")
        WRONG = "wrong", _("不属实")
        UNREACHED = "unreached", _("联系不上")

    acceptance = models.ForeignKey(Acceptance, models.PROTECT, db_index=False, related_name="checks", db_constraint=False)
    service = models.ForeignKey("resources.PurchasedService", models.PROTECT, related_name="checks", db_constraint=False)
    position = models.IntegerField()
    result = CodeField(max_length=10, choices=Result.choices, blank=True)
    note = models.CharField(max_length=200, blank=True)
    checked_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    checked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["acceptance", "service"], name="quality_check_once"),
            models.UniqueConstraint(fields=["acceptance", "position"], name="quality_check_position"),
            models.CheckConstraint(condition=Q(result="") ^ Q(checked_by__isnull=False), name="quality_check_by"),
            models.CheckConstraint(condition=Q(result__in=["", "right"]) | ~Q(note=""), name="quality_check_why"),
        ]


class Spending(AreaModel):
    """What a fund of the county in `area` spent on one settlement, or on one allocation of a donation: one booking of the ledger, to the fen.

    Money that leaves a fund otherwise than by a payroll or a reserve has a row here (the database refuses it without), and every row its booking.
    """

    acceptance = models.ForeignKey(Acceptance, models.PROTECT, null=True, related_name="spendings")
    allocation = models.ForeignKey("resources.DonationAllocation", models.PROTECT, null=True, related_name="spendings", db_constraint=False)
    fund = models.ForeignKey(Fund, models.PROTECT, related_name="+")
    fund_year = models.SmallIntegerField()
    amount = MoneyField()
    transaction = models.BigIntegerField(unique=True, help_text="number of the ledger's transaction")
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["area", "fund", "fund_year"], name="spending_area"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="spending_positive"),
            models.CheckConstraint(condition=Q(acceptance__isnull=False) ^ Q(allocation__isnull=False), name="spending_of_one"),
        ]
