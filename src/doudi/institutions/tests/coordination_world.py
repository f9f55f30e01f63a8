"""A task group with members who have accounts and one who has none, beside a care home, for tests of coordination."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import officer
from doudi.institutions.models import GroupMember, Request, TaskGroup
from doudi.institutions.services import group, requests
from doudi.institutions.services.group import Seat
from doudi.institutions.tests.world import NOW, TODAY, Home

WORDS = {
    "title": "中牟县专项工作组", "document": "牟政办〔2022〕61号", "led_by": "副县长 刘建国", "phone": "0371-62190000", "starts": TODAY, "rhythm": "每天 16:00",
}  # fmt: skip


class Office(Home):
    """The home's officers, and: health and disease control with accounts, transport only a contact."""

    def __init__(self, **words: Any) -> None:
        super().__init__(**words)
        self.health, self.control = officer(Duty.GROUP_MEMBER), officer(Duty.GROUP_MEMBER)
        self.second = officer(Duty.COUNTY_REVIEWER)
        self.group = self.set_up()
        self.by_health, self.by_control, self.by_transport = self.seated(self.group)

    def set_up(self, by: scopes.Scope | None = None, **words: Any) -> TaskGroup:
        acting = by or self.reviewer
        with scopes.acting(acting):
            return group.set_up(key=uuid4(), area=acting.area, now=NOW, **(WORDS | words))

    def seated(self, row: TaskGroup) -> list[GroupMember]:
        seats = [
            Seat("health", "县卫生健康委", "孙玲", "13800001111", "liaison", account_id=self.health.account_id),
            Seat("disease_control", "县疾控中心", "魏强", "13800002222", "member", account_id=self.control.account_id),
            Seat("transport", "县交通运输局", "郭鹏", "13800003333"),
        ]
        with scopes.acting(self.reviewer):
            return group.seat(group_id=row.pk, seats=seats, now=NOW)

    def raised(self, *, by: scopes.Scope | None = None, now: Any = NOW, **words: Any) -> Request:
        given: dict[str, Any] = {
            "institution_id": self.house.pk, "kind": "supplies", "item": "oxygen", "what": "氧气瓶", "quantity": Decimal(20), "urgency": "red", "key": uuid4(),
        }  # fmt: skip
        with scopes.acting(by or self.clerk):
            return requests.raise_request(**(given | words), now=now)

    def assigned(self, row: Request | None = None, *members: GroupMember) -> Request:
        row = row or self.raised()
        with scopes.acting(self.reviewer):
            return requests.assign(request_id=row.pk, version=row.version, member_ids=[each.pk for each in members or (self.by_health,)], now=NOW)

    def working(self, row: Request | None = None) -> Request:
        row = self.assigned(row)
        with scopes.acting(self.health):
            found = Request.objects.get(pk=row.pk).offers.get(state="offered")
            return requests.accept(request_id=row.pk, offer_id=found.pk, version=row.version, now=NOW)
