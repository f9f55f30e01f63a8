"""Calls for volunteers (志愿者召集): those who suit are told once; two who take the last place at once: one gets it; stopped when there are enough."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.messaging import check_values, templates, unsaid_in
from doudi.core.models import Division, Emergency
from doudi.core.services.messages_many import send_to_phones
from doudi.volunteering import board_procedures as P
from doudi.volunteering import codes
from doudi.volunteering.models import Call, CallReply
from doudi.volunteering.services.board import attendance
from doudi.volunteering.services.board.base import eighteen_before, in_county, local, number, reason_of, setting

C, R = Call.State, CallReply.State
LONGEST = timedelta(days=30)
RUNNING = (C.OPEN, C.ENOUGH)

# Everybody of the area who may come, has one of the skills (where any are named) and goes as far as the call is: told once.
TELL = """
insert into volunteering_callreply (call_id, area, volunteer_id, state, told_at)
select %(call)s, %(area)s, v.id, 'called', %(now)s from volunteering_volunteer v
where v.area >= left(%(area)s, 6) and v.area < left(%(area)s, 6) || ':' and v.state = 'active' and (%(grown)s::date is null or v.birth_date <= %(grown)s)
  and (cardinality(%(skills)s::text[]) = 0 or v.skills::text[] && %(skills)s::text[])
  and (starts_with(v.area, %(area)s) or length(%(area)s) > 6 and doudi.division_km(v.area, %(area)s, %(km)s) <= v.distance)
