"""What an institution lacks (协调事项): asked for, given to a department of the task group, fulfilled in parts, on a clock (6.3)."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaField, AreaModel, CodeField, SealedTextField
from doudi.core.models import Account
from doudi.institutions.models.group import Department, GroupMember, TaskGroup
from doudi.institutions.models.places import Institution
from doudi.institutions.models.stock import StockMovement, SupplyItem


def shown(quantity: Decimal) -> str:
    """20.00 as 20, 1.50 as 1.5."""
    return f"{quantity.normalize():f}"


class Request(AreaModel):
    """One need of one institution. `area` is the institution's; `held_by` the place whose group answers for it now (county, city, province).

    `version` counts changes: of two officers who act on the same state the second is told.
    """

    class Kind(models.TextChoices):
        SUPPLIES = "supplies", _("防疫和生活物资")
        TESTING = "testing", _("核酸检测")
        ISOLATION = "isolation", _("集中隔离场所")
        TRANSFER = "transfer", _("应急转移安置")
        MEDICAL = "medical", _("医疗照护")

    class Urgency(models.TextChoices):
        RED = "red", _("紧急")
        ORANGE = "orange", _("较急")
        YELLOW = "yellow", _("一般")

    class Source(models.TextChoices):
        CLERK = "clerk", _("机构提出")
        OFFICER = "officer", _("工作人员代为提出")
        REPORT = "report", _("每日报告物资不足")

    class State(models.TextChoices):
        RAISED = "raised", _("待交办")
        ASSIGNED = "assigned", _("待签收")
        WORKING = "working", _("办理中")
        DONE = "done", _("已办结")
        DECLINED = "declined", _("不予办理")
        WITHDRAWN = "withdrawn", _("已撤回")

    OPEN = (State.RAISED, State.ASSIGNED, State.WORKING)

    number = CodeField(max_length=24, unique=True)
    key = models.UUIDField(unique=True, help_text="of the form: sent twice it is one request")
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="requests", db_index=False)
    kind = CodeField(max_length=10, choices=Kind.choices)
    item = models.ForeignKey(SupplyItem, models.PROTECT, null=True, related_name="+", db_index=False)
    what = models.CharField(max_length=200, help_text="the need in words, without names of people")
    quantity = models.DecimalField(max_digits=12, decimal_places=2)
    unit = models.CharField(max_length=10)
    urgency = CodeField(max_length=6, choices=Urgency.choices)
    wanted_by = models.DateTimeField(null=True, help_text="when the institution needs it")
    source = CodeField(max_length=8, choices=Source.choices)
    source_id = models.BigIntegerField(null=True, help_text="the daily report that it came from")
    state = CodeField(max_length=10, choices=State.choices, default=State.RAISED)
    held_by = AreaField(help_text="county, city or province whose group answers for it")
    escalated_at = models.DateTimeField(null=True)
    accept_due = models.DateTimeField(help_text="by when a department has taken it")
    due = models.DateTimeField(help_text="by when it is fulfilled: the clock of its urgency, or what the institution needs if that is earlier")
    raised_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    raised_at = models.DateTimeField()
    department = CodeField(max_length=16, choices=Department.choices, blank=True, help_text="which took it")
    unit_name = models.CharField(max_length=60, blank=True, help_text="the office in its own words; readable where the group is not")
    accepted_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    accepted_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True)
    close_reason = models.CharField(max_length=200, blank=True)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["area", "due"], condition=Q(state__in=["raised", "assigned", "working"]), name="request_open_by_clock"),
            models.Index(fields=["area", "-raised_at"], name="request_newest"),
            models.Index(fields=["institution", "-raised_at"], name="request_of_house"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="request_id_area"),
            models.UniqueConstraint(
                fields=["institution", "item"], condition=Q(item__isnull=False, state__in=["raised", "assigned", "working"]), name="request_one_open_item"
            ),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="request_quantity"),
            models.CheckConstraint(condition=Q(kind="supplies", item__isnull=False) | (~Q(kind="supplies") & Q(item__isnull=True)), name="request_item_of_supplies"),
            models.CheckConstraint(condition=~Q(state="working") | (~Q(department="") & Q(accepted_at__isnull=False)), name="request_somebody_works"),
            models.CheckConstraint(
                condition=Q(state__in=["raised", "assigned", "working"], closed_at__isnull=True)
                | (~Q(state__in=["raised", "assigned", "working"]) & Q(closed_at__isnull=False) & ~Q(close_reason="")),
                name="request_closed_why",
            ),
            models.CheckConstraint(condition=Q(due__gt=F("raised_at"), accept_due__gt=F("raised_at")), name="request_clock_runs_forward"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def amount(self) -> str:
        """20 瓶, 1.5 升."""
        return f"{shown(self.quantity)} {self.unit}"


class RequestOffer(AreaModel):
    """A request given to one department of a group (交办). Several may be asked at once; one takes it, the other offers lapse."""

    class State(models.TextChoices):
        OFFERED = "offered", _("待签收")
        ACCEPTED = "accepted", _("已签收")
        DECLINED = "declined", _("已退回")
        LAPSED = "lapsed", _("已由其他单位签收或改派")

    request = models.ForeignKey(Request, models.PROTECT, related_name="offers", db_index=False)
    group = models.ForeignKey(TaskGroup, models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    member = models.ForeignKey(GroupMember, models.PROTECT, related_name="offers", db_constraint=False)
    department = CodeField(max_length=16, choices=Department.choices)
    unit = models.CharField(max_length=60)
    contact = CodeField(max_length=60)
    state = CodeField(max_length=8, choices=State.choices, default=State.OFFERED)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    answered_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["request", "-id"], name="request_offers_newest")]
        constraints = [
            models.UniqueConstraint(fields=["request"], condition=Q(state="accepted"), name="request_one_department"),
            models.UniqueConstraint(fields=["request", "member"], condition=Q(state="offered"), name="request_offered_once"),
            models.CheckConstraint(condition=~Q(state="declined") | ~Q(reason=""), name="request_offer_declined_why"),
        ]


class RequestDelivery(AreaModel):
    """One part of what was asked for: sent by a department, confirmed by the institution with what really came (到货签收).

    Sent and received quantities of a request never exceed what it wants, unless `note` says why (guard `request_over_wanted`). A delivery of
    supplies that came is one movement of the institution's stock.
    """

    class State(models.TextChoices):
        SENT = "sent", _("已发出")
        RECEIVED = "received", _("已收到")
        CANCELLED = "cancelled", _("未送达")

    request = models.ForeignKey(Request, models.PROTECT, related_name="deliveries", db_index=False)
    key = models.UUIDField(unique=True)
    quantity = models.DecimalField(max_digits=12, decimal_places=2)
    carrier = models.CharField(max_length=120, blank=True, help_text="vehicle, driver, or who comes")
    note = models.CharField(max_length=200, blank=True)
    state = CodeField(max_length=10, choices=State.choices, default=State.SENT)
    sent_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    sent_at = models.DateTimeField()
    received = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    received_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    received_at = models.DateTimeField(null=True)
    received_note = models.CharField(max_length=200, blank=True)
    movement = models.OneToOneField(StockMovement, models.PROTECT, null=True, related_name="+", help_text="of supplies: what was booked into stock")

    class Meta:
        indexes = [models.Index(fields=["request", "id"], name="request_deliveries")]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="request_delivery_quantity"),
            models.CheckConstraint(
                condition=Q(state="received", received__gte=0, received_at__isnull=False) | (~Q(state="received") & Q(received__isnull=True, movement__isnull=True)),
                name="request_delivery_received",
            ),
            models.CheckConstraint(condition=Q(received_by__isnull=True) | ~Q(received_by=F("sent_by")), name="request_delivery_two_ends"),
            models.CheckConstraint(condition=~Q(state="cancelled") | ~Q(received_note=""), name="request_delivery_cancelled_why"),
        ]


class RequestEvent(AreaModel):
    """What happened to a request: every change of state, with who and why."""

    request = models.ForeignKey(Request, models.PROTECT, related_name="events", db_index=False)
    at = models.DateTimeField()
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    what = CodeField(max_length=20)
    note = SealedTextField(null=True)

    class Meta:
        indexes = [models.Index(fields=["request", "id"], name="request_events")]
