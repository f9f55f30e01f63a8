"""Reads of visits for pages: the visitor's day, progress by place, what was missed, records that contradict each other."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import emergencies, freetext, measures, places
from doudi.core import scope as scopes
from doudi.core.models import Emergency, Posting
from doudi.core.prepared import prepared
from doudi.core.templatetags import ui
from doudi.discovery import queries
from doudi.discovery.models import Lead
from doudi.discovery.models.sweeps import Sweep, SweepEntry
from doudi.discovery.models.visits import VISITORS, Group, Health, Income, Living, Met, Unit, Visit, VisitConflict, VisitNeed
from doudi.discovery.services.visit_plans import densities
from doudi.discovery.services.visits import Result
from doudi.registry.models import Household, Membership, Person
from doudi.registry.queries import age_on, shown_name

STATE_COLOURS: dict[str, str] = {"due": "", "missed": "red", "done": "green", "absent": "orange", "refused": "orange", "cancelled": "gray"}
MOST = 600  # a village's open visits on one page

_CHINESE = {sign: number for number, sign in enumerate("一二三四五六七八九", 1)}
_GROUP = re.compile(r"(?:第)?([0-9０-９]+|[一二三四五六七八九十]+)\s*(?:村民小组|小组|组|队|单元)")
_HOUSE = re.compile(r"([0-9０-９]+)\s*(?:号|户|室)")


def _number(text: str) -> int:
    if text.isdigit():
        return int(text)
    tens, _ten, ones = text.rpartition("十") if "十" in text else ("", "", text)
    return (_CHINESE.get(tens, 1) * 10 if "十" in text else 0) + _CHINESE.get(ones, 0)


def walking_order(address: str) -> tuple[int, str, int]:
    """Sorts addresses as one walks: villagers' group (村民小组), street, house number; without a group last."""
    group, house = _GROUP.search(address), _HOUSE.search(address)
    street = re.split(r"[0-9０-９一二三四五六七八九十]", address[group.end() if group else 0 :], maxsplit=1)[0]
    return (_number(group[1]) if group else 10**6, street, int(house[1]) if house else 10**6)


def group_of(address: str) -> str:
    """The villagers' group in words; empty where the address names none."""
    found = _GROUP.search(address)
    return _("%(number)s 组") % {"number": _number(found[1])} if found else ""


def group_words(groups: Iterable[str]) -> str:
    return "、".join(str(Group(group).label) for group in groups)


@dataclass
class Card:
    """One household on the visitor's list: a visit that is owed, a lead that waits for contact, a sweep that lists it, or several of these."""

    name: str
    household_id: int | None
    visit: Visit | None = None
    lead: Lead | None = None
    sweep: SweepEntry | None = None
    size: int = 0
    age: int | None = None
    address: str = ""
    phone: bool = False
    last: Visit | None = None
    tags: list[tuple[str, str]] = field(default_factory=list)

    @property
    def due(self) -> date | None:
        days = [day for day in (self.visit.due if self.visit else None, self.lead.due if self.lead else None,
                                self.sweep.sweep.ends if self.sweep else None) if day]  # fmt: skip
        return min(days) if days else None

    @property
    def group(self) -> str:
        """Villagers' group (村民小组) in words."""
        return group_of(self.address)

    @property
    def groups(self) -> str:
        """Why it is visited, in words."""
        return group_words(self.visit.groups) if self.visit else ""

    @property
    def url(self) -> str:
        """Where it is recorded."""
        lead = f"?lead={self.lead.pk}" if self.lead else ""
        if self.sweep:
            return reverse("discovery:sweep_record", args=[self.sweep.pk]) + lead
        if self.visit:
            return reverse("discovery:visit_record", args=[self.visit.pk]) + lead
        if self.household_id:
            return reverse("discovery:visit_new", args=[self.household_id]) + lead
        return reverse("discovery:lead", args=[self.lead.pk]) if self.lead else ""


def open_visits() -> QuerySet[Visit]:
    return Visit.objects.filter(state__in=Visit.OPEN).select_related("household", "posting__account")


