"""Hours (服务时长; 8.1): check-in and check-out, corrections with their reason, certificates."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeBoundary
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField
from doudi.core.models import Account
from doudi.volunteering.models.activities import Shift
from doudi.volunteering.models.organisations import Organisation
from doudi.volunteering.models.volunteers import Volunteer


class ServiceRecord(AreaModel):
    """One time that a volunteer served, at a shift or for a confirmed need. `area`: where. Nobody serves twice at the same moment (exclusion).

    `minutes` is what counts, from `starts` to `ends`; null until checked out.
    """

    class State(models.TextChoices):
        OPEN = "open", _("服务中")
        DONE = "done", _("已完成")
        VOID = "void", _("已作废")

    class By(models.TextChoices):
        SELF = "self", _("本人签到")
        ORGANISATION = "organisation", _("组织签到")
        OFFICER = "officer", _("工作人员登记")
        NEED = "need", _("需求办结")
        SYSTEM = "system", _("系统补签退")

    key = models.UUIDField(unique=True, help_text="of the form")
    volunteer = models.ForeignKey(Volunteer, models.PROTECT, related_name="records", db_index=False)
    shift = models.ForeignKey(Shift, models.PROTECT, null=True, related_name="records")
    need_id = models.BigIntegerField(null=True, help_text="of the needs' room")
    answer_id = models.BigIntegerField(null=True, help_text="the confirmed answer to that need")
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="records")
    title = models.CharField(max_length=60, help_text="activity, or kind of the need: names nobody in need")
    kind = CodeField(max_length=20, help_text="of `codes.SERVICES`")
    place = models.CharField(max_length=80, help_text="meeting place, or the township of the need")
    post = models.CharField(max_length=40, blank=True)
    starts = models.DateTimeField()
    ends = models.DateTimeField(null=True)
    minutes = models.IntegerField(null=True)
    state = CodeField(max_length=6, choices=State.choices)
    recorded = CodeField(max_length=12, choices=By.choices)
    recorded_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    ended_by = CodeField(max_length=12, choices=By.choices, blank=True, help_text="who checked out; `system`: nobody did, the shift's end counts until corrected")
    evaluation = models.SmallIntegerField(null=True, help_text="1 to 5")
    remark = SealedTextField(null=True, help_text="words of the evaluation")
    made_at = models.DateTimeField()
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["area", "starts"], name="record_area"),
            models.Index(fields=["volunteer", "state", "starts"], name="record_volunteer"),
            models.Index(fields=["starts"], condition=Q(state="open"), name="record_open"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="record_id_area"),
            models.UniqueConstraint(fields=["shift", "volunteer"], condition=Q(shift__isnull=False) & ~Q(state="void"), name="record_once_a_shift"),
            models.UniqueConstraint(fields=["answer_id"], condition=Q(answer_id__isnull=False) & ~Q(state="void"), name="record_once_an_answer"),
            models.CheckConstraint(condition=Q(shift__isnull=False) ^ Q(need_id__isnull=False), name="record_shift_or_need"),
            models.CheckConstraint(condition=~Q(state="done") | Q(ends__isnull=False, minutes__isnull=False), name="record_done_has_end"),
            models.CheckConstraint(condition=Q(ends__isnull=True) | Q(ends__gte=F("starts")), name="record_times"),
            models.CheckConstraint(condition=Q(minutes__isnull=True) | Q(minutes__gte=0, minutes__lte=1440), name="record_minutes"),
            models.CheckConstraint(condition=Q(evaluation__isnull=True) | Q(evaluation__gte=1, evaluation__lte=5), name="record_evaluation"),
            ExclusionConstraint(
                name="record_one_at_a_time",
                expressions=[("volunteer", "="), (Func("starts", "ends", RangeBoundary(), function="tstzrange"), "&&")],
                condition=~Q(state="void"),
            ),
        ]


class RecordCorrection(AreaModel):
    """What a record said before it was corrected or voided, who changed it and why. Rows stay."""

    record = models.ForeignKey(ServiceRecord, models.PROTECT, related_name="corrections", db_index=False)
    at = models.DateTimeField()
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    starts = models.DateTimeField()
    ends = models.DateTimeField(null=True)
    minutes = models.IntegerField(null=True)
    void = models.BooleanField(default=False, help_text="the record was voided, not changed")
    reason = models.CharField(max_length=200)

    class Meta:
        indexes = [models.Index(fields=["record", "-id"], name="record_correction")]
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="record_correction_why")]


class ServiceCertificate(AreaModel):
    """A certificate of service (志愿服务记录证明): what the paper says, sealed as it was issued; `code` (130 random bits) opens the public check.

    `digest` is keyed and covers the whole content, so that a paper with other words does not fit its code.
    """

    number = CodeField(max_length=24, unique=True)
    code = CodeField(max_length=26, unique=True)
    volunteer = models.ForeignKey(Volunteer, models.PROTECT, related_name="certificates", db_index=False)
    starts = models.DateField()
    ends = models.DateField(help_text="the last day that it covers")
    minutes = models.IntegerField()
    times = models.IntegerField()
    content = SealedTextField(help_text="JSON of what the paper says")
    digest = models.BinaryField()
    issued_at = models.DateTimeField()
    issued_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", help_text="null: by the volunteer's own page")
    void_at = models.DateTimeField(null=True)
    void_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["volunteer", "-id"], name="certificate_volunteer"), models.Index(fields=["area", "-issued_at"], name="certificate_area")]
        constraints = [
            models.CheckConstraint(condition=Q(ends__gte=F("starts")), name="certificate_dates"),
            models.CheckConstraint(condition=Q(void_at__isnull=True) ^ ~Q(void_reason=""), name="certificate_void_why"),
        ]
