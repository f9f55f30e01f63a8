"""Messages (消息): queued in the transaction that causes them, sent by the worker after it has committed (`services.sending`).

`send_message` and `send_messages` are called by the services of rooms, whose own duty stands behind them, as with to-dos.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import channels, duties, keys, numbers, places
from doudi.core import scope as scopes
from doudi.core.messaging import LANGUAGES, PEOPLE, STAFF, check_values, templates
from doudi.core.models import Message, MessageOptOut

State = Message.State


def _dedupe(template: str, key: str, recipient: str) -> str:
    found = f"{template}:{key}:{recipient}"
    if len(found) > 160:
        raise ValueError("key")
    return found


def _recipient(account_id: int | None, person_id: int | None, phone: UUID | None) -> str:
    if account_id:
        return f"a{account_id}"
    # of a token's number a keyed digest: it stays the same when the token key is rotated
    return f"p{person_id}" if person_id else "t" + keys.sealing_digest(numbers.plain(phone) or "")[:12].hex() if phone else "-"


def send_message(
    *,
    template: str,
    area: str,
    key: str,
    values: Mapping[str, Any],
    account_id: int | None = None,
    person_id: int | None = None,
    phone: UUID | None = None,
    language: str = "zh-hans",
    url: str = "",
    until: datetime | None = None,
    now: datetime,
) -> bool:
    """Queue one message to an officer, or to a phone (of a person, where `person_id` says so); False where the same one was queued before.

    `key` names the occasion for good (`lead:4711:helped`): template, key and recipient are one message, ever. Who has no phone or wants
    no messages gets a row that says so. From `until` on it is not sent any more. Raises ValueError for wrong values, KeyError for an unknown template.
    """
    form = templates.get(template)
    texts = check_values(form, values)
    if (form.to == STAFF) != bool(account_id) or language not in LANGUAGES:
        raise ValueError(template)
    refused = ""
    if form.to == PEOPLE:
        refused = "no_phone" if phone is None else "opted_out" if not form.always and _opted_out(person_id, phone) else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into core_message (area, template, account_id, person_id, phone, language, channel, values, sealed, url, dedupe, state,"
            " attempts, next_at, until, error, made_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0, %s, %s, %s, %s)"
            " on conflict (dedupe) do nothing",
            [
                area, template, account_id, person_id, phone, language, channels.name_in_use("account" if account_id else "phone"), json.dumps({} if form.hidden else texts),
                keys.seal_text(json.dumps(texts)) if form.hidden else None, url[:200],
                _dedupe(template, key, _recipient(account_id, person_id, phone)), State.REFUSED if refused else State.QUEUED,
                None if refused else now, until, refused, now,
            ],
        )  # fmt: skip
        return cursor.rowcount == 1


def send_messages(sql: str, params: Mapping[str, Any] | None = None, *, template: str, now: datetime) -> int:
    """Queue many to officers with one statement; the number queued. `sql` selects, in this order: area, account_id, key, values (jsonb), url.

    The SELECT is written by a room, never put together from input. Not for templates whose values are hidden: they are encrypted one by one.
    """
    form = templates.get(template)
    if form.hidden or form.to != STAFF:
        raise ValueError(template)
    fixed: dict[str, Any] = {"m_template": template, "m_channel": channels.name_in_use("account"), "m_now": now, "m_fields": sorted(form.fields)}
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into core_message (area, template, account_id, language, channel, values, url, dedupe, state, attempts, next_at, error, made_at)"
            " select f.area, %(m_template)s, f.account_id, 'zh-hans', %(m_channel)s, f.values, left(f.url, 200),"
            " %(m_template)s || ':' || f.key || ':a' || f.account_id, 'queued', 0, %(m_now)s, '', %(m_now)s"
            f" from ({sql}) f (area, account_id, key, values, url) where f.values ?& %(m_fields)s::text[]"
            " on conflict (dedupe) do nothing",
            {**(params or {}), **fixed},
        )
        return cursor.rowcount


STAFF_OF = """
select distinct on (p.account_id) p.area, p.account_id, %(key)s::text, %(values)s::jsonb, %(url)s::text
from core_posting p join core_account a on a.id = p.account_id and a.is_active
where p.starts <= %(on)s and (p.ends is null or p.ends > %(on)s) and (%(duties)s::text[] is null or p.duty = any(%(duties)s))
  and exists (select from unnest(%(areas)s::text[]) e (area) where starts_with(p.area, e.area) or starts_with(e.area, p.area))
