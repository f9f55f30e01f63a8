"""Officers, a care home with beds and people in it, for tests of institutions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import uuid4

from doudi.batch.idnumber import check_character
from doudi.core import scope as scopes
from doudi.core.models import Duty, Setting
from doudi.core.services import emergencies
from doudi.core.tests.officers import COUNTY, officer
from doudi.institutions import services
from doudi.institutions.figures import BY_NAME
from doudi.institutions.models import DailyReport, Institution, Resident
from doudi.institutions.services import Left, Newcomer

VILLAGE = "410122101205"
NOW = datetime(2022, 12, 6, 1, 10, tzinfo=UTC)  # 09:10 in China, a Tuesday
TODAY = date(2022, 12, 6)
GOOD = {"residents": 42, "staff": 9, "staff_on_site": 7}
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

    def reported(self, *, by: scopes.Scope | None = None, on: date = TODAY, now: datetime = NOW, house: Institution | None = None, **words: Any) -> DailyReport:
        figures = GOOD | {name: words.pop(name) for name in list(words) if name in BY_NAME}
        with scopes.acting(by or self.clerk):
            return services.report_day(institution_id=(house or self.house).pk, on=on, figures=figures, now=now, **words)[0]


def left(quantity: str, daily_use: str) -> Left:
    return Left(Decimal(quantity), Decimal(daily_use))


def epidemic(home: Home, starts: date = date(2022, 12, 1), areas: list[str] | None = None) -> None:
    """A declared emergency (疫情) of the county."""
    with scopes.acting(home.reviewer):
        row = emergencies.declare_emergency(kind="epidemic", areas=areas or [COUNTY], starts=starts, ends=None, document="县指〔2022〕8号", now=NOW)
        step = row.steps.get()
    with scopes.acting(home.approver):
        emergencies.confirm_step(step_id=step.pk, now=NOW)


def setting(home: Home, parameter: str, value: int, area: str = COUNTY) -> None:
    """A confirmed setting of a place."""
    with scopes.acting(scopes.Scope(area="41")):
        Setting.objects.create(
            area=area, parameter=parameter, value=str(value), starts=date(2022, 1, 1), document="县民〔2022〕1号", state=Setting.State.CONFIRMED,
            proposed_by_id=home.reviewer.account_id, proposed_at=NOW, decided_by_id=home.approver.account_id, decided_at=NOW,
        )  # fmt: skip


__all__ = ["BEDS", "COUNTY", "GOOD", "NOW", "TODAY", "VILLAGE", "Home", "epidemic", "id_number", "left", "setting"]
