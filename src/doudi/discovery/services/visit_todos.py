"""The visitor's to-do of visits (measures 1.7): one a posting, with how many households and the nearest day."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from doudi.core import scope as scopes

OWED = """
insert into core_todo (area, duty, posting_id, kind, title, url, subject, subject_id, due, made_at)
select p.area, p.duty, p.id, 'visit.due', '入户走访：待走访 ' || count(*) || ' 户', '/visits/today/', 'visit_posting', p.id, min(v.due), %(now)s
from core_posting p join discovery_visit v on v.posting_id = p.id and v.state in ('due', 'missed')
where p.area >= %(low)s and p.area < %(high)s and p.duty = any(%(duties)s)
  and p.id in (select o.posting_id from discovery_visit o where o.state in ('due', 'missed') and o.area >= %(place)s and o.area < %(place)s || ':')
group by p.id order by p.id
on conflict (kind, subject, subject_id, duty) where done_at is null
do update set title = excluded.title, due = excluded.due where (core_todo.title, core_todo.due) is distinct from (excluded.title, excluded.due)
"""
DONE = """
update core_todo t set done_at = %(now)s, done_by_id = %(account)s
where t.kind = 'visit.due' and t.subject = 'visit_posting' and t.done_at is null and t.area >= %(low)s and t.area < %(high)s
  and (starts_with(t.area, %(place)s) or starts_with(%(place)s, t.area))
  and not exists (select from discovery_visit v where v.posting_id = t.subject_id and v.state in ('due', 'missed'))
"""
DUTIES = ["visitor", "child_director", "station_worker", "township_officer", "child_supervisor"]


def tell_visits(*, place: str, now: datetime) -> None:
    """Bring the to-dos of those who visit in `place` up to its open visits; two statements, whatever the size. Postings outside the scope wait for the daily round."""
    scope = scopes.current()
    values: dict[str, Any] = {"place": place, "low": scope.low, "high": scope.high, "now": now, "account": scope.account_id or None, "duties": DUTIES}
    with connection.cursor() as cursor:
        cursor.execute(OWED, values)
        cursor.execute(DONE, values)
