"""Bodies that lie about their length, are too large or too deep, names and times at the edge, keys after a crash, signatures of all kinds that do not hold."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from doudi.api.models import ApiAnswer
from doudi.api.spdci import asking, envelope
from doudi.api.spdci import services as spdci
from doudi.api.tests.conftest import NOW, System, citizen_file, error_of
from doudi.api.tests.partners import Partner, request, uin, where
from doudi.api.tests.test_calls import open_desk
from doudi.core import scope as scopes
from doudi.core import side
from doudi.discovery import services
from doudi.discovery.models import Delivery, Lead
from doudi.payments.tests.world import Given

pytestmark = pytest.mark.django_db
Make = Callable[..., System]
JSON = "application/json"
ADDRESS = "/deliveries?dataset=deaths&period=2022-11"
LEAD = {"reference": "r1", "channel": "portal", "area": "410122101205", "need": "illness", "text": "住院两周，没钱"}
ALL = ["deliveries:write", "leads:report", "calls:write"]


@pytest.fixture
def caller(system: Make) -> System:
    return system(rights=ALL, datasets=["deaths"])


def said(caller: System, path: str, content: bytes, kind: str, length: object, **headers: str) -> Any:
    """A call whose Content-Length is not that of its content, as a server hands it over."""
    http = Client(headers={"Authorization": f"Bearer {caller.token}"}, raise_request_exception=False)
    given: dict[str, Any] = {"CONTENT_LENGTH": str(length), "wsgi.input": io.BytesIO(content)}
    return http.generic("POST", f"/api/v1{path}", content, content_type=kind, headers=headers, **given)


def deliveries(caller: System) -> int:
    with scopes.acting(caller.admin):
        return Delivery.objects.count()


def test_a_body_that_breaks_off_is_not_taken_and_its_key_stays_free(caller: System, home: Any) -> None:
    whole, form = citizen_file(4), encode_multipart(BOUNDARY, {"file": SimpleUploadedFile("a.csv", citizen_file(4))})
    lead = json.dumps(LEAD).encode()
    for path, content, kind in ((ADDRESS, whole, "text/csv"), (ADDRESS, form, MULTIPART_CONTENT), ("/leads", lead, JSON), (ADDRESS, b"a=1", "application/x-www-form-urlencoded")):
        for kept in (content[: len(content) * 2 // 3], content[:-1], b""):
            answer = said(caller, path, kept, kind, len(content), **{"Idempotency-Key": "monthly-2022-11"})
            assert (answer.status_code, error_of(answer)["code"]) == (400, "malformed_body"), (kind, kept)
    assert deliveries(caller) == 0 and not list((home / "incoming").glob("*"))
    assert caller.call("post", ADDRESS, whole, Idempotency_Key="monthly-2022-11").json()["accepted"] == 4
    assert said(caller, ADDRESS, form, MULTIPART_CONTENT, len(form)).status_code == 200, "the same file, whole"
    assert said(caller, "/leads", lead, JSON, len(lead)).status_code == 201


@pytest.mark.parametrize("length", ["-5", "x", "１２", "1e3", "0", ""])
def test_a_length_that_is_none_is_refused(caller: System, length: str) -> None:
    answer = said(caller, ADDRESS, citizen_file(), "text/csv", length)
    assert answer.status_code in (400, 422) and error_of(answer)["code"] != "internal" and deliveries(caller) == 0


def test_who_delivers_no_files_sends_no_large_body(caller: System, system: Make, settings: Any, home: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 3000
    large = b'{"text": "' + b"x" * 4000 + b'"}'
    other = system(rights=["leads:report"])
    for each, kind in ((other, JSON), (other, "text/csv"), (other, MULTIPART_CONTENT), (caller, JSON)):
        answer = said(each, "/leads", large, kind, len(large))
        assert (answer.status_code, error_of(answer)["code"]) == (413, "too_large"), kind
    assert not (home / "incoming").exists()


def test_what_is_nested_without_end_is_refused_as_unreadable(caller: System, partner: Partner) -> None:
    for opened, closed in ((b"[", b"]"), (b'{"a":', b"}")):
        for depth in (300, 900, 100_000):
            deep = opened * depth + b"1" + closed * depth
            answer = caller.call("post", "/leads", b'{"subject": ' + deep + b"}", content_type=JSON)
            assert answer.status_code in (400, 422) and error_of(answer)["code"] != "internal"
            body = json.dumps(partner.envelope("search", {"transaction_id": "t", "search_request": "DEEP"})).encode().replace(b'"DEEP"', deep)
            answer = partner.system.call("post", "/registry/sync/search", body, content_type=JSON)
            assert answer.status_code in (400, 401, 422) and error_of(answer)["code"] != "internal"


@pytest.mark.parametrize("name", ["𠮷田䶮", "阿卜杜热合曼·买买提", "Chloë", "王" * 60])
def test_rare_names_come_through_as_they_are(caller: System, name: str) -> None:
    answer = caller.call("post", "/leads", json.dumps(LEAD | {"subject": {"name": name}}).encode(), content_type=JSON)
    assert answer.status_code == 201, answer.content
    with scopes.acting(caller.admin):
        assert Lead.objects.get(number=answer.json()["number"]).subject_name == name


@pytest.mark.parametrize(
    "more",
    [
        {"text": "\ud800 住院两周"}, {"text": "住院\x00两周"}, {"subject": {"name": "\udfff"}}, {"subject": {"name": "\u202e王"}}, {"reference": "r\u0661"},
        {"reference": "r1\n"}, {"area": "４１０１２２"},
    ],
)  # fmt: skip
def test_text_that_is_none_is_refused_by_its_field(caller: System, more: dict[str, Any]) -> None:
    answer = caller.call("post", "/leads", json.dumps(LEAD | more).encode(), content_type=JSON)
    assert answer.status_code == 422 and error_of(answer)["fields"][0]["field"].split(".")[0] in {*more, "name"}


def test_names_of_files_are_cut_and_lead_nowhere(caller: System) -> None:
    for at, name in enumerate(("死" * 250 + ".csv", "../../../etc/passwd", "a\r\nb.csv", "a" * 300, ".csv", "名.xls x", "C:\\x\\y.csv")):
        answer = caller.call("post", ADDRESS, {"file": SimpleUploadedFile(name, citizen_file(at + 1))})
        assert answer.status_code in (201, 400, 422), (name, answer.content)
        if answer.status_code == 201:
            kept = answer.json()["name"]
            assert "/" not in kept and "\n" not in kept and len(kept) <= 200, name


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2022-11-28T25:00:00+08:00", "2022-11-28T09:00:00", "1e400", 253402300800])
def test_a_moment_that_is_none_is_refused(caller: System, at: Any) -> None:
    open_desk()
    given = {"desk": "410122", "external": "x1", "event": "ringing", "at": at}
    answer = caller.call("post", "/calls", json.dumps(given).encode(), content_type=JSON)
    assert answer.status_code == 422 and error_of(answer)["fields"][0]["field"] == "at", answer.content


def test_a_key_is_free_after_a_crash_and_bound_to_its_address(caller: System, monkeypatch: pytest.MonkeyPatch) -> None:
    real = services.deliver

    def crash(**given: Any) -> Any:
        real(**given)
        raise RuntimeError("crash")

    monkeypatch.setattr(services, "deliver", crash)
    http = Client(headers={"Authorization": f"Bearer {caller.token}", "Idempotency-Key": "after-a-crash"}, raise_request_exception=False)
    answer = http.post(f"/api/v1{ADDRESS}", citizen_file(), content_type="text/csv")
    assert (answer.status_code, error_of(answer)["code"]) == (500, "internal") and deliveries(caller) == 0
    monkeypatch.undo()
    with scopes.acting(caller.admin):
        assert not ApiAnswer.objects.exists()


# --- signed messages ----------------------------------------------------------------------------------------------------


def test_a_signature_holds_for_its_key_its_time_and_its_message_alone(partner: Partner, family: Given) -> None:
    def signed(now: Any = NOW, **more: Any) -> dict[str, Any]:
        body = partner.envelope("search", {"transaction_id": "t", "search_request": [request(uin(family.people[0]))]})
        given = {"sender": partner.sender, "key_id": "k1"} | more
        return body | {"signature": envelope.line(partner.key, header=body["header"], message=body["message"], now=now, **given)}

    def turned(old: str, new: str) -> dict[str, Any]:
        body = signed()
        assert old in body["signature"]
        return body | {"signature": body["signature"].replace(old, new)}

    def code(body: dict[str, Any]) -> str:
        answer = partner.post("/sync/search", body)
        return "" if answer.status_code == 200 else str(error_of(answer)["code"])

    wrong, expires = "err.signature.invalid", int((NOW + envelope.DRIFT).timestamp())
    other_header, elsewhere = signed(), signed()
    other_header["header"]["total_count"] = 2
    assert code(signed()) == "" and code(signed(NOW - timedelta(minutes=4, seconds=59))) == "" and code(signed(NOW + timedelta(minutes=5))) == ""
    for body in (
        signed(key_id="k2"), signed(sender="another"), turned("|k1|", "|k2|"), turned('algorithm="ed25519"', 'algorithm="none"'), turned("|ed25519", "|hs256"),
        turned('headers="(created) (expires) digest"', 'headers="(created)"'), turned(f'expires="{expires}"', f'expires="{expires + 60}"'),
        turned(f'created="{int(NOW.timestamp())}"', 'created="NaN"'), turned(f'expires="{expires}"', ""), turned('signature="', 'signature="!'),
        turned('signature="', 'signature="" x="'), signed(NOW - timedelta(minutes=5, seconds=1)), signed(NOW + timedelta(minutes=6)), other_header,
        elsewhere | {"message": elsewhere["message"] | {"more": 1}}, signed() | {"signature": elsewhere["signature"]},
    ):  # fmt: skip
        assert code(body) == wrong, body["signature"]
    stays = signed()
    turned_round = json.loads(json.dumps(dict(reversed(stays.items())), indent=3, sort_keys=True))
    assert code(turned_round) == "", "how the JSON is written does not matter"
    with scopes.acting(partner.system.admin):
        partner.partner.refresh_from_db()
        key = base64.b64encode(envelope.public_of(partner.key)).decode()
        spdci.set_partner(client_id=partner.system.client.pk, sender_id=partner.sender, key_id="k2", public_key=key, version=partner.partner.version, now=NOW)
    assert code(signed()) == wrong and code(signed(key_id="k2")) == "", "the key that is registered now"


@pytest.mark.django_db(transaction=True)
def test_the_same_message_twice_at_once_is_taken_once(committed_db: None, partner: Partner) -> None:
    body, gate = partner.envelope("search", {"transaction_id": "t", "search_request": [request([where("place_code", "eq", "41")], "predicate")]}), Barrier(2)

    def call() -> str:
        gate.wait()
        try:
            return str(json.loads(partner.post("/sync/search", body).content)["header"].get("status_reason_code", "taken"))
        finally:
            side.close_now()
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(each.result() for each in [pool.submit(call), pool.submit(call)]) == ["rjct.message_id.duplicate", "taken"]


def test_the_last_page_and_what_lies_behind_it(partner: Partner, family: Given) -> None:
    everybody = [where("programme", "eq", "dibao")]
    last = {"page_size": asking.MOST_PAGE, "page_number": asking.MOST_PAGES}
    found = partner.search(everybody, "predicate", pagination=last)
    assert found["data"]["reg_records"] == [] and found["pagination"]["total_count"] >= 2
    for wrong in ({"page_size": 1, "page_number": asking.MOST_PAGES + 1}, {"page_size": 1, "page_number": -1}, {"page_size": 10**30}, {"page_size": 1, "page_number": 1.0}):
        assert partner.search(everybody, "predicate", pagination=wrong)["status_reason_code"] == "rjct.pagination.invalid"
