"""Messages (消息): queued in the transaction that causes them, sent by the worker after it has committed.

`send_message` and `send_messages` are called by the services of rooms, whose own duty stands behind them, as with to-dos.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import channels, duties, keys, numbers, places
from doudi.core import scope as scopes
from doudi.core.messaging import LANGUAGES, NOTICE, PEOPLE, STAFF, check_values, templates, text_of
from doudi.core.models import Account, Message, MessageOptOut

logger = logging.getLogger(__name__)
State = Message.State
BATCH = 100
ATTEMPTS = 6
LONGEST = timedelta(hours=6)


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
                area, template, account_id, person_id, phone, language, channels.name_in_use(), json.dumps({} if form.hidden else texts),
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
    fixed: dict[str, Any] = {"m_template": template, "m_channel": channels.name_in_use(), "m_now": now, "m_fields": sorted(form.fields)}
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


# --- sending --------------------------------------------------------------------------------------------------------


def send_due(*, now: datetime) -> int:
    """Send what is due, in short transactions of their own; the number sent. Two workers at once send different ones.

    Killed between sending and noting, the same message goes to the channel again under the same id.
    """
    sent = 0
    while True:
        with scopes.acting(scopes.Scope(area=places.PROVINCE, page="worker messages")):
            due = list(
                Message.objects.select_for_update(skip_locked=True, of=("self",))
                .select_related("account")
                .filter(state=State.QUEUED, next_at__lte=now)
                .order_by("next_at", "id")[:BATCH]
            )
            for message in due:
                sent += _send(message, now)
        if len(due) < BATCH:
            return sent


def _send(message: Message, now: datetime) -> bool:
    if message.until and message.until <= now:
        return _note(message, state=State.FAILED, error="too_late", next_at=None)
    if message.account_id is None and not _always(message) and _opted_out(message.person_id, message.phone):
        return _note(message, state=State.REFUSED, error="opted_out", next_at=None)
    attempts = message.attempts + 1
    try:
        channels.channel(message.channel).send(_parcel(message))
    except channels.Never as error:
        return _note(message, state=State.FAILED, error=_said(error), attempts=attempts, next_at=None)
    except Exception as error:  # the others still go out
        logger.warning("message %s: %s", message.template, type(error).__name__)
        if attempts >= ATTEMPTS:
            return _note(message, state=State.FAILED, error=_said(error), attempts=attempts, next_at=None)
        wait = min(timedelta(minutes=2**attempts), LONGEST)
        return _note(message, error=_said(error), attempts=attempts, next_at=now + wait)
    _note(message, state=State.SENT, error="", attempts=attempts, sent_at=now, next_at=None)
    return True


def _always(message: Message) -> bool:
    """Whether it goes to who wants no messages too; one whose template the code no longer knows does not."""
    try:
        return templates.get(message.template).always
    except KeyError:
        return False


def _said(error: Exception) -> str:
    """What is kept of an error: the words of our own ones, of others the kind alone."""
    return (str(error) if isinstance(error, channels.Never | channels.NotNow) else type(error).__name__)[:100]


def _note(message: Message, **changes: Any) -> bool:
    Message.objects.filter(pk=message.pk).update(**changes)
    return False


def _parcel(message: Message) -> channels.Parcel:
    form = templates.get(message.template)
    text = NOTICE[message.language] if form.sensitive else text_of(message)
    account: Account | None = message.account
    kind, to = ("account", account.username) if account else ("phone", numbers.plain(message.phone) or "")
    return channels.Parcel(
        id=f"{message.pk:010d}", kind=kind, to=to, language=message.language, text=text, made_at=timezone.localtime(message.made_at)
    )


def retry_failed(*, message_ids: Sequence[int] | None = None, now: datetime) -> int:
    """Queue failed messages of one's own area again: those named, or all; the number."""
    duties.require("messages.manage")
    rows = Message.objects.filter(state=State.FAILED)
    if message_ids is not None:
        rows = rows.filter(pk__in=message_ids)
    return rows.update(state=State.QUEUED, attempts=0, next_at=now, error="")


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
    wanted = {"person_id": person_id} if person_id else {"phone": phone}
    there = MessageOptOut.objects.filter(**wanted, ended_at__isnull=True).first()
    if there is not None:
        return there
    try:
        with transaction.atomic():
            return MessageOptOut.objects.create(**wanted, area=area, reason=reason.strip()[:200], made_by_id=acting.account_id or None, made_at=now)
    except IntegrityError:  # another officer at the same time
        return MessageOptOut.objects.get(**wanted, ended_at__isnull=True)


def opt_in(*, person_id: int | None = None, phone: UUID | None = None, now: datetime) -> int:
    """Take an opt-out back; the number that ended."""
    acting = duties.require("messages.optout")
    wanted = {"person_id": person_id} if person_id else {"phone": phone}
    return MessageOptOut.objects.filter(**wanted, ended_at__isnull=True).update(ended_at=now, ended_by_id=acting.account_id or None)
