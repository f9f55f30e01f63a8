"""Price linkage (物价联动机制): indices as they are entered, starts and stops, proposals of the price subsidy and its claims."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, MoneyField
from doudi.core.models import Account
from doudi.enrolment.models import Entitlement


class PriceEntry(AreaModel):
    """The indices of a month (居民消费价格指数, its food part, 低收入居民基本生活费用价格指数) of one city or of the province.

    Per cent year on year. Entered by one officer and confirmed by another; then they are settings that lie over the law's
    parameters `prices.*`. A correction is a row of its own that names what it corrects.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", _("待确认")
        CONFIRMED = "confirmed", _("已确认")
        SUPERSEDED = "superseded", _("已更正")
        REFUSED = "refused", _("已退回")
        WITHDRAWN = "withdrawn", _("已撤回")

    month = models.DateField(help_text="index month, its first day")
    cpi = models.DecimalField(max_digits=6, decimal_places=2, null=True)
    food = models.DecimalField(max_digits=6, decimal_places=2, null=True)
    scpi = models.DecimalField(max_digits=6, decimal_places=2, null=True)
    source = models.CharField(max_length=120, help_text="who published them")
    document = models.CharField(max_length=120)
    corrects = models.ForeignKey("self", models.PROTECT, null=True, related_name="+", db_constraint=False)
    reason = models.CharField(max_length=200, blank=True, help_text="of a correction, or of an entry that comes late")
    state = CodeField(max_length=10, choices=State.choices, default=State.PROPOSED)
    entered_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["area", "month"])]
        constraints = [
            models.UniqueConstraint(fields=["area", "month"], condition=Q(state="proposed"), name="price_entry_one_open"),
            models.UniqueConstraint(fields=["area", "month"], condition=Q(state="confirmed"), name="price_entry_one_holds"),
            models.CheckConstraint(condition=Q(cpi__isnull=False) | Q(food__isnull=False) | Q(scpi__isnull=False), name="price_entry_says_something"),
            models.CheckConstraint(condition=Q(month__day=1), name="price_entry_whole_month"),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | Q(state="withdrawn") | ~Q(decided_by=F("entered_by")), name="price_entry_two_officers"
            ),
        ]


class PriceNotice(AreaModel):
    """Start or stop (启动、终止) of price linkage in a city from a month of payment on, as published to the offices."""

    month = models.DateField(help_text="month of payment, its first day")
    started = models.BooleanField()
    why = models.CharField(max_length=400)
    published_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["area", "month"])]
        constraints = [models.CheckConstraint(condition=Q(month__day=1), name="price_notice_whole_month")]


class PriceProposal(AreaModel):
    """What a county pays as price subsidies in a month: one run of the law, approved by another officer, then one-off entitlements.

    `serial` 1 is the first of the month; what follows are corrections and pays differences only.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", _("待审批")
        APPROVED = "approved", _("已审批")
        SENT_BACK = "sent_back", _("已退回")
        WITHDRAWN = "withdrawn", _("已撤回")

    month = models.DateField(help_text="month of payment, its first day")
    serial = models.SmallIntegerField()
    law_version = CodeField(max_length=40)
    settings = CodeField(max_length=64, help_text="hash of the settings used; the rows are kept by assessment")
    basis = models.JSONField(help_text="indices, conditions and rise that the law used; amounts by group and residence")
    summary = models.JSONField(default=dict, help_text="people and amounts by group and by township; left out by reason")
    people = models.IntegerField(default=0)
    amount = MoneyField(default=0)
    deadline = models.DateField()
    reason = models.CharField(max_length=400, blank=True)
    state = CodeField(max_length=10, choices=State.choices, default=State.PROPOSED)
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=200, blank=True)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["area", "month"])]
        constraints = [
            models.UniqueConstraint(fields=["area", "month", "serial"], condition=Q(state__in=["proposed", "approved"]), name="price_proposal_once"),
            models.UniqueConstraint(fields=["area", "month"], condition=Q(state="proposed"), name="price_proposal_one_open"),
            models.CheckConstraint(condition=Q(month__day=1), name="price_proposal_whole_month"),
            models.CheckConstraint(condition=Q(decided_by__isnull=True) | Q(state="withdrawn") | ~Q(decided_by=F("made_by")), name="price_proposal_two_officers"),
        ]

    @property
    def number(self) -> str:
        return f"WJ{self.area}-{self.month:%Y%m}-{self.serial}"


class PriceGroupName(models.TextChoices):
    """Covered groups, by the law's names."""

    TEKUN = "tekun", _("特困人员")
    CHILDREN = "children", _("孤儿和事实无人抚养儿童")
    DIBAO = "dibao", _("低保对象")
    MARGINAL = "marginal", _("低保边缘家庭成员")


class PriceClaim(AreaModel):
    """The price subsidy (价格临时补贴) of one person and month. Step 1 exists once in the whole province, so nobody is paid in two
    counties; a later step is the difference after a correction and leans on the step before in the same county.
    """

    proposal = models.ForeignKey(PriceProposal, models.PROTECT, related_name="claims", db_constraint=False, db_index=False)
    county = CodeField(max_length=6)
    person_id = models.BigIntegerField()
    household_id = models.BigIntegerField()
    award_id = models.BigIntegerField(help_text="award through which the person is covered: its payee receives the money")
    month = models.DateField()
    step = models.SmallIntegerField()
    previous = models.SmallIntegerField(null=True)
    group = CodeField(max_length=10, choices=PriceGroupName.choices)
    residence = CodeField(max_length=5)
    base = MoneyField()
    total = MoneyField(help_text="the month's whole subsidy")
    amount = MoneyField(help_text="what this claim pays")
    entitlement = models.OneToOneField(Entitlement, models.PROTECT, null=True, related_name="price_claim", db_constraint=False)

    class Meta:
        indexes = [models.Index(fields=["proposal", "area"]), models.Index(fields=["household_id"])]
        constraints = [
            models.UniqueConstraint(fields=["person_id", "month", "step"], name="price_claim_once"),
            models.UniqueConstraint(fields=["person_id", "month", "step", "county"], name="price_claim_key"),
            models.CheckConstraint(
                condition=Q(step=1, previous__isnull=True) | Q(step__gt=1, previous=F("step") - 1), name="price_claim_steps"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0) & Q(total__gte=F("amount")), name="price_claim_amount"),
        ]


class PriceLeftOut(AreaModel):
    """Who is not paid by a proposal, and why; `amount` is what stands open or was paid too much."""

    class Reason(models.TextChoices):
        ELSEWHERE = "elsewhere", _("本月已在其他县领取")
        SUSPENDED = "suspended", _("待遇暂停发放")
        OVERPAID = "overpaid", _("此前多发，不再补发")

    proposal = models.ForeignKey(PriceProposal, models.CASCADE, related_name="left_out", db_constraint=False, db_index=False)
    person_id = models.BigIntegerField()
    household_id = models.BigIntegerField()
    reason = CodeField(max_length=10, choices=Reason.choices)
    amount = MoneyField()

    class Meta:
        indexes = [models.Index(fields=["proposal", "reason"])]
        constraints = [models.UniqueConstraint(fields=["proposal", "person_id"], name="price_left_out_once")]
