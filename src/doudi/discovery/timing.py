"""The way from signal to help, measured (发现时效, measures 1.5): working days to contact, verification and help, in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from doudi.core import scope as scopes
from doudi.core.settings_overlay import settings_at
from doudi.core.workdays import is_working_day
from doudi.discovery.models import Lead

# step -> (label, column of its time)
STEPS: dict[str, tuple[str | Promise, str]] = {
    "contact": (_("信号到首次联系"), "contacted_at"),
    "verify": (_("信号到核实"), "verified_at"),
    "help": (_("信号到救助"), "helped_at"),
}


@dataclass(frozen=True)
class Measure:
    """One step of one group: how many took it, median and 90th percentile in working days, median in hours, share by the limit
    of those that took it or should have (None: none yet)."""

    count: int
    median: float | None
    ninety: float | None
    hours: float | None
    in_time: float | None


@dataclass(frozen=True)
class Group:
    """Leads of one urgency, channel or place: `signals` of them, and each step."""

    key: str
    signals: int
    steps: dict[str, Measure]


# Working days between two days: the difference of their ordinals among working days, so that Friday to Monday is one.
# `level` is the urgency once more: grouping blanks out the other.
MEASURE = """
with days as (select * from unnest(%(days)s::date[], %(ordinals)s::int[]) d (day, n)),
base as (
  select l.urgency, l.urgency as level, l.channel, l.state in ('new', 'assigned', 'contacted', 'verified', 'unreachable') as open,
    (select n from days where day = %(today)s) - s.n as age, left(l.area, %(length)s) as place,
    c.n - s.n as contact, v.n - s.n as verify, h.n - s.n as help,
    extract(epoch from l.contacted_at - l.signal_at) / 3600 as contact_hours, extract(epoch from l.verified_at - l.signal_at) / 3600 as verify_hours,
    extract(epoch from l.helped_at - l.signal_at) / 3600 as help_hours
  from discovery_lead l
  join days s on s.day = (l.signal_at at time zone 'Asia/Shanghai')::date
  left join days c on c.day = (l.contacted_at at time zone 'Asia/Shanghai')::date
  left join days v on v.day = (l.verified_at at time zone 'Asia/Shanghai')::date
  left join days h on h.day = (l.helped_at at time zone 'Asia/Shanghai')::date
  where l.merged_into_id is null and l.signal_at >= %(low)s and l.signal_at < %(high)s
    and l.area >= %(area)s and l.area < %(area)s || ':' and (%(urgency)s = '' or l.urgency = %(urgency)s) and (%(channel)s = '' or l.channel = %(channel)s)
)
select case when grouping(urgency) = 0 then 'urgency' when grouping(channel) = 0 then 'channel' when grouping(place) = 0 then 'place' else '' end,
  coalesce(urgency, channel, place, ''), count(*),
"""
# In time: of those that took the step or are past their limit without it (a lead that waits within its limit says nothing yet).
PART = """count({0}), percentile_cont(0.5) within group (order by {0}), percentile_cont(0.9) within group (order by {0}),
  percentile_cont(0.5) within group (order by {0}_hours),
  avg(case when {0} is not null then ({0} <= {1})::int when open and age > {1} then 0 end)"""
LIMIT = "case level when 'red' then %({0}_red)s when 'orange' then %({0}_orange)s else %({0}_yellow)s end"
SQL = MEASURE + ",\n".join(PART.format(step, LIMIT.format(step)) for step in STEPS)
SQL += "\nfrom base group by grouping sets ((), (urgency), (channel), (place)) order by 1, 2"


def limits(area: str, on: date) -> dict[tuple[str, str], int]:
    """(step, urgency) -> working days that the place allows."""
    get = settings_at("procedure.lead.", area, on)
    return {(step, urgency): int(get(f"procedure.lead.{step}_days.{urgency}")) for step in STEPS for urgency in Lead.Urgency.values}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), timezone.get_current_timezone())


def child_length(area: str) -> int:
    """Length of the codes of the divisions directly below."""
    return {2: 4, 4: 6, 6: 9}.get(len(area), 12)


def measure(*, starts: date, ends: date, today: date, area: str = "", urgency: str = "", channel: str = "") -> dict[str, list[Group]]:
    """Groups by `urgency`, `channel` and `place` (the divisions below `area`), and the whole under ``; signals from `starts` to `ends`. One query.

    The limit of each lead is that of its urgency at `area`.
    """
    place = area or scopes.current().area
    days, ordinals, n = [], [], 0
    for offset in range((max(today, ends) - starts).days + 1):
        day = starts + timedelta(days=offset)
        n += is_working_day(day)
        days.append(day)
        ordinals.append(n)
    values: dict[str, Any] = {
        "days": days, "ordinals": ordinals, "length": child_length(place), "area": place, "urgency": urgency, "channel": channel,
        "today": today, "low": _midnight(starts), "high": _midnight(ends + timedelta(days=1)),
    }  # fmt: skip
    values |= {f"{step}_{level}": value for (step, level), value in limits(place, today).items()}
    found: dict[str, list[Group]] = {"": [], "urgency": [], "channel": [], "place": []}
    with connection.cursor() as cursor:
        cursor.execute(SQL, values)
        for kind, key, signals, *rest in cursor.fetchall():
            steps = {}
            for at, step in enumerate(STEPS):
                count, *numbers = rest[at * 5 : at * 5 + 5]
                steps[step] = Measure(count, *(None if number is None else float(number) for number in numbers))
            found[kind].append(Group(key, signals, steps))
    return found


def measured_leads(*, step: str, starts: date, ends: date) -> QuerySet[Lead]:
    """The leads behind a figure: those that took the step, the slowest first."""
    column = STEPS[step][1]
    return (
        Lead.objects.filter(merged_into=None, signal_at__gte=_midnight(starts), signal_at__lt=_midnight(ends + timedelta(days=1)))
        .filter(**{f"{column}__isnull": False})
        .annotate(took=F(column) - F("signal_at"))
        .select_related("person", "household")
    )


def working_days(start: datetime, end: datetime) -> int:
    """Working days from one moment's day to another's, as the figures count them."""
    first, last = timezone.localdate(start), timezone.localdate(end)
    return sum(is_working_day(first + timedelta(days=offset)) for offset in range(1, (last - first).days + 1))
