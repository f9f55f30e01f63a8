"""4.4: next year's need by fund and month, from the registry, the law and stated assumptions, to the fen."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Sum

from doudi.assessment.tests.cases import case
from doudi.budget import queries
from doudi.budget.models import Figure, Scenario
from doudi.budget.services import needs, scenarios
from doudi.budget.tests.world import BASE, NOW, World, holds, months
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import officer
from doudi.payments.models import Fund

pytestmark = pytest.mark.django_db


def yuan(world: World, row: Scenario, item: str, month: int, **more: Any) -> Decimal:
    with scopes.acting(world.reviewer):
        found = Figure.objects.filter(scenario=row, item=item, month=date(row.year, month, 1), **more).aggregate(total=Sum("amount"))["total"]
    return found or Decimal(0)


def test_4_4_the_need_is_the_law_over_the_recipients_month_by_month() -> None:
    """Rural dibao standard 750: two people without income 1,500; tekun 1.5 times, 1,125, and full self-care 160 by the place; nursing 100."""
    world = World()
    world.people()
    row = world.calculated(world.scenario())
    assert (row.households, row.left_out) == (4, 0)
    for month in (1, 12):
        assert yuan(world, row, "dibao", month) == Decimal("1500.00")
        assert yuan(world, row, "tekun_living", month) == 2 * Decimal("1125.00")
        assert yuan(world, row, "tekun_living", month, in_institution=True) == Decimal("1125.00")
        assert yuan(world, row, "disability_nursing", month) == Decimal("100.00")
    with scopes.acting(world.reviewer):
        assert row.amount == Figure.objects.filter(scenario=row).aggregate(total=Sum("amount"))["total"]
        assert Figure.objects.filter(scenario=row).values("month").distinct().count() == 12
        assert set(Figure.objects.filter(scenario=row, item="disability_nursing").values_list("fund__code", flat=True)) == {"disability"}
    assert row.covered["2023-01"] == {"dibao": 2, "dibao_single": 0, "tekun": 2, "orphan": 0, "unsupported_child": 0, "marginal": 0}
    with scopes.acting(world.reviewer):
        beside = {each["label"]: each for each in queries.beside_awards(row)}
    nursing = beside["重度残疾人护理补贴"]
    assert (nursing["held"], nursing["paid"], nursing["amount"], nursing["difference"]) == (1, 60, 100, 40)
    assert (beside["特困人员救助供养"]["people"], beside["特困人员救助供养"]["held"]) == (2, 2)


def test_4_5_a_year_with_the_change_of_december_2022_has_60_until_november_and_75_after() -> None:
    world = World("410724")
    with scopes.acting(world.reviewer):
        holds(case({"disability": (1, "physical"), "wage_income": 60000}, area="410724101201"), "disability_nursing", "60")
    row = world.calculated(world.scenario(year=2022))
    assert [yuan(world, row, "disability_nursing", month) for month in (1, 11, 12)] == [60, 60, 75]


def test_4_4_people_whom_the_law_entitles_count_only_where_the_scenario_says_so() -> None:
    world = World()
    world.people()
    with scopes.acting(world.reviewer):
        case({"birth": date(1980, 1, 1)})  # entitled, no award yet
    awarded, entitled = world.calculated(world.scenario("在享")), world.calculated(world.scenario("应保尽保", basis="entitled"))
    assert yuan(world, entitled, "dibao", 1) - yuan(world, awarded, "dibao", 1) == 750


def test_4_4_a_new_standard_counts_from_its_month_and_a_growth_of_people_comes_evenly() -> None:
    world = World()
    world.people()
    row = world.scenario()
    world.assume(row, "standard", "value", "800", parameter="dibao.standard.rural", starts=date(2023, 7, 1))
    world.assume(row, "recipients", "percent", "100", programmes=["dibao"])
    row = world.calculated(row)
    # 2 people doubled by December: 2 x (1 + 100% x m/12), half up: January 2, June 3, December 4
    assert [yuan(world, row, "dibao", month) for month in (1, 6, 7, 12)] == [1500, 2250, 2400, 3200]
    assert yuan(world, row, "tekun_living", 7) == 2 * 1200  # follows the standard
    assert row.covered["2023-12"]["dibao"] == 4


def test_4_4_growth_in_per_cent_on_a_standard_that_rises_by_itself_compounds_in_order_of_dates() -> None:
    world = World()
    world.people()
    row = world.scenario()
    world.assume(row, "standard", "percent", "10", parameter="dibao.standard", starts=date(2023, 7, 1))
    world.assume(row, "standard", "value", "800", parameter="dibao.standard.rural", starts=date(2023, 1, 1))
    row = world.calculated(row)
    assert [yuan(world, row, "dibao", month) for month in (1, 6, 7)] == [1600, 1600, 1760]


def test_4_4_price_subsidies_are_stated_by_month_or_follow_from_a_path_of_indices() -> None:
    world = World()
    world.people()
    row = world.scenario()
    world.assume(row, "price_months", "each", "20.50", programmes=["dibao", "tekun"], starts=date(2023, 1, 1), ends=date(2023, 2, 1))
    world.assume(row, "price_index", "value", "4", parameter="prices.cpi", starts=date(2023, 4, 1))
    world.assume(row, "price_index", "value", "3.2", parameter="prices.scpi", starts=date(2023, 4, 1))
    row = world.calculated(row)
    assert [yuan(world, row, "price_subsidy", month) for month in (1, 2, 3)] == [82, 82, 0]
    # May is paid on April's index: 750 x 3.2% = 24 for each of four people, rounded as the law does it
    with scopes.acting(world.reviewer):
        assert Figure.objects.filter(scenario=row, item="price_subsidy", month=date(2023, 5, 1)).aggregate(people=Sum("people"))["people"] == 4
    assert yuan(world, row, "price_subsidy", 5) > 0 == yuan(world, row, "price_subsidy", 6)


def test_4_4_one_off_payments_institutions_and_other_spending_stand_in_their_fund() -> None:
    world = World()
    world.people()
    with scopes.acting(world.reviewer):
        fund, other = Fund.objects.get(code="assistance"), Fund.objects.get(code="disability")
    row = world.scenario()
    world.assume(row, "one_off", "each", "210", programmes=["dibao", "tekun"], starts=date(2023, 7, 1), fund_id=fund.pk)
    world.assume(row, "institution", "each", "300", fund_id=fund.pk, starts=date(2023, 1, 1), ends=date(2023, 12, 1))
    world.assume(row, "fixed", "month", "1000", label="残疾人评定", fund_id=other.pk, starts=date(2023, 3, 1), ends=date(2023, 4, 1))
    world.assume(row, "temporary", "year", "1000")
    row = world.calculated(row)
    assert (yuan(world, row, "one_off", 7), yuan(world, row, "one_off", 8)) == (840, 0)
    assert (yuan(world, row, "institution", 5), yuan(world, row, "fixed", 3), yuan(world, row, "fixed", 5)) == (300, 1000, 0)
    assert (yuan(world, row, "temporary", 1), yuan(world, row, "temporary", 12)) == (Decimal("83.33"), Decimal("83.37"))
    with scopes.acting(world.reviewer):
        assert Figure.objects.filter(scenario=row, item="fixed").values_list("fund_id", flat=True).distinct()[0] == other.pk


def test_4_4_a_county_without_registered_people_needs_nothing_and_cannot_hand_that_in() -> None:
    world = World("410181")
    row = world.calculated(world.scenario())
    assert (row.amount, row.households) == (0, 0)
    with pytest.raises(ValidationError, match="0 元"):
        world.checked(row)


def test_4_4_facts_that_cannot_stand_leave_their_household_out_and_are_counted() -> None:
    world = World()
    made = world.people()
    with scopes.acting(world.reviewer):
        from doudi.assessment.tests.cases import fact

        fact(made["nursing"].people[0], "disability", 9, "physical")
    row = world.calculated(world.scenario())
    assert row.left_out == 1 and row.households == 3 and yuan(world, row, "dibao", 1) == 1500


def test_4_4_calculated_again_it_is_the_same_and_a_leap_year_has_twelve_months() -> None:
    world = World()
    world.people()
    with scopes.acting(world.reviewer):
        row = scenarios.create_scenario(
            year=2024, name="闰年", basis="awards", base_month=date(2024, 2, 1), now=datetime(2024, 2, 29, 15, 59, tzinfo=UTC), temporary=False
        )
        one = scenarios.calculate(scenario_id=row.pk, now=datetime(2024, 2, 29, 15, 59, tzinfo=UTC)).amount
        two = scenarios.calculate(scenario_id=row.pk, now=datetime(2024, 2, 29, 15, 59, tzinfo=UTC))
        assert one == two.amount > 0 and sorted(Figure.objects.filter(scenario=row).values_list("month", flat=True).distinct()) == list(months(2024))


@pytest.mark.parametrize(
    ("kind", "way", "value", "more", "field"),
    [
        ("standard", "value", "0", {"parameter": "dibao.standard.rural", "starts": date(2023, 1, 1)}, "value"),
        ("standard", "value", "NaN", {"parameter": "dibao.standard.rural", "starts": date(2023, 1, 1)}, "value"),
        ("standard", "value", "800", {"parameter": "dibao.nothing", "starts": date(2023, 1, 1)}, "parameter"),
        ("standard", "value", "800", {"parameter": "dibao.standard.rural", "starts": date(2023, 1, 15)}, "starts"),
        ("standard", "value", "800", {"parameter": "dibao.standard.rural", "starts": date(2025, 1, 1)}, "starts"),
        ("standard", "percent", "-95", {"parameter": "dibao.standard.rural", "starts": date(2023, 1, 1)}, "value"),
        ("standard", "each", "5", {"parameter": "dibao.standard.rural", "starts": date(2023, 1, 1)}, "way"),
        ("recipients", "percent", "5", {"programmes": []}, "programmes"),
        ("recipients", "percent", "5", {"programmes": ["dibao", "gold"]}, "programmes"),
        ("price_months", "each", "20.005", {"programmes": ["dibao"], "starts": date(2023, 1, 1), "ends": date(2023, 2, 1)}, "value"),
        ("price_months", "each", "20", {"programmes": ["dibao"], "starts": date(2023, 3, 1), "ends": date(2023, 2, 1)}, "ends"),
        ("price_months", "each", "20", {"programmes": ["dibao"], "starts": date(2022, 3, 1), "ends": date(2023, 2, 1)}, "starts"),
        ("one_off", "each", "210", {"programmes": ["dibao"], "starts": date(2023, 7, 1)}, "fund"),
        ("fixed", "month", "210", {"fund_id": 1}, "label"),
        ("price_index", "value", "4", {"parameter": "dibao.standard.rural", "starts": date(2023, 1, 1)}, "parameter"),
        ("gossip", "value", "4", {}, "way"),
    ],
)
def test_4_4_an_assumption_that_cannot_stand_is_refused_by_field(kind: str, way: str, value: str, more: dict[str, Any], field: str) -> None:
    world = World()
    row = world.scenario()
    with pytest.raises(ValidationError) as error:
        world.assume(row, kind, way, value, **more)
    assert field in error.value.message_dict
    with scopes.acting(world.reviewer):
        assert not row.assumptions.exists()


def test_4_4_an_assumption_needs_its_source_and_none_may_contradict_another() -> None:
    world = World()
    row = world.scenario(temporary=True)
    with scopes.acting(world.reviewer), pytest.raises(ValidationError) as error:
        scenarios.add_assumption(scenario_id=row.pk, kind="recipients", way="percent", value=Decimal(3), reason=" ", programmes=["dibao"], now=NOW)
    assert "reason" in error.value.message_dict
    first = world.assume(row, "recipients", "percent", "3", programmes=["dibao"])
    assert world.assume(row, "recipients", "percent", "3", programmes=["dibao"]).pk == first.pk  # sent twice
    with pytest.raises(ValidationError, match="同一类对象"):
        world.assume(row, "recipients", "percent", "4", programmes=["tekun", "dibao"])
    with pytest.raises(ValidationError, match="已有一条临时救助"):
        world.assume(row, "temporary", "year", "1000")


def test_4_4_a_changed_assumption_takes_the_figures_away_until_they_are_calculated_again() -> None:
    world = World()
    world.people()
    row = world.calculated(world.scenario())
    made = world.assume(row, "recipients", "percent", "3", programmes=["dibao"])
    with scopes.acting(world.reviewer):
        fresh = Scenario.objects.get(pk=row.pk)
        assert fresh.calculated_at is None and fresh.amount == 0 and not fresh.figures.exists()
        scenarios.drop_assumption(assumption_id=made.pk, now=NOW)
        scenarios.drop_assumption(assumption_id=made.pk, now=NOW)
    with pytest.raises(ValidationError, match="重新测算"):
        world.checked(row)


def test_4_4_a_scenario_is_made_once_by_the_county_and_its_name_is_its_own() -> None:
    world = World()
    row = world.scenario("甲")
    assert world.scenario("甲").pk == row.pk
    with pytest.raises(ValidationError, match="同名"):
        world.scenario("甲", basis="entitled")
    with pytest.raises(ValidationError, match="基准月份"):
        world.scenario("乙", base=date(2023, 1, 1))
    with pytest.raises(PermissionDenied), scopes.acting(world.finance):
        scenarios.create_scenario(year=2023, name="乙", basis="awards", base_month=BASE, now=NOW)
    with pytest.raises(ValidationError, match="另一级"), scopes.acting(officer(Duty.COUNTY_REVIEWER, "4101")):
        scenarios.create_scenario(year=2023, name="乙", basis="awards", base_month=BASE, now=NOW)


def test_4_4_an_amount_over_months_adds_up_to_itself() -> None:
    for text in ("0.01", "100", "99999.99", "1000000.07"):
        parts = needs.spread(Decimal(text), list(months()))
        assert sum(parts.values()) == Decimal(text) and len(parts) == 12
