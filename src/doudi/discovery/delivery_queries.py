"""What departments owe, and what they sent (measures 1.1): due dates from the contract's freshness or the place's own setting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.functional import lazy
from django.utils.translation import gettext

from doudi.batch.datasets import CONTRACTS, Contract
from doudi.core.models.divisions import ancestors
from doudi.core.parameters import Procedure, declare
from doudi.core.settings_overlay import confirmed_rows

PREFIX = "procedure.delivery_days."
COUNTY = 6
# A delivery due within this many days is shown as due soon.
SOON = 5


def _label(contract: Contract) -> Any:
    return lazy(lambda: gettext("报送周期：%(name)s（0 为不报送）") % {"name": gettext(contract.name_zh)}, str)()


declare(
    *(Procedure(PREFIX + code, _label(each), "days", Decimal(each.freshness_days), "数据共享目录", True, 0, 366) for code, each in CONTRACTS.items())
)

# Newest accepted delivery of each place and dataset, and the day on which a place's first delivery of any came.
LAST = """
select distinct on (area, dataset) area, dataset, id, period, (received_at at time zone 'Asia/Shanghai')::date, accepted, rejected,
  rejects_path <> ''
from discovery_delivery where state = 'accepted' and area >= %s and area < %s and (received_at at time zone 'Asia/Shanghai')::date <= %s
order by area, dataset, received_at desc, id desc
"""
FIRST = """
select area, min((received_at at time zone 'Asia/Shanghai')::date) from discovery_delivery
where area >= %s and area < %s and (received_at at time zone 'Asia/Shanghai')::date <= %s group by area
"""


@dataclass(frozen=True)
class Last:
    """The newest accepted delivery. `number` is 0 where a level above received it."""

    area: str
    period: str
    received_on: date
    accepted: int = 0
    rejected: int = 0
    number: int = 0
    sheet: bool = False


@dataclass(frozen=True)
class Expected:
    """One dataset at one place. `days` 0: not delivered here. `due`: the last day that is in time."""

    area: str
    contract: Contract
    days: int
    last: Last | None
    due: date | None
    on: date

    @property
    def late(self) -> bool:
        return self.due is not None and self.on > self.due

    @property
    def state(self) -> str:
        if self.last is not None and not self.last.number:
            return "above"
        if self.due is None:
            return "none"
        if self.late:
            return "late"
        return "never" if self.last is None else "soon" if self.due - self.on <= timedelta(days=SOON) else "ok"


def _days(on: date) -> dict[str, dict[str, int]]:
    """dataset -> place -> days, of confirmed settings."""
    return {name.removeprefix(PREFIX): {area: int(value) for area, value in rows.items()} for name, rows in confirmed_rows(PREFIX, on).items()}


def expected(area: str, on: date) -> Iterator[Expected]:
    """What the places of `area` expect on a day. Four queries, whatever their number.

    A county that has ever received a file expects every dataset, unless a level above receives it; a city or the province expects what it
    has received before.
    """
    bounds: list[Any] = [area, area + ":", on]
    with connection.cursor() as cursor:
        cursor.execute(LAST, bounds)
        last = {(row[0], row[1]): Last(row[0], row[3], row[4], row[5], row[6], row[2], row[7]) for row in cursor.fetchall()}
        cursor.execute(FIRST, bounds)
        first: dict[str, date] = dict(cursor.fetchall())
        cursor.execute("select * from doudi.deliveries_above(%s, %s)", [area, on])
        above = {row[0]: Last(row[1], row[2], row[3]) for row in cursor.fetchall()}
    days = _days(on)
    for place in sorted(first):
        higher = [code for code in ancestors(place) if len(code) < len(place)]
        for code, contract in CONTRACTS.items():
            own = last.get((place, code))
            from_above = next((last[each, code] for each in reversed(higher) if (each, code) in last), above.get(code))
            if own is None and from_above is not None:
                yield Expected(place, contract, 0, Last(from_above.area, from_above.period, from_above.received_on), None, on)
                continue
            if own is None and len(place) < COUNTY:
                continue
            settings = days.get(code, {})
            every = next((settings[each] for each in reversed(ancestors(place)) if each in settings), contract.freshness_days)
            due = (own.received_on if own else first[place]) + timedelta(days=every) if every else None
            yield Expected(place, contract, every, own, due, on)


def by_department(rows: Iterable[Expected]) -> dict[str, list[Expected]]:
    """Department -> its datasets, those with late ones first."""
    found: dict[str, list[Expected]] = {}
    for row in rows:
        found.setdefault(row.contract.department_zh, []).append(row)
    return dict(sorted(found.items(), key=lambda item: not any(row.late for row in item[1])))
