"""Reads of the hotline's pages: who and what is known while the operator types, the queue, calls owed, quality."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, Max, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.core import numbers, places
from doudi.core.measures import Numbers
from doudi.core.models import Duty, Posting
from doudi.core.numbers import Kind
from doudi.discovery.clocks import deadlines
from doudi.discovery.models import Call, CallBack, Lead
from doudi.registry.models import BenefitStatus, Membership, Person
from doudi.registry.queries import programme_words

MOST = 4
IN_TIME = 15  # seconds within which a call should be answered


def phone_token(text: str) -> UUID | None:
    """Token of a phone that is complete; None for anything else."""
    try:
        return numbers.token_of(Kind.PHONE, idnumber.check_phone(text)) if text.strip() else None
    except ValueError:
        return None


def known_people(*, phone: UUID | None, name: str, area: str, age: int | None, on: date) -> list[dict[str, Any]]:
    """People of the scope who may be the one concerned, best first, masked: same phone, or same name (in the place, of that age)."""
    name = re.sub(r"\s+", "", name)
    wanted = Q()
    if phone:
        wanted |= Q(phone=phone)
    if len(name) >= 2:
        same = Q(name=name)
        if area:
            same &= Q(area__gte=area, area__lt=area + ":")
        wanted |= same
    if not wanted:
        return []
    found = list(Person.objects.filter(wanted, died_on__isnull=True).order_by("id")[:30])
    scored = sorted(found, key=lambda person: -_fit(person, phone, name, area, age, on))[:MOST]
    ids = [person.pk for person in scored]
    running: dict[int, list[str]] = {}
    for person_id, programme in BenefitStatus.objects.running(on).filter(person__in=ids).values_list("person_id", "programme"):
        running.setdefault(person_id, []).append(programme)
    households = dict(Membership.objects.filter(person__in=ids, ends__isnull=True).values_list("person_id", "household_id"))
    places.preload(person.area for person in scored)
    return [
        {
            "person": person,
            "masked": idnumber.mask_name(person.name),
            "sex": person.get_sex_display(),
            "age": _age(person.birth_date, on),
            "benefits": programme_words(sorted(set(running.get(person.pk, [])))),
            "household_id": households.get(person.pk),
            "why": [
                *([_("号码一致")] if phone and person.phone == phone else []),
                *([_("姓名一致")] if name and person.name == name else []),
                *([_("同村")] if area and person.area == area else []),
            ],
        }
        for person in scored
    ]


def _age(born: date | None, on: date) -> int | None:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day)) if born else None


def _fit(person: Person, phone: UUID | None, name: str, area: str, age: int | None, on: date) -> int:
    years = _age(person.birth_date, on)
    near = age is not None and years is not None and abs(years - age) <= 3
    return 4 * (phone is not None and person.phone == phone) + 3 * (person.name == name) + 2 * (bool(area) and person.area == area) + 2 * near


def open_leads(*, phone: UUID | None, people: list[int], today: date) -> list[dict[str, Any]]:
    """Open leads of the same phone (of the person, or of an earlier caller) or of the people found."""
    if not phone and not people:
        return []
    wanted = Q(person__in=people)
    if phone:
        wanted |= Q(subject_phone=phone) | Q(pk__in=Call.objects.filter(caller_phone=phone, lead__isnull=False).values("lead_id"))
    rows = Lead.objects.filter(wanted, state__in=Lead.OPEN, merged_into__isnull=True).select_related("person").order_by("contact_due")[:MOST]
    return [
        {
            "lead": lead,
            "masked": idnumber.mask_name(lead.shown_name) if lead.shown_name else _("未留姓名"),
            "late": max((today - lead.contact_due).days, 0) if lead.contact_due and lead.contacted_at is None else 0,
        }
        for lead in rows
    ]


def earlier_calls(*, phone: UUID | None, now: datetime) -> int:
    """Calls of this number in the last 30 days."""
    return Call.objects.filter(caller_phone=phone, rang_at__gte=now - timedelta(days=30)).count() if phone else 0


def contacts(area: str, on: date) -> list[dict[str, str]]:
    """Who is responsible at a village or township: postings that hold, the nearest first."""
    if len(area) < 9:
        return []
    duties = (Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.TOWNSHIP_OFFICER, Duty.CHILD_SUPERVISOR)
    rows = Posting.objects.filter(area__in={area, area[:9]}, duty__in=duties, starts__lte=on).filter(Q(ends__isnull=True) | Q(ends__gt=on))
    found = rows.select_related("account").order_by("-area", "duty", "id")[:8]
    return [{"name": row.account.name, "duty": str(Duty(row.duty).label), "place": places.name(row.area)} for row in found]


def routing(area: str, urgency: str, on: date) -> dict[str, Any] | None:
    """Who gets a lead of this place and by when the first contact is due; None while place or urgency is open."""
    if len(area) < 6 or urgency not in Lead.Urgency.values:
        return None
    holders = Posting.objects.filter(area=area, duty=Duty.VISITOR, starts__lte=on).filter(Q(ends__isnull=True) | Q(ends__gt=on))
    visitor = holders.select_related("account").order_by("starts", "id").first() if len(area) == 12 else None
    whom = f"{places.name(area)}走访员 {visitor.account.name}" if visitor else f"{places.name(area[:9])}经办人"
    return {"whom": whom, "contact": deadlines(urgency, on, area).contact}


def waiting() -> QuerySet[Call]:
    """The queue, the longest waiting first."""
    return Call.objects.filter(state=Call.State.RINGING).order_by("rang_at")


def owed() -> QuerySet[CallBack]:
    return CallBack.objects.filter(done_at__isnull=True).select_related("call")


def call_of_centre(*, desk_area: str, external: str) -> Call | None:
    """The call that a call centre knows by its own number."""
    return Call.objects.filter(desk__area=desk_area, external=external).first()


def call_back_due(call: Call) -> datetime | None:
    """By when somebody owes this caller a call; None where nobody does."""
    return CallBack.objects.filter(call=call, done_at__isnull=True).order_by("due_at").values_list("due_at", flat=True).first()


def to_ask() -> QuerySet[Call]:
    """Calls whose lead is closed and whose caller was not asked yet how satisfied (or did not answer, less than three times)."""
    return (
        Call.objects.filter(lead__closed_at__isnull=False, satisfaction__isnull=True, asked__lt=3, caller_phone__isnull=False)
        .select_related("lead")
        .order_by("lead__closed_at")
    )


def counters(*, account_id: int | None, now: datetime) -> dict[str, Any]:
    """The clocks on top of the intake page; three queries."""
    start = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    today = Call.objects.filter(rang_at__gte=start)
    quick = Q(answered_at__isnull=False, answered_at__lte=F("rang_at") + timedelta(seconds=IN_TIME))
    calls = today.aggregate(
        all=Count("id"),
        missed=Count("id", filter=Q(state=Call.State.MISSED)),
        quick=Count("id", filter=quick),
        mine=Count("id", filter=Q(operator_id=account_id) & ~Q(outcome="")),
        ringing=Count("id", filter=Q(state=Call.State.RINGING)),
        latest=Max("rang_at"),
    )
    leads = Lead.objects.filter(channel="hotline", merged_into__isnull=True, state__in=Lead.UNCONTACTED).aggregate(
        waiting=Count("id"), late=Count("id", filter=Q(contact_due__lt=timezone.localdate(now)))
    )
    return {**calls, **leads, "owed": owed().count()}


QUALITY = """
with calls as (
  select c.*, d.name as desk_name, l.contacted_at, l.verified_at, l.verify_due, l.closed_at, l.signal_at
  from discovery_call c join discovery_hotlinedesk d on d.id = c.desk_id left join discovery_lead l on l.id = c.lead_id
  where c.rang_at >= %(first)s and c.rang_at < %(last)s and c.state <> 'ringing'
)
select desk_id, desk_name, count(*) as calls,
  count(*) filter (where answered_at is not null) as answered,
  count(*) filter (where answered_at <= rang_at + make_interval(secs => %(quick)s)) as quick,
  percentile_cont(array[0.5, 0.9]) within group (order by extract(epoch from answered_at - rang_at)) filter (where answered_at is not null) as wait,
  count(*) filter (where outcome = 'lead') as leads,
  percentile_cont(array[0.5, 0.9]) within group (order by extract(epoch from contacted_at - rang_at) / 3600)
    filter (where outcome = 'lead' and contacted_at >= rang_at) as contact,
  count(*) filter (where outcome = 'lead' and verified_at is not null and verified_at::date <= verify_due) as in_time,
  count(*) filter (where outcome = 'lead' and (verified_at is not null or verify_due < %(today)s)) as due,
  count(*) filter (where repeat_of_id is not null) as repeated,
  avg(satisfaction)::float8 as satisfaction, count(satisfaction) as asked
