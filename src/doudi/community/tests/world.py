"""A village for tests of community care: an old man alone, a family, children whose parents work away, and the officers around them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from doudi.community import services
from doudi.community.models import CareContact, CarePerson
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import Duty
from doudi.core.tests.officers import officer
from doudi.registry.models import Household
from doudi.registry.services import NewFact, record_fact
from doudi.registry.tests import helpers

TOWN, VILLAGE, NEXT_VILLAGE, ELSEWHERE = "410122101", "410122101205", "410122101206", "410123"
NOW, ON = datetime(2022, 11, 25, 2, tzinfo=UTC), date(2022, 11, 25)


class Village:
    """Officers of a village, and households registered in it."""

    def __init__(self) -> None:
        self.town, self.other = officer(Duty.TOWNSHIP_OFFICER, TOWN), officer(Duty.TOWNSHIP_OFFICER, TOWN)
        self.reviewer = officer(Duty.COUNTY_REVIEWER)
        self.visitor = officer(Duty.VISITOR, VILLAGE, name="杨建国")
        self.worker = scopes.Scope(area="410122", duty=WORKER, acts=frozenset({"community.derive"}), page="test")
        self.phones = iter(range(13800000001, 13800009999))

    def home(self, name: str = "王长顺", *, born: date = date(1948, 3, 1), area: str = VILLAGE, members: Any = (), **head: Any) -> Household:
        return helpers.household(
            self.town, area=area, name=name, members=list(members), id_number=helpers.id_number(born), **head
        )

    def old_man(self, name: str = "王长顺", **words: Any) -> CarePerson:
        home = self.home(name, **words)
        self.derive()
        return self.care(home)

    def fact(self, household: Household, kind: str, *, person_id: int | None = None, number: int = 1, text: str = "", now: datetime = NOW) -> None:
        with scopes.acting(self.town):
            person_id = person_id or self.members(household)[0]
            fact = NewFact(kind=kind, starts=ON, source="declared", person_id=person_id, number=None if text and kind != "disability" else Decimal(number), text=text)
            record_fact(fact=fact, on=ON, now=now)

    def members(self, household: Household) -> list[int]:
        """Ids of a household's people, the head first."""
        with scopes.acting(self.worker):
            return list(household.memberships.order_by("id").values_list("person_id", flat=True))

    def derive(self, on: date = ON, now: datetime = NOW) -> services.Derived:
        with scopes.acting(self.worker):
            return services.derive(area="410122", on=on, now=now)

    def care(self, household: Household) -> CarePerson:
        with scopes.acting(self.worker):
            return CarePerson.objects.select_related("person").get(household_id=household.pk, ends__isnull=True)

    def all(self) -> dict[str, list[str]]:
        with scopes.acting(self.worker):
            return {row.person.name: row.groups for row in CarePerson.objects.filter(ends__isnull=True).select_related("person")}

    def contact(self, name: str = "李桂英", *, area: str = VILLAGE, by: scopes.Scope | None = None, **words: Any) -> CareContact:
        with scopes.acting(by or self.town):
            return services.add_contact(area=area, name=name, kind="volunteer", phone=str(next(self.phones)), now=NOW, **words)
