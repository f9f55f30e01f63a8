"""One-time codes: six digits, ten minutes, five tries, one use; limits that count whatever happens to the request; nothing tells who is known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, connections, transaction
from django.http import HttpRequest
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from doudi.core import channels, codes, numbers
from doudi.core import scope as scopes
from doudi.core.models import Message
from doudi.core.numbers import Kind
from doudi.core.services import messages as service
from doudi.core.services import sending
from doudi.core.tests.officers import VILLAGE, officer
from doudi.core.tests.phone_codes import codes_to, fresh_phone
from doudi.core.tests.together import together

NOW = datetime(2022, 12, 1, 23, 55, tzinfo=ZoneInfo("Asia/Shanghai"))  # ten minutes lead past midnight
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
_networks = count(1)


def fresh() -> HttpRequest:
    """A request from a network that no other test used."""
    number = next(_networks)
    return RequestFactory().get("/", REMOTE_ADDR=f"10.{number // 250}.{number % 250}.7")


def sent(phone: str, purpose: str = "t", now: datetime = NOW) -> str:
    codes.send(phone=phone, purpose=purpose, request=fresh(), now=now)
    return codes_to(phone)[-1]


def right(phone: str, code: str, purpose: str = "t", now: datetime = NOW) -> bool:
    return codes.check(phone=phone, purpose=purpose, code=code, now=now)


def wrong_of(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


@pytest.mark.django_db
def test_a_code_counts_once_for_its_phone_and_purpose() -> None:
    phone, other = fresh_phone(), fresh_phone()
    code = sent(phone)
    assert len(code) == 6 and code.isdigit()
    assert not right(other, code) and not right(phone, code, "another")
    assert right(f"+86 {phone[:3]}-{phone[3:]}", "".join(chr(ord(digit) - 48 + 0xFF10) for digit in code)), "as people type it"
    assert not right(phone, code), "used"


@pytest.mark.django_db
def test_the_newest_code_alone_counts() -> None:
    phone = fresh_phone()
    first, second = sent(phone), sent(phone, now=NOW + MINUTE)
    assert first == second or not right(phone, first, now=NOW + MINUTE)
    assert right(phone, second, now=NOW + MINUTE)
    assert not right(phone, first, now=NOW + MINUTE)


@pytest.mark.django_db
def test_it_ends_at_the_minute() -> None:
    phone = fresh_phone()
    code = sent(phone)
    assert not right(phone, code, now=NOW + 10 * MINUTE)
    assert right(phone, code, now=NOW + 10 * MINUTE - SECOND)


@pytest.mark.django_db
def test_the_sixth_try_is_refused_and_what_is_no_code_costs_none() -> None:
    phone = fresh_phone()
    code = sent(phone)
    for nothing in ("", "12345", "1234567", "12345a", "１２３", "٠١٢٣٤٥", "\x00"):
        assert not right(phone, nothing)
    for _try in range(4):
        assert not right(phone, wrong_of(code))
    assert right(phone, code), "the fifth"
    code = sent(phone, now=NOW + MINUTE)
    for _try in range(5):
        assert not right(phone, wrong_of(code), now=NOW + MINUTE)
    assert not right(phone, code, now=NOW + MINUTE), "the sixth, and right"


@pytest.mark.django_db
def test_a_try_counts_though_the_request_is_rolled_back() -> None:
    phone = fresh_phone()
    code = sent(phone)
    for _try in range(5):
        with pytest.raises(RuntimeError), transaction.atomic():
            right(phone, wrong_of(code))
            raise RuntimeError
    assert not right(phone, code)


@pytest.mark.django_db
def test_a_phone_gets_three_an_hour_and_ten_a_day_from_whatever_network() -> None:
    phone = fresh_phone()
    given = 0
    for hour in range(5):
        for _time in range(3):
            try:
                sent(phone, purpose=f"purpose {given}", now=NOW + timedelta(hours=hour))
                given += 1
            except codes.TooMany as error:
                assert "频繁" in error.messages[0]
        with pytest.raises(codes.TooMany):
            sent(phone, now=NOW + timedelta(hours=hour))
    assert given == 10 and len(codes_to(phone)) == 10
    sent(phone, now=NOW + timedelta(days=1, hours=3))


@pytest.mark.django_db
def test_a_network_that_floods_is_stopped_whatever_it_asks() -> None:
    request = fresh()
    for _time in range(60):
        codes.send_to_token(token=None, purpose="t", request=request, now=NOW)
    with pytest.raises(codes.TooMany):
        codes.send(phone=fresh_phone(), purpose="t", request=request, now=NOW)
    with pytest.raises(codes.TooMany):
        codes.send_to_token(token=None, purpose="t", request=request, now=NOW)
    codes.send(phone=fresh_phone(), purpose="t", request=fresh(), now=NOW)
    codes.send(phone=fresh_phone(), purpose="t", request=request, now=NOW + timedelta(hours=1))


@pytest.mark.django_db
def test_what_is_no_mobile_number_is_said_before_anything_is_sent() -> None:
    for phone in ("", "123", "0371-12345678", "1380000222a", "1" * 500):
        with pytest.raises(ValidationError):
            codes.send(phone=phone, purpose="t", request=fresh(), now=NOW)
        assert not right(phone, "123456")
    with scopes.acting(codes.HERE):
        assert not Message.objects.exists()


@pytest.mark.django_db
def test_who_follows_a_case_learns_nothing_of_its_phone() -> None:
    phone = fresh_phone()
    token = numbers.token_of(Kind.PHONE, phone)
    queries = []
    for asked in (token, None):
        with CaptureQueriesContext(connection) as seen:
            codes.send_to_token(token=asked, purpose="case 1", request=fresh(), now=NOW)
        queries.append(len(seen))
    assert queries[0] == queries[1], "the same work, known or not"
    for _again in range(3):  # the fourth of the phone is not sent, and nothing tells
        codes.send_to_token(token=token, purpose="case 1", request=fresh(), now=NOW)
    assert len(codes_to(phone)) == 3
    code = codes_to(phone)[-1]
    assert not codes.check_token(token=None, purpose="case 1", code=code, now=NOW)
    assert not codes.check_token(token=token, purpose="case 2", code=code, now=NOW), "another case of the same phone"
    assert codes.check_token(token=token, purpose="case 1", code=code, now=NOW)


@pytest.mark.django_db
def test_neither_code_nor_phone_can_be_read_from_the_tables(owner_connection: Any) -> None:
    phone = fresh_phone()
    code = sent(phone)
    token = numbers.token_of(Kind.PHONE, phone)
    rows = owner_connection.execute("select phone, subject, digest, core_phonecode::text from core_phonecode order by id desc limit 1").fetchone()
    assert token.bytes not in rows[:3] and token.hex not in rows[3] and phone not in rows[3] and phone.encode().hex() not in rows[3]
    assert code.encode() not in rows[2] and code.encode().hex() not in rows[3]
    with scopes.acting(codes.HERE), connection.cursor() as cursor:
        cursor.execute("select values::text, sealed from core_message")
        assert not any(code in values or code.encode() in bytes(sealed) for values, sealed in cursor.fetchall())
    for statement in (
        "select * from core_phonecode", "update core_phonecode set tries = 0", "delete from core_phonecode",
        "insert into core_phonecode (phone, subject, digest, made_at, tries) values ('', '', '', now(), 0)",
    ):  # fmt: skip
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


@pytest.mark.django_db
def test_a_code_goes_out_whole_also_to_who_wants_no_messages_and_not_when_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    texts: dict[str, str] = {}

    class Gateway:
        def send(self, parcel: channels.Parcel) -> None:
            texts[parcel.to] = parcel.text

    monkeypatch.setitem(channels._known, "file", Gateway)
    phone, late = fresh_phone(), fresh_phone()
    with scopes.acting(officer("visitor", VILLAGE)):
        service.opt_out(area=VILLAGE, phone=numbers.token_of(Kind.PHONE, phone), now=NOW)
    code = sent(phone)
    sending.send_due(now=NOW + MINUTE)
    assert code in texts[phone]
    sent(late)
    sending.send_due(now=NOW + 10 * MINUTE)
    assert late not in texts
    with scopes.acting(codes.HERE):
        assert set(Message.objects.values_list("state", "error")) == {("sent", ""), ("failed", "too_late")}


@pytest.fixture
def two_at_once(committed_db: Any) -> Iterator[None]:
    yield
    connections.close_all()


def test_used_twice_at_once_it_counts_once(two_at_once: None) -> None:
    phone = fresh_phone()
    code = sent(phone)
    answers, _told = together(*[lambda: right(phone, code)] * 4)
    assert sorted(answers) == [False, False, False, True]


def test_asked_for_at_once_the_limit_holds(two_at_once: None) -> None:
    phone = fresh_phone()
    answers, told = together(*[lambda: codes.send(phone=phone, purpose="t", request=fresh(), now=NOW)] * 6)
    assert len(answers) == 3 and len(told) == 3
    assert len(codes_to(phone)) == 3
