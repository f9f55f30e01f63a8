"""A need, the officers of its place, and volunteers near and far, for tests of the needs board."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import Duty
from doudi.core.numbers import Kind
from doudi.core.tests.officers import officer
from doudi.needs.models import Need, NeedAnswer
from doudi.needs.tests.world import NOW, VILLAGE, Place
from doudi.registry.tests.helpers import id_number
from doudi.volunteering.models import Offer, Organisation, OrganisationArea, Volunteer
from doudi.volunteering.services import board
from doudi.volunteering.services.board.base import ASKING, as_machine
from doudi.volunteering.services.session import Who

TOWN, COUNTY = VILLAGE[:9], VILLAGE[:6]
NEAR, NEXT_TOWN, ELSEWHERE = VILLAGE, "410122100201", "410102001002"
_phones = count(13700000001)
MACHINE = scopes.Scope(area="41", duty=WORKER, page="test", acts=ASKING)


def volunteer(name: str = "刘洋", *, area: str = NEAR, born: date = date(1990, 3, 4), state: str = "active", **more: Any) -> Volunteer:
    """A verified volunteer with cooking and driving who goes 20 km, unless said otherwise."""
    phone = str(next(_phones))
    minor = born > date(2004, 11, 25)
    given: dict[str, Any] = {
        "number": f"V{phone}", "key": uuid4(), "name": name, "document": numbers.id_token(id_number(born)), "sex": "1", "birth_date": born,
        "phone": numbers.token_of(Kind.PHONE, phone), "skills": ["cooking", "driving"], "distance": 20, "registered_on": date(2022, 1, 3), "verified_at": NOW,
        "state": state, "state_reason": "" if state == "active" else "核实有误", "state_at": NOW, "made_at": NOW,
    }  # fmt: skip
    if minor:
        given |= {"guardian_name": "刘建军", "guardian_phone": numbers.token_of(Kind.PHONE, "13800009999"), "consent_at": NOW}
    with scopes.acting(scopes.Scope(area="41")):
        return Volunteer.objects.create(area=area, **(given | more))


def organisation(name: str = "中牟县蓝天救援队", *, served: str = COUNTY, on_call: bool = True, **more: Any) -> Organisation:
    phone = str(next(_phones))
    given: dict[str, Any] = {
        "number": f"Z{phone}", "key": uuid4(), "kind": "volunteer", "code": f"{phone}X".zfill(18), "contact_name": "赵刚",
        "contact_phone": numbers.token_of(Kind.PHONE, phone), "abilities": ["food", "medicine"], "state": "active", "checked_at": NOW, "made_at": NOW,
    }  # fmt: skip
    with scopes.acting(scopes.Scope(area="41")):
        row = Organisation.objects.create(area=COUNTY, name=name, on_call=on_call, **(given | more))
        OrganisationArea.objects.create(organisation=row, area=row.area, served=served)
    return row


def who(row: Volunteer | Organisation) -> Who:
    return Who("volunteer" if isinstance(row, Volunteer) else "organisation", row.pk, row.area, row.name)


class Board(Place):
    """`Place` with a coordinator of volunteers and what the machine does."""

    def __init__(self) -> None:
        super().__init__()
        self.coordinator = officer(Duty.VOLUNTEER_COORDINATOR, COUNTY, name="宋志愿")

    def published(self, need: Need | None = None, *, times: tuple[str, ...] = (), offering: bool = True, **words: Any) -> Need:
        need = need or self.raised(**words)
        with scopes.acting(self.coordinator):
            board.publish(need_id=need.pk, times=times, offering=offering, now=NOW)
        return need

    def round(self, now: datetime = NOW) -> dict[str, int]:
        with scopes.acting(MACHINE):
            return board.run_offers(now=now)

    def offers(self, need: Need) -> list[Offer]:
        with scopes.acting(self.coordinator):
            return list(Offer.objects.filter(need=need).select_related("answer", "volunteer", "organisation").order_by("id"))

    def answer_of(self, need: Need, row: Volunteer | Organisation) -> NeedAnswer:
        with scopes.acting(self.coordinator):
            return NeedAnswer.objects.filter(need=need, external_id=row.pk).latest("id")

    def does(self, row: Volunteer, service: Any, now: datetime = NOW, **given: Any) -> Any:
        """A step of a volunteer's own page."""
        with as_machine(row.area, page="test"):
            return service(who=who(row), now=now, **given)

    def accepts(self, need: Need, row: Volunteer, now: datetime = NOW) -> NeedAnswer:
        answer = self.answer_of(need, row)
        return self.does(row, board.accept_offer, now, answer_id=answer.pk, version=answer.version)  # type: ignore[no-any-return]

    def takes(self, need: Need, row: Volunteer, now: datetime = NOW) -> NeedAnswer:
        with scopes.acting(self.coordinator):
            number = need.notice.number
        return self.does(row, board.take, now, uuid=uuid4(), number=number)  # type: ignore[no-any-return]

    def served(self, need: Need, row: Volunteer, hours: float = 2) -> NeedAnswer:
        """Came an hour later, stayed, reported."""
        answer = self.answer_of(need, row)
        self.does(row, board.check_in, NOW + timedelta(hours=1), answer_id=answer.pk)
        self.does(row, board.check_out, NOW + timedelta(hours=1 + hours), answer_id=answer.pk, note="做了午饭和晚饭")
        return self.answer_of(need, row)
