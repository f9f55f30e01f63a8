"""Reads of delegated confirmation and spot checks for pages."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Left
from django.utils.translation import gettext as _

from doudi.enrolment.models import Decision, SpotCheck, SpotCheckItem
from doudi.enrolment.queries import with_head
from doudi.registry.models import Household

COLOURS = {"": "orange", "in_order": "green", "incomplete": "orange", "wrong": "red"}


def confirmed() -> QuerySet[Decision]:
    """What townships of the scope confirmed, with what a spot check last found."""
    found = SpotCheckItem.objects.filter(decision=OuterRef("pk")).order_by("-id")
    # no join with the household: one that has moved away is not seen any more, its decision is
    rows = Decision.objects.filter(by_township=True).select_related("person", "decided_by").defer("content")
    return with_head(rows).annotate(drawn=Subquery(found.values("pk")[:1]), found=Subquery(found.values("finding")[:1]))


def checks() -> QuerySet[SpotCheck]:
    """Spot checks of the scope with how many of their decisions are checked and found wrong."""
    return SpotCheck.objects.select_related("made_by").annotate(
        checked=Count("items", filter=~Q(items__finding="")), wrong=Count("items", filter=Q(items__finding="wrong"))
    )


def found_words(row: Any) -> str:
    """The finding of a drawn decision in words; nothing where it was not drawn."""
    if row.drawn is None:
        return ""
    return str(SpotCheckItem.Finding(row.found).label) if row.found else str(_("已抽取，待查"))


def items(check: SpotCheck) -> QuerySet[SpotCheckItem]:
    """The drawn decisions: what waits first."""
    rows = SpotCheckItem.objects.filter(check_of=check).select_related("decision", "confirmed_by", "checked_by", "review")
    head = Household.objects.filter(pk=OuterRef("decision__household_id")).values("name")[:1]
    return rows.defer("decision__content").annotate(head=Subquery(head)).order_by(F("checked_at").asc(nulls_first=True), "area", "id")


def by_township() -> list[dict[str, Any]]:
    """Of the scope, townships with decisions confirmed, drawn and found wrong, most wrong first; one query."""
    rows = SpotCheckItem.objects.annotate(town=Left("area", 9)).values("town").annotate(
        drawn=Count("id"), checked=Count("id", filter=~Q(finding="")), incomplete=Count("id", filter=Q(finding="incomplete")), wrong=Count("id", filter=Q(finding="wrong"))
    )  # fmt: skip
    made = [row | {"rate": row["wrong"] / row["checked"] if row["checked"] else None} for row in rows]
    return sorted(made, key=lambda row: (-(row["rate"] or 0), row["town"]))
