"""Help cards (明白卡, measure 7.4): what stands on one, the code that opens a page without personal data, what was printed."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.community.models.groups import CarePerson
from doudi.core.fields import AreaModel, CodeField
from doudi.core.models import Account


class PlaceService(AreaModel):
    """Where people of a place find help (本地服务): hotlines, the village doctor, pharmacy, meals. Public; dated; the nearest place counts.

    `phone` is a number that the place makes public, so it is no token.
    """

    class Kind(models.TextChoices):
        HOTLINE = "hotline", _("救助服务热线")
        DOCTOR = "doctor", _("村医、家庭医生")
        CLINIC = "clinic", _("卫生院、医院")
        PHARMACY = "pharmacy", _("药店")
        MEALS = "meals", _("助餐点")
        SHOP = "shop", _("社区商店")
        STATION = "station", _("社会工作服务站")
        COUNSEL = "counsel", _("心理援助热线")

    kind = CodeField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=40)
    phone = CodeField(max_length=20, blank=True)
    hours = models.CharField(max_length=40, blank=True)
    address = models.CharField(max_length=60, blank=True)
    starts = models.DateField()
    ends = models.DateField(null=True)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["area", "kind"])]
        constraints = [
            models.UniqueConstraint(fields=["area", "kind", "name"], condition=Q(ends__isnull=True), name="place_service_once"),
            models.CheckConstraint(condition=Q(ends__isnull=True) | Q(ends__gte=F("starts")), name="place_service_dates"),
            models.CheckConstraint(condition=~Q(kind__in=["hotline", "counsel", "doctor"]) | ~Q(phone=""), name="place_service_phone"),
        ]


class HelpCard(AreaModel):
    """One person's card. `code` (130 random bits) opens the public page; void, it says so to everybody in the same words.

    `digest` is that of what the card would say today, `printed_digest` of what was printed last: where they differ the card is to be printed again.
    """

    class Void(models.TextChoices):
        LOST = "lost", _("遗失")
        DAMAGED = "damaged", _("损坏")
        MISUSED = "misused", _("被他人冒用")
        LEFT = "left", _("不再属于关爱对象")
        DIED = "died", _("已去世")
        MOVED = "moved", _("已迁出")

    care = models.ForeignKey(CarePerson, models.PROTECT, related_name="cards", db_constraint=False)
    code = CodeField(max_length=26, unique=True)
    digest = CodeField(max_length=32, blank=True)
    printed_digest = CodeField(max_length=32, blank=True)
    printed_version = models.SmallIntegerField(default=0)
    printed_at = models.DateTimeField(null=True)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    void_at = models.DateTimeField(null=True)
    void_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    void_reason = CodeField(max_length=8, choices=Void.choices, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["area"], condition=Q(void_at__isnull=True) & ~Q(digest=F("printed_digest")), name="card_to_print"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["care"], condition=Q(void_at__isnull=True), name="help_card_one_in_force"),
            models.CheckConstraint(condition=Q(void_at__isnull=True) ^ ~Q(void_reason=""), name="help_card_void_why"),
        ]

    @property
    def to_print(self) -> bool:
        return self.void_at is None and self.digest != self.printed_digest


class PrintRun(AreaModel):
    """One printing of cards of a village (批量打印): who, when, which, how many. Its PDF files are attachments of it."""

    class Which(models.TextChoices):
        CHANGED = "changed", _("未打印和内容有变化的")
        ALL = "all", _("全部")
        CHOSEN = "chosen", _("所选")

    class Layout(models.TextChoices):
        SHEET = "sheet", _("A4 每页 4 张（带裁切线）")
        CARD = "card", _("A6 每页 1 张")

    uuid = models.UUIDField(unique=True, help_text="of the form: the same form sent twice is one printing")
    which = CodeField(max_length=8, choices=Which.choices)
    layout = CodeField(max_length=6, choices=Layout.choices)
    language = CodeField(max_length=8, default="zh-hans")
    cards = models.IntegerField(default=0)
    parts = models.SmallIntegerField(default=0)
    task = models.UUIDField(null=True)
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    files_gone_at = models.DateTimeField(null=True, help_text="when its PDF files were deleted (procedures.FILE_DAYS)")

    class Meta:
        indexes = [
            models.Index(fields=["area", "-made_at"]),
            models.Index(fields=["done_at"], condition=Q(files_gone_at__isnull=True, parts__gt=0), name="card_files_there"),
        ]


class CardPrinting(AreaModel):
    """One card printed once: which version, with what content."""

    run = models.ForeignKey(PrintRun, models.PROTECT, related_name="printings", db_constraint=False, db_index=False)
    card = models.ForeignKey(HelpCard, models.PROTECT, related_name="printings", db_constraint=False)
    version = models.SmallIntegerField()
    digest = CodeField(max_length=32)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "card"], name="card_printed_once_a_run")]


class CardCall(models.Model):
    """How often a network opened or asked by card codes in the running minute: nobody tries codes, nobody floods a village with calls for help."""

    network = CodeField(max_length=50)
    what = CodeField(max_length=8)
    minute = models.DateTimeField()
    calls = models.IntegerField()

    class Meta:
        indexes = [models.Index(fields=["minute"])]
        constraints = [models.UniqueConstraint(fields=["network", "what"], name="card_call_once")]
