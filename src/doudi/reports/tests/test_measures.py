"""The eight measures: every clause of the notice stands on the page, with a live figure where it is built and a plain word where it is not."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import parse_qsl
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from doudi.core import duties, measures
from doudi.core import scope as scopes
from doudi.core.lists import rows_of
from doudi.core.models import Duty
from doudi.core.tests.officers import client_of, officer
from doudi.discovery.models import Lead
from doudi.discovery.services import raise_lead, record_visit
from doudi.discovery.services.visits import Result
from doudi.enrolment.models import Award
from doudi.payments.tests.world import award
from doudi.registry.models import FactKind
from doudi.registry.services.facts import NewFact, record_facts
from doudi.registry.tests.helpers import VILLAGE
from doudi.reports import clause_lists, queries

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


def test_every_clause_is_built_and_one_that_is_not_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_of(officer(Duty.SUPERVISOR, "41"))
    assert "尚未建设" not in client.get(reverse("reports:measures")).content.decode()
    monkeypatch.delitem(measures._served, "8.3")
    assert client.get(reverse("reports:measures")).content.decode().count("尚未建设") == 1


def test_links_lead_only_where_the_reader_may_go() -> None:
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, "410122001")):
        found = {each.number: each for _m, _t, clauses in queries.clauses() for each in clauses}
        assert found["1.5"].url and not found["4.3"].url


def _number(said: object) -> Decimal:
    """The number with which a figure begins: 1,234, or 2 of "2 / 5"."""
    return Decimal(str(said).split(" / ")[0].replace(",", ""))


def test_every_figure_and_the_list_that_it_opens_have_the_same_number() -> None:
    with scopes.acting(officer(Duty.COUNTY_APPROVER)):
        first = award(programme="dibao_single", area=VILLAGE)
        Award.objects.filter(pk=award(programme="dibao_single", area=VILLAGE).award.pk).update(suspended=True)
    with scopes.acting(officer(Duty.VISITOR, VILLAGE)):
        done = record_visit(uuid=uuid4(), household_id=first.household.pk, done_at=timezone.now(), now=timezone.now(), result=Result("self", "steady"))
        assert done.visit is not None
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9])):
        raise_lead(channel="team", source="team:1", area=VILLAGE, reason="生活困难", urgency="red", now=timezone.now())
        facts = [NewFact(kind=FactKind.WORKS_AWAY, starts=date(2022, 1, 1), source="document", person_id=person.pk, number=Decimal(1)) for person in first.people]
        record_facts(facts=facts, on=timezone.localdate(), now=timezone.now())
    with scopes.acting(officer(Duty.COUNTY_REVIEWER)):
        assert {clause for clause in measures.CLAUSES if (there := measures.served(clause)) and (there.given or there.rows)} == set(measures.CLAUSES)
        found = {}
        for clause in measures.CLAUSES:
            there = measures.served(clause)
            assert there is not None
            found[clause] = there.figure()[0]
            if there.given:
                assert _number(there.figure()[0]) == rows_of(there.url_name, parse_qsl(there.given)).order_by().count(), clause
            elif not there.part:
                assert _number(there.figure()[0]) == measures.added(clause_lists.rows_of(clause), there.value), clause
        assert (found["1.7"], found["2.2"], found["2.3"], found["2.4"], found["7.1"], found["7.3"]) == (1, 2, 1, 1, 1, "100%")


def test_the_list_behind_a_share_holds_what_stands_above_the_line() -> None:
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9])) as acting:
        for at, days in enumerate((0, 40)):
            then = timezone.now() - timedelta(days=days)
            lead = raise_lead(channel="hotline", source=f"call:{at}", area=VILLAGE, reason="生活困难", urgency="red", now=then)
            Lead.objects.filter(pk=lead.pk).update(contacted_at=timezone.now(), state="contacted")
    page = client_of(acting).get(reverse("reports:clause", args=["1.5"]))
    text = page.content.decode()
    assert "50.0%" in text and "计入分子" in text and page.context["page"].count == 1
    counted = client_of(acting).get(reverse("reports:measures")).content.decode()
    assert f'<a href="{reverse("reports:clause", args=["1.5"])}">50.0%' in counted


@pytest.mark.parametrize("clause", list(clause_lists.LISTS))
def test_each_list_of_a_clause_opens_for_who_may_and_for_nobody_else(clause: str) -> None:
    there = measures.served(clause)
    assert there is not None and there.rows_act is not None
    may = next(duty for duty in (Duty.SUPERVISOR, Duty.COUNTY_REVIEWER, Duty.TOWNSHIP_OFFICER) if duty in duties.MAY[there.rows_act])
    area = {Duty.SUPERVISOR: "41", Duty.TOWNSHIP_OFFICER: VILLAGE[:9]}.get(may, VILLAGE[:6])
    client = client_of(officer(may, area))
    page = client.get(reverse("reports:clause", args=[clause]))
    assert page.status_code == 200 and page.context["table"] is not None
    if clause != "2.6":  # everybody sees where an emergency is on
        other = next(duty for duty in Duty if duty not in duties.MAY[there.rows_act])
        assert client_of(officer(other, area)).get(reverse("reports:clause", args=[clause])).status_code == 403


def test_a_clause_whose_list_is_a_room_s_own_leads_there() -> None:
    client = client_of(officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9]))
    assert client.get(reverse("reports:clause", args=["8.1"])).headers["Location"] == reverse("volunteering:organisations") + "?state=active"
    assert client.get(reverse("reports:clause", args=["1.4"])).status_code == 403  # the hotline's calls are not the township's
    assert [client.get(f"/measures/{clause}/").status_code for clause in ("9.9", "%3Cscript%3E")] == [404, 404]
