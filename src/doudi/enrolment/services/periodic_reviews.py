"""Periodic reviews (定期核查, 2.1): yearly where a situation hardly changes, half-yearly where income varies and someone can work, as places set."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.settings_overlay import get_setting
from doudi.enrolment.services.following import refresh_todos
from doudi.enrolment.settings import MONTHS, NOTICE

# A household is looked at by its basic award. Stable: no living member of it can be expected to work (60 and over, under 16, without labour
# capacity, disabled of grade 1 or 2). The last look: its last approved decision or finished periodic review.
DUE = """
insert into enrolment_review (household_id, area, programme, person_id, award_id, kind, cause, changed, suggestion, month, current_amount, state, due, version,
  digest, reason, made_at)
select l.household_id, l.area, l.programme, l.person_id, l.award_id, 'periodic', 'periodic', '{}', 'look', date_trunc('month', %(on)s::date)::date, l.amount, 'open',
  (l.last + make_interval(months => case when l.stable then %(stable)s else %(varying)s end))::date, 1, '', '', %(now)s
from (
  select a.household_id, a.area, a.programme, a.id award_id, case when a.programme in ('dibao_single', 'tekun') then min(m.person_id) end person_id,
    bool_and(coalesce(p.birth_date <= %(sixty)s or p.birth_date > %(sixteen)s or c.text = 'none' or d.number between 1 and 2, false)) stable,
    max(greatest(coalesce(k.last, a.made_at::date), coalesce(v.last, a.made_at::date))) last, max(y.amount) amount
  from enrolment_award a
  join enrolment_awardmember m on m.award_id = a.id and not m.void and (m.ends is null or m.ends > %(on)s)
  join registry_person p on p.id = m.person_id and p.died_on is null
  left join registry_fact c on c.person_id = p.id and c.kind = 'labour_capacity' and c.superseded_at is null
  left join registry_fact d on d.person_id = p.id and d.kind = 'disability' and d.superseded_at is null
  left join (select award_id, max(from_month) from_month from enrolment_awardamount where area >= %(low)s and area < %(high)s and from_month <= %(on)s
             group by award_id) x on x.award_id = a.id
  left join enrolment_awardamount y on y.award_id = a.id and y.from_month = x.from_month
  left join (select household_id, max(decided_at)::date last from enrolment_decision where area >= %(low)s and area < %(high)s and state = 'approved'
             group by household_id) k on k.household_id = a.household_id
  left join (select household_id, max(decided_at)::date last from enrolment_review where area >= %(low)s and area < %(high)s and kind = 'periodic'
             and state in ('kept', 'changed') group by household_id) v on v.household_id = a.household_id
  where a.area >= %(low)s and a.area < %(high)s and not a.void and a.ends is null and a.programme in ('dibao', 'dibao_single', 'tekun', 'marginal')
  group by a.id
) l
where l.last + make_interval(months => case when l.stable then %(stable)s else %(varying)s end) - make_interval(days => %(notice)s) <= %(on)s
order by l.household_id
on conflict do nothing
"""


def _years_before(on: date, years: int) -> date:
    try:
        return on.replace(year=on.year - years)
    except ValueError:  # 29 February
        return on.replace(year=on.year - years, day=28)


@transaction.atomic
def raise_periodic(*, area: str, on: date, now: datetime) -> int:
    """List the periodic reviews that fall due in a county within the notice days; one per household and programme; the number of new ones."""
    duties.require("enrolment.monitor")
    values: dict[str, Any] = {
        "low": area, "high": area + ":", "on": on, "now": now, "sixty": _years_before(on, 60), "sixteen": _years_before(on, 16),
        "stable": int(get_setting(MONTHS["stable"], area, on)), "varying": int(get_setting(MONTHS["varying"], area, on)),
        "notice": int(get_setting(NOTICE, area, on)),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(DUE, values)
        made = cursor.rowcount
    if made:
        refresh_todos(area=area, now=now)
    scopes.check_constraints()
    return made



