"""Indices and officers for tests of price linkage."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import COUNTY, officer
from doudi.relief.models import PriceEntry, PriceProposal
from doudi.relief.services import price_entries, price_proposals
from doudi.relief.services.price_entries import Indices

CITY = "4101"
INDEX = date(2022, 11, 1)
PAID = date(2022, 12, 1)
ON = date(2022, 12, 12)
NOW = datetime(2022, 12, 12, 1, 0, tzinfo=UTC)


def indices(cpi: str | None = None, food: str | None = None, scpi: str | None = None) -> Indices:
    def number(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    return Indices(number(cpi), number(food), number(scpi))


class City:
    """Two officers of a city, reviewer and approver of a county in it."""

    def __init__(self, city: str = CITY, county: str = COUNTY) -> None:
        self.city, self.county = city, county
        self.first, self.second = officer(Duty.SUPERVISOR, city), officer(Duty.SUPERVISOR, city)
        self.reviewer, self.approver = officer(Duty.COUNTY_REVIEWER, county), officer(Duty.COUNTY_APPROVER, county)

    def entered(
        self, cpi: str | None = None, food: str | None = None, scpi: str | None = None, *, month: date = INDEX, on: date = ON, reason: str = ""
    ) -> PriceEntry:
        with scopes.acting(self.first):
            return price_entries.enter_indices(
                area=self.city, month=month, indices=indices(cpi, food, scpi), source="国家统计局调查队", document="测试公报", reason=reason, on=on, now=NOW
            )

    def confirmed(
        self, cpi: str | None = None, food: str | None = None, scpi: str | None = None, *, month: date = INDEX, on: date = ON, reason: str = ""
    ) -> PriceEntry:
        entry = self.entered(cpi, food, scpi, month=month, on=on, reason=reason)
        with scopes.acting(self.second):
            return price_entries.confirm_indices(entry_id=entry.pk, now=NOW)

    def proposed(self, month: date = PAID, *, on: date = ON, reason: str = "") -> price_proposals.Proposed:
        with scopes.acting(self.reviewer):
            return price_proposals.propose_subsidies(area=self.county, month=month, reason=reason, on=on, now=NOW)

    def approved(self, month: date = PAID, *, on: date = ON, reason: str = "") -> PriceProposal:
        made = self.proposed(month, on=on, reason=reason).proposal
        with scopes.acting(self.approver):
            return price_proposals.approve_subsidies(proposal_id=made.pk, version=made.version, now=NOW)
