"""Transfer and resettlement of residents (应急转移安置): who goes where by what, confirmed at both ends person by person (6.3)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaField, AreaModel, CodeField, SealedTextField, TokenField
from doudi.core.models import Account
from doudi.institutions.models.places import Bed, Institution
from doudi.institutions.models.requests import Request


class Transfer(AreaModel):
    """Residents of one institution who go to another, also in another county. `area` is where they leave, `to_area` where they arrive.

    Both sides see it; names of both houses are kept, since each side sees its own house alone.
    """

    class State(models.TextChoices):
        PLANNED = "planned", _("待接收方同意")
        AGREED = "agreed", _("待出发")
        MOVING = "moving", _("转移中")
        DONE = "done", _("已完成")
        CANCELLED = "cancelled", _("已取消")
        REFUSED = "refused", _("接收方不同意")

    OPEN = (State.PLANNED, State.AGREED, State.MOVING)

    number = CodeField(max_length=24, unique=True)
    key = models.UUIDField(unique=True)
    request = models.ForeignKey(Request, models.PROTECT, null=True, related_name="transfers", db_constraint=False)
    from_institution = models.ForeignKey(Institution, models.PROTECT, related_name="+", db_index=False)
    from_name = models.CharField(max_length=60)
    to_institution = models.ForeignKey(Institution, models.PROTECT, related_name="+", db_index=False)
    to_name = models.CharField(max_length=60)
    to_area = AreaField()
    reason = models.CharField(max_length=200)
    leaves_at = models.DateTimeField(help_text="planned departure")
    state = CodeField(max_length=10, choices=State.choices, default=State.PLANNED)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    agreed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    agreed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=200, blank=True)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["area", "-made_at"], name="transfer_out"),
            models.Index(fields=["to_area", "-made_at"], name="transfer_in"),
            models.Index(fields=["to_institution"], condition=Q(state__in=["planned", "agreed", "moving"]), name="transfer_coming"),
            models.Index(fields=["from_institution"], condition=Q(state__in=["planned", "agreed", "moving"]), name="transfer_going"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="transfer_id_area"),
            models.CheckConstraint(condition=~Q(from_institution=models.F("to_institution")), name="transfer_two_houses"),
            models.CheckConstraint(condition=~Q(state__in=["agreed", "moving"]) | Q(agreed_at__isnull=False), name="transfer_agreed"),
            models.CheckConstraint(
                condition=Q(state__in=["planned", "agreed", "moving"], ended_at__isnull=True)
                | (~Q(state__in=["planned", "agreed", "moving"]) & Q(ended_at__isnull=False) & (Q(state="done") | ~Q(end_reason=""))),
                name="transfer_ended_why",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class TransferVehicle(AreaModel):
    """What they travel in (转运车辆): never more people than seats (guard `transfer_seats`)."""

    class Kind(models.TextChoices):
        BUS = "bus", _("客车")
        VAN = "van", _("商务车、小型客车")
        AMBULANCE = "ambulance", _("救护车")
        ACCESSIBLE = "accessible", _("无障碍车辆")

    transfer = models.ForeignKey(Transfer, models.PROTECT, related_name="vehicles", db_index=False)
    kind = CodeField(max_length=10, choices=Kind.choices)
    plate = models.CharField(max_length=12)
    seats = models.PositiveSmallIntegerField(help_text="for residents; driver and carers apart")
    driver = CodeField(max_length=60)
    phone = TokenField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["transfer", "plate"], name="transfer_vehicle_once"),
            models.CheckConstraint(condition=Q(seats__gte=1, seats__lte=80), name="transfer_vehicle_seats"),
        ]

    def __str__(self) -> str:
        return f"{self.plate}（{self.get_kind_display()}）"


class TransferPerson(AreaModel):
    """One resident on the list, with a frozen copy of what the receiving house must know: it does not see the stay at the other end.

    A bed of kind `bed` at the receiving house is kept for them while they are on the list (guard `transfer_bed_free`). Nobody is on two open
    lists. On arrival the stay at the one house ends and that at the other begins, in one step of the database (`doudi.transfer_arrived`).
    """

    class State(models.TextChoices):
        LISTED = "listed", _("待出发")
        DEPARTED = "departed", _("在途")
        MISSING = "missing", _("未到达")
        ARRIVED = "arrived", _("已到达")
        STAYED = "stayed", _("未转移")

    OPEN = (State.LISTED, State.DEPARTED, State.MISSING)

    transfer = models.ForeignKey(Transfer, models.PROTECT, related_name="people", db_index=False)
    to_institution_id = models.BigIntegerField(help_text="of the transfer; kept by its guard")
    resident_id = models.BigIntegerField(help_text="the stay that ends")
    name = CodeField(max_length=60)
    sex = CodeField(max_length=1)
    birth_date = models.DateField(null=True)
    bed = CodeField(max_length=8, choices=Bed.choices)
    kin_name = CodeField(max_length=60, blank=True)
    kin_relation = models.CharField(max_length=20, blank=True)
    kin_phone = TokenField(null=True)
    health = SealedTextField(null=True)
    vehicle = models.ForeignKey(TransferVehicle, models.PROTECT, null=True, related_name="people")
    state = CodeField(max_length=8, choices=State.choices, default=State.LISTED)
    departed_at = models.DateTimeField(null=True)
    departed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    arrived_at = models.DateTimeField(null=True)
    arrived_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    note = models.CharField(max_length=200, blank=True, help_text="why not, where they are")
    told_at = models.DateTimeField(null=True)
    told_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    told_whom = CodeField(max_length=60, blank=True)
    told_how = models.CharField(max_length=100, blank=True)
    new_resident_id = models.BigIntegerField(null=True, help_text="the stay that begins")

    class Meta:
        indexes = [
            models.Index(fields=["transfer", "name"]),
            models.Index(fields=["to_institution_id", "bed"], condition=Q(state__in=["listed", "departed", "missing"]), name="transfer_beds_kept"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["transfer", "resident_id"], name="transfer_person_once"),
            models.UniqueConstraint(fields=["resident_id"], condition=Q(state__in=["listed", "departed", "missing"]), name="transfer_one_open_list"),
            models.CheckConstraint(condition=~Q(state__in=["departed", "missing", "arrived"]) | Q(departed_at__isnull=False), name="transfer_left_first"),
            models.CheckConstraint(condition=~Q(state="arrived") | (Q(arrived_at__isnull=False) & Q(new_resident_id__isnull=False)), name="transfer_arrived_where"),
            models.CheckConstraint(condition=~Q(state__in=["missing", "stayed"]) | ~Q(note=""), name="transfer_not_arrived_why"),
            models.CheckConstraint(condition=Q(told_at__isnull=True) | (~Q(told_whom="") & ~Q(told_how="")), name="transfer_told_whom"),
        ]


class TransferEvent(AreaModel):
    """What happened to a transfer: who, when, why."""

    transfer = models.ForeignKey(Transfer, models.PROTECT, related_name="events", db_index=False)
    at = models.DateTimeField()
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    what = CodeField(max_length=20)
    note = SealedTextField(null=True)

    class Meta:
        indexes = [models.Index(fields=["transfer", "id"], name="transfer_events")]
