"""Visit plans (走访计划, measures 1.7, 7.3) and the visits they make due: set-based, safe to repeat.

households of the planned groups -> the densest group's day for each -> visits of households that owe none; open visits whose day is
nearer now (a denser plan, an emergency) move up; open visits of households that left all groups end -> missed ones are marked and go up
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Q, Value
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty, Setting
from doudi.core.models.divisions import ancestors
from doudi.core.plans import at_once
from doudi.core.settings_overlay import get_setting
from doudi.core.workdays import add_working_days, is_working_day
from doudi.discovery.models.visits import CHILDREN, Group, Unit, VisitPlan
from doudi.discovery.services.telling import tell_missed, tell_raised
from doudi.discovery.services.visit_todos import tell_visits

NOTICE = "procedure.visit.notice_days"
PATIENCE = "procedure.visit.escalate_days"

# Density where no place has set one: (ordinary, while an emergency holds). Not verified against a document: places set their own.
DEFAULTS: dict[str, tuple[tuple[int, str], tuple[int, str]]] = {
    Group.TEKUN: ((1, Unit.WEEK), (2, Unit.DAY)),
    Group.ALONE: ((1, Unit.WEEK), (2, Unit.DAY)),
    Group.UNSUPPORTED: ((1, Unit.MONTH), (1, Unit.WEEK)),
    Group.ORPHAN: ((1, Unit.MONTH), (1, Unit.WEEK)),
    Group.LEFT_BEHIND: ((1, Unit.MONTH), (1, Unit.WEEK)),
    Group.DISABLED: ((1, Unit.MONTH), (1, Unit.WEEK)),
    Group.ILL: ((1, Unit.MONTH), (3, Unit.DAY)),
    Group.LISTED: ((1, Unit.MONTH), (1, Unit.WEEK)),
    Group.DIBAO: ((3, Unit.MONTH), (2, Unit.WEEK)),
    Group.MARGINAL: ((6, Unit.MONTH), (1, Unit.MONTH)),
}
MOST = {Unit.DAY: 366, Unit.WEEK: 52, Unit.MONTH: 12}


@dataclass(frozen=True)
class Density:
    """How often a group is visited at a place, and which plan says so (None: the default)."""

    area: str
    group: str
    every: int
    unit: str
    emergency_every: int
    emergency_unit: str
    plan: VisitPlan | None = None

    def interval(self, *, emergency: bool) -> str | None:
        """As PostgreSQL reads an interval; None where the group is not visited."""
        every, unit = (self.emergency_every, self.emergency_unit) if emergency and self.emergency_every else (self.every, self.unit)
        return f"{every} {unit}" if every else None


def set_plan(
    *, area: str, group: str, starts: date, every: int, unit: str, emergency_every: int, emergency_unit: str, document: str = "",
    ends: date | None = None, now: datetime,
) -> VisitPlan:  # fmt: skip
    """Set how often a group is visited at a place from a day on (`ends`: until the day before); the plan that says the same already is given back.

    `every` 0: not visited (any more). Raises ValidationError by field.
    """
    scope = duties.require("visits.plan")
    if group not in Group.values:
        raise ValidationError({"group": _("没有这类走访对象；请在列表中选择。")})
    if len(area) not in (2, 4, 6, 9, 12) or not scope.covers(area):
        raise ValidationError({"area": _("“适用地区”不在您的管辖范围内；请重新选择。")})
    if starts < timezone.localdate(now):
        raise ValidationError({"starts": _("“起始日期”不能早于今天：已经过去的走访不改期。")})
    if ends is not None and ends <= starts:
        raise ValidationError({"ends": _("“结束日期”应晚于起始日期。")})
    for field, number, size in (("every", every, unit), ("emergency_every", emergency_every, emergency_unit)):
        if size not in Unit.values or not 0 <= number <= MOST[Unit(size)]:
            raise ValidationError({field: _("走访间隔应为 0 至 366 天、52 周或 12 个月；0 表示不安排。")})
    wanted = {
        "area": area, "group": group, "starts": starts, "every": every, "unit": unit, "emergency_every": emergency_every,
        "emergency_unit": emergency_unit, "document": document.strip()[:200], "ends": ends,
    }  # fmt: skip
    newest = VisitPlan.objects.filter(area=area, group=group, starts=starts).order_by("-id").first()
    if newest is not None and all(getattr(newest, name) == value for name, value in wanted.items()):
        return newest
    made = VisitPlan.objects.create(**wanted, made_by_id=scope.account_id, made_at=now)
    scopes.check_constraints()
    return made


def end_plans(*, plan_ids: Sequence[int], on: date) -> int:
    """End plans that were set for a time, on a day before theirs; what held before counts again. The number ended."""
    duties.require("visits.plan")
    ended = VisitPlan.objects.filter(pk__in=list(plan_ids), ends__gt=on).update(ends=Greatest("starts", Value(on)))
    scopes.check_constraints()
    return ended


def densities(area: str, on: date) -> list[Density]:
    """What counts at one place on a day, for every group; one query."""
    rows = VisitPlan.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), area__in=ancestors(area), starts__lte=on)
    best = {row.group: row for row in sorted(rows, key=lambda row: (len(row.area), row.starts, row.pk))}
    found = []
    for group, (plain, dense) in DEFAULTS.items():
        row = best.get(group)
        found.append(
            Density(row.area, group, row.every, row.unit, row.emergency_every, row.emergency_unit, row) if row else Density("", group, *plain, *dense)
        )
    return found


def _all_densities(area: str, on: date) -> list[Density]:
    """The plans that count somewhere at or below `area`, and the defaults; the nearest to a household is chosen in SQL."""
    rows = VisitPlan.objects.filter(Q(area__in=ancestors(area)) | Q(area__gte=area, area__lt=area + ":"), Q(ends__isnull=True) | Q(ends__gt=on), starts__lte=on)
    best = {(row.area, row.group): row for row in sorted(rows, key=lambda row: (row.starts, row.pk))}
    found = [Density("", group, *plain, *dense) for group, (plain, dense) in DEFAULTS.items()]
    found += [Density(row.area, row.group, row.every, row.unit, row.emergency_every, row.emergency_unit, row) for row in best.values()]
    return found


PLANS = "insert into visit_density select * from unnest(%s::text[], %s::text[], %s::interval[], %s::interval[])"
# Groups as the registry knows them, as CTEs: `people` (living members) and `member` (household, village, group).
# Alone: one living member, 60 or older. Left behind: under 16, and of those between 18 and 59 in the
# household at least one, and all, work away. Supplied in an institution: not visited at home.
GROUPS = """
people as materialized (
  select m.household_id, m.area, m.person_id, p.birth_date, p.residence_area
  from registry_membership m join registry_person p on p.id = m.person_id
  where m.area >= %(low)s and m.area < %(high)s and m.starts <= %(on)s and (m.ends is null or m.ends > %(on)s) and p.died_on is null
), said as materialized (
  select f.person_id, f.kind, f.number from registry_fact f
  where f.area >= %(low)s and f.area < %(high)s and f.superseded_at is null and f.person_id is not null and f.number > 0
    and f.kind in ('disability', 'serious_illness', 'special_difficulty', 'orphan', 'de_facto_unsupported_child', 'works_away', 'in_institution')
), housed as (
  select * from people p where not exists (select from said s where s.person_id = p.person_id and s.kind = 'in_institution')
), member as (
  select p.household_id, p.area, case b.programme when 'dibao' then 'dibao' when 'dibao_single' then 'dibao' when 'tekun' then 'tekun'
    when 'marginal' then 'marginal' when 'orphan' then 'orphan' when 'unsupported_child' then 'unsupported' end as grp
  from registry_benefitstatus b join housed p using (person_id)
  where b.area >= %(low)s and b.area < %(high)s and b.state in ('active', 'suspended') and b.starts <= %(on)s and (b.ends is null or b.ends > %(on)s)
    and b.programme in ('dibao', 'dibao_single', 'tekun', 'marginal', 'orphan', 'unsupported_child')
  union
  select p.household_id, p.area, case s.kind when 'disability' then 'disabled' when 'serious_illness' then 'ill' when 'special_difficulty' then 'listed'
    when 'orphan' then 'orphan' when 'de_facto_unsupported_child' then 'unsupported' end
  from said s join housed p using (person_id)
  where s.kind not in ('works_away', 'in_institution') and (s.kind <> 'disability' or s.number <= 2)
  union
  select household_id, area, 'alone' from housed group by 1, 2 having count(*) = 1 and max(birth_date) <= %(on)s::date - interval '60 years'
  union
  select p.household_id, p.area, 'left_behind' from people p left join said s on s.person_id = p.person_id and s.kind = 'works_away'
  group by 1, 2 having bool_or(p.birth_date > %(on)s::date - interval '16 years')
    and bool_or(s.person_id is not null and p.birth_date <= %(on)s::date - interval '18 years')
    and bool_and(s.person_id is not null or p.birth_date > %(on)s::date - interval '18 years' or p.birth_date <= %(on)s::date - interval '60 years')
)
"""
WANTED = f"""
insert into visit_wanted (household_id, area, groups, due, urgent)
with emergency as materialized (
  select distinct area from doudi.emergencies_on(%(on)s::date)
), {GROUPS}, planned as (
  select m.household_id, m.area, m.grp, d.ordinary, d.dense, e.area is not null and d.dense is distinct from d.ordinary as urgent
  from member m
  join lateral (select ordinary, dense from visit_density d where d.grp = m.grp and starts_with(m.area, d.area) order by length(d.area) desc limit 1) d on true
  left join lateral (select area from emergency e where starts_with(m.area, e.area) limit 1) e on true
), before as (
  select household_id, max((closed_at at time zone 'Asia/Shanghai')::date) filter (where state = 'cancelled') as cancelled,
    max((done_at at time zone 'Asia/Shanghai')::date) filter (where state in ('done', 'refused')) as done
  from discovery_visit where area >= %(low)s and area < %(high)s and state in ('done', 'refused', 'cancelled') and closed_at > %(on)s::date - interval '400 days'
  group by 1
), days as (
  select p.household_id, p.area, p.grp, p.urgent, greatest(b.done, b.cancelled) as base, n.notice,
    case when p.urgent then p.dense else p.ordinary end as step
  from planned p left join before b using (household_id)
  join lateral (select notice from unnest(%(areas)s::text[], %(notices)s::int[]) n (area, notice) where starts_with(p.area, n.area)
                order by length(n.area) desc limit 1) n on true
  where case when p.urgent then p.dense else p.ordinary end is not null
), due as (
  select household_id, area, grp, urgent, case when base is null
      then least((%(on)s::date + step)::date, %(on)s::date + notice + (household_id %% ((%(on)s::date + step)::date - %(on)s::date))::int)
      else greatest((base + step)::date, %(on)s::date + least(notice, (%(on)s::date + step)::date - %(on)s::date)) end as due
  from days
)
select household_id, area, array_agg(grp order by due, grp), min(due), (array_agg(urgent order by due, grp))[1] from due group by 1, 2
"""
MAKE = """
insert into discovery_visit (area, household_id, origin, groups, due, urgent, posting_id, state, version, absences, escalated, made_at, paper, met, living,
                             needs, health, income, witness, reason)
