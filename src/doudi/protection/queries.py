"""Reads of cases for lists and figures. Row-level security leaves out what is not the officer's."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.discovery.models import Lead
from doudi.discovery.models.hotline import Call
from doudi.discovery.models.visits import Visit
from doudi.protection import timeline
from doudi.protection.events import EVENT_SECTIONS, EVENTS
from doudi.protection.models import CaseContact, ProtectionCase
from doudi.protection.sections import SECTIONS, may_read
from doudi.registry.models import Membership, Person
from doudi.registry.queries import age_on, shown_name

STATE_COLOURS = {"intake": "orange", "assessing": "", "following": "purple", "closed": "green", "moved": "gray"}
URGENCY_COLOURS = {"red": "red", "orange": "orange", "yellow": ""}
LEVEL_COLOURS = {"high": "red", "middle": "orange", "low": "green"}
RANK = Case(
    *[When(urgency=level, then=Value(at)) for at, level in enumerate(("red", "orange", "yellow"))], default=Value(3), output_field=IntegerField()
)
WAITS = Case(When(state="intake", then=Value(0)), When(state__in=("closed", "moved"), then=Value(2)), default=Value(1), output_field=IntegerField())


def queue() -> QuerySet[ProtectionCase]:
    """Cases of the reader, in the order in which they are worked on: those that wait first, by urgency and clock."""
    return ProtectionCase.objects.annotate(rank=RANK, waits=WAITS).select_related("responsible")


def age(row: ProtectionCase, on: date) -> str:
    """Years, of an infant months."""
    if row.birth_date is None:
        return ""
    years = age_on(row.birth_date, on)
    if years:
        return _("%(n)d 岁") % {"n": years}
    months = (on.year - row.birth_date.year) * 12 + on.month - row.birth_date.month - (on.day < row.birth_date.day)
    return _("%(n)d 个月") % {"n": max(months, 0)}


def name_of(row: ProtectionCase) -> str:
    return shown_name(row.name) if row.name else _("姓名不详")


def clock(row: ProtectionCase, now: datetime) -> tuple[str, str]:
    """(words, colour) of the response time: done in how long, or how much is left or over."""
    if row.contacted_at:
        late = row.contacted_at > row.contact_due
        return _("%(time)s内见到") % {"time": timeline.words(row.contacted_at - row.opened_at)}, "orange" if late else "green"
    if row.state in ("closed", "moved"):
        return _("未登记首次见面"), "gray"
    left = row.contact_due - now
    if left < timedelta():
        return _("超时 %(time)s") % {"time": timeline.words(-left)}, "red"
    return _("还有 %(time)s") % {"time": timeline.words(left)}, "orange" if left < timedelta(hours=6) else ""


def figures(now: datetime) -> list[dict[str, Any]]:
    """Row of figures over the case list; one query."""
    on, url = timezone.localdate(now), reverse("protection:cases")
    open_ = Q(state__in=ProtectionCase.OPEN)
    found = ProtectionCase.objects.aggregate(
        waiting=Count("pk", filter=Q(state="intake")), late=Count("pk", filter=open_ & Q(contacted_at__isnull=True, contact_due__lt=now)),
        alone=Count("pk", filter=open_ & Q(unattended_from__isnull=False)), assess=Count("pk", filter=open_ & Q(review_due__lt=on)),
        open=Count("pk", filter=open_), high=Count("pk", filter=open_ & Q(level="high")),
    )  # fmt: skip
    shown = (
        ("state=intake", _("待接案"), "waiting"), ("state=late", _("首次到场超时"), "late"), ("state=alone", _("无人照料"), "alone"),
        ("state=assess", _("评估超期"), "assess"), ("level=high", _("高风险"), "high"), ("state=open", _("未结个案"), "open"),
    )  # fmt: skip
    return [{"label": label, "value": f"{found[key]:,}", "unit": _("件"), "url": f"{url}?{query}"} for query, label, key in shown]


def matrix() -> list[tuple[Any, list[tuple[str, str]]]]:
    """Who reads and writes what (谁能看到什么): section -> (duty, right) of those who work on cases."""
    duties_ = (Duty.PROTECTION_WORKER, Duty.CHILD_SUPERVISOR, Duty.CHILD_DIRECTOR, Duty.STATION_WORKER)
    return [(section.label, [(str(duty.label), section.rights.get(duty, "")) for duty in duties_]) for section in SECTIONS.values()]


def minors_of(household_id: int, on: date) -> list[tuple[int, str]]:
    """(person, words) of the minors in a household of the scope."""
    rows = Membership.objects.filter(household_id=household_id, ends__isnull=True, person__died_on__isnull=True).select_related("person")
    found = [(row.person_id, row.person) for row in rows if age_on(row.person.birth_date, on) < 18]
    return [(pk, _("%(name)s（%(age)d 岁）") % {"name": person.name, "age": age_on(person.birth_date, on)}) for pk, person in found]


def origin(request: HttpRequest) -> dict[str, Any]:
    """Where a case is opened from, by the query string: `visit`, `lead`, `call`, `household` or `person`, as far as the officer sees it.

    Keys: source, source_id, household, person, area, name, reported, urgency; those that are known.
    """

    def number(name: str) -> int | None:
        text = request.GET.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None

    found: dict[str, Any] = {"source": ProtectionCase.Source.STAFF}
    if (pk := number("visit")) and (visit := Visit.objects.filter(pk=pk).first()):
        found |= {"source": "visit", "source_id": visit.pk, "household": visit.household_id, "area": visit.area, "reported": visit.note or ""}
    elif (pk := number("lead")) and (lead := Lead.objects.filter(pk=pk).first()):
        found |= {
            "source": "lead", "source_id": lead.pk, "household": lead.household_id, "person": lead.person_id, "area": lead.area, "name": lead.subject_name,
            "reported": lead.detail or lead.reason, "urgency": lead.urgency,
        }  # fmt: skip
    elif (pk := number("call")) and (call := Call.objects.filter(pk=pk).first()):
        found |= {
            "source": "hotline", "source_id": call.pk, "area": call.area, "name": call.subject_name, "reported": call.detail or "", "urgency": call.urgency,
            "person": call.person_id,
        }  # fmt: skip
    elif pk := number("household"):
        found["household"] = pk
    elif pk := number("person"):
        found["person"] = pk
    if found.get("person") and not found.get("household"):
        found["household"] = Membership.objects.filter(person_id=found["person"], ends__isnull=True).values_list("household_id", flat=True).first()
    if found.get("person") and not Person.objects.filter(pk=found["person"]).exists():
        found["person"] = None
    return found


def events(row: ProtectionCase) -> list[dict[str, Any]]:
    """What happened, newest first, in words; what a section holds does not stand there."""
    rows = row.events.select_related("account").order_by("-at", "-id")[:30]
    return [
        {"at": each.at, "title": EVENTS.get(each.what, each.what), "who": each.account.name if each.account else _("系统"), "note": each.note or ""}
        for each in rows
        if _readable(each.what)
    ]


def _readable(what: str) -> bool:
    section = EVENT_SECTIONS.get(what)
    return section is None or may_read(section, scopes.current().duty)


def open_contact(row: ProtectionCase) -> CaseContact | None:
    return row.contacts.filter(state=CaseContact.State.DUE).first()
