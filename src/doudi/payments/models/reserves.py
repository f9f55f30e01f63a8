"""Township reserves (临时救助备用金): money of the county's fund that a township holds, pays out against receipts and accounts for."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, MoneyField
from doudi.core.models import Account
from doudi.payments.models.funds import Fund
from doudi.payments.models.grants import Grant


class ReserveTransfer(AreaModel):
    """Money from the county to a township's reserve (拨付、补足), or back (交回). `area` is the township."""

    class Kind(models.TextChoices):
        RECEIVED = "received", _("拨付备用金")
        RETURNED = "returned", _("交回备用金")

    kind = CodeField(max_length=10, choices=Kind.choices)
    fund = models.ForeignKey(Fund, models.PROTECT, related_name="+")
    fund_year = models.SmallIntegerField()
    amount = MoneyField()
    document = models.CharField(max_length=120)
    made_on = models.DateField()
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="reserve_transfer_positive"),
            models.UniqueConstraint(fields=["area", "kind", "document"], name="reserve_transfer_once"),
        ]


class ReserveSettlement(AreaModel):
    """Settlement (核销): a finance officer of the county accepts payouts of a township with their receipts. `area` is the township."""

    number = CodeField(max_length=30, unique=True)
    payouts = models.IntegerField()
    amount = MoneyField()
    settled_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    settled_at = models.DateTimeField()


class ReservePayout(AreaModel):
    """Payout (备用金支出) of one grant: handed over in cash, in kind or by transfer; its receipt is a photo or a signature among the files."""

    class Means(models.TextChoices):
        CASH = "cash", _("现金")
        GOODS = "goods", _("实物")
        TRANSFER = "transfer", _("转账")

    class Relation(models.TextChoices):
        SELF = "self", _("本人")
        FAMILY = "family", _("家庭成员")
        OTHER = "other", _("代领人")

    number = CodeField(max_length=30, unique=True)
    grant = models.OneToOneField(Grant, models.PROTECT, related_name="payout")
    amount = MoneyField()
    means = CodeField(max_length=10, choices=Means.choices)
    goods = models.CharField(max_length=200, blank=True, help_text="what was handed over in kind")
    received_by = CodeField(max_length=60)
    relation = CodeField(max_length=10, choices=Relation.choices, default=Relation.SELF)
    paid_on = models.DateField()
    paid_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    paid_at = models.DateTimeField()
    settlement = models.ForeignKey(ReserveSettlement, models.PROTECT, null=True, related_name="settled")
    settled_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["area", "paid_on"])]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="reserve_payout_positive"),
            models.CheckConstraint(condition=~Q(means="goods") | ~Q(goods=""), name="reserve_payout_goods_named"),
            models.CheckConstraint(condition=Q(settled_by__isnull=True) | ~Q(settled_by=F("paid_by")), name="reserve_payout_two_officers"),
            models.CheckConstraint(
                condition=Q(settled_by__isnull=True, settlement__isnull=True) | Q(settled_by__isnull=False, settlement__isnull=False),
                name="reserve_payout_settled_by",
            ),
        ]
