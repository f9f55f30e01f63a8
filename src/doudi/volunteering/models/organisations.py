"""Organisations that take part (慈善组织、志愿服务组织、社会工作服务站、企业; 8.1): who they are, what they can do, where, with which papers."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaField, AreaModel, CodeField, TokenField
from doudi.core.models import Account


class Organisation(AreaModel):
    """One organisation. `area`: where it is registered with civil affairs; where it serves stands in `OrganisationArea`.

    `version` and `version`-checked services keep two officers apart. The code is unique among all that have not ended: who is blacklisted
    does not come back as a new one.
    """

    class Kind(models.TextChoices):
        CHARITY = "charity", _("慈善组织")
        VOLUNTEERS = "volunteers", _("志愿服务组织")
        STATION = "station", _("社会工作服务站")
        FIRM = "firm", _("企业")

    class State(models.TextChoices):
        PENDING = "pending", _("待审核")
        ACTIVE = "active", _("正常")
        SUSPENDED = "suspended", _("暂停")
        BLACKLISTED = "blacklisted", _("黑名单")
        ENDED = "ended", _("已注销")

    number = CodeField(max_length=24, unique=True)
    key = models.UUIDField(unique=True, help_text="of the form: the same form sent twice is one organisation")
    name = CodeField(max_length=100)
    kind = CodeField(max_length=12, choices=Kind.choices)
    code = CodeField(max_length=18, help_text="unified social credit code, checked (`codes.credit_code`)")
    address = models.CharField(max_length=120, blank=True)
    contact_name = CodeField(max_length=60)
    contact_phone = TokenField()
    abilities = ArrayField(CodeField(max_length=20), default=list, help_text="of `codes.ABILITIES`")
    on_call = models.BooleanField(default=False, help_text="takes urgent needs (应急值守)")
    state = CodeField(max_length=12, choices=State.choices, default=State.PENDING)
    state_reason = models.CharField(max_length=200, blank=True, help_text="why it was sent back, suspended, blacklisted or ended")
    state_at = models.DateTimeField(null=True)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", help_text="null: it registered itself")
    made_at = models.DateTimeField()
    checked_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    checked_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["area", "state", "kind"], name="organisation_area"),
            models.Index(fields=["name"], name="organisation_name"),
            models.Index(fields=["contact_phone"], name="organisation_phone"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="organisation_id_area"),
            models.UniqueConstraint(fields=["code"], condition=~Q(state="ended"), name="organisation_code_once"),
            models.CheckConstraint(condition=~Q(state__in=["suspended", "blacklisted", "ended"]) | ~Q(state_reason=""), name="organisation_state_why"),
            models.CheckConstraint(condition=~Q(state="active") | Q(checked_at__isnull=False), name="organisation_active_is_checked"),
        ]

    def __str__(self) -> str:
        return self.name


class OrganisationArea(AreaModel):
    """A division that an organisation serves (服务地区); whoever works there sees the organisation."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="areas", db_index=False)
    served = AreaField()

    class Meta:
        indexes = [models.Index(fields=["served"], name="organisation_served")]
        constraints = [models.UniqueConstraint(fields=["organisation", "served"], name="organisation_area_once")]


class Credential(AreaModel):
    """A paper of an organisation (资质): its files are attachments `credential`. Told before it expires."""

    class Kind(models.TextChoices):
        REGISTRATION = "registration", _("登记证书")
        FUNDRAISING = "fundraising", _("公开募捐资格证书")
        TAX = "tax", _("税前扣除资格")
        SOCIAL_WORK = "social_work", _("社会工作资质")
        MEDICAL = "medical", _("医疗护理资质")
        FOOD = "food", _("食品经营许可")
        INSURANCE = "insurance", _("志愿者保险")
        OTHER = "other", _("其他")

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="credentials")
    kind = CodeField(max_length=12, choices=Kind.choices)
    number = CodeField(max_length=60)
    issuer = models.CharField(max_length=100, blank=True)
    starts = models.DateField(null=True)
    expires = models.DateField(null=True, help_text="the last day on which it holds")
    reminded_on = models.DateField(null=True)
    ended_at = models.DateTimeField(null=True, help_text="replaced or withdrawn")
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires"], condition=Q(ended_at__isnull=True, expires__isnull=False), name="credential_expires")]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "kind", "number"], condition=Q(ended_at__isnull=True), name="credential_once"),
            models.CheckConstraint(condition=Q(starts__isnull=True) | Q(expires__isnull=True) | Q(expires__gte=F("starts")), name="credential_dates"),
        ]
