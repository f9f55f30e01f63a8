"""Matching (供需对接): who suits a need, best first, with reasons; one query over all volunteers of the county, whatever their number."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties, places
from doudi.needs import kinds
from doudi.needs.models import Need
from doudi.volunteering import board_procedures as P
from doudi.volunteering.services.board.base import eighteen_before, in_county, setting

HALF_A_YEAR = timedelta(days=183)

# Points: 40 for skills, 30 for being near, 10 for a time that suits, 20 for having little in hand; each time they did not come takes 15.
# Who was asked for this need before, has enough in hand or stayed away too often, does not want this kind, lives too far for them, or has none of the
# skills, is left out.
VOLUNTEERS = """
with asked as (
  select external_id from needs_needanswer where need_id = %(need)s and kind = 'volunteer' and external_id is not null
), load as (
  select o.volunteer_id as id, count(*) filter (where a.state in ('accepted', 'reported')) as live,
    count(*) filter (where a.state = 'offered') as offered, count(*) filter (where a.state = 'done' and a.ended_at > %(month)s) as recent,
    count(*) filter (where o.no_show_at > %(half)s) as away, max(o.made_at) as last
  from volunteering_offer o join needs_needanswer a on a.id = o.answer_id
  where o.volunteer_id is not null and o.area >= %(county)s and o.area < %(county)s || ':' and o.made_at > %(half)s group by o.volunteer_id
), fit as (
  select v.id, v.number, v.name, v.area, v.phone, v.distance, coalesce(l.live, 0) as live, coalesce(l.offered, 0) as offered,
    coalesce(l.recent, 0) as recent, coalesce(l.away, 0) as away, l.last, doudi.division_km(v.area, %(area)s, %(km)s) as km,
    cardinality(array(select unnest(v.skills::text[]) intersect select unnest(%(skills)s::text[]))) as able,
    cardinality(array(select unnest(v.times::text[]) intersect select unnest(%(times)s::text[]))) as free,
    cardinality(v.times) as times
  from volunteering_volunteer v left join load l using (id)
  where v.area >= %(county)s and v.area < %(county)s || ':' and v.state = 'active' and (%(grown)s::date is null or v.birth_date <= %(grown)s)
    and (cardinality(v.services) = 0 or %(kind)s = any(v.services::text[])) and v.id not in (select external_id from asked)
)
select id, number, name, area, phone, km, distance, able, free, times, live, recent, away,
  (case when %(many)s = 0 then 40 else 40 * able / %(many)s end) + greatest(0, 30 - km) + (case when %(timed)s and free > 0 then 10 else 0 end)
  + 20 - least(20, 8 * live + 4 * offered + 2 * recent) - 15 * away as points
from fit
where km <= distance and live < %(each)s and away < %(no_shows)s and (%(many)s = 0 or able > 0) and (not %(timed)s or times = 0 or free > 0)
order by points desc, km, recent, last nulls first, id limit %(most)s
"""

ORGANISATIONS = """
select o.id, o.name, o.contact_phone, o.on_call, cardinality(o.abilities) = 0 or %(kind)s = any(o.abilities::text[]) as able,
  (select max(length(s.served)) from volunteering_organisationarea s where s.organisation_id = o.id and starts_with(%(area)s, s.served)) as near
from volunteering_organisation o
where o.state = 'active' and (o.on_call or not %(on_call)s) and (cardinality(o.abilities) = 0 or %(kind)s = any(o.abilities::text[]))
  and exists (select from volunteering_organisationarea s where s.organisation_id = o.id and starts_with(%(area)s, s.served))
  and not exists (select from needs_needanswer a where a.need_id = %(need)s and a.kind = 'organisation' and a.external_id = o.id)
