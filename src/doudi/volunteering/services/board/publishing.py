"""Needs go onto the board and off it: by an officer, or by the place's rule when nobody of the place has taken them (8.3)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.parameters import PROCEDURES
from doudi.core.settings_overlay import confirmed_rows
from doudi.needs.models import Need
from doudi.needs.services.base import locked, note_event
from doudi.volunteering import board_procedures as P
from doudi.volunteering import codes
from doudi.volunteering.models import Notice
from doudi.volunteering.services.board.base import number, reason_of


@transaction.atomic
def publish(*, need_id: int, times: Iterable[str] = (), offering: bool = True, now: datetime) -> Notice:
    """Put a need on the board, or change when help is wanted there. Safe to repeat. ValidationError where it does not look for anybody any more.

    `times`: of `codes.TIMES`; `offering`: the machine asks the next ones by itself.
    """
    acting = duties.require("board.publish")
    wanted = sorted(set(times))
    if any(each not in codes.TIMES for each in wanted):
        raise ValidationError({"times": _("请重新选择。")})
    need = locked(need_id, None)
    if need.state != Need.State.OPEN:
        raise ValidationError(_("这项需求现为“%(state)s”，不用公布。") % {"state": need.get_state_display()})
    row = Notice.objects.select_for_update(of=("self",)).filter(need=need).first()
    if row is None:
        row = Notice.objects.create(
            need=need, area=need.area, number=number(timezone.localdate(now), "ZY"), times=wanted, offering=offering, published_by_id=acting.account_id or None,
            published_at=now,
        )  # fmt: skip
        note_event(need, "公布", row.number, now)
    else:
        again = not row.shown
        row.times, row.offering, row.version, row.asked_at = wanted, offering, row.version + 1, None
        fields = ["times", "offering", "version", "asked_at"]
        if again:
            row.shown, row.reason, row.ended_at, row.ended_by_id, row.by_rule = True, "", None, None, False
            row.published_at, row.published_by_id = now, acting.account_id or None
            fields += ["shown", "reason", "ended_at", "ended_by", "by_rule", "published_at", "published_by"]
        row.save(update_fields=fields)
        note_event(need, "重新公布" if again else "修改公布", row.number, now)
    scopes.check_constraints()
    return row


@transaction.atomic
def take_off(*, need_id: int, reason: str, now: datetime) -> Notice:
    """Take a need off the board, with a reason; whoever answers it goes on. The rule does not bring it back."""
    acting = duties.require("board.publish")
    need = locked(need_id, None)
    row = Notice.objects.select_for_update(of=("self",)).filter(need=need, shown=True).first()
    if row is None:
        raise ValidationError(_("这项需求没有公布。"))
    row.reason = reason_of(reason)
    row.shown, row.ended_at, row.ended_by_id, row.version = False, now, acting.account_id or None, row.version + 1
    row.save(update_fields=["shown", "reason", "ended_at", "ended_by", "version"])
    note_event(need, "撤下公布", row.reason, now)
    scopes.check_constraints()
    return row


# Needs of minors' cases are published by an officer alone.
WAITING = """
from needs_need d where d.state = 'open' and d.taken < d.wanted and d.source <> 'case' and length(d.area) >= 6
  and not exists (select from volunteering_notice n where n.need_id = d.id)
"""
PUBLISH = f"""
with rule as (select * from unnest(%(counties)s::text[], %(urgencies)s::text[], %(since)s::timestamptz[]) as r (county, urgency, since)),
due as (
  select d.id, d.area {WAITING.replace(" where ", " join rule r on r.county = left(d.area, 6) and r.urgency = d.urgency and d.raised_at <= r.since where ", 1)}
  order by d.id limit %(most)s for update of d skip locked
), made as (
  insert into volunteering_notice (need_id, area, number, times, shown, offering, by_rule, published_at, reason, version)
  select id, area, 'ZY' || %(day)s || lpad(nextval('doudi.board_number')::text, 5, '0'), '{{}}', true, true, true, %(now)s, '', 1 from due
  on conflict (need_id) do nothing returning need_id, area, number
)
insert into needs_needevent (need_id, area, at, what) select need_id, area, %(now)s, '按规则公布' from made
"""


def publish_by_rule(*, now: datetime, most: int = 500) -> int:
    """Publish what nobody has taken within the hours that its county set; the number. Nothing where a county switched the rule off."""
    duties.require("board.ask")
    on = timezone.localdate(now)
    with connection.cursor() as cursor:
        cursor.execute(f"select distinct left(d.area, 6) {WAITING}")
        counties = [row[0] for row in cursor.fetchall()]
        rules = _rules(counties, on, now)
        if not rules:
            return 0
        given: dict[str, Any] = {
            "counties": [row[0] for row in rules], "urgencies": [row[1] for row in rules], "since": [row[2] for row in rules], "now": now,
            "day": f"{on:%Y%m%d}", "most": most,
        }  # fmt: skip
        cursor.execute(PUBLISH, given)
        return int(cursor.rowcount)


def _rules(counties: list[str], on: date, now: datetime) -> list[tuple[str, str, datetime]]:
    """(county, urgency, raised by then) of the counties whose rule is on; one query."""
    rows = confirmed_rows(P.PREFIX, on)

    def value(name: str, county: str) -> int:
        there = rows.get(name, {})
        nearest = max((place for place in (county, county[:4], county[:2]) if place in there), key=len, default=None)
        return int(there[nearest] if nearest else PROCEDURES[name].default)

    return [
        (county, urgency, now - timedelta(hours=value(name, county)))
        for county in counties if value(P.BY_RULE, county) for urgency, name in P.HOURS.items()
    ]  # fmt: skip
