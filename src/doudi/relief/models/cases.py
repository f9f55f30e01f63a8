"""Cases of temporary assistance (临时救助): who is in need where the emergency is, what was decided and given, every step."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, MoneyField, SealedTextField, TokenField
from doudi.core.models import Account
from doudi.payments.models import Grant
from doudi.registry.models import Sex


class Cause(models.TextChoices):
    """Kind of cause (事由): the same one is helped once in a year (integrity.md, "Relief")."""

    FIRE = "fire", _("火灾")
    TRAFFIC = "traffic", _("交通事故")
    ACCIDENT = "accident", _("其他意外事故")
    ILLNESS = "illness", _("突发重大疾病")
    DISASTER = "disaster", _("自然灾害")
    EPIDEMIC = "epidemic", _("疫情影响")
    STRANDED = "stranded", _("临时遇困滞留")
    MEDICAL = "medical", _("医疗支出过大")
    EDUCATION = "education", _("教育支出过大")
    OTHER = "other", _("其他特殊困难")


class ReliefCase(AreaModel):
    """One case of temporary assistance. `area` is the place of the emergency (急难发生地), whoever is there and wherever registered (3.1).

    It holds a frozen copy of what it needs of people and no row of the registry: a person from elsewhere has none here.
    """

    class Kind(models.TextChoices):
        EMERGENCY = "emergency", _("急难型")
        EXPENDITURE = "expenditure", _("支出型")

    class State(models.TextChoices):
        OPEN = "open", _("待乡镇审批")
        COUNTY = "county", _("待县级审批")
        MEETING = "meeting", _("待一事一议")
        GRANTED = "granted", _("已救助")
        REFUSED = "refused", _("不予救助")
        WITHDRAWN = "withdrawn", _("已撤回")

    class Level(models.TextChoices):
        TOWNSHIP = "township", _("乡镇审批")
        COUNTY = "county", _("县级审批")
        MEETING = "meeting", _("一事一议")

    class Clash(models.TextChoices):
        CAUSE = "cause", _("一年内同一事由已救助")
        TIMES = "times", _("本年度救助已达次数上限")

    OPEN_STATES = (State.OPEN, State.COUNTY, State.MEETING)

    number = CodeField(max_length=24, unique=True)
    key = models.UUIDField(unique=True, help_text="of the form: the same one sent twice is one case")
    kind = CodeField(max_length=12, choices=Kind.choices)
    cause = CodeField(max_length=12, choices=Cause.choices)
    event_on = models.DateField()
    place = models.CharField(max_length=120, blank=True, help_text="where exactly, in words")
    household_id = models.BigIntegerField(null=True, help_text="registered household, where there is one in the own area")
    lead_id = models.BigIntegerField(null=True)
    name = CodeField(max_length=60, help_text="applicant")
    token = TokenField(help_text="applicant's ID number; made from the case where none is known")
    has_number = models.BooleanField(default=True)
    phone = TokenField(null=True)
    elsewhere = models.BooleanField(default=False, help_text="registered residence elsewhere (非本地户籍)")
    registered_place = models.CharField(max_length=60, blank=True, help_text="registered residence in words, of a person from elsewhere")
    people = models.SmallIntegerField(default=1, help_text="persons in need, the applicant among them")
    facts = SealedTextField(null=True)
    relief_first = models.BooleanField(default=False)
    checked = SealedTextField(null=True, help_text="what was verified before the decision")
    asked = MoneyField(null=True)
    township_ceiling = MoneyField()
    ceiling = MoneyField()
    times = models.SmallIntegerField(null=True, help_text="grants within a year, at most; null: no limit")
    law_settings = CodeField(max_length=64, help_text="hash of the settings that gave the ceilings")
    emergency_id = models.BigIntegerField(null=True, help_text="declared emergency under which it was opened")
    state = CodeField(max_length=10, choices=State.choices, default=State.OPEN)
    level = CodeField(max_length=10, choices=Level.choices, default="")
    amount = MoneyField(null=True, help_text="money and goods granted, yuan")
    clash = CodeField(max_length=6, choices=Clash.choices, default="")
    clash_note = SealedTextField(null=True, help_text="what the look-up across areas answered")
    explanation_due = models.DateField(null=True)
    explanation = SealedTextField(null=True)
    explained_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    explained_at = models.DateTimeField(null=True)
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    proposed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    proposed_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=400, blank=True, help_text="of the last step")
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["area", "state", "made_at"]),
            models.Index(fields=["household_id"], condition=Q(household_id__isnull=False), name="relief_household"),
            models.Index(fields=["lead_id"], condition=Q(lead_id__isnull=False), name="relief_lead"),
            models.Index(
                fields=["area", "explanation_due"], condition=Q(explanation_due__isnull=False, explained_at__isnull=True), name="relief_unexplained"
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(people__gte=1, people__lte=20), name="relief_people"),
            models.CheckConstraint(
                condition=~Q(state="granted") | Q(amount__isnull=False, decided_by__isnull=False) & ~Q(level=""), name="relief_granted_by_somebody"
            ),
            # the ceilings hold in the database, to the fen; only a meeting goes beyond
            models.CheckConstraint(
                condition=~Q(state="granted") | Q(level="meeting") | Q(level="county", amount__lte=F("ceiling"))
                | Q(level="township", amount__lte=F("township_ceiling")),
                name="relief_within_ceiling",
            ),
            models.CheckConstraint(
                condition=~Q(level__in=("county", "meeting")) | Q(proposed_by__isnull=False) & ~Q(decided_by=F("proposed_by")), name="relief_two_officers"
            ),
            models.CheckConstraint(
                condition=~Q(state="granted", relief_first=True) | Q(explanation_due__isnull=False), name="relief_first_is_explained"
            ),
            models.CheckConstraint(
                condition=Q(explained_at__isnull=True, explained_by__isnull=True) | Q(explained_at__isnull=False, explained_by__isnull=False),
                name="relief_explained_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class ReliefMember(AreaModel):
    """A person in need in a case: a frozen copy of the fields that the case needs, and the token."""

    case = models.ForeignKey(ReliefCase, models.PROTECT, related_name="members", db_constraint=False, db_index=False)
    name = CodeField(max_length=60)
    token = TokenField()
    sex = CodeField(max_length=1, choices=Sex.choices, default="")
    birth_date = models.DateField(null=True)
    person_id = models.BigIntegerField(null=True, help_text="row of the registry in the own area, by id alone")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "token"], name="relief_member_once")]


class ReliefHelp(AreaModel):
    """What a case gives (救助方式): cash, goods or a referral. Money and goods become a one-off grant when the case is granted."""

    class Kind(models.TextChoices):
        CASH = "cash", _("发放救助金")
        GOODS = "goods", _("发放实物")
        REFERRAL = "referral", _("提供转介服务")

    case = models.ForeignKey(ReliefCase, models.PROTECT, related_name="helps", db_constraint=False, db_index=False)
    part = models.SmallIntegerField()
    kind = CodeField(max_length=10, choices=Kind.choices)
    amount = MoneyField(null=True, help_text="yuan; goods at their value; null for a referral")
    way = CodeField(max_length=8, choices=Grant.Way.choices, default="")
    what = models.CharField(max_length=200, blank=True, help_text="goods, or what the referral asks for")
    referred_to = models.CharField(max_length=100, blank=True)
    answered_on = models.DateField(null=True, help_text="of a referral")
    answer = models.CharField(max_length=200, blank=True)
    grant = models.OneToOneField(Grant, models.PROTECT, null=True, related_name="relief_help", db_constraint=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "part"], name="relief_help_once"),
            models.CheckConstraint(
                condition=Q(kind="referral", amount__isnull=True, way="") & ~Q(referred_to="")
                | Q(amount__isnull=False, amount__gt=0) & (Q(kind="goods", way="reserve") & ~Q(what="") | Q(kind="cash", way__in=("reserve", "payroll"))),
                name="relief_help_is_whole",
            ),
        ]


class ReliefStep(AreaModel):
    """Every step of a case: who, when, from what to what, why."""

    case = models.ForeignKey(ReliefCase, models.PROTECT, related_name="steps", db_constraint=False, db_index=False)
    at = models.DateTimeField()
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    before = CodeField(max_length=10, default="")
    after = CodeField(max_length=10)
    what = CodeField(max_length=20)
    note = models.CharField(max_length=400, blank=True)

    class Meta:
        indexes = [models.Index(fields=["case", "at"])]