order by o.on_call desc, near desc, o.id limit %(most)s
"""


@dataclass(frozen=True)
class Match:
    """Somebody who suits: `kind` volunteer or organisation; `reasons` as `Offer.reasons` keeps them."""

    kind: str
    id: int
    name: str
    phone: Any
    place: int
    points: int
    reasons: list[list[Any]]
    number: str = ""
    area: str = ""


def grown_by(need: Need, on: date) -> date | None:
    """Born by this day, a volunteer is of age for it; None where the kind is open to minors with consent."""
    return eighteen_before(on) if kinds.for_adults(need.kind) else None


def volunteers_for(need: Need, *, times: list[str], now: datetime, most: int = 10) -> list[Match]:
    """Volunteers of the need's county who suit it, best first, each with reasons: settings and one query."""
    duties.require("board.ask")
    on = timezone.localdate(now)
    value = setting(need.area, on)
    given: dict[str, Any] = {
        "need": need.pk, "area": need.area, "county": need.area[:6], "kind": need.kind, "skills": list(need.skills), "many": len(need.skills), "times": times,
        "timed": bool(times), "grown": grown_by(need, on), "km": [int(value(name)) for name in P.KM], "each": int(value(P.EACH)),
        "no_shows": int(value(P.NO_SHOWS)), "month": now - timedelta(days=30), "half": now - HALF_A_YEAR, "most": most,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(VOLUNTEERS, given)
        rows = cursor.fetchall()
    found = []
    for place, (pk, code, name, area, phone, km, willing, able, free, free_times, live, recent, away, points) in enumerate(rows, 1):
        reasons: list[list[Any]] = [["skills", able, len(need.skills)]] if need.skills else []
        reasons.append(["km", km, willing])
        if times:
            reasons.append(["times", free, free_times])
        reasons.append(["load", live, recent])
        if away:
            reasons.append(["away", away])
        found.append(Match("volunteer", pk, name, phone, place, int(points), reasons, code, area))
    places.preload(each.area for each in found)
    return found


def organisations_for(need: Need, *, on_call: bool, most: int = 5) -> list[Match]:
    """Organisations that serve the need's place and kind, those on call first; one query."""
    duties.require("board.ask")
    with connection.cursor() as cursor:
        cursor.execute(ORGANISATIONS, {"need": need.pk, "area": need.area, "kind": need.kind, "on_call": on_call, "most": most})
        rows = cursor.fetchall()
    return [
        Match("organisation", pk, name, phone, place, 0, [["on_call"] if ready else ["serves"], ["served", near]])
        for place, (pk, name, phone, ready, _able, near) in enumerate(rows, 1)
    ]


def suggestions(need: Need, *, times: list[str], now: datetime, most: int = 10) -> list[Match]:
    """What the board's page and the need's page show: the county is looked through as the machine, so that neighbours are found too."""
    with in_county(need.area, ["board.ask"]):
        found = [*organisations_for(need, on_call=need.urgency == Need.Urgency.RED, most=3), *volunteers_for(need, times=times, now=now, most=most)]
    return [replace(each, place=place) for place, each in enumerate(found, 1)]


def in_words(reasons: list[list[Any]], skills: list[str] | None = None) -> list[str]:
    """Reasons as an officer reads them."""
    said = []
    for code, *given in reasons:
        match code:
            case "skills":
                said.append(_("技能符合 %(able)d/%(many)d 项") % {"able": given[0], "many": given[1]})
            case "km":
                said.append(_("约 %(km)d 公里（愿行 %(willing)d 公里）") % {"km": given[0], "willing": given[1]})
            case "times":
                said.append(_("时间合适") if given[0] else _("没有填写可服务时间"))
            case "load":
                said.append(_("手头 %(live)d 件，近30天完成 %(recent)d 件") % {"live": given[0], "recent": given[1]})
            case "away":
                said.append(_("近半年未到 %(times)d 次") % {"times": given[0]})
            case "on_call":
                said.append(_("应急值守"))
            case "serves":
                said.append(_("能提供这类服务"))
            case "served":
                said.append({12: _("服务本村（社区）"), 9: _("服务本乡镇（街道）"), 6: _("服务本县")}.get(given[0], _("服务全市或全省")))
    return said


__all__ = ["Match", "in_words", "organisations_for", "suggestions", "volunteers_for"]
