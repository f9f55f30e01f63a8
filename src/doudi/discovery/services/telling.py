"""Messages beside to-dos (measures 1.4 to 1.7): what cannot wait until somebody opens the list. Each occasion is told once, many of one step as one message."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.services.messages import send_messages

SINCE = timedelta(days=1)  # what was passed across a border longer ago is told no more; the to-do stands

HOLDS = "p.starts <= %(on)s and (p.ends is null or p.ends > %(on)s)"
# Whose office a to-do of a duty concerns, wherever below it lies.
OFFICE = "left(t.area, case t.duty when 'township_officer' then 9 when 'county_reviewer' then 6 when 'supervisor' then 4 else 12 end)"
# The to-dos of one step, to whoever has the duty at the place.
RAISED = f"""
select p.area, p.account_id, max(t.id)::text,
  jsonb_build_object('count', count(distinct t.id), 'due', coalesce(to_char(min(t.due), 'YYYY-MM-DD'), '—')),
  case when count(distinct t.id) = 1 then min(t.url) else '/todos/' end
from core_todo t join core_posting p on p.duty = t.duty and p.area = {OFFICE} and {HOLDS}
where t.kind = %(kind)s and t.made_at = %(now)s and t.done_at is null group by p.area, p.account_id
"""
# To-dos that one county raised in another, one message each. The unique index of open to-dos begins with the kind.
PASSED = f"""
select p.area, p.account_id, t.id::text, jsonb_build_object('due', coalesce(to_char(t.due, 'YYYY-MM-DD'), '—')), t.url
from core_todo t join core_posting p on p.duty = t.duty and p.area = {OFFICE} and {HOLDS}
where t.kind = %(kind)s and t.done_at is null and t.made_at > %(since)s and t.made_at <= %(now)s
"""
URGED = f"""
select p.area, p.account_id, l.id || ':' || %(call)s, jsonb_build_object('number', l.number), '/leads/' || l.id || '/'
from discovery_lead l join core_posting p on {HOLDS}
  and (p.id = l.posting_id or l.posting_id is null and p.duty = 'township_officer' and p.area = left(coalesce(l.residence_area, l.area), 9))
where l.id = %(lead)s
"""
# Who has households on the list, once for each sweep.
SWEEP = f"""
select min(p.area), p.account_id, s.id::text,
  jsonb_build_object('count', count(*), 'title', s.title, 'ends', to_char(s.ends, 'YYYY-MM-DD')), '/sweeps/mine/'
from discovery_sweepentry e join discovery_sweep s on s.id = e.sweep_id join core_posting p on p.id = e.posting_id and {HOLDS}
where e.sweep_id = %(sweep)s and e.state in ('listed', 'absent') group by p.account_id, s.id, s.title, s.ends
"""
ASKED = f"""
select p.area, p.account_id, v.id || ':' || v.due, jsonb_build_object('place', coalesce(d.name, v.area), 'due', to_char(v.due, 'YYYY-MM-DD')), '/visits/today/'
from discovery_visit v join core_posting p on p.id = v.posting_id and {HOLDS} left join core_division d on d.code = v.area
where v.id = %(visit)s
"""
MISSED = f"""
select min(p.area), p.account_id, to_char(%(on)s::date, 'YYYY-MM-DD'), jsonb_build_object('count', count(*)), '/visits/today/'
from discovery_visit v join core_posting p on p.id = v.posting_id and {HOLDS}
where v.state = 'missed' and v.missed_on = %(on)s and v.area >= %(low)s and v.area < %(high)s group by p.account_id
"""


def tell_raised(*kinds: str, now: datetime) -> int:
    """Tell who has the to-dos of these kinds that were raised at `now` within the scope: one message each and kind, however many; the number queued."""
    on = timezone.localdate(now)
    return sum(send_messages(RAISED, {"kind": kind, "now": now, "on": on}, template=f"todo.{kind}", now=now) for kind in kinds)


def tell_passed(*, now: datetime) -> int:
    """In the worker's round: tell the receiving side what was passed on to it, and the sender what came back; neither side can write to the other."""
    with scopes.acting(scopes.Scope(area=places.PROVINCE, duty=duties.WORKER, page="worker referrals")):
        values = {"now": now, "since": now - SINCE, "on": timezone.localdate(now)}
        return sum(send_messages(PASSED, values | {"kind": kind}, template=f"todo.{kind}", now=now) for kind in ("lead_referral", "lead_returned"))


def tell_urged(*, lead_id: int, call: str, now: datetime) -> int:
    """Tell who works on a lead that its caller called again."""
    return send_messages(URGED, {"lead": lead_id, "call": call, "on": timezone.localdate(now)}, template="lead.urged", now=now)


def tell_sweep(*, sweep_id: int, now: datetime) -> int:
    """Tell the visitors of a sweep that has begun, those who joined later too."""
    return send_messages(SWEEP, {"sweep": sweep_id, "on": timezone.localdate(now)}, template="sweep.begun", now=now)


def tell_asked(*, visit_id: int, now: datetime) -> int:
    """Tell the visitor of a visit that an officer asked for."""
    return send_messages(ASKED, {"visit": visit_id, "on": timezone.localdate(now)}, template="visit.asked", now=now)


def tell_missed(*, area: str, now: datetime) -> int:
    """Tell visitors how many of their visits were missed today; once a day."""
    values = {"on": timezone.localdate(now), "low": area, "high": area + ":"}
    return send_messages(MISSED, values, template="visit.missed", now=now)
