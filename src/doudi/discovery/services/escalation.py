"""Overdue leads go up a level (督办, measures 1.5): township, county, city; one to-do each, and an event that says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Setting
from doudi.core.settings_overlay import get_setting
from doudi.core.workdays import add_working_days, is_working_day
from doudi.discovery.services.assigning import release_ended
from doudi.discovery.services.referring import urge_referrals
from doudi.discovery.services.telling import tell_raised

PARAMETER = "procedure.lead.escalate_days"

# What is late and may go up: not yet escalated, or at this level for as long as the place allows.
ESCALATE = """
with late as (
  select l.id, l.area, l.residence_area, l.state, l.number, l.contacted_at is null as uncontacted, l.contact_due, l.verify_due, l.retry_due,
    case when l.escalated > 0 then l.escalated + 1 when l.posting_id is null then 2 else 1 end as level
  from discovery_lead l
  join lateral (select p.before from unnest(%(areas)s::text[], %(befores)s::date[]) p (area, before) where starts_with(l.area, p.area)
                order by length(p.area) desc limit 1) patience on true
  where l.merged_into_id is null and l.state in ('new', 'assigned', 'unreachable', 'contacted') and l.escalated < 3
    and l.area >= %(low)s and l.area < %(high)s
    and case when l.contacted_at is not null then l.verify_due when l.state = 'unreachable' then coalesce(l.retry_due, l.contact_due)
        else l.contact_due end < %(on)s
    and (l.escalated = 0 or l.escalated_on <= patience.before)
  order by l.id for no key update of l
), raised as (
  update discovery_lead l set escalated = late.level, escalated_on = %(on)s from late where late.id = l.id
), told as (
  insert into discovery_leadevent (lead_id, area, residence_area, at, account_id, before, after, what, note)
  select id, area, residence_area, %(now)s, null, state, state, 'escalated',
    case when uncontacted then '超期未联系' else '超期未核实' end || '，' || (array['乡镇', '县级', '市级'])[level] || '督办' from late
)
insert into core_todo (area, duty, kind, title, url, subject, subject_id, due, made_at)
select left(area, (array[9, 6, 4])[level]), (array['township_officer', 'county_reviewer', 'supervisor'])[level], 'lead_overdue',
  '督办：救助线索 ' || number || case when uncontacted then ' 超期未联系' else ' 超期未核实' end, '/leads/' || id || '/', 'lead', id, %(on)s, %(now)s
from late where left(area, (array[9, 6, 4])[level]) >= %(scope)s and left(area, (array[9, 6, 4])[level]) < %(scope)s || ':'
on conflict (kind, subject, subject_id, duty) where done_at is null do nothing
"""


@dataclass(frozen=True)
class Escalated:
    """`escalated` leads went up a level; `released` lost their visitor and went to the next."""

    escalated: int
    released: int


def escalate(*, on: date, now: datetime, area: str) -> Escalated:
    """The daily round over the leads of `area` (under a scope that covers it): visitors who left, then what is overdue. Safe to repeat.

    Nothing goes up on a day that is not worked: nobody was there to be late. The place's patience at each level is
    `procedure.lead.escalate_days` (working days).
    """
    scope = duties.require("discovery.escalate")
    released = release_ended(on=on, now=now, area=area)
    if not is_working_day(on):
        return Escalated(0, released)
    own = Setting.objects.filter(parameter=PARAMETER, state=Setting.State.CONFIRMED, area__gte=area, area__lt=area + ":")
    areas = sorted({area, *own.values_list("area", flat=True)})
    befores = [add_working_days(on, -int(get_setting(PARAMETER, place, on))) for place in areas]
    with connection.cursor() as cursor:
        cursor.execute(ESCALATE, {"areas": areas, "befores": befores, "low": area, "high": area + ":", "on": on, "now": now, "scope": scope.area})
        count = cursor.rowcount
    twices = [add_working_days(on, -2 * int(get_setting(PARAMETER, place, on))) for place in areas]
    urge_referrals(areas=areas, befores=befores, twices=twices, low=area, on=on, now=now)
    tell_raised("lead_overdue", "referral_overdue", now=now)
    scopes.check_constraints()
    return Escalated(count, released)
