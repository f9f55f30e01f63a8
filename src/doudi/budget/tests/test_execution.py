"""4.4: as the year runs, plan against spending, a forecast, and a warning where the money does not last until December."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from doudi.budget import execution
from doudi.budget.execution import Course
from doudi.budget.tests.world import World
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import client_of, officer
from doudi.payments.tests.world import MONTH, ON, Officers, award

TODAY = date(2022, 12, 9)


def course(plan: list[int], spent: list[int], *, now: int, in_hand: int = 10**9) -> Course:
    def twelve(values: list[int]) -> list[Decimal]:
        return [Decimal(value) for value in values] + [Decimal(0)] * (12 - len(values))

    return Course(1, "x", now, twelve(plan), twelve(spent), Decimal(in_hand))


def test_4_4_the_months_ahead_follow_the_plan_at_the_pace_so_far() -> None:
    one = course([100] * 12, [110, 110, 110], now=4)
    assert one.actual == 3 and one.difference == 30 and one.forecast[3:] == [Decimal("110.00")] * 9 and one.to_come == 1320
    assert one.runs_out == 11  # 1,100 are gone at the end of October, 1,210 in November
    assert course([100] * 12, [100, 100, 100], now=4).runs_out is None
    assert course([100] * 12, [90, 90], now=3).to_come == 1080


def test_4_4_the_running_month_counts_once_something_was_paid_in_it() -> None:
    assert course([100] * 12, [100, 0], now=2).actual == 1
    assert course([100] * 12, [100, 40], now=2).actual == 2
    assert course([100] * 12, [], now=0).forecast == [100] * 12 and course([100] * 12, [100] * 12, now=12).to_come == 1200


def test_4_4_without_a_plan_the_last_three_months_tell_and_money_in_hand_is_watched() -> None:
    one = course([], [0, 90, 100, 110], now=5, in_hand=250)
    assert one.forecast[4:] == [100] * 8 and one.runs_out is None and one.money_lasts == 7
    assert course([], [100], now=12, in_hand=0).money_lasts is None
    assert course([100] * 12, [], now=0, in_hand=0).money_lasts is None  # the year has not begun


@pytest.mark.django_db
def test_4_4_plan_and_ledger_stand_side_by_side_and_cities_see_their_counties(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    world, money = World(), Officers()
    row = world.scenario(year=2022)
    world.assume(row, "temporary", "year", "1200")
    world.calculated(row)
    with scopes.acting(money.reviewer):
        award(members=2, amount="300.00")
    money.money("350.00")
    payroll = money.released(money.prepared().payroll)
    with scopes.acting(world.reviewer):
        (before,) = execution.courses(area=world.county, year=2022, today=TODAY)
        assert before.planned == 0  # a draft is no plan
    world.submitted(row)
    with scopes.acting(world.reviewer), django_assert_max_num_queries(5):
        (one,) = execution.courses(area=world.county, year=2022, today=TODAY)
    assert (one.planned, one.spent[MONTH.month - 1], one.in_hand) == (1200, payroll.amount, 50) and payroll.amount == 300 and ON.month == 12
    assert one.difference == 300 - 1200
    with scopes.acting(world.city), django_assert_max_num_queries(8):
        rows = execution.by_county(area="4101", year=2022, today=TODAY)
    mine = next(each for each in rows if each["code"] == world.county)
    assert (mine["planned"], mine["spent"]) == (1200, 300) and len(rows) > 5
    for scope, word in ((world.reviewer, "困难群众救助补助资金"), (world.city, "中牟"), (officer(Duty.FUND_SUPERVISOR), "1,200.00")):
        with django_assert_max_num_queries(40):
            said = client_of(scope).get(reverse("budget:running") + "?year=2022")
        assert said.status_code == 200 and word in said.content.decode()
    stranger = client_of(officer(Duty.COUNTY_REVIEWER, "410181")).get(reverse("budget:running") + "?year=2022&area=410122").content.decode()
    assert "1,200.00" not in stranger
    assert client_of(officer(Duty.TOWNSHIP_OFFICER, "410122101")).get(reverse("budget:running")).status_code == 403
