"""Purchased services (政府购买服务; 8.2): contracts with their prices and quantities, and every service that was given."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.community.models import CounsellingSession
from doudi.core.fields import AreaModel, CodeField, MoneyField, SealedTextField, TokenField
from doudi.core.models import Account
from doudi.payments.models import Fund
from doudi.registry.models import Person
from doudi.resources.models.settling import Acceptance
from doudi.volunteering.models import Organisation


class ServiceContract(AreaModel):
    """Contract (政府购买服务合同) of a county with one provider, paid by a fund of its own. In force when another officer has approved it.

    `amount` (yuan) is the sum of its lines; `until` is its last day. The database holds sum, fund (`doudi.fund_allows`) and steps.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", _("待审批")
        ACTIVE = "active", _("执行中")
        ENDED = "ended", _("已终止")
        REFUSED = "refused", _("已退回")

    key = models.UUIDField(unique=True, help_text="of the form")
    number = CodeField(max_length=30)
    title = models.CharField(max_length=80)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="contracts", db_constraint=False)
    provider = CodeField(max_length=100, help_text="its name when the contract was made")
    fund = models.ForeignKey(Fund, models.PROTECT, related_name="+")
    starts = models.DateField()
    until = models.DateField()
    amount = MoneyField()
    document = models.CharField(max_length=120, help_text="procurement document or decision")
    state = CodeField(max_length=10, choices=State.choices, default=State.PROPOSED)
    proposed_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=200, blank=True, help_text="why it was sent back or ended")
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["area", "state", "-id"], name="contract_area"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["area", "number"], condition=~Q(state="refused"), name="contract_number_once"),
            models.CheckConstraint(condition=Q(until__gte=F("starts")), name="contract_dates"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="contract_amount"),
            models.CheckConstraint(condition=~Q(document="") & ~Q(number=""), name="contract_document"),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")) | Q(state="ended"), name="contract_two_officers"
            ),
            models.CheckConstraint(condition=Q(state="proposed") ^ Q(decided_by__isnull=False), name="contract_decided"),
            models.CheckConstraint(condition=~Q(state__in=["refused", "ended"]) | ~Q(note=""), name="contract_ended_why"),
        ]

    def __str__(self) -> str:
        return self.title


class ContractLine(AreaModel):
    """One service of a contract: price (yuan) per unit, and how many units at most."""

    class Kind(models.TextChoices):
        COUNSELLING = "counselling", _("心理疏导")
        COMFORT = "comfort", _("慰问陪伴")
        ASSESSMENT = "assessment", _("评估走访")
        CASEWORK = "casework", _("个案服务")
        CARE = "care", _("生活照料")
        MEALS = "meals", _("助餐")
        REHABILITATION = "rehabilitation", _("康复指导")
        CHILDREN = "children", _("儿童关爱")
        OTHER = "other", _("其他服务")

    contract = models.ForeignKey(ServiceContract, models.PROTECT, db_index=False, related_name="lines")
    position = models.SmallIntegerField()
    kind = CodeField(max_length=16, choices=Kind.choices)
    name = CodeField(max_length=60)
    unit = CodeField(max_length=10)
    unit_price = models.DecimalField(max_digits=10, decimal_places=2)
    quantity = models.DecimalField(max_digits=10, decimal_places=2)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contract", "name"], name="contract_line_name"),
            models.UniqueConstraint(fields=["contract", "position"], name="contract_line_position"),
            models.CheckConstraint(condition=Q(unit_price__gt=0, quantity__gt=0), name="contract_line_positive"),
            models.CheckConstraint(condition=~Q(name="") & ~Q(unit=""), name="contract_line_named"),
        ]

    def __str__(self) -> str:
        return self.name


