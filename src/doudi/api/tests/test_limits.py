"""A call that would keep the database busy: it is stopped after the setting's seconds, answered in the caller's own words, and leaves nothing half-written."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from doudi.api import limits, statistics
from doudi.api.errors import ApiError
from doudi.api.spdci import records
from doudi.api.spdci.models import SpdciCallback, SpdciMessage, SpdciSubscription
from doudi.api.tests.conftest import System, error_of
from doudi.api.tests.partners import LAW, Partner, request, uin
from doudi.core import scope as scopes
from doudi.payments.tests.world import Given

pytestmark = pytest.mark.django_db


def asleep(seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select pg_sleep(%s)", [seconds])


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The second of two requests of a message reads for half a minute."""
    real, asked = records.open_people, []

    def open_people(*args: Any) -> Any:
        asked.append(args)
        if len(asked) % 2 == 0:
            asleep(30)
        return real(*args)

    monkeypatch.setattr(records, "open_people", open_people)
    return monkeypatch


def kept() -> tuple[int, int, int]:
    with scopes.acting(scopes.Scope(area="41")):
        return SpdciMessage.objects.count(), SpdciCallback.objects.count(), SpdciSubscription.objects.count()


def test_a_search_that_takes_too_long_is_stopped_and_can_be_sent_again(partner: Partner, family: Given, settings: Any, slow: pytest.MonkeyPatch) -> None:
    settings.API_SECONDS = 0.3
    asked = [request(uin(each), "idtype-value", LAW) for each in family.people]
    body = partner.envelope("search", {"transaction_id": "t-slow", "search_request": asked})
    before, began = kept(), time.perf_counter()
    answer = partner.post("/sync/search", body)
    assert time.perf_counter() - began < 20
    said = json.loads(answer.content)
    assert (answer.status_code, said["error"]["code"], answer["Retry-After"]) == (503, "too_slow", "30")
    assert said["errors"] == [{"code": "err.service.unavailable", "message": said["error"]["message"]}] and "message" not in said
    assert kept() == before, "the message is not taken: nothing is half-written"
    slow.undo()
    settings.API_SECONDS = 30
    found = json.loads(partner.post("/sync/search", body).content)
    assert [each["status"] for each in found["message"]["search_response"]] == ["succ", "succ"] and kept()[0] == before[0] + 1


def test_an_asynchronous_search_that_takes_too_long_queues_no_answer(
    system: Callable[..., System], family: Given, settings: Any, slow: pytest.MonkeyPatch
) -> None:
    partner = Partner(system(rights=["registry:search"]), callback="https://partner.example.cn/spdci")
    settings.API_SECONDS = 0.3
    before = kept()
    asked = [request(uin(each), "idtype-value", LAW) for each in family.people]
    answer = partner.post("/search", partner.envelope("search", {"transaction_id": "t-slow", "search_request": asked}))
    assert answer.status_code == 503 and kept() == before


def test_no_statement_begins_when_the_time_is_over_and_other_parts_are_held_too(
    system: Callable[..., System], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = system(rights=["statistics:full"])
    settings.API_SECONDS = 0
    with scopes.acting(scopes.Scope(area="41")), limits.within(), connection.cursor() as cursor:
        cursor.execute("show statement_timeout")
        assert cursor.fetchone() == ("0",), "no limit where none is set"
    monkeypatch.setattr(statistics, "counted_at", lambda **_given: asleep(30))
    settings.API_SECONDS = 0.2
    assert error_of(caller.call("get", "/statistics?month=2022-12"))["code"] == "too_slow"
    with scopes.acting(scopes.Scope(area="41")), limits.within():
        asleep(0)
        monkeypatch.setattr(limits.time, "monotonic", lambda: time.perf_counter() + 1e9)
        with pytest.raises(ApiError) as refused:
            asleep(0)
        assert (refused.value.status, refused.value.code) == (503, "too_slow")


def test_a_delivered_file_may_take_longer(settings: Any) -> None:
    settings.API_SECONDS = 30
    with scopes.acting(scopes.Scope(area="41")), limits.within(file=True), connection.cursor() as cursor:
        cursor.execute("show statement_timeout")
        assert cursor.fetchone() == ("5min",)
