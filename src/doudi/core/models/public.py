"""What open pages keep: how often a network used one, and the codes that were sent to phones."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from doudi.core.fields import CodeField


class PublicUse(models.Model):
    """Sendings of one network to one public page in one hour. The network is a range of addresses, no person; hours past go by themselves."""

    page = CodeField(max_length=40)
    network = CodeField(max_length=50)
    hour = models.DateTimeField()
    uses = models.IntegerField()

    class Meta:
        indexes = [models.Index(fields=["hour"])]
        constraints = [models.UniqueConstraint(fields=["page", "network", "hour"], name="public_use_once")]


class PhoneCode(models.Model):
    """A one-time code (短信验证码) that was sent. Keyed digests alone: neither the phone nor the code can be read from a row; rows go after a day.

    Nobody reaches the table: the functions `doudi.code_made`, `code_tried` and `code_used` are all that the application may do.
    """

    phone = models.BinaryField(help_text="digest of the phone, for the limits")
    subject = models.BinaryField(help_text="digest of purpose and phone")
    digest = models.BinaryField(help_text="digest of subject, time and code")
    made_at = models.DateTimeField()
    tries = models.SmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["phone", "made_at"]),
            models.Index(fields=["subject", "made_at"]),
            models.Index(fields=["made_at"]),
        ]
        constraints = [models.CheckConstraint(condition=Q(tries__gte=0, tries__lte=5), name="phone_code_tries")]
