"""The eight measures: every clause of the notice stands on the page, with a live figure where it is built and a plain word where it is not."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from django.urls import reverse

from doudi.core import measures
from doudi.core import scope as scopes
from doudi.core.lists import rows_of
from doudi.core.models import Duty
from doudi.core.tests.officers import client_of, officer
from doudi.enrolment.models import Award
from doudi.payments.tests.world import award
from doudi.reports import queries

pytestmark = pytest.mark.django_db


def test_all_38_clauses_stand_there_in_order() -> None:
    assert len(measures.CLAUSES) == 38 and list(measures.CLAUSES) == sorted(measures.CLAUSES)
    with scopes.acting(officer(Duty.SUPERVISOR, "41")):
        found = [clause.number for _measure, _title, clauses in queries.clauses() for clause in clauses]
    assert found == list(measures.CLAUSES)


@pytest.mark.parametrize("clause", ["1.1", "1.2", "1.5", "2.2", "2.3", "2.4", "4.1", "4.3", "4.5"])
def test_a_clause_that_is_built_has_a_figure_and_a_page(clause: str) -> None:
    with scopes.acting(officer(Duty.COUNTY_REVIEWER)):
        found = {each.number: each for _m, _t, clauses in queries.clauses() for each in clauses}[clause]
        assert found.value is not None and found.unit and found.url


def test_a_clause_that_is_not_built_says_so() -> None:
    page = client_of(officer(Duty.SUPERVISOR, "41")).get(reverse("reports:measures")).content.decode()
    assert page.count("尚未建设") >= 38 - len([c for c in measures.CLAUSES if measures.served(c)])


def test_links_lead_only_where_the_reader_may_go() -> None:
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, "410122001")):
        found = {each.number: each for _m, _t, clauses in queries.clauses() for each in clauses}
        assert found["1.5"].url and not found["4.3"].url


def test_a_figure_and_the_list_that_it_opens_have_the_same_number() -> None:
    with scopes.acting(officer(Duty.COUNTY_APPROVER)):
        award(programme="dibao_single")
        Award.objects.filter(pk=award(programme="dibao_single").award.pk).update(suspended=True)
    with scopes.acting(officer(Duty.COUNTY_REVIEWER)):
        served = {clause: there for clause in measures.CLAUSES if (there := measures.served(clause)) and there.given}
        assert {"1.1", "1.4", "2.1", "2.3", "2.5", "3.1", "3.2", "3.4", "4.5", "5.3", "5.4", "6.2", "6.3", "8.1"} <= set(served)
        counted = {clause: (int(str(there.figure()[0])), rows_of(there.url_name, parse_qsl(there.given)).order_by().count()) for clause, there in served.items()}
    assert counted["2.3"] == (1, 1) and all(number == listed for number, listed in counted.values()), counted
