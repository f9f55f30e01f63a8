"""Follow-up of a case: contacts and visits, review meetings, counselling, resources linked (5.1, 5.4)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField
from doudi.core.models import Account
from doudi.protection.models.cases import ProtectionCase


class CaseContact(AreaModel):
    """A contact with the minor (跟踪回访), owed or made. A case owes at most one; the level sets by when (`procedure.protection.visit_days`).

    One made in the home together with a household visit of `discovery` names it (`visit_id`): it is written down once there and once here, never walked twice.
    """

    class State(models.TextChoices):
        DUE = "due", _("待回访")
        DONE = "done", _("已回访")
        MISSED = "missed", _("未见到人")
        CANCELLED = "cancelled", _("已取消")

    class How(models.TextChoices):
        HOME = "home", _("入户")
        SCHOOL = "school", _("到校")
        PHONE = "phone", _("电话")
        VIDEO = "video", _("视频")
        OFFICE = "office", _("到访")

    class Met(models.TextChoices):
        ALONE = "alone", _("单独见到孩子")
        WITH_CARER = "with_carer", _("见到孩子和照料人")
        CARER = "carer", _("只见到照料人")
        NOBODY = "nobody", _("没有见到人")

    class Safe(models.TextChoices):
        SAFE = "safe", _("安全，平稳")
        CONCERN = "concern", _("有担忧")
        DANGER = "danger", _("有危险")

    SAW = (Met.ALONE, Met.WITH_CARER)

    case = models.ForeignKey(ProtectionCase, models.PROTECT, db_index=False, related_name="contacts", db_constraint=False)
    uuid = models.UUIDField(null=True, unique=True, help_text="made by the form: a contact counts once")
    state = CodeField(max_length=10, choices=State.choices, default=State.DUE)
    due = models.DateField()
    made_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    recorder = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    how = CodeField(max_length=8, choices=How.choices, blank=True)
    met = CodeField(max_length=12, choices=Met.choices, blank=True)
    safe = CodeField(max_length=8, choices=Safe.choices, blank=True)
    note = SealedTextField(null=True)
    visit_id = models.BigIntegerField(null=True, help_text="discovery_visit that it was made with")

    class Meta:
        indexes = [models.Index(fields=["case", "id"]), models.Index(fields=["area", "due"], condition=Q(state="due"), name="protection_contact_due")]
        constraints = [
            models.UniqueConstraint(fields=["case"], condition=Q(state="due"), name="protection_one_contact_due"),
            models.UniqueConstraint(fields=["case", "visit_id"], condition=Q(visit_id__isnull=False), name="protection_visit_once"),
            models.CheckConstraint(
                condition=Q(state__in=("due", "cancelled"), done_at__isnull=True) | Q(state__in=("done", "missed"), done_at__isnull=False, uuid__isnull=False),
                name="protection_contact_recorded",
            ),
            models.CheckConstraint(condition=~Q(state="done") | (~Q(how="") & ~Q(met="") & ~Q(safe="")), name="protection_contact_said"),
        ]


class CaseReview(AreaModel):
    """A review meeting (个案会商): when, who, what was said and resolved."""

    class State(models.TextChoices):
        PLANNED = "planned", _("待召开")
        HELD = "held", _("已召开")
        CANCELLED = "cancelled", _("已取消")

    class Resolution(models.TextChoices):
        CONTINUE = "continue", _("按方案继续帮扶")
        CHANGE = "change", _("调整帮扶方案")
        CARE = "care", _("启动临时生活照料或临时监护")
        RETURN = "return", _("恢复原监护")
        REFER = "refer", _("转介")
        CLOSE = "close", _("结案")

    case = models.ForeignKey(ProtectionCase, models.PROTECT, db_index=False, related_name="reviews", db_constraint=False)
    uuid = models.UUIDField(unique=True)
    at = models.DateTimeField()
    place = models.CharField(max_length=100, blank=True)
    members = SealedTextField(help_text="name and unit, one a line")
    agenda = SealedTextField(null=True)
    state = CodeField(max_length=10, choices=State.choices, default=State.PLANNED)
    minutes = SealedTextField(null=True)
    resolution = CodeField(max_length=10, choices=Resolution.choices, blank=True)
    resolved = SealedTextField(null=True, help_text="what is to be done, by whom, by when; one a line")
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    held_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["case", "at"])]
        constraints = [
            models.CheckConstraint(condition=~Q(state="held") | (Q(minutes__isnull=False, held_by__isnull=False) & ~Q(resolution="")), name="protection_review_minutes")
        ]


class Counselling(AreaModel):
    """A counselling session (心理疏导): read by those who look after mind and health alone."""

    class How(models.TextChoices):
        FACE = "face", _("当面")
        PHONE = "phone", _("电话")
        VIDEO = "video", _("视频")
        GROUP = "group", _("小组")

    class Mood(models.TextChoices):
        STEADY = "steady", _("情绪平稳")
        LOW = "low", _("情绪低落")
        ANXIOUS = "anxious", _("焦虑、恐惧")
        AT_RISK = "at_risk", _("有自伤或伤人风险")

    case = models.ForeignKey(ProtectionCase, models.PROTECT, db_index=False, related_name="counselling", db_constraint=False)
    uuid = models.UUIDField(unique=True)
    on = models.DateField()
    minutes = models.SmallIntegerField()
    counsellor = models.CharField(max_length=60)
    how = CodeField(max_length=6, choices=How.choices)
    mood = CodeField(max_length=8, choices=Mood.choices)
    topic = SealedTextField()
    advice = SealedTextField(null=True)
    next_on = models.DateField(null=True)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["case", "on"])]
        constraints = [
            models.CheckConstraint(condition=Q(minutes__range=(1, 480)), name="protection_counselling_minutes"),
            models.CheckConstraint(condition=Q(next_on__isnull=True) | Q(next_on__gte=F("on")), name="protection_counselling_next"),
        ]


class CaseResource(AreaModel):
    """A resource linked (资源链接): a benefit, a school, a clinic, volunteers, found for this minor and kept until it ends."""

    class Kind(models.TextChoices):
        BENEFIT = "benefit", _("救助待遇")
        SCHOOL = "school", _("学校")
        MEDICAL = "medical", _("医疗")
        VOLUNTEER = "volunteer", _("志愿服务")
        CHARITY = "charity", _("慈善帮扶")
        LEGAL = "legal", _("法律援助")
        OTHER = "other", _("其他")

    case = models.ForeignKey(ProtectionCase, models.PROTECT, db_index=False, related_name="resources", db_constraint=False)
    uuid = models.UUIDField(unique=True)
    kind = CodeField(max_length=10, choices=Kind.choices)
    provider = models.CharField(max_length=100)
    what = SealedTextField()
    contact = SealedTextField(null=True, help_text="who to speak to, and how")
    starts = models.DateField()
    ends = models.DateField(null=True)
    result = SealedTextField(null=True, help_text="what came of it")
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["case", "id"])]
        constraints = [models.CheckConstraint(condition=Q(ends__isnull=True) | Q(ends__gte=F("starts")), name="protection_resource_dates")]
