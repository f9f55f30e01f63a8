"""Who lives and who works in an institution."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField, TokenField
from doudi.core.models import Account
from doudi.institutions.models.places import Bed, Institution, IsolationRoom


class Resident(AreaModel):
    """A stay of one person (入住) in an institution. One place at a time in the whole province, by exclusion over the ID number.

    `person_id`: of the registry, where the person is registered within the officer's sight. `ends`: first day on which the bed is free;
    None while the person lives there.
    """

    class Leaving(models.TextChoices):
        FAMILY = "family", _("家属接回")
        TRANSFER = "transfer", _("转往其他机构")
        HOSPITAL = "hospital", _("转院治疗，不再保留床位")
        OWN_WISH = "own_wish", _("本人离院")
        DIED = "died", _("去世")
        OTHER = "other", _("其他")

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="residents", db_index=False)
    key = models.UUIDField(unique=True, help_text="of the form: the same form sent twice is one stay")
    person_id = models.BigIntegerField(null=True)
    token = TokenField(null=True, help_text="ID number; null: not known")
    name = CodeField(max_length=60)
    sex = CodeField(max_length=1)
    birth_date = models.DateField(null=True)
    bed = CodeField(max_length=8, choices=Bed.choices)
    room = models.CharField(max_length=40, blank=True)
    kin_name = CodeField(max_length=60, blank=True, help_text="whom the house tells")
    kin_relation = models.CharField(max_length=20, blank=True)
    kin_phone = TokenField(null=True)
    health = SealedTextField(null=True, help_text="what who cares must know")
    starts = models.DateField()
    ends = models.DateField(null=True)
    leaving = CodeField(max_length=10, choices=Leaving.choices, blank=True)
    left_to = models.CharField(max_length=120, blank=True)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    ended_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["institution", "name"], condition=Q(ends__isnull=True), name="institution_resident_now"),
            models.Index(fields=["institution", "-ends"], condition=Q(ends__isnull=False), name="institution_resident_left"),
            models.Index(fields=["person_id"], condition=Q(person_id__isnull=False), name="institution_resident_person"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="institution_resident_id_area"),
            models.CheckConstraint(condition=Q(ends__isnull=True) | Q(ends__gte=F("starts")), name="institution_resident_dates"),
            models.CheckConstraint(condition=Q(ends__isnull=True, leaving="") | (Q(ends__isnull=False) & ~Q(leaving="")), name="institution_resident_left_why"),
            ExclusionConstraint(
                name="institution_one_place",
                expressions=[("token", "="), (Func("starts", "ends", function="daterange"), "&&")],
                condition=Q(token__isnull=False),
            ),
            models.UniqueConstraint(fields=["token"], condition=Q(ends__isnull=True, token__isnull=False), name="institution_one_place_now"),
        ]

    def __str__(self) -> str:
        return self.name


class StaffMember(AreaModel):
    """Who works in an institution (在册人员), with or without an account of the system."""

    class Role(models.TextChoices):
        DIRECTOR = "director", _("负责人")
        CARER = "carer", _("护理员")
        MEDIC = "medic", _("医护人员")
        SOCIAL_WORKER = "social_worker", _("社工、教师")
        SUPPORT = "support", _("后勤人员")

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="staff", db_index=False)
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", help_text="of the system; null: has none")
    name = CodeField(max_length=60)
    role = CodeField(max_length=14, choices=Role.choices)
    phone = TokenField(null=True)
    starts = models.DateField()
    ends = models.DateField(null=True, help_text="first day on which they no longer work here")
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["institution", "role", "name"], condition=Q(ends__isnull=True), name="institution_staff_now")]
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="institution_staff_id_area"),
            models.UniqueConstraint(fields=["institution", "name", "role"], condition=Q(ends__isnull=True), name="institution_staff_once"),
            models.CheckConstraint(condition=Q(ends__isnull=True) | Q(ends__gte=F("starts")), name="institution_staff_dates"),
        ]

    def __str__(self) -> str:
        return self.name


class IsolationStay(AreaModel):
    """One resident or staff member kept apart in a room (隔离观察), from when to when and why."""

    room = models.ForeignKey(IsolationRoom, models.PROTECT, related_name="stays")
    resident = models.ForeignKey(Resident, models.PROTECT, null=True, related_name="isolations", db_index=False)
    staff = models.ForeignKey(StaffMember, models.PROTECT, null=True, related_name="isolations", db_index=False)
    reason = models.CharField(max_length=200)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(resident__isnull=True) ^ Q(staff__isnull=True), name="institution_isolated_one"),
            models.CheckConstraint(condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")), name="institution_isolated_dates"),
            models.UniqueConstraint(fields=["resident"], condition=Q(ended_at__isnull=True), name="institution_isolated_resident"),
            models.UniqueConstraint(fields=["staff"], condition=Q(ended_at__isnull=True), name="institution_isolated_staff"),
        ]
