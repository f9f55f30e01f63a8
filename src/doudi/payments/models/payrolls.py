"""Payments: payrolls, one-card files, bank results, ledger. Lines and paid months are partitioned by the month entitled.

The partitioned tables are made in SQL (migration 0001) and mapped here unmanaged.
"""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaField, AreaModel, CodeField, MoneyField, TokenField
from doudi.core.models import Account
from doudi.enrolment.models import Entitlement
from doudi.payments.models.funds import Fund, FundLevel
from doudi.payments.models.money import paid_choices


class Payroll(AreaModel):
    """Payroll (发放批次) of a county and month. A released payroll never becomes a draft again."""

    class Kind(models.TextChoices):
        REGULAR = "regular", _("正常发放")
        FOLLOW_UP = "follow_up", _("重新发放")
        SUPPLEMENT = "supplement", _("冻结后补发")
        ONE_OFF = "one_off", _("一次性发放")
        BACK = "back", _("补发")

    class State(models.TextChoices):
        DRAFT = "draft", _("编制中")
        CHECKED = "checked", _("待审批")
        APPROVED = "approved", _("待报送")
        RELEASED = "released", _("已报送")
        BOOKED = "booked", _("已到账")

    number = CodeField(max_length=24, unique=True)
    month = models.DateField(help_text="month paid, its first day")
    kind = CodeField(max_length=10, choices=Kind.choices)
    programme = CodeField(max_length=20, default="", help_text="of a one-off payroll that pays one programme only")
    serial = models.SmallIntegerField(default=1)
    state = CodeField(max_length=10, choices=State.choices, default=State.DRAFT)
    lines = models.IntegerField(default=0)
    amount = MoneyField(default=0)
    content_hash = CodeField(max_length=64, default="")
    prepared_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    prepared_at = models.DateTimeField()
    checked_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    checked_at = models.DateTimeField(null=True)
    approved_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    released_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    released_at = models.DateTimeField(null=True)
    booked_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=400, blank=True)
    frozen_at = models.DateTimeField(null=True, help_text="awards decided later wait (数据冻结); null: nothing was frozen")
    apart = models.BooleanField(default=True, help_text="who prepared it does not check it")
    signer = CodeField(max_length=30, default="", help_text="duty that must approve the amount, set at the check")

    @property
    def latest(self) -> date:
        """No line is of a later month, so that no plan goes through the months kept ready; what is paid again or later may be of one that was paid ahead."""
        return date.max if self.kind in (self.Kind.FOLLOW_UP, self.Kind.BACK) else self.month

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["area", "month", "kind", "serial"], name="payroll_once"),
            models.UniqueConstraint(fields=["area", "month"], condition=Q(kind="regular"), name="payroll_regular_once"),
            models.CheckConstraint(
                condition=Q(apart=False) | Q(checked_by__isnull=True) | ~Q(checked_by=F("prepared_by")), name="payroll_checker_is_other"
            ),
            models.CheckConstraint(condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("prepared_by")), name="payroll_approver_is_other"),
            models.CheckConstraint(
                condition=Q(released_by__isnull=True) | (~Q(released_by=F("prepared_by")) & ~Q(released_by=F("approved_by"))),
                name="payroll_releaser_is_other",
            ),
            models.CheckConstraint(
                condition=Q(checked_by__isnull=True) | Q(approved_by__isnull=True) | ~Q(approved_by=F("checked_by")),
                name="payroll_approver_not_checker",
            ),
            models.CheckConstraint(
                condition=Q(checked_by__isnull=True) | Q(released_by__isnull=True) | ~Q(released_by=F("checked_by")),
                name="payroll_releaser_not_checker",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class PayrollLine(models.Model):
    """Payroll line (发放明细): one per entitlement, month, kind and cause. Never void, never updated once released."""

    class Kind(models.TextChoices):
        REGULAR = "regular", _("当月")
        BACK = "back", _("补发")
        REISSUE = "reissue", _("重新发放")
        SETOFF = "setoff", _("抵扣")
        GRANT = "grant", _("一次性")

    id = models.BigIntegerField(primary_key=True)
    area = AreaField()
    area_then = AreaField(null=True)
    month_entitled = models.DateField()
    kind = CodeField(max_length=8, choices=Kind.choices)
    cause = models.BigIntegerField(null=True)
    returned_line = models.BigIntegerField(null=True)
    entitlement = models.ForeignKey(Entitlement, models.DO_NOTHING, db_constraint=False)
    payroll = models.ForeignKey(Payroll, models.DO_NOTHING, related_name="payroll_lines", db_constraint=False)
    month_paid = models.DateField()
    programme = CodeField(max_length=20, choices=paid_choices())
    household_id = models.BigIntegerField(null=True)
    fund = models.ForeignKey(Fund, models.DO_NOTHING, db_constraint=False)
    fund_year = models.SmallIntegerField()
    amount = MoneyField()
    members = models.SmallIntegerField()
    payee_id = models.BigIntegerField(null=True)
    payee_name = CodeField(max_length=60)
    payee = TokenField(null=True, help_text="citizen ID number; null for an institution")
    beneficiary_name = CodeField(max_length=60)
    beneficiary = TokenField()
    account = TokenField()
    bank = CodeField(max_length=14)
    decision_id = models.BigIntegerField(null=True, help_text="of an award; a grant names what decided it as its cause")
    marked = models.BooleanField(default=False)
    carrier = models.BigIntegerField(null=True, help_text="of a set-off: the line of the same payroll that it is deducted from")
    mark = CodeField(max_length=20, default="", help_text="death: a dead member's share is left out; arrears: an earlier month")

    class Meta:
        managed = False
        db_table = "payments_payrollline"


class PaidMonth(models.Model):
    """The last guard: one row per person, group and month, across areas, written by the trigger on payroll lines only."""

    person_id = models.BigIntegerField(primary_key=True)
    grp = models.SmallIntegerField()
    month = models.DateField()
    line_id = models.BigIntegerField()
    area = AreaField()
    area_then = AreaField(null=True)

    class Meta:
        managed = False
        db_table = "payments_paidmonth"


class OpenMonth(AreaModel):
    """A month of an award that may be unpaid though a regular payroll of that month or a later one was released; triggers alone write it.

    Of a county's months up to that of its newest released regular payroll, every month that is due and was not paid is among these, so that payrolls
    look for what is in arrears here instead of going through all months. It may hold more: what is due and unpaid is found by looking.
    """

    award = models.ForeignKey("enrolment.Award", models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    month = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["award", "month"], name="open_month_once")]
        indexes = [models.Index(fields=["area", "month"], name="open_month_area")]


