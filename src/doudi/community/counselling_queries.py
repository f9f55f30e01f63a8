"""Reading of counselling: what a reader may see of sessions (the database holds it), and the numbers that others see."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.community.models import CounsellingSession
from doudi.community.queries import comfort_visits, month_start
from doudi.community.services import counselling
from doudi.core import duties
from doudi.core.measures import Numbers
from doudi.discovery.models import Visit
from doudi.registry.models import Person

S = CounsellingSession.State
COLOURS = {S.ASKED.value: "orange", S.BOOKED.value: "", S.HELD.value: "green", S.MISSED.value: "red", S.CANCELLED.value: "gray"}


def figures() -> list[dict[str, Any]]:
    """The place's sessions in figures, for who may see numbers; one query. Links only where the reader sees rows."""
    found = counselling.numbers_since(month_start(timezone.localdate()))
    url = reverse("community:counselling")
    shown: list[dict[str, Any]] = [
        {"label": _("待预约"), "value": f"{found['waiting']:,}", "unit": _("次"), "url": f"{url}?state=asked"},
        {"label": _("已预约"), "value": f"{found['booked']:,}", "unit": _("次"), "url": f"{url}?state=booked"},
        {"label": _("本月已开展"), "value": f"{found['held']:,}", "unit": _("次"), "url": f"{url}?state=held"},
        {"label": _("待回访"), "value": f"{found['follow_up']:,}", "unit": _("次"), "url": f"{url}?state=follow"},
    ]
    if not duties.may("counselling.book"):
        for each in shown:
            del each["url"]
    return shown


def dashboard_card(request: HttpRequest) -> dict[str, Any]:
    return {"figures": [{**each, "label": _("心理疏导") + "：" + each["label"]} for each in figures()]}


def comforted() -> QuerySet[Visit]:
    """7.6: the month's comfort visits."""
    return comfort_visits(timezone.localdate())


def comfort_figure(numbers: Numbers) -> tuple[str, str]:
    """7.6: comfort visits of the month, and sessions held (now) for who may see their number."""
    visits = int(numbers["n"])
    if not duties.may("counselling.numbers"):
        return f"{visits:,}", _("次本月走访慰问")
    held = counselling.numbers_since(month_start(timezone.localdate()))["held"]
    return f"{visits:,}", _("次本月走访慰问，心理疏导 %(n)d 次") % {"n": held}


def of_person(person_id: int) -> list[tuple[CounsellingSession, str]]:
    """A person's sessions that the reader sees; one query."""
    rows = CounsellingSession.objects.filter(person=person_id).select_related("counsellor").order_by("-asked_at")[:10]
    return [(row, COLOURS[row.state]) for row in rows]


def person_panel(request: HttpRequest, person: Person) -> dict[str, Any] | None:
    rows = of_person(person.pk)
    return {"sessions": rows} if rows else None


def ask_action(request: HttpRequest, person: Person) -> str | None:
    return None if person.died_on else reverse("community:counselling_ask", args=[person.pk])


def course(row: CounsellingSession) -> list[dict[str, Any]]:
    """What happened to a session, newest first: every step with who and why."""
    steps: list[dict[str, Any]] = [{"at": row.asked_at, "title": _("登记"), "who": row.asked_by.name if row.asked_by else _("系统"), "note": ""}]
    if row.closed_at:
        steps.append({"at": row.closed_at, "title": row.get_state_display(), "who": row.closed_by.name if row.closed_by else "", "note": row.reason})
    return steps[::-1]