def sweep_entries(posting_id: int | None, on: date) -> QuerySet[SweepEntry]:
    """Households that wait in sweeps that have begun, the nearest end first; of `posting_id` and of nobody, None: everybody's."""
    rows = SweepEntry.objects.filter(state__in=SweepEntry.OPEN, sweep__state=Sweep.State.OPEN, sweep__starts__lte=on)
    if posting_id is not None:
        rows = rows.filter(Q(posting=posting_id) | Q(posting__isnull=True))
    return rows.select_related("sweep", "household").order_by("sweep__ends", "id")


@prepared
def _open(posting: int | None) -> QuerySet[Visit]:
    rows = open_visits() if posting is None else open_visits().filter(Q(posting_id=posting) | Q(posting__isnull=True))
    return rows.order_by("due", "id")[:MOST]


@prepared
def _leads(posting: int) -> QuerySet[Lead]:
    return queries.mine(posting)[:MOST]


@prepared
def _entries(posting: int | None, on: date) -> QuerySet[SweepEntry]:
    return sweep_entries(posting, on)[:MOST]


@prepared
def _members(households: list[int]) -> QuerySet[Membership]:
    return Membership.objects.filter(household_id__in=households, ends__isnull=True).select_related("person").order_by("household", "relationship", "id")


@prepared
def _made(households: list[int]) -> QuerySet[Visit]:
    return Visit.objects.filter(household_id__in=households, done_at__isnull=False).order_by("household", "-done_at").distinct("household")


def cards(*, posting_id: int | None, on: date) -> list[Card]:
    """What the scope's village owes: visits of `posting_id` and those that nobody has, with the leads given to it and its sweeps' households; None: everybody's visits.

    In a few queries, whatever the number; the day that is nearest first.
    """
    found: dict[Any, Card] = {}
    for visit in _open(posting_id):
        found[visit.household_id] = Card(
            name=shown_name(visit.household.name), household_id=visit.household_id, visit=visit, address=str(visit.household.address or "")
        )
    for lead in [] if posting_id is None else _leads(posting_id):
        card = found.get(lead.household_id) if lead.household_id else None
        if card is None:
            card = Card(name=shown_name(lead.shown_name) or _("未留姓名"), household_id=lead.household_id, address=str(lead.address or ""))
            if lead.household:
                card.address = card.address or str(lead.household.address or "")
            found[lead.household_id or f"lead{lead.pk}"] = card
        card.lead = card.lead or lead
    for entry in _entries(posting_id, on):
        key = entry.household_id or f"lead{entry.lead_id}"  # found outside of the registry: it stands with its lead
        card = found.get(key)
        if card is None:
            address = str(entry.household.address or "") if entry.household else ""
            card = found[key] = Card(name=shown_name(entry.name), household_id=entry.household_id, address=address)
        card.sweep = card.sweep or entry
    people_into(found, on)
    for card in found.values():
        card.tags = tags(card, on)
    return sorted(found.values(), key=lambda card: (card.due or date.max, walking_order(card.address)))


def people_into(found: dict[Any, Card], on: date) -> None:
    """Head, size and last visit of the households of cards; two queries."""
    ids = [key for key in found if isinstance(key, int)]
    for member in _members(ids):
        card = found[member.household_id]
        card.size += 1
        if card.age is None:
            card.age = age_on(member.person.birth_date, on)
        card.phone = card.phone or member.person.phone is not None
    for visit in _made(ids):
        found[visit.household_id].last = visit


def tags(card: Card, on: date) -> list[tuple[str, str]]:
    """Why it is on the list, as (words, colour)."""
    words: list[tuple[str, str]] = []
    if card.lead:
        words.append((str(card.lead.get_urgency_display()), queries.URGENCY_COLOURS[card.lead.urgency]))  # type: ignore[attr-defined]
        words.append((_("首次联系") if card.lead.state in Lead.UNCONTACTED else _("待核实"), ""))
    if card.visit:
        if card.visit.state == Visit.State.MISSED:
            words.append((_("逾期"), "red"))
        elif card.visit.due <= on:
            words.append((_("今天必访"), "red"))
        if card.visit.urgent:
            words.append((_("应急加密"), "orange"))
        words.append((str(card.visit.get_origin_display()), "purple" if card.visit.origin == Visit.Origin.ASKED else ""))  # type: ignore[attr-defined]
    if card.sweep:
        words.append((_("集中排查"), "purple"))
    return words