order by p.account_id, p.starts, p.id
"""


def send_to_staff(
    *,
    template: str,
    areas: Sequence[str],
    duties_wanted: Sequence[str] | None = None,
    key: str,
    values: Mapping[str, Any],
    url: str = "",
    now: datetime,
) -> int:
    """Queue one message to each officer within the scope whose posting overlaps the places, of the duties named or all; the number queued."""
    texts = check_values(templates.get(template), values)
    given = {
        "key": key, "values": json.dumps(texts), "url": url, "on": timezone.localdate(now), "duties": list(duties_wanted) if duties_wanted is not None else None,
        "areas": list(areas),
    }  # fmt: skip
    return send_messages(STAFF_OF, given, template=template, now=now)


def _opted_out(person_id: int | None, phone: UUID | None) -> bool:
    wanted = Q(phone=phone) | Q(person_id=person_id) if person_id else Q(phone=phone)
    return MessageOptOut.objects.filter(wanted, ended_at__isnull=True).exists()


# --- reading, opting out --------------------------------------------------------------------------------------------


def mark_read(*, message_ids: Sequence[int] | None = None, now: datetime) -> int:
    """Note that the acting officer has read own messages: those named, or all."""
    rows = Message.objects.filter(account_id=scopes.current().account_id, read_at__isnull=True)
    if message_ids is not None:
        rows = rows.filter(pk__in=message_ids)
    return rows.update(read_at=now)


def opt_out(*, area: str, person_id: int | None = None, phone: UUID | None = None, reason: str = "", now: datetime) -> MessageOptOut:
    """Note that a person, or whoever has a phone, wants no messages. Safe to repeat; ValidationError where neither or both are named."""
    acting = duties.require("messages.optout")
    if bool(person_id) == bool(phone):
        raise ValidationError(_("请指定人员或电话（二选一）。"))
    return _note_opt_out({"person_id": person_id} if person_id else {"phone": phone}, area, reason, acting.account_id or None, now)


def _note_opt_out(wanted: dict[str, Any], area: str, reason: str, made_by: int | None, now: datetime) -> MessageOptOut:
    there = MessageOptOut.objects.filter(**wanted, ended_at__isnull=True).first()
    if there is not None:
        return there
    try:
        with transaction.atomic():
            return MessageOptOut.objects.create(**wanted, area=area, reason=reason.strip()[:200], made_by_id=made_by, made_at=now)
    except IntegrityError:  # another officer at the same time
        return MessageOptOut.objects.get(**wanted, ended_at__isnull=True)


def opt_in(*, person_id: int | None = None, phone: UUID | None = None, now: datetime) -> int:
    """Take an opt-out back; the number that ended."""
    acting = duties.require("messages.optout")
    wanted = {"person_id": person_id} if person_id else {"phone": phone}
    return MessageOptOut.objects.filter(**wanted, ended_at__isnull=True).update(ended_at=now, ended_by_id=acting.account_id or None)


def holder_says(*, phone: UUID, wants: bool, reason: str, now: datetime) -> None:
    """Whoever has the phone, proved by a code or by an answer from it, wants messages or none. Nothing is told back of what was before."""
    with scopes.acting(scopes.Scope(area=places.PROVINCE, page="opt out")):
        if wants:
            MessageOptOut.objects.filter(phone=phone, ended_at__isnull=True).update(ended_at=now)
        else:
            _note_opt_out({"phone": phone}, places.PROVINCE, reason, None, now)
