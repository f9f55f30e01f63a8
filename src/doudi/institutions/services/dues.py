"""Who owes a report today, who is reminded, and who is told when none comes: the clerk, the county, the city."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core.models import Duty, EmergencyPlace
from doudi.core.models.divisions import ancestors
from doudi.core.services.messages import send_messages
from doudi.core.services.todos import raise_todos
from doudi.core.workdays import is_working_day
from doudi.institutions import procedures
from doudi.institutions.models import DailyReport, Institution, ReportDue
from doudi.institutions.services.base import today_of
from doudi.institutions.services.risk import refresh_risk
from doudi.institutions.services.settings import settings_on

Why = ReportDue.Why
# Who is asked after the hour of the day has time until then.
ASKED_LATE = timedelta(hours=2)
LAST_HOUR = 22

def missed_of(due: str) -> str:
    """SQL: how many reports were missed in a row up to and with the due of that alias. A late report closes its day."""
    return (
        f"(select count(*) from institutions_reportdue m where m.institution_id = {due}.institution_id and m.\"on\" <= {due}.\"on\" and m.reported_at is null"
        f" and m.\"on\" > coalesce((select max(r.\"on\") from institutions_reportdue r where r.institution_id = {due}.institution_id"
        f" and r.\"on\" < {due}.\"on\" and r.reported_at is not null), '-infinity'))"
    )


MISSED = missed_of("d")
CLERKS = (
    " from institutions_reportdue d join institutions_institution i on i.id = d.institution_id"
    " join institutions_institutionclerk c on c.institution_id = d.institution_id and c.ended_at is null"
    " join core_posting p on p.account_id = c.account_id and p.duty = 'institution_clerk' and p.starts <= d.\"on\" and (p.ends is null or p.ends > d.\"on\")"
    " and starts_with(d.area, p.area)"
)
ASK = (
    "select distinct on (c.id) d.area, 'institution_clerk', 'institutions.report', '机构日报还没有上报：' || i.name || '（' || d.\"on\" || '）',"
    " '/institutions/' || i.id || '/report/', 'institution_clerk', c.id, d.\"on\", p.id" + CLERKS + " where d.id = any(%s) order by c.id, p.id"
)
TELL = (
    "select distinct on (c.id) d.area, c.account_id, 'due:' || d.id || ':' || %(mark)s, jsonb_build_object('house', i.name, 'day', to_char(d.\"on\", 'MM-DD')),"
    " '/institutions/' || i.id || '/report/'" + CLERKS + " where d.id = any(%(ids)s) order by c.id, p.id"
)
# at the house's own place: whoever reports for it can see the to-do, and so finish it
ABOVE = (
    "select d.area, %s::text, 'institutions.unreported', '机构未上报：' || i.name || '，连续 ' || " + MISSED + " || ' 次',"
    " '/institutions/reports/', 'institution', i.id, d.\"on\""
    " from institutions_reportdue d join institutions_institution i on i.id = d.institution_id where d.id = any(%s)"
)


def weekly_due(on: date, weekday: int) -> bool:
    """Whether the weekly report falls on a day: the weekday itself, or the first working day after it where it is none."""
    if not is_working_day(on):
        return False
    day = on
    while day.isoweekday() != weekday:
        day -= timedelta(days=1)
        if is_working_day(day):
            return False
    return True


def rhythm(on: date) -> Any:
    """area -> why a report is owed on a day, or None. Two queries for all places."""
    value = settings_on(on)
    places = EmergencyPlace.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), active=True, starts__lte=on)
    begun: dict[str, date] = {}
    for area, starts in places.values_list("area", "starts"):
        begun[area] = min(starts, begun.get(area, starts))

    def owed(area: str) -> str | None:
        since = min((begun[place] for place in ancestors(area) if place in begun), default=None)
        if since is not None:
            return Why.EMERGENCY if (on - since).days % value(procedures.EMERGENCY_DAYS, area) == 0 else None
        return Why.ORDINARY if weekly_due(on, value(procedures.WEEKDAY, area)) else None

    return owed


@transaction.atomic
def open_dues(*, on: date, now: datetime) -> int:
    """Write down which houses within the scope owe a report today and by when; the number that are new. Safe to run again."""
    duties.require("institutions.remind")
    there = set(ReportDue.objects.filter(on=on).values_list("institution_id", flat=True))
    houses = Institution.objects.filter(state=Institution.State.RUNNING).exclude(pk__in=there).values_list("id", "area")
    owed, value, china = rhythm(on), settings_on(on), timezone.get_default_timezone()
    late = timezone.localtime(now) if today_of(now) == on else None
    if late is not None and late.hour >= LAST_HOUR:
        return 0
    found = [(house, area, why) for house, area in houses if (why := owed(area))]
    reported = dict(DailyReport.objects.filter(on=on, institution_id__in=[house for house, _a, _w in found], revision=1).values_list("institution_id", "made_at"))
    rows = []
    for house, area, why in found:
        due = datetime.combine(on, time(value(procedures.DUE_HOUR, area)), china)
        if late is not None and late > due:
            due = now + ASKED_LATE
        rows.append(ReportDue(institution_id=house, area=area, on=on, due_at=due, why=why, reported_at=reported.get(house)))
    ReportDue.objects.bulk_create(rows, ignore_conflicts=True, batch_size=2_000)
    return len(rows)


@transaction.atomic
def watch(*, on: date, now: datetime) -> dict[str, int]:
    """Remind clerks, tell counties and cities of reports of a day that have not come. Each is told once. Set-based."""
    duties.require("institutions.remind")
    value, told = settings_on(on), {"reminded": 0, "county": 0, "city": 0}
    rows = list(ReportDue.objects.select_for_update(skip_locked=True, of=("self",)).filter(on=on, reported_at__isnull=True, due_at__lte=now))

    def ripe(row: ReportDue, parameter: str) -> bool:
        return now >= row.due_at + timedelta(minutes=value(parameter, row.area))

    remind = [row.pk for row in rows if row.reminded_at is None and ripe(row, procedures.REMIND_MINUTES)]
    if remind:
        _remind(remind, "auto", now)
        told["reminded"] = len(remind)
    county = [row.pk for row in rows if row.county_at is None and ripe(row, procedures.COUNTY_MINUTES)]
    if county:
        raise_todos(ABOVE, [Duty.COUNTY_REVIEWER, county], now=now)
        ReportDue.objects.filter(pk__in=county).update(county_at=now)
        told["county"] = len(county)
    late = {row.pk: row.area for row in rows if row.city_at is None and ripe(row, procedures.COUNTY_MINUTES)}
    missed = _missed(list(late))
    city = [pk for pk, area in late.items() if missed[pk] >= value(procedures.CITY_DAYS, area)]
    if city:
        raise_todos(ABOVE, [Duty.SUPERVISOR, city], now=now)
        ReportDue.objects.filter(pk__in=city).update(city_at=now)
        told["city"] = len(city)
    return told


def _missed(ids: list[int]) -> dict[int, int]:
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(f"select d.id, {MISSED} from institutions_reportdue d where d.id = any(%s)", [ids])
        return dict(cursor.fetchall())


def _remind(ids: list[int], mark: str, now: datetime) -> None:
    raise_todos(ASK, [ids], now=now, for_postings=True)
    send_messages(TELL, {"ids": ids, "mark": mark}, template="institution.remind", now=now)
    ReportDue.objects.filter(pk__in=ids).update(reminded_at=now)


@transaction.atomic
def remind(*, due_ids: Sequence[int], now: datetime) -> int:
    """An officer reminds the clerks of houses that have not reported; the number of houses. Within a minute twice is once."""
    duties.require("institutions.remind")
    rows = list(ReportDue.objects.select_for_update(of=("self",)).filter(pk__in=due_ids, reported_at__isnull=True, on=today_of(now)).order_by("pk"))
    if not rows:
        raise ValidationError(_("这些机构今天都已上报；请刷新页面。"), code="stale")
    _remind([row.pk for row in rows], f"{now:%H%M}", now)
    return len(rows)


@transaction.atomic
def new_day(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """The daily job of a county: who owes a report today, and who is at risk by what the day itself changes."""
    duties.require("institutions.remind")
    return {"owed": open_dues(on=on, now=now), "changed": refresh_risk(on=on)}
