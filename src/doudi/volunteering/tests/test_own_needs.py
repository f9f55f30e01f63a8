"""8.3 on the volunteer's own phone: asked, taken, come, done; contacts for the accepted alone; nobody else's offer can be reached."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from doudi.core import scope as scopes
from doudi.core.models import AccessRecord
from doudi.needs.models import NeedAnswer
from doudi.volunteering import own_cookie
from doudi.volunteering.models import Offer, Organisation, ServiceRecord, Volunteer
from doudi.volunteering.own_cookie import NAME, Ticket
from doudi.volunteering.services import board
from doudi.volunteering.services.board.base import as_machine
from doudi.volunteering.tests.board_world import COUNTY, Board, organisation, volunteer

NOW = timezone.now()
PAGE, ACT = "/volunteer/needs/", "/volunteer/needs/act/"
SECRETS = {"name": "王建国之女", "phone": "13912345678", "address": "东街3号院内", "what": "王建国家的面粉吃完了"}


def phone_of(row: Volunteer | Organisation) -> Client:
    volunteers = isinstance(row, Volunteer)
    token = row.phone if isinstance(row, Volunteer) else row.contact_phone
    client = Client()
    ticket = Ticket(str(token), True, f"{'volunteer' if volunteers else 'organisation'}:{row.pk}")
    client.cookies[NAME] = own_cookie.give(HttpResponse(), ticket).cookies[NAME].value
    return client


def text(client: Client) -> str:
    return client.get(PAGE).content.decode()


@pytest.fixture
def place(db: None) -> Board:
    return Board()


def test_8_3_from_the_offer_to_the_hours_on_one_page(place: Board, django_assert_max_num_queries: Any) -> None:
    row = volunteer("刘志愿")
    for number in range(5):
        place.published(what=f"第{number}家的三餐", now=NOW, offering=False)
    need = place.published(**SECRETS, now=NOW)
    place.round(NOW)
    client = phone_of(row)
    with django_assert_max_num_queries(14):
        page = text(client)
    assert "邀请我的" in page and "本县需要帮手的地方" in page and not [each for each in (*SECRETS.values(), "王建国", need.number) if each in page]
    answer = place.answer_of(need, row)
    given = {"answer": answer.pk, "version": answer.version}
    assert client.post(f"{PAGE}{answer.pk}/contact/").status_code == 403
    assert client.post(ACT, given | {"act": "accept"}).status_code == 302
    page = text(client)
    assert "我接下的" in page and "13912345678" not in page, "not before it is asked for"
    shown = client.post(f"{PAGE}{answer.pk}/contact/").content.decode()
    assert "13912345678" in shown and "东街3号院内" in shown and "王建国之女" in shown and "王建国家的面粉" not in shown
    client.post(ACT, given | {"act": "out", "note": "先签退"})
    assert "请先签到" in text(client)
    client.post(ACT, given | {"act": "in"})
    client.post(ACT, given | {"act": "in"})
    client.post(ACT, given | {"act": "out", "note": "做了午饭"})
    with scopes.acting(place.town):
        Offer.objects.filter(answer=answer).update(came_at=NOW - timedelta(hours=2))
    answer = place.answer_of(need, row)
    assert answer.state == "reported"
    with scopes.acting(place.town):
        board.confirm_done(answer_id=answer.pk, version=answer.version, confirmed="recipient", rating=5, now=timezone.now())
        assert ServiceRecord.objects.get(answer_id=answer.pk).minutes >= 119
        assert AccessRecord.objects.filter(subject="need", subject_id=need.pk, what="reveal").count() == 1
    client.post(ACT, {"answer": answer.pk, "act": "say", "rating": "5", "words": "下次还来"})
    client.post(ACT, {"answer": answer.pk, "act": "say", "rating": "5"})
    assert "已经评价过" in text(client)
    late = client.post(f"{PAGE}{answer.pk}/contact/")
    assert late.status_code == 403 and "13912345678" not in late.content.decode()


def test_8_3_others_offers_forged_and_stale_forms_are_refused(place: Board) -> None:
    row, other = volunteer("刘志愿"), volunteer("赵敏敏", services=["comfort"])
    need = place.published(**SECRETS, now=NOW)
    place.takes(need, row)
    answer = place.answer_of(need, row)
    stranger = phone_of(other)
    assert stranger.post(f"{PAGE}{answer.pk}/contact/").status_code == 403
    for act in ("accept", "decline", "withdraw", "in", "out", "say"):
        stranger.post(ACT, {"act": act, "answer": answer.pk, "version": answer.version, "reason": "乱来", "note": "乱来", "rating": "5"})
    assert place.answer_of(need, row).state == "accepted" and "没有这项邀请" in text(stranger)
    for wrong in ({"act": "take", "number": "ZY1", "uuid": "x"}, {"act": "take", "number": "'", "uuid": ""}, {"act": "accept", "answer": "9" * 40}, {"act": "nonsense"}):
        assert stranger.post(ACT, wrong).status_code == 302
    assert Client().get(PAGE).status_code == 302 and Client().post(ACT, {"act": "accept"}).status_code == 302
    broken = Client()
    broken.cookies[NAME] = "x:y:z"
    assert broken.post(f"{PAGE}{answer.pk}/contact/").status_code == 302


def test_8_3_a_minor_takes_from_the_board_what_is_for_everybody_and_not_medicine(place: Board) -> None:
    minor = volunteer("小刘", born=NOW.date() - timedelta(days=365 * 16))
    food, medicine = place.published(now=NOW, offering=False), place.published(kind="medicine", what="降压药只剩两天", now=NOW, offering=False)
    client = phone_of(minor)
    with scopes.acting(place.town):
        numbers = [each.notice.number for each in (medicine, food)]
    form = {"act": "take", "uuid": "6f6d7b0e-1111-4222-8333-944445555666"}
    client.post(ACT, form | {"number": numbers[0]})
    assert "成年志愿者" in text(client)
    client.post(ACT, form | {"number": numbers[1]})
    client.post(ACT, form | {"number": numbers[1]})
    with scopes.acting(place.town):
        assert NeedAnswer.objects.filter(external_id=minor.pk).count() == 1


def test_8_3_an_organisation_on_call_accepts_on_its_own_page(place: Board) -> None:
    row = organisation()
    need = place.published(**SECRETS, urgency="red", now=NOW)
    place.round(NOW)
    client = phone_of(row)
    answer = place.answer_of(need, row)
    assert "邀请我的" in text(client)
    client.post(ACT, {"act": "accept", "answer": answer.pk, "version": answer.version})
    assert "13912345678" in client.post(f"{PAGE}{answer.pk}/contact/").content.decode()
    client.post(ACT, {"act": "coming", "call": "1"})
    assert "没有邀请您" in text(client)


def test_8_3_calls_are_answered_on_the_same_page(place: Board) -> None:
    row = volunteer("刘志愿")
    with scopes.acting(place.coordinator):
        call = board.call_volunteers(
            key=uuid4(), area=COUNTY, title="社区物资分拣", words="分拣米面油", place="县体育馆东门", wanted=2,
            until=NOW + timedelta(hours=8), now=NOW,
        )  # fmt: skip
    client = phone_of(row)
    assert "县体育馆东门" in text(client)
    client.post(ACT, {"act": "coming", "call": call.pk})
    with as_machine(COUNTY, page="test"):
        assert row.calls.get().state == "coming"
