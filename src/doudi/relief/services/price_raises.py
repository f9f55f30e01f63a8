"""A standard that was raised after a month's price subsidies were approved raises them too: the county is asked to look at the difference (3.3)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.db import connection

from doudi.batch import law
from doudi.core.models import Duty
from doudi.core.services.todos import raise_todos
from doudi.core.settings_overlay import overlay
from doudi.relief.linkage import amounts_of
from doudi.relief.models import PriceProposal

MONTHS = 12
# The last approved proposal of each county and month, where nothing newer waits and a standard was confirmed or withdrawn, or the law came, since.
STALE = """
select p.id from (
  select distinct on (area, month) id, area, month, made_at, law_version, state from doudi.relief_priceproposal
  where month >= %(since)s and state in ('proposed', 'approved') order by area, month, serial desc) p
where p.state = 'approved' and (p.law_version <> %(version)s or exists (
  select from doudi.core_setting s where s.area in (p.area, left(p.area, 4), left(p.area, 2)) and s.parameter not like 'prices.%%'
    and s.parameter not like 'procedure.%%' and s.state in ('confirmed', 'withdrawn') and s.decided_at > p.made_at and s.starts <= p.month))
order by p.month, p.area
"""


def ask_after_raise(*, on: date, now: datetime) -> int:
    """To-dos of counties whose approved subsidies of the last twelve months rest on a lower standard than today's; how many were raised."""
    since = date(on.year - 1, on.month, 1)
    with connection.cursor() as cursor:
        cursor.execute(STALE, {"since": since, "version": law.law_version()})
        stale = [row[0] for row in cursor.fetchall()]
    raised = 0
    for proposal in PriceProposal.objects.filter(pk__in=stale).order_by("month", "area"):
        if not _raises(proposal):
            continue
        number = proposal.month.year * 100 + proposal.month.month
        raised += raise_todos(
            "select a.area, %s, 'prices.corrected', %s, '/prices/' || %s || '/', 'price_month', a.area::bigint * 1000000 + %s, null::date"
            " from unnest(%s::text[]) a (area)",
            [Duty.COUNTY_REVIEWER, f"{proposal.month:%Y-%m} 保障标准已提高：核对并补发价格临时补贴差额", f"{proposal.month:%Y-%m}", number, [proposal.area]],
            now=now,
        )
    return raised


def _raises(proposal: PriceProposal) -> bool:
    """Whether a group that was paid would be paid more for this month now."""
    paid = {(each["group"], each["residence"]): Decimal(str(each["each"])) for each in proposal.summary.get("groups", [])}
    found = amounts_of(county=proposal.area, month=proposal.month, settings=overlay(proposal.month))
    return any(each["amount"] > paid.get((each["group"], each["residence"]), each["amount"]) for each in found)


__all__ = ["ask_after_raise"]