on conflict (call_id, volunteer_id) do nothing
"""
TO_ALL = """
select r.area, v.phone, 'call:' || r.call_id || ':v' || r.volunteer_id, %(values)s::jsonb
from volunteering_callreply r join volunteering_volunteer v on v.id = r.volunteer_id where r.call_id = %(call)s and r.state = 'called'
"""


def _plain(field: str, text: str, least: int, most: int) -> str:
    """Public words: bounded, no control characters, nothing that people are not told."""
    said = text.strip()
    if not least <= len(said) <= most or any(ord(sign) < 32 for sign in said):
        raise ValidationError({field: _("请填写 %(least)d 至 %(most)d 个字，不换行。") % {"least": least, "most": most}})
    if word := unsaid_in(said):
        raise ValidationError({field: _("召集内容对外公开，不能写“%(word)s”。") % {"word": word}})
    return said


@transaction.atomic
def call_volunteers(
    *, key: UUID, area: str, title: str, words: str, place: str, wanted: int, until: datetime, skills: Iterable[str] = (), adults: bool = True,
    emergency_id: int | None = None, now: datetime,
) -> Call:
    """Call the volunteers of a county, township or village for something, until a time; those who suit are told at once, each once.

    The same form (`key`) again gives back the first. ValidationError by field. A county's call reaches the county; a township's or village's also
    those nearby who go that far.
    """  # fmt: skip
    acting = duties.require("board.call")
    known = Call.objects.filter(key=key).first()
    if known is not None:
        return known
    asked = sorted(set(skills))
    if not acting.covers(area) or len(area) not in (6, 9, 12) or not Division.objects.filter(code=area).exists():
        raise ValidationError({"area": _("请选择您管辖范围内的县、乡镇或村。")})
    if any(each not in codes.SKILLS for each in asked):
        raise ValidationError({"skills": _("请重新选择。")})
    if not 1 <= wanted <= 5000:
        raise ValidationError({"wanted": _("人数应为 1 至 5000。")})
    if not now < until <= now + LONGEST:
        raise ValidationError({"until": _("截止时间应在现在以后、30 天以内。")})
    emergency = None
    if emergency_id is not None:
        emergency = Emergency.objects.filter(pk=emergency_id).first()
        if emergency is None or not emergency.holds_on(timezone.localdate(now)):
            raise ValidationError({"emergency": _("没有这个应急状态，或它已结束。")})
    given = {"title": _plain("title", title, 4, 40), "words": _plain("words", words, 4, 300), "place": _plain("place", place, 2, 80)}
    try:
        with transaction.atomic():
            row = Call.objects.create(
                number=number(timezone.localdate(now), "ZJ"), key=key, area=area, emergency=emergency, skills=asked, adults=adults, wanted=wanted, until=until,
                made_by_id=acting.account_id or None, made_at=now, **given,
            )  # fmt: skip
    except IntegrityError:  # the same form a moment ago
        return Call.objects.get(key=key)
    _tell(row, now)
    scopes.check_constraints()
    return row


def _tell(row: Call, now: datetime) -> None:
    """As the machine over the county: a township calls its neighbours too."""
    on = timezone.localdate(now)
    value = setting(row.area, on)
    grown = eighteen_before(on) if row.adults else None
    values = check_values(templates.get("board.call"), {"title": row.title, "place": row.place, "wanted": row.wanted, "until": local(row.until)})
    with in_county(row.area), connection.cursor() as cursor:
        given: dict[str, Any] = {"call": row.pk, "area": row.area, "skills": row.skills, "grown": grown, "km": [int(value(name)) for name in P.KM], "now": now}
        cursor.execute(TELL, given)
        row.called = cursor.rowcount
        send_to_phones(TO_ALL, {"call": row.pk, "values": json.dumps(values)}, template="board.call", until=row.until, now=now)
    row.save(update_fields=["called"])


def _locked(call_id: int, version: int | None = None) -> Call:
    row = Call.objects.select_for_update(of=("self",)).filter(pk=call_id).first()
    if row is None:
        raise ValidationError(_("没有这次召集，或它不在您的管辖范围内。"))
    if version is not None and row.version != version:
        raise ValidationError(_("这次召集刚由他人办理，现为“%(state)s”；请刷新页面。") % {"state": row.get_state_display()})
    return row


@transaction.atomic
def stop_call(*, call_id: int, version: int, reason: str, now: datetime) -> Call:
    """Stop a call before its time, with a reason; who has not answered is told not to come."""
    duties.require("board.call")
    row = _locked(call_id, version)
    if row.state not in RUNNING:
        raise ValidationError(_("这次召集已结束。"))
    row.reason = reason_of(reason)
    _end(row, C.STOPPED, now)
    _not_any_more(row, now)
    scopes.check_constraints()
    return row


def _end(row: Call, state: str, now: datetime) -> None:
    row.state, row.ended_at, row.version = state, now, row.version + 1
    row.save(update_fields=["state", "ended_at", "reason", "version"])


def _not_any_more(row: Call, now: datetime) -> None:
    values = check_values(templates.get("board.enough"), {"title": row.title})
    with in_county(row.area):
        send_to_phones(TO_ALL, {"call": row.pk, "values": json.dumps(values)}, template="board.enough", now=now)


@transaction.atomic
def reply_to_call(*, call_id: int, volunteer_id: int, coming: bool, now: datetime) -> CallReply:
    """A volunteer's own answer, changed as long as the call runs. ValidationError where somebody else took the last place a moment ago.

    With the last place the call has enough: who has not answered is told not to come.
    """
    duties.require("board.self")
    row = _locked(call_id)
    reply = CallReply.objects.filter(call=row, volunteer=volunteer_id).select_related("volunteer").first()
    if reply is None:
        raise ValidationError(_("这次召集没有邀请您。"))
    if row.state not in RUNNING or row.until <= now:
        raise ValidationError(_("这次召集已结束，请不要前往。"))
    state = R.COMING if coming else R.DECLINED
    if reply.state == state:
        return reply
    if coming:
        if reply.volunteer.state != "active":
            raise ValidationError(_("您的志愿者身份现为“%(state)s”，不能参加。") % {"state": reply.volunteer.get_state_display()})
        if row.left < 1:
            raise ValidationError(_("人数刚满（需要 %(wanted)d 人）；请不要前往，谢谢您。") % {"wanted": row.wanted})
    reply.state, reply.replied_at = state, now
    reply.save(update_fields=["state", "replied_at"])
    attendance.follow(row, volunteer_id, coming=coming, now=now)
    before = row.state
    row.refresh_from_db()
    if before == C.OPEN and row.state == C.ENOUGH:
        _not_any_more(row, now)
    scopes.check_constraints()
    return reply


def end_calls(*, now: datetime) -> int:
    """Calls whose time is over end by themselves; the number."""
    duties.require("board.ask")
    rows = list(Call.objects.select_for_update(of=("self",), skip_locked=True).filter(state__in=RUNNING, until__lte=now).order_by("id")[:200])
    for row in rows:
        _end(row, C.OVER, now)
    return len(rows)