select w.area, w.household_id, 'plan', w.groups, w.due, w.urgent, null, 'due', 1, 0, 0, %(now)s, false, '', '', '{}', '', '', '', ''
from visit_wanted w where not exists (select from discovery_visit v where v.household_id = w.household_id and v.state in ('due', 'missed'))
order by w.household_id
on conflict (household_id) where state in ('due', 'missed') do nothing
"""
NEARER = """
update discovery_visit v set due = least(v.due, w.due), urgent = case when w.due < v.due then w.urgent else v.urgent end, groups = w.groups
from visit_wanted w where w.household_id = v.household_id and v.state = 'due' and (w.due < v.due or v.groups <> w.groups)
returning v.due = w.due
"""
# The registry says that nobody there is to be visited any more.
LEFT = """
update discovery_visit v set state = 'cancelled', closed_at = %(now)s, version = version + 1
where v.state in ('due', 'missed') and v.origin = 'plan' and v.area >= %(low)s and v.area < %(high)s
  and not exists (select from visit_wanted w where w.household_id = v.household_id)
"""
# Visitors of a village take turns by household; households on the list for a child alone are the child director's, where there is one. `v`: what is dealt out.
TURNS = """
with held as (
  select area, array_agg(id order by starts, id) filter (where duty = %(visitor)s) as visitors,
    array_agg(id order by starts, id) filter (where duty = %(children)s) as directors
  from core_posting where duty in (%(visitor)s, %(children)s) and length(area) = 12 and area >= %(low)s and area < %(high)s
    and starts <= %(on)s and (ends is null or ends > %(on)s) group by area
), chosen as (
  select v.id, case when v.groups <@ %(minors)s::varchar[] and v.groups <> '{}' and h.directors is not null
      then h.directors[1 + v.household_id %% cardinality(h.directors)]
      else h.visitors[1 + v.household_id %% cardinality(h.visitors)] end as posting_id
"""
STAFF = (
    TURNS
    + """
  from discovery_visit v left join held h using (area) left join core_posting p on p.id = v.posting_id
  where v.state in ('due', 'missed') and v.area >= %(low)s and v.area < %(high)s
    and (p.id is null or p.starts > %(on)s or p.ends <= %(on)s or not starts_with(v.area, p.area))
)
update discovery_visit v set posting_id = c.posting_id from chosen c where c.id = v.id and v.posting_id is distinct from c.posting_id
"""
)
MISSED = """
update discovery_visit set state = 'missed', missed_on = %(on)s
where state = 'due' and due < %(on)s and area >= %(low)s and area < %(high)s
"""
# One to-do a village for its township; then one a township for the county, one a county for the city.
ESCALATE = """
with late as (
  select v.id, v.area, v.escalated + 1 as level from discovery_visit v
  join lateral (select p.before from unnest(%(areas)s::text[], %(befores)s::date[]) p (area, before) where starts_with(v.area, p.area)
                order by length(p.area) desc limit 1) patience on true
  where v.state = 'missed' and v.escalated < 3 and v.area >= %(low)s and v.area < %(high)s and (v.escalated = 0 or v.escalated_on <= patience.before)
  order by v.id for no key update of v
), raised as (
  update discovery_visit v set escalated = late.level, escalated_on = %(on)s from late where late.id = v.id
), places as (
  select distinct level, left(area, (array[12, 9, 6])[level]) as place from late
), told as (
  insert into core_todo (area, duty, kind, title, url, subject, subject_id, due, made_at)
  select p.place, (array['township_officer', 'county_reviewer', 'supervisor'])[p.level], 'visit.missed',
    case p.level when 1 then '走访逾期：' else '督办走访逾期：' end || coalesce(d.name, p.place), '/visits/?state=missed&area=' || p.place, 'visit_place',
    p.place::bigint, %(on)s, %(now)s
  from places p left join core_division d on d.code = p.place
  on conflict (kind, subject, subject_id, duty) where done_at is null do nothing
)
select count(*) from late
"""
CAUGHT_UP = """
update core_todo t set done_at = %(now)s
where t.kind = 'visit.missed' and t.subject = 'visit_place' and t.done_at is null and t.area >= %(low)s and t.area < %(high)s
  and not exists (select from discovery_visit v where v.state = 'missed' and v.area >= t.area and v.area < t.area || ':')
