"""Help cards (明白卡, measure 7.4): what stands on each, set-based; issuing and voiding."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from doudi.assessment.outputs import CONFIRMATIONS, PERSON_PROGRAMMES
from doudi.community.models import CareEvent, CarePerson, HelpCard
from doudi.community.services.base import locked, note_event
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.registry.models import Programme

W = CareEvent.What
# Without 0, 1, I, O: five bits a letter, 130 in all; a code may be typed by hand.
ALPHABET, LENGTH = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ", 26
# Counts with every change of what a card says by itself: then all are to be printed again.
LAYOUT = 1

_SUMS = ", ".join(
    f"('{programme}', (select coalesce(sum((a.results -> 'persons' -> name ->> m.at)::numeric), 0) > 0 from unnest(array{list(names)}) name))"
    for programme, names in ((str(key), value) for key, value in PERSON_PROGRAMMES.items())
)
_FAMILY = ", ".join(f"('{programme}', a.results #>> '{{household,{name}}}' in ('true', '1'))" for programme, name in CONFIRMATIONS.items())
# Benefits of which a person has one alone; who has one of a line is not told of the others.
ONE_OF = (
    (Programme.DIBAO, Programme.DIBAO_SINGLE, Programme.TEKUN), (Programme.ORPHAN, Programme.UNSUPPORTED_CHILD),
    (Programme.MARGINAL, Programme.RIGID, Programme.DIBAO, Programme.DIBAO_SINGLE, Programme.TEKUN),
)  # fmt: skip
_HELD = " or ".join(
    f"(x.programme in ({', '.join(repr(str(each)) for each in line)}) and held && array[{', '.join(repr(str(each)) for each in line)}])" for line in ONE_OF
)

# What a card says, as JSON: name, care contact, benefits that run, what the last calculation gives beside them, services and hotlines of the nearest place.
CONTENT = f"""
with card as materialized (
  select k.id, k.area, k.care_id, c.person_id, c.household_id, c.contact_id, p.name
  from community_helpcard k join community_careperson c on c.id = k.care_id join registry_person p on p.id = c.person_id
  where k.void_at is null and k.area >= %(low)s and k.area < %(high)s and (%(cards)s::bigint[] is null or k.id = any(%(cards)s))
), place as materialized (select distinct area from card), service as (
  select area, jsonb_agg(jsonb_build_array(kind, name, phone, hours, address) order by kind, n) as listed from (
    select p.area, s.kind, s.name, s.phone, s.hours, s.address, row_number() over (partition by p.area, s.kind order by length(s.area) desc, s.id) as n,
      length(s.area) = max(length(s.area)) over (partition by p.area, s.kind) as nearest
    from place p join community_placeservice s on starts_with(p.area, s.area) where s.starts <= %(on)s and (s.ends is null or s.ends > %(on)s)
  ) s where nearest and n <= 2 group by 1
), desk as (
  select p.area, jsonb_agg(jsonb_build_array(d.name, d.number, d.hours) order by length(d.area) desc) as listed
  from place p join discovery_hotlinedesk d on starts_with(p.area, d.area) where d.is_open group by 1
), award as (
  select b.person_id, jsonb_agg(jsonb_build_array(b.programme, b.amount::text) order by b.programme, b.id) as listed, array_agg(b.programme::text) as held
  from registry_benefitstatus b where b.person_id in (select person_id from card) and b.state = 'active' and b.starts <= %(on)s and (b.ends is null or b.ends > %(on)s)
  group by 1
), may as (
  select k.id, jsonb_agg(x.programme order by x.programme) as listed from card k left join award w using (person_id)
  join lateral (
    select facts, results from assessment_assessment a where a.household_id = k.household_id and a.month > %(on)s::date - interval '13 months'
    order by a.month desc, a.id desc limit 1) a on true
  join lateral (
    select (ord - 1)::int as at from jsonb_array_elements_text(a.facts -> 'person_ids') with ordinality e (v, ord) where v = k.person_id::text limit 1) m on true
  join lateral (values ('dibao', a.results #>> '{{household,dibao_eligible}}' in ('true', '1')), {_SUMS}, {_FAMILY}) x (programme, given) on x.given
  cross join lateral (select coalesce(w.held, '{{}}') as held) h
  where not x.programme = any(h.held) and not ({_HELD.replace("held", "h.held")})
  group by 1
)
select k.id, jsonb_build_object(
    'layout', {LAYOUT}, 'name', k.name, 'area', k.area, 'contact', case when t.id is not null then
      jsonb_build_array(t.name, t.kind, t.phone, t.id) || case when t.phone_changes > 0 then jsonb_build_array(t.phone_changes) else '[]' end end,
    'awards', coalesce(w.listed, '[]'), 'may', coalesce(m.listed, '[]'), 'services', coalesce(s.listed, '[]'), 'desks', coalesce(d.listed, '[]')) as content
from card k left join community_carecontact t on t.id = k.contact_id left join award w on w.person_id = k.person_id left join may m on m.id = k.id
left join service s on s.area = k.area left join desk d on d.area = k.area
"""
# A phone is its token here, which changes with the token key: the contact's id and how often its phone was changed stand for it.
REFRESH = f"""
update community_helpcard k set digest = f.digest from (select id, md5((content #- '{{contact,2}}')::text) as digest from ({CONTENT}) said) f
where f.id = k.id and k.digest <> f.digest
"""


def _values(area: str, on: date, cards: Sequence[int] | None) -> dict[str, Any]:
    return {"low": area, "high": area + ":", "on": on, "cards": None if cards is None else list(cards)}


def refresh(*, area: str, on: date, cards: Sequence[int] | None = None) -> int:
    """Bring up to date what the cards of a place would say today; the number that changed. One statement, whatever the size."""
    with connection.cursor() as cursor:
        cursor.execute(REFRESH, _values(area, on, cards))
        return cursor.rowcount


def contents(*, area: str, on: date, cards: Sequence[int]) -> dict[int, dict[str, Any]]:
    """What cards say today, by id; one query."""
    with connection.cursor() as cursor:
        cursor.execute(CONTENT, _values(area, on, cards))
        return {pk: json.loads(content) if isinstance(content, str) else content for pk, content in cursor.fetchall()}


def new_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _place in range(LENGTH))


def issue_missing(*, area: str, on: date, now: datetime) -> int:
    """A card for everybody in care of a place who has none; the number. Twice is once."""
    acting = duties.require("community.cards")
    in_force = HelpCard.objects.filter(care=OuterRef("pk"), void_at__isnull=True)
    bare = CarePerson.objects.filter(~Exists(in_force), ends__isnull=True, area__gte=area, area__lt=area + ":")
    rows = [(pk, place, new_code()) for pk, place in bare.order_by("pk").values_list("pk", "area")]
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "with made as (insert into community_helpcard (area, care_id, code, digest, printed_digest, printed_version, made_by_id, made_at, void_reason)"
            " select g.area, g.care, g.code, '', '', 0, %s, %s, '' from unnest(%s::bigint[], %s::text[], %s::text[]) g (care, area, code)"
            " on conflict (care_id) where void_at is null do nothing returning care_id, area)"
            " insert into community_careevent (care_id, area, at, account_id, what, groups) select care_id, area, %s, %s, 'card', array[]::varchar[] from made",
            [acting.account_id or None, now, *[list(column) for column in zip(*rows, strict=True)], now, acting.account_id or None],
        )
        made = cursor.rowcount
    refresh(area=area, on=on)
    scopes.check_constraints()
    return made


def issue_card(*, care_id: int, on: date, now: datetime) -> HelpCard:
    """A person's card: the one in force, or a new one."""
    acting = duties.require("community.cards")
    row = locked(care_id, None)
    card = HelpCard.objects.filter(care=row, void_at__isnull=True).first()
    if card is None:
        card = HelpCard.objects.create(area=row.area, care=row, code=new_code(), made_by_id=acting.account_id or None, made_at=now)
        note_event(row, W.CARD, now=now)
    refresh(area=row.area, on=on, cards=[card.pk])
    card.refresh_from_db()
    scopes.check_constraints()
    return card


def void_card(*, card_id: int, reason: str, now: datetime) -> HelpCard:
    """Void a card that is lost, damaged or misused: its code says so from now on, to everybody in the same words. Twice is once."""
    acting = duties.require("community.cards")
    if reason not in (HelpCard.Void.LOST, HelpCard.Void.DAMAGED, HelpCard.Void.MISUSED):
        raise ValidationError({"reason": _("请选择作废的原因。")})
    card = HelpCard.objects.select_for_update(of=("self",)).filter(pk=card_id).select_related("care").first()
    if card is None:
        raise ValidationError(_("没有这张明白卡，或不在您的管辖范围内。"))
    if card.void_at is not None:
        return card
    card.void_at, card.void_by_id, card.void_reason = now, acting.account_id or None, reason
    card.save(update_fields=["void_at", "void_by", "void_reason"])
    note_event(card.care, W.VOID, now=now, note=str(HelpCard.Void(reason).label))
    scopes.check_constraints()
    return card
