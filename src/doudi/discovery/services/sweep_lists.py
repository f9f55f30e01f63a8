"""Lists of sweeps (集中排查, measure 1.6): who is concerned, who visits whom, reminders; set-based, safe to repeat.

households of the sweep's groups and places -> those that are not on its list yet get an entry -> each goes to a visitor of its village
(of the village of stay, where the whole household stays elsewhere within the sweep) -> those that are no longer there are left out
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.plans import at_once
from doudi.core.services import todos
from doudi.core.settings_overlay import get_setting
from doudi.discovery.models.sweeps import Sweep, SweepEvent
from doudi.discovery.models.visits import CHILDREN
from doudi.discovery.services.telling import tell_raised, tell_sweep
from doudi.discovery.services.visit_plans import GROUPS, TURNS

REMIND = "procedure.sweep.remind_days"

CONCERNED = f"""
with {GROUPS}, chosen as (
  select household_id, area, coalesce(array_agg(distinct grp order by grp) filter (where grp <> ''), '{{}}') as groups
  from (select household_id, area, grp from member union all select household_id, area, '' from people where %(everybody)s) each
  where (%(everybody)s or grp = any(%(groups)s::text[])) and exists (select from unnest(%(places)s::text[]) place where starts_with(area, place))
  group by 1, 2
)"""
COUNT = CONCERNED + " select count(*), count(distinct area) from chosen"
LIST = (
    CONCERNED
    + """, stay as (
  select household_id, min(residence_area) as village from people group by 1 having min(residence_area) = max(residence_area)
)
insert into discovery_sweepentry (area, sweep_id, household_id, residence_area, name, groups, origin, given, state, version, made_at, met, attempts)
select c.area, %(sweep)s, c.household_id, case when length(s.village) = 12 and s.village <> c.area and starts_with(s.village, %(low)s) then s.village end,
  h.name, c.groups, %(origin)s, false, 'listed', 1, %(now)s, '', 0
from chosen c join registry_household h on h.id = c.household_id left join stay s on s.household_id = c.household_id
order by c.area, c.household_id
on conflict (sweep_id, household_id) do nothing
"""
)
# Nobody of the household lives any more, or all left it.
LEFT = """
update discovery_sweepentry e set state = 'left', version = version + 1
where e.sweep_id = %(sweep)s and e.state in ('listed', 'absent') and e.household_id is not null and e.area >= %(low)s and e.area < %(high)s
  and not exists (select from registry_membership m join registry_person p on p.id = m.person_id where m.household_id = e.household_id
    and m.starts <= %(on)s and (m.ends is null or m.ends > %(on)s) and p.died_on is null)
"""
STAFF = (
    TURNS
    + """
  from discovery_sweepentry v left join held h on h.area = coalesce(v.residence_area, v.area) left join core_posting p on p.id = v.posting_id
  where v.sweep_id = %(sweep)s and v.state in ('listed', 'absent') and v.household_id is not null
    and (p.id is null or p.starts > %(on)s or p.ends <= %(on)s)
)
update discovery_sweepentry e set posting_id = c.posting_id, given = false from chosen c where c.id = e.id and e.posting_id is distinct from c.posting_id
"""
)
# One to-do a village for its visitors, from the first day on; where it has none, the township is told below.
VILLAGES = """
select coalesce(e.residence_area, e.area), 'visitor', 'sweep.village', '集中排查“' || s.title || '”：逐户登记', '/sweeps/mine/', 'sweep:' || s.id,
  coalesce(e.residence_area, e.area)::bigint, s.ends
from discovery_sweepentry e join discovery_sweep s on s.id = e.sweep_id where s.id = %s and e.state in ('listed', 'absent')
  and exists (select from core_posting p where p.duty = 'visitor' and starts_with(coalesce(e.residence_area, e.area), p.area)
    and p.starts <= %s and (p.ends is null or p.ends > %s))
