"""Messages (消息) to staff and people: a queue beside the work that causes them, sent after its transaction has committed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField, TokenField
from doudi.core.models.staff import Account


class Message(AreaModel):
    """One message to one recipient: an officer (`account`), or a phone, of a person in the registry or of somebody else.

    The text is made from the template when it is sent or read. `values` hold no personal data; those of a sensitive or secret template
    stand in `sealed`. `dedupe` says which message it is: the same one is never queued twice.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("待发送")
        SENT = "sent", _("已发送")
        DELIVERED = "delivered", _("已送达")
        FAILED = "failed", _("发送失败")
        REFUSED = "refused", _("不发送")

    template = CodeField(max_length=40)
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    person_id = models.BigIntegerField(null=True)
    phone = TokenField(null=True)
    language = CodeField(max_length=8, default="zh-hans")
    channel = CodeField(max_length=12)
    values = models.JSONField(default=dict)
    sealed = SealedTextField(null=True)
    url = models.CharField(max_length=200, blank=True)
    dedupe = CodeField(max_length=160, unique=True)
    state = CodeField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.SmallIntegerField(default=0)
    claimed = models.BooleanField(db_default=False, help_text="an attempt began whose outcome is not noted")
    round = models.SmallIntegerField(db_default=0, help_text="how often it was sent anew after a report that it did not arrive")
    gateway_number = CodeField(max_length=80, db_default="", help_text="what the channel calls it")
    parts = models.SmallIntegerField(null=True)
    next_at = models.DateTimeField(null=True, help_text="next attempt, or question what became of it; null: none")
    until = models.DateTimeField(null=True, help_text="of no use from here on; null: always of use")
    error = models.CharField(max_length=100, blank=True, help_text="kind of failure; no personal data")
    made_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    reported_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["next_at"], condition=Q(state="queued"), name="message_queue"),
            models.Index(fields=["next_at"], condition=Q(state="sent"), name="message_poll"),
            models.Index(fields=["gateway_number"], condition=~Q(gateway_number=""), name="message_number"),
            models.Index(fields=["account", "made_at"], condition=Q(account__isnull=False), name="message_inbox"),
            models.Index(fields=["account"], condition=Q(account__isnull=False, read_at__isnull=True), name="message_unread"),
            models.Index(fields=["area", "made_at"]),
            models.Index(fields=["state", "made_at"]),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(account__isnull=False, phone__isnull=True, person_id__isnull=True) | Q(account__isnull=True), name="message_one_recipient"
            ),
            models.CheckConstraint(condition=Q(account__isnull=False) | Q(phone__isnull=False) | Q(state="refused"), name="message_reachable"),
        ]


class MessageOptOut(AreaModel):
    """Somebody wants no messages on a phone (退订), or as a person on any phone. Seen by all places: a number is one, wherever."""

    person_id = models.BigIntegerField(null=True)
    phone = TokenField(null=True)
    reason = models.CharField(max_length=200, blank=True)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    ended_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(person_id__isnull=True) ^ Q(phone__isnull=True), name="opt_out_of_one"),
            models.UniqueConstraint(fields=["person_id"], condition=Q(person_id__isnull=False, ended_at__isnull=True), name="opt_out_person"),
            models.UniqueConstraint(fields=["phone"], condition=Q(phone__isnull=False, ended_at__isnull=True), name="opt_out_phone"),
        ]