class PurchasedService(AreaModel):
    """One service given under a contract (服务记录). `area`: where the recipient lives; a service to a group names the group and has no person.

    It counts when the recipient (by the code on their phone, or a signature) or a care contact has confirmed it. `acceptance` is set once, by the
    acceptance that takes it in; `settled` is final. `amount` = quantity x unit price, rounded to the fen.
    """

    class State(models.TextChoices):
        RECORDED = "recorded", _("待确认")
        CONFIRMED = "confirmed", _("已确认")
        DISPUTED = "disputed", _("有异议")
        SETTLED = "settled", _("已结算")
        REFUSED = "refused", _("不予认可")
        VOID = "void", _("已作废")

    class Confirmed(models.TextChoices):
        CODE = "code", _("本人手机确认")
        SIGNATURE = "signature", _("本人签字")
        CONTACT = "contact", _("帮扶责任人确认")

    LIVE = (State.RECORDED, State.CONFIRMED, State.DISPUTED, State.SETTLED)

    uuid = models.UUIDField(unique=True, help_text="of the form, or of the row of a sheet")
    contract = models.ForeignKey(ServiceContract, models.PROTECT, db_index=False, related_name="services", db_constraint=False)
    line = models.ForeignKey(ContractLine, models.PROTECT, db_index=False, related_name="services", db_constraint=False)
    day = models.DateField()
    quantity = models.DecimalField(max_digits=10, decimal_places=2)
    unit_price = models.DecimalField(max_digits=10, decimal_places=2)
    amount = MoneyField()
    worker = CodeField(max_length=60, help_text="who gave it")
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="purchased_services", db_constraint=False)
    session = models.ForeignKey(CounsellingSession, models.PROTECT, null=True, related_name="purchased", db_constraint=False)
    recipient = CodeField(max_length=60)
    people = models.SmallIntegerField(default=1)
    phone = TokenField(null=True)
    note = SealedTextField(null=True, help_text="what was done")
    code = CodeField(max_length=12, unique=True, help_text="what the recipient confirms with")
    asked_at = models.DateTimeField(null=True, help_text="when the code was sent")
    state = CodeField(max_length=10, choices=State.choices, default=State.RECORDED)
    confirmed = CodeField(max_length=10, choices=Confirmed.choices, blank=True)
    confirmed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", help_text="null: the recipient's own phone")
    confirmed_at = models.DateTimeField(null=True)
    satisfaction = models.SmallIntegerField(null=True, help_text="1 to 5")
    objection = SealedTextField(null=True, help_text="what the recipient said against it")
    reason = models.CharField(max_length=200, blank=True, help_text="why refused or void")
    acceptance = models.ForeignKey(Acceptance, models.PROTECT, null=True, related_name="services", db_constraint=False)
    entered_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["contract", "state", "day"], name="purchased_contract"),
            models.Index(fields=["line", "state"], name="purchased_line"),
            models.Index(fields=["area", "state", "-id"], name="purchased_area"),
            models.Index(fields=["id"], condition=Q(asked_at__isnull=True, phone__isnull=False, state="recorded"), name="purchased_to_ask"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["line", "person", "day"], condition=Q(person__isnull=False) & ~Q(state__in=["refused", "void"]), name="purchased_once_a_day"
            ),
            models.UniqueConstraint(fields=["session"], condition=Q(session__isnull=False) & ~Q(state__in=["refused", "void"]), name="purchased_session_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0, unit_price__gt=0, amount__gt=0), name="purchased_positive"),
            models.CheckConstraint(condition=Q(people__gte=1, people__lte=500), name="purchased_people"),
            models.CheckConstraint(condition=Q(satisfaction__isnull=True) | Q(satisfaction__range=(1, 5)), name="purchased_satisfaction"),
            models.CheckConstraint(condition=~Q(state__in=["confirmed", "settled"]) | ~Q(confirmed="") & Q(confirmed_at__isnull=False), name="purchased_confirmed_how"),
            models.CheckConstraint(
                condition=Q(confirmed="") | Q(confirmed="code", confirmed_by__isnull=True) | Q(confirmed__in=["signature", "contact"], confirmed_by__isnull=False),
                name="purchased_confirmed_by",
            ),
            models.CheckConstraint(condition=Q(confirmed_by__isnull=True) | ~Q(confirmed_by=F("entered_by")), name="purchased_two_people"),
            models.CheckConstraint(condition=~Q(state__in=["refused", "void"]) | ~Q(reason=""), name="purchased_ended_why"),
            models.CheckConstraint(condition=~Q(state="settled") | Q(acceptance__isnull=False), name="purchased_settled_in"),
        ]  # fmt: skip
