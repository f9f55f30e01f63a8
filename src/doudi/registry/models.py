"""The registry: people, households with dated memberships, dated facts, benefit status, moves between areas."""

from __future__ import annotations

from datetime import date

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaField, AreaModel, CodeField, MoneyField, SealedTextField, TokenField
from doudi.core.models import HistoryEvent


def with_history(model: type[models.Model]) -> type[models.Model]:
    """Row history by database triggers, per statement: set-based writes are seen too. `area_then` is the recode's own, `long_number` goes with the token."""
    left_out = [each.name for each in model._meta.local_concrete_fields if each.name in ("area_then", "long_number")]
    track = pghistory.track(
        pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent(), exclude=left_out, base_model=HistoryEvent, context_field=None  # type: ignore[arg-type]
    )
    return track(model)


class Sex(models.TextChoices):
    MALE = "1", _("男")
    FEMALE = "2", _("女")


@with_history
class Household(AreaModel):
    """Household (家庭): the assistance unit. Its `area` is the village that manages it; its members carry the same."""

    class Residence(models.TextChoices):
        URBAN = "urban", _("城市")
        RURAL = "rural", _("农村")

    number = CodeField(max_length=24, unique=True)
    name = CodeField(max_length=60, help_text="name of the head, for lists and search")
    residence = CodeField(max_length=5, choices=Residence.choices)
    address = SealedTextField(null=True)
    made_at = models.DateTimeField()
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["area", "name"]), models.Index(fields=["name"])]
        constraints = [models.UniqueConstraint(fields=["id", "area"], name="household_id_area")]

    def __str__(self) -> str:
        return self.name


@with_history
class Person(AreaModel):
    """Person (人员). Numbers are tokens (decision 5); person and `token` are one to one in the whole province."""

    token = TokenField(unique=True)
    long_number = SealedTextField(null=True, help_text="number of a document whose token is a digest; null for all others")
    name = CodeField(max_length=60)
    pinyin = CodeField(max_length=200, default="", help_text="lower case without tones or spaces")
    initials = CodeField(max_length=60, default="")
    sex = CodeField(max_length=1, choices=Sex.choices)
    birth_date = models.DateField()
    died_on = models.DateField(null=True)
    ethnicity = CodeField(max_length=2, default="01", help_text="GB/T 3304")
    registered_area = AreaField(help_text="registered residence (户籍地)")
    residence_area = AreaField(help_text="place of residence (居住地)")
    phone = TokenField(null=True)
    account = TokenField(null=True, help_text="bank account")
    bank = CodeField(max_length=14, default="", help_text="bank code")
    made_at = models.DateTimeField()
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["area", "name"]),
            models.Index(fields=["name", "birth_date"]),
            models.Index(fields=["pinyin"]),
            models.Index(fields=["initials"]),
            models.Index(fields=["phone"]),
        ]
        constraints = [models.UniqueConstraint(fields=["id", "area"], name="person_id_area")]

    def __str__(self) -> str:
        return self.name


@with_history
class Membership(AreaModel):
    """One person in one household for a time. A person is in one assistance household at a time, by exclusion."""

    household = models.ForeignKey(Household, models.PROTECT, related_name="memberships", db_constraint=False)
    person = models.ForeignKey(Person, models.PROTECT, related_name="memberships", db_constraint=False)
    relationship = CodeField(max_length=2, help_text="GB/T 4761, to the head")
    starts = models.DateField()
    ends = models.DateField(null=True)

    class Meta:
        indexes = [models.Index(fields=["area"])]
        constraints = [
            models.CheckConstraint(condition=Q(ends__isnull=True) | Q(ends__gt=F("starts")), name="membership_dates"),
            ExclusionConstraint(
                name="membership_one_household",
                expressions=[("person", "="), (Func("starts", "ends", function="daterange"), "&&")],
            ),
        ]


