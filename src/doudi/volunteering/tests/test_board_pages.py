"""8.3: pages of the needs board: bounded, what each duty may do there, and nothing that identifies anybody on the public one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.models import Duty, Message
from doudi.core.tests.officers import client_of, officer
from doudi.needs.models import Need, NeedAnswer
from doudi.registry.tests.helpers import VILLAGE
from doudi.volunteering.models import Call, CallReply, Notice, Offer
from doudi.volunteering.services import board
from doudi.volunteering.services.board.base import as_machine
from doudi.volunteering.tests.board_world import COUNTY, Board, organisation, volunteer

NOW = timezone.now()
BASE = "/volunteering/board/"


@pytest.fixture
def place(db: None) -> Board:
    return Board()


def test_8_3_the_public_board_holds_nothing_that_identifies(place: Board, client: Client, django_assert_max_num_queries: Any) -> None:
    secrets = {"name": "王建国之女", "phone": "13912345678", "address": "东街3号院内", "what": "王建国家的面粉吃完了，老伴卧床"}
    rows = [place.published(**secrets, skills=["cooking"], times=("6m",), now=NOW), place.published(**secrets, urgency="red", kind="medicine", now=NOW)]
    people = [volunteer("刘志愿"), organisation()]
    place.round(NOW)
    with django_assert_max_num_queries(9):
        page = client.get("/board/", {"county": COUNTY})
    text = page.content.decode()
    assert page.status_code == 200 and "吃饭、食品" in text and "周六上午" in text and text.index("药品配送</b>") < text.index("吃饭、食品</b>"), "urgent ones first"
    for secret in (
        *secrets.values(), "王建国", "13800001111", "东街", rows[0].number, str(rows[0].uuid), f"/{rows[0].pk}/", VILLAGE, people[0].name, people[0].number, people[1].name,
        "杨建国", "面粉", places.name(VILLAGE),
    ):  # fmt: skip
        assert secret not in text, secret
    # whoever asks for other places, kinds and pages learns no more; nor is there a page for one need
    for query in ({"county": "410122001001"}, {"county": "' or 1=1"}, {"kind": "x"}, {"page": "9999999999"}, {"page": "٣"}, {"page": "0"}, {"county": COUNTY, "page": "2"}):
        answer = client.get("/board/", query)
        assert answer.status_code == 200 and "王建国" not in answer.content.decode()
    assert client.get(f"{BASE}{rows[0].pk}/").status_code == 302 and client.post("/board/").status_code == 405


def test_8_3_officers_pages_are_bounded(place: Board, django_assert_max_num_queries: Any) -> None:
    for number in range(12):
        place.published(what=f"第{number}家的三餐", wanted=2, now=NOW)
        volunteer(f"志愿{number}")
    place.round(NOW)
    need = place.published(wanted=9, now=NOW)
    place.round(NOW)
    client = client_of(place.coordinator)
    client.get(BASE)
    for url, most in ((BASE, 22), (f"{BASE}{need.pk}/", 32), (f"{BASE}?board=on&urgency=red", 22), ("/volunteering/calls/", 18)):
        with django_assert_max_num_queries(most):
            assert client.get(url).status_code == 200, url
    # the need's own page suggests with reasons, and leads here
    quiet = place.published(offering=False, now=NOW)
    page = client_of(place.town).get(f"/needs/{quiet.pk}/").content.decode()
    assert "手头" in page and f"{BASE}{quiet.pk}/" in page and "公布中" in page


def test_8_3_a_coordinator_publishes_asks_and_notes_the_answer_on_one_page(place: Board) -> None:
    row = volunteer("刘志愿")
    need = place.raised(now=NOW)
    client = client_of(place.coordinator)
    act = f"{BASE}{need.pk}/act/"

    def post(**given: Any) -> Any:
        return client.post(act, given)

    assert post(act="publish", times=["6m", "7m"], offering="on").status_code == 302
    given = {"act": "offer", "uuid": str(uuid4()), "kind": "volunteer", "who": row.pk}
    assert post(**given).status_code == 302 and post(**given).status_code == 302
    with scopes.acting(place.coordinator):
        answer = NeedAnswer.objects.get(need=need)
        assert Offer.objects.get(answer=answer).reasons
    stale = post(act="offer", uuid=str(uuid4()), kind="volunteer", who=row.pk)
    assert stale.status_code == 422 and "匹配名单" in stale.content.decode()
    assert post(act="offer", uuid="x", kind="volunteer", who="9" * 30).status_code == 422
    assert post(act="yes", answer=answer.pk, version=answer.version).status_code == 302
    late = post(act="yes", answer=answer.pk, version=answer.version)
    assert late.status_code == 422 and "刚由他人办理" in late.content.decode()
    page = client.get(f"{BASE}{need.pk}/").content.decode()
    assert "匹配第 1 位" in page and "记为未到" in page
    assert post(act="no_show", answer=answer.pk, version=answer.version + 1, reason="没有来").status_code == 302
    assert "未到" in client.get(f"{BASE}{need.pk}/").content.decode()
    assert client_of(place.visitor).post(act, {"act": "take_off", "reason": "不需要"}).status_code == 422


def test_8_3_calls_tell_those_who_suit_once_and_stop_when_there_are_enough(place: Board) -> None:
    near, minor, legal = volunteer("刘志愿"), volunteer("小刘", born=NOW.date() - timedelta(days=365 * 16), distance=20), volunteer("张律师", skills=["legal"])
    other = volunteer("赵敏")
    client = client_of(place.coordinator)
    given = {
        "key": str(uuid4()), "area": COUNTY, "title": "社区物资分拣", "words": "分拣米面油，请穿防滑鞋", "place": "县体育馆东门", "wanted": "1", "adults": "on",
        "skills": ["driving"], "until": f"{timezone.localtime(NOW + timedelta(days=1)):%Y-%m-%dT%H:%M}",
    }  # fmt: skip
    for wrong in ({"title": "低保户送粮"}, {"wanted": "0"}, {"until": "2020-01-01T00:00"}, {"area": "410102"}, {"words": "短"}):
        assert client.post("/volunteering/calls/new/", given | wrong).status_code == 422, wrong
    made = client.post("/volunteering/calls/new/", given)
    assert made.status_code == 302 and client.post("/volunteering/calls/new/", given).url == made.url
    with scopes.acting(place.coordinator):
        call = Call.objects.get()
        assert set(CallReply.objects.values_list("volunteer_id", flat=True)) == {near.pk, other.pk} and call.called == 2
        assert Message.objects.filter(template="board.call").count() == 2
    assert "社区物资分拣" in Client().get("/board/", {"county": COUNTY}).content.decode()
    reply = {"call_id": call.pk, "now": NOW}
    with as_machine(COUNTY, page="test"):
        for stranger in (minor, legal):
            with pytest.raises(ValidationError, match="没有邀请您"):
                board.reply_to_call(volunteer_id=stranger.pk, coming=True, **reply)
        board.reply_to_call(volunteer_id=near.pk, coming=True, **reply)
        board.reply_to_call(volunteer_id=near.pk, coming=True, **reply)
        assert Call.objects.get().state == "enough"
        with pytest.raises(ValidationError, match="人数刚满"):
            board.reply_to_call(volunteer_id=other.pk, coming=True, **reply)
    with scopes.acting(place.coordinator):
        assert list(Message.objects.filter(template="board.enough").values_list("phone", flat=True)) == [other.phone], "who did not answer is told not to come"
    with as_machine(COUNTY, page="test"):
        board.reply_to_call(volunteer_id=near.pk, coming=False, **reply)
        assert Call.objects.get().state == "open"
    page = client.get(made.url).content.decode()
    assert "停止召集" in page
    assert client.post(made.url, {"version": "1", "reason": "天气转好"}).status_code == 302
    with as_machine(COUNTY, page="test"), pytest.raises(ValidationError, match="已结束"):
        board.reply_to_call(volunteer_id=other.pk, coming=True, **reply)
    assert client_of(place.visitor).get("/volunteering/calls/new/").status_code == 403


def test_8_3_another_county_sees_none_of_it(place: Board) -> None:
    need = place.published(now=NOW)
    away = client_of(officer(Duty.VOLUNTEER_COORDINATOR, "410102"))
    assert away.get(f"{BASE}{need.pk}/").status_code == 404 and away.post(f"{BASE}{need.pk}/act/", {"act": "take_off", "reason": "乱撤"}).status_code == 404
    assert need.number not in away.get(BASE).content.decode()
    with scopes.acting(scopes.Scope(area="410102")):
        assert not Notice.objects.exists() and not Offer.objects.exists() and not Need.objects.exists()
