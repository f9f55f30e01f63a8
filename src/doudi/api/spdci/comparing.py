"""A condition's people beside what the partner was told of them: who is new, changed, gone. One statement for a part of them, however many there are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from doudi.api.spdci import records
from doudi.api.spdci.models import SpdciSubscription
from doudi.core import keys
from doudi.registry.models import Person

# People (households) compared in one statement; those that differ and are handed back.
WINDOW, MOST = 10_000, 1_000
# Subject, how it is now, whether it was told of, members told of.
Differing = tuple[int, bytes | None, bool, list[str]]

RUNNING = "{0}.starts <= %(on)s and ({0}.ends is null or {0}.ends > %(on)s)"
# What people hold, as `records` tells it; `told` names the people.
HELD = f"""
select am.person_id, string_agg(concat_ws(',', a.programme, am.starts, a.suspended, paid.amount), ';' order by am.starts, am.id) as what
from enrolment_awardmember am join enrolment_award a on a.id = am.award_id
left join lateral (
  select amount from enrolment_awardamount where award_id = a.id and from_month <= %(month)s order by from_month desc limit 1
) paid on true
where am.person_id in (select person_id from told) and not am.void and not a.void and {RUNNING.format("am")} and (a.ends is null or a.ends > %(on)s)
group by am.person_id
"""
NOTHING_HELD = "select null::bigint as person_id, '' as what where false"
PART = "select asked.id from ({asked}) asked (id) where asked.id > %(after)s order by asked.id limit %(window)s"
TOLD = "select id as subject, id as person_id, '' as tie from part"
GROUPS = f"""
select distinct m.household_id as id from registry_membership m
where {RUNNING.format("m")} and m.person_id in ({{asked}}) and m.household_id > %(after)s order by 1 limit %(window)s
"""
TOLD_IN_GROUPS = f"""
select m.household_id as subject, m.person_id, {{tie}} as tie from registry_membership m
where {RUNNING.format("m")} and m.household_id in (select id from part) and m.person_id in ({{among}})
"""
SIZE = f"(select count(*)::text from registry_membership m where m.household_id = told.subject and {RUNNING.format('m')})"
STATEMENT = """
with part as materialized ({part}),
bound as (select case when count(*) = %(window)s then max(id) end as last from part),
told as materialized ({told}),
held as ({held}),
marks as (
  select told.subject,
    sha256(convert_to(%(key)s || {size} || string_agg(concat_ws('|', p.id, told.tie, {identity}, held.what), '/' order by p.id), 'UTF8')) as mark
  from told join registry_person p on p.id = told.person_id left join held on held.person_id = p.id
  group by told.subject
),
known as (
  select subject, mark, members from api_spdcimatch
  where subscription_id = %(subscription)s and subject > %(after)s and subject <= coalesce((select last from bound), 9223372036854775807)
),
differing as (
  select coalesce(marks.subject, known.subject) as subject, marks.mark, known.mark is not null as known, known.members::text as members
  from marks full join known on known.subject = marks.subject
  where marks.mark is distinct from known.mark order by 1 limit %(most)s
)
select bound.last, differing.* from bound left join differing on true order by 2
"""


def differing(row: SpdciSubscription, people: QuerySet[Person], on: date) -> tuple[int | None, list[Differing]]:
    """(the last subject of the part after `row.after`, None where there are no more; those of it that differ, MOST at most).

    Everything that the purpose opens goes into the mark, nothing else does: `test_spdci_conditions` holds that against the records.
    """
    purpose, household = row.purpose, "household" in row.purpose.fields
    asked, asked_values = _named(*_sql(people), "asked")
    part, told = PART.format(asked=asked), TOLD
    given: dict[str, Any] = {
        "on": on, "month": on.replace(day=1), "subscription": row.pk, "after": row.after, "window": WINDOW, "most": MOST,
        "key": keys.sealing_digest(f"spdci mark {purpose.pk}").hex(), **asked_values,
    }  # fmt: skip
    size = "''"
    if row.entity == "Group":
        among = asked
        if household:
            among, values = _named(*_sql(records.open_people(purpose, on)), "open")
            given |= values
            size = SIZE
        tie = "m.relationship" if household else "''"
        part, told = GROUPS.format(asked=asked), TOLD_IN_GROUPS.format(tie=tie, among=among)
    statement = STATEMENT.format(
        part=part, told=told, size=size, held=HELD if "programmes" in purpose.fields else NOTHING_HELD,
        identity="p.name, p.sex, p.birth_date" if "identity" in purpose.fields else "''",
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        rows = cursor.fetchall()
    return rows[0][0], [
        (subject, None if mark is None else bytes(mark), known, json.loads(members) if members else [])
        for _last, subject, mark, known, members in rows
        if subject is not None
    ]


def _sql(people: QuerySet[Person]) -> tuple[str, list[Any]]:
    """The numbers of people as a statement."""
    try:
        statement, values = people.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return "select null::bigint where false", []
    return statement, list(values)


def _named(statement: str, values: Sequence[Any], prefix: str) -> tuple[str, dict[str, Any]]:
    """A statement with numbered values as one with named values."""
    parts = statement.split("%s")
    named = "".join(part + (f"%({prefix}{at})s" if at < len(values) else "") for at, part in enumerate(parts))
    return named, {f"{prefix}{at}": value for at, value in enumerate(values)}
