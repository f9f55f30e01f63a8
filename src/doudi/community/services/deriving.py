"""Who belongs to which group (关爱对象, measures 7.3, 7.4): what the registry says, with additions and removals by hand; set-based, safe to repeat.

    living members of the households -> groups by facts, awards and the place's own definitions -> plus what was added, minus what was taken out by hand
    -> whoever is new joins, whose groups changed is brought up to date, who is in no group any more leaves (and the card ends with that)
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from doudi.community.models import GroupDefinition, HelpCard, Recheck
from doudi.community.procedures import CHILD_AGE, DISABILITY_GRADE, OLD_AGE
from doudi.community.services.cards import refresh
from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import Setting
from doudi.core.models.divisions import ancestors
from doudi.core.plans import at_once
from doudi.core.settings_overlay import get_setting

LOCK = "select pg_advisory_xact_lock(hashtextextended('care ' || %s, 0))"
A_ROUND = 500  # changed households taken up in one round

# Living members now (of some households, where `households` names them), what is said of them, and what each place has set.
WANTED = """
with place as materialized (
  select v.area, s.old_age, s.grade, s.child_age
  from (select distinct area from registry_household where area >= %(low)s and area < %(high)s and (%(households)s::bigint[] is null or id = any(%(households)s))) v
  join lateral (select * from care_setting c where starts_with(v.area, c.area) order by length(c.area) desc limit 1) s on true
), people as materialized (
  select m.household_id, m.area, m.person_id, p.birth_date, extract(year from age(%(on)s::date, p.birth_date))::int as years
  from registry_membership m join registry_person p on p.id = m.person_id
  where m.area >= %(low)s and m.area < %(high)s and m.starts <= %(on)s and (m.ends is null or m.ends > %(on)s) and p.died_on is null
    and (%(households)s::bigint[] is null or m.household_id = any(%(households)s))
), said as materialized (
  select f.person_id, f.kind, f.number, f.text from registry_fact f
  where f.area >= %(low)s and f.area < %(high)s and f.superseded_at is null and f.person_id is not null
    and (f.number > 0 and f.kind = any(%(kinds)s) or f.kind = 'support_obligor' and f.text = 'none')
    and (%(households)s::bigint[] is null or f.person_id in (select person_id from people))
), award as materialized (
  select b.person_id, b.programme from registry_benefitstatus b
  where b.area >= %(low)s and b.area < %(high)s and b.state in ('active', 'suspended') and b.starts <= %(on)s and (b.ends is null or b.ends > %(on)s)
    and (%(households)s::bigint[] is null or b.person_id in (select person_id from people))
), home as materialized (
  select * from people where person_id not in (select person_id from said where kind = 'in_institution')
), alone as (
  select household_id from home group by 1 having count(*) = 1
), derived as (
  select h.person_id, 'old_alone' as grp from home h join place using (area)
  where h.years >= old_age and (h.household_id in (select household_id from alone)
    or h.person_id in (select person_id from said where kind = 'support_obligor') or h.person_id in (select person_id from award where programme = 'tekun'))
  union select person_id, 'orphan' from home where years < 18 and (person_id in (select person_id from said where kind = 'orphan')
    or person_id in (select person_id from award where programme = 'orphan'))
  union select person_id, 'unsupported' from home where years < 18 and (person_id in (select person_id from said where kind = 'de_facto_unsupported_child')
    or person_id in (select person_id from award where programme = 'unsupported_child'))
  union select h.person_id, 'disabled' from home h join place using (area) join said s on s.person_id = h.person_id and s.kind = 'disability' where s.number <= grade
  union select h.person_id, 'left_behind' from home h join place using (area) join (
      select p.household_id from people p left join said s on s.person_id = p.person_id and s.kind = 'works_away' where p.years between 18 and 59
      group by 1 having bool_and(s.person_id is not null)) away using (household_id) where h.years < child_age
  union select h.person_id, 'own' || o.id from home h join care_own o on starts_with(h.area, o.area)
  where (o.fact <> '' or o.programme <> '' or o.age_from is not null or o.age_to is not null)
    and (o.fact = '' or (h.person_id, o.fact) in (select person_id, kind::text from said))
    and (o.programme = '' or (h.person_id, o.programme) in (select person_id, programme::text from award))
    and h.years >= coalesce(o.age_from, 0) and h.years <= coalesce(o.age_to, 200)
), hand as (
  select person_id, "group" as grp, kind from community_groupbyhand where area >= %(low)s and area < %(high)s and ended_at is null
), chosen as (
  select person_id, grp from derived where (person_id, grp) not in (select person_id, grp::text from hand where kind = 'out')
  union select person_id, grp from hand where kind = 'added' and (grp not like 'own%%' or grp in (select 'own' || id from care_own))
)
insert into care_wanted (person_id, household_id, area, groups)
select p.person_id, p.household_id, p.area, array_agg(distinct c.grp order by c.grp) from chosen c join people p using (person_id) group by 1, 2, 3
"""
SEEN = """c.ends is null and c.area >= %(low)s and c.area < %(high)s
  and (%(households)s::bigint[] is null or c.household_id = any(%(households)s) or c.person_id in (select person_id from care_wanted))"""
EVENT = "insert into community_careevent (care_id, area, at, account_id, what, groups) select id, area, %(now)s, %(account)s, {what}, groups from {rows}"
CHANGE = f"""
with changed as (
  update community_careperson c set groups = w.groups, household_id = w.household_id, version = c.version + 1
  from care_wanted w where w.person_id = c.person_id and w.area = c.area and {SEEN} and (c.groups <> w.groups or c.household_id <> w.household_id)
  returning c.id, c.area, c.groups
) {EVENT.format(what="'groups'", rows="changed")}
"""
LEAVE = f"""
with ended as (
  update community_careperson c set ends = greatest(%(on)s::date, c.starts), end_reason = 'left', version = c.version + 1
  where {SEEN} and not exists (select from care_wanted w where w.person_id = c.person_id) returning c.id, c.area, c.groups
) {EVENT.format(what="'left'", rows="ended")}
"""
JOIN = f"""
with joined as (
  insert into community_careperson (area, person_id, household_id, groups, starts, end_reason, version)
  select w.area, w.person_id, w.household_id, w.groups, %(on)s, '', 1 from care_wanted w
  where not exists (select from community_careperson c where c.person_id = w.person_id and c.ends is null) order by w.person_id
  on conflict (person_id) where ends is null do nothing returning id, area, groups
) {EVENT.format(what="'joined'", rows="joined")}
"""
KINDS = [
    "disability", "orphan", "de_facto_unsupported_child", "works_away", "in_institution", "serious_illness", "needs_long_care", "special_difficulty",
    "child_with_hiv", "work_injury_nursing",
]  # fmt: skip


@dataclass(frozen=True)
class Derived:
    """People who joined, whose groups changed, who left."""

    joined: int
    changed: int
    left: int


def _settings(cursor: Any, area: str, on: date) -> None:
    """What each place below `area` has set, and the definitions that hold somewhere there."""
    named = (OLD_AGE, DISABILITY_GRADE, CHILD_AGE)
    own = Setting.objects.filter(parameter__in=named, state=Setting.State.CONFIRMED, area__gte=area, area__lt=area + ":")
    spots = sorted({area, *own.values_list("area", flat=True)})
    cursor.execute("create temporary table care_setting (area text, old_age int, grade int, child_age int) on commit drop")
    cursor.execute(
        "insert into care_setting select * from unnest(%s::text[], %s::int[], %s::int[], %s::int[])",
        [spots, *[[int(get_setting(name, spot, on)) for spot in spots] for name in named]],
    )
    held = GroupDefinition.objects.filter(Q(area__in=ancestors(area)) | Q(area__gte=area, area__lt=area + ":"), Q(ends__isnull=True) | Q(ends__gt=on), starts__lte=on)
    rows = list(held.values_list("id", "area", "fact", "programme", "age_from", "age_to"))
    cursor.execute("create temporary table care_own (id bigint, area text, fact text, programme text, age_from int, age_to int) on commit drop")
    if rows:
        cursor.execute(
            "insert into care_own select * from unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::int[], %s::int[])",
            [list(column) for column in zip(*rows, strict=True)],
        )
    cursor.execute("create temporary table care_wanted (person_id bigint, household_id bigint, area text, groups varchar[]) on commit drop")


def derive(*, area: str, on: date, now: datetime, households: Sequence[int] | None = None) -> Derived:
    """Bring the groups of a place up to its registry on a day, or those of some of its households; few statements, whatever the size."""
    acting = duties.require("community.derive")
    return bring_up(area=area if acting.covers(area) else acting.area, on=on, now=now, households=households)


def bring_up(*, area: str, on: date, now: datetime, households: Sequence[int] | None = None) -> Derived:
    """What `derive` does, for services whose own duty was checked: an addition by hand counts at once."""
    acting = scopes.current()
    values: dict[str, Any] = {
        "low": area, "high": area + ":", "on": on, "now": now, "account": acting.account_id or None, "kinds": KINDS,
        "households": None if households is None else list(households),
    }  # fmt: skip
    with connection.cursor() as cursor, at_once(cursor) if households is None else nullcontext():
        cursor.execute(LOCK, [area[:6]])
        cursor.execute("drop table if exists pg_temp.care_setting, pg_temp.care_own, pg_temp.care_wanted")
        _settings(cursor, area, on)
        cursor.execute(WANTED, values)
        cursor.execute("create index on care_wanted (person_id)")
        cursor.execute("analyze care_wanted")
        counted = []
        for statement in (CHANGE, LEAVE, JOIN):
            cursor.execute(statement, values)
            counted.append(cursor.rowcount)
        cursor.execute("drop table pg_temp.care_setting, pg_temp.care_own, pg_temp.care_wanted")
    scopes.check_constraints()
    return Derived(joined=counted[2], changed=counted[0], left=counted[1])


def derive_changed(*, now: datetime) -> int:
    """One round: the households whose facts or benefits changed since the last one, by county, and what their cards say.

    Two workers at once do each once. Returns the number of households.
    """
    scope = scopes.Scope(area=places.PROVINCE, duty=WORKER, page="round community.groups", acts=frozenset({"community.derive"}))
    with scopes.acting(scope):
        with connection.cursor() as cursor:
            cursor.execute("select pg_try_advisory_xact_lock(hashtextextended('care rounds', 0))")
            if not cursor.fetchone()[0]:
                return 0
        rows = list(Recheck.objects.order_by("id").values_list("id", "area", "household_id")[:A_ROUND])
        if not rows:
            return 0
        on, whole = timezone.localdate(now), {area for _id, area, household in rows if household is None}
        for area in sorted(whole):
            derive(area=area, on=on, now=now)
            refresh(area=area, on=on)
        some: dict[str, set[int]] = {}
        for _id, area, household in rows:
            if household is not None and area[:6] not in whole:
                some.setdefault(area[:6], set()).add(household)
        for area, households in sorted(some.items()):
            derive(area=area, on=on, now=now, households=sorted(households))
            held = HelpCard.objects.filter(void_at__isnull=True, care__household_id__in=households)
            refresh(area=area, on=on, cards=list(held.values_list("pk", flat=True)))
        Recheck.objects.filter(pk__in=[row[0] for row in rows]).delete()
        Recheck.objects.filter(area__in=whole, household_id__isnull=True, pk__lte=rows[-1][0]).delete()
        return len(rows)
