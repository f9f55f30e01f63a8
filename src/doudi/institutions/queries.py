"""Reads of institutions: the day of all houses, one house, what was reported."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, IntegerField, Max, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.expressions import RawSQL
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import scope as scopes
from doudi.core.emergencies import in_force
from doudi.core.models import Duty, Emergency, Posting, Todo
from doudi.core.settings_overlay import get_setting, settings_at
from doudi.enrolment.models import Award
from doudi.institutions import procedures
from doudi.institutions.figures import FIGURES
from doudi.institutions.models import (
    BedCapacity,
    DailyReport,
    Institution,
    InstitutionContact,
    IsolationStay,
    ReportDue,
    Resident,
    SupplyStock,
    VisitState,
)
from doudi.institutions.models.places import Bed
from doudi.institutions.services.dues import missed_of
from doudi.registry.models import BenefitStatus, Person, Programme

BY_KIND = """
select i.kind, count(*) as houses, count(d.id) as owed, count(d.id) filter (where d.reported_at is not null) as reported, count(r.id) as told,
       coalesce(sum(r.residents), 0) as residents,
       coalesce(sum(r.positive_residents + r.positive_staff), 0) as positive, count(r.id) filter (where r.positive_residents + r.positive_staff > 0) as infected,
       count(v.id) as closed, count(*) filter (where i.risk <> '') as at_risk
from institutions_institution i
left join institutions_reportdue d on d.institution_id = i.id and d."on" = %(on)s
left join institutions_dailyreport r on r.institution_id = i.id and r."on" = %(on)s and r.superseded_at is null
left join institutions_visitstate v on v.institution_id = i.id and v.state = 'closed' and v.starts <= %(on)s and (v.ends is null or v.ends > %(on)s)
where i.state = 'running' group by i.kind
"""
COUNTED = ("houses", "owed", "reported", "told", "residents", "positive", "infected", "closed", "at_risk")


def by_kind(on: date) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Figures of a day by kind of house within the scope, and their sums. One query."""
    with connection.cursor() as cursor:
        cursor.execute(BY_KIND, {"on": on})
        found = {row[0]: dict(zip(COUNTED, (int(value) for value in row[1:]), strict=True)) for row in cursor.fetchall()}
    lines = [{"kind": label, **found[value]} for value, label in Institution.Kind.choices if value in found]
    return lines, {name: sum(row[name] for row in found.values()) for name in COUNTED}


def open_dues(on: date) -> QuerySet[ReportDue]:
    """Houses of the scope that owe a report of a day, the longest silent first; with `missed`, who reports (`reporter_name`) and the last report's residents."""
    reporter = InstitutionContact.objects.filter(institution=OuterRef("institution"), role="reporter", ended_at__isnull=True).order_by("-pk")
    before = DailyReport.objects.filter(institution=OuterRef("institution"), superseded_at__isnull=True, on__lt=on).order_by("-on")
    return (
        ReportDue.objects.filter(on=on, reported_at__isnull=True)
        .select_related("institution")
        .annotate(
            missed=RawSQL(missed_of("institutions_reportdue"), [], output_field=IntegerField()),
            reporter_id=Subquery(reporter.values("pk")[:1]),
            reporter_name=Subquery(reporter.values("name")[:1]),
            reporter_phone=Subquery(reporter.values("phone")[:1]),
            residents=Subquery(before.values("residents")[:1]),
        )
        .order_by("-missed", "area", "pk")
    )


def at_risk(limit: int = 20) -> list[Institution]:
    """The gravest houses of the scope, red before orange before yellow."""
    rank = RawSQL("array_position(array['red', 'orange', 'yellow'], institutions_institution.risk::text)", [], output_field=IntegerField())
    return list(Institution.objects.exclude(risk="").filter(state=Institution.State.RUNNING).annotate(rank=rank).order_by("rank", "area", "pk")[:limit])


def visit_states(ids: list[int], on: date) -> dict[int, VisitState]:
    rows = VisitState.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), institution_id__in=ids, starts__lte=on)
    return {row.institution_id: row for row in rows}


def with_figures(rows: QuerySet[Institution], on: date) -> QuerySet[Institution]:
    """Houses with their beds, residents on the list, last report and visit state, without a query per house."""
    beds = BedCapacity.objects.filter(institution=OuterRef("pk")).order_by().values("institution").annotate(n=Sum("beds")).values("n")
    living = Resident.objects.filter(institution=OuterRef("pk"), ends__isnull=True).order_by().values("institution").annotate(n=Count("pk")).values("n")
    visits = VisitState.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), institution=OuterRef("pk"), starts__lte=on).order_by("-starts")
    return rows.annotate(beds=Subquery(beds[:1]), living=Subquery(living[:1]), visits=Subquery(visits.values("state")[:1]))