class FactKind(models.TextChoices):
    """What a fact says. Money is yuan over the 12 months before the fact's date, exact to the fen, unless said."""

    WAGE_INCOME = "wage_income", _("工资性收入（12个月合计）")
    BUSINESS_INCOME = "business_income", _("经营净收入（12个月合计）")
    PROPERTY_INCOME = "property_income", _("财产净收入（12个月合计）")
    TRANSFER_INCOME = "transfer_income", _("转移净收入（12个月合计）")
    LAND_INCOME = "land_income", _("其中：承包地收入（12个月合计）")
    MAINTENANCE_INCOME = "maintenance_income", _("赡养费、抚养费、扶养费（12个月合计）")
    DISREGARDED_INCOME = "disregarded_income", _("不计入收入的部分（12个月合计）")
    DISREGARDED_INCOME_TEKUN = "disregarded_income_tekun", _("特困认定不计入的部分（12个月合计）")
    WORKS_AWAY = "works_away", _("外出务工或返岗")
    WORKPLACE_AREA = "workplace_area", _("务工地")
    WORKPLACE_STANDARD = "workplace_urban_dibao_standard", _("务工地城市低保标准（元/月）")
    DISABILITY = "disability", _("残疾（类别、等级）")
    DISABILITY_CERTIFICATE = "disability_certificate", _("残疾人证号")
    NEEDS_LONG_CARE = "needs_long_care", _("需要长期照护")
    WORK_INJURY_NURSING = "work_injury_nursing", _("领取工伤护理费")
    SERIOUS_ILLNESS = "serious_illness", _("重病（地方病种目录）")
    LABOUR_CAPACITY = "labour_capacity", _("劳动能力")
    SUPPORT_OBLIGOR = "support_obligor", _("法定赡养、抚养、扶养义务人")
    SELF_CARE = "self_care_failures", _("自理能力未达标项数")
    IN_INSTITUTION = "in_institution", _("在机构供养")
    IN_SCHOOL = "in_school", _("在校就读")
    ORPHAN = "orphan", _("孤儿")
    UNSUPPORTED_CHILD = "de_facto_unsupported_child", _("事实无人抚养儿童")
    CHILD_WITH_HIV = "child_with_hiv", _("艾滋病病毒感染儿童")
    SPECIAL_DIFFICULTY = "special_difficulty", _("县定特殊困难人员")
    # of the household
    FINANCIAL_ASSETS = "financial_assets", _("金融资产（元）")
    COMPANY_CAPITAL = "company_capital", _("认缴出资额（元）")
    VEHICLES = "vehicles", _("机动车辆（辆）")
    DWELLINGS = "dwellings", _("住房（套）")
    NON_RESIDENTIAL = "non_residential_property", _("非居住类房屋（处）")
    DWELLING_AREA = "dwelling_area_per_head", _("人均住房面积（平方米）")
    FARMLAND = "farmland_per_head", _("人均承包地（亩）")
    RIGID_EXPENDITURE = "rigid_expenditure", _("刚性支出（12个月合计）")


HOUSEHOLD_FACTS = frozenset(
    {
        FactKind.FINANCIAL_ASSETS,
        FactKind.COMPANY_CAPITAL,
        FactKind.VEHICLES,
        FactKind.DWELLINGS,
        FactKind.NON_RESIDENTIAL,
        FactKind.DWELLING_AREA,
        FactKind.FARMLAND,
        FactKind.RIGID_EXPENDITURE,
    }
)


class Fact(AreaModel):
    """One dated fact about a person or a household with its source. Never overwritten: a new fact supersedes.

    `starts` is the day from which it holds; of several the one with the latest `starts`, then `recorded_at`, counts.
    `superseded_at` is set on the row that a newer one replaces, so that what holds now is found by an index.
    """

    class Source(models.TextChoices):
        DECLARED = "declared", _("本人申报")
        VISIT = "visit", _("入户调查")
        COMPARISON = "comparison", _("信息比对")
        DOCUMENT = "document", _("证明材料")
        IMPORT = "import", _("批量导入")

    # their own indexes are the partial ones below: a fact is of a person or of a household
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="facts", db_constraint=False, db_index=False)
    household = models.ForeignKey(Household, models.PROTECT, null=True, related_name="facts", db_constraint=False, db_index=False)
    kind = CodeField(max_length=40, choices=FactKind.choices)
    starts = models.DateField()
    number = models.DecimalField(max_digits=16, decimal_places=2, null=True)
    text = CodeField(max_length=60, default="")
    sealed = SealedTextField(null=True)
    token = TokenField(null=True)
    source = CodeField(max_length=12, choices=Source.choices)
    note = SealedTextField(null=True)
    evidence_id = models.UUIDField(null=True, help_text="attachment")
    recorded_by = models.BigIntegerField(null=True)
    recorded_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["person", "kind"], condition=Q(person__isnull=False), name="fact_of_person"),
            models.Index(fields=["household", "kind"], condition=Q(household__isnull=False), name="fact_of_household"),
            models.Index(fields=["area"]),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(person__isnull=True) ^ Q(household__isnull=True), name="fact_of_one"),
            models.UniqueConstraint(fields=["person", "kind"], condition=Q(superseded_at__isnull=True, person__isnull=False), name="fact_person_now"),
            models.UniqueConstraint(fields=["household", "kind"], condition=Q(superseded_at__isnull=True, household__isnull=False), name="fact_household_now"),
        ]


