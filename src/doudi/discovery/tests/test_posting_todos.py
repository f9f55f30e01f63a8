"""1.5, 1.7: a lead or visit given to somebody is that one's to-do; colleagues of the village see it only where they ask for all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from doudi.core import scope as scopes
from doudi.core.models import Duty, Posting, Todo
from doudi.core.services.todos import open_todos
from doudi.core.tests.officers import client_of, officer
from doudi.discovery.models import Visit
from doudi.discovery.services import advance_lead, ask_visit, assign_lead, assign_visits, cancel_visit, raise_lead, record_visit
from doudi.discovery.services.visits import Result
from doudi.discovery.tests.conftest import NOW, ON
from doudi.registry.models import Household
from doudi.registry.tests import helpers

pytestmark = pytest.mark.django_db
VILLAGE = helpers.VILLAGE


@pytest.fixture
def town(db: None) -> scopes.Scope:
    return officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9])


@pytest.fixture
def pair(town: scopes.Scope) -> tuple[scopes.Scope, scopes.Scope]:
    return officer(Duty.VISITOR, VILLAGE, name="杨建国"), officer(Duty.VISITOR, VILLAGE, name="赵小梅")


def mine(scope: scopes.Scope) -> list[str]:
    with scopes.acting(scope):
        return [todo.kind for todo in open_todos(duty=scope.duty, posting_id=scope.posting_id, on=ON)]


def lead(town: scopes.Scope, source: str = "call:1") -> Any:
    with scopes.acting(town):
        return raise_lead(channel="hotline", source=source, area=VILLAGE, reason="生活困难", urgency="red", now=NOW)


def give(town: scopes.Scope, pk: int, to: scopes.Scope | None) -> None:
    with scopes.acting(town):
        assign_lead(lead_id=pk, version=None, posting_id=to.posting_id if to else None, note="", now=NOW)


def test_1_5_a_lead_is_the_to_do_of_the_visitor_who_has_it(town: scopes.Scope, pair: Any) -> None:
    found = [lead(town, f"call:{number}") for number in range(2)]
    with scopes.acting(town):
        assert {todo.posting_id for todo in Todo.objects.filter(done_at=None)} == {scope.posting_id for scope in pair}  # turns
    assert mine(pair[0]) == mine(pair[1]) == ["lead"]
    theirs = next(each for each in found if each.posting_id == pair[1].posting_id)
    give(town, theirs.pk, pair[0])
    assert (mine(pair[0]), mine(pair[1])) == (["lead", "lead"], [])
    with scopes.acting(pair[0]):
        advance_lead(lead_id=theirs.pk, version=None, after="contacted", note="", now=NOW)
        assert Todo.objects.get(subject_id=theirs.pk, done_at=None).posting_id == pair[0].posting_id
    give(town, theirs.pk, None)
    with scopes.acting(town):
        back = Todo.objects.get(subject_id=theirs.pk, done_at=None)
        assert (back.duty, back.posting_id) == (Duty.TOWNSHIP_OFFICER, None)


def test_1_5_the_page_the_badge_and_the_desk_show_ones_own_and_all_on_demand(town: scopes.Scope, pair: Any) -> None:
    found = lead(town)
    give(town, found.pk, next(scope for scope in pair if scope.posting_id != found.posting_id))
    holder = next(scope for scope in pair if scope.posting_id != found.posting_id)
    other = next(scope for scope in pair if scope is not holder)
    for scope, shown in ((holder, True), (other, False)):
        client: Client = client_of(scope)
        assert (found.number in client.get("/todos/").content.decode()) is shown
        assert (f"救助线索 {found.number}" in client.get("/").content.decode()) is shown
        everything = client.get("/todos/?all=1").content.decode()
        assert found.number in everything and ("赵小梅" in everything or "杨建国" in everything)


def test_1_5_what_somebody_who_left_still_had_is_everybodys_until_it_is_given_on(town: scopes.Scope, pair: Any) -> None:
    found = lead(town)
    holder = next(scope for scope in pair if scope.posting_id == found.posting_id)
    other = next(scope for scope in pair if scope is not holder)
    assert mine(other) == []
    with scopes.acting(scopes.Scope(area="41")):
        Posting.objects.filter(pk=holder.posting_id).update(ends=ON)
    assert mine(other) == ["lead"]


def test_1_7_visits_are_one_to_do_of_whoever_makes_them(town: scopes.Scope, pair: Any) -> None:
    homes = [helpers.household(town, name=f"王建{sign}") for sign in "国军民"]
    with scopes.acting(town):
        visits = [ask_visit(household_id=home.pk, due=ON + timedelta(days=day), reason="降温探望", now=NOW) for day, home in enumerate(homes)]
        assert assign_visits(visit_ids=[visit.pk for visit in visits], posting_id=pair[0].posting_id, now=NOW)
    assert (mine(pair[0]), mine(pair[1])) == (["visit.due"], [])
    with scopes.acting(pair[0]):
        todo = Todo.objects.get(kind="visit.due", done_at=None)
        assert (todo.title, todo.due, todo.url) == ("入户走访：待走访 3 户", ON, "/visits/today/")
        record_visit(uuid=uuid4(), visit_id=visits[0].pk, done_at=NOW, result=Result("self", "steady"), now=NOW)
        todo.refresh_from_db()
        assert (todo.title, todo.due) == ("入户走访：待走访 2 户", ON + timedelta(days=1))
    with scopes.acting(town):
        cancel_visit(visit_id=visits[1].pk, version=1, reason="住院", now=NOW)
        assign_visits(visit_ids=[visits[2].pk], posting_id=pair[1].posting_id, now=NOW)
    assert (mine(pair[0]), mine(pair[1])) == ([], ["visit.due"])
    with scopes.acting(pair[1]):
        record_visit(uuid=uuid4(), visit_id=visits[2].pk, done_at=NOW, result=Result("self", "steady"), now=NOW)
        assert not Visit.objects.filter(state="due").exists() and Household.objects.count() == 3
    assert mine(pair[1]) == []


def test_1_7_bringing_to_dos_up_to_date_takes_two_statements_however_many(town: scopes.Scope, pair: Any, django_assert_num_queries: Any) -> None:
    from doudi.discovery.services.visit_todos import tell_visits

    for sign in "国军民":
        home = helpers.household(town, name=f"王建{sign}")
        with scopes.acting(town):
            ask_visit(household_id=home.pk, due=ON, reason="降温探望", now=NOW)
    with scopes.acting(town):
        Todo.objects.update(done_at=NOW)
        with django_assert_num_queries(2):
            tell_visits(place=VILLAGE[:9], now=NOW)
        counts = [int(todo.title.split()[1]) for todo in Todo.objects.filter(kind="visit.due", done_at=None)]
        assert sum(counts) == 3
        tell_visits(place=VILLAGE[:9], now=NOW)
        assert Todo.objects.filter(kind="visit.due", done_at=None).count() == len(counts)
