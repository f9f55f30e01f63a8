"""Reads of objections and complaints. Row-level security hides from an officer what is about that officer."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Q, QuerySet
from django.db.models.functions import Substr
from django.urls import reverse
from django.utils.translation import gettext as _

from doudi.complaints.models import Complaint
from doudi.complaints.services.base import HANDLING_DUTIES, barred
from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.models import Duty, Posting
from doudi.enrolment.models import Publicity

COLOURS = {
    "new": "orange", "assigned": "", "in_progress": "", "on_hold": "gray", "for_approval": "purple", "closed": "green", "reopened": "red",
}  # fmt: skip
TOWNSHIP = (Duty.TOWNSHIP_OFFICER, Duty.CHILD_SUPERVISOR)


def visible() -> QuerySet[Complaint]:
    """What the acting duty may read: townships do not read complaints about how officers behave, except those they handle themselves."""
    acting = scopes.current()
    rows = Complaint.objects.all()
    return rows.exclude(~Q(handler=acting.account_id), category="conduct") if acting.duty in TOWNSHIP else rows


def all_of_household(household: Any) -> QuerySet[Complaint]:
    """Whoever may read them; the page shows `of_household`."""
    return Complaint.objects.filter(household=household.pk)


def of_household(household: Any) -> QuerySet[Complaint]:
    return visible().filter(household=household.pk)


def figures(on: date) -> list[dict[str, Any]]:
    rows, url = visible(), reverse("complaints:list")
    found = rows.aggregate(
        unassigned=Count("pk", filter=Q(state__in=["new", "reopened"])), working=Count("pk", filter=Q(state__in=["assigned", "in_progress"])),
        held=Count("pk", filter=Q(state="on_hold")), approval=Count("pk", filter=Q(state="for_approval")),
        late=Count("pk", filter=Q(state__in=[s for s in Complaint.OPEN if s != "on_hold"], due__lt=on)),
    )  # fmt: skip
    shown = (
        ("state=new", _("待分派"), "unassigned"), ("state=in_progress", _("办理中"), "working"), ("state=on_hold", _("暂停计时"), "held"),
        ("state=for_approval", _("待审批"), "approval"), ("state=late", _("超期"), "late"),
    )  # fmt: skip
    return [{"label": label, "value": f"{found[key]:,}", "url": f"{url}?{query}"} for query, label, key in shown]


def quality(*, area: str, on: date, months: int = 12) -> list[dict[str, Any]]:
    """By place below, of what was opened in the last months: in time, median is not asked for, mean days, upheld, reopened."""
    width = {2: 4, 4: 6, 6: 9, 9: 12}.get(len(area), 12)
    since = on - timedelta(days=30 * months)
    taken = ExpressionWrapper(F("closed_at") - F("opened_at"), output_field=DurationField())
    rows = (
        visible().filter(area__gte=area, area__lt=area + ":", opened_at__date__gte=since)
        .annotate(place=Substr("area", 1, width)).values("place")
        .annotate(
            all=Count("pk"), closed=Count("pk", filter=Q(state="closed")), in_time=Count("pk", filter=Q(state="closed", closed_at__date__lte=F("due"))),
            late=Count("pk", filter=~Q(state__in=["closed", "on_hold"]) & Q(due__lt=on)), upheld=Count("pk", filter=Q(finding__in=["upheld", "partly"], state="closed")),
            reopened=Count("pk", filter=Q(reopened__gt=0)), taken=Avg(taken, filter=Q(state="closed")),
        ).order_by("place")
    )  # fmt: skip
    places.preload([row["place"] for row in rows])
    return [
        row | {
            "name": places.name(row["place"]), "share": f"{row['in_time'] / row['closed']:.0%}" if row["closed"] else "—",
            "days": f"{row['taken'].total_seconds() / 86400:.1f}" if row["taken"] else "—",
        }
        for row in rows
    ]  # fmt: skip


def handlers(row: Complaint, on: date) -> list[tuple[int, str]]:
    """Officers who may be given it: postings that cover the place, without those who are barred."""
    lengths = [row.area[:length] for length in (2, 4, 6, 9, 12) if length <= len(row.area)]
    postings = (
        Posting.objects.filter(area__in=lengths, duty__in=HANDLING_DUTIES, starts__lte=on).filter(Q(ends__isnull=True) | Q(ends__gt=on))
        .exclude(account_id__in=barred(row)).exclude(account__is_active=False).select_related("account").order_by("-area", "account__name")
    )  # fmt: skip
    found: dict[int, str] = {}
    for posting in postings[:200]:
        found.setdefault(posting.account_id, f"{posting.account.name}（{posting.get_duty_display()}，{places.name(posting.area)}）")
    return list(found.items())


def officers(area: str, on: date) -> list[tuple[int, str]]:
    """Officers of a county who can be named as complained about."""
    county = area[:6]
    postings = Posting.objects.filter(area__gte=county, area__lt=county + ":", starts__lte=on).exclude(account_id=scopes.current().account_id)
    found: dict[int, str] = {}
    for posting in postings.filter(Q(ends__isnull=True) | Q(ends__gt=on)).select_related("account").order_by("account__name")[:400]:
        found.setdefault(posting.account_id, f"{posting.account.name}（{posting.get_duty_display()}）")
    return list(found.items())


def steps(row: Complaint) -> list[dict[str, Any]]:
    order = ["new", "assigned", "in_progress", "for_approval", "closed"]
    labels = [_("登记"), _("分派"), _("办理"), _("审批"), _("办结")]
    at = {"new": 1, "reopened": 1, "assigned": 2, "in_progress": 2, "on_hold": 2, "for_approval": 3, "closed": 5}[row.state]
    return [{"label": label, "state": "done" if each < at else "now" if each == at else ""} for each, (label, _s) in enumerate(zip(labels, order, strict=True))]


def links(row: Complaint) -> list[tuple[str, str]]:
    """(label, address) of what it is about, as far as the reader's duty opens it."""
    found = []
    if row.household_id and duties.may("registry.view"):
        found.append((_("家庭：%(name)s") % {"name": row.household.name if row.household else ""}, reverse("registry:household", args=[row.household_id])))
    if row.decision_id and duties.may("enrolment.view"):
        found.append((_("所涉决定"), f"/enrolment/decisions/{row.decision_id}/"))
    if row.publicity_id and duties.may("enrolment.cases"):
        case = Publicity.objects.filter(pk=row.publicity_id).values_list("case_id", flat=True).first()
        if case is not None:
            found.append((_("所涉公示"), reverse("enrolment:case", args=[case])))
    if row.award_id and duties.may("enrolment.view") and row.household_id:
        found.append((_("所涉待遇"), reverse("registry:household", args=[row.household_id])))
    if row.line_id and duties.may("payments.view") and row.household_id:
        found.append((_("所涉发放明细"), reverse("registry:household", args=[row.household_id]) + "?tab=money"))
    return found
