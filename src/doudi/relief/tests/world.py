"""A township with a reserve, and whoever is in need there, for tests of relief."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from doudi.batch.idnumber import check_character
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import COUNTY, TOWNSHIP, VILLAGE, officer
from doudi.payments.services import ledger, reserves
from doudi.relief import services
from doudi.relief.models import ReliefCase
from doudi.relief.services import Help, Someone

NOW = datetime(2022, 12, 6, 2, 0, tzinfo=UTC)  # 10:00 in China
ON = date(2022, 12, 6)
OTHER = "410724"  # a county of another city
_numbers = count(1)


def id_number(*, prefix: str = "410122", born: date = date(1975, 3, 1)) -> str:
    """A number that nobody else has in this run."""
    body = f"{prefix}{born:%Y%m%d}{next(_numbers) % 1000:03d}"
    return body + check_character(body)


def cash(amount: str, way: str = "reserve") -> Help:
    return Help("cash", Decimal(amount), way)


class Place:
    """Officers of a county and of its first township, with money in the township's reserve."""

    def __init__(self, county: str = COUNTY, *, money: str = "50000.00") -> None:
        self.county, self.township, self.village = county, county + TOWNSHIP[6:], county + VILLAGE[6:]
        self.officer = officer(Duty.TOWNSHIP_OFFICER, self.township)
        self.reviewer = officer(Duty.COUNTY_REVIEWER, county)
        self.approver = officer(Duty.COUNTY_APPROVER, county)
        self.finance = officer(Duty.FINANCE_OFFICER, county)
        if money:
            with scopes.acting(self.finance):
                ledger.receive_appropriation(
                    fund="assistance", area=county, year=2022, amount=Decimal(money), document="豫财社〔2022〕1号", on=ON, now=NOW
                )
                reserves.fund_reserve(township=self.township, year=2022, amount=Decimal(money) / 2, document="拨1", on=ON, now=NOW)

    def opened(self, *people: Someone, by: scopes.Scope | None = None, now: datetime = NOW, **more: Any) -> ReliefCase:
        given = {
            "key": uuid4(), "area": self.village, "kind": "emergency", "cause": "fire", "event_on": ON, "facts": "家中起火，衣物粮食烧毁", "people": people,
            "relief_first": True, **more,
        }  # fmt: skip
        with scopes.acting(by or self.officer):
            return services.open_case(**given, now=now)[0]

    def granted(self, *people: Someone, amount: str = "1000.00", now: datetime = NOW, **more: Any) -> ReliefCase:
        case = self.opened(*people, now=now, **more)
        return self.grant(case, amount=amount, now=now)

    def grant(self, case: ReliefCase, *, amount: str = "1000.00", by: scopes.Scope | None = None, now: datetime = NOW, **more: Any) -> ReliefCase:
        with scopes.acting(by or self.officer):
            return services.grant_by_township(
                case_id=case.pk, version=case.version, helps=[cash(amount)], now=now, **{"checked": "村委会核实", **more}
            )

    def fresh(self, case: ReliefCase) -> ReliefCase:
        with scopes.acting(self.reviewer):
            return ReliefCase.objects.get(pk=case.pk)


def key_of(number: int) -> UUID:
    return UUID(int=number)
