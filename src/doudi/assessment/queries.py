"""Reads of assessments for pages."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from doudi.assessment.facts import month_before
from doudi.assessment.models import Assessment
from doudi.assessment.outputs import PERSON_PROGRAMMES
from doudi.core.prepared import prepared
from doudi.registry.models import Programme


def said(results: dict[str, Any]) -> list[tuple[str, float | None]]:
    """(programme, yuan a month; None for a status without money) of what the results give."""
    household, persons = results["household"], results["persons"]
    made: list[tuple[str, float | None]] = []
    if household["dibao_eligible"]:
        made.append((str(Programme.DIBAO.label), household["dibao_amount"]))
    if household["marginal_family"]:
        made.append((str(Programme.MARGINAL.label), None))
    if household.get("rigid_expenditure_family"):
        made.append((str(Programme.RIGID.label), None))
    for programme, names in PERSON_PROGRAMMES.items():
        amount = sum(sum(persons.get(name, [])) for name in names)
        if amount > 0:
            made.append((str(Programme(programme).label), round(amount, 2)))
    return made


@prepared
def _last(household: int) -> QuerySet[Assessment]:
    return Assessment.objects.filter(household_id=household).order_by("-month", "-id")[:4]


def of_household(household_id: int) -> list[dict[str, Any]]:
    """The household's last four assessments, newest first, with what they say; one query."""
    rows = _last(household_id)
    return [{"row": row, "said": said(row.results), "total": row.results["household"]["benefits_total"]} for row in rows]


def before(assessment: Assessment) -> Assessment | None:
    """The last assessment of the month before."""
    rows = Assessment.objects.filter(household_id=assessment.household_id, month=month_before(assessment.month))
    return rows.select_related("settings").order_by("-id").first()


def is_last(assessment: Assessment) -> bool:
    """Whether no newer one of the month exists."""
    return not Assessment.objects.filter(household_id=assessment.household_id, month=assessment.month, id__gt=assessment.pk).exists()
