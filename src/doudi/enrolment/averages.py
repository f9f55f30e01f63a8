"""A county's average dibao payment (月人均补助水平) beside the province's floor, urban and rural: one statement for all counties of a scope."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import connection

from doudi.batch.law.settings import Settings
from doudi.core import scope as scopes
from doudi.core.settings_overlay import overlay
from doudi.registry.models import Programme

PAYS = (Programme.DIBAO, Programme.DIBAO_SINGLE)
PLACES = ("urban", "rural")
PROVINCE = "41"
NAME = "dibao.average_subsidy_floor.{}"

PAID = """
select left(a.area, 6), h.residence, count(*), sum(m.members)::bigint, sum(y.amount)
from enrolment_award a
join (select award_id, count(*) members from enrolment_awardmember
      where area >= %(low)s and area < %(high)s and not void and starts <= %(month)s and (ends is null or ends > %(month)s) group by award_id) m on m.award_id = a.id
join (select distinct on (award_id) award_id, amount from enrolment_awardamount
      where area >= %(low)s and area < %(high)s and from_month <= %(month)s order by award_id, from_month desc) y on y.award_id = a.id
join registry_household h on h.id = a.household_id
where a.area >= %(low)s and a.area < %(high)s and a.programme = any(%(programmes)s) and not a.void and not a.suspended
  and a.starts <= %(month)s and (a.ends is null or a.ends > %(month)s)
group by 1, 2 order by 1, 2 desc
"""


@dataclass(frozen=True)
class Floor:
    """The province's floor in yuan per person and month, the day from which it holds, and the document that set it."""

    amount: Decimal
    since: str
    source: str


@dataclass(frozen=True)
class Average:
    """One county's urban or rural dibao in a month. `average`: yuan per person, to the fen; `below`: under the floor."""

    area: str
    residence: str
    awards: int
    people: int
    amount: Decimal
    average: Decimal
    floor: Floor | None

    @property
    def below(self) -> bool:
        return self.floor is not None and self.average < self.floor.amount

    @property
    def gap(self) -> Decimal | None:
        """Yuan per person above (+) or below (-) the floor."""
        return None if self.floor is None else self.average - self.floor.amount


def floors(month: date) -> dict[str, Floor]:
    """The floors of a month by residence."""
    settings: Settings = overlay(month)
    table, found = settings.table(), {}
    for place in PLACES:
        index = table.row_of(NAME.format(place), PROVINCE, month.isoformat())
        if index >= 0:
            row = table.rows[index]
            found[place] = Floor(Decimal(str(table.value_of(index))).quantize(Decimal("0.01")), row.start, row.reference)
    return found


def averages(month: date) -> list[Average]:
    """Running dibao of the acting scope in a month (its first day), by county and residence; one statement."""
    scope, limits = scopes.current(), floors(month)
    values: dict[str, Any] = {"low": scope.low, "high": scope.high, "month": month, "programmes": list(PAYS)}
    with connection.cursor() as cursor:
        cursor.execute(PAID, values)
        rows = cursor.fetchall()
    return [
        Average(area, place, awards, people, amount, (amount / people).quantize(Decimal("0.01"), ROUND_HALF_UP), limits.get(place))
        for area, place, awards, people, amount in rows
    ]
