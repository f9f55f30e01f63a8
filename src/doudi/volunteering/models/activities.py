"""Activities (志愿服务活动; 8.3): shifts with capacity, who signed up, who waits, who came."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField
from doudi.core.models import Account
from doudi.volunteering.models.organisations import Organisation
from doudi.volunteering.models.volunteers import Volunteer


class Activity(AreaModel):
    """One activity of a place; title, words and meeting place are public, so they name nobody in need."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("待审核")
        OPEN = "open", _("报名中")
        CLOSED = "closed", _("停止报名")
        DONE = "done", _("已结束")
        CANCELLED = "cancelled", _("已取消")

    number = CodeField(max_length=24, unique=True)
    key = models.UUIDField(unique=True, help_text="of the form")
    title = models.CharField(max_length=60)
    kind = CodeField(max_length=20, help_text="of `codes.SERVICES`")
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="activities")
    words = models.CharField(max_length=600, help_text="what is done, what to bring")
    place = models.CharField(max_length=80, help_text="where to meet")
    phone = CodeField(max_length=20, help_text="public number for questions")
    skills = ArrayField(CodeField(max_length=20), default=list)
    minors = models.BooleanField(default=False, help_text="minors may take part")
    state = CodeField(max_length=10, choices=State.choices, default=State.OPEN)
    state_reason = models.CharField(max_length=200, blank=True)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["area", "state", "-id"], name="activity_area")]
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="activity_id_area"),
            models.CheckConstraint(condition=~Q(state="cancelled") | ~Q(state_reason=""), name="activity_cancelled_why"),
        ]

    def __str__(self) -> str:
        return self.title


class Shift(AreaModel):
    """A time and post of an activity (班次、岗位). `taken` is counted by a trigger from those who signed up; never above `capacity`.

    `code` stands on the paper at the spot: who has it checks in and out there.
    """

    activity = models.ForeignKey(Activity, models.PROTECT, related_name="shifts", db_index=False)
    post = models.CharField(max_length=40)
    starts = models.DateTimeField()
    ends = models.DateTimeField()
    capacity = models.SmallIntegerField()
    taken = models.SmallIntegerField(default=0)
    code = CodeField(max_length=8, unique=True)
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["area", "starts"], name="shift_area")]
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="shift_id_area"),
            models.UniqueConstraint(fields=["activity", "post", "starts"], name="shift_once"),
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="shift_times"),
            models.CheckConstraint(condition=Q(capacity__gte=1, capacity__lte=500), name="shift_capacity"),
            models.CheckConstraint(condition=Q(taken__gte=0, taken__lte=F("capacity")), name="shift_not_overfull"),
        ]

    @property
    def left(self) -> int:
        return self.capacity - self.taken


class SignUp(AreaModel):
    """Somebody's place in a shift (报名), or in its queue; ended by withdrawing, by cancelling, or by coming or not."""

    class State(models.TextChoices):
        SIGNED = "signed", _("已报名")
        WAITING = "waiting", _("候补")
        ATTENDED = "attended", _("已参加")
        NO_SHOW = "no_show", _("未到")
        WITHDRAWN = "withdrawn", _("已退出")
        CANCELLED = "cancelled", _("已取消")

    TAKING = (State.SIGNED, State.ATTENDED, State.NO_SHOW)
    LIVE = (State.SIGNED, State.WAITING)

    shift = models.ForeignKey(Shift, models.PROTECT, related_name="signups", db_index=False)
    volunteer = models.ForeignKey(Volunteer, models.PROTECT, related_name="signups", db_index=False)
    state = CodeField(max_length=10, choices=State.choices)
    reason = models.CharField(max_length=200, blank=True)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", help_text="null: themselves")
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["volunteer", "state"], name="signup_volunteer"), models.Index(fields=["shift", "state", "id"], name="signup_shift")]
        constraints = [
            models.UniqueConstraint(fields=["shift", "volunteer"], condition=~Q(state__in=["withdrawn", "cancelled"]), name="signup_once"),
        ]
