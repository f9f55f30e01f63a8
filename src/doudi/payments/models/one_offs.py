"""One-off payments (一次性补助) to groups: who decides how much for whom, the list of each county, and one claim for each person or household."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, MoneyField
from doudi.core.models import Account
from doudi.enrolment.models import Entitlement
from doudi.payments.models.money import paid_choices


class OneOffDecision(AreaModel):
    """A decision such as "210 yuan for each person on dibao and tekun in July 2022" (一次性补助决定), of the province, a city or a county.

    Everybody who held an award of `programmes` in `month`; the first programme in the list counts. What was confirmed never changes.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", _("待确认")
        CONFIRMED = "confirmed", _("已确认")
        SENT_BACK = "sent_back", _("已退回")
        WITHDRAWN = "withdrawn", _("已撤回")

    class Per(models.TextChoices):
        PERSON = "person", _("每人")
        HOUSEHOLD = "household", _("每户")

    title = models.CharField(max_length=80)
    document = models.CharField(max_length=120)
    programmes = models.JSONField()
    month = models.DateField(help_text="who held an award in this month, its first day")
    amount = MoneyField()
    per = CodeField(max_length=9, choices=Per.choices, default=Per.PERSON)
    shares = models.JSONField(help_text="per cent by level: central, province, city, county; 100 in all")
    state = CodeField(max_length=10, choices=State.choices, default=State.PROPOSED)
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=200, blank=True)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["area", "state"])]
        constraints = [
            models.UniqueConstraint(fields=["area", "document", "title"], condition=Q(state__in=["proposed", "confirmed"]), name="one_off_decision_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="one_off_amount_positive"),
            models.CheckConstraint(condition=Q(month__day=1), name="one_off_whole_month"),
            models.CheckConstraint(condition=Q(decided_by__isnull=True) | Q(state="withdrawn") | ~Q(decided_by=F("made_by")), name="one_off_two_officers"),
        ]

    def __str__(self) -> str:
        return self.title


class OneOffList(AreaModel):
    """The list of a county for one decision (发放名单); `serial` above 1 adds only who was missing."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("待审批")
        APPROVED = "approved", _("已审批")
        SENT_BACK = "sent_back", _("已退回")
        WITHDRAWN = "withdrawn", _("已撤回")

    decision = models.ForeignKey(OneOffDecision, models.PROTECT, related_name="lists", db_constraint=False)
    serial = models.SmallIntegerField()
    summary = models.JSONField(default=dict)
    people = models.IntegerField(default=0)
    amount = MoneyField(default=0)
    state = CodeField(max_length=10, choices=State.choices, default=State.PROPOSED)
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=200, blank=True)
    version = models.IntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["area", "decision", "serial"], name="one_off_list_serial"),
            models.UniqueConstraint(fields=["area", "decision"], condition=Q(state="proposed"), name="one_off_list_one_open"),
            models.CheckConstraint(condition=Q(decided_by__isnull=True) | Q(state="withdrawn") | ~Q(decided_by=F("made_by")), name="one_off_list_two_officers"),
        ]


class OneOffClaim(AreaModel):
    """One person (or household) of a list. A decision pays a person once in the whole province, and a household once where it pays households."""

    one_off_list = models.ForeignKey(OneOffList, models.PROTECT, db_index=False, related_name="claims", db_constraint=False)
    decision_id = models.BigIntegerField()
    person_id = models.BigIntegerField()
    household_id = models.BigIntegerField()
    whole = models.BooleanField(help_text="for the household, not the person")
    award_id = models.BigIntegerField(help_text="award through which it is paid: its payee receives the money")
    programme = CodeField(max_length=20, choices=paid_choices())
    amount = MoneyField()
    entitlement = models.OneToOneField(Entitlement, models.PROTECT, null=True, related_name="one_off_claim", db_constraint=False)

    class Meta:
        indexes = [models.Index(fields=["one_off_list", "area"])]
        constraints = [
            models.UniqueConstraint(fields=["decision_id", "person_id"], name="one_off_person_once"),
            models.UniqueConstraint(fields=["decision_id", "household_id"], condition=Q(whole=True), name="one_off_household_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="one_off_claim_amount"),
        ]


class OneOffLeftOut(AreaModel):
    """Who is left out of a list, and why."""

    class Reason(models.TextChoices):
        ELSEWHERE = "elsewhere", _("已在其他县列入")
        SUSPENDED = "suspended", _("待遇暂停发放")

    one_off_list = models.ForeignKey(OneOffList, models.CASCADE, db_index=False, related_name="left_out", db_constraint=False)
    person_id = models.BigIntegerField()
    household_id = models.BigIntegerField()
    reason = CodeField(max_length=10, choices=Reason.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["one_off_list", "person_id"], name="one_off_left_out_once")]
