"""Messages to the phones of many people at once (群发), by one statement; each recipient is told once, ever, of one occasion."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from doudi.core import channels
from doudi.core.messaging import PEOPLE, templates

INSERT = """
insert into core_message (area, template, phone, language, channel, values, url, dedupe, state, attempts, next_at, until, error, made_at)
select f.area, %(m_template)s, f.phone, 'zh-hans', %(m_channel)s, f.values, '', %(m_template)s || ':' || f.key,
  case when f.refused then 'refused' else 'queued' end, 0, case when f.refused then null else %(m_now)s end, %(m_until)s,
  case when f.phone is null then 'no_phone' when f.refused then 'opted_out' else '' end, %(m_now)s
from (
  select g.area, g.phone, g.key, g.values,
    g.phone is null or not %(m_always)s and exists (select from core_messageoptout o where o.phone = g.phone and o.ended_at is null) as refused
  from ({sql}) g (area, phone, key, values)
) f where f.values ?& %(m_fields)s::text[] and length(f.key) <= 110
on conflict (dedupe) do nothing
"""


def send_to_phones(sql: str, params: Mapping[str, Any], *, template: str, until: datetime | None = None, now: datetime) -> int:
    """Queue one message for each row of `sql`, which selects, in this order: area, phone (token), key, values (jsonb); the number queued or refused.

    `key` names the occasion and the recipient for good (`call:12:v4711`). The SELECT is written by a room, never put together from input; its values
    hold no personal data and none of the words that people are not told (`messaging.check_values`, which the caller asks).
    """
    form = templates.get(template)
    if form.to != PEOPLE or form.hidden:
        raise ValueError(template)
    fixed: dict[str, Any] = {
        "m_template": template, "m_channel": channels.name_in_use("phone"), "m_now": now, "m_until": until, "m_fields": sorted(form.fields), "m_always": form.always,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(INSERT.replace("{sql}", sql), {**params, **fixed})
        return int(cursor.rowcount)
