"""Whom the community looks after (关爱对象, measures 7.3-7.5): groups derived from the registry, additions and removals by hand, what happened to each."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.community.models.contacts import CareContact
from doudi.core.fields import AreaModel, CodeField, SealedTextField
from doudi.core.models import Account
from doudi.registry.models import FactKind, Person, Programme


class CareGroup(models.TextChoices):
    """The groups that the measure names; what else an area adds is a `GroupDefinition`, with the code `own` and its number."""

    OLD_ALONE = "old_alone", _("孤寡独居老人")
    ORPHAN = "orphan", _("孤儿")
    UNSUPPORTED = "unsupported", _("事实无人抚养儿童")
    LEFT_BEHIND = "left_behind", _("农村留守儿童")
    DISABLED = "disabled", _("残疾人")


# What an area's own group may lean on: flags of the registry that say something of a person's need.
OWN_FACTS = [
    (kind.value, kind.label)
    for kind in (
        FactKind.SERIOUS_ILLNESS, FactKind.NEEDS_LONG_CARE, FactKind.SPECIAL_DIFFICULTY, FactKind.CHILD_WITH_HIV, FactKind.WORK_INJURY_NURSING,
    )
]  # fmt: skip


class GroupDefinition(AreaModel):
    """A group that an area adds (自定关爱对象): everybody of the place who meets all its conditions; without conditions, only who is added by hand.

    Dated: it holds from `starts` until the day before `ends`. Places below read it.
    """

    name = models.CharField(max_length=40)
    fact = CodeField(max_length=40, choices=OWN_FACTS, blank=True)
    programme = CodeField(max_length=20, choices=Programme.choices, blank=True)
    age_from = models.SmallIntegerField(null=True)
    age_to = models.SmallIntegerField(null=True, help_text="inclusive, completed years")
    starts = models.DateField()
    ends = models.DateField(null=True)
    document = models.CharField(max_length=200, blank=True)
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["area", "starts"])]
        constraints = [
            models.UniqueConstraint(fields=["area", "name"], condition=Q(ends__isnull=True), name="care_group_name_once"),
            models.CheckConstraint(condition=Q(ends__isnull=True) | Q(ends__gte=F("starts")), name="care_group_dates"),
            models.CheckConstraint(condition=Q(age_from__isnull=True) | Q(age_from__range=(0, 120)), name="care_group_age_from"),
            models.CheckConstraint(condition=Q(age_to__isnull=True) | Q(age_to__range=(0, 120)), name="care_group_age_to"),
            models.CheckConstraint(
                condition=Q(age_from__isnull=True) | Q(age_to__isnull=True) | Q(age_to__gte=F("age_from")), name="care_group_ages"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def code(self) -> str:
        return f"own{self.pk}"


class CarePerson(AreaModel):
    """One person whom the community looks after, for as long as any group holds them. What is over keeps the area that looked after them.

    `groups` is written by `services.deriving` alone: what the registry says, with additions, without what was taken out by hand.
    """

    class End(models.TextChoices):
        LEFT = "left", _("不再属于任何一类")
        DIED = "died", _("已去世")
        MOVED = "moved", _("已迁出")

    person = models.ForeignKey(Person, models.PROTECT, related_name="care", db_constraint=False)
    household_id = models.BigIntegerField()
    groups = ArrayField(CodeField(max_length=24))
    starts = models.DateField()
    ends = models.DateField(null=True)
    end_reason = CodeField(max_length=6, choices=End.choices, blank=True)
    contact = models.ForeignKey(CareContact, models.PROTECT, null=True, related_name="people", db_constraint=False)
    contact_since = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["area", "id"], condition=Q(ends__isnull=True), name="care_of_area"),
            models.Index(fields=["area"], condition=Q(ends__isnull=True, contact__isnull=True), name="care_without_contact"),
            models.Index(fields=["contact"], condition=Q(ends__isnull=True), name="care_of_contact"),
            models.Index(fields=["household_id"], condition=Q(ends__isnull=True), name="care_of_household"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["person"], condition=Q(ends__isnull=True), name="care_person_once"),
            models.CheckConstraint(condition=Q(ends__isnull=True, end_reason="") | Q(ends__isnull=False) & ~Q(end_reason=""), name="care_ended_why"),
            models.CheckConstraint(condition=Q(contact__isnull=True) ^ Q(contact_since__isnull=False), name="care_contact_since"),
        ]


class GroupByHand(AreaModel):
    """What somebody decided against or beside the registry: a person added to a group, or taken out of one, with the reason. It stands until it is lifted."""

    class Kind(models.TextChoices):
        ADDED = "added", _("手工列入")
        OUT = "out", _("手工移出")

    person = models.ForeignKey(Person, models.PROTECT, related_name="+", db_constraint=False)
    group = CodeField(max_length=24)
    kind = CodeField(max_length=6, choices=Kind.choices)
    reason = SealedTextField()
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    ended_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["area"], condition=Q(ended_at__isnull=True), name="care_by_hand")]
        constraints = [models.UniqueConstraint(fields=["person", "group"], condition=Q(ended_at__isnull=True), name="care_by_hand_once")]


class CareEvent(AreaModel):
    """What happened to a person whom the community looks after: who, when, why."""

    class What(models.TextChoices):
        JOINED = "joined", _("列入关爱对象")
        GROUPS = "groups", _("类别变化")
        LEFT = "left", _("退出")
        ADDED = "added", _("手工列入")
        OUT = "out", _("手工移出")
        LIFTED = "lifted", _("撤销手工处理")
        CONTACT = "contact", _("落实帮扶责任人")
        NO_CONTACT = "no_contact", _("帮扶责任人空缺")
        CARD = "card", _("制发明白卡")
        PRINTED = "printed", _("打印明白卡")
        VOID = "void", _("明白卡作废")
        ASKED = "asked", _("扫码求助")

    care = models.ForeignKey(CarePerson, models.PROTECT, related_name="events", db_constraint=False, db_index=False)
    at = models.DateTimeField()
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    what = CodeField(max_length=10, choices=What.choices)
    groups = ArrayField(CodeField(max_length=24), default=list)
    contact = models.ForeignKey(CareContact, models.PROTECT, null=True, related_name="+", db_constraint=False)
    note = SealedTextField(null=True)

    class Meta:
        indexes = [models.Index(fields=["care", "id"])]


class Recheck(AreaModel):
    """A household whose facts changed (a county, where many did at once): written by triggers on the registry, taken up by the worker's next round."""

    household_id = models.BigIntegerField(null=True)
    made_at = models.DateTimeField()
