"""Payroll status and statistics for other systems: within the token's place, by the right alone, nothing about anybody."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from doudi.api.tests.conftest import System, error_of
from doudi.core import scope as scopes
from doudi.payments.tests.world import Officers, award

pytestmark = pytest.mark.django_db


def read(caller: System, path: str) -> Any:
    answer = caller.call("get", path)
    assert answer.status_code == 200, answer.content
    return json.loads(answer.content)


@pytest.fixture
def officers() -> Officers:
    found = Officers()
    with scopes.acting(found.reviewer):
        for _time in range(3):
            award(amount="300.00", members=2)
        award(programme="tekun", amount="700.50")
    return found


def test_figures_of_a_month_by_place_and_small_groups_without(system: Callable[..., System], officers: Officers) -> None:
    caller = system(rights=["statistics:read"])
    rows = read(caller, "/statistics?month=2022-12")
    assert rows == [
        {"area": "410122", "programme": "dibao", "households": 3, "people": 6, "amount": "900.00", "suppressed": False},
        {"area": "410122", "programme": "tekun", "households": None, "people": None, "amount": None, "suppressed": True},
    ]
    assert [row["area"] for row in read(caller, "/statistics?month=2022-12&level=township")] == ["410122101", "410122101"]
    assert read(caller, "/statistics?month=2022-11") == [], "before the awards began"
    first = read(caller, "/statistics?month=2022-12&limit=1")
    assert first + read(caller, "/statistics?month=2022-12&after=410122%20dibao") == rows
    assert read(caller, "/statistics?month=2022-12&area=410122102") == []
    other = system(area="410724", rights=["statistics:read"])
    assert read(other, "/statistics?month=2022-12") == []
    assert other.call("get", "/statistics?month=2022-12&area=410122").status_code == 404
    for wrong in ("month=2022-13", "month=2022-12&level=village", "month=2022-12&area=4101222", "month=2022-12&limit=0"):
        assert caller.call("get", f"/statistics?{wrong}").status_code == 422
    assert error_of(system(rights=["leads:report"]).call("get", "/statistics?month=2022-12"))["code"] == "missing_scope"


def test_a_payroll_is_followed_to_the_banks_answer(system: Callable[..., System], officers: Officers, django_assert_max_num_queries: Any) -> None:
    officers.money("10000.00")
    payroll = officers.released(officers.prepared().payroll)
    caller = system(rights=["payrolls:read"])
    (row,) = read(caller, "/payrolls?month=2022-12")
    assert (row["number"], row["state"], row["lines"], row["amount"]) == (payroll.number, "released", 4, "1600.50")
    assert read(caller, "/payrolls?month=2022-12&state=booked") == [] and read(caller, f"/payrolls?month=2022-12&after={payroll.number}") == []
    with django_assert_max_num_queries(16):
        found = read(caller, f"/payrolls/{payroll.number}")
    assert found["by_fund"] == {"assistance": "1600.50"} and (found["paid_lines"], found["paid_amount"]) == (0, "0")
    assert not any(word in json.dumps(found) for word in ("payee", "beneficiary", "token", "account"))
    other = system(area="410724", rights=["payrolls:read"])
    assert read(other, "/payrolls?month=2022-12") == [] and other.call("get", f"/payrolls/{payroll.number}").status_code == 404
    assert system(rights=["statistics:read"]).call("get", "/payrolls?month=2022-12").status_code == 403
