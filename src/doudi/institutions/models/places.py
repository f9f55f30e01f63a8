"""Institutions (民政服务机构): what they are, how many beds of which kind, who reports for them, whom to call, whether relatives may visit (6.1)."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, TokenField
from doudi.core.models import Account


class Bed(models.TextChoices):
    """Kinds of bed (床位类别)."""

    SELF = "self", _("自理床位")
    HALF = "half", _("介助床位")
    FULL = "full", _("护理型床位")
    CHILD = "child", _("儿童床位")
    SHELTER = "shelter", _("救助床位")


class Institution(AreaModel):
    """A care home, welfare home or aid station. `area`: the county, township or village where it lies.

    An institution clerk sees the own institution alone; the database holds it (`0002_guards`), for every table below it.
    `risk` and `risk_reasons` follow the last report, the stock and the visit state (`services.risk`).
    """

    class Kind(models.TextChoices):
        CARE_HOME = "care_home", _("养老机构")
        TEKUN_HOME = "tekun_home", _("敬老院")
        WELFARE_HOME = "welfare_home", _("福利院")
        CHILD_HOME = "child_home", _("儿童福利院")
        AID_STATION = "aid_station", _("救助管理站")

    class State(models.TextChoices):
        RUNNING = "running", _("运营")
        SUSPENDED = "suspended", _("停业")
        CLOSED = "closed", _("已撤销")

    class Risk(models.TextChoices):
        NONE = "", _("正常")
        YELLOW = "yellow", _("黄色")
        ORANGE = "orange", _("橙色")
        RED = "red", _("红色")

    code = CodeField(max_length=18, unique=True, help_text="unified social credit code, or the number that the province gave")
    name = CodeField(max_length=60)
    kind = CodeField(max_length=12, choices=Kind.choices)
    public = models.BooleanField(default=True, help_text="run by government")
    address = models.CharField(max_length=120)
    phone = CodeField(max_length=20, help_text="of the house, public")
    account = TokenField(null=True, help_text="bank account into which money for residents goes")
    bank = CodeField(max_length=14, default="")
    state = CodeField(max_length=10, choices=State.choices, default=State.RUNNING)
    risk = CodeField(max_length=6, choices=Risk.choices, default=Risk.NONE, blank=True)
    risk_reasons = ArrayField(models.CharField(max_length=20), default=list)
    last_report_on = models.DateField(null=True)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["area", "kind", "name"]),
            models.Index(fields=["area", "risk"], condition=~Q(risk=""), name="institution_at_risk"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="institution_id_area"),
            models.CheckConstraint(condition=Q(risk__in=["", "yellow", "orange", "red"]), name="institution_risk_known"),
            models.CheckConstraint(condition=Q(risk="", risk_reasons=[]) | (~Q(risk="") & ~Q(risk_reasons=[])), name="institution_risk_with_reason"),
        ]

    def __str__(self) -> str:
        return self.name


class InstitutionClerk(AreaModel):
    """Which account reports for an institution (机构填报员), from when to when. Access follows it."""

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="clerks")
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "institution"], condition=Q(ended_at__isnull=True), name="institution_clerk_once"),
            models.CheckConstraint(condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")), name="institution_clerk_dates"),
        ]


class BedCapacity(AreaModel):
    """How many beds of a kind an institution has. Residents never exceed it (guard `institutions_has_bed`)."""

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="capacities", db_index=False)
    kind = CodeField(max_length=8, choices=Bed.choices)
    beds = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "kind"], name="institution_beds_once"),
            models.CheckConstraint(condition=Q(beds__lte=5000), name="institution_beds_possible"),
        ]


class IsolationRoom(AreaModel):
    """A room in which people are kept apart (隔离观察室). `beds`: how many at most (guard `institutions_room_has_place`)."""

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="rooms", db_index=False)
    name = models.CharField(max_length=40)
    beds = models.PositiveSmallIntegerField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "name"], name="institution_room_once"),
            models.CheckConstraint(condition=Q(beds__gte=1, beds__lte=50), name="institution_room_beds"),
        ]

    def __str__(self) -> str:
        return self.name


class InstitutionContact(AreaModel):
    """Whom to call (联系人): of the house, and of those who stand by it."""

    class Role(models.TextChoices):
        DIRECTOR = "director", _("负责人")
        REPORTER = "reporter", _("填报员")
        ON_DUTY = "on_duty", _("值班")
        HOSPITAL = "hospital", _("对口医院")
        DISEASE_CONTROL = "disease_control", _("疾控联系人")
        TOWNSHIP = "township", _("乡镇（街道）联系人")
        OTHER = "other", _("其他")

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="contacts")
    role = CodeField(max_length=16, choices=Role.choices)
    name = CodeField(max_length=60)
    phone = TokenField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "role", "name"], condition=Q(ended_at__isnull=True), name="institution_contact_once"),
        ]


class VisitState(AreaModel):
    """Whether relatives may visit (开放、预约探视、封闭管理), dated, with its document. One at a time. `ends`: first day on which it no longer holds."""

    class State(models.TextChoices):
        OPEN = "open", _("开放探视")
        APPOINTMENT = "appointment", _("预约探视")
        CLOSED = "closed", _("封闭管理")

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="visit_states")
    state = CodeField(max_length=12, choices=State.choices)
    starts = models.DateField()
    ends = models.DateField(null=True)
    document = models.CharField(max_length=200, help_text="number or title of the decision")
    reason = models.CharField(max_length=200)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends__isnull=True) | Q(ends__gte=F("starts")), name="institution_visit_dates"),
            models.CheckConstraint(condition=~Q(document="") & ~Q(reason=""), name="institution_visit_why"),
            ExclusionConstraint(
                name="institution_visit_one",
                expressions=[("institution", "="), (Func("starts", "ends", function="daterange"), "&&")],
            ),
        ]


class InstitutionEvent(AreaModel):
    """What happened to an institution and its people: who, when, why. Rows are the history."""

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="events", db_index=False)
    at = models.DateTimeField()
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    what = CodeField(max_length=20)
    note = models.CharField(max_length=400, blank=True)

    class Meta:
        indexes = [models.Index(fields=["institution", "-id"], name="institution_event_newest")]
