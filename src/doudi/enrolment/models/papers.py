"""What a case rests on: documents, authorisations, relatives on record, data check, household visits, publicity, objections."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField, TokenField
from doudi.core.models import Account
from doudi.enrolment.models.applications import Application, Case
from doudi.enrolment.procedure import Paper
from doudi.registry.models import Household, Person


class Document(AreaModel):
    """A document (申请材料) of a household: handed in once, offered to each later application while it holds. Its files are attachments."""

    household = models.ForeignKey(Household, models.PROTECT, related_name="documents", db_constraint=False, db_index=False)
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_constraint=False)
    paper = CodeField(max_length=12, choices=Paper.choices)
    application = models.ForeignKey(Application, models.PROTECT, null=True, related_name="documents", db_constraint=False, help_text="with which it came")
    issued_on = models.DateField(null=True)
    valid_until = models.DateField(null=True)
    note = models.CharField(max_length=200, blank=True)
    recorded_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["household", "paper"])]
        constraints = [models.UniqueConstraint(fields=["id", "area"], name="document_id_area")]


class Authorisation(AreaModel):
    """Authorisation to compare data (核对授权书), signed by an adult member or by a legal obligor outside the household."""

    class Sign(models.TextChoices):
        PAPER = "paper", _("纸质授权书扫描件")
        SCREEN = "screen", _("现场手写签名")
        ONLINE = "online", _("网上实名授权")

    household = models.ForeignKey(Household, models.PROTECT, related_name="authorisations", db_constraint=False)
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_constraint=False)
    obligor_name = SealedTextField(null=True, help_text="of an obligor who is not registered")
    obligor_token = TokenField(null=True)
    relationship = models.CharField(max_length=30, blank=True, help_text="of an obligor, to the household")
    signed_on = models.DateField()
    valid_until = models.DateField()
    datasets = ArrayField(CodeField(max_length=40), default=list, help_text="what may be compared; empty: everything that is shared for this")
    sign = CodeField(max_length=6, choices=Sign.choices)
    recorded_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField()
    ended_on = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="authorisation_id_area"),
            models.CheckConstraint(condition=Q(person__isnull=True) ^ Q(obligor_name__isnull=True), name="authorisation_of_one"),
            models.CheckConstraint(condition=Q(valid_until__gte=F("signed_on")), name="authorisation_dates"),
        ]


class Relative(AreaModel):
    """Close relative of staff or village cadres (近亲属备案): the household is visited by the county."""

    class Post(models.TextChoices):
        COUNTY = "county", _("县级社会救助工作人员")
        TOWNSHIP = "township", _("乡镇（街道）经办人员")
        VILLAGE = "village", _("村（社区）干部")

    household = models.ForeignKey(Household, models.PROTECT, related_name="relatives", db_constraint=False)
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_constraint=False, help_text="the member")
    official = models.CharField(max_length=60, help_text="name of the member of staff or cadre")
    post = CodeField(max_length=8, choices=Post.choices)
    relationship = models.CharField(max_length=30)
    recorded_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["household", "official", "relationship"], condition=Q(ended_at__isnull=True), name="relative_once"
            ),
        ]


class DataCheck(AreaModel):
    """Data check (家庭经济状况核对) of an application: what each department knows, and what the data-check officer concluded."""

    class State(models.TextChoices):
        WAITING = "waiting", _("核对中")
        READY = "ready", _("待出具结论")
        CONCLUDED = "concluded", _("已出具结论")

    class Result(models.TextChoices):
        AGREES = "agrees", _("与申报一致")
        DIFFERS = "differs", _("与申报不一致")

    application = models.ForeignKey(Application, models.PROTECT, related_name="checks", db_constraint=False)
    state = CodeField(max_length=10, choices=State.choices, default=State.WAITING)
    asked_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField()
    task_id = models.UUIDField(null=True)
    report = SealedTextField(null=True, help_text="JSON, numbers masked")
    digest = CodeField(max_length=64, default="")
    ready_at = models.DateTimeField(null=True)
    result = CodeField(max_length=8, choices=Result.choices, default="")
    note = SealedTextField(null=True)
    concluded_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    concluded_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["application"], condition=~Q(state="concluded"), name="data_check_one_open"),
            models.CheckConstraint(condition=~Q(state="concluded") | Q(concluded_by__isnull=False), name="data_check_concluded"),
        ]


class HouseholdVisit(AreaModel):
    """Household visit (入户调查) of an application by two or more people. Photos are attachments."""

    class Kind(models.TextChoices):
        TOWNSHIP = "township", _("乡镇入户调查")
        COUNTY = "county", _("县级入户核查")

    application = models.ForeignKey(Application, models.PROTECT, related_name="visits", db_constraint=False)
    kind = CodeField(max_length=8, choices=Kind.choices)
    visited_on = models.DateField()
    first = models.ForeignKey(Account, models.PROTECT, related_name="+")
    second = models.ForeignKey(Account, models.PROTECT, related_name="+")
    others = models.CharField(max_length=100, blank=True)
    findings = SealedTextField()
    agrees = models.BooleanField(help_text="what was found agrees with what was declared")
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="household_visit_id_area"),
            models.CheckConstraint(condition=~Q(first=F("second")), name="household_visit_two"),
        ]


class Publicity(AreaModel):
    """Publicity (公示) of a case in village and township, from `starts` until before `ends`. `shown` is all that is posted."""

    class State(models.TextChoices):
        RUNNING = "running", _("公示中")
        OVER = "over", _("公示期满")
        STOPPED = "stopped", _("已停止")

    case = models.ForeignKey(Case, models.PROTECT, related_name="publicities", db_constraint=False)
    programme = CodeField(max_length=20)
    state = CodeField(max_length=8, choices=State.choices, default=State.RUNNING)
    starts = models.DateField()
    ends = models.DateField()
    shown = models.JSONField()
    posted_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    posted_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["area", "ends"], condition=Q(state="running"), name="publicity_running")]
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="publicity_id_area"),
            models.UniqueConstraint(fields=["case"], condition=Q(state="running"), name="publicity_one_running"),
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="publicity_dates"),
            models.CheckConstraint(condition=~Q(programme__in=["orphan", "unsupported_child"]), name="publicity_no_children"),
        ]


class Objection(AreaModel):
    """Objection (异议) against what was posted. It stops the publicity and opens a new check or a democratic appraisal."""

    class Way(models.TextChoices):
        CHECK = "check", _("重新核对")
        APPRAISAL = "appraisal", _("民主评议")

    class State(models.TextChoices):
        OPEN = "open", _("处理中")
        UPHELD = "upheld", _("异议成立")
        REJECTED = "rejected", _("异议不成立")

    case = models.ForeignKey(Case, models.PROTECT, related_name="objections", db_constraint=False)
    way = CodeField(max_length=10, choices=Way.choices)
    state = CodeField(max_length=8, choices=State.choices, default=State.OPEN)
    raised_on = models.DateField()
    by = SealedTextField(null=True, help_text="name and contact, if given")
    text = SealedTextField()
    recorded_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    answer = SealedTextField(null=True)
    settled_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case"], condition=Q(state="open"), name="objection_one_open")]
