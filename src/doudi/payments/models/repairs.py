"""The repair list (支付退票补正) and what a county's accounts lack."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField, TokenField
from doudi.payments.models.money import paid_choices
from doudi.payments.models.payrolls import BankReturn


class Repair(AreaModel):
    """What a returned line needs (退票补正): its class, the day by which the township corrects it, and whose account the bank says it is."""

    class Kind(models.TextChoices):
        NAME = "name", _("户名不符")
        ACCOUNT = "account", _("账号有误")
        CLOSED = "closed", _("账户已注销")
        FROZEN = "frozen", _("账户被冻结")
        DORMANT = "dormant", _("账户休眠或异常")
        MEDIUM = "medium", _("银行卡（存折）异常")
        NOT_SETTLEMENT = "not_settlement", _("不是结算账户")
        REPEATED = "repeated", _("银行未处理")
        OTHER = "other", _("其他原因")

    bank_return = models.OneToOneField(BankReturn, models.PROTECT, primary_key=True, db_column="id", related_name="repair")
    kind = CodeField(max_length=16, choices=Kind.choices)
    since = models.DateField(help_text="day on which the bank's answer was booked")
    due = models.DateField()
    holder = SealedTextField(null=True, help_text="name of the account's holder as the bank told it")

    class Meta:
        indexes = [models.Index(fields=["area", "due"])]


class AccountFinding(AreaModel):
    """What is wrong with the account of a running award, as the last check of its county found (账户核查)."""

    class Problem(models.TextChoices):
        MISSING = "missing", _("未登记账户")
        FORM = "form", _("账号格式不正确")
        LENGTH = "length", _("卡号位数不对")
        CHECK = "check", _("卡号校验位不正确")
        BANK = "bank", _("卡号与开户银行不符")
        PASSBOOK = "passbook", _("不符合该行存折规则")
        SHARED = "shared", _("多户共用同一账户")
        PAYEE_OVER = "payee_over", _("代领期限已满")

    award_id = models.BigIntegerField()
    household_id = models.BigIntegerField()
    programme = CodeField(max_length=20, choices=paid_choices())
    payee_name = CodeField(max_length=60)
    account = TokenField(null=True)
    bank = CodeField(max_length=14, default="")
    problem = CodeField(max_length=12, choices=Problem.choices)
    households = models.IntegerField(default=1, help_text="that share the account")
    found_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["area", "problem"])]
        constraints = [models.UniqueConstraint(fields=["award_id", "problem"], name="account_finding_once")]
