"""What the standard's own compliance suite showed: answers arrive whole, in its shapes, with its codes, and what cannot be taken is said at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from doudi.api.spdci import callbacks
from doudi.api.spdci.models import SpdciCallback
from doudi.api.tests.conftest import NOW, System, error_of
from doudi.api.tests.partners import LAW, Partner, request, uin
from doudi.core import scope as scopes
from doudi.core.tests import gateways
from doudi.payments.tests.world import Given

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def listener(system: Callable[..., System], web: gateways.Web) -> Partner:
    """A partner that hears answers at its own server."""
    return Partner(system(rights=["registry:search"], per_minute=6000), callback=f"{web.url}/dci")


def queued() -> int:
    with scopes.acting(callbacks.WORKER):
        return SpdciCallback.objects.filter(state="queued").count()


@pytest.mark.parametrize(("path", "right", "status"), [("/registry/search", "registry:search", 422), ("/leads", "leads:report", 422), ("/leads", "statistics:read", 403)])
def test_a_refusal_is_as_long_as_it_says(system: Callable[..., System], path: str, right: str, status: int) -> None:
    http = Client(headers={"Authorization": f"Bearer {system(rights=[right]).token}"})
    answer = http.post(f"/api/v1{path}", b'{"header": {}}', content_type=JSON)
    assert answer.status_code == status and len(error_of(answer)["request_id"]) == 36
    assert int(answer["Content-Length"]) == len(answer.content), "a server cuts off what is beyond the length that was said"


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "", "multipart/form-data; boundary=x"])
def test_what_is_not_said_to_be_json_is_refused_where_json_is_read(system: Callable[..., System], home: Any, kind: str) -> None:
    caller = system(rights=["registry:search", "leads:report"])
    http = Client(headers={"Authorization": f"Bearer {caller.token}"}, raise_request_exception=False)
    for path in ("/registry/sync/search", "/leads"):
        answer = http.generic("POST", f"/api/v1{path}", b'{"header": {}}', content_type=kind)
        assert (answer.status_code, error_of(answer)["code"]) == (415, "not_json"), path
    assert not list((home / "incoming").glob("*")), "nothing stays of it"


@pytest.mark.parametrize(("path", "verb", "name"), [("/search", "search", "search_criteria"), ("/subscribe", "subscribe", "subscribe_criteria")])
@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"timestamp": "not-a-timestamp"}, "rjct.timestamp.invalid"), ({"timestamp": "2024-01-15T10:30:00"}, "rjct.timestamp.invalid"),
        ({"locale": "en"}, "rjct.search_criteria.invalid"), ({"locale": "ENG"}, "rjct.search_criteria.invalid"), ({"reference_id": ""}, "rjct.reference_id.invalid"),
    ],
)  # fmt: skip
def test_a_message_of_which_no_request_has_the_standards_form_is_refused_at_once(
    listener: Partner, family: Given, path: str, verb: str, name: str, wrong: dict[str, Any], code: str
) -> None:
    good = {"reference_id": "good", "timestamp": NOW.isoformat(), name: _criteria(verb, family)}
    if verb == "subscribe" and "locale" in wrong:
        code = "rjct.notify_details.invalid"  # as in the answer that comes later
    refused = listener.ask(path, verb, {f"{verb}_request": [good | wrong]})["message"]
    assert refused["ack_status"] == "ERR" and refused["error"]["code"] == "err.request.bad" and refused["error"]["message"].startswith(code)
    assert queued() == 0, "an answer that would only refuse is not sent after"
    taken = listener.ask(path, verb, {f"{verb}_request": [good | wrong | {"reference_id": wrong.get("reference_id", "bad")}, good]})["message"]
    assert taken["ack_status"] == "ACK" and queued() == 1, "one request that is refused does not stop the others"


def _criteria(verb: str, family: Given) -> dict[str, Any]:
    purpose, who = {"purpose": {"code": LAW}}, uin(family.people[0])
    if verb == "search":
        return {"query_type": "idtype-value", "query": who, "consent": purpose}
    return {"reg_event_type": "REGISTER", "filter": who, "notify_record_type": "Member", "authorize": purpose}


def test_a_subscription_is_refused_with_the_codes_of_subscriptions(listener: Partner, family: Given, web: gateways.Web) -> None:
    good = {"reference_id": "good", "timestamp": NOW.isoformat(), "subscribe_criteria": _criteria("subscribe", family)}
    listener.ask("/subscribe", "subscribe", {"subscribe_request": [good | {"reference_id": "bad", "locale": "zh"}, good]})
    assert callbacks.deliver_due(now=NOW) == 1
    refused, done = json.loads(web.calls[0].body)["message"]["subscribe_response"]
    assert (refused["status"], refused["status_reason_code"], done["status"]) == ("rjct", "rjct.notify_details.invalid", "succ")


def test_the_status_of_a_subscription_has_the_standards_shape(listener: Partner, family: Given) -> None:
    good = {"reference_id": "good", "timestamp": NOW.isoformat(), "subscribe_criteria": _criteria("subscribe", family)}
    sent = listener.ask("/subscribe", "subscribe", {"subscribe_request": [good]})["message"]
    asked = {"reference_id": "x", "txn_type": "subscribe", "attribute_type": "correlation_id", "attribute_value": sent["correlation_id"]}
    told = listener.ask("/sync/txn/status", "txn-status", {"txnstatus_request": asked})["message"]["txnstatus_response"]["txn_status"]
    assert told["search_response"] == [] and [each["reference_id"] for each in told["subscribe_response"]] == ["good"]


def test_a_message_that_is_not_taken_is_answered_in_the_standards_shape(partner: Partner, family: Given) -> None:
    late = {"message_ts": (NOW - timedelta(hours=1)).isoformat()}
    search = partner.ask("/sync/search", "search", {"search_request": [request(uin(family.people[0]))]}, **late)
    assert search["header"]["status_reason_code"] == "rjct.message_ts.invalid" and search["message"]["search_response"] == []
    asked = {"reference_id": "x", "txn_type": "subscribe", "attribute_type": "transaction_id", "attribute_value": "t"}
    for given, kind in ((asked, "subscribe"), ({}, "search"), (None, "search"), ({"txn_type": ["x"]}, "search")):
        told = partner.ask("/sync/txn/status", "txn-status", {"txnstatus_request": given}, **late)["message"]["txnstatus_response"]
        assert told["txn_type"] == kind and told["txn_status"]["search_response"] == []


def test_an_answer_that_the_partner_could_not_take_is_sent_again(listener: Partner, family: Given, web: gateways.Web) -> None:
    listener.ask("/search", "search", {"search_request": [request(uin(family.people[0]))]})
    web.answer = lambda call: (200, json.dumps({"message": {"ack_status": "ERR", "error": {"code": "err.signature.invalid", "message": "?"}}}).encode())
    assert callbacks.deliver_due(now=NOW) == 0 and queued() == 1
    for taken in (b'{"message": {"ack_status": "ACK"}}', b"", b"[]", b'{"message": null}', b"[" * 100_000):
        listener.ask("/search", "search", {"search_request": [request(uin(family.people[0]))]})
        web.answer = lambda call, said=taken: (200, said)  # type: ignore[misc]
        assert callbacks.deliver_due(now=NOW + timedelta(minutes=3)) >= 1 and queued() == 0, taken


def test_a_fault_of_ours_is_not_called_the_partners(partner: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **more: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("doudi.api.spdci.exchange.receive", broken)
    http = Client(headers={"Authorization": f"Bearer {partner.system.token}"}, raise_request_exception=False)
    answer = http.post("/api/v1/registry/sync/search", json.dumps(partner.envelope("search", {"transaction_id": "t"})), content_type=JSON)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (500, "err.service.unavailable")
