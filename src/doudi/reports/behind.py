"""The list behind a counted number (名单): the same conditions as the count, over the tables as they stand today.

    key of a figure ─▶ `KINDS` by its form ─▶ rows of a place and month ─▶ a page with the number that was counted beside

A month that is closed keeps its figure; what was corrected since stands in the list. Where the two differ the page says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import DecimalField, Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, TruncDate
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from doudi.complaints.queries import visible as complaints
from doudi.core import duties, measures
from doudi.core.lists import Column
from doudi.discovery.models import Call, Lead, Visit
from doudi.enrolment.models import AwardMember, Review
from doudi.enrolment.models import Case as ApplicationCase
from doudi.institutions.models import ReportDue
from doudi.needs.models import Need
from doudi.payments.calendar import days_of
from doudi.payments.models import BankResult, BankReturn, Payroll, PayrollLine
from doudi.registry.models import Fact, Household
from doudi.registry.queries import shown_name
from doudi.relief.models import ReliefCase
from doudi.reports.services import month_after
from doudi.reports.statistics import KEYS, SLOWEST

CHINA = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Asked:
    """Which number: its key, place and month."""

    key: str
    area: str
    month: date

    @property
    def next(self) -> date:
        return month_after(self.month)

    def within(self, field: str) -> Q:
        """Moments of the month."""
        first, over = (datetime.combine(day, time(0), CHINA) for day in (self.month, self.next))
        return Q(**{f"{field}__gte": first, f"{field}__lt": over})

    def here(self, field: str = "area") -> Q:
        return Q(**{f"{field}__gte": self.area, f"{field}__lt": self.area + ":"})


Rows = Callable[[Asked], QuerySet[Any]]


@dataclass(frozen=True)
class Kind:
    """`value`: what the list adds up to, for the number counted: its rows where it is empty."""

    act: str
    rows: Rows
    columns: tuple[Column, ...]
    order: tuple[str, ...]
    value: str = ""
    unit: str | Promise = ""


def _programmes(name: str) -> Q:
    """Members alone are counted with dibao."""
    own = ("dibao", "dibao_single") if name == "dibao" else (name,)
    return Q(award__programme__in=own)


def _holders(asked: Asked) -> QuerySet[AwardMember]:
    on = asked.month
    return AwardMember.objects.filter(
        Q(ends__isnull=True) | Q(ends__gt=on), Q(award__ends__isnull=True) | Q(award__ends__gt=on), Q(person__died_on__isnull=True) | Q(person__died_on__gte=on),
        asked.here(), void=False, starts__lte=on, award__void=False, award__starts__lte=on,
    ).select_related("person", "award__household")  # fmt: skip


def _fact(*kinds: str) -> Exists:
    return Exists(Fact.objects.filter(person=OuterRef("person"), superseded_at__isnull=True, kind__in=kinds, number__gt=0))


def _people(asked: Asked) -> QuerySet[AwardMember]:
    programme, *rest = asked.key.split(".")
    found, part = _holders(asked).filter(_programmes(programme)), rest[0]
    minor, old = Q(person__birth_date__gt=asked.month.replace(year=asked.month.year - 18)), Q(person__birth_date__lte=asked.month.replace(year=asked.month.year - 60))
    parts: dict[str, Any] = {
        "urban": Q(award__household__residence="urban"), "rural": Q(award__household__residence="rural"), "minor": minor, "old": old,
        "disabled": _fact("disability"), "institution": _fact("in_institution"), "home": ~_fact("in_institution"),
        "employed": Q(_fact("wage_income"), ~minor, ~old), "flexible": Q(_fact("business_income", "works_away"), ~_fact("wage_income"), ~minor, ~old),
        "unemployed": Q(~_fact("wage_income"), ~_fact("business_income", "works_away"), ~minor, ~old),
    }  # fmt: skip
    return found if part == "people" else found.filter(parts[part])


def _households(asked: Asked) -> QuerySet[Household]:
    people = _people(Asked(asked.key.replace(".households", ".people"), asked.area, asked.month))
    return Household.objects.filter(pk__in=people.values("award__household"))


def _yuan(asked: Asked) -> QuerySet[PayrollLine]:
    programme, *rest = asked.key.removesuffix(".yuan").split(".")
    came_back = BankReturn.objects.filter(line_id=OuterRef("id"), payroll_id=OuterRef("payroll_id")).values("amount")[:1]
    own = ("dibao", "dibao_single") if programme == "dibao" else (programme,)
    found = PayrollLine.objects.filter(asked.here(), month_paid=asked.month, payroll__state__in=("released", "booked"), programme__in=own)
    found = found.annotate(
        net=F("amount") - Coalesce(Subquery(came_back), Value(Decimal(0)), output_field=DecimalField()),
        residence=Coalesce(Subquery(Household.objects.filter(pk=OuterRef("household_id")).values("residence")[:1]), Value("rural")),
    )
    return found.filter(residence=rest[0]) if rest else found


def _leads(asked: Asked) -> QuerySet[Lead]:
    found = Lead.objects.filter(asked.here(), merged_into__isnull=True).select_related("person")
    name, *days = asked.key.removeprefix("leads.").split(".")
    if name in ("contacted", "contacted_in_time"):
        found = found.filter(asked.within("contacted_at"), contact_due__isnull=False)
        return found.annotate(done_on=TruncDate("contacted_at", tzinfo=CHINA)).filter(done_on__lte=F("contact_due")) if name != "contacted" else found
    field = {"signals": "signal_at", "helped": "helped_at", "contact": "contacted_at", "help": "helped_at"}[name]
    found = found.filter(asked.within(field))
    if not days:
        return found
    took = TruncDate(field, tzinfo=CHINA) - TruncDate("signal_at", tzinfo=CHINA)
    number = int(days[0])
    found = found.annotate(took=took)
    low, high = timedelta(days=number), timedelta(days=number + 1)
    if number == 0:
        return found.filter(took__lt=high)
    return found.filter(took__gte=low) if number == SLOWEST else found.filter(took__gte=low, took__lt=high)


def _in_time(found: QuerySet[Any], done: Any, due: str, late: bool) -> QuerySet[Any]:
    return found if late else found.annotate(done_on=TruncDate(done, tzinfo=CHINA)).filter(done_on__lte=F(due))


def _cases(asked: Asked) -> QuerySet[ApplicationCase]:
    found = ApplicationCase.objects.filter(asked.here(), asked.within("closed_at"), outcome__in=("granted", "refused"), decide_by__isnull=False)
    done = Coalesce("decision__decided_at", "closed_at")  # the limit is that of the decision; telling has its own
    return _in_time(found.select_related("household", "application"), done, "decide_by", asked.key == "cases.decided")


def _relief(asked: Asked) -> QuerySet[ReliefCase]:
    found = ReliefCase.objects.filter(asked.here(), asked.within("decided_at"), state="granted")
    if asked.key == "temporary.elsewhere":
        return found.filter(elsewhere=True)
    if asked.key.startswith("temporary."):
        return found
    found = found.filter(kind="emergency")
    if asked.key == "relief.decided":
        return found
    return found.annotate(took=TruncDate("decided_at", tzinfo=CHINA) - TruncDate("made_at", tzinfo=CHINA)).filter(took__lt=timedelta(days=2))


def _needs(asked: Asked) -> QuerySet[Need]:
    found = Need.objects.filter(asked.here(), asked.within("closed_at"), state="done").select_related("household", "person")
    return found if asked.key == "needs.met" else found.filter(closed_at__lte=F("due"))


def _due(asked: Asked) -> QuerySet[Payroll]:
    return Payroll.objects.filter(asked.here(), month=asked.month, kind=Payroll.Kind.REGULAR).exclude(state=Payroll.State.DRAFT)


def _paid_in_time(asked: Asked) -> QuerySet[BankResult]:
    due = days_of(asked.month, asked.area[:6]).due
    return BankResult.objects.filter(asked.here(), payroll__month=asked.month, payroll__kind=Payroll.Kind.REGULAR, booked_on__lte=due).select_related("payroll")


def _daily(asked: Asked) -> QuerySet[ReportDue]:
    found = ReportDue.objects.filter(asked.here(), on__gte=asked.month, on__lt=asked.next, due_at__lt=timezone.now()).select_related("institution")
    return found.filter(reported_at__isnull=False) if asked.key == "daily.reported" else found


def _moment(rows: Callable[[], QuerySet[Any]], field: str, **more: Any) -> Rows:
    return lambda asked: rows().filter(asked.here(), asked.within(field), **more)


AREA = Column(_("地区"), "area", kind="area")
PERSON = (
    Column(_("姓名"), lambda row: shown_name(row.person.name), url=lambda row: reverse("registry:person", args=[row.person_id])),
    Column(_("户主"), lambda row: shown_name(row.award.household.name), url=lambda row: reverse("registry:household", args=[row.award.household_id])),
    AREA, Column(_("救助项目"), "award.get_programme_display"), Column(_("起始月"), "starts", kind="day"), Column(_("出生日期"), "person.birth_date", kind="day"),
)  # fmt: skip
HOUSEHOLD = (Column(_("户主"), lambda row: shown_name(row.name), url=lambda row: reverse("registry:household", args=[row.pk])), AREA, Column(_("城乡"), "get_residence_display"))
LINE = (
    Column(_("领款人"), lambda row: shown_name(row.payee_name), url=lambda row: reverse("payments:lines", args=[row.payroll_id])), AREA,
    Column(_("救助项目"), "get_programme_display"), Column(_("所属月份"), "month_entitled", kind="day"), Column(_("发放金额"), "amount", kind="money"),
    Column(_("扣除退票"), "net", kind="money"),
)  # fmt: skip
PAYROLL = (
    Column(_("批次"), "number", kind="code", url=lambda row: reverse("payments:payroll", args=[row.pk])), AREA, Column(_("发放月份"), "month", kind="day"),
    Column(_("笔数"), "lines", kind="number"), Column(_("金额（元）"), "amount", kind="money"), Column(_("状态"), "get_state_display"),
)  # fmt: skip
RESULT = (
    Column(_("批次"), "payroll.number", kind="code", url=lambda row: reverse("payments:payroll", args=[row.payroll_id])), AREA,
    Column(_("银行结果"), "name"), Column(_("入账日期"), "booked_on", kind="day"), Column(_("笔数"), "paid_lines", kind="number"),
    Column(_("金额（元）"), "paid_amount", kind="money"),
)  # fmt: skip
LEAD = (
    Column(_("线索编号"), "number", kind="code", url=lambda row: reverse("discovery:lead", args=[row.pk])), AREA, Column(_("线索来源"), "get_channel_display"),
    Column(_("信号"), "signal_at", kind="day"), Column(_("首次联系"), "contacted_at", kind="day"), Column(_("救助"), "helped_at", kind="day"),
    Column(_("办理状态"), "get_state_display"),
)  # fmt: skip
VISIT = (
    Column(_("户主"), lambda row: shown_name(row.household.name), url=lambda row: reverse("discovery:visit", args=[row.pk])), AREA,
    Column(_("期限"), "due", kind="day"), Column(_("走访时间"), "done_at", kind="day"),
)  # fmt: skip
RELIEF = (
    Column(_("编号"), "number", kind="code", url=lambda row: reverse("relief:case", args=[row.pk])), Column(_("姓名"), lambda row: shown_name(row.name)),
    AREA, Column(_("类型"), "get_kind_display"), Column(_("人数"), "people", kind="number"), Column(_("金额（元）"), "amount", kind="money"),
    Column(_("申请"), "made_at", kind="day"), Column(_("决定"), "decided_at", kind="day"),
)  # fmt: skip
CASE = (
    Column(_("申请编号"), "application.number", kind="code", url=lambda row: reverse("enrolment:case", args=[row.pk])),
    Column(_("户主"), lambda row: shown_name(row.household.name)), AREA, Column(_("救助项目"), "get_programme_display"),
    Column(_("办结期限"), "decide_by", kind="day"), Column(_("办结"), "closed_at", kind="day"), Column(_("结果"), "get_outcome_display"),
)  # fmt: skip
NEED = (
    Column(_("编号"), "number", kind="code", url=lambda row: reverse("needs:need", args=[row.pk])), AREA, Column(_("种类"), "kind_label"),
    Column(_("登记日期"), "raised_at", kind="day"), Column(_("期限"), "due", kind="day"), Column(_("办结"), "closed_at", kind="day"),
)  # fmt: skip
DAILY = (
    Column(_("机构"), "institution.name", url=lambda row: reverse("institutions:institution", args=[row.institution_id])), AREA, Column(_("日期"), "on", kind="day"),
    Column(_("应报时间"), "due_at", kind="day"), Column(_("上报时间"), "reported_at", kind="day"),
)  # fmt: skip
REVIEW = (
    Column(_("户主"), lambda row: shown_name(row.household.name), url=lambda row: reverse("enrolment:review", args=[row.pk])), AREA,
    Column(_("救助项目"), "get_programme_display"), Column(_("原因"), "get_cause_display"), Column(_("产生"), "made_at", kind="day"),
    Column(_("办理时间"), "decided_at", kind="day"), Column(_("状态"), "get_state_display"),
)  # fmt: skip
CALL = (
    Column(_("编号"), "number", kind="code", url=lambda row: reverse("discovery:call", args=[row.pk])), AREA, Column(_("来电时间"), "rang_at", kind="day"),
    Column(_("通话"), "get_state_display"), Column(_("办理方式"), "get_outcome_display"),
)  # fmt: skip
COMPLAINT = (
    Column(_("编号"), "number", kind="code", url=lambda row: reverse("complaints:complaint", args=[row.pk])), AREA, Column(_("种类"), "get_kind_display"),
    Column(_("登记日期"), "opened_at", kind="day"), Column(_("办结"), "closed_at", kind="day"), Column(_("状态"), "get_state_display"),
)  # fmt: skip


def _reviews() -> QuerySet[Review]:
    return Review.objects.filter(kind="difference").select_related("household")


YUAN = _("元")
KINDS: dict[str, Kind] = {
    "reviews.made": Kind("enrolment.view", _moment(_reviews, "made_at"), REVIEW, ("made_at", "id")),
    "reviews.done": Kind("enrolment.view", _moment(_reviews, "decided_at"), REVIEW, ("decided_at", "id")),
    "calls.rang": Kind("hotline.view", _moment(Call.objects.all, "rang_at"), CALL, ("rang_at", "id")),
    "calls.missed": Kind("hotline.view", _moment(Call.objects.all, "rang_at", state="missed"), CALL, ("rang_at", "id")),
    "complaints.opened": Kind("complaints.view", _moment(complaints, "opened_at"), COMPLAINT, ("opened_at", "id")),
    "complaints.closed": Kind("complaints.view", _moment(complaints, "closed_at"), COMPLAINT, ("closed_at", "id")),
    "visits.done": Kind("visits.view", _moment(lambda: Visit.objects.filter(state="done").select_related("household"), "done_at"), VISIT, ("done_at", "id")),
    "temporary.times": Kind("relief.view", _relief, RELIEF, ("decided_at", "id"), "people", _("人次")),
    "temporary.elsewhere": Kind("relief.view", _relief, RELIEF, ("decided_at", "id"), "people", _("人次")),
    "regular.yuan": Kind("payments.view", _due, PAYROLL, ("area", "id"), "amount", YUAN),
    "in_time.yuan": Kind("payments.view", _paid_in_time, RESULT, ("booked_on", "id"), "paid_amount", YUAN),
    "temporary.yuan": Kind("relief.view", _relief, RELIEF, ("decided_at", "id"), "amount", YUAN),
}
FORMS: tuple[tuple[Callable[[str], bool], Kind], ...] = (
    (lambda key: key.startswith("leads."), Kind("discovery.view", _leads, LEAD, ("signal_at", "id"))),
    (lambda key: key.startswith("cases."), Kind("enrolment.cases", _cases, CASE, ("closed_at", "id"))),
    (lambda key: key.startswith("relief."), Kind("relief.view", _relief, RELIEF, ("decided_at", "id"))),
    (lambda key: key.startswith("needs."), Kind("needs.view", _needs, NEED, ("closed_at", "id"))),
    (lambda key: key.startswith("daily."), Kind("institutions.oversee", _daily, DAILY, ("on", "id"))),
    (lambda key: key.endswith(".households"), Kind("enrolment.view", _households, HOUSEHOLD, ("area", "id"))),
    (lambda key: key.endswith(".yuan"), Kind("payments.view", _yuan, LINE, ("area", "id"), "net", YUAN)),
    (lambda key: key.endswith(".people") or key.split(".")[0] in ("dibao", "tekun"), Kind("enrolment.view", _people, PERSON, ("area", "person_id"))),
)


def kind_of(key: str) -> Kind | None:
    """How the number of a key is listed; None for a key that is none."""
    if key not in KEYS:
        return None
    return KINDS.get(key) or next((kind for fits, kind in FORMS if fits(key)), None)


def readable(key: str) -> bool:
    """Whether the acting duty may open the list."""
    kind = kind_of(key)
    return kind is not None and duties.may(kind.act)


def value(kind: Kind, rows: QuerySet[Any]) -> Decimal:
    """What the list adds up to; one query."""
    return measures.added(rows, kind.value)
