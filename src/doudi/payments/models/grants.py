"""One-off grants: entitlements that are paid once, by a payroll of kind one-off or out of a township's reserve."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, MoneyField, TokenField
from doudi.core.models import Account
from doudi.enrolment.models import Entitlement
from doudi.payments.models.money import OneOff


class Grant(AreaModel):
    """One-off grant (一次性救助): an entitlement (待遇) of a fixed amount, paid once (integrity.md, "Entitlements").

    `cause` is the id of what decided it, in the table of the room that serves the programme (a relief case, a window of price linkage);
    the same cause gives one person one grant of each `part`. Amount and cause never change; whom and where it is paid may until it is paid.
    """

    class Way(models.TextChoices):
        PAYROLL = "payroll", _("随发放批次发放")
        RESERVE = "reserve", _("乡镇备用金发放")

    entitlement = models.OneToOneField(Entitlement, models.PROTECT, primary_key=True, db_column="id")
    programme = CodeField(max_length=20, choices=OneOff.choices)
    cause = models.BigIntegerField()
    part = models.SmallIntegerField(default=1)
    month = models.DateField(help_text="month entitled, its first day: paid from this month on")
    amount = MoneyField()
    way = CodeField(max_length=8, choices=Way.choices, default=Way.PAYROLL)
    household_id = models.BigIntegerField(null=True)
    payee_id = models.BigIntegerField(null=True, help_text="person of the registry; null where there is none")
    payee_name = CodeField(max_length=60)
    payee = TokenField(null=True, help_text="citizen ID number; null for an institution")
    beneficiary_name = CodeField(max_length=60)
    beneficiary = TokenField()
    account = TokenField(null=True)
    bank = CodeField(max_length=14, default="")
    decided_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    void = models.BooleanField(default=False)
    void_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["area", "month"]), models.Index(fields=["programme", "cause"])]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="grant_amount_positive"),
            models.UniqueConstraint(fields=["programme", "cause", "beneficiary", "part"], condition=Q(void=False), name="grant_once"),
        ]
