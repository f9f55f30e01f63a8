"""What a visitor found missing becomes needs by itself (登记需求, 7.5): once a record and kind, each leading back to the visit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

from doudi.discovery.models import Lead
from doudi.discovery.models.visits import Visit, VisitNeed
from doudi.discovery.services.raising import in_chinese
from doudi.needs.models import Need
from doudi.needs.services import About, raise_once

# What a visitor's finding is as a need; schooling only a department can answer, so that it stays a lead alone.
AS_NEED = {
    VisitNeed.FOOD.value: "food", VisitNeed.MEDICINE.value: "medicine", VisitNeed.HEATING.value: "supplies", VisitNeed.CARER.value: "care",
    VisitNeed.DOCTOR.value: "accompaniment", VisitNeed.COUNSEL.value: "comfort", VisitNeed.HOUSING.value: "repairs",
}  # fmt: skip
SOON, NEAR = 2, 7  # days that the medicines last


def raise_needs(
    *, uuid: UUID, visit: Visit, needs: Sequence[str], urgency: str, medicine_days: int | None, note: str, now: datetime
) -> list[Need]:
    """Needs of a recorded visit. One of the kind that is open for the household already is told again in its record, none is raised twice.

    `urgency`: of the lead that the record raises. Medicines for two days or less are urgent whatever it is.
    """
    raised = []
    for found in needs:
        if found not in AS_NEED:
            continue
        words, pressing = f"走访发现需要：{in_chinese(VisitNeed(found).label)}", urgency
        if found == VisitNeed.MEDICINE and medicine_days is not None:
            words += f"（药还能用 {medicine_days} 天）"
            if medicine_days <= SOON:
                pressing = Lead.Urgency.RED
            elif medicine_days <= NEAR and pressing == Lead.Urgency.YELLOW:
                pressing = Lead.Urgency.ORANGE
        if note.strip():
            words += f"。{note.strip()}"
        made = raise_once(
            uuid=uuid5(uuid, f"need {found}"), about=About(household=visit.household_id), kind=AS_NEED[found], what=words[:2000], urgency=str(pressing),
            source="visit", source_id=visit.pk, now=now,
        )  # fmt: skip
        raised.append(made)
    return raised
