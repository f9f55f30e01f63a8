"""Who looks after a minor when the guardians cannot: temporary living care and temporary guardianship, hand-overs, reviews, allowance (5.3)."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, MoneyField, SealedTextField, TokenField
from doudi.core.models import Account
from doudi.protection.models.cases import ProtectionCase

RUNS = Q(state__in=["active", "ended"])


class Care(AreaModel):
    """Temporary living care (临时生活照料, Civil Code art. 34) or temporary guardianship (临时监护, Law on the Protection of Minors arts. 92-93) of one minor.

    Two kinds with rules of their own: living care begins at once, by the village or civil affairs; guardianship is proposed by one officer and
    decided by another of the county, and may `follow` living care. One table holds both, because no minor is in two of them at once, in the whole
    province: the database excludes it by token, person and case.
    """

    class Kind(models.TextChoices):
        LIVING = "living", _("临时生活照料")
        GUARDIANSHIP = "guardianship", _("临时监护")

    class State(models.TextChoices):
        PROPOSED = "proposed", _("待决定")
        ACTIVE = "active", _("进行中")
        ENDED = "ended", _("已结束")
        REFUSED = "refused", _("不同意")
        WITHDRAWN = "withdrawn", _("已撤回")

    class Basis(models.TextChoices):
        CIVIL_34 = "civil_34", _("《民法典》第三十四条第四款：因突发事件等紧急情况，监护人暂时无法履行监护职责")
        UNKNOWN = "minors_92_1", _("《未成年人保护法》第九十二条第一项：流浪乞讨或者身份不明，暂时查找不到监护人")
        MISSING = "minors_92_2", _("《未成年人保护法》第九十二条第二项：监护人下落不明且无其他人可以担任监护人")
        EVENT = "minors_92_3", _("《未成年人保护法》第九十二条第三项：监护人因自身客观原因或者因突发事件不能履行监护职责")
        NEGLECT = "minors_92_4", _("《未成年人保护法》第九十二条第四项：监护人拒绝或者怠于履行监护职责")
        CRIME = "minors_92_5", _("《未成年人保护法》第九十二条第五项：监护人教唆、利用未成年人实施违法犯罪行为")
        HARM = "minors_92_6", _("《未成年人保护法》第九十二条第六项：遭受监护人严重伤害或者面临人身安全威胁")
        OTHER = "minors_92_7", _("《未成年人保护法》第九十二条第七项：法律规定的其他情形")

    class Reason(models.TextChoices):
        ISOLATION = "isolation", _("父母隔离")
        HOSPITAL = "hospital", _("父母住院治疗")
        DETAINED = "detained", _("父母被羁押、服刑")
        MISSING = "missing", _("父母失联")
        UNABLE = "unable", _("父母丧失监护能力")
        DEAD = "dead", _("父母死亡，监护人待定")
        DISPUTE = "dispute", _("监护有争议")
        HARM = "harm", _("监护侵害，带离安置")
        CARER = "carer", _("被委托照护人不能照护")
        OTHER = "other", _("其他")

    class Organiser(models.TextChoices):
        VILLAGE = "village", _("村民委员会")
        RESIDENTS = "residents", _("居民委员会")
        CIVIL_AFFAIRS = "civil_affairs", _("民政部门")

    class Way(models.TextChoices):
        COMMITTEE = "committee", _("村（居）委会人员照料")
        RELATIVE = "relative", _("委托亲属抚养")
        FOSTER = "foster", _("家庭寄养")
        INSTITUTION = "institution", _("机构收留抚养")

    class Consent(models.TextChoices):
        WRITTEN = "written", _("监护人书面同意")
        PHONE = "phone", _("监护人电话或视频同意")
        UNREACHABLE = "unreachable", _("监护人无法联系，依法先行照料")
        NOT_NEEDED = "not_needed", _("依法无须同意")

    class Outcome(models.TextChoices):
        PARENTS = "parents", _("送回父母")
        GUARDIAN = "guardian", _("送回其他监护人")
        GUARDIANSHIP = "guardianship", _("转为临时监护")
        MOVED = "moved", _("移交，由当地民政部门接任监护")
        LONG_TERM = "long_term", _("转为长期监护")
        ADULT = "adult", _("年满十八周岁")
        DIED = "died", _("死亡")
        BROKEN = "broken", _("照料中断，无人接手")

    case = models.ForeignKey(ProtectionCase, models.PROTECT, related_name="cares", db_constraint=False)
    uuid = models.UUIDField(unique=True, help_text="of the form: the same form sent twice is one")
    kind = CodeField(max_length=12, choices=Kind.choices)
    state = CodeField(max_length=9, choices=State.choices)
    follows = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="+", db_constraint=False, help_text="the living care that it takes over from"
    )
    token = TokenField(null=True, help_text="of the minor, as in the case")
    person_id = models.BigIntegerField(null=True)
    basis = CodeField(max_length=12, choices=Basis.choices)
    reason = CodeField(max_length=10, choices=Reason.choices)
    situation = SealedTextField(help_text="what happened to the guardians, since when")
    organiser = CodeField(max_length=14, choices=Organiser.choices)
    body = models.CharField(max_length=80, help_text="the committee or department by name; of a guardianship the guardian")
    way = CodeField(max_length=12, choices=Way.choices)
    carer = models.CharField(max_length=60, help_text="who looks after the minor day and night: a person or an institution")
    relation = models.CharField(max_length=40, blank=True)
    contact = SealedTextField(help_text="phone and place of the carer")
    consent = CodeField(max_length=12, choices=Consent.choices)
    consent_note = SealedTextField(null=True, help_text="who agreed, when, how; or how they were looked for")
    starts = models.DateTimeField()
    expected_end = models.DateField()
    latest_end = models.DateField(help_text="by what the place has set, and never beyond the eighteenth birthday")
    review_due = models.DateField(null=True)
    document = models.CharField(max_length=80, blank=True, help_text="number of the decision")
    proposed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=200, blank=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    outcome = CodeField(max_length=12, choices=Outcome.choices, blank=True)
    end_note = SealedTextField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["area", "state", "expected_end"])]
        constraints = [
            *(
                ExclusionConstraint(
                    name=f"protection_never_two_cares_{name}", condition=RUNS,
                    expressions=[(field, RangeOperators.EQUAL), (Func("starts", "ended_at", function="tstzrange"), RangeOperators.OVERLAPS)],
                )
                for name, field in (("token", "token"), ("person", "person_id"), ("case", "case"))
            ),
            models.UniqueConstraint(fields=["case"], condition=Q(state="proposed"), name="protection_one_guardianship_waits"),
            models.CheckConstraint(condition=Q(kind="living", basis="civil_34") | Q(kind="guardianship", basis__startswith="minors_92"), name="protection_care_basis"),
            models.CheckConstraint(condition=Q(kind="living") | Q(organiser="civil_affairs"), name="protection_guardian_is_civil_affairs"),
            models.CheckConstraint(
                condition=Q(kind="living") | Q(state__in=["proposed", "withdrawn"]) | (Q(decided_by__isnull=False) & ~Q(decided_by=F("proposed_by"))),
                name="protection_guardianship_decided_apart",
            ),
            models.CheckConstraint(condition=Q(kind="living") | ~RUNS | ~Q(document=""), name="protection_guardianship_has_document"),
            models.CheckConstraint(condition=Q(kind="guardianship") | RUNS, name="protection_living_care_begins_at_once"),
            models.CheckConstraint(
                condition=(Q(state="ended", ended_at__isnull=False, ended_at__gte=F("starts")) & ~Q(outcome="")) | (~Q(state="ended") & Q(ended_at__isnull=True, outcome="")),
                name="protection_care_ended_with_outcome",
            ),
        ]  # fmt: skip


class HandOver(AreaModel):
    """The child handed over (交接): to the carer, between carers, back. With belongings, health, documents and signatures; written once."""

    class Direction(models.TextChoices):
        IN = "in", _("交给照料人")
        BETWEEN = "between", _("更换照料人")
        OUT = "out", _("交回")

    care = models.ForeignKey(Care, models.PROTECT, db_index=False, related_name="hand_overs", db_constraint=False)
    case = models.ForeignKey(ProtectionCase, models.PROTECT, related_name="+", db_constraint=False)
    uuid = models.UUIDField(unique=True)
    direction = CodeField(max_length=8, choices=Direction.choices)
    at = models.DateTimeField()
    given_by = models.CharField(max_length=80)
    taken_by = models.CharField(max_length=80)
    belongings = SealedTextField(help_text="one thing a line, with its count; 无 where there is nothing")
    health = SealedTextField()
    documents = SealedTextField(help_text="papers handed over: birth certificate, vaccination, school; 无 where there are none")
    given_signed = models.BooleanField()
    taken_signed = models.BooleanField()
    witness = models.CharField(max_length=80, blank=True, help_text="who stands for a giver that could not sign")
    recorded_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["care", "at"])]
        constraints = [
            models.UniqueConstraint(fields=["care", "direction"], condition=~Q(direction="between"), name="protection_handed_over_once"),
            models.CheckConstraint(condition=Q(taken_signed=True) & (Q(given_signed=True) | ~Q(witness="")), name="protection_hand_over_signed"),
        ]


class CareReview(AreaModel):
    """One review (监护状况评估) of a care that runs: can the child go back?"""

    class Verdict(models.TextChoices):
        CONTINUE = "continue", _("继续照料")
        RETURN = "return", _("可以送回")
        CHANGE = "change", _("需要变更照料人")
        LONG_TERM = "long_term", _("需要长期安排")

    care = models.ForeignKey(Care, models.PROTECT, db_index=False, related_name="reviews", db_constraint=False)
    case = models.ForeignKey(ProtectionCase, models.PROTECT, related_name="+", db_constraint=False)
    on = models.DateField()
    verdict = CodeField(max_length=10, choices=Verdict.choices)
    note = SealedTextField()
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["care", "on"], name="protection_reviewed_once_a_day")]


class CareClaim(AreaModel):
    """The allowance (照料补贴) claimed for whole days of a care, at the amount that the place has set. The county's civil affairs pay it to the carer.

    It is no programme of payment: a payroll would tell everybody who reads it which child is in care. That it was paid, when and by which voucher,
    is noted by another officer than who claimed it.
    """

    care = models.ForeignKey(Care, models.PROTECT, related_name="claims", db_constraint=False)
    case = models.ForeignKey(ProtectionCase, models.PROTECT, related_name="+", db_constraint=False)
    starts = models.DateField()
    ends = models.DateField(help_text="the last day, included")
    amount = MoneyField()
    payee = models.CharField(max_length=80)
    claimed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    claimed_at = models.DateTimeField()
    paid_on = models.DateField(null=True)
    voucher = models.CharField(max_length=60, blank=True, help_text="number of the voucher or of the bank's transfer")
    paid_noted_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    paid_noted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["area", "starts"])]
        constraints = [
            models.CheckConstraint(condition=Q(ends__gte=F("starts")) & Q(amount__gt=0), name="protection_claim_days"),
            models.CheckConstraint(
                condition=Q(paid_on__isnull=True, voucher="", paid_noted_by__isnull=True, paid_noted_at__isnull=True)
                | (Q(paid_on__isnull=False, paid_noted_by__isnull=False, paid_noted_at__isnull=False, paid_on__gte=F("starts")) & ~Q(voucher="")),
                name="protection_claim_paid_by_voucher",
            ),
            models.CheckConstraint(condition=Q(paid_noted_by__isnull=True) | ~Q(paid_noted_by=F("claimed_by")), name="protection_claim_paid_apart"),
            ExclusionConstraint(
                name="protection_no_day_claimed_twice",
                expressions=[
                    ("care", RangeOperators.EQUAL),
                    (Func("starts", "ends", models.Value("[]"), function="daterange"), RangeOperators.OVERLAPS),
                ],
            ),
        ]
