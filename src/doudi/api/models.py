"""Other systems that call Doudi (接口客户端): who they are, how often they call, what they were answered."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from doudi.api.spdci.models import SpdciCallback, SpdciConsent, SpdciMatch, SpdciMessage, SpdciPartner, SpdciPurpose, SpdciSubscription
from doudi.core.fields import AreaModel, CodeField, SealedTextField
from doudi.core.models import Account
from doudi.registry.models import with_history


@with_history
class ApiClient(AreaModel):
    """An organisation's system. It acts within `area`, by `scopes`, under an account of its own with which nobody can sign in.

    Of its token only the SHA-256 is kept (32 random bytes need no slow hash). `datasets`: what it may deliver and read back.
    """

    organisation = models.CharField(max_length=80)
    contact = models.CharField(max_length=80)
    scopes = models.JSONField(default=list)
    datasets = models.JSONField(default=list)
    per_minute = models.IntegerField(default=120)
    expires = models.DateField(help_text="first day on which the token no longer holds")
    token_digest = models.BinaryField(unique=True)
    token_hint = CodeField(max_length=6, help_text="last letters of the token, to tell tokens apart")
    account = models.OneToOneField(Account, models.PROTECT, related_name="+")
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    revoked_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["area", "organisation"])]
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="api_client_id_area"),
            models.CheckConstraint(condition=Q(per_minute__gte=1, per_minute__lte=6000), name="api_client_per_minute"),
        ]

    def __str__(self) -> str:
        return self.organisation


class ApiUsage(AreaModel):
    """Calls of a client in the running minute, and of all time; one row per client, counted on a connection of its own."""

    client_number = models.BigIntegerField(primary_key=True)
    minute = models.DateTimeField()
    calls = models.IntegerField()
    total = models.BigIntegerField()
    last_at = models.DateTimeField()


class ApiCall(AreaModel):
    """One call (调用记录): pattern of the address, status, time taken. No query, no body, nothing about people."""

    client_number = models.BigIntegerField()
    at = models.DateTimeField()
    method = CodeField(max_length=10)
    path = CodeField(max_length=200)
    status = models.SmallIntegerField()
    code = CodeField(max_length=40, default="", help_text="code of the error answered")
    took_ms = models.IntegerField()
    request_id = models.UUIDField()

    class Meta:
        indexes = [models.Index(fields=["client_number", "at"]), models.Index(fields=["at"])]


class ApiAnswer(AreaModel):
    """What a call with an idempotency key was answered; written in the transaction of the work itself."""

    client = models.ForeignKey(ApiClient, models.PROTECT, related_name="+", db_index=False)
    key = CodeField(max_length=80)
    digest = models.BinaryField(help_text="SHA-256 of method, address and content")
    status = models.SmallIntegerField(default=0)
    body = SealedTextField(null=True)
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["made_at"])]
        constraints = [models.UniqueConstraint(fields=["client", "key"], name="api_answer_once")]


class ApiRefusal(models.Model):
    """Calls with a token that does not hold (错误令牌), by network and reason: the network only (IPv4 /24, IPv6 /48), no person's address.

    Written by a function that keeps the latest MOST networks. `client_number`: whose token it was, where it had been a good one.
    """

    MOST = 2000

    network = CodeField(max_length=50)
    code = CodeField(max_length=20)
    client_number = models.BigIntegerField(null=True)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    minute = models.DateTimeField()
    calls = models.IntegerField(help_text="in the running minute")
    total = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["last_at"])]
        constraints = [models.UniqueConstraint(fields=["network", "code"], name="api_refusal_once")]


__all__ = [
    "ApiAnswer",
    "ApiCall",
    "ApiClient",
    "ApiRefusal",
    "ApiUsage",
    "SpdciCallback",
    "SpdciConsent",
    "SpdciMatch",
    "SpdciMessage",
    "SpdciPartner",
    "SpdciPurpose",
    "SpdciSubscription",
]