from calls group by grouping sets ((desk_id, desk_name), ()) having count(*) > 0 order by desk_name nulls last
"""


def quality(*, first: date, last: date, today: date) -> list[dict[str, Any]]:
    """Figures by desk from a day to a day (that day included), and of all desks in the last row; one statement."""
    begin = timezone.make_aware(datetime.combine(first, datetime.min.time()))
    end = timezone.make_aware(datetime.combine(last, datetime.min.time())) + timedelta(days=1)
    with connection.cursor() as cursor:
        cursor.execute(QUALITY, {"first": begin, "last": end, "quick": IN_TIME, "today": today})
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for row in rows:
        row["wait_50"], row["wait_90"] = row["wait"] or (None, None)
        row["contact_50"], row["contact_90"] = row["contact"] or (None, None)
        row["label"] = row["desk_name"] or _("合计")
        for part, whole in (("answered", "calls"), ("quick", "calls"), ("in_time", "due"), ("repeated", "calls")):
            row[f"{part}_share"] = row[part] / row[whole] if row[whole] else None
    return rows if len(rows) != 2 else rows[:1]


def registered() -> QuerySet[Call]:
    """1.4: calls registered."""
    return Call.objects.filter(state=Call.State.DONE)


def hotline_figure(numbers: Numbers) -> tuple[int, str]:
    return int(numbers["n"]), _("通来电")
