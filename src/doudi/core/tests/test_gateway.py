"""The SMS gateway: sent once by id whatever breaks, what became of them, who wants none; credentials and content reach no log."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from doudi.core import channels, doctor, messaging, numbers, outgoing, sms
from doudi.core import scope as scopes
from doudi.core.messaging import PEOPLE, Template
from doudi.core.models import Duty, Message, MessageOptOut
from doudi.core.numbers import Kind
from doudi.core.services import messages as service
from doudi.core.services import sending
from doudi.core.tests import gateways
from doudi.core.tests.officers import COUNTY, TOWNSHIP, VILLAGE, client_of, officer
from doudi.core.tests.phone_codes import codes_to, fresh_phone

NOW = datetime(2022, 12, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
PHONE, SECRET, KEY = "13800007777", "app-secret-of-the-gateway", "key-of-the-reports-0001"
DESCRIBED = """
most_parts = 2
at_once = 4
[signature]
key = "{env:T_SECRET}"
text = "{id}{to}{timestamp}"
[send]
url = "URL/send"
headers = { X-Sign = "{signature}", X-App = "{env:T_APP}" }
body = { mobile = "{to}", content = "{text}", out_id = "{id}", list = [1, "{language}"] }
path = "code"
good = [0, "OK"]
final = ["BLACK"]
number = "data.msgid"
timeout = 0.4
[status]
url = "URL/status?id={id}"
method = "GET"
form = "none"
path = "code"
good = [0]
final = ["UNKNOWN"]
number = "data.msgid"
items = "data"
state = "status"
delivered = ["DELIVRD"]
pending = ["WAIT"]
timeout = 0.4
[reports]
signature = { key = "{env:T_REPORTS}" }
header = "X-Report-Sign"
prefix = "sha256="
items = "reports"
number = "msgid"
id = "out_id"
state = "status"
delivered = ["DELIVRD"]
pending = ["WAIT"]
answer = '{"code":0}'
[replies]
signature = { key = "{env:T_REPORTS}", encoding = "base64" }
header = "X-Report-Sign"
phone = "mobile"
text = "content"
"""
_keys = count(1)


class Phones:
    """A gateway that sends each id once, as real ones promise."""

    def __init__(self, web: gateways.Web) -> None:
        self.web, self.sent, self.states, self.broken = web, dict[str, dict[str, Any]](), dict[str, str](), list[Any]()
        web.answer = self.answer

    def answer(self, call: gateways.Call) -> Any:
        if call.path.startswith("/status"):
            found = call.path.partition("id=")[2]
            if found not in self.sent:
                return 200, b'{"code": "UNKNOWN"}'
            return 200, json.dumps({"code": 0, "data": {"msgid": f"g{found}", "status": self.states.get(found, "WAIT")}}).encode()
        given = json.loads(call.body)
        taken = self.broken.pop(0) if self.broken else "take"
        if taken in ("take", "take and hang"):
            self.sent.setdefault(given["out_id"], given)
        if taken in ("take and hang", "hang"):
            return None
        return (200, json.dumps({"code": 0, "data": {"msgid": f"g{given['out_id']}"}}).encode()) if taken == "take" else taken


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in (
        Template("t.people", "通知", PEOPLE, "您报告的情况（{number}）已办结。", "Your report ({number}) is done."),
        Template("t.legal", "告知", PEOPLE, "请按通知（{number}）办理。", "Please act on notice {number}.", always=True),
    ):
        monkeypatch.setitem(messaging.templates._known, each.key, each)
    for name, value in {"DOUDI_MESSAGE_CHANNEL": "sms", "T_SECRET": SECRET, "T_APP": "app1", "T_REPORTS": KEY}.items():
        monkeypatch.setenv(name, value)


def describe(folder: Path, url: str, monkeypatch: pytest.MonkeyPatch, **changes: str) -> None:
    text = DESCRIBED.replace("URL", url)
    for old, new in changes.items():
        text = text.replace(old, new)
    (folder / "sms.toml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("DOUDI_SMS", str(folder / "sms.toml"))


@pytest.fixture
def phones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Phones]:
    with gateways.web() as web:
        describe(tmp_path, web.url, monkeypatch)
        yield Phones(web)


def phone(number: str = PHONE) -> UUID:
    return numbers.token_of(Kind.PHONE, number)


def queue(number: str = PHONE, **more: Any) -> int:
    given = {"template": "t.people", "values": {"number": "XS1"}, "now": NOW} | more
    with scopes.acting(scopes.Scope(area=COUNTY)):
        key = str(next(_keys))
        assert service.send_message(area=VILLAGE, key=key, phone=phone(number), **given)
        return int(Message.objects.get(dedupe__startswith=f"{given['template']}:{key}:").pk)


def row(pk: int) -> Message:
    with scopes.acting(scopes.Scope(area="41")):
        return Message.objects.get(pk=pk)


def state(pk: int) -> tuple[str, str]:
    found = row(pk)
    return found.state, found.error


def signed(body: bytes, key: str = KEY) -> dict[str, str]:
    return {"X-Report-Sign": "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}


def told(pk: int, status: str, **more: Any) -> bytes:
    return json.dumps({"reports": [{"msgid": f"g{pk:010d}00", "status": status, **more}]}).encode()


def post(body: bytes, headers: dict[str, str], what: str = "reports") -> Any:
    return Client(headers=headers, REMOTE_ADDR="10.77.0.9").post(f"/messages/gateway/{what}/", body, content_type="application/json")


@pytest.mark.django_db
def test_a_message_goes_to_the_gateway_as_it_is_described(phones: Phones) -> None:
    pk = queue()
    assert sending.send_due(now=NOW) == 1
    (call,) = phones.web.calls
    assert json.loads(call.body) == {"mobile": PHONE, "content": "您报告的情况（XS1）已办结。", "out_id": f"{pk:010d}00", "list": [1, "zh-hans"]}
    text = f"{pk:010d}00{PHONE}{int(NOW.timestamp())}"
    assert call.headers["X-Sign"] == hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest() and call.headers["X-App"] == "app1"
    found = row(pk)
    assert (found.state, found.gateway_number, found.parts, found.claimed) == ("sent", f"g{pk:010d}00", 1, False)


@pytest.mark.django_db
def test_a_form_with_the_signature_of_its_body(phones: Phones, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {'text = "{id}{to}{timestamp}"': 'text = "{body}"\nencoding = "base64"', '/send"': '/send?id={id}"\nform = "form"', ", list = [1, \"{language}\"]": ""}
    describe(tmp_path, phones.web.url, monkeypatch, **changes)
    phones.web.answer = lambda call: (200, b'{"code":"OK","data":{"msgid":7}}')
    pk = queue()
    sending.send_due(now=NOW)
    (call,) = phones.web.calls
    assert parse_qs(call.body.decode())["content"] == ["您报告的情况（XS1）已办结。"] and call.path == f"/send?id={pk:010d}00"
    assert base64.b64decode(call.headers["X-Sign"]) == hmac.new(SECRET.encode(), call.body, hashlib.sha256).digest()
    assert row(pk).gateway_number == "7"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("hang", ("queued", "timeout")),
        ((500, b"oops 13800007777"), ("queued", "http 500")),
        ((302, b"", {"Location": "http://127.0.0.1:1/"}), ("queued", "http 302")),
        ((200, b"<html>"), ("queued", "malformed answer")),
        ((200, b"[]"), ("queued", "malformed answer")),
        ((200, b"\xff\xfe"), ("queued", "malformed answer")),
        ((200, b'{"code": "isp.13800007777"}'), ("queued", "gateway ?")),
        ((200, b'{"code": "LIMIT"}'), ("queued", "gateway LIMIT")),
        ((200, b'{"code": "BLACK"}'), ("failed", "gateway BLACK")),
        ((200, b"x" * (outgoing.LARGEST + 1)), ("queued", "broken answer")),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_noted_by_its_kind(phones: Phones, answer: Any, outcome: tuple[str, str], caplog: Any) -> None:
    phones.broken = [answer]
    pk = queue()
    with caplog.at_level(logging.DEBUG):
        assert sending.send_due(now=NOW) == 0
    assert state(pk) == outcome
    assert not any(secret in caplog.text for secret in (PHONE, SECRET, "XS1", "oops"))
    if outcome[0] == "queued":
        assert sending.send_due(now=NOW + DAY) == 1 and len(phones.sent) == 1


@pytest.mark.django_db
def test_taken_by_the_gateway_without_an_answer_it_is_not_sent_a_second_time(phones: Phones) -> None:
    phones.broken = ["take and hang"]
    pk = queue()
    assert sending.send_due(now=NOW) == 0 and state(pk) == ("queued", "timeout")
    assert sending.send_due(now=NOW + 5 * MINUTE) == 1
    assert [call.path[:7] for call in phones.web.calls] == ["/send", "/status"], "asked, not told again"
    assert state(pk) == ("sent", "") and row(pk).gateway_number == f"g{pk:010d}00"


@pytest.mark.django_db
def test_a_worker_killed_between_telling_and_noting_sends_once(phones: Phones, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    pk = queue()
    with monkeypatch.context() as patch:
        patch.setattr(sending, "_outcome", killed)
        with pytest.raises(KeyboardInterrupt):
            sending.send_due(now=NOW)
    assert len(phones.sent) == 1 and row(pk).claimed
    assert sending.send_due(now=NOW + 9 * MINUTE) == 0, "another worker may still be at it"
    assert sending.send_due(now=NOW + 10 * MINUTE) == 1
    assert len(phones.web.calls) == 2 and state(pk) == ("sent", "")


@pytest.mark.django_db
def test_one_over_which_workers_die_again_and_again_is_left(phones: Phones) -> None:
    pk = queue()
    with scopes.acting(sending.WORKER):
        Message.objects.filter(pk=pk).update(attempts=sending.ATTEMPTS + 1, claimed=True)
    assert sending.send_due(now=NOW) == 0 and state(pk) == ("failed", "killed") and not phones.web.calls


@pytest.mark.django_db
def test_reports_of_the_gateway_count_once_and_what_is_delivered_stays(phones: Phones) -> None:
    first, second = queue(), queue()
    sending.send_due(now=NOW)
    for body, outcome in (
        (told(first, "WAIT"), ("sent", "")),
        (told(first, "REJECTD"), ("failed", "report REJECTD")),
        (told(first, "DELIVRD"), ("delivered", "")),
        (told(first, "REJECTD"), ("delivered", "")),
        (told(first, "DELIVRD"), ("delivered", "")),
    ):
        answer = post(body, signed(body))
        assert (answer.status_code, answer.content) == (200, b'{"code":0}') and state(first) == outcome
    assert state(second) == ("sent", ""), "another message is not touched"
    for unknown in (told(99999999, "DELIVRD"), b'{"reports": []}', json.dumps({"reports": [{"msgid": ["x"], "status": {"a": 1}}]}).encode()):
        assert post(unknown, signed(unknown)).status_code == 200
    with scopes.acting(sending.WORKER):
        assert Message.objects.filter(state="delivered").count() == 1


@pytest.mark.django_db
def test_a_report_that_is_quicker_than_the_note_holds(phones: Phones, monkeypatch: pytest.MonkeyPatch) -> None:
    pk = queue()

    def reported(channel: str, *args: Any) -> None:
        sending.take_reports(channel="sms", reports=[channels.Report(f"{pk:010d}00", "", True)], now=NOW)

    real = sending._outcome
    monkeypatch.setattr(sending, "_outcome", lambda message, *rest, **more: (reported("sms"), real(message, *rest, **more))[1])
    sending.send_due(now=NOW)
    assert state(pk) == ("delivered", "")


@pytest.mark.django_db
def test_forged_reports_change_nothing(phones: Phones) -> None:
    pk = queue()
    sending.send_due(now=NOW)
    body = told(pk, "DELIVRD")
    for headers in (signed(body, "another key of sixteen"), signed(body + b" "), {"X-Report-Sign": ""}, {"X-Report-Sign": "sha256=é"}, {}):
        assert post(body, headers).status_code == 403
    assert post(b"\xff\xfe", signed(b"\xff\xfe")).status_code == 403
    assert post(b"not json", signed(b"not json")).status_code == 400
    many = json.dumps({"reports": [{"msgid": "x", "status": "y"}] * 1001}).encode()
    assert post(many, signed(many)).status_code == 400
    assert Client().get("/messages/gateway/reports/").status_code == 405
    assert state(pk) == ("sent", "")


@pytest.mark.django_db
def test_without_a_description_there_is_no_door_and_messages_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOUDI_SMS", str(tmp_path / "none.toml"))
    body = told(1, "DELIVRD")
    assert post(body, signed(body)).status_code == 404
    pk = queue()
    assert sending.send_due(now=NOW) == 0 and state(pk) == ("queued", "no sms.toml")
    describe(tmp_path, "http://sms.example.cn", monkeypatch)
    with pytest.raises(sms.Unset, match="content"):
        sms.gateway()  # not encrypted, and not within this machine
    describe(tmp_path, "https://sms.example.cn", monkeypatch)
    assert sms.gateway().send.url == "https://sms.example.cn/send"
    monkeypatch.delenv("T_SECRET")
    with pytest.raises(sms.Unset, match="T_SECRET") as told_:
        sms.gateway()
    assert SECRET not in str(told_.value)
    page = client_of(officer(Duty.ADMINISTRATOR, COUNTY)).get("/messages/sent/").content.decode()
    assert "T_SECRET" in page and KEY not in page


@pytest.mark.django_db
def test_asking_what_became_of_a_message(phones: Phones) -> None:
    first, second = queue(), queue()
    sending.send_due(now=NOW)
    assert sending.ask_due(now=NOW + MINUTE) == 0 and len(phones.web.calls) == 2, "not yet"
    phones.states = {f"{first:010d}00": "DELIVRD"}
    assert sending.ask_due(now=NOW + 2 * MINUTE) == 1
    assert state(first) == ("delivered", "") and state(second) == ("sent", "")
    phones.web.answer = lambda call: (500, b"")
    assert sending.ask_due(now=NOW + 5 * MINUTE) == 0
    assert sending.ask_due(now=NOW + 3 * DAY) == 0 and row(second).next_at is None, "after three days nobody asks"


@pytest.mark.django_db
def test_one_that_did_not_arrive_is_sent_again_under_a_new_id(phones: Phones) -> None:
    pk = queue()
    sending.send_due(now=NOW)
    body = told(pk, "EXPIRED")
    post(body, signed(body))
    admin = officer(Duty.ADMINISTRATOR, COUNTY)
    with scopes.acting(admin):
        assert sending.retry_failed(now=NOW + MINUTE) == 1
    post(body, signed(body))  # the old report once more says nothing of the new try
    assert state(pk) == ("queued", "")
    assert sending.send_due(now=NOW + MINUTE) == 1
    assert sorted(phones.sent) == [f"{pk:010d}00", f"{pk:010d}01"]
    late = json.dumps({"reports": [{"out_id": f"{pk:010d}00", "status": "EXPIRED"}]}).encode()
    post(late, signed(late))
    assert state(pk) == ("sent", "")


def test_parts_are_counted_as_networks_do() -> None:
    assert [sms.parts_of("字" * n) for n in (1, 70, 71, 134, 135)] == [1, 1, 2, 2, 3]
    assert sms.parts_of("𠮷" * 36) == 2


@pytest.mark.django_db
def test_what_is_too_long_or_no_mobile_number_is_not_told(phones: Phones) -> None:
    long, landline = queue(values={"number": "X" * 140}), queue("0371-66666666")
    sending.send_due(now=NOW)
    assert state(long) == ("failed", "too long") and state(landline) == ("failed", "no mobile number") and not phones.web.calls


@pytest.mark.django_db
def test_a_reply_stops_messages_and_legal_notices_still_go(phones: Phones) -> None:
    number = "13800008888"

    def reply(word: str, key: str = KEY, mobile: str = number) -> int:
        body = json.dumps({"mobile": mobile, "content": word}).encode()
        sign = base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()
        return int(post(body, {"X-Report-Sign": sign}, "replies").status_code)

    assert reply("td", key="a forged key of 16") == 403 and reply("谢谢") == 200 and reply("TD", mobile="nobody") == 200
    with scopes.acting(sending.WORKER):
        assert not MessageOptOut.objects.exists()
    assert reply(" ｔｄ ") == 200 and reply("退订") == 200
    with scopes.acting(sending.WORKER):
        assert MessageOptOut.objects.filter(phone=phone(number), ended_at__isnull=True).count() == 1
    with scopes.acting(scopes.Scope(area=COUNTY)):
        service.send_message(template="t.people", area=VILLAGE, key="after", values={"number": "1"}, phone=phone(number), now=NOW)
    queue(number, template="t.legal")
    assert sending.send_due(now=NOW) == 1
    assert [call["content"] for call in phones.sent.values()] == ["请按通知（XS1）办理。"]
    assert reply("恢复") == 200
    queue(number)
    assert sending.send_due(now=NOW + MINUTE) == 1


@pytest.mark.django_db
def test_the_page_to_stop_messages_asks_for_a_code_and_tells_nothing() -> None:
    number, client = fresh_phone(), Client(REMOTE_ADDR="10.78.0.1")

    def asked(**more: str) -> Any:
        page = client.get("/messages/stop/").context["form"]
        first, _plus, second, *_rest = str(page.fields["answer"].label).replace("=", "").replace("：", " ").split()[-4:]
        return client.post("/messages/stop/", {"phone": number, "what": "stop", "sealed": page.initial["sealed"], "answer": str(int(first) + int(second)), **more})

    assert asked(answer="0").status_code == 422 and asked(phone="123").status_code == 422
    assert asked(website="http://x").status_code == 200 and codes_to(number) == []
    assert asked().status_code == 200
    (code,) = codes_to(number)
    wrong = client.post("/messages/stop/", {"phone": number, "what": "stop", "code": f"{(int(code) + 1) % 1000000:06d}"})
    assert wrong.status_code == 422
    with scopes.acting(sending.WORKER):
        assert not MessageOptOut.objects.filter(phone=phone(number)).exists()
    assert "不再接收" in client.post("/messages/stop/", {"phone": number, "what": "stop", "code": code}).content.decode()
    assert client.post("/messages/stop/", {"phone": number, "what": "start", "code": code}).status_code == 422, "used"
    with scopes.acting(sending.WORKER):
        assert MessageOptOut.objects.get(phone=phone(number)).made_by is None


@pytest.mark.django_db
def test_an_officer_notes_who_wants_no_messages(django_assert_max_num_queries: Any) -> None:
    town, elsewhere = client_of(officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)), client_of(officer(Duty.TOWNSHIP_OFFICER, "410122102"))
    number = "13900001234"
    assert town.post("/messages/optouts/note/", {"phone": number, "what": "stop", "reason": "本人来电"}).status_code == 302
    with django_assert_max_num_queries(20):
        shown = town.get("/messages/optouts/").content.decode()
    assert "本人来电" in shown and number not in shown
    assert "本人来电" not in elsewhere.get("/messages/optouts/").content.decode()
    assert "电话" in town.post("/messages/optouts/note/", {"phone": "12", "what": "stop"}).content.decode()
    assert "没有退订" in town.post("/messages/optouts/note/", {"phone": "13900009999", "what": "start"}).content.decode()
    assert town.post("/messages/optouts/note/", {"phone": number, "what": "start"}).status_code == 302
    assert client_of(officer(Duty.ADMINISTRATOR, COUNTY)).get("/messages/optouts/").status_code == 403


@pytest.mark.django_db
def test_the_administrator_sees_counts_states_and_reasons_without_content(phones: Phones, django_assert_max_num_queries: Any) -> None:
    phones.broken = [(200, b'{"code": "BLACK"}')]
    queue(now=timezone.now())
    sending.send_due(now=timezone.now())
    admin = client_of(officer(Duty.ADMINISTRATOR, COUNTY))
    with django_assert_max_num_queries(20):
        shown = admin.get("/messages/sent/").content.decode()
    assert "gateway BLACK" in shown and "重新发送失败的消息" in shown
    assert PHONE not in shown and "XS1" not in shown


def test_the_doctor_names_a_description_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOUDI_MESSAGE_CHANNEL", "file")
    assert not list(doctor.short_messages(NOW))
    describe(tmp_path, "http://127.0.0.1:9", monkeypatch)
    monkeypatch.setenv("DOUDI_MESSAGE_CHANNEL", "sms")
    assert [each.state for each in doctor.short_messages(NOW)] == ["ok"]
    (tmp_path / "sms.toml").write_text("[signature]\nkey = 'secret-of-it'")
    assert [(each.state, "send" in each.message, "secret" in each.message) for each in doctor.short_messages(NOW)] == [("error", True, False)]
    (tmp_path / "sms.toml").unlink()
    assert [each.state for each in doctor.short_messages(NOW)] == ["error"]
