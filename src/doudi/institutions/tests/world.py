"""Officers, a care home with beds and people in it, for tests of institutions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from doudi.batch.idnumber import check_character
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import COUNTY, officer
from doudi.institutions import services
from doudi.institutions.models import Institution, Resident
from doudi.institutions.services import Newcomer

VILLAGE = "410122101205"
NOW = datetime(2022, 12, 6, 1, 10, tzinfo=UTC)  # 09:10 in China, a Tuesday
TODAY = date(2022, 12, 6)
BEDS = {"self": 3, "half": 2, "full": 4}
_serial = count(1)


def id_number(born: date = date(1945, 3, 2)) -> str:
    head = f"410122{born:%Y%m%d}{next(_serial) % 1000:03d}"
    return head + check_character(head)


class Home:
    """A care home of the county; its clerk, the clerk of another home, the county's reviewer and approver, the city."""

    def __init__(self, **words: Any) -> None:
        self.reviewer = officer(Duty.COUNTY_REVIEWER)
        self.clerk, self.stranger = officer(Duty.INSTITUTION_CLERK), officer(Duty.INSTITUTION_CLERK)
        self.approver, self.city = officer(Duty.COUNTY_APPROVER), officer(Duty.SUPERVISOR, "4101")
        self.house, self.other = self.registered(**words), self.registered(name="夕阳红养老院")
        with scopes.acting(self.reviewer):
            services.appoint_clerk(institution_id=self.house.pk, account_id=self.clerk.account_id, now=NOW)
            services.appoint_clerk(institution_id=self.other.pk, account_id=self.stranger.account_id, now=NOW)

    def registered(self, **words: Any) -> Institution:
        words = {"name": "韩寺镇敬老院", "kind": "tekun_home", "area": VILLAGE, "address": "韩寺镇中心街 8 号", "phone": "0371-62160008", "beds": BEDS} | words
        with scopes.acting(words.pop("by", self.reviewer)):
            return services.register_institution(code=f"H{next(_serial):07d}", now=NOW, **words)

    def admitted(self, count: int = 1, *, house: Institution | None = None, by: scopes.Scope | None = None, now: datetime = NOW, **words: Any) -> list[Resident]:
        given = {"name": "张守田", "bed": "full"} | words
        people = [Newcomer(key=uuid4(), **({"id_number": id_number()} | given)) for _ in range(count)]
        with scopes.acting(by or self.clerk):
            return services.admit_many(
                institution_id=(house or self.house).pk, newcomers=people, starts=TODAY - timedelta(days=30), now=now
            )


__all__ = ["BEDS", "COUNTY", "NOW", "TODAY", "VILLAGE", "Home", "id_number"]
