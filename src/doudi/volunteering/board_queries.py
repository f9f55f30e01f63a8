"""Reads of the needs board: the officer's list and one need's page, a volunteer's own page, what everybody may read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.measures import Numbers
from doudi.needs import kinds
from doudi.needs.models import Need, NeedAnswer
from doudi.needs.queries import ANSWER_COLOURS, URGENCY_COLOURS
from doudi.volunteering import codes
from doudi.volunteering.models import Call, CallReply, Feedback, Notice, Offer, Volunteer
from doudi.volunteering.services.board.base import HOLDING, A, coarse
from doudi.volunteering.services.board.matching import in_words

CALL_COLOURS = {"open": "orange", "enough": "green", "stopped": "gray", "over": "gray"}
MOST = 100


def needs(now: datetime) -> QuerySet[Need]:
    """Live needs of the scope with what the board knows of them, and those of it that were closed of late."""
    return (
        Need.objects.filter(Q(clock__isnull=False) | Q(notice__isnull=False, closed_at__gte=now - timedelta(days=30))).select_related("notice")
        .annotate(
            asked=Count("answers", filter=Q(answers__state=A.OFFERED, answers__offer__isnull=False)),
            said_no=Count("answers", filter=Q(answers__state__in=(A.DECLINED, A.LAPSED), answers__offer__isnull=False)),
        )
    )  # fmt: skip


def notice_of(need: Need) -> Notice | None:
    return getattr(need, "notice", None)


def board_state(need: Need) -> tuple[str, str]:
    """(words, colour): where a need stands on the board."""
    row = notice_of(need)
    if row is None:
        return _("未公布"), "gray"
    if not row.shown:
        return _("已撤下"), "gray"
    if need.state == Need.State.OPEN:
        return _("公布中"), "orange"
    return (_("已接满"), "") if need.state == Need.State.IN_HAND else (_("已结束"), "green")


def figures(now: datetime, url: str) -> list[dict[str, Any]]:
    """The board of the scope in figures; two queries."""
    rows = Notice.objects.filter(shown=True, need__state=Need.State.OPEN).aggregate(on=Count("pk"), red=Count("pk", filter=Q(need__urgency="red")))
    since = now - timedelta(days=30)
    offers = Offer.objects.filter(made_at__gte=since).aggregate(
        waiting=Count("pk", filter=Q(answer__state=A.OFFERED)), at_it=Count("pk", filter=Q(answer__state__in=HOLDING)),
        done=Count("pk", filter=Q(answer__state=A.DONE)), away=Count("pk", filter=Q(no_show_at__isnull=False)),
    )  # fmt: skip
    return [
        {"label": _("公布中"), "value": f"{rows['on']:,}", "unit": _("项"), "url": f"{url}?board=on"},
        {"label": _("其中紧急"), "value": f"{rows['red']:,}", "unit": _("项"), "url": f"{url}?board=on&urgency=red"},
        {"label": _("待答复邀请"), "value": f"{offers['waiting']:,}", "unit": _("份")},
        {"label": _("志愿者办理中"), "value": f"{offers['at_it']:,}", "unit": _("人次")},
        {"label": _("近30天完成"), "value": f"{offers['done']:,}", "unit": _("人次"), "note": _("未到 %(away)d 次") % {"away": offers["away"]}},
    ]  # fmt: skip


def done_lately() -> QuerySet[Offer]:
    """8.3: what volunteers and organisations did in the last thirty days."""
    return Offer.objects.filter(answer__state=A.DONE, answer__ended_at__gte=timezone.now() - timedelta(days=30))


def taken_figure(numbers: Numbers) -> tuple[object, str]:
    return int(numbers["n"]), _("人次志愿服务完成（近30天）")


def offers_of(need: Need) -> list[Offer]:
    """Offers of a need, the newest first, with what the reader may do with each; three queries."""
    found = list(
        Offer.objects.filter(need=need).select_related("answer__confirmed_by", "no_show_by").order_by("-id")[:MOST]
    )  # fmt: skip
    said: dict[int, list[Feedback]] = {}
    for each in Feedback.objects.filter(offer__in=[row.pk for row in found]).order_by("id"):
        said.setdefault(each.offer_id, []).append(each)
    account, offering, manage = scopes.current().account_id, duties.may("board.offer"), duties.may("needs.manage")
    live = need.state in Need.LIVE
    for row in found:
        answer: Any = row.answer
        answer.need = need
        row.said, row.colour = said.get(row.pk, []), ANSWER_COLOURS[answer.state]  # type: ignore[attr-defined]
        row.words = in_words(row.reasons)  # type: ignore[attr-defined]
        row.may_answer = live and offering and answer.state == A.OFFERED  # type: ignore[attr-defined]
        row.may_miss = live and offering and answer.state == A.ACCEPTED and row.came_at is None  # type: ignore[attr-defined]
        row.may_confirm = live and manage and answer.state == A.REPORTED and account != answer.reported_by_id  # type: ignore[attr-defined]
    return found


def public_words(need: Need, times: Iterable[str]) -> list[tuple[Any, ...]]:
    """What the board says of a need, as a list of (label, value): the same words as the public page."""
    rows: list[tuple[Any, ...]] = [
        (_("种类"), need.kind_label), (_("地点"), coarse(need.area)), (_("还需要"), _("%(left)d 人（份）") % {"left": need.left}), (_("紧急程度"), need.get_urgency_display()),
    ]  # fmt: skip
    if need.by:
        rows.append((_("最晚日期"), f"{need.by}"))
    if need.skills:
        rows.append((_("需要的技能"), need.skill_words))
    rows.append((_("时间"), codes.time_words(times) or _("不限")))
    return rows


# --- everybody ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Card:
    """A need as everybody may read it: no word and no number of it leads to anybody."""

    number: str
    kind: str
    urgency: str
    place: str
    by: date | None
    left: int
    skills: str
    times: str
    published_on: date
    colour: str


def cards(area: str, *, kind: str = "", first: int = 0, most: int = 20) -> list[Card]:
    """Needs on the public board; one query by a function of the database that knows no other column."""
    with connection.cursor() as cursor:
        cursor.execute("select * from doudi.board_notices(%s, %s, %s, %s)", [area, kind, first, most])
        rows = cursor.fetchall()
    places.preload(row[3] for row in rows)
    return [
        Card(number, kinds.label(code), str(Need.Urgency(urgency).label), coarse(place), by, left, kinds.skill_words(skills), codes.time_words(times), on, URGENCY_COLOURS[urgency])
        for number, code, urgency, place, by, left, skills, times, on in rows
    ]


def public_calls(area: str, now: datetime) -> list[dict[str, Any]]:
    """Calls that run; one query."""
    with connection.cursor() as cursor:
        cursor.execute("select * from doudi.board_calls(%s)", [area])
        rows = cursor.fetchall()
    places.preload(row[4] for row in rows)
    return [
        {"number": number, "title": title, "words": words, "place": place, "area": coarse(code), "skills": codes.words(skills, codes.SKILLS), "left": left, "until": until}
        for number, title, words, place, code, skills, _adults, left, until in rows if until > now
    ]  # fmt: skip


# --- one volunteer or organisation ----------------------------------------------------------------------------------


def own_offers(mine: dict[str, int], now: datetime) -> dict[str, list[Offer]]:
    """What somebody was asked, waits for, has in hand, and did of late; two queries. Read as the machine, of one alone."""
    rows = list(
        Offer.objects.filter(**mine).filter(Q(answer__ended_at__isnull=True) | Q(answer__ended_at__gte=now - timedelta(days=60)))
        .select_related("answer", "need").order_by("-id")[:60]
    )  # fmt: skip
    said = set(Feedback.objects.filter(offer__in=[row.pk for row in rows], side=Feedback.Side.VOLUNTEER).values_list("offer_id", flat=True))
    places.preload(row.area for row in rows)
    groups: dict[str, list[Offer]] = {"asked": [], "waiting": [], "doing": [], "finished": []}
    for row in rows:
        state = row.answer.state
        live = row.need.state in Need.LIVE
        row.where = coarse(row.area)  # type: ignore[attr-defined]
        row.urgent = URGENCY_COLOURS[row.need.urgency]  # type: ignore[attr-defined]
        row.colour, row.heard = ANSWER_COLOURS[state], row.pk in said  # type: ignore[attr-defined]
        if state == A.OFFERED and live:
            if not row.answer.asked or row.answer.reply_due >= now:
                groups["asked" if row.answer.asked else "waiting"].append(row)
        elif state == A.ACCEPTED and live:
            groups["doing"].append(row)
        elif state in (A.REPORTED, A.DONE):
            groups["finished"].append(row)
    return groups


def nearby(volunteer: Volunteer, now: datetime) -> list[Card]:
    """Needs on the board of the volunteer's county that they may take: of the kinds they chose, not those they answer already; two queries."""
    taken = set(
        NeedAnswer.objects.filter(kind="volunteer", external_id=volunteer.pk, offer__made_at__gte=now - timedelta(days=90))
        .exclude(state__in=(A.LAPSED, A.DECLINED)).values_list("need__notice__number", flat=True)
    )  # fmt: skip
    labels = {kinds.label(code) for code in volunteer.services} if volunteer.services else set()
    return [card for card in cards(volunteer.area[:6], most=60) if card.number not in taken and (not labels or card.kind in labels)][:30]