class Programme(models.TextChoices):
    """Programmes (救助项目) that make awards. Marginal and rigid-expenditure families are confirmed without money."""

    DIBAO = "dibao", _("最低生活保障")
    DIBAO_SINGLE = "dibao_single", _("最低生活保障（单人户）")
    TEKUN = "tekun", _("特困人员救助供养")
    MARGINAL = "marginal", _("低保边缘家庭")
    RIGID = "rigid", _("刚性支出困难家庭")
    ORPHAN = "orphan", _("孤儿基本生活费")
    UNSUPPORTED_CHILD = "unsupported_child", _("事实无人抚养儿童基本生活补贴")
    DISABILITY_LIVING = "disability_living", _("困难残疾人生活补贴")
    DISABILITY_NURSING = "disability_nursing", _("重度残疾人护理补贴")


# Exclusion group: what one person cannot hold twice in a month (integrity.md: dibao, alone, and tekun are one group).
GROUPS: dict[str, int] = {
    Programme.DIBAO: 1,
    Programme.DIBAO_SINGLE: 1,
    Programme.TEKUN: 1,
    Programme.ORPHAN: 2,
    Programme.UNSUPPORTED_CHILD: 2,
    Programme.DISABILITY_LIVING: 3,
    Programme.DISABILITY_NURSING: 4,
    Programme.MARGINAL: 5,
    Programme.RIGID: 5,
}


class BenefitStatusRows(models.QuerySet["BenefitStatus"]):
    def running(self, on: date) -> BenefitStatusRows:
        """Confirmed and not ended on a day, also when payment is suspended."""
        return self.filter(Q(ends__isnull=True) | Q(ends__gt=on), state__in=("active", "suspended"))


class BenefitStatus(AreaModel):
    """Summary of a person's benefits that rooms above enrolment read; written by triggers on enrolment's tables only.

    `ends` is the first month without. The state is written when an award changes, not when the day of its end comes: ask `running(on)`, `state_on`.
    """

    class State(models.TextChoices):
        ACTIVE = "active", _("享受中")
        SUSPENDED = "suspended", _("暂停发放")
        ENDED = "ended", _("已停发")
        REFUSED = "refused", _("不予确认")

    person = models.ForeignKey(Person, models.PROTECT, related_name="benefits", db_constraint=False)
    household_id = models.BigIntegerField(null=True)
    award_id = models.BigIntegerField(null=True)
    programme = CodeField(max_length=20, choices=Programme.choices)
    starts = models.DateField()
    ends = models.DateField(null=True)
    amount = MoneyField(null=True)
    band = models.SmallIntegerField(null=True)
    state = CodeField(max_length=10, choices=State.choices)
    gradual_exit_start = models.DateField(null=True)

    objects = BenefitStatusRows.as_manager()

    class Meta:
        indexes = [models.Index(fields=["area", "programme"]), models.Index(fields=["household_id"])]
        constraints = [models.UniqueConstraint(fields=["award_id", "person"], name="benefit_status_once")]

    def state_on(self, on: date) -> BenefitStatus.State:
        """The state as it is on a day: what has come to its end is no longer received."""
        return self.State.ENDED if self.ends is not None and self.ends <= on and self.state != self.State.REFUSED else self.State(self.state)


class MoveRequest(models.Model):
    """A move of a household between areas: asked for by the receiving side, released by the giving side (integrity.md)."""

    household_id = models.BigIntegerField()
    household_name = models.CharField(max_length=60)
    from_area = AreaField()
    to_area = AreaField()
    reason = models.CharField(max_length=200)
    first_month = models.DateField()
    asked_by = models.BigIntegerField()
    asked_at = models.DateTimeField()
    due = models.DateField(null=True, help_text="until when the giving side decides; then the levels above may")
    released_by = models.BigIntegerField(null=True)
    released_at = models.DateTimeField(null=True)
    refused_reason = models.CharField(max_length=200, blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["from_area"]), models.Index(fields=["to_area"])]
        constraints = [
            models.UniqueConstraint(fields=["household_id"], condition=Q(done_at__isnull=True, refused_reason=""), name="move_one_open"),
            models.CheckConstraint(condition=Q(released_by__isnull=True) | ~Q(released_by=F("asked_by")), name="move_two_officers"),
        ]
