"""Mandatory reports (强制报告) and reports of anybody else, as they come through the public page (5.2)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField, TokenField
from doudi.protection.models.cases import ProtectionCase


class Report(AreaModel):
    """One report. It opens a case, is joined to the minor's open case in the county, or waits for the county's protection workers.

    Who reported is told to nobody but those who work on the case; what became of the report is not told to the reporter.
    """

    class Reporter(models.TextChoices):
        SCHOOL = "school", _("学校、幼儿园")
        HOSPITAL = "hospital", _("医院、卫生院")
        POLICE = "police", _("公安派出所")
        VILLAGE = "village", _("村（居）民委员会")
        AGENCY = "agency", _("社会工作、福利、救助机构")
        HOTEL = "hotel", _("旅馆、宾馆等经营者")
        CITIZEN = "citizen", _("其他组织或群众")

    class State(models.TextChoices):
        OPENED = "opened", _("已立案")
        JOINED = "joined", _("已并入个案")
        WAITING = "waiting", _("待核对")
        SETTLED = "settled", _("已核对")

    uuid = models.UUIDField(unique=True)
    receipt = CodeField(max_length=24, unique=True)
    reporter_kind = CodeField(max_length=10, choices=Reporter.choices)
    organisation = SealedTextField()
    reporter = SealedTextField(null=True, help_text="name of who reports")
    phone = TokenField(null=True)
    child_name = SealedTextField(null=True)
    child_token = TokenField(null=True)
    sex = CodeField(max_length=1, blank=True)
    age = models.SmallIntegerField(null=True)
    where = SealedTextField(help_text="where the minor is now")
    what = SealedTextField()
    harm = CodeField(max_length=10, help_text="what it looks like: `reporting.WHAT`")
    alone = models.BooleanField(default=False)
    urgency = CodeField(max_length=6, choices=ProtectionCase.Urgency.choices)
    state = CodeField(max_length=8, choices=State.choices)
    case = models.ForeignKey(ProtectionCase, models.PROTECT, null=True, related_name="reports", db_constraint=False)
    received_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.BigIntegerField(null=True)
    note = SealedTextField(null=True, help_text="how a report that waited was settled")

    class Meta:
        indexes = [models.Index(fields=["area", "state", "received_at"])]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=("waiting", "settled")) | Q(case__isnull=False), name="protection_report_case"),
            models.CheckConstraint(condition=~Q(state="settled") | Q(settled_at__isnull=False, note__isnull=False), name="protection_report_settled"),
            models.CheckConstraint(condition=Q(age__isnull=True) | Q(age__range=(0, 17)), name="protection_report_age"),
        ]
