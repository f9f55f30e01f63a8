"""Overpayments (多发) and their recovery (追缴): what was paid too much by month, who decided how it comes back, what came back."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, MoneyField
from doudi.core.models import Account
from doudi.payments.models.money import paid_choices
from doudi.payments.models.payrolls import Fund


class Overpayment(AreaModel):
    """Overpayment (多发) of one entitlement, found by comparing what was paid with what was due. Nothing is claimed before two officers say so."""

    class Kind(models.TextChoices):
        DEATH = "death", _("死亡后多发")
        REVIEW = "review", _("核查调整后多发")
        DOUBLE = "double", _("重复享受")
        BANK = "bank", _("银行差错")

    class State(models.TextChoices):
        FOUND = "found", _("待核实")
        RECOVERING = "recovering", _("追缴中")
        CLOSED = "closed", _("已结清")
        DISMISSED = "dismissed", _("不予追缴")

    class Debtor(models.TextChoices):
        PAYEE = "payee", _("领款人")
        HEIR = "heir", _("继承人")
        INSTITUTION = "institution", _("机构")
        BANK = "bank", _("银行")

    number = CodeField(max_length=24, unique=True)
    kind = CodeField(max_length=8, choices=Kind.choices)
    household_id = models.BigIntegerField(null=True)
    entitlement_id = models.BigIntegerField()
    programme = CodeField(max_length=20, choices=paid_choices())
    payee_name = CodeField(max_length=60)
    reason = models.CharField(max_length=400)
    amount = MoneyField()
    recovered = MoneyField(default=Decimal(0))
    waived = MoneyField(default=Decimal(0))
    state = CodeField(max_length=12, choices=State.choices, default=State.FOUND)
    debtor = CodeField(max_length=12, choices=Debtor.choices, default=Debtor.PAYEE)
    debtor_name = CodeField(max_length=60)
    found_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", help_text="null: the system, by comparison")
    found_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["area", "state"]), models.Index(fields=["household_id"]), models.Index(fields=["entitlement_id"])]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0, recovered__gte=0, waived__gte=0), name="overpayment_amounts"),
            models.CheckConstraint(condition=Q(amount__gte=F("recovered") + F("waived")), name="overpayment_not_beyond"),
            models.CheckConstraint(condition=~Q(state="closed") | Q(amount=F("recovered") + F("waived")), name="overpayment_closed_when_settled"),
            models.CheckConstraint(condition=~Q(reason=""), name="overpayment_why"),
        ]

    @property
    def owed(self) -> Decimal:
        """Yuan still owed."""
        return self.amount - self.recovered - self.waived


class OverpaymentLine(AreaModel):
    """One month of an overpayment: paid, due, the difference, and the fund and year to which it goes back."""

    overpayment = models.ForeignKey(Overpayment, models.PROTECT, db_index=False, related_name="months")
    entitlement_id = models.BigIntegerField()
    month_entitled = models.DateField()
    paid = MoneyField()
    due = MoneyField()
    excess = MoneyField()
    recovered = MoneyField(default=Decimal(0))
    fund = models.ForeignKey(Fund, models.PROTECT, related_name="+")
    fund_year = models.SmallIntegerField()
    members = models.SmallIntegerField(default=0, help_text="whom the month paid")
    living = models.SmallIntegerField(default=0, help_text="of them alive on the first of the month")

    class Meta:
        indexes = [models.Index(fields=["entitlement_id", "month_entitled"])]
        constraints = [
            models.UniqueConstraint(fields=["overpayment", "month_entitled"], name="overpayment_month_once"),
            models.CheckConstraint(condition=Q(excess__gt=0, due__gte=0) & Q(excess__lte=F("paid") - F("due")), name="overpayment_line_sum"),
            models.CheckConstraint(condition=Q(recovered__gte=0, recovered__lte=F("excess")), name="overpayment_line_recovered"),
        ]


class RecoveryDecision(AreaModel):
    """What becomes of an overpayment (追缴决定): proposed by one officer of the county, confirmed by another."""

    class Way(models.TextChoices):
        PLAN = "plan", _("分期退款")
        SETOFF = "setoff", _("从以后待遇中抵扣")
        WAIVE = "waive", _("减免")
        DISMISS = "dismiss", _("不予追缴（核实不属多发）")

    class State(models.TextChoices):
        PROPOSED = "proposed", _("待确认")
        CONFIRMED = "confirmed", _("已确认")
        SENT_BACK = "sent_back", _("已退回")

    overpayment = models.ForeignKey(Overpayment, models.PROTECT, related_name="decisions")
    way = CodeField(max_length=8, choices=Way.choices)
    amount = MoneyField(help_text="to be repaid, set off or waived by this decision")
    instalments = models.SmallIntegerField(default=1)
    first_due = models.DateField(null=True)
    per_month = MoneyField(null=True, help_text="most that is set off in a month")
    award_id = models.BigIntegerField(null=True, help_text="from which it is set off")
    consent = models.CharField(max_length=200, blank=True, help_text="of the household, where the set-off goes below its living minimum")
    debtor = CodeField(max_length=12, choices=Overpayment.Debtor.choices, default=Overpayment.Debtor.PAYEE)
    debtor_name = CodeField(max_length=60)
    reason = models.CharField(max_length=400)
    ended_at = models.DateTimeField(null=True, help_text="a later decision took its place")
    state = CodeField(max_length=10, choices=State.choices, default=State.PROPOSED)
    proposed_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=400, blank=True)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["area", "state"]), models.Index(fields=["award_id"])]
        constraints = [
            models.UniqueConstraint(fields=["overpayment"], condition=Q(state="proposed"), name="recovery_one_open"),
            models.CheckConstraint(condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")), name="recovery_two_officers"),
            models.CheckConstraint(condition=Q(state="proposed") ^ Q(decided_by__isnull=False), name="recovery_decided"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="recovery_amount"),
            models.CheckConstraint(condition=~Q(reason=""), name="recovery_why"),
            models.CheckConstraint(condition=Q(way="setoff") ^ Q(award_id__isnull=True), name="recovery_setoff_award"),
            models.CheckConstraint(condition=~Q(way="setoff") | Q(per_month__gt=0), name="recovery_setoff_amount"),
            models.CheckConstraint(condition=~Q(way="plan") | Q(first_due__isnull=False, instalments__gte=1, instalments__lte=60), name="recovery_plan"),
        ]


class Instalment(AreaModel):
    """One instalment of a plan of repayment (分期退款)."""

    decision = models.ForeignKey(RecoveryDecision, models.PROTECT, db_index=False, related_name="parts")
    overpayment = models.ForeignKey(Overpayment, models.PROTECT, related_name="instalments")
    serial = models.SmallIntegerField()
    due = models.DateField()
    amount = MoneyField()
    received = MoneyField(default=Decimal(0))

    class Meta:
        indexes = [models.Index(fields=["area", "due"])]
        constraints = [
            models.UniqueConstraint(fields=["decision", "serial"], name="instalment_once"),
            models.CheckConstraint(condition=Q(amount__gt=0, received__gte=0, received__lte=F("amount")), name="instalment_amount"),
        ]


class Repayment(AreaModel):
    """Money that came back (退款): against a receipt, or by a set-off line that was paid. Append-only."""

    class Way(models.TextChoices):
        CASH = "cash", _("现金缴回")
        TRANSFER = "transfer", _("转账缴回")
        RECALL = "recall", _("银行追回")
        SETOFF = "setoff", _("待遇抵扣")

    overpayment = models.ForeignKey(Overpayment, models.PROTECT, db_index=False, related_name="repayments")
    way = CodeField(max_length=8, choices=Way.choices)
    amount = MoneyField()
    received_on = models.DateField()
    document = CodeField(max_length=60, help_text="number of the receipt; of a set-off, its payroll and line")
    line_id = models.BigIntegerField(null=True, unique=True, help_text="the set-off line")
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["area", "received_on"])]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="repayment_amount"),
            models.CheckConstraint(condition=Q(way="setoff") ^ Q(line_id__isnull=True), name="repayment_setoff_line"),
            models.UniqueConstraint(fields=["overpayment", "document"], name="repayment_once"),
        ]
