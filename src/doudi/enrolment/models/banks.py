"""How banks number their accounts (发卡行标识、存折账号规则): data that officers add to, with the source of each row."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import CodeField
from doudi.core.models import Account


class BankRule(models.Model):
    """One form of account number: cards by their first digits (GB/T 20547, ISO/IEC 7812) with check digit, passbooks by their length.

    `bank`: class code of the bank (行别代码). A rule is never changed: it is retired, and another takes its place.
    """

    class Kind(models.TextChoices):
        CARD = "card", _("银行卡")
        PASSBOOK = "passbook", _("存折")

    kind = CodeField(max_length=10, choices=Kind.choices)
    bank = CodeField(max_length=3)
    name = models.CharField(max_length=60)
    prefix = CodeField(max_length=10, default="", help_text="first digits; may be empty for passbooks")
    least = models.SmallIntegerField(help_text="fewest digits of a number")
    most = models.SmallIntegerField(help_text="most digits of a number")
    source = models.CharField(max_length=200)
    verified = models.BooleanField(default=False)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField(null=True)
    retired_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    retired_at = models.DateTimeField(null=True)
    retired_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["prefix"], condition=Q(kind="card", retired_at=None), name="bank_rule_card_once"),
            models.UniqueConstraint(fields=["bank", "prefix", "least", "most"], condition=Q(kind="passbook", retired_at=None), name="bank_rule_passbook_once"),
            models.CheckConstraint(condition=Q(least__gte=8, most__lte=28, most__gte=F("least")), name="bank_rule_lengths"),
            models.CheckConstraint(condition=~Q(kind="card", prefix=""), name="bank_rule_card_prefix"),
            models.CheckConstraint(condition=~Q(source=""), name="bank_rule_source"),
            models.CheckConstraint(condition=Q(retired_at__isnull=True) | ~Q(retired_reason=""), name="bank_rule_retired_why"),
        ]
