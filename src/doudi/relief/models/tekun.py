"""Beside the award of extreme poverty support (特困): who cares (照料护理协议), and the funeral cost after death (丧葬费)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, MoneyField, TokenField
from doudi.core.models import Account
from doudi.payments.models import Grant
from doudi.registry.models import Person


class CareAgreement(AreaModel):
    """Care agreement (照料护理协议) of a tekun recipient, at home or in an institution, for a time. One at a time."""

    class Support(models.TextChoices):
        HOME = "home", _("分散供养")
        INSTITUTION = "institution", _("集中供养")

    class Carer(models.TextChoices):
        FAMILY = "family", _("亲友")
        VILLAGE = "village", _("村（居）民委员会")
        NEIGHBOUR = "neighbour", _("邻居")
        PROVIDER = "provider", _("服务机构")
        INSTITUTION = "institution", _("供养机构")

    class Level(models.TextChoices):
        FULL = "full", _("全护理（完全丧失自理能力）")
        HALF = "half", _("半护理（部分丧失自理能力）")
        NONE = "none", _("全自理")

    person = models.ForeignKey(Person, models.PROTECT, related_name="+", db_constraint=False)
    household_id = models.BigIntegerField()
    support = CodeField(max_length=12, choices=Support.choices)
    place = models.CharField(max_length=100, blank=True, help_text="institution, by name")
    carer_kind = CodeField(max_length=12, choices=Carer.choices)
    carer = CodeField(max_length=60)
    carer_phone = TokenField(null=True)
    level = CodeField(max_length=6, choices=Level.choices)
    amount = MoneyField(help_text="care money by the agreement, yuan per month")
    signed_on = models.DateField()
    starts = models.DateField()
    ends = models.DateField(null=True)
    end_reason = models.CharField(max_length=200, blank=True)
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["area", "starts"]), models.Index(fields=["household_id"])]
        constraints = [
            models.CheckConstraint(condition=Q(ends__isnull=True) | Q(ends__gte=F("starts")), name="care_dates"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="care_amount"),
            models.CheckConstraint(condition=~Q(support="institution") | ~Q(place=""), name="care_place_named"),
            models.UniqueConstraint(fields=["person"], condition=Q(ends__isnull=True), name="care_one_running"),
        ]


class FuneralCase(AreaModel):
    """Funeral cost (丧葬费) of a tekun recipient who died: once per person, to who arranged the burial."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("待审批")
        GRANTED = "granted", _("已确认")
        REFUSED = "refused", _("不予确认")

    person = models.ForeignKey(Person, models.PROTECT, related_name="+", db_constraint=False)
    name = CodeField(max_length=60)
    token = TokenField()
    died_on = models.DateField()
    household_id = models.BigIntegerField(null=True)
    amount = MoneyField()
    living_amount = MoneyField(help_text="living amount of the last month, which the ceiling counts")
    months = models.SmallIntegerField(help_text="ceiling, in months of the living amount, at the time")
    payee_name = CodeField(max_length=60)
    payee = TokenField(null=True)
    account = TokenField()
    bank = CodeField(max_length=14, default="")
    arranged_by = models.CharField(max_length=100)
    state = CodeField(max_length=10, choices=State.choices, default=State.PROPOSED)
    grant = models.OneToOneField(Grant, models.PROTECT, null=True, related_name="+", db_constraint=False)
    proposed_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["area", "state"])]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0, amount__lte=F("living_amount") * F("months")), name="funeral_within_ceiling"),
            models.CheckConstraint(condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")), name="funeral_two_officers"),
            models.CheckConstraint(condition=~Q(state="granted") | Q(grant__isnull=False), name="funeral_has_grant"),
            models.UniqueConstraint(fields=["person"], condition=~Q(state="refused"), name="funeral_once"),
        ]