def own_calls(volunteer_id: int, now: datetime) -> list[CallReply]:
    """Calls that reached a volunteer and still run, and those they said they come to; one query."""
    rows = CallReply.objects.filter(volunteer=volunteer_id, call__until__gt=now).filter(Q(call__state__in=(Call.State.OPEN, Call.State.ENOUGH)) | Q(state="coming"))
    found = list(rows.select_related("call").order_by("call__until", "id")[:20])
    for row in found:
        row.colour = CALL_COLOURS[row.call.state]  # type: ignore[attr-defined]
        row.runs = row.call.state in (Call.State.OPEN, Call.State.ENOUGH)  # type: ignore[attr-defined]
    return found


# --- calls ----------------------------------------------------------------------------------------------------------


def calls() -> QuerySet[Call]:
    return Call.objects.select_related("made_by")


def coming(call: Call) -> list[CallReply]:
    """Who said they come; names of those alone, for whoever receives them at the spot."""
    return list(CallReply.objects.filter(call=call, state=CallReply.State.COMING).select_related("volunteer").order_by("replied_at", "id")[:500])


def replies(call: Call) -> dict[str, int]:
    return dict(CallReply.objects.filter(call=call).values_list("state").annotate(n=Count("id")))


__all__ = [
    "Card", "board_state", "calls", "cards", "coming", "figures", "nearby", "needs", "notice_of", "offers_of", "own_calls", "own_offers", "public_calls",
    "public_words", "replies", "taken_figure",
]  # fmt: skip
