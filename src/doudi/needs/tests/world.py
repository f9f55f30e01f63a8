"""A household and the officers of its place, for tests of needs."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from PIL import Image

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import officer
from doudi.needs import services
from doudi.needs.models import Need, NeedAnswer
from doudi.needs.services import About, Medicine
from doudi.registry.tests.helpers import VILLAGE, household

TOWN = VILLAGE[:9]
NOW = datetime(2022, 11, 25, 2, 0, tzinfo=UTC)  # Friday, ten in the morning


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 40), "#336699").save(out, "JPEG")
    return out.getvalue()


class Place:
    """Who acts: two visitors of the village, the township, the county, a coordinator of volunteers; and a household there."""

    def __init__(self) -> None:
        self.visitor, self.second = officer(Duty.VISITOR, VILLAGE, name="杨建国"), officer(Duty.VISITOR, VILLAGE, name="朱红霞")
        self.town, self.county = officer(Duty.TOWNSHIP_OFFICER, TOWN, name="李晓梅"), officer(Duty.COUNTY_REVIEWER)
        self.helper, self.other_helper = (officer(Duty.VOLUNTEER_COORDINATOR, VILLAGE[:6], name=name) for name in ("宋佳", "何平"))
        self.home = household(self.town, name="王建国", phone="13800001111")

    def raised(self, *, acting: scopes.Scope | None = None, now: datetime = NOW, **words: Any) -> Need:
        given = {"uuid": uuid4(), "about": About(household=self.home.pk), "kind": "food", "what": "家里只剩两天的面粉", "urgency": "orange", "source": "officer"}
        with scopes.acting(acting or self.visitor):
            return services.raise_need(now=now, **(given | words))

    def taken(self, need: Need, by: scopes.Scope | None = None, now: datetime = NOW, quantity: int = 1) -> NeedAnswer:
        with scopes.acting(by or self.visitor):
            return services.offer(uuid=uuid4(), need_id=need.pk, kind="officer", quantity=quantity, now=now)

    def offered(self, need: Need, by: scopes.Scope | None = None, now: datetime = NOW, quantity: int = 1) -> NeedAnswer:
        with scopes.acting(by or self.helper):
            return services.offer(uuid=uuid4(), need_id=need.pk, kind="volunteer", quantity=quantity, now=now)

    def reported(self, answer: NeedAnswer, by: scopes.Scope | None = None, now: datetime = NOW) -> NeedAnswer:
        with scopes.acting(by or self.visitor):
            answer.refresh_from_db()
            return services.report_done(answer_id=answer.pk, version=answer.version, note="送去面粉一袋、菜油一桶", now=now)

    def prepared(self, *, prescription: bool = False, now: datetime = NOW) -> Any:
        answer = self.taken(self.raised(kind="medicine", what="降压药只剩两天", urgency="red", now=now), now=now)
        with scopes.acting(self.visitor):
            return services.prepare(
                answer_id=answer.pk, source="pharmacy", source_name="仁和药店", medicines=[Medicine("硝苯地平缓释片", "2 盒", "每日一次")], prescription=prescription, now=now
            )


def now_at(need: Need, scope: scopes.Scope) -> Need:
    with scopes.acting(scope):
        return Need.objects.get(pk=need.pk)