def recorded_on(day: date, *, account_id: int | None = None) -> list[Visit]:
    """Visits recorded on a day (by one account), the latest first."""
    begin = timezone.make_aware(datetime.combine(day, datetime.min.time()))
    rows = Visit.objects.filter(received_at__gte=begin, received_at__lt=begin + timedelta(days=1)).select_related("household")
    if account_id is not None:
        rows = rows.filter(recorder=account_id)
    return list(rows.order_by("-done_at", "-id")[:200])


def phone_of(household_id: int) -> Person | None:
    """Whom to call in a household: the first member with a number, the head before others."""
    members = Membership.objects.filter(household=household_id, ends__isnull=True, person__phone__isnull=False).select_related("person")
    member = members.order_by("relationship", "id").first()
    return member.person if member else None


# --- one visit ------------------------------------------------------------------------------------------------------


def rows_of(result: Result) -> list[tuple[str, Any, str]]:
    """(label, words, field) of a record; numbers in its text are masked."""
    shown: list[tuple[str, Any, str]] = [(_("见到谁"), Met(result.met).label if result.met else "", "met")]
    shown.append((_("生活状况"), Living(result.living).label if result.living else "", "living"))
    shown.append((_("需要什么"), "、".join(str(VisitNeed(need).label) for need in result.needs) or (_("没有") if result.in_person else ""), "needs"))
    shown.append((_("药还能用"), _("%(days)s 天") % {"days": result.medicine_days} if result.medicine_days is not None else "", "medicine_days"))
    shown.append((_("健康变化"), Health(result.health).label if result.health else "", "health"))
    shown.append((_("收入变化"), Income(result.income).label if result.income else "", "income"))
    shown.append((_("补充说明"), freetext.masked(result.note), "note"))
    shown.append((_("见证人"), freetext.masked(result.witness), "witness"))
    shown.append((_("改约"), ui.day(result.next_on) if result.next_on else "", "next_on"))
    return [(label, str(words), name) for label, words, name in shown]


def told_numbers(visit: Visit) -> list[str]:
    """Texts of a visit, of records that contradict it and of what was decided about them, where whole phone or ID numbers stand: what pages mask. One query."""
    texts: list[str | None] = [visit.reason, visit.note, visit.witness]
    for each in VisitConflict.objects.filter(visit=visit).order_by("received_at"):
        for kept in (each.content, each.replaced):
            result = Result.from_json(str(kept)) if kept else None
            texts += [result.note, result.witness] if result else []
        texts.append(each.note)
    return freetext.with_numbers(texts)


def postings_for(area: str, *, on: date) -> list[tuple[int, str]]:
    """Who can visit a village: people posted there and in its township today."""
    rows = Posting.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), starts__lte=on, duty__in=VISITORS, area__in=(area, area[:9]))
    found = list(rows.select_related("account").order_by("-area", "duty", "id")[:100])
    places.preload(each.area for each in found)
    return [(each.pk, f"{each.account.name}　{each.get_duty_display()}　{places.name(each.area)}") for each in found]  # type: ignore[attr-defined]


# --- above the village ----------------------------------------------------------------------------------------------


def month_start(on: date) -> datetime:
    return timezone.make_aware(datetime.combine(on.replace(day=1), datetime.min.time()))


def counts(*, on: date) -> dict[str, int]:
    """Visits of the scope in figures; two queries."""
    month = month_start(on)
    counted: dict[str, int] = Visit.objects.filter(state__in=Visit.OPEN).aggregate(
        open=Count("id"),
        today=Count("id", filter=Q(due__lte=on)),
        week=Count("id", filter=Q(due__lte=on + timedelta(days=7))),
        missed=Count("id", filter=Q(state="missed")),
    )
    counted |= Visit.objects.filter(closed_at__gte=month).aggregate(
        done=Count("id", filter=Q(state="done")), absent=Count("id", filter=Q(state="absent")), refused=Count("id", filter=Q(state="refused"))
    )
    counted["conflicts"] = VisitConflict.objects.filter(state="open").count()
    return counted


