"""Phones that keep visits to work without network (measures 1.7, 7.3)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField
from doudi.core.models import Account, Posting


class VisitDevice(AreaModel):
    """A phone on which a visitor keeps the visits of one posting (走访手机), under a key from a PIN and `share`.

    The share is given to a signed-in session of that posting only. Closing the device destroys it: what lies on the phone, or on a copy
    of it without the share, cannot be opened any more.
    """

    class State(models.TextChoices):
        ACTIVE = "active", _("使用中")
        REVOKED = "revoked", _("已注销")
        ENDED = "ended", _("任职结束")
        STALE = "stale", _("多日未同步")
        WIPED = "wiped", _("手机已清除")

    id = models.UUIDField(primary_key=True, editable=False, help_text="made by the device")
    posting = models.ForeignKey(Posting, models.PROTECT, related_name="+")
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    label = models.CharField(max_length=60, blank=True, help_text="system and browser in words")
    share = SealedTextField(null=True, help_text="the server's half of the key, 32 bytes in hex")
    state = CodeField(max_length=7, choices=State.choices, default=State.ACTIVE)
    made_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    synced_at = models.DateTimeField(help_text="the last list taken or record sent")
    waiting = models.IntegerField(default=0, help_text="records that wait on the device, as it says")
    calls = models.IntegerField(default=0, help_text="calls since `calls_from`")
    calls_from = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["area", "state", "synced_at"]),
            models.Index(fields=["posting"], condition=Q(state="active"), name="visit_device_active"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="active", share__isnull=False, closed_at__isnull=True) | (~Q(state="active") & Q(share__isnull=True, closed_at__isnull=False)),
                name="visit_device_share",
            ),
            models.CheckConstraint(condition=Q(waiting__gte=0), name="visit_device_waiting"),
        ]