class PayrollExclusion(AreaModel):
    """What a payroll leaves out and why; it comes back by itself when the reason ends (never a line)."""

    class Reason(models.TextChoices):
        NO_ACCOUNT = "no_account", _("无领款账户")
        SUSPENDED = "suspended", _("暂停发放")
        COOLING = "cooling", _("账户冷静期")
        PAYEE_OVER = "payee_over", _("代领期限已满，待续签或变更")
        PAYEE_DIED = "payee_died", _("领款人死亡，待确定新领款人")
        NO_FUND = "no_fund", _("无对应资金")
        PAID_ELSEWHERE = "paid_elsewhere", _("当月已发放同类待遇")
        RETURNED = "returned", _("退票未更正账户")
        HELD = "held", _("复核剔除")
        AFTER_FREEZE = "after_freeze", _("数据冻结后审批")

    payroll = models.ForeignKey(Payroll, models.CASCADE, db_index=False, related_name="exclusions")
    entitlement = models.ForeignKey(Entitlement, models.PROTECT, db_constraint=False)
    month_entitled = models.DateField()
    reason = CodeField(max_length=20, choices=Reason.choices)
    amount = MoneyField()
    payee_name = CodeField(max_length=60)
    programme = CodeField(max_length=20, choices=paid_choices())
    household_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["payroll", "entitlement", "month_entitled"], name="payroll_exclusion_once")]


