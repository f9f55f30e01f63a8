"""The budget (预算, measures 4.4): scenarios of a county's year with their assumptions, figures by fund and month, sources by level, course."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.assessment.models import SettingsSnapshot
from doudi.core.fields import AreaModel, CodeField, MoneyField
from doudi.core.models import Account
from doudi.payments.models import Fund
from doudi.registry.models import Programme


class Item(models.TextChoices):
    """What a figure is for (预算项目). Tekun stands in two: living and care."""

    DIBAO = "dibao", _("最低生活保障")
    DIBAO_SINGLE = "dibao_single", _("最低生活保障（单人户）")
    TEKUN_LIVING = "tekun_living", _("特困基本生活")
    TEKUN_CARE = "tekun_care", _("特困照料护理")
    ORPHAN = "orphan", _("孤儿基本生活费")
    UNSUPPORTED_CHILD = "unsupported_child", _("事实无人抚养儿童基本生活补贴")
    DISABILITY_LIVING = "disability_living", _("困难残疾人生活补贴")
    DISABILITY_NURSING = "disability_nursing", _("重度残疾人护理补贴")
    PRICE_SUBSIDY = "price_subsidy", _("价格临时补贴")
    ONE_OFF = "one_off", _("一次性生活补贴")
    TEMPORARY = "temporary", _("临时救助")
    INSTITUTION = "institution", _("机构供养经费")
    FIXED = "fixed", _("其他支出")


class Level(models.TextChoices):
    """Who pays (资金来源级次, measures 4.2)."""

    CENTRAL = "central", _("中央")
    PROVINCE = "province", _("省级")
    CITY = "city", _("市级")
    COUNTY = "county", _("县级")


class Scenario(AreaModel):
    """One way in which a county's next year may go (预算方案). Of those of a year one is submitted to the level above.

    `area`: the county. Content (assumptions, figures, sources) is frozen from the check on; `content_hash` says what was checked.
    """

    class Basis(models.TextChoices):
        AWARDS = "awards", _("在享对象")
        ENTITLED = "entitled", _("符合条件的登记对象（应保尽保）")

    class State(models.TextChoices):
        DRAFT = "draft", _("编制中")
        CHECKED = "checked", _("已复核，待上报")
        SUBMITTED = "submitted", _("已上报")
        RETURNED = "returned", _("已退回")
        ACCEPTED = "accepted", _("已接受")

    OPEN = (State.DRAFT, State.RETURNED)

    year = models.SmallIntegerField()
    name = models.CharField(max_length=60)
    basis = CodeField(max_length=10, choices=Basis.choices, default=Basis.AWARDS)
    base_month = models.DateField(help_text="month whose members, facts and awards count, its first day")
    note = models.CharField(max_length=400, blank=True)
    state = CodeField(max_length=10, choices=State.choices, default=State.DRAFT)
    version = models.IntegerField(default=1)
    copied_from = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    calculated_at = models.DateTimeField(null=True, help_text="null where an assumption changed since")
    law_version = CodeField(max_length=40, default="")
    settings = models.ForeignKey(SettingsSnapshot, models.PROTECT, null=True)
    households = models.IntegerField(default=0)
    left_out = models.IntegerField(default=0, help_text="households whose facts the law cannot take")
    covered = models.JSONField(default=dict, help_text="month -> programme -> people, each person once")
    amount = MoneyField(default=0)
    content_hash = CodeField(max_length=64, default="")
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    checked_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    checked_at = models.DateTimeField(null=True)
    submitted_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    submitted_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    remark = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["area", "year", "name"], name="budget_name_once"),
            models.UniqueConstraint(
                fields=["area", "year"], condition=Q(state__in=["checked", "submitted", "accepted"]), name="budget_one_on_its_way"
            ),
            models.CheckConstraint(condition=Q(year__gte=2016, year__lte=2100), name="budget_year"),
            models.CheckConstraint(condition=Q(checked_by__isnull=True) | ~Q(checked_by=F("made_by")), name="budget_checker_is_other"),
            models.CheckConstraint(
                condition=Q(submitted_by__isnull=True) | (~Q(submitted_by=F("made_by")) & ~Q(submitted_by=F("checked_by"))),
                name="budget_submitter_is_other",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.year} {self.name}"

    @property
    def open(self) -> bool:
        """Whether its content may still change."""
        return self.state in self.OPEN


class Assumption(AreaModel):
    """What a scenario takes for granted (测算假设), always with its source or reason."""

    class Kind(models.TextChoices):
        STANDARD = "standard", _("保障标准")
        RECIPIENTS = "recipients", _("对象增减")
        PRICE_MONTHS = "price_months", _("价格临时补贴（按月定额）")
        PRICE_INDEX = "price_index", _("价格指数走势")
        ONE_OFF = "one_off", _("一次性生活补贴")
        TEMPORARY = "temporary", _("临时救助")
        INSTITUTION = "institution", _("机构供养经费")
        FIXED = "fixed", _("其他支出")

    class Way(models.TextChoices):
        VALUE = "value", _("改为（数值）")
        PERCENT = "percent", _("增减（%）")
        EACH = "each", _("每人（元）")
        LAST_YEAR = "last_year", _("近十二个月实支增减（%）")
        PER_CAPITA = "per_capita", _("每名困难群众每年（元）")
        YEAR = "year", _("全年定额（元）")
        MONTH = "month", _("每月定额（元）")

    scenario = models.ForeignKey(Scenario, models.PROTECT, related_name="assumptions")
    kind = CodeField(max_length=12, choices=Kind.choices)
    way = CodeField(max_length=10, choices=Way.choices)
    parameter = CodeField(max_length=120, default="")
    programmes = models.JSONField(default=list)
    fund = models.ForeignKey(Fund, models.PROTECT, null=True, related_name="+")
    starts = models.DateField(null=True)
    ends = models.DateField(null=True, help_text="first day of the last month")
    value = models.DecimalField(max_digits=16, decimal_places=4)
    label = models.CharField(max_length=60, blank=True)
    reason = models.CharField(max_length=400)
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="budget_assumption_has_reason")]


class Figure(AreaModel):
    """Need of one month (测算数): people and yuan of an item, with what they were made of.

    `base_people`, `base_amount`: by the law with the scenario's standards; `percent`: growth or decline up to the month, of `base_people`;
    `assumption`: what states it where the law does not.
    """

    scenario = models.ForeignKey(Scenario, models.PROTECT, related_name="figures", db_index=False)
    month = models.DateField()
    fund = models.ForeignKey(Fund, models.PROTECT, related_name="+")
    item = CodeField(max_length=20, choices=Item.choices)
    programme = CodeField(max_length=20, default="", help_text="whose recipients, where an item serves several")
    residence = CodeField(max_length=6, default="")
    in_institution = models.BooleanField(default=False)
    base_people = models.IntegerField(default=0)
    base_amount = MoneyField(default=0)
    percent = models.DecimalField(max_digits=9, decimal_places=4, default=0)
    people = models.IntegerField(default=0)
    amount = MoneyField()
    assumption = models.ForeignKey(Assumption, models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["scenario", "fund", "item"]), models.Index(fields=["area", "month"])]
        constraints = [
            models.UniqueConstraint(
                fields=["scenario", "month", "item", "programme", "residence", "in_institution", "assumption"],
                nulls_distinct=False,
                name="budget_figure_once",
            ),
            models.CheckConstraint(condition=Q(amount__gte=0, people__gte=0), name="budget_figure_not_negative"),
        ]


class Source(AreaModel):
    """Which level pays how much of a fund (资金来源): a share of the need in per cent, or an amount."""

    scenario = models.ForeignKey(Scenario, models.PROTECT, related_name="sources", db_index=False)
    fund = models.ForeignKey(Fund, models.PROTECT, related_name="+")
    level = CodeField(max_length=10, choices=Level.choices)
    share = models.DecimalField(max_digits=7, decimal_places=4, null=True)
    amount = MoneyField(null=True)
    basis = models.CharField(max_length=200)
    entered = models.BooleanField(default=False, help_text="by an officer; else from the settings")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scenario", "fund", "level"], name="budget_source_once"),
            models.CheckConstraint(
                condition=Q(share__isnull=False, amount__isnull=True, share__gte=0, share__lte=100)
                | Q(share__isnull=True, amount__isnull=False, amount__gte=0),
                name="budget_source_share_or_amount",
            ),
        ]


class Event(AreaModel):
    """What happened to a scenario, who did it and why (办理记录). Append-only."""

    class Kind(models.TextChoices):
        MADE = "made", _("新建")
        CALCULATED = "calculated", _("测算")
        CHECKED = "checked", _("复核")
        SENT_BACK = "sent_back", _("退回修改")
        SUBMITTED = "submitted", _("上报")
        RETURNED = "returned", _("上级退回")
        ACCEPTED = "accepted", _("上级接受")

    scenario = models.ForeignKey(Scenario, models.PROTECT, related_name="events", db_index=False)
    kind = CodeField(max_length=10, choices=Kind.choices)
    note = models.CharField(max_length=400, blank=True)
    content_hash = CodeField(max_length=64, default="")
    amount = MoneyField(default=0)
    by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["scenario", "-at"])]


# whose recipients a group of people is made of, each person counted once, the first that fits
COVERED = (Programme.DIBAO, Programme.DIBAO_SINGLE, Programme.TEKUN, Programme.ORPHAN, Programme.UNSUPPORTED_CHILD, Programme.MARGINAL)
# item -> programme whose recipients it has, which also says which fund may pay it (payments.FundPurpose)
PROGRAMME_OF: dict[str, str] = {
    Item.DIBAO: Programme.DIBAO,
    Item.DIBAO_SINGLE: Programme.DIBAO_SINGLE,
    Item.TEKUN_LIVING: Programme.TEKUN,
    Item.TEKUN_CARE: Programme.TEKUN,
    Item.ORPHAN: Programme.ORPHAN,
    Item.UNSUPPORTED_CHILD: Programme.UNSUPPORTED_CHILD,
    Item.DISABILITY_LIVING: Programme.DISABILITY_LIVING,
    Item.DISABILITY_NURSING: Programme.DISABILITY_NURSING,
}
