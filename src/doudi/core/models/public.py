"""How often a network used a page that is open to everybody."""

from __future__ import annotations

from django.db import models

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
