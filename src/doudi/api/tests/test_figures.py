"""Payroll status and statistics for other systems: within the token's place, by the right alone, nothing about anybody."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from doudi.api.tests.conftest import NOW, System, error_of
from doudi.core import scope as scopes
from doudi.payments.tests.world import Officers, award
from doudi.reports.models import MonthlyFigure

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


def counted(month: date, **townships: dict[str, int]) -> None:
    """Figures as the nightly job leaves them: township -> key -> value."""
    for area, given in townships.items():
        with scopes.acting(scopes.Scope(area=area[1:7])):
            MonthlyFigure.objects.bulk_create(
                MonthlyFigure(area=area[1:], month=month, key=key, value=value, counted_at=NOW) for key, value in given.items()
            )


DECEMBER, OCTOBER = date(2022, 12, 1), date(2022, 10, 1)


def test_figures_of_a_month_by_place_from_what_was_counted(system: Callable[..., System], django_assert_max_num_queries: Any) -> None:
    counted(
        DECEMBER,
        t410122101={
            "dibao.urban.people": 30, "dibao.rural.people": 12, "dibao.urban.households": 20, "dibao.rural.households": 6, "dibao.rural.yuan": 900,
            "tekun.rural.people": 9,
        },
        t410122102={"dibao.rural.people": 40, "dibao.rural.households": 15, "dibao.rural.yuan": 100, "leads.signals": 3},
    )  # fmt: skip
    caller = system(rights=["statistics:full"])
    with django_assert_max_num_queries(16):
        rows = read(caller, "/statistics?month=2022-12")
    dibao = {"area": "410122", "programme": "dibao", "households": 41, "people": 82, "amount": "1000.00", "suppressed": False}
    tekun = {"area": "410122", "programme": "tekun", "households": None, "people": 9, "amount": "0", "suppressed": False}
    assert rows == [dibao, tekun]
    below = read(caller, "/statistics?month=2022-12&level=township")
    assert [(row["area"], row["programme"], row["people"]) for row in below] == [("410122101", "dibao", 42), ("410122101", "tekun", 9), ("410122102", "dibao", 40)]
    pages, after = [], ""
    while page := read(caller, f"/statistics?month=2022-12&level=township&limit=2&after={after.replace(' ', '%20')}"):
        pages += page
        after = f"{page[-1]['area']} {page[-1]['programme']}"
    assert pages == below
    assert read(caller, "/statistics?month=2022-12&level=township&area=410122102") == below[2:]
    assert error_of(caller.call("get", "/statistics?month=2022-11"))["code"] == "not_counted"
    other = system(area="410724", rights=["statistics:full"])
    assert error_of(other.call("get", "/statistics?month=2022-12"))["code"] == "not_counted"
    assert error_of(other.call("get", "/statistics?month=2022-12&area=410122"))["code"] == "not_found"
    for wrong in ("month=2022-13", "month=2022-12&level=village", "month=2022-12&area=4101222", "month=2022-12&limit=0"):
        assert caller.call("get", f"/statistics?{wrong}").status_code == 422
    assert error_of(system(rights=["leads:report"]).call("get", "/statistics?month=2022-12"))["code"] == "missing_scope"


def test_small_groups_are_withheld_with_whatever_would_tell_of_them(system: Callable[..., System]) -> None:
    counted(
        OCTOBER,
        t410122101={"dibao.rural.people": 30, "tekun.rural.people": 4, "orphan.people": 11, "marginal.people": 1, "rigid.people": 60, "rigid.households": 20},
        t410122102={"dibao.rural.people": 9, "tekun.rural.people": 3, "orphan.yuan": 800, "marginal.people": 1, "rigid.people": 14, "rigid.households": 3},
        t410122103={"dibao.rural.people": 50, "orphan.people": 12, "marginal.people": 70, "rigid.people": 80, "rigid.households": 30},
    )  # fmt: skip
    caller = system(rights=["statistics:read"])

    def shown(query: str) -> dict[tuple[str, str], int | None]:
        rows = read(caller, f"/statistics?month=2022-10&{query}")
        assert all((row["people"] is None) == row["suppressed"] and (not row["suppressed"] or row["amount"] is row["households"] is None) for row in rows)
        return {(row["area"][6:], row["programme"]): row["people"] for row in rows}

    assert shown("") == {("", "dibao"): 90, ("", "marginal"): 70, ("", "orphan"): 20, ("", "rigid"): 150, ("", "tekun"): None}
    found = shown("level=township")
    assert found["102", "dibao"] is None and found["101", "dibao"] is None, "89 less 30 and 50 would tell of the nine"
    assert found["103", "dibao"] == 50
    assert found["101", "tekun"] is found["102", "tekun"] is None
    assert found["102", "orphan"] is None and found["101", "orphan"] is None, "money of somebody who is not counted"
    assert [found[place, "marginal"] for place in ("101", "102", "103")] == [None] * 3, "72 less 70 would tell that both are one"
    assert [found[place, "rigid"] for place in ("101", "102", "103")] == [None, None, 80], "three households are few, however many live in them"
    assert shown("level=township&area=410122101") == {place: value for place, value in found.items() if place[0] == "101"}, "narrower questions tell no more"


def test_what_is_not_closed_is_told_exactly_to_offices_that_answer_for_it_and_to_nobody_else(system: Callable[..., System]) -> None:
    given = {"dibao.rural.people": 44, "dibao.rural.households": 26, "dibao.rural.yuan": 14_900, "rigid.people": 25}
    for month in (date(2022, 11, 1), OCTOBER):
        counted(month, t410122101=given)
    read_only, full = system(rights=["statistics:read"]), system(rights=["statistics:full"])
    for query in ("month=2022-11", "month=2022-11&level=township&area=410122101"):
        assert error_of(read_only.call("get", f"/statistics?{query}"))["code"] == "not_published", "each night's step would tell who came and who left"
    exact = [{"area": "410122", "programme": "dibao", "households": 26, "people": 44, "amount": "14900.00", "suppressed": False}]
    assert [row for row in read(full, "/statistics?month=2022-11") if row["programme"] == "dibao"] == exact
    rough = [{"area": "410122", "programme": "dibao", "households": 30, "people": 40, "amount": "10000", "suppressed": False}]
    assert [row for row in read(read_only, "/statistics?month=2022-10") if row["programme"] == "dibao"] == rough
    assert next(row["people"] for row in read(read_only, "/statistics?month=2022-10") if row["programme"] == "rigid") == 30


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
