"""A county that buys services: its officers, a provider, money in the right fund, a household; for tests of this room."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from PIL import Image

from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.numbers import Kind
from doudi.core.tests.officers import officer
from doudi.payments.services import ledger
from doudi.registry.models import Membership, Person
from doudi.registry.tests.helpers import VILLAGE, household
from doudi.resources.models import Acceptance, Donation, DonationAllocation, PurchasedService, QualityCheck, Resource, ServiceContract
from doudi.resources.services import contracts, donating, recording, register, settling
from doudi.resources.services.contracts import Line
from doudi.volunteering.models import Organisation

COUNTY, TOWN = VILLAGE[:6], VILLAGE[:9]
NOW = datetime(2022, 11, 25, 2, 0, tzinfo=UTC)
ON = date(2022, 11, 25)
LINES = (Line("counselling", "心理疏导", "次", Decimal("120.50"), Decimal(10)), Line("comfort", "陪伴探访", "小时", Decimal("33.33"), Decimal("20")))


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 40), "#336699").save(out, "JPEG")
    return out.getvalue()


def fresh(row: Any) -> Any:
    return type(row).objects.get(pk=row.pk)


class World:
    """Who acts, each another officer; `home`: a household of three with phones."""

    def __init__(self) -> None:
        self.coordinator, self.reviewer, self.approver = (
            officer(Duty.VOLUNTEER_COORDINATOR, name="宋佳"), officer(Duty.COUNTY_REVIEWER, name="赵敏"), officer(Duty.COUNTY_APPROVER, name="张卫东"),
        )  # fmt: skip
        self.finance, self.finance2 = officer(Duty.FINANCE_OFFICER, name="刘洋"), officer(Duty.FINANCE_OFFICER, name="周平")
        self.town, self.visitor = officer(Duty.TOWNSHIP_OFFICER, TOWN, name="李晓梅"), officer(Duty.VISITOR, VILLAGE, name="杨建国")
        self.station = officer(Duty.STATION_WORKER, TOWN, name="罗艳")
        members = [{"name": name, "relationship": "20", "id_number": number} for name, number in ()]
        self.homes = [
            household(self.town, name=name, phone=f"1380000{at:04d}", members=members) for at, name in enumerate(("王建国", "李桂英", "欧阳明月"))
        ]
        with scopes.acting(self.reviewer):
            heads = (
                Membership.objects.filter(household__in=self.homes, ends__isnull=True).order_by("household_id").values_list("person_id", flat=True)
            )
            self.people = list(Person.objects.filter(pk__in=list(heads)).order_by("id"))
            self.organisation = Organisation.objects.create(
                area=COUNTY, number=f"O{uuid4().hex[:10]}", key=uuid4(), name="暖阳社会工作服务中心", kind="station", code=uuid4().hex[:18].upper(), contact_name="林静",
                contact_phone=numbers.token_of(Kind.PHONE, "13700001111"), state="active", made_at=NOW, checked_at=NOW,
            )  # fmt: skip

    def funded(self, amount: str = "5000.00", fund: str = "services", year: int = 2022) -> None:
        with scopes.acting(self.finance):
            ledger.receive_appropriation(fund=fund, area=COUNTY, year=year, amount=Decimal(amount), document=f"到账{uuid4().hex[:6]}", on=ON, now=NOW)

    def proposed(self, **words: Any) -> ServiceContract:
        given: dict[str, Any] = {
            "key": uuid4(), "number": f"HT-{uuid4().hex[:6]}", "title": "困难群众关爱服务", "organisation_id": self.organisation.pk, "fund": "services",
            "starts": date(2022, 10, 1),
            "until": date(2022, 12, 31), "document": "采购〔2022〕5号", "lines": LINES,
        }  # fmt: skip
        with scopes.acting(self.coordinator):
            return contracts.propose_contract(now=NOW, **(given | words))

    def contract(self, **words: Any) -> ServiceContract:
        made = self.proposed(**words)
        with scopes.acting(self.approver):
            return contracts.decide_contract(contract_id=made.pk, version=made.version, agreed=True, now=NOW)

    def line(self, contract: ServiceContract, at: int = 0) -> int:
        with scopes.acting(self.coordinator):
            return contract.lines.order_by("position")[at].pk

    def recorded(
        self, contract: ServiceContract, *, by: scopes.Scope | None = None, at: int = 0, person: int = 0, day: date = date(2022, 11, 10), **words: Any
    ) -> PurchasedService:
        given: dict[str, Any] = {
            "uuid": uuid4(), "line_id": self.line(contract, at), "day": day, "quantity": Decimal(1), "worker": "林静", "person_id": self.people[person].pk, "note": "上门陪伴",
        }  # fmt: skip
        with scopes.acting(by or self.coordinator):
            return recording.record_service(now=NOW, **(given | words))

    def confirmed(self, contract: ServiceContract, **words: Any) -> PurchasedService:
        row = self.recorded(contract, **words)
        with scopes.acting(self.town):
            return recording.confirm_service(service_id=row.pk, version=row.version, how="signature", picture=("s.jpg", picture()), now=NOW)

    def opened(self, contract: ServiceContract, **words: Any) -> Acceptance:
        with scopes.acting(self.reviewer):
            given = {"key": uuid4(), "contract_id": contract.pk, "starts": date(2022, 11, 1), "until": date(2022, 11, 30)}
            return settling.open_acceptance(now=NOW, **(given | words))

    def checked(self, acceptance: Acceptance, *, wrong: int = 0) -> None:
        with scopes.acting(self.reviewer):
            for row in QualityCheck.objects.filter(acceptance=acceptance).order_by("position"):
                bad = row.position <= wrong
                settling.check(check_id=row.pk, result="wrong" if bad else "right", note="本人说没有来" if bad else "", now=NOW)

    def submitted(self, contract: ServiceContract, *, wrong: int = 0, **words: Any) -> Acceptance:
        row = self.opened(contract)
        self.checked(row, wrong=wrong)
        with scopes.acting(self.reviewer):
            return settling.submit(acceptance_id=row.pk, version=fresh(row).version, now=NOW, **words)

    def settled(self, row: Acceptance, by: scopes.Scope | None = None) -> Acceptance:
        with scopes.acting(by or self.finance):
            return settling.settle(acceptance_id=row.pk, version=row.version, on=ON, now=NOW)

    def resource(self, by: scopes.Scope | None = None, **words: Any) -> Resource:
        given: dict[str, Any] = {
            "key": uuid4(), "area": TOWN, "to_area": COUNTY, "holder": "shop", "name": "惠民超市", "kind": "food", "what": "米面油平价配送", "phone": "13600002222",
            "quantity": Decimal(20), "unit": "户", "period": "week", "contact": "赵店长",
        }  # fmt: skip
        with scopes.acting(by or self.town):
            return register.register(now=NOW, **(given | words))

    def goods(self, quantity: str = "100", **words: Any) -> Donation:
        given: dict[str, Any] = {
            "key": uuid4(), "kind": "goods", "number": f"S{uuid4().hex[:8]}", "quantity": Decimal(quantity), "purpose": "winter", "received_on": ON, "donor": "张三丰",
            "item": "棉被", "unit": "床",
        }  # fmt: skip
        with scopes.acting(self.coordinator):
            return donating.receive(now=NOW, **(given | words))

    def money(self, quantity: str = "1000.00", **words: Any) -> Donation:
        given: dict[str, Any] = {
            "key": uuid4(), "kind": "money", "number": f"S{uuid4().hex[:8]}", "quantity": Decimal(quantity), "purpose": "children", "received_on": ON,
            "donor": "宏远公司", "named": True,
        }  # fmt: skip
        with scopes.acting(self.finance):
            return donating.receive(now=NOW, **(given | words))

    def allocated(self, donation: Donation, quantity: str, **words: Any) -> DonationAllocation:
        given: dict[str, Any] = {
            "key": uuid4(),
            "donation_id": donation.pk,
            "target": "community",
            "area": VILLAGE,
            "quantity": Decimal(quantity),
            "purpose": "过冬",
        }
        with scopes.acting(self.coordinator):
            return donating.allocate(now=NOW, **(given | words))

    def sent(self, row: DonationAllocation) -> DonationAllocation:
        with scopes.acting(self.finance if row.kind == "money" else self.coordinator):
            return donating.send(allocation_id=row.pk, version=row.version, carrier="凭证 118", on=ON, now=NOW)
