"""Statistics of assistance for other systems (统计): recipients, households and yuan of a month by programme and place; small groups keep their figures."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from doudi.core import duties

# Groups of fewer people say only that they are small: with the place they would point at somebody.
LEAST = 5
LEVELS = {"province": 2, "city": 4, "county": 6, "township": 9}

# Awards that run in the month, with what they pay in it and the members who hold them then.
FIGURES = """
select left(a.area, %(length)s) as area, a.programme, count(distinct a.household_id) as households, coalesce(sum(m.people), 0)::int as people,
  coalesce(sum(w.amount), 0) as amount
from enrolment_award a
join lateral (select w.amount from enrolment_awardamount w where w.award_id = a.id and w.from_month <= %(month)s order by w.from_month desc limit 1) w on true
left join lateral (select count(*) as people from enrolment_awardmember m
  where m.award_id = a.id and not m.void and m.starts <= %(month)s and (m.ends is null or m.ends > %(month)s)) m on true
where a.area >= %(low)s and a.area < %(high)s and not a.void and not a.suspended and a.starts <= %(month)s and (a.ends is null or a.ends > %(month)s)
group by 1, 2 having left(a.area, %(length)s) || ' ' || a.programme > %(after)s order by 1, 2 limit %(limit)s
"""


def figures(*, month: date, level: str, area: str, after: str = "", limit: int = 200) -> list[dict[str, Any]]:
    """Figures by place of a level below `area` and programme, in this order; `after` is `<area> <programme>` of the last one seen.

    A group of fewer than LEAST people has None in place of figures and `suppressed`.
    """
    duties.require("reports.view")
    given: dict[str, Any] = {"month": month, "length": LEVELS[level], "low": area, "high": f"{area}:", "after": after, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(FIGURES, given)
        rows = cursor.fetchall()
    found = []
    for place, programme, households, people, amount in rows:
        small = people < LEAST
        found.append(
            {
                "area": place, "programme": programme, "households": None if small else households, "people": None if small else people,
                "amount": None if small else Decimal(amount), "suppressed": small,
            }
        )  # fmt: skip
    return found
