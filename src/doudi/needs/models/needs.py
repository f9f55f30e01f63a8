"""A need (需求), who answers it, and what happened to it.

`Need` holds what may be told (kind, place, when, how many, skills) and no text; whatever points at a person stands in `NeedPrivate`, which fewer may read.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField, TokenField
from doudi.core.models import Account
from doudi.needs import kinds
from doudi.registry.models import Household, Person


class Need(AreaModel):
    """What is needed at a place, by when, and how many are wanted. `taken` and `met` are counted by a trigger from the answers."""

    class About(models.TextChoices):
        PERSON = "person", _("个人")
        HOUSEHOLD = "household", _("家庭")
        PLACE = "place", _("村（社区）")
        INSTITUTION = "institution", _("机构")

    class Source(models.TextChoices):
        VISIT = "visit", _("入户走访")
        PHONE = "phone", _("电话")
        HOTLINE = "hotline", _("热线来电")
        CARD = "card", _("明白卡")
        OFFICER = "officer", _("工作人员登记")
        INSTITUTION = "institution", _("机构提出")
        CASE = "case", _("保护个案")

    class Urgency(models.TextChoices):
        RED = "red", _("紧急")
        ORANGE = "orange", _("较急")
        YELLOW = "yellow", _("一般")

    class State(models.TextChoices):
        OPEN = "open", _("待响应")
        IN_HAND = "in_hand", _("已有人接")
        DONE = "done", _("已满足")
        CANCELLED = "cancelled", _("已取消")
        EXPIRED = "expired", _("已过期")

    LIVE = (State.OPEN, State.IN_HAND)

    number = CodeField(max_length=24, unique=True)
    uuid = models.UUIDField(unique=True, help_text="of the form: the same form sent twice is one need")
    about = CodeField(max_length=12, choices=About.choices)
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="needs", db_constraint=False)
    household = models.ForeignKey(Household, models.PROTECT, null=True, related_name="needs", db_constraint=False)
    institution_id = models.BigIntegerField(null=True, help_text="of the institutions' room")
    kind = CodeField(max_length=20, help_text="a code of `kinds.KINDS`")
    urgency = CodeField(max_length=6, choices=Urgency.choices)
    source = CodeField(max_length=12, choices=Source.choices)
    source_id = models.BigIntegerField(null=True, help_text="visit, call or case that it came from (`sources`)")
    wanted = models.SmallIntegerField(default=1, help_text="how many (people, portions, pieces)")
    taken = models.SmallIntegerField(default=0, help_text="of answers that are accepted or done")
    met = models.SmallIntegerField(default=0, help_text="of answers that are confirmed")
    skills = ArrayField(CodeField(max_length=20), default=list)
    by = models.DateField(null=True, help_text="the day by which whoever needs it wants it")
    fixed = models.BooleanField(default=False, help_text="after that day nobody needs it any more")
    state = CodeField(max_length=10, choices=State.choices, default=State.OPEN)
    raised_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    raised_at = models.DateTimeField()
    answer_due = models.DateTimeField(help_text="by when somebody has taken it")
    due = models.DateTimeField(help_text="by when it is met")
    clock = models.DateTimeField(null=True, help_text="the limit that runs now: of an answer, then of its being met; kept by a trigger, null once closed")
    expires_on = models.DateField(help_text="the first day on which it is no longer looked for")
    escalated = models.SmallIntegerField(default=0, help_text="0 no, 1 to the township, 2 to the county")
    escalated_at = models.DateTimeField(null=True)
    reminded_on = models.DateField(null=True)
    closed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True)
    close_reason = models.CharField(max_length=200, blank=True)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["area", "clock"]),
            models.Index(fields=["area", "state", "closed_at"]),
            models.Index(fields=["answer_due"], condition=Q(state="open"), name="need_waiting"),
            models.Index(fields=["source", "source_id"]),
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="need_id_area"),
            models.CheckConstraint(condition=Q(wanted__gte=1, wanted__lte=999), name="need_wanted"),
            models.CheckConstraint(condition=Q(taken__lte=F("wanted"), met__lte=F("taken"), met__gte=0), name="need_not_over_wanted"),
            models.CheckConstraint(condition=~Q(state="done") | Q(met=F("wanted")), name="need_done_is_met"),
            models.CheckConstraint(condition=~Q(state="in_hand") | Q(taken=F("wanted")), name="need_in_hand_is_taken"),
            models.CheckConstraint(condition=~Q(state="cancelled") | ~Q(close_reason=""), name="need_cancelled_with_reason"),
            models.CheckConstraint(condition=Q(state__in=["open", "in_hand"]) ^ Q(closed_at__isnull=False), name="need_closed"),
            models.CheckConstraint(condition=~Q(about="person") | Q(person__isnull=False), name="need_of_person"),
            models.CheckConstraint(condition=~Q(about="household") | Q(household__isnull=False), name="need_of_household"),
            models.CheckConstraint(condition=~Q(fixed=True) | Q(by__isnull=False), name="need_fixed_day"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def left(self) -> int:
        return self.wanted - self.taken

    @property
    def kind_label(self) -> str:
        return kinds.label(self.kind)

    @property
    def skill_words(self) -> str:
        return kinds.skill_words(self.skills)

    @property
    def delivery(self) -> bool:
        return self.kind in kinds.KINDS and kinds.KINDS[self.kind].delivery


class NeedPrivate(AreaModel):
    """Whose need it is and what exactly, in words, with where to go and whom to call: sealed, and narrower than area (`0002_guards`)."""

    need = models.OneToOneField(Need, models.PROTECT, related_name="private", db_constraint=False)
    what = SealedTextField()
    name = CodeField(max_length=60, blank=True, help_text="whom to ask for")
    address = SealedTextField(null=True)
    phone = TokenField(null=True)


class NeedAnswer(AreaModel):
    """Somebody who answers a need, or is asked to: offered, accepted, done and confirmed; or declined, withdrawn, lapsed."""

    class Kind(models.TextChoices):
        CONTACT = "contact", _("帮扶责任人")
        SHOP = "shop", _("社区商店、药店")
        VOLUNTEER = "volunteer", _("志愿者")
        ORGANISATION = "organisation", _("社会组织")
        DEPARTMENT = "department", _("部门、单位")
        FAMILY = "family", _("家人、邻里")
        OFFICER = "officer", _("村（社区）、乡镇工作人员")

    class State(models.TextChoices):
        OFFERED = "offered", _("待接受")
        ACCEPTED = "accepted", _("办理中")
        REPORTED = "reported", _("待确认")
        DONE = "done", _("已完成")
        DECLINED = "declined", _("未接受")
        WITHDRAWN = "withdrawn", _("已退出")
        LAPSED = "lapsed", _("逾期未接受")

    class Confirmed(models.TextChoices):
        RECIPIENT = "recipient", _("本人或家人确认")
        CONTACT = "contact", _("帮扶责任人确认")
        SIGNATURE = "signature", _("签收")
        PHOTO = "photo", _("照片")
        WITNESS = "witness", _("见证人")

    HOLDING = (State.ACCEPTED, State.REPORTED)

    uuid = models.UUIDField(unique=True)
    need = models.ForeignKey(Need, models.PROTECT, db_index=False, related_name="answers", db_constraint=False)
    kind = CodeField(max_length=12, choices=Kind.choices)
    account = models.ForeignKey(Account, models.PROTECT, db_index=False, null=True, related_name="+", help_text="null: somebody without an account, reached by phone")
    external_id = models.BigIntegerField(null=True, help_text="shop, volunteer or organisation in the register of its room")
    name = CodeField(max_length=60)
    phone = TokenField(null=True)
    quantity = models.SmallIntegerField(default=1)
    asked = models.BooleanField(default=False, help_text="assigned to them; false: they came forward")
    state = CodeField(max_length=10, choices=State.choices)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    reply_due = models.DateTimeField(help_text="by when it is accepted or declined")
    accepted_at = models.DateTimeField(null=True)
    reported_at = models.DateTimeField(null=True)
    reported_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, blank=True, help_text="why declined, withdrawn or not confirmed")
    confirmed = CodeField(max_length=10, choices=Confirmed.choices, blank=True)
    confirmed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    note = SealedTextField(null=True, help_text="what was done")
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["need", "state"]),
            models.Index(fields=["account", "state"]),
            models.Index(fields=["area"]),
            models.Index(fields=["reply_due"], condition=Q(state="offered"), name="need_answer_waiting"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="need_answer_id_area"),
            models.UniqueConstraint(fields=["need", "account"], condition=Q(state__in=["offered", "accepted", "reported"]), name="need_answered_once"),
            models.UniqueConstraint(
                fields=["need", "kind", "external_id"],
                condition=Q(account__isnull=True, external_id__isnull=False, state__in=["offered", "accepted", "reported"]),
                name="need_answered_once_by_register",
            ),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="need_answer_quantity"),
            models.CheckConstraint(condition=~Q(state__in=["declined", "withdrawn"]) | ~Q(reason=""), name="need_answer_ended_with_reason"),
            models.CheckConstraint(condition=~Q(state="done") | ~Q(confirmed=""), name="need_answer_done_is_confirmed"),
            models.CheckConstraint(condition=Q(state__in=["offered", "accepted", "reported"]) ^ Q(ended_at__isnull=False), name="need_answer_ended"),
            # who brings it does not say alone that it came: the recipient's signature, a photo or a witness does
            models.CheckConstraint(
                condition=Q(account__isnull=True) | Q(confirmed_by__isnull=True) | ~Q(confirmed_by=F("account")) | Q(confirmed__in=["signature", "photo", "witness"]),
                name="need_answer_not_by_oneself",
            ),
        ]


class NeedEvent(AreaModel):
    """What happened to a need: every change, with who and why."""

    need = models.ForeignKey(Need, models.PROTECT, db_index=False, related_name="events", db_constraint=False)
    at = models.DateTimeField()
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    what = models.CharField(max_length=40)
    note = SealedTextField(null=True)

    class Meta:
        indexes = [models.Index(fields=["need", "id"])]
