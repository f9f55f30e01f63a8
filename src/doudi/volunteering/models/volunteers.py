"""Volunteers (志愿者; 8.1): who they are, what they can and will do, who checked it, guardians of minors, training."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField, TokenField
from doudi.core.models import Account
from doudi.registry.models import Sex
from doudi.volunteering.models.organisations import Organisation


class Volunteer(AreaModel):
    """One volunteer; the fields are those of the national volunteer information system.

    A registration that waits claims nothing: the document is unique in the province among those whom an officer has verified, so that nobody
    takes somebody else's number by typing it. Minors are active with their guardian's consent alone (guard `volunteer_minor`).
    A volunteer's own session sees the own row and no other (`0002_guards`).
    """

    class Document(models.TextChoices):
        ID = "id", _("居民身份证")
        PASSPORT = "passport", _("护照")
        HONG_KONG = "hong_kong", _("港澳居民来往内地通行证")
        TAIWAN = "taiwan", _("台湾居民来往大陆通行证")
        OTHER = "other", _("其他证件")

    class State(models.TextChoices):
        PENDING = "pending", _("待核验")
        ACTIVE = "active", _("正常")
        PAUSED = "paused", _("暂停")
        BLACKLISTED = "blacklisted", _("黑名单")
        ENDED = "ended", _("已退出")

    HELD = (State.ACTIVE, State.PAUSED, State.BLACKLISTED)

    number = CodeField(max_length=24, unique=True, help_text="volunteer number (志愿者编号)")
    key = models.UUIDField(unique=True, help_text="of the form: the same form sent twice is one registration")
    name = CodeField(max_length=60)
    document_kind = CodeField(max_length=12, choices=Document.choices, default=Document.ID)
    document = TokenField()
    long_number = SealedTextField(null=True, help_text="number of a document whose token is a digest; null for all others")
    sex = CodeField(max_length=1, choices=Sex.choices)
    birth_date = models.DateField()
    phone = TokenField(help_text="confirmed by a one-time code where they registered themselves; families may share one")
    ethnicity = CodeField(max_length=2, blank=True)
    political = CodeField(max_length=2, blank=True)
    education = CodeField(max_length=2, blank=True)
    employment = CodeField(max_length=12, blank=True)
    address = SealedTextField(null=True)
    skills = ArrayField(CodeField(max_length=20), default=list, help_text="of `codes.SKILLS`")
    services = ArrayField(CodeField(max_length=20), default=list, help_text="of `codes.SERVICES`")
    times = ArrayField(CodeField(max_length=2), default=list, help_text="of `codes.TIMES`")
    distance = models.SmallIntegerField(default=5, help_text="km that they are willing to go")
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="volunteers")
    guardian_name = CodeField(max_length=60, blank=True)
    guardian_relation = CodeField(max_length=20, blank=True)
    guardian_phone = TokenField(null=True)
    consent_at = models.DateTimeField(null=True, help_text="when an officer saw the guardian's consent; its paper is an attachment of the volunteer")
    consent_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    registered_on = models.DateField()
    verified_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", help_text="who saw the document")
    verified_at = models.DateTimeField(null=True)
    state = CodeField(max_length=12, choices=State.choices, default=State.PENDING)
    state_reason = models.CharField(max_length=200, blank=True)
    state_at = models.DateTimeField(null=True)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", help_text="null: registered themselves")
    made_at = models.DateTimeField()
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["area", "state", "name"], name="volunteer_area"),
            models.Index(fields=["name"], name="volunteer_name"),
            models.Index(fields=["phone"], name="volunteer_phone"),
            models.Index(fields=["document"], name="volunteer_document"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="volunteer_id_area"),
            models.UniqueConstraint(fields=["document"], condition=Q(state__in=["active", "paused", "blacklisted"]), name="volunteer_document_once"),
            models.UniqueConstraint(fields=["document", "phone"], condition=Q(state="pending"), name="volunteer_waits_once"),
            models.CheckConstraint(condition=Q(distance__gte=0, distance__lte=200), name="volunteer_distance"),
            models.CheckConstraint(condition=~Q(state__in=["paused", "blacklisted", "ended"]) | ~Q(state_reason=""), name="volunteer_state_why"),
            models.CheckConstraint(condition=~Q(state__in=["active", "paused"]) | Q(verified_at__isnull=False), name="volunteer_active_is_verified"),
            models.CheckConstraint(
                condition=Q(consent_at__isnull=True) | (~Q(guardian_name="") & Q(guardian_phone__isnull=False)), name="volunteer_consent_of_somebody"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Training(AreaModel):
    """A training that a volunteer had (培训记录)."""

    volunteer = models.ForeignKey(Volunteer, models.PROTECT, related_name="trainings", db_index=False)
    on = models.DateField()
    title = models.CharField(max_length=100)
    hours = models.DecimalField(max_digits=5, decimal_places=1)
    by = models.CharField(max_length=100, blank=True, help_text="who gave it")
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["volunteer", "on", "title"], name="training_once"),
            models.CheckConstraint(condition=Q(hours__gt=0, hours__lte=200), name="training_hours"),
        ]
