"""A county with recipients whom the law knows, and the officers of a budget, for tests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count

from doudi.assessment.tests.cases import Case, case
from doudi.budget.models import Assumption, Scenario
from doudi.budget.services import course, scenarios
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import COUNTY, officer
from doudi.enrolment.models import Award, AwardAmount, AwardMember, Decision, Entitlement
from doudi.registry.models import GROUPS

NOW = datetime(2022, 11, 25, 2, 0, tzinfo=UTC)
BASE = date(2022, 11, 1)
YEAR = 2023
_numbers = count(1)


def holds(made: Case, programme: str, amount: str, *, starts: date = date(2022, 1, 1), members: list[int] | None = None) -> Award:
    """An award of a household (or of some of its members) as enrolment makes it."""
    people = [made.people[at] for at in members] if members is not None else made.people
    home, by = made.household, scopes.current().account_id
    decision = Decision.objects.create(
        area=home.area, number=f"B{next(_numbers):08d}", household=home, programme=programme, kind="grant", content={}, content_hash=hashlib.sha256().hexdigest(),
        amount=Decimal(amount), starts=starts, proposed_by_id=by, proposed_at=NOW,
    )  # fmt: skip
    entitlement = Entitlement.objects.create(area=home.area, kind="award")
    row = Award.objects.create(
        entitlement=entitlement, area=home.area, household=home, programme=programme, grp=GROUPS[programme], starts=starts, payee_id=people[0].pk,
        payee_name=people[0].name, account=people[0].account, bank=people[0].bank, decision=decision, made_at=NOW,
    )  # fmt: skip
    AwardAmount.objects.create(area=home.area, award=row, from_month=starts, amount=Decimal(amount), decision=decision)
    for who in people:
        AwardMember.objects.create(area=home.area, award=row, person=who, grp=row.grp, starts=starts)
    return row


class World:
    """Three officers of a county and one of its city."""

    def __init__(self, county: str = COUNTY) -> None:
        self.county = county
        self.reviewer, self.finance = officer(Duty.COUNTY_REVIEWER, county), officer(Duty.FINANCE_OFFICER, county)
        self.approver, self.city = officer(Duty.COUNTY_APPROVER, county), officer(Duty.SUPERVISOR, county[:4])

    def people(self) -> dict[str, Case]:
        """One rural household of two on dibao, one person on tekun at home, one in an institution, one with the nursing subsidy."""
        with scopes.acting(self.reviewer):
            found = {
                "dibao": case({}, {"name": "李芳", "relationship": "10"}),
                "tekun": case({"birth": date(1945, 5, 1), "labour_capacity": (None, "none"), "support_obligor": (None, "none")}),
                "inside": case(
                    {"birth": date(1940, 5, 1), "labour_capacity": (None, "none"), "support_obligor": (None, "none"), "in_institution": 1}
                ),
                "nursing": case({"disability": (1, "physical"), "wage_income": 60000}),
            }
            holds(found["dibao"], "dibao", "600")
            holds(found["tekun"], "tekun", "700")
            holds(found["inside"], "tekun", "700")
            holds(found["nursing"], "disability_nursing", "60")
            scopes.check_constraints()
        return found

    def scenario(self, name: str = "基本方案", *, year: int = YEAR, base: date = BASE, basis: str = "awards", temporary: bool = False) -> Scenario:
        with scopes.acting(self.reviewer):
            return scenarios.create_scenario(year=year, name=name, basis=basis, base_month=base, now=NOW, temporary=temporary)

    def assume(self, row: Scenario, kind: str, way: str, value: str, **more: object) -> Assumption:
        with scopes.acting(self.reviewer):
            return scenarios.add_assumption(
                scenario_id=row.pk,
                kind=kind,
                way=way,
                value=Decimal(value),
                reason="县财政会议纪要",
                now=NOW,
                **more,  # type: ignore[arg-type]
            )

    def calculated(self, row: Scenario) -> Scenario:
        with scopes.acting(self.reviewer):
            return scenarios.calculate(scenario_id=row.pk, now=NOW)

    def checked(self, row: Scenario) -> Scenario:
        with scopes.acting(self.finance):
            fresh = Scenario.objects.get(pk=row.pk)
            return course.check_scenario(scenario_id=row.pk, version=fresh.version, now=NOW)

    def submitted(self, row: Scenario) -> Scenario:
        self.checked(row)
        with scopes.acting(self.approver):
            fresh = Scenario.objects.get(pk=row.pk)
            return course.submit_scenario(scenario_id=row.pk, version=fresh.version, now=NOW)


def months(year: int = YEAR) -> Iterator[date]:
    return (date(year, number, 1) for number in range(1, 13))
