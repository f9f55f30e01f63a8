"""Aid to vagrants and beggars (生活无着的流浪乞讨人员救助): intake, search, stay with its limit, leaving and hand-over."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField, TokenField
from doudi.core.models import Account
from doudi.registry.models import Sex


class VagrantCase(AreaModel):
    """One stay at an aid station (救助管理站). `area` is the county of the station."""

    class State(models.TextChoices):
        STAYING = "staying", _("在站")
        LEFT = "left", _("已离站")

    class Leaving(models.TextChoices):
        SELF = "self", _("自行返回")
        FAMILY = "family", _("亲属接回")
        ESCORTED = "escorted", _("护送返乡")
        HANDED_OVER = "handed_over", _("移交流出地")
        PLACED = "placed", _("落户安置")
        HOSPITAL = "hospital", _("转送医院")
        WITHOUT_WORD = "without_word", _("擅自离站")

    number = CodeField(max_length=24, unique=True)
    key = models.UUIDField(unique=True)
    station = models.CharField(max_length=60, help_text="aid station, by name")
    name = CodeField(max_length=60, help_text="as told; a name given by the station where nobody knows")
    named_by_station = models.BooleanField(default=False)
    token = TokenField(null=True, help_text="ID number, when known")
    sex = CodeField(max_length=1, choices=Sex.choices)
    age = models.SmallIntegerField(help_text="told or estimated")
    minor = models.BooleanField(default=False)
    found_place = models.CharField(max_length=120)
    brought_by = models.CharField(max_length=60, help_text="police, city management, passer-by, by themselves")
    condition = SealedTextField(null=True, help_text="health, what they had with them")
    arrived_at = models.DateTimeField()
    stay_until = models.DateField(help_text="last day of the usual stay; later by an extension with reason")
    extended_reason = models.CharField(max_length=200, blank=True)
    extended_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    origin = models.CharField(max_length=120, blank=True, help_text="family or place of origin found")
    state = CodeField(max_length=10, choices=State.choices, default=State.STAYING)
    leaving = CodeField(max_length=12, choices=Leaving.choices, default="")
    left_at = models.DateTimeField(null=True)
    left_to = models.CharField(max_length=120, blank=True)
    receiver = CodeField(max_length=60, default="", help_text="who took the person over")
    receiver_unit = models.CharField(max_length=100, blank=True)
    handed_over_by = models.CharField(max_length=100, blank=True, help_text="who accompanied and handed over")
    note = SealedTextField(null=True)
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    closed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["area", "state", "stay_until"]), models.Index(fields=["token"], condition=Q(token__isnull=False), name="vagrant_token")]
        constraints = [
            models.CheckConstraint(condition=Q(age__gte=0, age__lte=130), name="vagrant_age"),
            models.CheckConstraint(
                condition=Q(state="staying", leaving="", left_at__isnull=True) | Q(state="left", left_at__isnull=False, left_at__gte=F("arrived_at")) & ~Q(leaving=""),
                name="vagrant_left_how",
            ),
            # who is handed over is handed over to somebody
            models.CheckConstraint(
                condition=~Q(leaving__in=("family", "escorted", "handed_over", "placed", "hospital")) | ~Q(receiver=""), name="vagrant_receiver"
            ),
            models.UniqueConstraint(fields=["token"], condition=Q(state="staying", token__isnull=False), name="vagrant_in_one_station"),
        ]

    def __str__(self) -> str:
        return self.number


class VagrantSearch(AreaModel):
    """One step of the search for family or place of origin (寻亲)."""

    class Way(models.TextChoices):
        TALK = "talk", _("谈话询问")
        FACE = "face", _("人像比对")
        DNA = "dna", _("DNA 采集比对")
        NOTICE = "notice", _("发布寻亲公告")
        POLICE = "police", _("公安机关协查")
        FAMILY = "family", _("联系亲属")
        ORIGIN = "origin", _("联系流出地")

    case = models.ForeignKey(VagrantCase, models.PROTECT, related_name="searches", db_constraint=False, db_index=False)
    way = CodeField(max_length=10, choices=Way.choices)
    on = models.DateField()
    result = SealedTextField()
    found = models.BooleanField(default=False)
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["case", "on"])]