group by 1, s.id, s.title, s.ends
"""
# Villages whose households are nobody's are their township's to give to somebody.
UNPOSTED = """
select left(e.area, 9), 'township_officer', 'sweep.unposted',
  '集中排查“' || s.title || '”：' || count(distinct e.area) || ' 个村（社区）没有走访员，' || count(*) || ' 户待改派',
  '/sweeps/' || s.id || '/?area=' || left(e.area, 9), 'sweep:' || s.id, left(e.area, 9)::bigint, s.ends
from discovery_sweepentry e join discovery_sweep s on s.id = e.sweep_id
where s.id = %s and e.state in ('listed', 'absent') and e.household_id is not null and e.residence_area is null and e.posting_id is null
group by 1, s.id, s.title, s.ends
"""
TOWNSHIPS = """
select left(e.area, 9), 'township_officer', 'sweep.remind', '集中排查“' || s.title || '”' || to_char(s.ends, 'MM-DD') || '截止，还有 ' || count(*) || ' 户未排查',
  '/sweeps/' || s.id || '/?area=' || left(e.area, 9), 'sweep:' || s.id, left(e.area, 9)::bigint, s.ends
from discovery_sweepentry e join discovery_sweep s on s.id = e.sweep_id where s.id = %s and e.state in ('listed', 'absent') group by 1, s.id, s.title, s.ends
"""
# A place's to-dos end with its last household; those of another place stay.
CAUGHT_UP = """
update core_todo t set done_at = %(now)s
where t.subject = 'sweep:' || %(sweep)s and t.done_at is null and t.kind in ('sweep.village', 'sweep.remind') and t.area >= %(low)s and t.area < %(high)s
  and not exists (select from discovery_sweepentry e where e.sweep_id = %(sweep)s and e.state in ('listed', 'absent')
    and ((e.area >= t.area and e.area < t.area || ':') or (e.residence_area >= t.area and e.residence_area < t.area || ':')))
"""
POSTED = """
update core_todo t set done_at = %(now)s
where t.subject = 'sweep:' || %(sweep)s and t.done_at is null and t.kind = 'sweep.unposted' and t.area >= %(low)s and t.area < %(high)s
  and not exists (select from discovery_sweepentry e where e.sweep_id = %(sweep)s and e.state in ('listed', 'absent') and e.household_id is not null
    and e.residence_area is null and e.posting_id is null and e.area >= t.area and e.area < t.area || ':')
"""
# After the end: a village's to-do stands until each of its unreached households was visited or is no longer owed a visit.
FOLLOWED = """
update core_todo t set done_at = %(now)s
where t.kind = 'sweep.unreached' and t.done_at is null and t.area >= %(low)s and t.area < %(high)s
  and not exists (select from discovery_sweepentry e join discovery_visit v on v.household_id = e.household_id and v.state in ('due', 'missed')
    where e.sweep_id = split_part(t.subject, ':', 2)::bigint and e.state = 'unreached' and e.area = t.area)
"""


@dataclass(frozen=True)
class Listed:
    """`listed` households newly on a list, `given` entries that got a visitor or another one, `left` no longer there, `reminded` new to-dos."""

    listed: int = 0
    given: int = 0
    left: int = 0
    reminded: int = 0


def lock(sweep_id: int, *, shared: bool = False) -> None:
    """Held to the end of the transaction: whoever ends or lists a sweep waits for those who answer, and they for it."""
    with connection.cursor() as cursor:
        cursor.execute(f"select pg_advisory_xact_lock{'_shared' if shared else ''}(hashtextextended('sweep ' || %s, 0))", [str(sweep_id)])


def concerned(*, area: str, places: list[str], groups: list[str], everybody: bool, on: date) -> tuple[int, int]:
    """(households, villages) that a sweep would list; one query."""
    duties.require("sweeps.view")
    low = _low(area)
    with connection.cursor() as cursor, at_once(cursor):
        cursor.execute(COUNT, {"low": low, "high": low + ":", "on": on, "groups": groups, "everybody": everybody, "places": places})
        households, villages = cursor.fetchone()
    return households, villages


def _low(area: str) -> str:
    """The area, or the scope's own where that is narrower."""
    scope = scopes.current()
    return area if scope.covers(area) else scope.area


