"""Donations (捐赠) in kind and in money, for a purpose: received, allocated, delivered. Money stands in a fund of its own (4.1)."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, MoneyField, TokenField
from doudi.core.models import Account
from doudi.institutions.models import Institution
from doudi.needs.models import Need
from doudi.payments.models import Fund, FundMovement
from doudi.volunteering.models import Organisation


class Donation(AreaModel):
    """One donation to the county in `area`, with its receipt. `quantity` is yuan for money, else of `unit`.

    `allocated` and `delivered` are counted by the database from the allocations; never more than was received. Money is booked by its receipt
    (`movement`). The public page names a donor only where `named`; an anonymous one has no name here either.
    """

    class Kind(models.TextChoices):
        MONEY = "money", _("捐款")
        GOODS = "goods", _("捐物")

    class Purpose(models.TextChoices):
        LIVING = "living", _("困难群众生活")
        MEDICAL = "medical", _("医疗救助")
        CHILDREN = "children", _("困境儿童")
        ELDERLY = "elderly", _("养老服务")
        DISABILITY = "disability", _("扶残助残")
        DISASTER = "disaster", _("救灾应急")
        WINTER = "winter", _("取暖过冬")
        OTHER = "other", _("其他用途")

    class State(models.TextChoices):
        RECEIVED = "received", _("已接收")
        VOID = "void", _("已作废")

    key = models.UUIDField(unique=True, help_text="of the form")
    number = CodeField(max_length=30, help_text="of the receipt")
    kind = CodeField(max_length=6, choices=Kind.choices)
    donor = CodeField(max_length=100, blank=True)
    anonymous = models.BooleanField(default=False)
    named = models.BooleanField(default=False, help_text="the donor agreed to be named in public")
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="donations", db_constraint=False)
    phone = TokenField(null=True)
    purpose = CodeField(max_length=12, choices=Purpose.choices)
    words = models.CharField(max_length=120, blank=True, help_text="the purpose in the donor's words")
    item = CodeField(max_length=60, blank=True)
    unit = CodeField(max_length=10)
    quantity = models.DecimalField(max_digits=14, decimal_places=2)
    value = MoneyField(null=True, help_text="of goods, as estimated, yuan")
    use_by = models.DateField(null=True)
    received_on = models.DateField()
    fund = models.ForeignKey(Fund, models.PROTECT, null=True, related_name="+")
    movement = models.OneToOneField(FundMovement, models.PROTECT, null=True, related_name="donation")
    allocated = models.DecimalField(max_digits=14, decimal_places=2, default=Decimal(0))
    delivered = models.DecimalField(max_digits=14, decimal_places=2, default=Decimal(0))
    state = CodeField(max_length=10, choices=State.choices, default=State.RECEIVED)
    reason = models.CharField(max_length=200, blank=True, help_text="why void")
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["area", "state", "-id"], name="donation_area"),
            models.Index(fields=["received_on"], name="donation_received"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["area", "number"], name="donation_number_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0, allocated__gte=0, delivered__gte=0), name="donation_quantity"),
            models.CheckConstraint(condition=Q(allocated__lte=F("quantity")), name="donation_not_over_allocated"),
            models.CheckConstraint(condition=Q(delivered__lte=F("allocated")), name="donation_not_over_delivered"),
            models.CheckConstraint(condition=~Q(state="void") | Q(allocated=0) & ~Q(reason=""), name="donation_void_why"),
            models.CheckConstraint(
                condition=Q(anonymous=True, named=False, donor="", phone__isnull=True, organisation__isnull=True) | Q(anonymous=False) & ~Q(donor=""),
                name="donation_donor",
            ),
            models.CheckConstraint(
                condition=Q(kind="money", item="", movement__isnull=False, fund__isnull=False)
                | Q(kind="goods", movement__isnull=True, fund__isnull=True) & ~Q(item=""),
                name="donation_money_or_goods",
            ),
        ]

    @property
    def left(self) -> Decimal:
        return self.quantity - self.allocated

    @property
    def named_item(self) -> str:
        return self.item or str(_("捐款"))


class DonationAllocation(AreaModel):
    """What of a donation goes to a community, an institution or a need (分配). `area`: where it goes; it keeps what it is in words of its own,
    since that place does not see the donor. Confirmed on arrival by another officer than the one who allocated it."""

    class Target(models.TextChoices):
        COMMUNITY = "community", _("村（社区）、乡镇")
        INSTITUTION = "institution", _("民政服务机构")
        NEED = "need", _("一项需求")

    class State(models.TextChoices):
        ALLOCATED = "allocated", _("已分配")
        SENT = "sent", _("已发出")
        DELIVERED = "delivered", _("已送达")
        WITHDRAWN = "withdrawn", _("已撤回")

    class Proof(models.TextChoices):
        SIGNATURE = "signature", _("签收")
        PHOTO = "photo", _("照片")
        WITNESS = "witness", _("见证人")

    key = models.UUIDField(unique=True, help_text="of the form")
    donation = models.ForeignKey(Donation, models.PROTECT, db_index=False, related_name="allocations", db_constraint=False)
    target = CodeField(max_length=12, choices=Target.choices)
    institution = models.ForeignKey(Institution, models.PROTECT, null=True, related_name="donations", db_constraint=False)
    need = models.ForeignKey(Need, models.PROTECT, null=True, related_name="donations", db_constraint=False)
    kind = CodeField(max_length=6, choices=Donation.Kind.choices)
    item = CodeField(max_length=60)
    unit = CodeField(max_length=10)
    quantity = models.DecimalField(max_digits=14, decimal_places=2)
    purpose = models.CharField(max_length=200, help_text="what it is for")
    state = CodeField(max_length=10, choices=State.choices, default=State.ALLOCATED)
    allocated_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    allocated_at = models.DateTimeField()
    sent_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    sent_at = models.DateTimeField(null=True)
    carrier = models.CharField(max_length=60, blank=True, help_text="who brings it, or the voucher of the payment")
    received = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    taker = CodeField(max_length=60, blank=True)
    proof = CodeField(max_length=10, choices=Proof.choices, blank=True)
    confirmed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, blank=True, help_text="why withdrawn, or why less came")
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["donation", "state"], name="allocation_donation"),
            models.Index(fields=["area", "state", "-id"], name="allocation_area"),
            models.Index(fields=["need"], condition=Q(need__isnull=False), name="allocation_need"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="allocation_positive"),
            models.CheckConstraint(
                condition=Q(target="community", institution__isnull=True, need__isnull=True)
                | Q(target="institution", institution__isnull=False, need__isnull=True)
                | Q(target="need", institution__isnull=True, need__isnull=False),
                name="allocation_target",
            ),
            models.CheckConstraint(
                condition=Q(state="delivered", received__isnull=False, confirmed_by__isnull=False) & ~Q(taker="") & ~Q(proof="")
                | ~Q(state="delivered") & Q(received__isnull=True, confirmed_by__isnull=True),
                name="allocation_delivered",
            ),
            models.CheckConstraint(condition=Q(received__isnull=True) | Q(received__gte=0, received__lte=F("quantity")), name="allocation_received"),
            models.CheckConstraint(condition=Q(received__isnull=True) | Q(received=F("quantity")) | ~Q(reason=""), name="allocation_short_why"),
            models.CheckConstraint(condition=Q(confirmed_by__isnull=True) | ~Q(confirmed_by=F("allocated_by")), name="allocation_two_officers"),
            models.CheckConstraint(
                condition=Q(kind="goods") | Q(sent_by__isnull=True) | ~Q(sent_by=F("allocated_by")), name="allocation_paid_by_another"
            ),
            models.CheckConstraint(condition=~Q(state__in=["sent", "delivered"]) | Q(sent_by__isnull=False), name="allocation_sent_by"),
            models.CheckConstraint(condition=~Q(state="withdrawn") | ~Q(reason=""), name="allocation_withdrawn_why"),
        ]