def progress(*, area: str, on: date) -> list[dict[str, Any]]:
    """Visits of the divisions directly below `area` in figures, one query: open, missed, made this month and in time."""
    length = {2: 4, 4: 6, 6: 9}.get(len(area), 12)
    first = month_start(on)
    rows = (
        Visit.objects.filter(Q(state__in=Visit.OPEN) | Q(closed_at__gte=first), area__gte=area, area__lt=area + ":")
        .annotate(place=Left("area", length))
        .values("place")
        .annotate(
            open=Count("id", filter=Q(state__in=Visit.OPEN)),
            week=Count("id", filter=Q(state="due", due__lte=on + timedelta(days=7))),
            missed=Count("id", filter=Q(state="missed")),
            done=Count("id", filter=Q(state="done")),
            in_time=Count("id", filter=Q(state="done", missed_on__isnull=True)),
            absent=Count("id", filter=Q(state="absent")),
            found=Count("id", filter=Q(found__isnull=False)),
        )
        .order_by("place")
    )
    found: list[Any] = list(rows)
    places.preload(row["place"] for row in found)
    for row in found:
        row["name"] = places.name(row["place"])
        row["share"] = f"{row['in_time'] / row['done']:.0%}" if row["done"] else "—"
    return found


def made_lately() -> QuerySet[Visit]:
    """1.7: visits made in the last thirty days."""
    return Visit.objects.filter(state="done", done_at__gte=timezone.now() - timedelta(days=30))


def visits_figure(numbers: measures.Numbers) -> tuple[int, str]:
    return int(numbers["n"]), _("次走访（近30天）")


def visited_households() -> QuerySet[Household]:
    """7.3: households visited in the last thirty days."""
    return Household.objects.filter(pk__in=made_lately().values("household_id"))


def owed_households() -> QuerySet[Household]:
    """7.3: those and the households that are owed a visit."""
    return Household.objects.filter(Q(pk__in=made_lately().values("household_id")) | Q(pk__in=Visit.objects.filter(state__in=Visit.OPEN).values("household_id")))


def households_figure(numbers: measures.Numbers) -> tuple[str, str]:
    """7.3: households visited in the last thirty days of those that are owed visits."""
    return measures.share(numbers["visited"], numbers["owed"], 0), _("近30天已走访户数占比") if numbers["owed"] else _("还没有安排走访")


def of_household(household: Household) -> QuerySet[Visit]:
    return Visit.objects.filter(household=household).exclude(state="cancelled")


@prepared
def _latest(household: int) -> QuerySet[Visit]:
    return of_household(Household(pk=household)).select_related("recorder").order_by("-due", "-id")[:12]


def household_panel(request: HttpRequest, household: Household) -> dict[str, Any] | None:
    """The last visits of a household; one query."""
    found = _latest(household.pk)
    for visit in found:
        visit.colour = STATE_COLOURS[visit.state]  # type: ignore[attr-defined]
    return {"visits": found} if found else None


def dashboard_card(request: HttpRequest) -> dict[str, Any]:
    """Visits within the scope: owed, missed, made this month, to be decided."""
    counted, url = counts(on=timezone.localdate()), reverse("discovery:visits")
    figures = [
        {"label": _("今天到期走访"), "value": f"{counted['today']:,}", "unit": _("户"), "url": f"{url}?when=today"},
        {"label": _("逾期未走访"), "value": f"{counted['missed']:,}", "unit": _("户"), "url": f"{url}?state=missed"},
        {"label": _("本月已走访"), "value": f"{counted['done']:,}", "unit": _("次"), "url": f"{url}?state=done&when=month"},
        {"label": _("记录冲突"), "value": f"{counted['conflicts']:,}", "unit": _("处"), "url": reverse("discovery:visit_conflicts")},
    ]
    return {"figures": figures}


def emergency_titles(on: date) -> str:
    """What emergencies hold in the scope or in part of it, in words."""
    return "、".join(str(each) for each in emergencies.touching(scopes.current().area, on))


def emergency_effect(emergency: Emergency, on: date) -> str:
    """What a declared emergency does to visits, as its page says it: the groups that are visited more often."""
    denser = [
        each for each in densities(emergency.area, on) if each.emergency_every and each.interval(emergency=True) != each.interval(emergency=False)
    ]
    words = "；".join(_("%(group)s每 %(number)s %(unit)s一次") % {"group": Group(each.group).label, "number": each.emergency_every,
                      "unit": Unit(each.emergency_unit).label} for each in denser[:4])  # fmt: skip
    return _("%(words)s等 %(count)d 类对象改按应急密度走访") % {"words": words, "count": len(denser)} if denser else ""
