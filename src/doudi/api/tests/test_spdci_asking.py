"""Queries of the standard: conditions lean on what the purpose opens, ages turn on birthdays, expressions and predicates mean the same."""

from __future__ import annotations

import base64
import socket
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from doudi.api.spdci import asking, callbacks, services
from doudi.api.spdci.models import SpdciCallback, SpdciPurpose
from doudi.api.tests.conftest import NOW, System, error_of
from doudi.api.tests.partners import AGREED, LAW, Partner, agree, request, uin, where
from doudi.core import outgoing
from doudi.core import scope as scopes
from doudi.core.tests import gateways
from doudi.core.tests.officers import COUNTY, TOWNSHIP
from doudi.payments.tests.world import Given
from doudi.registry.models import Person

pytestmark = pytest.mark.django_db


def tree(query: Any) -> dict[str, Any]:
    return {"type": "ns:org:QueryType:expression", "value": {"expression": {"collection": "Member", "query": query}}}


def born(who: Person, day: date) -> None:
    with scopes.acting(scopes.Scope(area=COUNTY)):
        Person.objects.filter(pk=who.pk).update(birth_date=day)


def test_expressions_and_predicates_find_the_same_people(partner: Partner, family: Given) -> None:
    old, young = family.people
    born(old, date(1950, 11, 28))
    born(young, date(2015, 11, 29))
    here: dict[str, Any] = {"place_code": TOWNSHIP, "programme": "dibao"}
    for asked, found in (
        ({"$and": [here, {"age": {"$ge": 72}}]}, [old]), ({**here, "age": {"$gt": 72}}, []), ({**here, "age": {"$gte": 7}}, [old]), ({**here, "age": 6}, [young]),
        ({**here, "age": {"$lt": 7}}, [young]), ({**here, "age": {"$le": 72, "$gt": 6}}, [old]), ({**here, "$not": {"age": {"$in": [6, 7]}}}, [old]),
        ({**here, "$or": [{"age": 72}, {"birth_date": {"$eq": "2015-11-29"}}]}, [old, young]), ({**here, "group_size": {"$ge": 2}}, [old, young]),
        ({**here, "group_size": 1}, []), ({**here, "sex": {"$in": ["male", "female"]}}, [old, young]), ({**here, "programme": "tekun"}, []),
    ):  # fmt: skip
        assert partner.names(tree(asked), kind="expression") == [each.name for each in found], asked
    place = where("place_code", "eq", TOWNSHIP)
    for pair, found in (
        ({**where("age", "ge", 72), "condition": "and", "expression2": where("programme", "eq", "dibao")["expression1"]}, [old]),
        ({**where("age", "eq", "6"), "condition": "or", "expression2": where("age", "eq", 72)["expression1"]}, [old, young]),
        ({**where("programme", "eq", "dibao"), "condition": "not", "expression2": where("age", "lt", 18)["expression1"]}, [old]),
    ):  # fmt: skip
        assert partner.names([place, pair], kind="predicate") == [each.name for each in found], pair


@pytest.mark.parametrize(
    ("birth", "on", "age"),
    [
        (date(2000, 2, 29), date(2022, 2, 28), 21), (date(2000, 2, 29), date(2022, 3, 1), 22), (date(2000, 2, 28), date(2022, 2, 28), 22),
        (date(2000, 3, 1), date(2024, 2, 29), 23), (date(2000, 2, 29), date(2024, 2, 29), 24), (date(2022, 11, 28), date(2022, 11, 28), 0),
    ],
)  # fmt: skip
def test_an_age_turns_on_the_birthday_for_those_of_29_february_on_1_march(family: Given, birth: date, on: date, age: int) -> None:
    born(family.people[0], birth)
    purpose = SpdciPurpose(fields=["identity"])
    with scopes.acting(scopes.Scope(area=COUNTY)):
        mine = Person.objects.filter(pk=family.people[0].pk)
        held = {
            (operator, years): asking.narrowed(mine, "predicate", [where("age", operator, years)], purpose, on).exists()
            for operator in ("eq", "ge", "gt", "le", "lt") for years in (age, age + 1)
        }  # fmt: skip
    assert [what for what, holds in held.items() if holds] == [("eq", age), ("ge", age), ("le", age), ("le", age + 1), ("lt", age + 1)]


