"""Links of the eight measures page: each duty that sees the page finds there only what it may open."""

from __future__ import annotations

import pytest
from django.urls import resolve

from doudi.core import duties, measures
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.reports import clause_lists

pytestmark = pytest.mark.django_db
PLACES = {Duty.SUPERVISOR: "41", Duty.TOWNSHIP_OFFICER: "410122101", Duty.CHILD_SUPERVISOR: "410122101"}


def act_of(url: str) -> str:
    """The act that the view behind an address asks for first."""
    view = resolve(url.split("?")[0]).func
    return getattr(view, "act", "") or view.view_class.act  # type: ignore[attr-defined]


@pytest.mark.parametrize("duty", sorted(duties.MAY["reports.view"]))
def test_every_link_of_all_38_clauses_opens_for_who_sees_it(duty: str) -> None:
    lists = 0
    with scopes.acting(scopes.Scope(area=PLACES.get(Duty(duty), "410122"), duty=duty, account_id=1)):
        for clause in measures.CLAUSES:
            there = measures.served(clause)
            assert there is not None
            assert there.act == act_of(there.url), clause  # the page is linked for who may `act`, and asks for no other
            found = clause_lists.url_of(clause)
            if found.startswith("/measures/"):
                assert there.rows_act and duties.may(there.rows_act) and clause in clause_lists.LISTS, clause
            elif found:
                assert duties.may(act_of(found)), clause
            lists += bool(found)
    assert lists
