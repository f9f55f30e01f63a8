"""What an institution has in store of the listed supplies (防疫和生活物资): movements are never changed, the balance is their sum."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField
from doudi.core.models import Account
from doudi.institutions.models.places import Institution


class SupplyItem(models.Model):
    """One supply of the province's list (物资目录). The list is data: it grows with the need."""

    code = CodeField(max_length=20, unique=True)
    name = models.CharField(max_length=40)
    unit = models.CharField(max_length=10)
    order = models.SmallIntegerField()
    ended_on = models.DateField(null=True, help_text="no longer asked for from this day on")

    def __str__(self) -> str:
        return self.name


class SupplyStock(AreaModel):
    """Balance and daily use of one supply in one institution. `balance` is written by the trigger of movements alone."""

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="stocks", db_index=False)
    item = models.ForeignKey(SupplyItem, models.PROTECT, related_name="+")
    balance = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal(0))
    daily_use = models.DecimalField(max_digits=10, decimal_places=2, default=Decimal(0))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "item"], name="institution_stock_once"),
            models.CheckConstraint(condition=Q(balance__gte=0), name="institution_stock_not_below_nought"),
            models.CheckConstraint(condition=Q(daily_use__gte=0), name="institution_daily_use"),
        ]

    @property
    def days(self) -> int | None:
        """For how many whole days it lasts; None where nothing is used."""
        return int(self.balance // self.daily_use) if self.daily_use else None


class StockMovement(AreaModel):
    """One movement of a supply (出入库). `quantity` is signed; `source` and `source_id` name what it came from (a request, a report)."""

    class Kind(models.TextChoices):
        RECEIVED = "received", _("入库")
        USED = "used", _("领用")
        GIVEN = "given", _("调出")
        SPOILED = "spoiled", _("报损")
        COUNT = "count", _("盘点")

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="movements", db_index=False)
    item = models.ForeignKey(SupplyItem, models.PROTECT, related_name="+")
    key = models.UUIDField(unique=True, help_text="of the form: sent twice it is one movement")
    kind = CodeField(max_length=8, choices=Kind.choices)
    quantity = models.DecimalField(max_digits=12, decimal_places=2)
    on = models.DateField()
    note = models.CharField(max_length=200, blank=True)
    source = CodeField(max_length=30, blank=True)
    source_id = models.BigIntegerField(null=True)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["institution", "item", "-id"], name="institution_movement_newest"),
            models.Index(fields=["source", "source_id"], condition=~Q(source=""), name="institution_movement_source"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="received", quantity__gt=0) | Q(kind__in=["used", "given", "spoiled"], quantity__lt=0) | (Q(kind="count") & ~Q(quantity=0)),
                name="institution_movement_sign",
            ),
        ]