def test_nobody_filters_by_what_the_purpose_does_not_open(partner: Partner, family: Given) -> None:
    agree(partner, family.people[0])
    for name, value in (("programme", "dibao"), ("group_size", 2)):
        for kind, query in (("expression", tree({"$not": {name: value}})), ("predicate", [where(name, "eq", value)])):
            assert partner.search(query, kind=kind, purpose=AGREED)["status_reason_code"] == "rjct.filter.invalid"
    assert partner.names(tree({"place_code": TOWNSHIP}), kind="expression", purpose=AGREED) == [family.people[0].name]
    assert partner.search(tree({"place_code": f"{TOWNSHIP}001"}), kind="expression")["status_reason_code"] == "rjct.filter.invalid", "no purpose opens the village"


def test_an_expression_that_cannot_be_read_is_refused_whatever_it_is(partner: Partner) -> None:
    deep: dict[str, Any] = {"age": 1}
    for _time in range(asking.DEEPEST):
        deep = {"$and": [deep]}
    odd: list[Any] = [
        {}, [], None, "x", {"$and": []}, {"$and": [{}]}, {"$where": "1=1"}, {"age": {"$regex": "."}}, {"age": {}}, {"age": {"$gt": [1]}}, {"age": True}, {"age": "-1"},
        {"age": 10**9}, {"age": "１２"}, {"name": "王"}, {"token": "x"}, {"household__area": "41"}, {"birth_date": {"$gt": "2022-02-30"}}, {"sex": "x"}, {"\x00": 1},
        {"age": {"$in": list(range(21))}}, {"$or": [{"age": each} for each in range(21)]}, deep, {"place_code": "%"}, {"age": {"$eq": {"$gt": 1}}}, {"group_size": "a"},
    ]  # fmt: skip
    batches = [[request(tree(each), "expression", LAW) for each in odd[start : start + 20]] for start in range(0, len(odd), 20)]
    for batch in batches:
        found = partner.ask("/sync/search", "search", {"search_request": batch})["message"]["search_response"]
        assert {each.get("status_reason_code") for each in found} == {"rjct.filter.invalid"}, found
    for query in ({"type": "x"}, {"value": "x"}, {"value": {"expression": "query { member }"}}, [], None):
        assert partner.search(query, kind="expression")["status_reason_code"] == "rjct.filter.invalid"


def test_what_the_standard_says_around_records_is_there(partner: Partner, family: Given) -> None:
    found = partner.search(uin(family.people[0]), response_entity="spdci-extensions-dci:Group")
    assert (found["data"]["reg_type"], found["data"]["reg_record_type"]) == ("ns:org:RegistryType:Social", "spdci-extensions-dci:Group")
    whole = partner.ask("/sync/search", "search", {"search_request": [request(uin(each), "idtype-value", LAW) for each in family.people]})
    assert (whole["header"]["total_count"], whole["header"]["completed_count"]) == (2, 2)
    assert whole["header"]["action"] == "on-search" and whole["header"]["status"] == "succ"
    for locale, status in (("zho", "succ"), ("ZHO", "rjct"), ("zh", "rjct"), (7, "rjct")):
        asked = request(uin(family.people[0]), "idtype-value", LAW) | {"locale": locale}
        (answer,) = partner.ask("/sync/search", "search", {"search_request": [asked]})["message"]["search_response"]
        assert answer["status"] == status, locale
    body = partner.envelope("search", {"transaction_id": "t", "search_request": []}, version="2.0.0")
    assert error_of(partner.post("/sync/search", body))["code"] == "err.version.not_supported"
    for sealed in (
        partner.envelope("search", {"header": {"alg": "x"}, "ciphertext": "x"}), partner.envelope("search", {"transaction_id": "t"}, is_msg_encrypted=True),
    ):  # fmt: skip
        assert error_of(partner.post("/sync/search", sealed))["code"] == "err.encryption.invalid"