@dataclass
class House:
    """One house as its page shows it."""

    row: Institution
    beds: list[dict[str, Any]]
    report: DailyReport | None
    stocks: list[SupplyStock]
    visits: list[VisitState]
    now: VisitState | None
    reports: list[DailyReport]
    dues: dict[date, ReportDue]
    contacts: list[InstitutionContact]
    events: list[dict[str, Any]]
    emergencies: list[Emergency]
    least: int
    incident: bool

    @property
    def lowest(self) -> SupplyStock | None:
        counted = [stock for stock in self.stocks if stock.days is not None]
        return min(counted, key=lambda stock: stock.days or 0, default=None)

    @property
    def living(self) -> int:
        return sum(int(bed["living"]) for bed in self.beds)

    @property
    def capacity(self) -> int:
        return sum(bed["beds"] for bed in self.beds)


def event_words(what: str) -> str:
    return {
        "registered": _("登记机构"), "changed": _("变更资料"), "beds": _("核定床位"), "account": _("登记收款账户"), "clerk": _("指定填报员"),
        "clerk_released": _("解除填报员"), "contact": _("登记联系人"), "contact_ended": _("撤销联系人"), "room": _("设置隔离观察室"), "admitted": _("办理入住"),
        "left": _("办理离院"), "died": _("报告去世"), "isolated": _("开始隔离观察"), "isolation_ended": _("解除隔离观察"), "staff_added": _("人员到岗"),
        "staff_ended": _("人员离岗"), "corrected": _("更正日报"), "visits": _("调整探视管理"), "dealt": _("处置突发情况"),
    }.get(what, what)  # fmt: skip


def house(row: Institution, on: date) -> House:
    """The page of one house. A bounded number of queries."""
    living = dict(Resident.objects.filter(institution=row, ends__isnull=True).values_list("bed").annotate(Count("pk")).order_by())
    capacities = dict(row.capacities.values_list("kind", "beds"))
    beds = [
        {"kind": label, "beds": capacities.get(value, 0), "living": living.get(value, 0), "free": capacities.get(value, 0) - living.get(value, 0)}
        for value, label in Bed.choices
        if value in capacities or value in living
    ]
    reports = list(DailyReport.objects.filter(institution=row, superseded_at__isnull=True, on__lte=on).order_by("-on")[:14])
    visits = list(row.visit_states.select_related("made_by").order_by("-starts")[:10])
    return House(
        row=row, beds=beds, report=reports[0] if reports else None, stocks=stocks_of(row), visits=visits,
        now=next((each for each in visits if each.starts <= on and (each.ends is None or each.ends > on)), None), reports=reports,
        dues={due.on: due for due in ReportDue.objects.filter(institution=row, on__lte=on, on__gt=on - timedelta(days=14))},
        contacts=list(row.contacts.filter(ended_at__isnull=True).order_by("role", "name")),
        events=[
            {"at": each.at, "title": event_words(each.what), "who": each.account.name if each.account else "", "note": each.note}
            for each in row.events.select_related("account").order_by("-pk")[:10]
        ],
        emergencies=in_force(row.area, on), least=int(get_setting(procedures.SUPPLY_DAYS, row.area, on)),
        incident=Todo.objects.filter(subject="institution", subject_id=row.pk, kind="institutions.incident", done_at__isnull=True).exists(),
    )  # fmt: skip


def stocks_of(row: Institution) -> list[SupplyStock]:
    """What the house keeps, what runs out first on top."""
    rows = list(SupplyStock.objects.filter(institution=row, item__ended_on__isnull=True).select_related("item"))
    return sorted(rows, key=lambda stock: (stock.days is None, stock.days or 0, stock.item.order))


def revisions(row: Institution, on: date) -> list[DailyReport]:
    """All reports of a day, the newest first, with their supplies."""
    return list(DailyReport.objects.filter(institution=row, on=on).select_related("made_by").prefetch_related("supplies__item").order_by("-revision"))


def compared(rows: list[DailyReport]) -> list[dict[str, Any]]:
    """Figure by figure over the revisions of a day, the newest first; `changed` marks what a correction changed."""
    lines = []
    for figure in FIGURES:
        values = [getattr(row, figure.name) for row in rows]
        lines.append({"label": figure.label, "values": values, "changed": len(set(values)) > 1})
    return lines


