"""Who may ask the social registry, for what, about whom; what was asked once; what is told by itself."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField, TokenField
from doudi.core.models import Account


class SpdciPartner(AreaModel):
    """An API client that speaks the standard: the name and key with which it signs, and the one address where it hears answers."""

    client = models.OneToOneField("api.ApiClient", models.PROTECT, related_name="spdci")
    sender_id = CodeField(max_length=80, unique=True)
    key_id = CodeField(max_length=40)
    public_key = models.BinaryField(help_text="Ed25519, 32 bytes")
    callback_url = models.CharField(max_length=300, blank=True)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    version = models.IntegerField(default=1)

    def __str__(self) -> str:
        return self.sender_id


class SpdciPurpose(AreaModel):
    """A purpose (用途) of a partner: which fields it opens, and by consent of each person or by law."""

    class Basis(models.TextChoices):
        CONSENT = "consent", _("本人同意")
        LAW = "law", _("法律规定")

    partner = models.ForeignKey(SpdciPartner, models.PROTECT, related_name="purposes")
    code = CodeField(max_length=40)
    label = models.CharField(max_length=100)
    fields = models.JSONField(default=list, help_text="identity, household, programmes")
    basis = CodeField(max_length=8, choices=Basis.choices)
    document = models.CharField(max_length=200, help_text="agreement or law")
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["partner", "code"], condition=Q(ended_at__isnull=True), name="spdci_purpose_once")]

    def __str__(self) -> str:
        return self.label


class SpdciConsent(AreaModel):
    """A person agrees (同意) that a partner learns what a purpose opens; `area` is the person's."""

    purpose = models.ForeignKey(SpdciPurpose, models.PROTECT, related_name="consents")
    person_id = models.BigIntegerField()
    starts = models.DateField()
    ends = models.DateField(help_text="first day on which it no longer holds")
    document = models.CharField(max_length=200, help_text="the signed paper, or how it was said")
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    withdrawn_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["area", "made_at"])]
        constraints = [
            models.UniqueConstraint(fields=["purpose", "person_id"], condition=Q(withdrawn_at__isnull=True), name="spdci_consent_once"),
            models.CheckConstraint(condition=Q(ends__gt=models.F("starts")), name="spdci_consent_dates"),
        ]


class SpdciMessage(AreaModel):
    """A message that a partner sent: the same one is not taken twice. Nothing of what it asked or was answered is kept but its kind and outcome."""

    client = models.ForeignKey("api.ApiClient", models.PROTECT, related_name="+", db_index=False)
    message_id = CodeField(max_length=99)
    action = CodeField(max_length=20)
    transaction_id = CodeField(max_length=99)
    correlation_id = CodeField(max_length=40, unique=True)
    outcomes = models.JSONField(default=list, help_text="reference and status of each request")
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["client", "transaction_id"]), models.Index(fields=["made_at"])]
        constraints = [models.UniqueConstraint(fields=["client", "message_id"], name="spdci_message_once")]


class SpdciSubscription(AreaModel):
    """Something is watched for a partner (订阅): whoever has an ID number, known now or later, or whoever answers a condition. Changes of what the purpose opens are told.

    `after`: the last person (household) of the part of a condition's people that was compared; 0: it begins again.
    """

    client = models.ForeignKey("api.ApiClient", models.PROTECT, related_name="+", db_index=False)
    purpose = models.ForeignKey(SpdciPurpose, models.PROTECT, related_name="+")
    code = CodeField(max_length=40, unique=True)
    kind = CodeField(max_length=12, default="idtype-value", help_text="idtype-value, predicate or expression")
    token = TokenField(null=True)
    query = models.JSONField(null=True, help_text="the condition, as the partner wrote it")
    query_digest = CodeField(max_length=64, null=True)
    entity = CodeField(max_length=6, help_text="Group or Member")
    events = CodeField(max_length=60, default="DELETE,REGISTER,UPDATE", help_text="event types that are told, by comma, in order of the alphabet")
    transaction_id = CodeField(max_length=99)
    made_at = models.DateTimeField()
    looked_at = models.DateTimeField(help_text="when it is to be looked at again")
    after = models.BigIntegerField(default=0)
    digest = models.BinaryField(null=True, help_text="keyed digest of what was told last of the number; null: nothing yet")
    members = models.JSONField(default=list, help_text="who was told of in the group")
    told_at = models.DateTimeField(null=True)
    told = models.IntegerField(default=0)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["looked_at"], condition=Q(ended_at__isnull=True), name="spdci_subscription_open"),
            models.Index(fields=["client", "made_at"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["client", "purpose", "token", "entity", "events"], condition=Q(ended_at__isnull=True), name="spdci_subscription_once"
            ),
            models.UniqueConstraint(
                fields=["client", "purpose", "query_digest", "entity", "events"], condition=Q(ended_at__isnull=True), name="spdci_condition_once"
            ),
            models.CheckConstraint(
                condition=Q(token__isnull=False, query__isnull=True, query_digest__isnull=True)
                | Q(token__isnull=True, query__isnull=False, query_digest__isnull=False),
                name="spdci_number_or_condition",
            ),
        ]


class SpdciMatch(AreaModel):
    """Whom a subscription by condition told of, and how they were then; kept when it has arrived. `area` is the client's."""

    subscription = models.ForeignKey(SpdciSubscription, models.PROTECT, related_name="matches", db_index=False)
    subject = models.BigIntegerField(help_text="person, or household for groups")
    mark = models.BinaryField(help_text="keyed digest of what the purpose opened")
    members = models.JSONField(default=list, help_text="who was told of in the group")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subscription", "subject"], name="spdci_match_once")]


class SpdciCallback(AreaModel):
    """A signed message on its way to a partner (回调); the same `message_id` however often it is tried. The content goes when it has arrived."""

    class State(models.TextChoices):
        QUEUED = "queued", _("待发送")
        SENT = "sent", _("已送达")
        FAILED = "failed", _("发送失败")

    client = models.ForeignKey("api.ApiClient", models.PROTECT, related_name="+", db_index=False)
    message_id = CodeField(max_length=40, unique=True)
    action = CodeField(max_length=20)
    message = SealedTextField(null=True)
    subscription = models.ForeignKey(SpdciSubscription, models.PROTECT, null=True, related_name="+")
    changes = models.JSONField(null=True, help_text="of each event or answer: whom it tells of, to be looked at again when it leaves")
    recorded_at = models.DateTimeField(null=True, help_text="when its access records were written")
    left_out = models.IntegerField(default=0, help_text="people who might not be told of any more when it left")
    state = CodeField(max_length=8, choices=State.choices, default=State.QUEUED)
    attempts = models.SmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=100, blank=True)
    made_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["next_at"], condition=Q(state="queued"), name="spdci_callback_queue"),
            models.Index(fields=["client", "subscription"], condition=Q(state="queued"), name="spdci_callback_waiting"),
            models.Index(fields=["client", "made_at"]),
        ]
