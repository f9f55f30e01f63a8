"""Officers, an organisation, volunteers and an activity of a county, for tests of volunteering."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from doudi.batch.idnumber import check_character
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import COUNTY, officer
from doudi.volunteering import services
from doudi.volunteering.codes import CREDIT_SIGNS, credit_check
from doudi.volunteering.models import Activity, Organisation, ServiceRecord, Shift, SignUp, Volunteer
from doudi.volunteering.services import Guardian, NewShift, Profile, session

TOWN = "410122101"
NOW = datetime(2022, 12, 6, 1, 0, tzinfo=UTC)  # 09:00 in China, a Tuesday
TODAY = date(2022, 12, 6)
GUARDIAN = Guardian("王建国", "父亲", "13800000009")
_serial = count(1)


def id_number(born: date = date(1990, 5, 1)) -> str:
    head = f"410122{born:%Y%m%d}{next(_serial) % 1000:03d}"
    return head + check_character(head)


def credit_code() -> str:
    number, tail = next(_serial), ""
    for _sign in range(9):
        tail, number = CREDIT_SIGNS[number % 31] + tail, number // 31
    head = "53410122" + tail
    return head + credit_check(head)


class World:
    """The county's coordinator and reviewer, a township's officer, the coordinator of another county."""

    def __init__(self) -> None:
        self.coordinator, self.reviewer = officer(Duty.VOLUNTEER_COORDINATOR), officer(Duty.COUNTY_REVIEWER)
        self.town, self.elsewhere = officer(Duty.TOWNSHIP_OFFICER, TOWN), officer(Duty.VOLUNTEER_COORDINATOR, "410181")

    def organisation(self, *, active: bool = True, **words: Any) -> Organisation:
        given = {
            "key": uuid4(), "area": COUNTY, "name": "中牟县暖心志愿服务队", "kind": "volunteers", "code": credit_code(), "contact_name": "刘芳",
            "contact_phone": "13800000001",
        } | words  # fmt: skip
        with scopes.acting(self.coordinator):
            row = services.register_organisation(now=NOW, **given)
            services.add_credential(organisation_id=row.pk, kind="registration", number=f"证{row.pk}", expires=date(2026, 1, 1), now=NOW)
        if active:
            with scopes.acting(self.reviewer):
                row = services.check_organisation(organisation_id=row.pk, version=row.version, agree=True, now=NOW)
        return row

    def volunteer(self, *, active: bool = True, born: date = date(1990, 5, 1), **words: Any) -> Volunteer:
        given = {"key": uuid4(), "area": TOWN, "name": "王明", "document": id_number(born), "phone": f"139{next(_serial):08d}", "profile": Profile()} | words
        with scopes.acting(self.coordinator):
            row = services.register_volunteer(now=NOW, **given)
            return services.verify_volunteer(volunteer_id=row.pk, version=row.version, now=NOW) if active else row

    def activity(self, *, capacity: int = 2, starts: datetime = NOW + timedelta(hours=1), hours: float = 2, **words: Any) -> Activity:
        given = {
            "key": uuid4(), "area": COUNTY, "title": "社区分餐", "kind": "food", "words": "为行动不便的居民送餐", "place": "中心街 8 号", "phone": "0371-62160000",
            "shifts": [NewShift("分餐", starts, starts + timedelta(hours=hours), capacity)],
        } | words  # fmt: skip
        with scopes.acting(self.coordinator):
            return services.open_activity(now=NOW, **given)

    def shift(self, **words: Any) -> Shift:
        with scopes.acting(self.coordinator):
            return self.activity(**words).shifts.get()

    def signed(self, shift: Shift, volunteer: Volunteer, *, now: datetime = NOW) -> SignUp:
        with me(volunteer):
            return services.sign_up(shift_id=shift.pk, volunteer_id=volunteer.pk, now=now)

    def served(self, volunteer: Volunteer | None = None, *, hours: float = 2, starts: datetime = NOW - timedelta(days=2)) -> ServiceRecord:
        """Somebody who came to a shift from its beginning to its end."""
        volunteer = volunteer or self.volunteer()
        with scopes.acting(self.coordinator):
            shift = services.open_activity(
                key=uuid4(), area=COUNTY, title="社区分餐", kind="food", words="送餐", place="中心街 8 号", phone="0371-62160000",
                shifts=[NewShift("分餐", starts, starts + timedelta(hours=hours), 5)], now=starts - timedelta(days=1),
            ).shifts.get()  # fmt: skip
        self.signed(shift, volunteer, now=starts - timedelta(hours=20))
        with me(volunteer):
            services.check_in(key=uuid4(), shift_id=shift.pk, volunteer_id=volunteer.pk, code=shift.code, now=starts)
            row = services.check_out(shift_id=shift.pk, volunteer_id=volunteer.pk, code=shift.code, now=starts + timedelta(hours=hours))
        row.volunteer = volunteer
        return row


def who(row: Volunteer | Organisation) -> session.Who:
    return session.Who("volunteer" if isinstance(row, Volunteer) else "organisation", row.pk, row.area, row.name)


@contextmanager
def me(row: Volunteer | Organisation) -> Iterator[None]:
    """A volunteer's or an organisation's own session."""
    with session.acting(who(row)):
        yield


__all__ = ["COUNTY", "GUARDIAN", "NOW", "TODAY", "TOWN", "World", "credit_code", "id_number", "me", "who"]
