"""Calls for volunteers (志愿者召集; 8.3): so many, for this, at that place, until then; stopped when there are enough."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField
from doudi.core.models import Account, Emergency
from doudi.volunteering.models.volunteers import Volunteer


class Call(AreaModel):
    """A call for volunteers of an area. `coming` is counted by a trigger from the replies, never above `wanted`. Its words are public."""

    class State(models.TextChoices):
        OPEN = "open", _("召集中")
        ENOUGH = "enough", _("人数已满")
        STOPPED = "stopped", _("已停止")
        OVER = "over", _("已到期")

    number = CodeField(max_length=24, unique=True)
    key = models.UUIDField(unique=True, help_text="of the form")
    emergency = models.ForeignKey(Emergency, models.PROTECT, null=True, related_name="+", db_constraint=False)
    title = models.CharField(max_length=40)
    words = models.CharField(max_length=300, help_text="what is done, what to bring; public")
    place = models.CharField(max_length=80, help_text="where to meet; public")
    skills = ArrayField(CodeField(max_length=20), default=list, help_text="of `codes.SKILLS`; one of them is enough")
    adults = models.BooleanField(default=True, help_text="not for minors")
    wanted = models.SmallIntegerField()
    coming = models.SmallIntegerField(default=0)
    called = models.IntegerField(default=0, help_text="how many were told of it")
    until = models.DateTimeField(help_text="when it ends by itself")
    state = CodeField(max_length=10, choices=State.choices, default=State.OPEN)
    reason = models.CharField(max_length=200, blank=True, help_text="why it was stopped")
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["area", "-made_at"], name="call_area"),
            models.Index(fields=["until"], condition=Q(state__in=["open", "enough"]), name="call_running"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="call_id_area"),
            models.CheckConstraint(condition=Q(wanted__gte=1, wanted__lte=5000), name="call_wanted"),
            models.CheckConstraint(condition=Q(coming__gte=0, coming__lte=F("wanted")), name="call_not_over_wanted"),
            models.CheckConstraint(condition=~Q(state="stopped") | ~Q(reason=""), name="call_stopped_why"),
            models.CheckConstraint(condition=Q(state__in=["open", "enough"]) ^ Q(ended_at__isnull=False), name="call_ended"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def left(self) -> int:
        return self.wanted - self.coming


class CallReply(AreaModel):
    """One volunteer whom a call concerns, and what they said. `area` is the call's."""

    class State(models.TextChoices):
        CALLED = "called", _("已通知")
        COMING = "coming", _("参加")
        DECLINED = "declined", _("不参加")

    call = models.ForeignKey(Call, models.PROTECT, db_index=False, related_name="replies", db_constraint=False)
    volunteer = models.ForeignKey(Volunteer, models.PROTECT, db_index=False, related_name="calls", db_constraint=False)
    state = CodeField(max_length=10, choices=State.choices, default=State.CALLED)
    told_at = models.DateTimeField()
    replied_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["volunteer", "-id"], name="call_reply_volunteer"), models.Index(fields=["call", "state"], name="call_reply_state")]
        constraints = [
            models.UniqueConstraint(fields=["call", "volunteer"], name="call_told_once"),
            models.CheckConstraint(condition=Q(state="called") ^ Q(replied_at__isnull=False), name="call_replied"),
        ]