def test_what_is_refused_at_the_door_is_said_in_the_standards_words_too(partner: Partner, system: Callable[..., System]) -> None:
    def codes(answer: Any) -> tuple[int, str]:
        return answer.status_code, answer.json()["errors"][0]["code"]

    envelope = partner.envelope("search", {"transaction_id": "t"})
    assert codes(partner.post("/sync/search", {"header": {}})) == (422, "err.request.bad")
    assert codes(partner.post("/sync/search", [])) == (422, "err.request.bad")
    partner.system.token, kept = partner.system.token[:-1] + "~", partner.system.token
    assert codes(partner.post("/sync/search", envelope)) == (401, "err.request.unauthorized")
    partner.system.token = kept
    assert codes(partner.post("/sync/nowhere", envelope)) == (404, "err.request.not_found")
    assert codes(Partner(system(rights=["registry:search"], per_minute=1)).post("/sync/search", [])) == (422, "err.request.bad")
    once = Partner(system(rights=["registry:search"], per_minute=1))
    once.post("/sync/search", [])
    assert codes(once.post("/sync/search", [])) == (429, "err.request.too_many_requests")
    assert "errors" not in system(rights=["leads:report"]).call("get", "/leads/x").json()


def test_a_callback_address_on_this_machine_is_refused_when_entered_and_when_a_name_leads_there(
    system: Callable[..., System], family: Given, web: gateways.Web, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    partner = Partner(system(rights=["registry:search"]), callback=web.url)
    partner.ask("/search", "search", {"search_request": [request(uin(family.people[0]), "idtype-value", LAW)]})
    settings.CALLBACKS_WITHIN = False
    given = {"client_id": partner.system.client.pk, "sender_id": partner.sender, "key_id": "k1", "version": 1, "now": NOW}
    key = base64.b64encode(bytes(partner.partner.public_key)).decode()
    for url in (web.url, "https://localhost/x", "https://127.0.0.1/x", "https://[::1]/", "https://169.254.169.254/", "https://0.0.0.0/", "https://[::ffff:127.0.0.1]/"):
        with scopes.acting(partner.system.admin), pytest.raises(ValidationError) as told:
            services.set_partner(**given, public_key=key, callback_url=url)
        assert list(told.value.message_dict) == ["callback_url"], url
    assert callbacks.deliver_due(now=NOW) == 0 and web.calls == [], "what stood there before is not called either"
    asked = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more, **rest: asked("127.0.0.1" if host == "partner.example.cn" else host, *more, **rest))
    address = web.url.replace("127.0.0.1", "partner.example.cn")
    with pytest.raises(outgoing.Unreachable, match="inside"):
        outgoing.call(address, within=False)
    assert web.calls == [] and outgoing.call(address).status == 200
    with scopes.acting(callbacks.WORKER):
        assert SpdciCallback.objects.get().state == "failed"


def test_what_never_arrives_is_tried_less_and_less_often_and_given_up(system: Callable[..., System], family: Given, web: gateways.Web) -> None:
    partner = Partner(system(rights=["registry:search"]), callback=web.url)
    partner.ask("/search", "search", {"search_request": [request(uin(family.people[0]), "idtype-value", LAW)]})
    web.answer = lambda call: (503, b"")
    now, waits = NOW, []
    for _time in range(callbacks.ATTEMPTS):
        callbacks.deliver_due(now=now)
        with scopes.acting(callbacks.WORKER):
            row = SpdciCallback.objects.get()
        if row.next_at:
            waits.append(row.next_at - now)
            now = row.next_at
    assert waits == [min(timedelta(minutes=2**each), callbacks.LONGEST) for each in range(1, callbacks.ATTEMPTS)]
    assert (row.state, row.error, row.message, len(web.calls)) == ("failed", "http 503", None, callbacks.ATTEMPTS)
    assert callbacks.deliver_due(now=now + timedelta(days=9)) == 0 and len(web.calls) == callbacks.ATTEMPTS