class LineReview(AreaModel):
    """What a reviewer found about an unusual line of a draft (异常明细复核): in order, or held back for this payroll."""

    class Verdict(models.TextChoices):
        NORMAL = "normal", _("正常")
        HELD = "held", _("已剔除")

    payroll = models.ForeignKey(Payroll, models.CASCADE, db_index=False, related_name="reviews")
    entitlement = models.ForeignKey(Entitlement, models.PROTECT, db_constraint=False)
    verdict = CodeField(max_length=10, choices=Verdict.choices)
    note = models.CharField(max_length=200)
    amount = MoneyField(null=True, help_text="yuan that was looked at; another amount is looked at again")
    reviewed_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    reviewed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["payroll", "entitlement"], name="line_review_once")]


class BankFile(AreaModel):
    """One-card file (财政“一卡通”、银行代发文件) of a payroll, or one part of it: exported once and recorded; again, identical.

    `number` is what the file calls itself and what the bank's answer names. A part that the bank refused whole is made again as the next `attempt`.
    """

    payroll = models.ForeignKey(Payroll, models.PROTECT, db_index=False, related_name="files")
    layout = CodeField(max_length=20)
    choice = models.ForeignKey("payments.LayoutChoice", models.PROTECT, null=True, related_name="+", help_text="what the county chose; null: the whole payroll")
    number = CodeField(max_length=40)
    part = models.SmallIntegerField(default=1)
    parts = models.SmallIntegerField(default=1)
    attempt = models.SmallIntegerField(default=1)
    name = models.CharField(max_length=120)
    path = models.CharField(max_length=200)
    sha256 = CodeField(max_length=64, help_text="of the bytes that go out")
    signature = models.BinaryField(null=True, help_text="the county's signature over these bytes")
    lines = models.IntegerField()
    amount = MoneyField()
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    refused_at = models.DateTimeField(null=True)
    refused_reason = models.CharField(max_length=120, default="")
    refused_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", help_text="who read in the bank's refusal")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["payroll", "layout", "choice", "part", "attempt"], nulls_distinct=False, name="bank_file_once"),
            models.CheckConstraint(
                condition=Q(refused_at__isnull=True, refused_by__isnull=True) | Q(refused_at__isnull=False, refused_by__isnull=False),
                name="bank_file_refused_by_somebody",
            ),
        ]
        indexes = [models.Index(fields=["area", "number"])]


class BankResult(AreaModel):
    """Bank results (发放结果): one row per file, unique by hash; the lines that came back are `BankReturn` rows."""

    payroll = models.ForeignKey(Payroll, models.PROTECT, related_name="results")
    name = models.CharField(max_length=120)
    path = models.CharField(max_length=200)
    sha256 = CodeField(max_length=64, unique=True)
    paid_lines = models.IntegerField()
    paid_amount = MoneyField()
    returned_lines = models.IntegerField()
    returned_amount = MoneyField()
    booked_on = models.DateField()
    booked_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    booked_at = models.DateTimeField()


