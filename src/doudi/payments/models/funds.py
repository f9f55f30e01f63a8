"""Funds (资金): what each may pay, and every document that brings money in, moves it or hands it back (measures 4.1, 4.2)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, MoneyField
from doudi.core.models import Account
from doudi.payments.models.money import purpose_choices


class FundLevel(models.TextChoices):
    """Level that money comes from (资金来源级次), in the order in which it is spent: money from above first."""

    CENTRAL = "central", _("中央")
    PROVINCE = "province", _("省级")
    CITY = "city", _("市级")
    COUNTY = "county", _("县级")
    UNSTATED = "", _("未注明级次")


class Fund(AreaModel):
    """Fund (资金): earmarked money of the province, or of the city or county in `area` (measures 4.1). What it may pay stands in `FundPurpose`."""

    code = CodeField(max_length=20, unique=True)
    name = models.CharField(max_length=60)
    pool = CodeField(max_length=20)

    def __str__(self) -> str:
        return self.name


class FundPurpose(AreaModel):
    """Purpose rule (资金用途): whether a fund pays a programme in `area` with money of the years `from_year` to `until_year`.

    Proposed by one officer, confirmed by another, never changed: a later rule overrides an earlier one, the rule of a county that of its
    city and province. Only who owns the fund may allow something; places below may forbid it for themselves. What no rule allows is refused
    by the database when lines are written (`doudi.fund_allows`).
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", _("待确认")
        CONFIRMED = "confirmed", _("已生效")
        REFUSED = "refused", _("已退回")

    fund = models.ForeignKey(Fund, models.PROTECT, db_index=False, related_name="purposes")
    programme = CodeField(max_length=20, choices=purpose_choices())
    from_year = models.SmallIntegerField()
    until_year = models.SmallIntegerField(null=True)
    allowed = models.BooleanField(default=True)
    document = models.CharField(max_length=120)
    state = CodeField(max_length=10, choices=State.choices, default=State.PROPOSED)
    proposed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", help_text="null: came with the system")
    proposed_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["fund", "programme", "area"], condition=Q(state="proposed"), name="fund_purpose_one_open"),
            models.CheckConstraint(condition=Q(confirmed_by__isnull=True) | ~Q(confirmed_by=F("proposed_by")), name="fund_purpose_two_officers"),
            models.CheckConstraint(condition=Q(until_year__isnull=True) | Q(until_year__gte=F("from_year")), name="fund_purpose_years"),
            models.CheckConstraint(condition=~Q(document=""), name="fund_purpose_document"),
        ]


class FundMovement(AreaModel):
    """One document about money of a fund, year and level in `area`: planned, received, moved, carried over, handed back, reversed.

    The ledger carries exactly what a booked one says (`doudi.movement_holds`). Whatever moves money that is there needs two officers.
    """

    class Kind(models.TextChoices):
        PLAN = "plan", _("下达指标")
        RECEIPT = "receipt", _("资金到账")
        TRANSFER = "transfer", _("资金调剂")
        CARRY_OVER = "carry_over", _("结转下年")
        RETURN = "return", _("上缴退回")
        REVERSAL = "reversal", _("冲销")

    class State(models.TextChoices):
        PROPOSED = "proposed", _("待确认")
        BOOKED = "booked", _("已记账")
        REFUSED = "refused", _("已退回")

    kind = CodeField(max_length=10, choices=Kind.choices)
    fund = models.ForeignKey(Fund, models.PROTECT, related_name="+")
    fund_year = models.SmallIntegerField()
    level = CodeField(max_length=10, choices=FundLevel.choices, default="", blank=True)
    issuer = CodeField(max_length=10, choices=FundLevel.choices, default="", blank=True, help_text="level whose document it is")
    amount = MoneyField()
    document = models.CharField(max_length=120)
    document_date = models.DateField(null=True)
    reason = models.CharField(max_length=200, blank=True)
    to_area = CodeField(max_length=12, default="", blank=True)
    to_fund = models.ForeignKey(Fund, models.PROTECT, null=True, related_name="+")
    to_year = models.SmallIntegerField(null=True)
    plan = models.ForeignKey("self", models.PROTECT, null=True, related_name="receipts", help_text="document that a receipt answers")
    reverses = models.ForeignKey("self", models.PROTECT, null=True, related_name="reversals")
    reversed = models.BooleanField(default=False)
    state = CodeField(max_length=10, choices=State.choices, default=State.PROPOSED)
    proposed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    proposed_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=200, blank=True, help_text="why it was sent back")

    class Meta:
        indexes = [
            models.Index(fields=["area", "fund", "fund_year", "kind"], name="fund_movement_place"),
            models.Index(fields=["to_area", "to_fund", "to_year"], name="fund_movement_target"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="fund_movement_positive"),
            models.CheckConstraint(condition=~Q(document=""), name="fund_movement_document"),
            models.CheckConstraint(condition=Q(confirmed_by__isnull=True) | ~Q(confirmed_by=F("proposed_by")), name="fund_movement_two_officers"),
            models.CheckConstraint(
                condition=~Q(state="booked") | Q(kind__in=["plan", "receipt"]) | Q(confirmed_by__isnull=False), name="fund_movement_confirmed"
            ),
            models.CheckConstraint(condition=Q(kind__in=["plan", "receipt"]) | ~Q(reason=""), name="fund_movement_reason"),
            models.CheckConstraint(
                condition=Q(kind__in=["transfer", "carry_over"], to_fund__isnull=False, to_year__isnull=False) & ~Q(to_area="")
                | ~Q(kind__in=["transfer", "carry_over"]) & Q(to_fund__isnull=True, to_year__isnull=True, to_area=""),
                name="fund_movement_target_named",
            ),
            models.CheckConstraint(condition=Q(kind="reversal", reverses__isnull=False) | ~Q(kind="reversal") & Q(reverses__isnull=True), name="fund_movement_reversal"),
            models.UniqueConstraint(fields=["reverses"], condition=~Q(state="refused"), name="fund_movement_reversed_once"),
            models.UniqueConstraint(
                fields=["area", "kind", "fund", "fund_year", "document", "level"],
                condition=Q(reversed=False) & ~Q(state="refused") & ~Q(kind="reversal"),
                name="fund_movement_once",
            ),
        ]
