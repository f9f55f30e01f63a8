"""Daily reports (日报) of institutions, and by when each was owed."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField
from doudi.core.models import Account
from doudi.institutions.models.places import Institution
from doudi.institutions.models.stock import SupplyItem


class DailyReport(AreaModel):
    """What an institution reported of a day (China's calendar). A correction is a new row with its reason; the one before stays, superseded."""

    class Channel(models.TextChoices):
        PAGE = "page", _("网页、手机")
        SHEET = "sheet", _("表格导入")
        API = "api", _("系统接口")

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="reports", db_index=False)
    on = models.DateField()
    revision = models.SmallIntegerField(default=1)
    channel = CodeField(max_length=6, choices=Channel.choices)
    residents = models.PositiveIntegerField(help_text="present at midnight or at the time of reporting")
    away = models.PositiveIntegerField(default=0, help_text="residents in hospital or at home, bed kept")
    staff = models.PositiveIntegerField(help_text="on the rolls")
    staff_on_site = models.PositiveIntegerField()
    symptoms_residents = models.PositiveIntegerField(default=0)
    symptoms_staff = models.PositiveIntegerField(default=0)
    tested = models.PositiveIntegerField(default=0, help_text="residents and staff tested that day")
    positive_residents = models.PositiveIntegerField(default=0, help_text="newly found that day")
    positive_staff = models.PositiveIntegerField(default=0)
    isolated_residents = models.PositiveIntegerField(default=0, help_text="kept apart now")
    isolated_staff = models.PositiveIntegerField(default=0)
    to_hospital = models.PositiveIntegerField(default=0, help_text="sent to hospital that day")
    deaths = models.PositiveIntegerField(default=0)
    incident = models.BooleanField(default=False)
    incidents = SealedTextField(null=True, help_text="what happened, in the house's words")
    reason = models.CharField(max_length=200, blank=True, help_text="of a correction")
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["area", "on"], condition=Q(superseded_at__isnull=True), name="institution_report_of_day")]
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="institution_report_id_area"),
            models.UniqueConstraint(fields=["institution", "on", "revision"], name="institution_report_revision"),
            models.UniqueConstraint(fields=["institution", "on"], condition=Q(superseded_at__isnull=True), name="institution_report_once"),
            models.CheckConstraint(condition=Q(revision=1) | ~Q(reason=""), name="institution_report_corrected_why"),
            models.CheckConstraint(
                condition=Q(symptoms_residents__lte=F("residents"), positive_residents__lte=F("residents"), isolated_residents__lte=F("residents"))
                & Q(staff_on_site__lte=F("staff"), symptoms_staff__lte=F("staff"), positive_staff__lte=F("staff"), isolated_staff__lte=F("staff"))
                & Q(tested__lte=F("residents") + F("staff"), residents__lte=10000, staff__lte=5000, away__lte=10000, to_hospital__lte=10000, deaths__lte=10000),
                name="institution_report_possible",
            ),
            models.CheckConstraint(condition=Q(incident=False) | Q(incidents__isnull=False), name="institution_report_incident_told"),
        ]


class ReportSupply(AreaModel):
    """One supply in a report: what is left, what a day uses, for how many whole days it lasts (None: nothing is used)."""

    report = models.ForeignKey(DailyReport, models.PROTECT, related_name="supplies", db_index=False)
    item = models.ForeignKey(SupplyItem, models.PROTECT, related_name="+")
    quantity = models.DecimalField(max_digits=12, decimal_places=2)
    daily_use = models.DecimalField(max_digits=10, decimal_places=2)
    days = models.IntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["report", "item"], name="institution_report_supply_once"),
            models.CheckConstraint(condition=Q(quantity__gte=0, daily_use__gte=0), name="institution_report_supply_possible"),
        ]


class ReportDue(AreaModel):
    """A report that an institution owes (应报): opened by the daily job from the rhythm in force, closed by the report."""

    class Why(models.TextChoices):
        EMERGENCY = "emergency", _("应急期间")
        ORDINARY = "ordinary", _("平时")

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="dues", db_index=False)
    on = models.DateField()
    due_at = models.DateTimeField()
    why = CodeField(max_length=9, choices=Why.choices)
    reported_at = models.DateTimeField(null=True, help_text="first report of that day")
    reminded_at = models.DateTimeField(null=True)
    county_at = models.DateTimeField(null=True, help_text="when the county was told")
    city_at = models.DateTimeField(null=True, help_text="when the city was told")

    class Meta:
        indexes = [models.Index(fields=["on", "area"], condition=Q(reported_at__isnull=True), name="institution_due_open")]
        constraints = [models.UniqueConstraint(fields=["institution", "on"], name="institution_due_once")]
