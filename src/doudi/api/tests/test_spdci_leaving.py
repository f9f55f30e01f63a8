"""What is told by callback is looked at again when it leaves: who withdrew, moved or died meanwhile, and what has ended, is not told."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest

from doudi.api.services import revoke_client
from doudi.api.spdci import callbacks, services
from doudi.api.spdci.models import SpdciCallback, SpdciMessage
from doudi.api.tests.conftest import NOW, System
from doudi.api.tests.partners import AGREED, LAW, Partner, agree, request, uin, where
from doudi.api.tests.test_spdci_conditions import change, move_away
from doudi.core import outgoing
from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Duty
from doudi.core.tests import gateways
from doudi.core.tests.officers import COUNTY, TOWNSHIP, client_of, officer
from doudi.payments.tests.world import Given
from doudi.registry.models import Membership, Person

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def listener(system: Callable[..., System], web: gateways.Web) -> Partner:
    return Partner(system(rights=["registry:search"], per_minute=6000), callback=web.url)


def ask(partner: Partner, *requests: dict[str, Any]) -> dict[str, Any]:
    found = partner.ask("/search", "search", {"search_request": list(requests)})
    assert found["message"]["ack_status"] == "ACK"
    return found


def told(web: gateways.Web, hours: int = 0) -> list[dict[str, Any]]:
    """What is answered to each request, as it arrives so many hours later; nothing where nothing arrives."""
    web.calls.clear()
    callbacks.deliver_due(now=NOW + hours * HOUR)
    return [response for call in web.calls for response in json.loads(call.body)["message"]["search_response"]]


def names(response: dict[str, Any]) -> list[str]:
    members = [member for record in response["data"]["reg_records"] for member in record.get("member_list", [record])]
    return [each["demographic_info"]["name"]["given_name"] for each in members]


def records(partner: Partner) -> list[tuple[str, int | None]]:
    with scopes.acting(scopes.Scope(area="41")):
        return list(AccessRecord.objects.filter(reason__startswith=f"spdci {partner.sender}").order_by("what", "subject_id").values_list("what", "subject_id"))


def kept() -> SpdciCallback:
    with scopes.acting(callbacks.WORKER):
        return SpdciCallback.objects.latest("pk")


def withdraw(who: Person, consent: int) -> None:
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)):
        services.withdraw_consents(person_id=who.pk, consent_ids=[consent], now=NOW)


def test_who_withdrew_while_the_answer_waited_is_left_out_like_nobody(listener: Partner, family: Given, web: gateways.Web) -> None:
    who, other = family.people
    consents = [agree(listener, each).pk for each in (who, other)]
    both = request(uin(who, other), "idtype-value", AGREED)
    one = request(uin(who), "idtype-value", AGREED)
    ask(listener, both, one)
    assert records(listener) == [], "recorded when it is told"
    web.answer = lambda call: (503, b"")
    assert names(told(web)[0]) == [who.name, other.name]
    assert records(listener) == [("open", who.pk), ("open", who.pk), ("open", other.pk)]
    withdraw(who, consents[0])
    first, second = told(web, 1)
    assert names(first) == [other.name] and first["pagination"]["total_count"] == 1
    assert second["status"] == "succ" and second["data"]["reg_records"] == [] and second["pagination"]["total_count"] == 0
    row = kept()
    assert who.name not in str(row.message) and other.name in str(row.message), "and it is not kept for the next try"
    assert row.left_out == 2 and records(listener)[-2:] == [("refused", who.pk)] * 2
    agree(listener, who)
    web.answer = lambda call: (200, b"")
    assert names(told(web, 7)[0]) == [other.name], "who agrees again is answered when asked again"
    shown = client_of(listener.system.admin).get(f"/api-clients/{listener.system.client.pk}/registry/").content.decode()
    assert "未列入 2 人" in shown


@pytest.mark.parametrize("how", ["moved", "died", "consent is over"])
def test_who_moved_away_died_or_whose_consent_ran_out_is_left_out(listener: Partner, family: Given, web: gateways.Web, how: str) -> None:
    who, other = family.people
    purpose = AGREED if how == "consent is over" else LAW
    if purpose == AGREED:
        agree(listener, who, until=NOW.date() + timedelta(days=1)), agree(listener, other)
    ask(listener, request(uin(who, other), "idtype-value", purpose))
    if how == "moved":
        move_away(family)
    elif how == "died":
        change(who, died_on=date(2022, 11, 28))
    (response,) = told(web, 24)
    assert names(response) == ([] if how == "moved" else [other.name])
    assert [what for what, _who in records(listener)] == (["refused"] * 2 if how == "moved" else ["open", "refused"])


def test_a_group_is_told_through_whoever_is_still_open_and_without_those_who_are_not(listener: Partner, family: Given, web: gateways.Web) -> None:
    who, other = family.people
    group = {"response_entity": "Group"}
    ask(listener, request(uin(who), "idtype-value", LAW, **group), request([where("programme", "eq", "dibao")], "predicate", LAW, **group))
    change(who, died_on=date(2022, 11, 28))
    through_one, through_both = told(web)
    assert through_one["data"]["reg_records"] == [], "who may not be told of leads to no household"
    assert names(through_both) == [other.name] and through_both["pagination"]["total_count"] == 1
    assert records(listener) == [("open", other.pk), ("refused", who.pk), ("refused", who.pk), ("refused", other.pk)]


def test_a_purpose_that_ended_refuses_its_request_and_the_status_says_so(listener: Partner, family: Given, web: gateways.Web) -> None:
    agree(listener, family.people[0])
    asked = [request(uin(family.people[0]), "idtype-value", AGREED), request(uin(family.people[1]), "idtype-value", LAW)]
    found = ask(listener, *asked)
    with scopes.acting(listener.system.admin):
        services.end_purpose(purpose_id=listener.agreed.pk, now=NOW)
        services.add_purpose(partner_id=listener.partner.pk, code=AGREED, label="x", fields=["household"], basis="law", document="x", now=NOW)
    refused, answered = told(web)
    assert (refused["status"], refused["status_reason_code"]) == ("rjct", "rjct.search_criteria.invalid") and "data" not in refused
    assert "用途" in refused["status_reason_message"] and names(answered) == [family.people[1].name]
    with scopes.acting(scopes.Scope(area=COUNTY)):
        assert SpdciMessage.objects.get(correlation_id=found["message"]["correlation_id"]).outcomes == [[asked[0]["reference_id"], "rjct"], [asked[1]["reference_id"], "succ"]]
    assert records(listener) == [("open", family.people[1].pk), ("refused", family.people[0].pk)]
    about = {"txn_type": "search", "reference_id": "x", "attribute_type": "correlation_id", "attribute_value": found["message"]["correlation_id"]}
    listener.ask("/txn/status", "txn-status", {"txnstatus_request": about})
    web.calls.clear()
    assert callbacks.deliver_due(now=NOW) == 1 and web.calls[0].path == "/registry/txn/on-status"
    status = json.loads(web.calls[0].body)["message"]["txnstatus_response"]["txn_status"]["search_response"]
    assert [each["status"] for each in status] == ["rjct", "succ"]


def test_a_client_that_ends_during_a_round_is_told_nothing_more(listener: Partner, family: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    for _time in range(2):
        ask(listener, request(uin(family.people[0])))
    calls = []

    def call(*args: Any, **more: Any) -> outgoing.Answer:
        calls.append(args)
        with scopes.acting(listener.system.admin):
            revoke_client(client_id=listener.system.client.pk, version=1, now=NOW)
        return outgoing.Answer(200, b"")

    monkeypatch.setattr(outgoing, "call", call)
    assert callbacks.deliver_due(now=NOW) == 1 and len(calls) == 1
    assert (kept().state, kept().error, kept().message) == ("failed", "revoked", None)


def test_a_slow_partner_does_not_hold_up_the_others(
    listener: Partner, system: Callable[..., System], family: Given, web: gateways.Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Partner(system(rights=["registry:search"], per_minute=6000), callback=f"{web.url}/other")
    for _time in range(3):
        ask(listener, request(uin(family.people[0])))
    ask(other, request(uin(family.people[1])))
    ticks = count(0, callbacks.MOST_SECONDS + 1)
    monkeypatch.setattr(callbacks, "monotonic", lambda: next(ticks))
    assert callbacks.deliver_due(now=NOW) == 2
    assert [call.path for call in web.calls] == ["/registry/on-search", "/other/registry/on-search"]
    with scopes.acting(callbacks.WORKER):
        waiting = SpdciCallback.objects.filter(client=listener.system.client, state="queued")
        assert {(row.attempts, row.next_at) for row in waiting} == {(0, NOW + callbacks.PAUSE)} and len(waiting) == 2, "not tried, so not counted"


def test_a_household_member_who_left_is_not_told_with_it(listener: Partner, family: Given, web: gateways.Web) -> None:
    """The record is of the moment of asking; who may be told of is of the moment of telling."""
    ask(listener, request(uin(family.people[0]), "idtype-value", LAW, response_entity="Group"))
    with scopes.acting(scopes.Scope(area=COUNTY)):
        Membership.objects.filter(person=family.people[1]).update(ends=NOW.date())
    assert names(told(web)[0]) == [each.name for each in family.people]


def test_an_answer_of_the_registry_is_not_kept_under_a_key(partner: Partner, family: Given) -> None:
    """It tells of people: replayed a week later it would tell of those who withdrew."""
    consent = agree(partner, family.people[0]).pk
    body = json.dumps(partner.envelope("search", {"transaction_id": "t", "search_request": [request(uin(family.people[0]), "idtype-value", AGREED)]})).encode()

    def post() -> Any:
        return partner.system.call("post", "/registry/sync/search", body, content_type="application/json", Idempotency_Key="the-same-key")

    assert family.people[0].name in post().content.decode()
    withdraw(family.people[0], consent)
    again = post()
    assert family.people[0].name not in again.content.decode() and "Idempotent-Replay" not in again
    assert json.loads(again.content)["header"]["status_reason_code"] == "rjct.message_id.duplicate"
