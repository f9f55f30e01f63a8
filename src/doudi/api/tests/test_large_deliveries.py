"""1.1: a large file is taken at once and checked in the background; small ones are answered as before."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from doudi.api.routers import deliveries
from doudi.api.tests.conftest import NOW, System, citizen_file, error_of
from doudi.core import scope as scopes
from doudi.core import tasks
from doudi.core.models import TaskProgress
from doudi.discovery.models import Delivery
from doudi.discovery.services import inbox

Make = Callable[..., System]


@pytest.fixture
def police(committed_db: None, system: Make, monkeypatch: pytest.MonkeyPatch) -> System:
    monkeypatch.setattr(deliveries, "AT_ONCE", 10)
    return system(organisation="县公安局", datasets=["deaths"])


def deliver(system: System, content: bytes | None = None, *, query: str = "dataset=deaths&period=2022-11", **headers: Any) -> Any:
    return system.call("post", f"/deliveries?{query}", content if content is not None else citizen_file(), **headers)


def ask(system: System, accepted: Any) -> Any:
    return system.call("get", accepted.json()["url"].removeprefix("/api/v1")).json()


def work(accepted: Any, area: str = "410122") -> None:
    from uuid import UUID

    tasks.execute(UUID(accepted.json()["task"]), area)


def left(home: Path) -> list[str]:
    return [each.name for each in (home / "incoming").iterdir()] if (home / "incoming").exists() else []


def test_1_1_a_large_file_is_accepted_then_checked_and_its_result_is_asked_for(police: System, home: Path) -> None:
    accepted = deliver(police, citizen_file(good=9, bad=1), Idempotency_Key="monthly-2022-11")
    assert accepted.status_code == 202 and (accepted.json()["state"], accepted.json()["delivery"]) == ("waiting", None)
    again = deliver(police, citizen_file(good=9, bad=1), Idempotency_Key="monthly-2022-11")
    assert again.json()["task"] == accepted.json()["task"] and len(left(home)) == 1
    work(accepted)
    result = ask(police, accepted)
    assert result["state"] == "done" and (result["delivery"]["accepted"], result["delivery"]["rejected"], result["delivery"]["new"]) == (9, 1, True)
    assert police.call("get", f"/deliveries/{result['delivery']['id']}/rejects").content[:2] == b"PK" and left(home) == []
    with scopes.acting(police.admin):
        assert Delivery.objects.get().received_by_id == police.client.account_id


def test_1_1_the_same_large_file_again_is_known_at_once_and_twice_at_once_taken_once(police: System, home: Path) -> None:
    first, second = deliver(police), deliver(police)
    work(first)
    work(second)
    assert [ask(police, each)["delivery"]["new"] for each in (first, second)] == [True, False]
    assert deliver(police).status_code == 200 and left(home) == []


def test_1_1_what_cannot_be_taken_is_said_before_it_is_accepted(police: System, home: Path) -> None:
    for query, status in (("dataset=deaths&area=410724", 422), ("dataset=disability", 403), ("dataset=cars", 422)):
        refused = deliver(police, query=query)
        assert refused.status_code == status and error_of(refused)["message"]
    assert left(home) == []
    with scopes.acting(police.admin):
        assert not TaskProgress.objects.exists()


def test_1_1_a_file_that_is_none_fails_with_its_reason(police: System, home: Path) -> None:
    accepted = deliver(police, b"\x00\xff" * 40)
    work(accepted)
    result = ask(police, accepted)
    assert result["state"] == "done" and result["delivery"]["state"] == "refused" and result["delivery"]["reason"]
    assert left(home) == []


def test_1_1_a_large_file_that_was_refused_is_checked_anew(police: System, home: Path) -> None:
    work(deliver(police, b"\x00\xff" * 40))
    again = deliver(police, b"\x00\xff" * 40)
    assert again.status_code == 202
    work(again)
    result = ask(police, again)
    assert (result["delivery"]["state"], result["delivery"]["new"]) == ("refused", False) and left(home) == []


def test_1_1_another_system_cannot_ask_for_it(police: System, system: Make) -> None:
    accepted, other = deliver(police), system(datasets=["deaths"])
    assert other.call("get", accepted.json()["url"].removeprefix("/api/v1")).status_code == 404
    assert police.call("get", "/deliveries/tasks/00000000-0000-4000-8000-000000000000").status_code == 404


def test_1_1_an_upload_that_nobody_took_up_is_removed_and_a_waiting_one_is_not(police: System, home: Path) -> None:
    waiting = deliver(police)
    orphan = home / "incoming" / "api-lost.csv"
    orphan.write_bytes(b"x")
    for each in (home / "incoming").iterdir():
        os.utime(each, (0, 0))
    with scopes.acting(scopes.Scope(area="41")):
        assert inbox.clear(area="41", now=NOW) == 1
    work(waiting)
    assert ask(police, waiting)["state"] == "done"
