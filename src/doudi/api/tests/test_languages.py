"""Refusals in the caller's language: Chinese, or English where `Accept-Language` asks for it; codes are the same in both."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from doudi.api.spdci import words
from doudi.api.tests.conftest import NOW, System, citizen_file, error_of
from doudi.api.tests.partners import Partner, request, uin, where
from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.tests.officers import COUNTY, officer
from doudi.discovery.models import Delivery
from doudi.payments.tests.world import Given

pytestmark = pytest.mark.django_db
CHINESE = re.compile(r"[\u4e00-\u9fff]")
ENGLISH = {"Accept-Language": "en-GB,en;q=0.8,zh;q=0.5"}
OTHERS: list[dict[str, str]] = [{}, {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}, {"Accept-Language": "fr"}, {"Accept-Language": "x" * 5000}, {"Cookie": "django_language=en"}]


def texts(content: Any) -> list[str]:
    """Every text for people in an answer."""
    if isinstance(content, list):
        return [each for part in content for each in texts(part)]
    if not isinstance(content, dict):
        return []
    mine = [value for name, value in content.items() if name in ("message", "reason", "status_reason_message") and isinstance(value, str)]
    return mine + [each for value in content.values() for each in texts(value)]


def codes(content: Any) -> list[str]:
    if isinstance(content, list):
        return [each for part in content for each in codes(part)]
    if not isinstance(content, dict):
        return []
    return [str(value) for name, value in content.items() if name in ("code", "status_reason_code", "field")] + [each for value in content.values() for each in codes(value)]


def test_refusals_are_in_chinese_or_in_english_where_it_is_asked_for(system: Callable[..., System], family: Given) -> None:
    caller = system(rights=["deliveries:write", "leads:report", "registry:search"], datasets=["deaths"], per_minute=6000)
    partner = Partner(caller, callback="https://partner.example/dci")

    def registry(path: str, verb: str, message: dict[str, Any], /, **header: Any) -> tuple[str, str, bytes, dict[str, str]]:
        body = partner.envelope(verb, {"transaction_id": "t"} | message, **header)
        return "post", f"/registry{path}", json.dumps(body).encode(), kind

    searches = [
        request({"type": "UIN", "value": "1"}), request(uin(family.people[0]), "graphql"), request(uin(family.people[0]), "idtype-value", "none"),
        request([where("name", "eq", "x")], "predicate"), request([where("age", "ge", "x")], "predicate", sort=[{"attribute_name": "x"}]),
        request(uin(family.people[0]), pagination={"page_size": 0}), request(uin(family.people[0])) | {"timestamp": "x"},
        request({"value": {"expression": {"query": {"$and": [{"$and": [{"$and": [{"$and": [{"$and": [{"age": 1}]}]}]}]}]}}}}, "expression"),
    ]  # fmt: skip
    kind = {"content_type": "application/json"}
    unsigned = {"search_request": searches, "transaction_id": "t"}
    lead = {"reference": "r 1", "channel": "portal", "area": "410122101", "need": "x", "text": "一", "more": 1}
    calls: list[Callable[[], tuple[str, str, bytes | None, dict[str, str]]]] = [
        lambda: ("get", "/nowhere", None, {}), lambda: ("delete", "/deliveries", None, {}), lambda: ("get", "/payrolls?month=2022-12", None, {}),
        lambda: ("post", "/leads", json.dumps(lead).encode(), kind), lambda: ("post", "/leads", b"{", kind),
        lambda: ("post", "/deliveries?dataset=cars", b"x", {}), lambda: ("post", "/deliveries?dataset=disability", b"x", {}),
        lambda: ("post", "/deliveries?dataset=deaths", b"", {}),
        lambda: ("post", "/deliveries?dataset=deaths&area=410724", citizen_file(), {}), lambda: ("post", "/deliveries?dataset=deaths&period=0000-01", b"x", {}),
        lambda: ("post", "/deliveries?dataset=deaths", citizen_file(), {"Idempotency_Key": "a b"}),
        lambda: registry("/sync/search", "search", {}), lambda: registry("/sync/search", "search", {"search_request": searches}),
        lambda: registry("/sync/search", "search", {"search_request": searches}, action="subscribe"), lambda: registry("/sync/search", "search", {}, sender_id="x"),
        lambda: registry("/search", "search", {"search_request": searches}, message_ts="2022-01-01T00:00:00Z"),
        lambda: ("post", "/registry/sync/search", json.dumps(partner.envelope("search", unsigned) | {"signature": "x"}).encode(), kind),
    ]  # fmt: skip
    for call in calls:
        answers = []
        for headers in (ENGLISH, *OTHERS):
            method, path, data, more = call()
            response = caller.call(method, path, data, **more, **headers)
            answers.append((response.status_code, json.loads(response.content), response["Content-Language"]))
        (status, english, language), *others = answers
        assert language == "en" and texts(english) and not any(CHINESE.search(each) for each in texts(english)), (path, english)
        for other in others:
            assert other[0] == status and codes(other[1]) == codes(english) and other[2] == "zh-hans"
            assert all(CHINESE.search(each) for each in texts(other[1])), (path, other[1])
    assert translation.get_language() == "zh-hans"
    for headers, found in ((ENGLISH, "oken"), ({}, "令牌")):
        refused = Client(headers=headers).get("/api/v1/contracts")
        assert refused.status_code == 401 and found in error_of(refused)["message"] and "oken" in error_of(refused)["message_en"]


def test_what_is_stored_does_not_depend_on_the_callers_language(system: Callable[..., System]) -> None:
    caller = system(rights=["deliveries:write", "leads:report"], datasets=["deaths"])
    refused = caller.call("post", "/deliveries?dataset=deaths&period=2022-11", citizen_file(good=2, bad=8), **ENGLISH)
    lead = {"reference": "r1", "channel": "portal", "area": "410122101205", "need": "illness", "text": "住院两周，没钱", "subject": {"name": "王建国"}}
    taken = caller.call("post", "/leads", json.dumps(lead).encode(), content_type="application/json", **ENGLISH)
    assert (refused.status_code, taken.status_code) == (201, 201)
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, COUNTY)):
        written = [Delivery.objects.get().reason, *Todo.objects.filter(made_at__gte=NOW).values_list("title", flat=True)]
    assert len(written) > 1 and all(CHINESE.search(each) for each in written), written


def test_every_code_that_is_refused_with_has_words_in_both_languages() -> None:
    for table in (words.REFUSALS, words.REJECTIONS):
        for code, text in table.items():
            with translation.override("en"):
                english = str(text)
            assert CHINESE.search(str(text)) and not CHINESE.search(english), code
