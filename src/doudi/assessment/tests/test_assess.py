"""One household, an area: facts of the day, the law's results, frozen and repeatable (2.1 to 2.4, 4.5)."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from doudi.assessment import services
from doudi.assessment.facts import facts_day, month_after, month_before, read_area, read_household
from doudi.assessment.models import Assessment
from doudi.assessment.tests.cases import MONTH, NOW, case, fact, person
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import COUNTY, TOWNSHIP, officer
from doudi.registry.models import Membership

pytestmark = pytest.mark.django_db
OTHER = "410724100201"


@pytest.fixture
def township() -> scopes.Scope:
    return officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)


def assess(c, month=MONTH, now=NOW, trigger="officer") -> Assessment:
    return services.assess(household=c.household, month=month, trigger=trigger, now=now)


def test_2_2_income_below_the_standard_is_dibao_by_the_gap(township) -> None:
    with scopes.acting(township):
        made = assess(case({"wage_income": "1200.00"}, {"birth": date(2012, 5, 1)}))
    results = made.results["household"]
    standard = results["local_dibao_standard"]
    assert results["household_income"] == 100.0 and results["dibao_members"] == 2
    assert results["dibao_eligible"] is True and results["dibao_amount"] == pytest.approx(standard * 2 - 100, abs=0.005)
    assert made.facts["persons"]["wage_income"] == [100, 0]


def test_2_4_work_cost_is_deducted_at_the_standard_of_the_place_of_work(township) -> None:
    with scopes.acting(township):
        at_home = case({"wage_income": "24000", "works_away": 1})
        in_zhengzhou = case({"wage_income": "24000", "works_away": 1, "workplace_area": (None, "410102")})
        outside = case({"wage_income": "24000", "works_away": 1, "workplace_area": (None, "310000")})
        stated = case({"wage_income": "24000", "works_away": 1, "workplace_urban_dibao_standard": "1420", "workplace_area": (None, "310000")})
        november = assess(in_zhengzhou, date(2022, 11, 1))
        cost = {
            n: assess(c).results["persons"]["work_cost_deduction"][0] for n, c in (("h", at_home), ("z", in_zhengzhou), ("o", outside), ("s", stated))
        }
        facts = read_household(household_id=in_zhengzhou.household.pk, month=MONTH, as_of=date(2022, 11, 25), settings=services.law_settings(MONTH))
    there = float(facts.persons["workplace_urban_dibao_standard"][0])
    assert cost["h"] == cost["o"] == pytest.approx(0.3 * 630)
    assert cost["z"] == pytest.approx(0.3 * there) and there >= 630
    assert cost["s"] == pytest.approx(426)
    assert "work_cost_deduction" not in november.results["persons"]


def test_2_3_a_severely_disabled_member_of_a_marginal_family_enters_alone(township) -> None:
    with scopes.acting(township):
        probe = assess(case({}))
        income = probe.results["household"]["local_dibao_standard"] * 2 * 12 * 1.2
        made = assess(case({"disability": (1, "physical")}, {"wage_income": round(income, 2)}))
    results = made.results
    assert results["household"]["dibao_eligible"] is False and results["household"]["marginal_family"] is True
    assert results["persons"]["single_person_dibao_amount"][0] > 0 and results["persons"]["single_person_dibao_amount"][1] == 0


@pytest.mark.parametrize(("month", "amount"), [(date(2022, 11, 1), 60), (date(2022, 12, 1), 75)])
def test_4_5_the_nursing_subsidy_is_60_and_from_december_2022_75(month, amount) -> None:
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, OTHER[:9])):
        made = assess(case({"disability": (2, "visual"), "wage_income": 60000}, area=OTHER), month)
        out = assess(case({"disability": (2, "visual"), "needs_long_care": 0, "wage_income": 60000}, area=OTHER), month)
    assert made.results["persons"]["disability_nursing_subsidy"] == [amount]
    assert "disability_nursing_subsidy" not in out.results["persons"]


def test_2_2_a_business_loss_counts_nothing_and_months_are_not_rounded(township) -> None:
    with scopes.acting(township):
        made = assess(case({"business_income": "-5000", "land_income": "300"}, {"wage_income": "1000.01"}))
    assert made.results["household"]["household_income"] == pytest.approx(1000.01 / 12, abs=1e-12)
    assert "business_income" not in made.facts["persons"] and "land_income" not in made.facts["persons"]


def test_2_1_the_same_facts_make_no_second_row_and_changed_ones_do(township) -> None:
    with scopes.acting(township):
        c = case({"wage_income": 1200})
        first = assess(c)
        assert assess(c, now=NOW + timedelta(days=2)).pk == first.pk
        fact(c.people[0], "wage_income", 2400, now=NOW + timedelta(hours=1))
        second = assess(c)
        assert second.pk != first.pk and second.results["household"]["household_income"] == 200.0
        fact(c.people[0], "wage_income", 1200, now=NOW + timedelta(hours=2))
        third = assess(c)
        assert third.pk not in (first.pk, second.pk) and third.digest == first.digest


def test_2_1_the_explanation_is_the_frozen_one_after_facts_and_settings_changed(township) -> None:
    from doudi.core.models import Setting

    with scopes.acting(township):
        c = case({"wage_income": 1200})
        made = assess(c)
        before = services.explanation(made, names=services.member_names(made)).as_dict()
        fact(c.people[0], "wage_income", 999999, now=NOW + timedelta(hours=1))
    one, other = officer(Duty.SUPERVISOR, "41"), officer(Duty.SUPERVISOR, "41")
    with scopes.acting(one):
        Setting.objects.create(
            area=COUNTY, parameter="dibao.standard.rural", starts=date(2022, 12, 1), value="1000", document="x", state="confirmed",
            proposed_by_id=one.account_id, proposed_at=NOW, decided_by_id=other.account_id, decided_at=NOW,
        )  # fmt: skip
    with scopes.acting(township):
        again = Assessment.objects.select_related("settings").get(pk=made.pk)
        assert json.dumps(services.explanation(again, names=services.member_names(again)).as_dict(), sort_keys=True) == json.dumps(
            before, sort_keys=True
        )
        renewed = assess(c)
        assert renewed.settings_id != made.settings_id and renewed.results["household"]["local_dibao_standard"] == 1000


def test_2_1_the_explanation_has_the_stored_results(township) -> None:
    with scopes.acting(township):
        made = assess(
            case({"disability": (1, "mental"), "transfer_income": "1000.10"}, {"wage_income": 9999.99, "works_away": 1}, rigid_expenditure=5160.12)
        )
        values = services.explanation(made).values
    for name, stored in made.results["household"].items():
        assert values[name][0] == stored, name
    for name, column in made.results["persons"].items():
        assert values[name] == column, name


def test_2_1_members_are_those_of_the_first_of_the_month(township) -> None:
    with scopes.acting(township):
        c = case({}, {"name": "已故"}, {"name": "分户"})
        c.people[1].died_on = date(2022, 11, 30)
        c.people[1].save(update_fields=["died_on"])
        Membership.objects.filter(person=c.people[2]).update(ends=date(2022, 12, 1))
        person(c.household, birth=date(2022, 12, 2))
        members = {m: len(assess(c, m).facts["person_ids"]) for m in (date(2022, 11, 1), date(2022, 12, 1), date(2023, 1, 1))}
        with pytest.raises(ValidationError, match="没有在册成员"):
            assess(c, date(2015, 1, 1))
    assert members == {date(2022, 11, 1): 3, date(2022, 12, 1): 1, date(2023, 1, 1): 2}


def test_2_1_a_fact_counts_from_its_day_and_the_one_before_until_then(township) -> None:
    with scopes.acting(township):
        c = case({})
        fact(c.people[0], "wage_income", 1200, starts=date(2022, 1, 1))
        fact(c.people[0], "wage_income", 2400, starts=date(2022, 12, 15), now=NOW + timedelta(seconds=1))
        fact(c.people[0], "wage_income", 3600, starts=date(2022, 12, 15), now=NOW + timedelta(seconds=2))
        later = NOW + timedelta(days=90)
        incomes = [assess(c, m, later).results["household"]["household_income"] for m in (date(2022, 11, 1), date(2022, 12, 1), date(2023, 1, 1))]
    assert incomes == [100.0, 300.0, 300.0]


def test_months_turn_at_leap_days_and_years() -> None:
    assert month_before(date(2024, 3, 1)) == date(2024, 2, 1) and month_after(date(2024, 2, 29)) == date(2024, 3, 1)
    assert month_before(date(2023, 1, 1)) == date(2022, 12, 1) and month_after(date(2022, 12, 31)) == date(2023, 1, 1)
    assert facts_day(date(2024, 2, 1), date(2024, 5, 1)) == date(2024, 2, 29) and facts_day(date(2024, 6, 1), date(2024, 5, 1)) == date(2024, 5, 1)


def test_2_2_bad_facts_are_named_not_counted_as_zero(township) -> None:
    with scopes.acting(township):
        c = case({"name": "李四", "wage_income": -12})
        with pytest.raises(ValidationError, match="李四“wage_income”不能为负"):
            assess(c)
        fine = case({"wage_income": 12})
        run = services.assess_all(area=TOWNSHIP, month=MONTH, now=NOW)
        assert run.summary["bad"] == 1 and run.summary["bad_facts"][0]["household"] == c.household.pk
        assert Assessment.objects.get().household_id == fine.household.pk


def test_2_1_a_run_says_the_same_as_one_by_one_and_keeps_only_who_gets_something(township) -> None:
    with scopes.acting(township):
        poor, rich = case({"wage_income": 1200}, {"disability": (1, "mental")}), case({"wage_income": 600000})
        lead = case({"wage_income": 500000})
        run = services.assess_all(area=TOWNSHIP, month=MONTH, now=NOW, also=[lead.household.pk])
        kept = {a.household_id: a for a in Assessment.objects.all()}
        assert set(kept) == {poor.household.pk, lead.household.pk} and (run.households, run.people) == (3, 4)
        assert run.summary["written"] == 2 and run.summary["programmes"]["dibao"]["people"] == 2
        single = assess(poor)
        assert single.pk == kept[poor.household.pk].pk  # the same digest: nothing new
        again = services.assess_all(area=TOWNSHIP, month=MONTH, now=NOW, also=[lead.household.pk])
        assert (again.summary["written"], again.summary["unchanged"]) == (0, 2)
        assert assess(rich).results["household"]["benefits_total"] == 0


def test_a_run_sees_its_own_area_only_and_needs_the_duty(township) -> None:
    far = officer(Duty.TOWNSHIP_OFFICER, "410724100")
    with scopes.acting(far):
        theirs = case({}, area=OTHER)
    with scopes.acting(township):
        case({})
        assert services.assess_all(area=TOWNSHIP, month=MONTH, now=NOW).households == 1
        with pytest.raises(ValidationError, match="管辖"):
            services.assess_all(area="410724100", month=MONTH, now=NOW)
        with pytest.raises(ValidationError, match="没有在册成员"):
            assess(theirs)
    with scopes.acting(officer(Duty.FINANCE_OFFICER, COUNTY)), pytest.raises(PermissionDenied):
        services.assess_all(area=COUNTY, month=MONTH, now=NOW)


def test_one_household_is_read_with_four_queries(township) -> None:
    with scopes.acting(township):
        c = case(*({"wage_income": 100} for _ in range(6)))
        settings = services.law_settings(MONTH)
        with CaptureQueriesContext(connection) as seen:
            facts = read_household(household_id=c.household.pk, month=MONTH, as_of=date(2022, 11, 25), settings=settings)
    assert len(facts.person_ids) == 6 and len(seen) <= 4  # the fourth: where exits are suspended


def test_reading_in_chunks_gives_what_reading_at_once_gives(township) -> None:
    from doudi.assessment.facts import area_chunks

    with scopes.acting(township):
        for last in ("201", "202", "203"):
            for wage in (10, 20):
                case({"wage_income": wage}, area=TOWNSHIP + last)
        ranges = list(area_chunks(TOWNSHIP, TOWNSHIP + ":", size=3))
        settings = services.law_settings(MONTH)
        parts = [read_area(low=low, high=high, month=MONTH, as_of=date(2022, 11, 25), settings=settings) for low, high in ranges]
    assert len(ranges) == 3 and sum(len(part.household_ids) for part in parts) == 6
    assert sum(float(part.persons["wage_income"].sum()) for part in parts) == pytest.approx(90 / 12)


def test_an_assessment_is_never_changed_or_deleted(township) -> None:
    from django.db import ProgrammingError, transaction

    with scopes.acting(township):
        made = assess(case({}))
        for attack in (
            lambda: Assessment.objects.filter(pk=made.pk).update(results={}),
            lambda: Assessment.objects.filter(pk=made.pk)._raw_delete("default"),
        ):
            with pytest.raises(ProgrammingError), transaction.atomic():
                attack()
