"""Applications that citizens send through the public door (网上申请), until the township takes them over."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField, TokenField
from doudi.core.models import Account
from doudi.enrolment.models import Application
from doudi.registry.models import Household


class OnlineApplication(AreaModel):
    """Online application (网上申请): what a citizen sent, as it was sent. The township checks who it is and makes an application of it; nothing
    enters the registry before that, since anybody can send anything. `area` is the village, or the township where none was chosen."""

    class State(models.TextChoices):
        SENT = "sent", _("待受理登记")
        REGISTERED = "registered", _("已登记")
        DECLINED = "declined", _("未予登记")
        MERGED = "merged", _("已并入")

    uuid = models.UUIDField(unique=True, help_text="made by the page: a form is one application, however often it is sent")
    number = CodeField(max_length=24, unique=True)
    state = CodeField(max_length=10, choices=State.choices, default=State.SENT)
    name = CodeField(max_length=60, help_text="of the applicant")
    token = TokenField(help_text="ID number of the applicant")
    phone = TokenField(help_text="to which codes and news go")
    residence = CodeField(max_length=5, choices=Household.Residence.choices)
    address = SealedTextField()
    programmes = models.JSONField(default=list, help_text="asked for; empty: the township shall say what fits")
    told = SealedTextField(null=True, help_text="JSON: facts as they were declared, by member, and a remark")
    authorised_at = models.DateTimeField(help_text="when the applicant agreed to the comparison of data")
    sent_at = models.DateTimeField()
    due = models.DateField(help_text="by when the township looks at it")
    application = models.OneToOneField(Application, models.PROTECT, null=True, related_name="online", db_constraint=False)
    reason = models.CharField(max_length=400, blank=True, help_text="why it was declined, as the applicant reads it")
    handled_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    handled_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["area", "state", "sent_at"]),
            models.Index(fields=["token"], condition=Q(state="sent"), name="online_application_token"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="online_application_id_area"),
            models.CheckConstraint(condition=Q(state="sent") ^ Q(handled_at__isnull=False), name="online_application_handled"),
            models.CheckConstraint(condition=~Q(state="registered") ^ Q(application__isnull=False), name="online_application_registered"),
            models.CheckConstraint(condition=~Q(state__in=["declined", "merged"]) | ~Q(reason=""), name="online_application_reason"),
        ]

    def __str__(self) -> str:
        return self.number


class OnlineMember(AreaModel):
    """A member of the household as the applicant named them; the applicant is number 0."""

    application = models.ForeignKey(OnlineApplication, models.PROTECT, related_name="members", db_constraint=False, db_index=False)
    position = models.SmallIntegerField()
    name = CodeField(max_length=60)
    token = TokenField(help_text="ID number")
    relationship = CodeField(max_length=2, help_text="to the applicant, GB/T 4761")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["application", "position"], name="online_member_position"),
            models.UniqueConstraint(fields=["application", "token"], name="online_member_once"),
            models.CheckConstraint(condition=Q(position__range=(0, 11)), name="online_member_number"),
        ]
