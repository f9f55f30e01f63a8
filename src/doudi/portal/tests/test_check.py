"""The self-check (救助自测, 1.3): a household's few facts, the law's own answer with its lines, nothing kept."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from doudi.batch import law
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.settings import confirm_setting, propose_setting
from doudi.core.settings_overlay import overlay
from doudi.core.tests.officers import officer
from doudi.portal import facts
from doudi.portal.facts import HouseholdFacts, MemberFacts
from doudi.portal.tests.world import COUNTY, NOW

pytestmark = pytest.mark.django_db
URL = f"/portal/check/?place={COUNTY}&residence=rural&size=3"
GIVEN = {
    "m0-born": "1957-03", "m1-born": "198001", "m1-wage": "2210", "m1-works_away": "on", "m2-born": "1982年1月", "m2-disability_kind": "physical",
    "m2-disability_grade": "2", "h-rigid": "5000", "h-dwellings": "1",
}  # fmt: skip
TOLD = HouseholdFacts(
    COUNTY, "rural", (MemberFacts("1957-03-01"), MemberFacts("1980-01-01", wage=2210, works_away=True), MemberFacts("1982-01-01", disability_kind="physical", disability_grade=2)),
    rigid=5000,
)  # fmt: skip


@pytest.fixture(autouse=True)
def november() -> object:
    with time_machine.travel(NOW, tick=False):
        yield


def test_1_3_the_self_check_runs_the_law_and_explains_line_by_line(visitor: Client) -> None:
    page = visitor.post(URL, GIVEN)
    html = page.content.decode()
    assert page.status_code == 200 and "no-store" in page["Cache-Control"]
    persons, household = facts.columns(TOLD)
    explained = law.explain(persons, household, "2022-12", overlay(date(2022, 12, 1)), facts.names(3))
    assert explained.benefits, "the example is entitled to something"
    for benefit in explained.benefits:
        assert benefit.label in html and f"{benefit.amount:,.2f}" in html
    for section in explained.sections:
        for line in section.lines:
            assert line.formula in html and line.reference in html
    assert "不是决定" in html


def test_1_3_nothing_of_a_self_check_is_kept(visitor: Client) -> None:
    def rows() -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute("select relname, n_tup_ins from pg_stat_xact_user_tables where n_tup_ins > 0")
            return dict(cursor.fetchall())

    visitor.post(URL, GIVEN | {"edit": "1"})
    before = rows()
    visitor.post(URL, GIVEN)
    assert rows() == before and "sessionid" not in visitor.cookies


def test_1_3_the_standard_of_the_visitors_county_counts(visitor: Client) -> None:
    before = visitor.post(URL, GIVEN).content.decode()
    with scopes.acting(officer(Duty.COUNTY_REVIEWER)):
        row = propose_setting(parameter="dibao.standard.rural", area=COUNTY, starts=date(2022, 12, 1), value="900", document="牟民〔2022〕9号", now=NOW)
    with scopes.acting(officer(Duty.COUNTY_APPROVER)):
        confirm_setting(setting_id=row.pk, now=NOW)
    after = visitor.post(URL, GIVEN).content.decode()
    assert "900.00 × 3 人" in after and "900.00 × 3 人" not in before
    assert "牟民〔2022〕9号" not in visitor.get(f"/portal/policies/dibao/?county={COUNTY}").content.decode(), "it begins in December"
    with time_machine.travel("2022-12-02 09:00+08:00", tick=False):
        page = visitor.get(f"/portal/policies/dibao/?county={COUNTY}").content.decode()
    assert "900.00" in page and "牟民〔2022〕9号" in page and "2022-12-01" in page


def test_1_3_answers_go_back_to_the_questions_and_on_to_the_application(visitor: Client) -> None:
    html = visitor.post(URL, GIVEN).content.decode()
    again = visitor.post(URL, GIVEN | {"edit": "1"}).content.decode()
    assert 'value="2210"' in again and 'value="1957-03"' in again
    sealed = re.search(r'name="facts" value="([^"]+)"', html)
    assert sealed and facts.opened(sealed[1]) == TOLD
    form = visitor.post(f"/portal/apply/?place={COUNTY}", {"from_check": "1", "facts": sealed[1]}).content.decode()
    assert re.search(r'value="dibao"[^>]*checked', form) and re.search(r'value="rural"[^>]*checked', form)
    tampered = visitor.post(f"/portal/apply/?place={COUNTY}", {"from_check": "1", "facts": sealed[1][:-3] + "abc"})
    assert tampered.status_code == 200 and "checked" not in re.sub(r"[\s\S]*programmes", "", tampered.content.decode())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"m0-born": ""}, "err"), ({"m0-born": "1957-13"}, "1957-03"), ({"m0-born": "1850-01"}, "年份太早"), ({"m1-wage": "-5"}, "err"),
        ({"m1-wage": "nan"}, "err"), ({"m1-wage": "1e99"}, "err"), ({"m2-disability_grade": "0"}, "残疾类别和等级"), ({"h-vehicles": "1000"}, "err"),
        ({"m0-born": "2023-05"}, "晚于测算月份"), ({"h-support": "x"}, "err"),
    ],
)  # fmt: skip
def test_1_3_what_cannot_stand_is_said_at_its_question(visitor: Client, changes: dict[str, Any], said: str) -> None:
    page = visitor.post(URL, GIVEN | changes)
    assert page.status_code == 422 and said in page.content.decode()


@pytest.mark.parametrize(
    "query",
    ["place=410122&residence=rural&size=99", "place=x&residence=rural&size=2", "place=410122&residence=moon&size=1", "size=1", "place=41&residence=urban&size=1"],
)
def test_1_3_an_address_that_makes_no_sense_asks_again(visitor: Client, query: str) -> None:
    page = visitor.get(f"/portal/check/?{query}")
    assert page.status_code in (200, 422) and 'name="residence"' in page.content.decode()


def test_1_3_a_self_check_makes_few_queries_and_is_counted(visitor: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    visitor.post(URL, GIVEN)
    with django_assert_max_num_queries(8):
        visitor.post(URL, GIVEN)


@pytest.mark.parametrize("month", ["2004-02-29", "1960-12-31"])
def test_1_3_leap_days_and_year_ends(month: str) -> None:
    told = HouseholdFacts(COUNTY, "urban", (MemberFacts(month),))
    assert facts.answer(told, month=date(2023, 1, 1)).limit > 0