class BankReturn(AreaModel):
    """A line that came back (支付退票): what a reissue leans on."""

    class State(models.TextChoices):
        OPEN = "open", _("待乡镇更正")
        PROPOSED = "proposed", _("已更正，待县级确认")
        CORRECTED = "corrected", _("已更正，待重新发放")
        REISSUED = "reissued", _("已重新发放")

    line_id = models.BigIntegerField()
    month_entitled = models.DateField()
    entitlement = models.ForeignKey(Entitlement, models.PROTECT, db_constraint=False)
    amount = MoneyField()
    payroll = models.ForeignKey(Payroll, models.PROTECT, related_name="returns")
    programme = CodeField(max_length=20, choices=paid_choices())
    household_id = models.BigIntegerField(null=True)
    payee_name = CodeField(max_length=60)
    account = TokenField()
    result = models.ForeignKey(BankResult, models.PROTECT, related_name="returns")
    code = CodeField(max_length=20)
    reason = models.CharField(max_length=120)
    state = CodeField(max_length=10, choices=State.choices, default=State.OPEN)
    corrected_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    corrected_at = models.DateTimeField(null=True)
    new_name = CodeField(max_length=60, default="")
    new_account = TokenField(null=True)
    new_bank = CodeField(max_length=14, default="")
    correction_note = models.CharField(max_length=200, blank=True)
    confirmed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["area", "state"])]
        constraints = [
            models.CheckConstraint(condition=Q(confirmed_by__isnull=True) | ~Q(confirmed_by=F("corrected_by")), name="bank_return_two_officers"),
            models.UniqueConstraint(fields=["line_id", "month_entitled"], name="bank_return_once"),
            models.UniqueConstraint(fields=["line_id", "month_entitled", "entitlement", "amount"], name="bank_return_key"),
        ]


class LedgerAccount(models.TextChoices):
    """Accounts of the ledger (资金台账科目). Debits are positive, credits negative; every transaction sums to nought."""

    APPROPRIATION = "appropriation", _("财政拨款")
    AVAILABLE = "available", _("可用资金")
    # what documents promise, beside the money itself
    PLAN_SOURCE = "plan_source", _("指标来源")
    PLANNED = "planned", _("下达指标")
    # to another fund, place or year (both sides together are nought); to the level that it came from
    TRANSFERRED = "transferred", _("调剂与结转")
    HANDED_BACK = "handed_back", _("已上缴退回")
    # approved payrolls that wait for release: noted, the money is still available
    COMMITMENT = "commitment", _("待报送批次")
    COMMITTED = "committed", _("已审批待报送")
    IN_PAYMENT = "in_payment", _("在途资金（已报送银行）")
    PAID = "paid", _("已发放")
    RETURNED = "returned", _("退票待发")
    # county: money that townships hold or have paid out and not accounted for yet
    ADVANCED = "advanced", _("已拨乡镇备用金")
    # township: where its reserve comes from (the other side of the county's ADVANCED), what it holds, what it paid and must account for
    RESERVE_SOURCE = "reserve_source", _("备用金来源")
    RESERVE = "reserve", _("备用金结存")
    RESERVE_PAID = "reserve_paid", _("备用金已支出待核销")


class LedgerEntry(AreaModel):
    """One side of a double entry. Append-only by grants; balanced per transaction by a deferred trigger."""

    transaction = models.BigIntegerField()
    account = CodeField(max_length=20, choices=LedgerAccount.choices)
    fund = models.ForeignKey(Fund, models.PROTECT, db_index=False, related_name="+")
    fund_year = models.SmallIntegerField()
    amount = models.DecimalField(max_digits=16, decimal_places=2)
    payroll = models.ForeignKey(Payroll, models.PROTECT, null=True, related_name="ledger_entries")
    payout = models.ForeignKey("payments.ReservePayout", models.PROTECT, null=True, related_name="ledger_entries", help_text="out of a reserve")
    movement = models.ForeignKey("payments.FundMovement", models.PROTECT, null=True, related_name="ledger_entries", help_text="its document")
    level = CodeField(max_length=10, choices=FundLevel.choices, default="", help_text="where the money came from; not stated in townships")
    what = models.CharField(max_length=120)
    document = models.CharField(max_length=120, blank=True)
    booked_on = models.DateField()
    booked_at = models.DateTimeField()
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["transaction"]),
            models.Index(fields=["area", "fund", "booked_on"]),
            models.Index(fields=["fund", "fund_year", "area", "account"], include=["level", "amount"], name="ledger_sums"),
        ]
        constraints = [models.CheckConstraint(condition=~Q(amount=0), name="ledger_amount_not_zero")]
