"""Medicine deliveries (药品配送, 送药): what, from where, the prescription, the money, and who took it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, MoneyField, SealedTextField
from doudi.core.models import Account
from doudi.needs.models.needs import NeedAnswer


class MedicineDelivery(AreaModel):
    """The papers of one answer to a need of medicine. `received` - `returned` + `advanced` = `paid`, to the fen.

    Photos are attachments: `delivery_prescription` and `delivery_handover`, images only.
    """

    class Source(models.TextChoices):
        PHARMACY = "pharmacy", _("药店")
        HOSPITAL = "hospital", _("医院")
        CLINIC = "clinic", _("村卫生室、社区卫生服务中心")
        HOME = "home", _("家中自备")

    class State(models.TextChoices):
        PREPARING = "preparing", _("备药")
        BOUGHT = "bought", _("已取药")
        HANDED = "handed", _("已送达")

    answer = models.OneToOneField(NeedAnswer, models.PROTECT, related_name="delivery", db_constraint=False)
    source = CodeField(max_length=10, choices=Source.choices)
    source_name = models.CharField(max_length=80)
    medicines = SealedTextField(help_text="JSON: [[name, quantity, use], ...]")
    prescription = models.BooleanField(default=False, help_text="a medicine of the list is sold on prescription only")
    state = CodeField(max_length=10, choices=State.choices, default=State.PREPARING)
    received = MoneyField(default=0, help_text="money taken from the recipient")
    paid = MoneyField(default=0, help_text="at the pharmacy")
    returned = MoneyField(default=0, help_text="given back to the recipient")
    advanced = MoneyField(default=0, help_text="laid out by whoever brings it, the recipient still owes it")
    bought_at = models.DateTimeField(null=True)
    handed_at = models.DateTimeField(null=True)
    handed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    proof = CodeField(max_length=10, choices=NeedAnswer.Confirmed.choices, blank=True)
    taker = CodeField(max_length=60, blank=True, help_text="who took it")
    witness = CodeField(max_length=60, blank=True)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["area", "state"])]
        constraints = [
            models.CheckConstraint(condition=Q(received__gte=0, paid__gte=0, returned__gte=0, advanced__gte=0), name="delivery_money_not_negative"),
            models.CheckConstraint(condition=Q(paid=F("received") - F("returned") + F("advanced")), name="delivery_money_agrees"),
            models.CheckConstraint(condition=Q(returned=0) | Q(advanced=0), name="delivery_either_back_or_owed"),
            models.CheckConstraint(condition=Q(state="preparing") | Q(bought_at__isnull=False), name="delivery_bought"),
            models.CheckConstraint(
                condition=~Q(state="handed") | (Q(handed_at__isnull=False) & ~Q(taker="") & Q(proof__in=["signature", "photo", "witness"])), name="delivery_handed"
            ),
            models.CheckConstraint(condition=~Q(proof="witness") | ~Q(witness=""), name="delivery_witness_named"),
        ]
