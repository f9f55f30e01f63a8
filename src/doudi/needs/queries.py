"""Reads of needs: the queue by its clock, what one officer has in hand, what the board may show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.measures import Numbers
from doudi.core.models import Duty, Posting
from doudi.core.models.divisions import ancestors
from doudi.core.prepared import prepared
from doudi.needs import answerers
from doudi.needs.models import Need, NeedAnswer, NeedPrivate
from doudi.needs.posted import posted_above
from doudi.needs.services.base import A
from doudi.registry.queries import shown_name

COLOURS = {"open": "orange", "in_hand": "", "done": "green", "cancelled": "gray", "expired": "red"}
ANSWER_COLOURS = {"offered": "orange", "accepted": "", "reported": "purple", "done": "green", "declined": "gray", "withdrawn": "gray", "lapsed": "red"}
URGENCY_COLOURS = {"red": "red", "orange": "orange", "yellow": ""}
MOST = 100


@dataclass(frozen=True)
class Notice:
    """A need as the needs board may show it: nothing that identifies anybody. `place` is the township."""

    number: str
    kind: str
    urgency: str
    place: str
    by: date | None
    left: int
    skills: tuple[str, ...]


def board(*, area: str = "", kind: str = "", limit: int = MOST) -> list[Notice]:
    """Open needs for the board, the nearest limit first, from the columns that may be told alone; one query."""
    rows = Need.objects.filter(state=Need.State.OPEN)
    if area:
        rows = rows.filter(area__gte=area, area__lt=area + ":")
    if kind:
        rows = rows.filter(kind=kind)
    found = rows.order_by("clock", "id").values_list("number", "kind", "urgency", "area", "by", "wanted", "taken", "skills")[:limit]
    return [
        Notice(number, code, urgency, place[:9], by, wanted - taken, tuple(skills)) for number, code, urgency, place, by, wanted, taken, skills in found
    ]


def figures(now: datetime) -> list[dict[str, Any]]:
    """Needs of the scope in figures; two queries."""
    url = reverse("needs:list")
    live = Need.objects.filter(clock__isnull=False).aggregate(
        open=Count("pk", filter=Q(state="open")), red=Count("pk", filter=Q(state="open", urgency="red")), late=Count("pk", filter=Q(clock__lt=now)),
        in_hand=Count("pk", filter=Q(state="in_hand")),
    )  # fmt: skip
    closed = met_since(now).aggregate(done=Count("pk"), in_time=Count("pk", filter=Q(closed_at__lte=F("due"))))
    share = f"{closed['in_time'] / closed['done']:.0%}" if closed["done"] else "—"
    return [
        {"label": _("待响应"), "value": f"{live['open']:,}", "unit": _("项"), "url": f"{url}?state=open"},
        {"label": _("其中紧急"), "value": f"{live['red']:,}", "unit": _("项"), "url": f"{url}?state=open&urgency=red"},
        {"label": _("已有人接"), "value": f"{live['in_hand']:,}", "unit": _("项"), "url": f"{url}?state=in_hand"},
        {"label": _("超期"), "value": f"{live['late']:,}", "unit": _("项"), "url": f"{url}?state=late"},
        {"label": _("近30天已满足"), "value": f"{closed['done']:,}", "unit": _("项"), "note": _("按期 %(share)s") % {"share": share}, "url": f"{url}?state=lately"},
    ]


def met_since(now: datetime) -> QuerySet[Need]:
    return Need.objects.filter(state="done", closed_at__gte=now - timedelta(days=30))


def met_lately() -> QuerySet[Need]:
    """7.5: needs met in the last thirty days."""
    return met_since(timezone.now())


def met_figure(numbers: Numbers) -> tuple[int, str]:
    return int(numbers["n"]), _("项需求已满足（近30天）")


def whose(need: Need, private: NeedPrivate | None = None) -> str:
    """Whose need it is, as far as the reader may know: the name in lists is shown as people's names are; without the right, the coarse place."""
    if not duties.may("registry.view"):
        return str(need.get_about_display())
    if need.person:
        return shown_name(need.person.name)
    if need.household:
        return shown_name(need.household.name)
    return private.name if private and private.name else str(need.get_about_display())