"""


@dataclass(frozen=True)
class Due:
    """`made` visits newly owed, `nearer` moved up, `ended` no longer owed, `missed` newly missed, `escalated` gone up a level."""

    made: int
    nearer: int
    ended: int
    missed: int
    escalated: int


def _by_place(parameter: str, area: str, on: date) -> list[tuple[str, int]]:
    """(place, value) at `area` and at each place below with a value of its own."""
    own = Setting.objects.filter(parameter=parameter, state=Setting.State.CONFIRMED, area__gte=area, area__lt=area + ":")
    return [(place, int(get_setting(parameter, place, on))) for place in sorted({area, *own.values_list("area", flat=True)})]


def make_due(*, area: str, on: date, now: datetime) -> Due:
    """The daily round over `area`: what the plans make due on a day, who visits, what was missed. Safe to repeat; few statements, whatever the size.

    Where an emergency is in force on that day (`core.emergencies`) its density counts.
    """
    duties.require("visits.due")
    scope = scopes.current()
    low = area if scope.covers(area) else scope.area
    notices = _by_place(NOTICE, low, on)
    plans = _all_densities(low, on)
    values: dict[str, Any] = {
        "low": low, "high": low + ":", "on": on, "now": now,
        "areas": [place for place, _days in notices], "notices": [days for _place, days in notices],
        "visitor": Duty.VISITOR.value, "children": Duty.CHILD_DIRECTOR.value, "minors": [group.value for group in CHILDREN],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists pg_temp.visit_wanted, pg_temp.visit_density")
        cursor.execute(
            "create temporary table visit_wanted (household_id bigint, area text, groups varchar[], due date, urgent boolean) on commit drop"
        )
        cursor.execute("create temporary table visit_density (area text, grp text, ordinary interval, dense interval) on commit drop")
        cursor.execute(
            PLANS,
            [
                [plan.area for plan in plans], [plan.group for plan in plans],
                [plan.interval(emergency=False) for plan in plans], [plan.interval(emergency=True) for plan in plans],
            ],
        )  # fmt: skip
        cursor.execute("analyze visit_density")
        with at_once(cursor):
            cursor.execute(WANTED, values)
            cursor.execute("create index on visit_wanted (household_id)")
            cursor.execute("analyze visit_wanted")
            cursor.execute(MAKE, values)
            made = cursor.rowcount
            cursor.execute(NEARER, values)
            nearer = sum(moved for (moved,) in cursor.fetchall())
            cursor.execute(LEFT, values)
            ended = cursor.rowcount
            cursor.execute(STAFF, values)
        cursor.execute(MISSED, values)
        missed = cursor.rowcount
        escalated = 0
        if is_working_day(on):
            patience = _by_place(PATIENCE, low, on)
            befores = [add_working_days(on, -days) for _place, days in patience]
            cursor.execute(ESCALATE, values | {"areas": [place for place, _days in patience], "befores": befores})
            escalated = cursor.fetchone()[0]
        cursor.execute(CAUGHT_UP, values)
        cursor.execute("drop table pg_temp.visit_wanted, pg_temp.visit_density")
    tell_visits(place=low, now=now)
    tell_raised("visit.missed", now=now)
    tell_missed(area=low, now=now)
    scopes.check_constraints()
    return Due(made=made, nearer=nearer, ended=ended, missed=missed, escalated=escalated)
