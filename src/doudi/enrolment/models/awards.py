"""Awards: what decisions grant, by whole months."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, MoneyField, TokenField
from doudi.core.models import Account
from doudi.enrolment.models.decisions import Decision
from doudi.registry.models import Household, Person, Programme


class Entitlement(AreaModel):
    """Entitlement (待遇): an award or a one-off grant; the id that payroll lines name."""

    kind = CodeField(max_length=5, choices=[("award", _("保障待遇")), ("grant", _("一次性救助"))])


class Award(AreaModel):
    """Award (保障待遇): a programme for members of one household, in whole months from `starts` until before `ends`."""

    entitlement = models.OneToOneField(Entitlement, models.PROTECT, primary_key=True, db_column="id")
    household = models.ForeignKey(Household, models.PROTECT, related_name="awards", db_constraint=False)
    programme = CodeField(max_length=20, choices=Programme.choices)
    grp = models.SmallIntegerField()
    starts = models.DateField()
    ends = models.DateField(null=True)
    void = models.BooleanField(default=False)
    suspended = models.BooleanField(default=False)
    payee_id = models.BigIntegerField(null=True)
    payee_name = CodeField(max_length=60)
    account = TokenField(null=True)
    bank = CodeField(max_length=14, default="")
    decision = models.ForeignKey(Decision, models.PROTECT, related_name="+", db_constraint=False)
    gradual_exit_start = models.DateField(null=True, help_text="first month of a gradual exit (2.5); the award then ends by itself")
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["area", "programme"])]
        constraints = [
            models.CheckConstraint(condition=Q(ends__isnull=True) | Q(ends__gt=F("starts")), name="award_dates"),
            models.UniqueConstraint(fields=["entitlement", "area", "grp", "void"], name="award_key"),
        ]


class AwardAmount(AreaModel):
    """What an award pays from a month on, yuan per month. A change of amount is a new row of the same award."""

    award = models.ForeignKey(Award, models.PROTECT, related_name="amounts", db_index=False)
    from_month = models.DateField()
    amount = MoneyField()
    decision = models.ForeignKey(Decision, models.PROTECT, related_name="+", db_constraint=False)

    class Meta:
        indexes = [models.Index(fields=["area"])]
        constraints = [
            models.UniqueConstraint(fields=["award", "from_month"], name="award_amount_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="award_amount_positive"),
        ]


class AwardMember(AreaModel):
    """A person who holds an award for a time. Overlaps within a group are impossible, across areas (integrity.md)."""

    award = models.ForeignKey(Award, models.PROTECT, related_name="members", db_constraint=False)
    person = models.ForeignKey(Person, models.PROTECT, related_name="award_members")
    grp = models.SmallIntegerField()
    void = models.BooleanField(default=False)
    starts = models.DateField()
    ends = models.DateField(null=True)
    share = MoneyField(null=True, help_text="this member's band amount; null under the gap")
    band = models.SmallIntegerField(null=True)
    died_on = models.DateField(null=True, help_text="recorded here too: after a move the old area no longer sees the person")

    class Meta:
        indexes = [models.Index(fields=["area"])]
        constraints = [
            models.CheckConstraint(condition=Q(ends__isnull=True) | Q(ends__gt=F("starts")), name="award_member_dates"),
            ExclusionConstraint(
                name="award_member_once",
                expressions=[("person", "="), ("grp", "="), (Func("starts", "ends", function="daterange"), "&&")],
                condition=Q(void=False),
            ),
        ]


class AwardEvent(AreaModel):
    """What happened to an award without a change of what it grants: suspended, resumed; with the reason."""

    class Kind(models.TextChoices):
        SUSPENDED = "suspended", _("暂停发放")
        RESUMED = "resumed", _("恢复发放")
        EXTENDED = "extended", _("渐退期顺延")

    award = models.ForeignKey(Award, models.PROTECT, related_name="events", db_constraint=False)
    kind = CodeField(max_length=10, choices=Kind.choices)
    reason = models.CharField(max_length=400)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", help_text="null: the system, by rule")
    made_at = models.DateTimeField()
