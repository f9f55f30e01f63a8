"""The eight measures: every clause of the notice stands on the page, with a live figure where it is built and a plain word where it is not."""

from __future__ import annotations

import pytest
from django.urls import reverse

from doudi.core import measures
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import client_of, officer
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
