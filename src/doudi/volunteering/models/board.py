"""The needs board (需求信息; 8.3): which needs are public, who was asked with which reasons, what both sides said afterwards."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField
from doudi.core.models import Account
from doudi.needs.models import Need, NeedAnswer
from doudi.volunteering.models.organisations import Organisation
from doudi.volunteering.models.volunteers import Volunteer


class Notice(AreaModel):
    """A need on the board (公布). It has no words of its own: what is public are kind, township, day, times, skills and how many are wanted.

    `number` is the board's own and leads nobody to the need. Whether it can be taken now, the need says.
    """

    need = models.OneToOneField(Need, models.PROTECT, related_name="notice", db_constraint=False)
    number = CodeField(max_length=24, unique=True)
    times = ArrayField(CodeField(max_length=2), default=list, help_text="of `codes.TIMES`: when help is wanted; empty: any time")
    shown = models.BooleanField(default=True, help_text="false: taken off the board")
    offering = models.BooleanField(default=True, help_text="the next ones are asked by themselves")
    by_rule = models.BooleanField(default=False)
    published_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    published_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True, help_text="why it was taken off")
    asked_at = models.DateTimeField(null=True, help_text="when the machine last looked for somebody")
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["area", "-published_at"], name="notice_area"),
            models.Index(fields=["asked_at"], condition=Q(shown=True, offering=True), name="notice_offering"),
        ]
        constraints = [models.CheckConstraint(condition=Q(shown=True) ^ ~Q(reason=""), name="notice_ended_with_reason")]

    def __str__(self) -> str:
        return self.number


class Offer(AreaModel):
    """What volunteering knows of an answer to a need by one of its register: why they were asked, whether they came. Its state is the answer's own.

    `reasons`: codes with figures, `[["skills", 2, 2], ["km", 1, 5], ...]`, put into words when they are shown.
    """

    class By(models.TextChoices):
        RULE = "rule", _("系统匹配")
        OFFICER = "officer", _("工作人员选派")
        SELF = "self", _("本人报名")

    answer = models.OneToOneField(NeedAnswer, models.PROTECT, related_name="offer", db_constraint=False)
    need = models.ForeignKey(Need, models.PROTECT, related_name="offers", db_constraint=False)
    volunteer = models.ForeignKey(Volunteer, models.PROTECT, db_index=False, null=True, related_name="offers", db_constraint=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, db_index=False, null=True, related_name="offers", db_constraint=False)
    by = CodeField(max_length=8, choices=By.choices, default=By.OFFICER)
    place = models.SmallIntegerField(null=True, help_text="in the ranked list, from 1")
    reasons = models.JSONField(default=list)
    made_at = models.DateTimeField()
    opened = models.SmallIntegerField(default=0, help_text="how often the contact was opened")
    came_at = models.DateTimeField(null=True)
    left_at = models.DateTimeField(null=True)
    no_show_at = models.DateTimeField(null=True)
    no_show_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["volunteer", "-id"], name="offer_volunteer"),
            models.Index(fields=["organisation", "-id"], name="offer_organisation"),
            models.Index(fields=["area", "made_at"], name="offer_area"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="offer_id_area"),
            models.CheckConstraint(condition=Q(volunteer__isnull=False) ^ Q(organisation__isnull=False), name="offer_of_one"),
            models.CheckConstraint(condition=Q(left_at__isnull=True) | Q(came_at__isnull=False, left_at__gte=F("came_at")), name="offer_came_and_left"),
            models.CheckConstraint(condition=Q(no_show_at__isnull=True) | Q(came_at__isnull=True), name="offer_came_or_not"),
        ]


class Feedback(AreaModel):
    """What one side says of the other when it is done (评价); once a side, and it stays."""

    class Side(models.TextChoices):
        VOLUNTEER = "volunteer", _("志愿者")
        RECIPIENT = "recipient", _("本人或家人")
        CONTACT = "contact", _("帮扶责任人")

    offer = models.ForeignKey(Offer, models.PROTECT, db_index=False, related_name="feedback", db_constraint=False)
    side = CodeField(max_length=10, choices=Side.choices)
    rating = models.SmallIntegerField(help_text="1 to 5")
    words = SealedTextField(null=True)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", help_text="the officer who asked; null: the volunteer")
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["offer", "side"], name="feedback_once_a_side"),
            models.CheckConstraint(condition=Q(rating__gte=1, rating__lte=5), name="feedback_rating"),
        ]
