"""The pages of assessments, as officers see them."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from doudi.assessment import chart, services
from doudi.assessment.models import Assessment
from doudi.assessment.tests.cases import MONTH, NOW, case
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import COUNTY, TOWNSHIP, client_of, officer

pytestmark = pytest.mark.django_db


@pytest.fixture
def township() -> scopes.Scope:
    return officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)


def made(scope: scopes.Scope, *members, month: date = MONTH, **facts) -> Assessment:
    with scopes.acting(scope):
        return services.assess(household=case(*members, **facts).household, month=month, trigger="officer", now=NOW)


def test_2_2_the_explanation_page_shows_ledger_refusals_chart_and_record(township) -> None:
    row = made(
        township,
        {"disability": (2, "physical"), "name": "郭建国"},
        {"wage_income": 30000, "works_away": 1, "name": "李秀英"},
        {"birth": date(2012, 1, 1)},
    )
    page = client_of(township).get(f"/assessments/{row.pk}/").content.decode()
    for text in (
        "测算说明",
        "计算过程",
        "务工成本扣减",
        "郭建国",
        "李秀英",
        "未享受的待遇及原因",
        "测算记录",
        "收入变化时的待遇",
        "申请人签字",
        "openfisca_henan",
    ):
        assert text in page, text
    assert 'class="chart"' in page and "<polyline" in page and "style=" not in page
    english = client_of(township)
    english.cookies["django_language"] = "en"
    assert "wages of 12 months" in english.get(f"/assessments/{row.pk}/").content.decode()


def test_2_2_a_household_whose_only_income_is_that_of_its_member_on_tekun_has_an_explanation(township) -> None:
    """That income counts for nobody else: there is nothing to raise in proportion, so the curve is that of a transfer to the other member."""
    row = made(township, {"transfer_income": 4000}, {"birth": date(2021, 1, 1)})
    row.facts["persons"] |= {"receives_tekun": [True, False], "was_on_tekun": [True, False]}
    row.results["household"] |= {"gross_household_income": 0, "household_income": 0}
    found = chart.curve(row.facts, "2022-12", services.settings_of(row.settings), row.results)
    assert found is not None and len(found.incomes) > 100 and found.incomes[0] == 0 and max(found.benefits) > min(found.benefits)


@pytest.mark.parametrize(
    "members",
    [({},), ({"wage_income": 500},), ({"transfer_income": 99999999},), ({"disability": (1, "mental")}, {"orphan": 1, "birth": date(2015, 1, 1)})],
)
def test_the_page_stands_for_every_kind_of_household(township, members) -> None:
    row = made(township, *members)
    assert client_of(township).get(f"/assessments/{row.pk}/").status_code == 200


def test_before_its_first_standard_a_benefit_is_explained_not_an_error(township) -> None:
    row = made(township, {"starts": date(2012, 1, 1)}, month=date(2013, 2, 1))
    assert client_of(township).get(f"/assessments/{row.pk}/").status_code == 200


def test_2_1_compare_with_the_month_before(township) -> None:
    row = made(township, {"disability": (1, "visual")})
    client = client_of(township)
    assert client.get(f"/assessments/{row.pk}/compare/").status_code == 302
    with scopes.acting(township):
        services.assess(household=row.household, month=date(2022, 11, 1), trigger="review", now=NOW)
    page = client.get(f"/assessments/{row.pk}/compare/").content.decode()
    assert "2022-11" in page and "2022-12" in page


def test_running_from_the_page_twice_makes_one_assessment(township) -> None:
    with scopes.acting(township):
        household = case({}).household
    client = client_of(township)
    url = f"/assessments/household/{household.pk}/"
    assert client.get(url).status_code == 200
    for _time in range(2):
        answer = client.post(url, {"month": "2022-12", "trigger": "officer"})
        assert answer.status_code == 302 and answer.url.startswith("/assessments/")
    with scopes.acting(township):
        assert Assessment.objects.count() == 1
    for month in ("1999-01", "2999-01", "2022-13", "x"):
        assert client.post(url, {"month": month, "trigger": "officer"}).status_code == 422
    assert client.post(url, {"month": "2022-12", "trigger": "monitoring"}).status_code == 422


def test_wrong_area_is_not_found_anywhere(township) -> None:
    row = made(township, {})
    far = client_of(officer(Duty.TOWNSHIP_OFFICER, "410724100"))
    for url in (f"/assessments/{row.pk}/", f"/assessments/{row.pk}/compare/", f"/assessments/household/{row.household_id}/"):
        assert far.get(url).status_code == 404
    assert far.post(f"/assessments/household/{row.household_id}/", {"month": "2022-12", "trigger": "officer"}).status_code == 404
    page = far.get("/assessments/").content.decode()
    assert "王建国" not in page
    assert "王建国" not in far.get("/assessments/?export=csv").getvalue().decode()
    assert client_of(officer(Duty.FINANCE_OFFICER, COUNTY)).get(f"/assessments/{row.pk}/").status_code == 403


def test_the_list_and_the_household_page_have_bounded_queries(township) -> None:
    client = client_of(township)
    counts = []
    for _round in range(2):
        for _i in range(4):
            row = made(township, {})
        seen = []
        for url in ("/assessments/", "/assessments/?name=王&month=2022-12", f"/households/{row.household_id}/", f"/assessments/{row.pk}/"):
            with CaptureQueriesContext(connection) as queries:
                answer = client.get(url)
            assert answer.status_code == 200, url
            seen.append(len(queries))
        counts.append(seen)
    assert counts[0][0] == counts[1][0] and max(counts[1]) < 48, counts
    assert "测算待遇" in answer.content.decode() or "待遇测算" in client.get(f"/households/{row.household_id}/").content.decode()