def fill(sweep: Sweep, *, on: date, now: datetime, first: bool = False) -> Listed:
    """Bring the list of one open sweep up to date: one statement that lists, one that drops, one that deals out. Call it under `lock`."""
    low = _low(sweep.area)
    values: dict[str, Any] = {
        "low": low, "high": low + ":", "on": on, "now": now, "sweep": sweep.pk, "groups": sweep.groups, "everybody": sweep.everybody,
        "places": list(sweep.places.values_list("area", flat=True)), "origin": "listed" if first else "joined",
        "visitor": Duty.VISITOR.value, "children": Duty.CHILD_DIRECTOR.value, "minors": [group.value for group in CHILDREN],
    }  # fmt: skip
    with connection.cursor() as cursor, at_once(cursor):
        cursor.execute(LIST, values)
        listed = cursor.rowcount
        cursor.execute(LEFT, values)
        left = cursor.rowcount
        cursor.execute(STAFF, values)
        given = cursor.rowcount
    if listed or left:
        SweepEvent.objects.create(
            sweep=sweep, area=sweep.area, at=now, account_id=scopes.current().account_id or None, what=SweepEvent.What.LISTED,
            note=f"列入 {listed} 户" + (f"，{left} 户已不在此地" if left else ""),
        )  # fmt: skip
    reminded = 0
    if sweep.starts <= on:
        reminded = todos.raise_todos(VILLAGES, [sweep.pk, on, on], now=now) + todos.raise_todos(UNPOSTED, [sweep.pk], now=now)
        tell_sweep(sweep_id=sweep.pk, now=now)
        tell_raised("sweep.unposted", now=now)
    return Listed(listed=listed, given=given, left=left, reminded=reminded)


def run_sweeps(*, area: str, on: date, now: datetime) -> Listed:
    """The daily round over `area`: households that became concerned, visitors who changed, reminders before and after the last day.

    A few statements for each open sweep, whatever its size. Safe to repeat.
    """
    duties.require("sweeps.due")
    low = _low(area)
    total = Listed()
    for sweep_id in Sweep.objects.filter(state=Sweep.State.OPEN, area__gte=low, area__lt=low + ":").order_by("id").values_list("id", flat=True):
        lock(sweep_id)
        sweep = Sweep.objects.get(pk=sweep_id)
        if sweep.state != Sweep.State.OPEN:
            continue
        done = fill(sweep, on=on, now=now) if on <= sweep.ends else Listed()
        reminded = done.reminded
        if sweep.ends - timedelta(days=int(get_setting(REMIND, sweep.area, on))) <= on <= sweep.ends:
            reminded += todos.raise_todos(TOWNSHIPS, [sweep.pk], now=now)
            tell_raised("sweep.remind", now=now)
        if on > sweep.ends:
            reminded += todos.raise_todo(
                kind="sweep.close", area=sweep.area, duty=Duty.TOWNSHIP_OFFICER if len(sweep.area) == 9 else Duty.COUNTY_REVIEWER,
                title=f"集中排查“{sweep.title}”已到期，请办结或延期", url=f"/sweeps/{sweep.pk}/", subject="sweep", subject_id=sweep.pk, due=on, now=now,
            )  # fmt: skip
        caught_up(sweep.pk, low=low, now=now)
        total = Listed(total.listed + done.listed, total.given + done.given, total.left + done.left, total.reminded + reminded)
    with connection.cursor() as cursor:
        cursor.execute(FOLLOWED, {"low": low, "high": low + ":", "now": now})
    scopes.check_constraints()
    return total


def caught_up(sweep_id: int, *, low: str, now: datetime) -> None:
    """End the to-dos of places where nobody waits any more."""
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"sweep": sweep_id, "low": low, "high": low + ":", "now": now}
        cursor.execute(CAUGHT_UP, values)
        cursor.execute(POSTED, values)
