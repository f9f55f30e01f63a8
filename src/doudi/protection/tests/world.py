"""Officers and cases for tests of the protection of minors."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from django.urls import reverse

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import TOWNSHIP, officer
from doudi.protection import services
from doudi.protection.models import ProtectionCase
from doudi.protection.services import Minor

VILLAGE = "410122101205"  # one of the divisions; that of `officers` is not
NOW = datetime(2022, 11, 24, 1, 10, tzinfo=UTC)
CHILD = Minor(name="郭小阳", birth_date=date(2012, 5, 1), sex="1")


class Office:
    """Who acts: the county's protection workers, the township's child supervisor, the village's child director, a visitor, the county's approver."""

    def __init__(self) -> None:
        self.worker, self.other = officer(Duty.PROTECTION_WORKER), officer(Duty.PROTECTION_WORKER)
        self.supervisor = officer(Duty.CHILD_SUPERVISOR, TOWNSHIP)
        self.director = officer(Duty.CHILD_DIRECTOR, VILLAGE)
        self.visitor = officer(Duty.VISITOR, VILLAGE)
        self.approver = officer(Duty.COUNTY_APPROVER)

    def opened(self, *, by: scopes.Scope | None = None, now: datetime = NOW, **words: Any) -> ProtectionCase:
        words = {"category": "gap", "source": "visit", "urgency": "red", "reported": "父亲住院隔离，家中无人照料", "uuid": uuid4(), "minor": CHILD} | words
        acting = by or self.visitor
        with scopes.acting(acting):
            return services.open_case(now=now, area=VILLAGE, **words)

    def taken(self, row: ProtectionCase | None = None, now: datetime = NOW, **words: Any) -> ProtectionCase:
        row = row or self.opened(now=now, **words)
        with scopes.acting(self.worker):
            return services.take(case_id=row.pk, version=row.version, now=now)


# An assessment in which nothing is wrong.
GOOD = {
    "now": "safe", "harm": "none", "self_harm": "none", "care": "daily", "guardian": "able", "carer": "good", "living": "enough", "health": "good", "mind": "steady",
    "school": "attends", "support": "strong",
}  # fmt: skip


def step(row: ProtectionCase, what: str, item: int | None = None) -> str:
    return reverse("protection:step", args=[row.pk, what]) if item is None else reverse("protection:step_of", args=[row.pk, what, item])
