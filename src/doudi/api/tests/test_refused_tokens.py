"""Wrong tokens are counted by network and slowed down; a right token is never locked out by them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from doudi.api import access, services
from doudi.api.models import ApiRefusal
from doudi.api.tests.conftest import NOW, System, error_of
from doudi.core import scope as scopes
from doudi.core.tests.officers import client_of

pytestmark = pytest.mark.django_db
Make = Callable[..., System]
WRONG = "doudi_" + "x" * 43


@pytest.fixture
def known(db: None, system: Make) -> System:
    return system()


def attempt(token: str = WRONG, *, address: str = "203.0.113.7", **headers: str) -> Any:
    return Client(headers={"Authorization": f"Bearer {token}", **headers}, REMOTE_ADDR=address).get("/api/v1/contracts")


def test_wrong_tokens_are_counted_by_network_without_the_address(known: System) -> None:
    for address in ("203.0.113.7", "203.0.113.250", "::ffff:203.0.113.9", "2001:db8:1:2::5", "2001:db8:1:9::7"):
        assert attempt(address=address).status_code == 401
    assert sorted(ApiRefusal.objects.values_list("network", "code", "total")) == [
        ("2001:db8:1::/48", "unknown_token", 2), ("203.0.113.0/24", "unknown_token", 3),
    ]  # fmt: skip


def test_too_many_are_told_to_wait_and_the_right_token_is_taken_from_the_same_address(known: System, clock: Any) -> None:
    answers = [attempt().status_code for _try in range(access.WRONG_A_MINUTE + 2)]
    assert answers == [401] * access.WRONG_A_MINUTE + [429, 429]
    refused = attempt()
    assert error_of(refused)["code"] == "too_many_wrong_tokens" and refused["Retry-After"] == "40"
    assert attempt(known.token).status_code == 200
    assert attempt(address="198.51.100.1").status_code == 401
    clock.shift(timedelta(seconds=40))
    assert attempt().status_code == 401


def test_an_old_token_is_shown_at_its_client(known: System, clock: Any) -> None:
    with scopes.acting(known.admin):
        services.revoke_client(client_id=known.client.pk, version=1, now=NOW)
    assert error_of(attempt(known.token))["code"] == "revoked_token"
    attempt()
    browser = client_of(known.admin)
    one, every = browser.get(f"/api-clients/{known.client.pk}/").content.decode(), browser.get("/api-clients/").content.decode()
    assert "203.0.113.0/24" in one and "令牌已停用" in one and "令牌不正确" not in one
    assert "令牌不正确" in every and "203.0.113.7" not in every


def test_the_table_keeps_the_latest_networks_only(known: System, monkeypatch: pytest.MonkeyPatch, clock: Any) -> None:
    monkeypatch.setattr(ApiRefusal, "MOST", 3)
    for turn in range(5):
        clock.shift(timedelta(seconds=1))
        attempt(address=f"198.51.{turn}.1")
    assert sorted(ApiRefusal.objects.values_list("network", flat=True)) == ["198.51.2.0/24", "198.51.3.0/24", "198.51.4.0/24"]


@pytest.mark.parametrize("token", ["doudi_短", "x" * 43, "doudi_" + "x" * 5000, "doudi_'; drop table api_apiclient; --"])
def test_what_cannot_be_a_token_is_refused_without_a_look_up(known: System, token: str, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert error_of(attempt(token))["code"] == "unknown_token"
    assert ApiRefusal.objects.get().total == 1


def test_behind_the_proxy_the_address_that_the_proxy_adds_counts(known: System, settings: Any) -> None:
    forged = {"X-Forwarded-For": "192.0.2.1, 198.51.100.9"}
    attempt(address="127.0.0.1", **forged)
    settings.BEHIND_TLS = True
    attempt(address="127.0.0.1", **forged)
    attempt(address="127.0.0.1", **{"X-Forwarded-For": "no address"})
    assert sorted(ApiRefusal.objects.values_list("network", flat=True)) == ["-", "127.0.0.0/24", "198.51.100.0/24"]