SUPPORT = (Programme.TEKUN, Programme.ORPHAN, Programme.UNSUPPORTED_CHILD)


def residents(house: Institution, on: date) -> QuerySet[Resident]:
    """Stays in a house, each with its isolation room and the award for living that the person holds on a day."""
    running = BenefitStatus.objects.running(on).filter(person_id=OuterRef("person_id"), programme__in=SUPPORT, state=BenefitStatus.State.ACTIVE)
    held = running.order_by("-starts")
    apart = IsolationStay.objects.filter(resident=OuterRef("pk"), ended_at__isnull=True)
    return (
        Resident.objects.filter(institution=house)
        .select_related("institution")
        .annotate(
            isolated=Subquery(apart.values("room__name")[:1]), programme=Subquery(held.values("programme")[:1]), award=Subquery(held.values("award_id")[:1]),
        )
        .annotate(paid_to=Subquery(Award.objects.filter(pk=OuterRef("award")).values("account")[:1]))
    )  # fmt: skip


def support_words(row: Any) -> tuple[str, str]:
    """(programme in words, what to check) of a row of `residents`.

    Money for people in an institution goes to the institution (救助供养金拨付至供养机构): an award that pays another account is to be checked.
    """
    if not row.programme or row.ends is not None:
        return "", ""
    paid_here = row.institution.account is not None and row.paid_to == row.institution.account
    return str(Programme(row.programme).label), "" if paid_here else _("领款人不是本机构")


def support_of(row: Resident, on: date) -> tuple[str, str]:
    """The same of one stay."""
    return support_words(residents(row.institution, on).get(pk=row.pk))


def person_panel(request: Any, person: Person) -> dict[str, Any] | None:
    """Where a person lives or lived, on the person's page."""
    stays = list(Resident.objects.filter(person_id=person.pk).select_related("institution").order_by("-starts")[:5])
    return {"stays": stays} if stays else None


def my_houses() -> list[Institution]:
    """The houses for which the acting clerk reports."""
    return list(Institution.objects.filter(clerks__account_id=scopes.current().account_id, clerks__ended_at__isnull=True).order_by("name")[:50])


def clerks_to_appoint(row: Institution, on: date) -> list[tuple[int, str]]:
    """Accounts posted as institution clerk where the house lies."""
    posted = Posting.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), duty=Duty.INSTITUTION_CLERK, starts__lte=on, account__is_active=True)
    found = {p.account_id: p.account.name for p in posted.select_related("account")[:500] if row.area.startswith(p.area)}
    taken = set(row.clerks.filter(ended_at__isnull=True).values_list("account_id", flat=True))
    return [(pk, name) for pk, name in found.items() if pk not in taken]


def emergency_effect(emergency: Emergency, on: date) -> str:
    """What a declared emergency asks of institutions where it was declared."""
    value = settings_at(procedures.PREFIX, emergency.area, on)
    words = {"days": int(value(procedures.EMERGENCY_DAYS)), "hour": int(value(procedures.DUE_HOUR))}
    if words["days"] == 1:
        return _("养老、福利机构和救助管理站每日 %(hour)s 点前上报") % words
    return _("养老、福利机构和救助管理站每 %(days)s 天 %(hour)s 点前上报一次") % words


def dashboard_card(request: Any) -> dict[str, Any] | None:
    """Figures of today for the workbench; nothing where no house is. On a day without a report yet the residents are those of the last day that has one."""
    today = timezone.localdate()
    lines, total = by_kind(today)
    if not lines:
        return None
    found: dict[str, Any] = {"total": total | {"missing": total["owed"] - total["reported"]}, "told": total["told"], "residents": total["residents"], "day": None}
    if not total["told"] and (day := last_told(today)):
        before = by_kind(day)[1]
        found |= {"told": before["told"], "residents": before["residents"], "day": day}
    return found


def last_told(before: date) -> date | None:
    """The last day of the month before a day on which a running house of the scope reported."""
    rows = DailyReport.objects.filter(superseded_at__isnull=True, on__lt=before, on__gte=before - timedelta(days=31), institution__state=Institution.State.RUNNING)
    found: date | None = rows.aggregate(on=Max("on"))["on"]
    return found


def rhythm_words(area: str, on: date) -> dict[str, int]:
    value = settings_at(procedures.PREFIX, area, on)
    return {
        "hour": int(value(procedures.DUE_HOUR)), "remind": int(value(procedures.REMIND_MINUTES)), "county": int(value(procedures.COUNTY_MINUTES)),
        "city": int(value(procedures.CITY_DAYS)),
    }  # fmt: skip
