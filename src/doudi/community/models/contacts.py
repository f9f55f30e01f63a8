"""Care contacts (帮扶责任人, measure 7.5): the named person for supplies, medicines and care, and who stands in."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, TokenField
from doudi.core.models import Account


class CareContact(AreaModel):
    """Somebody who looks after people of a place: an officer with an account, or a named neighbour or volunteer. The phone stands on the card."""

    class Kind(models.TextChoices):
        CADRE = "cadre", _("村（社区）干部")
        GRID = "grid", _("网格员")
        SOCIAL_WORKER = "social", _("社工")
        VOLUNTEER = "volunteer", _("志愿者")
        NEIGHBOUR = "neighbour", _("邻居")
        RELATIVE = "relative", _("亲属")
        OTHER = "other", _("其他")

    name = CodeField(max_length=60)
    kind = CodeField(max_length=10, choices=Kind.choices)
    phone = TokenField()
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    phone_changes = models.SmallIntegerField(default=0, help_text="printed cards with an earlier number are known by it")
    most = models.SmallIntegerField(null=True, help_text="how many people at most; null: the place's setting")
    starts = models.DateField()
    ends = models.DateField(null=True, help_text="the first day on which it no longer holds")
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["area", "name"])]
        constraints = [
            models.UniqueConstraint(fields=["area", "phone"], condition=Q(ends__isnull=True), name="care_contact_phone_once"),
            models.UniqueConstraint(fields=["area", "account"], condition=Q(ends__isnull=True), name="care_contact_account_once"),
            models.CheckConstraint(condition=Q(most__isnull=True) | Q(most__range=(1, 500)), name="care_contact_most"),
            models.CheckConstraint(condition=Q(ends__isnull=True) | Q(ends__gte=F("starts")), name="care_contact_dates"),
        ]

    def __str__(self) -> str:
        return self.name


class ContactChange(AreaModel):
    """What a care contact's row said before a change, who changed it and why."""

    contact = models.ForeignKey(CareContact, models.PROTECT, related_name="changes", db_constraint=False, db_index=False)
    name = CodeField(max_length=60)
    kind = CodeField(max_length=10, choices=CareContact.Kind.choices)
    phone = TokenField()
    most = models.SmallIntegerField(null=True)
    reason = models.CharField(max_length=200)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["contact", "-made_at"])]


class ContactAbsence(AreaModel):
    """Absence cover (代班): from `starts` until the day before `ends` the substitute stands in, by itself. One at a time."""

    contact = models.ForeignKey(CareContact, models.PROTECT, related_name="absences", db_constraint=False)
    substitute = models.ForeignKey(CareContact, models.PROTECT, related_name="covers", db_constraint=False, db_index=False)
    starts = models.DateField()
    ends = models.DateField(help_text="the first day back")
    reason = models.CharField(max_length=60, blank=True)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)
    cancelled_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["substitute", "ends"]), models.Index(fields=["area", "ends"])]
        constraints = [
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="care_absence_dates"),
            models.CheckConstraint(condition=~Q(contact=F("substitute")), name="care_absence_two_people"),
            ExclusionConstraint(
                name="care_absence_one_at_a_time",
                expressions=[("contact", "="), (Func("starts", "ends", function="daterange"), "&&")],
                condition=Q(cancelled_at__isnull=True),
            ),
        ]
