"""Reads of relief: one case whole, figures, the household's panel. A few queries each."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.core import scope as scopes
from doudi.core.prepared import prepared
from doudi.core.templatetags import ui
from doudi.enrolment.models import AwardMember
from doudi.registry.models import Membership, Programme
from doudi.relief.models import CaseMeeting, ReliefCase, ReliefStep, VagrantCase

COLOURS = {"open": "orange", "county": "orange", "meeting": "purple", "granted": "green", "refused": "red", "withdrawn": "gray"}
STEPS = {
    "opened": gettext_lazy("受理"),
    "granted": gettext_lazy("同意救助"),
    "proposed": gettext_lazy("报县审批"),
    "sent_back": gettext_lazy("退回"),
    "refused": gettext_lazy("不予救助"),
    "withdrawn": gettext_lazy("撤回"),
    "revoked": gettext_lazy("作废"),
    "to_meeting": gettext_lazy("提交一事一议"),
    "meeting": gettext_lazy("登记会议记录"),
    "explained": gettext_lazy("补充说明"),
    "account": gettext_lazy("登记收款账户"),
    "notice": gettext_lazy("制发告知书"),
}


def unexplained(on: date) -> Q:
    """Relief first whose explanation is late on a day."""
    return Q(relief_first=True, state="granted", explained_at__isnull=True, explanation_due__lt=on)


def sittings(on: date) -> list[tuple[UUID, str]]:
    """Case meetings of the last thirty days that another case may have been dealt with in: (sitting, day, place, chair and how many cases)."""
    rows = CaseMeeting.objects.filter(held_on__gt=on - timedelta(days=30), held_on__lte=on, sitting__isnull=False).order_by("-held_on", "-id")
    found: dict[UUID, list[CaseMeeting]] = {}
    for row in rows.only("sitting", "held_on", "place", "participants")[:200]:
        assert row.sitting is not None
        found.setdefault(row.sitting, []).append(row)
    words = _("%(day)s %(place)s（%(chair)s等 %(people)d 人，已议 %(count)d 件）")
    return [
        (key, words % {"day": each[0].held_on, "place": each[0].place, "chair": each[0].participants[0]["name"], "people": len(each[0].participants), "count": len(each)})
        for key, each in list(found.items())[:20]
    ]


def members_of(household_id: int, on: date) -> list[tuple[int, str]]:
    """(person id, name) of who belongs to a household and lives, the head first."""
    rows = (
        Membership.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), household_id=household_id, starts__lte=on, person__died_on__isnull=True)
        .order_by("relationship", "id")
        .values_list("person_id", "person__name")
    )
    return list(rows)


def timeline(case: ReliefCase) -> list[dict[str, Any]]:
    steps = ReliefStep.objects.filter(case=case).select_related("account").order_by("at", "id")
    return [{"at": row.at, "title": STEPS[row.what], "who": row.account.name if row.account else "", "note": row.note} for row in steps]


def of_household(household: Any) -> QuerySet[ReliefCase]:
    return ReliefCase.objects.filter(household_id=household.pk)


@prepared
def _latest(household: int) -> QuerySet[ReliefCase]:
    return ReliefCase.objects.filter(household_id=household).order_by("-made_at")[:10]


def household_panel(request: HttpRequest, household: Any) -> dict[str, Any] | None:
    """Temporary assistance of a household, the last ten."""
    rows = _latest(household.pk)
    for row in rows:
        row.colour = COLOURS[row.state]  # type: ignore[attr-defined]
    return {"rows": rows} if rows else None


def figures(*, area: str, on: date) -> dict[str, Any]:
    """Temporary assistance of an area in the year of `on`: cases by state, yuan, relief first and its late explanations, vagrants in stations."""
    here = scopes.Scope(area=area)
    inside = Q(area__gte=here.low, area__lt=here.high)
    first = datetime(on.year, 1, 1, tzinfo=timezone.get_current_timezone())
    found = ReliefCase.objects.filter(inside, made_at__gte=first).aggregate(
        # names of their own: one that is a column's hides the column from the figures behind it
        cases=Count("pk"), granted=Count("pk", filter=Q(state="granted")), yuan=Sum("amount", filter=Q(state="granted")),
        helped=Sum("people", filter=Q(state="granted")), from_elsewhere=Count("pk", filter=Q(state="granted", elsewhere=True)),
        first=Count("pk", filter=Q(state="granted", relief_first=True)), met=Count("pk", filter=Q(level="meeting", state="granted")),
        waiting=Count("pk", filter=Q(state__in=["open", "county", "meeting"])), late=Count("pk", filter=unexplained(on)),
    )  # fmt: skip
    staying = VagrantCase.objects.filter(inside, state="staying").count()
    return {
        "cases": found["cases"], "granted": found["granted"], "amount": found["yuan"] or Decimal("0.00"), "people": found["helped"] or 0,
        "elsewhere": found["from_elsewhere"], "relief_first": found["first"], "late": found["late"], "meetings": found["met"], "waiting": found["waiting"],
        "vagrants": staying,
    }  # fmt: skip


def on_tekun(person_id: int) -> bool:
    """Whether a person has or had an award of extreme poverty support."""
    return AwardMember.objects.filter(person_id=person_id, void=False, award__programme=Programme.TEKUN).exists()


def dashboard_card(request: HttpRequest) -> dict[str, Any] | None:
    on = timezone.localdate()
    found = figures(area=scopes.current().area, on=on)
    if not found["cases"] and not found["vagrants"]:
        return None
    return {
        "items": [
            {"label": _("本年临时救助"), "value": ui.count(found["granted"]), "unit": _("件"), "note": _("%(amount)s 元") % {"amount": ui.money(found["amount"])}},
            {"label": _("待办理"), "value": ui.count(found["waiting"]), "unit": _("件")},
            {"label": _("先行救助未按期补充说明"), "value": ui.count(found["late"]), "unit": _("件")},
        ]
    }