def mine(*, now: datetime) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """What the acting officer has to do with needs, for the phone: (code, title, cards); four queries and the names."""
    acting = scopes.current()
    own = (
        NeedAnswer.objects.filter(account_id=acting.account_id, state__in=(A.OFFERED, *NeedAnswer.HOLDING))
        .select_related("need__person", "need__household").order_by("need__clock", "id")[:MOST]
    )  # fmt: skip
    answers = list(own)
    open_rows = list(
        Need.objects.filter(state=Need.State.OPEN).exclude(pk__in=[row.need_id for row in answers])
        .select_related("person", "household").order_by("clock", "id")[:MOST]
    )  # fmt: skip
    confirming: list[NeedAnswer] = []
    if duties.may("needs.manage"):
        confirming = list(
            NeedAnswer.objects.filter(state=A.REPORTED).exclude(account_id=acting.account_id).exclude(reported_by_id=acting.account_id)
            .select_related("need__person", "need__household").order_by("reported_at")[:MOST]
        )  # fmt: skip
    needs = [*(row.need for row in answers), *open_rows, *(row.need for row in confirming)]
    private = {row.need_id: row for row in NeedPrivate.objects.filter(need__in=[need.pk for need in needs])}
    places.preload(need.area for need in needs)

    def card(need: Need, answer: NeedAnswer | None = None) -> dict[str, Any]:
        said = private.get(need.pk)
        return {
            "need": need, "answer": answer, "who": whose(need, said), "what": str(said.what)[:60] if said else "", "late": bool(need.clock and need.clock < now),
            "colour": URGENCY_COLOURS[need.urgency], "answer_colour": ANSWER_COLOURS[answer.state] if answer else "",
        }  # fmt: skip

    return [
        ("asked", _("交办给我"), [card(row.need, row) for row in answers if row.state == A.OFFERED]),
        ("doing", _("我在办"), [card(row.need, row) for row in answers if row.state != A.OFFERED]),
        ("confirm", _("待向本人核实"), [card(row.need, row) for row in confirming]),
        ("open", _("待响应"), [card(need) for need in open_rows]),
    ]


def candidates(need: Need, on: date) -> list[tuple[str, str, answerers.Suggestion]]:
    """(key, words, suggestion) of whom a need can be given to: those that rooms suggest, who is posted at the place or above it up to the township,
    then who goes out to people for the county."""
    found = {each.key: each for each in answerers.suggest(need)}
    near = [code for code in ancestors(need.area) if len(code) >= 9] or [need.area]
    rows = Posting.objects.filter(area__in=near, starts__lte=on, duty__in=duties.MAY["needs.answer"], account__is_active=True)
    for posting in rows.filter(Q(ends__isnull=True) | Q(ends__gt=on)).select_related("account").order_by("-area", "duty", "id")[:MOST]:
        each = answerers.Suggestion("officer", posting.account.name, account_id=posting.account_id, note=f"{posting.get_duty_display()}　{places.name(posting.area)}")
        found.setdefault(each.key, each)
    for above in posted_above(need.area, on):
        each = answerers.Suggestion("officer", above.name, account_id=above.account_id, note=f"{Duty(above.duty).label}　{places.name(need.area[:6])}")
        found.setdefault(each.key, each)
    return [(key, f"{each.name}　{each.note}".strip(), each) for key, each in found.items()]


def live_of(*, household_id: int | None, person_id: int | None, kind: str = "") -> QuerySet[Need]:
    """Open needs of a household and its people, so that none is taken down twice."""
    rows = Need.objects.filter(clock__isnull=False)
    rows = rows.filter(household=household_id) if household_id else rows.filter(person=person_id)
    return rows.filter(kind=kind) if kind else rows


def _latest(rows: QuerySet[Need]) -> QuerySet[Need]:
    return rows.order_by(F("closed_at").desc(nulls_first=True), "-id")[:10]


@prepared
def _of_household(household: int) -> QuerySet[Need]:
    return _latest(Need.objects.filter(household_id=household))


@prepared
def _of_person(person: int) -> QuerySet[Need]:
    return _latest(Need.objects.filter(person_id=person))


@prepared
def _of_source(source: str, source_id: int) -> QuerySet[Need]:
    return _latest(Need.objects.filter(source=source, source_id=source_id))


def of_household(household_id: int) -> list[tuple[Need, str]]:
    return _shown(_of_household(household_id))


def of_person(person_id: int) -> list[tuple[Need, str]]:
    return _shown(_of_person(person_id))


def of_source(source: str, source_id: int) -> list[tuple[Need, str]]:
    return _shown(_of_source(source, source_id))


def _shown(rows: list[Need]) -> list[tuple[Need, str]]:
    return [(row, COLOURS[row.state]) for row in rows]


def events(need: Need) -> list[dict[str, Any]]:
    rows: Iterable[Any] = need.events.select_related("account").order_by("-id")[:MOST]
    return [{"at": each.at, "title": each.what, "who": each.account.name if each.account else _("系统"), "note": each.note or ""} for each in rows]
