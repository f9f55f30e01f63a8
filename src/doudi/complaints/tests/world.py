"""A household with an award, and the officers of a county, for tests of complaints."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from doudi.complaints import services
from doudi.complaints.models import Complaint
from doudi.complaints.services import Identity, Links
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import COUNTY, TOWNSHIP, officer
from doudi.payments.tests import world

NOW = datetime(2022, 12, 5, 2, 0, tzinfo=UTC)  # Monday morning
ON = date(2022, 12, 5)
ANSWER = "经核实，您反映的情况已处理，特此答复。"


class Office:
    """Who acts: township, two reviewers, two approvers, the city."""

    def __init__(self) -> None:
        self.town = officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)
        self.reviewer, self.second = officer(Duty.COUNTY_REVIEWER), officer(Duty.COUNTY_REVIEWER)
        self.approver, self.other_approver = officer(Duty.COUNTY_APPROVER), officer(Duty.COUNTY_APPROVER)
        self.city = officer(Duty.SUPERVISOR, "4101")
        decider = officer(Duty.COUNTY_REVIEWER)
        with scopes.acting(decider):
            self.given = world.award(members=2)

    def opened(self, *, by: scopes.Scope | None = None, now: datetime = NOW, name: str = "张三", **words: Any) -> Complaint:
        words = {"kind": "objection", "category": "amount", "channel": "household", "content": "低保金比上月少了二百元", "uuid": uuid4()} | words
        words.setdefault("links", Links(household=self.given.household.pk, award=self.given.award.pk))
        with scopes.acting(by or self.town):
            return services.open_complaint(identity=Identity(name, "13800001111" if name else ""), now=now, **words)

    def assigned(self, row: Complaint, to: scopes.Scope | None = None, now: datetime = NOW) -> Complaint:
        with scopes.acting(self.reviewer):
            row.refresh_from_db()
            return services.assign(complaint_id=row.pk, version=row.version, account_id=(to or self.second).account_id, now=now)

    def working(self, row: Complaint | None = None, now: datetime = NOW) -> Complaint:
        row = self.assigned(row or self.opened(), now=now)
        with scopes.acting(self.second):
            return services.begin(complaint_id=row.pk, version=row.version, now=now)

    def proposed(self, row: Complaint | None = None, *, finding: str = "upheld", action: str = "none", now: datetime = NOW, **more: Any) -> Complaint:
        row = self.working(row, now=now)
        with scopes.acting(self.second):
            return services.propose_close(
                complaint_id=row.pk, version=row.version, finding=finding, action=action, answer=ANSWER, now=now, **more
            )

    def closed(self, row: Complaint | None = None, **words: Any) -> Complaint:
        row = self.proposed(row, **words)
        with scopes.acting(self.approver):
            return services.approve_close(complaint_id=row.pk, version=row.version, now=words.get("now", NOW))


__all__ = ["ANSWER", "COUNTY", "NOW", "ON", "TOWNSHIP", "Office"]
