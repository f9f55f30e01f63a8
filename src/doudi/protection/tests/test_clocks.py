"""What the day brings to cases (5.1, 5.4), and visits that are walked once for household and case."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.tests.officers import client_of, officer
from doudi.discovery.models.visits import Visit
from doudi.discovery.services.visits import Result, record_visit
from doudi.protection import services
from doudi.protection.models import CaseContact, ProtectionCase
from doudi.protection.services import Minor, Ran
from doudi.protection.services.base import contact_due
from doudi.protection.services.clocks import _born_before
from doudi.protection.tests.world import CHILD, NOW, VILLAGE, Office
from doudi.registry.models import Membership
from doudi.registry.tests.helpers import household, id_number

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def ran(now: Any) -> Ran:
    with scopes.acting(scopes.Scope(area="410122", duty="worker", acts=frozenset({"protection.clocks"}))):
        return services.run_clocks(area="410122", on=timezone.localdate(now), now=now)


def open_(kind: str) -> list[str]:
    with scopes.acting(scopes.Scope(area="41", duty="worker")):
        return sorted(Todo.objects.filter(kind=kind, done_at__isnull=True).values_list("duty", flat=True))


def test_5_4_a_response_time_that_was_missed_goes_up_once_and_ends_with_the_contact() -> None:
    office = Office()
    row = office.taken()
    assert ran(NOW + timedelta(hours=1)).escalated == 0
    assert ran(NOW + timedelta(hours=3)).escalated == 2 and ran(NOW + timedelta(hours=4)).escalated == 0
    assert open_("protection_late") == ["child_supervisor", "county_approver"]
    assert ran(NOW + 2 * DAY).escalated == 1 and "supervisor" in open_("protection_late")  # a red case unseen for a day: the city
    with scopes.acting(office.worker):
        services.record_contact(case_id=row.pk, uuid=uuid4(), how="home", met="alone", safe="safe", note="平稳", done_at=NOW + 2 * DAY, now=NOW + 2 * DAY)
    assert ran(NOW + 2 * DAY).escalated == 0
    with pytest.raises(PermissionDenied), scopes.acting(office.worker):
        services.run_clocks(area="410122", on=NOW.date(), now=NOW)


def test_5_1_contacts_and_assessments_owed_are_told_to_who_works_on_the_case_alone() -> None:
    office = Office()
    row = office.taken()
    with scopes.acting(office.worker):
        services.record_contact(case_id=row.pk, uuid=uuid4(), how="home", met="alone", safe="safe", note="平稳", done_at=NOW, now=NOW)
        assert not Todo.objects.filter(kind="protection_contact", done_at__isnull=True).exists()
    ran(NOW + 2 * DAY)
    with scopes.acting(office.worker):
        assert set(Todo.objects.filter(kind="protection_contact", done_at__isnull=True).values_list("posting_id", flat=True)) == {office.worker.posting_id}
    ran(NOW + 6 * DAY)
    assert open_("protection_contact_late") == open_("protection_assess_late") == ["child_supervisor", "county_approver"]


@pytest.mark.parametrize(("on", "born"), [(date(2022, 11, 24), date(2004, 11, 24)), (date(2024, 2, 29), date(2006, 2, 28)), (date(2022, 2, 28), date(2004, 2, 28))])
def test_5_1_who_comes_of_age_by_a_day(on: date, born: date) -> None:
    assert _born_before(on) == born  # who was born on 29 February 2004 is 18 on 1 March 2022, not on 28 February


def test_5_1_the_case_of_who_comes_of_age_within_a_month_is_told() -> None:
    office = Office()
    office.taken(minor=Minor(name="赵㛃", birth_date=date(2004, 12, 10)))
    assert ran(NOW).grown == 1 and ran(NOW).grown == 0 and open_("protection_adult") == ["protection_worker"]


def test_5_1_response_times_are_those_of_the_place() -> None:
    with scopes.acting(scopes.Scope(area="410122")):
        assert [contact_due(urgency=each, area=VILLAGE, now=NOW) - NOW for each in ("red", "orange", "yellow")] == [timedelta(hours=n) for n in (2, 24, 72)]


def test_5_1_a_household_visit_and_a_contact_are_walked_once() -> None:
    office = Office()
    home = household(
        officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9]), area=VILLAGE, members=[{"name": "郭小阳", "id_number": id_number(date(2012, 5, 1)), "relationship": "20"}]
    )
    with scopes.acting(office.visitor):
        child = Membership.objects.filter(household=home).exclude(person__name=home.name).values_list("person_id", flat=True)[0]
        made = record_visit(uuid=uuid4(), household_id=home.pk, done_at=NOW, result=Result(met="family", living="hard"), now=NOW).visit
    row = office.taken(minor=Minor(person=child))
    with scopes.acting(office.worker):
        row = services.add_helper(case_id=row.pk, version=row.version, account_id=office.director.account_id, reason="就近走访", now=NOW)
        given: dict[str, Any] = {"case_id": row.pk, "how": "home", "met": "alone", "safe": "safe", "note": "身上有冻疮", "now": NOW + 2 * DAY}
        linked = services.record_contact(**given, uuid=uuid4(), visit_id=made.pk, done_at=NOW + DAY)
        assert (linked.visit_id, linked.done_at) == (made.pk, NOW)
        for wrong in (made.pk, 999999):  # counted already; none of this household
            with pytest.raises(ValidationError, match="没有这次入户走访"):
                services.record_contact(**given, uuid=uuid4(), visit_id=wrong, done_at=NOW)
        with pytest.raises(PermissionDenied):  # a protection worker records no household visits
            services.record_contact(**given, uuid=uuid4(), living="steady", done_at=NOW + DAY)
    with scopes.acting(office.director):
        with pytest.raises(ValidationError, match="只有入户回访"):
            services.record_contact(**given | {"how": "phone"}, uuid=uuid4(), living="steady", done_at=NOW + DAY)
        both = services.record_contact(**given, uuid=uuid4(), living="steady", done_at=NOW + DAY)
        visit = Visit.objects.get(pk=both.visit_id or 0)
        assert (visit.household_id, visit.state) == (home.pk, "done") and "冻疮" not in (visit.note or "")
        assert CaseContact.objects.filter(case=row, state="done").count() == 2


def test_5_2_a_case_is_opened_from_a_visit_for_a_minor_of_that_household() -> None:
    office = Office()
    home = household(
        officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9]), area=VILLAGE, members=[{"name": "郭小阳", "id_number": id_number(date(2012, 5, 1)), "relationship": "20"}]
    )
    with scopes.acting(office.visitor):
        visit = record_visit(uuid=uuid4(), household_id=home.pk, done_at=NOW, result=Result(met="family", living="hard", note="父亲住院，孩子独自在家"), now=NOW).visit
        child = Membership.objects.filter(household=home).exclude(person__name=home.name).values_list("person_id", flat=True)[0]
    client, url = client_of(office.director), f"/protection/cases/new/?visit={visit.pk}"
    said = client.get(url).content.decode()
    assert "郭小阳" in said and "父亲住院，孩子独自在家" in said and home.name + "（" not in said
    sent = {"uuid": str(uuid4()), "person": str(child), "category": "gap", "urgency": "red", "reported": "父亲住院，孩子独自在家"}
    assert client.post(url, sent).status_code == 302
    with scopes.acting(office.worker):
        row = ProtectionCase.objects.get()
        assert (row.source, row.source_id, row.person_id, row.household_id, row.area) == ("visit", visit.pk, child, home.pk, VILLAGE)
    assert client.get(f"/discovery/visits/{visit.pk}/").status_code in (200, 404) and CHILD.name == row.name


def test_5_4_a_case_opened_for_a_township_is_placed_in_its_village_with_everything() -> None:
    office = Office()
    row = services.receive_report(
        uuid=uuid4(), area=VILLAGE[:9], now=NOW,
        told=services.Told("school", "镇小学", "镇小学", "学生独自生活", "guardian"),
    )  # fmt: skip
    with scopes.acting(office.worker):
        case = services.take(case_id=ProtectionCase.objects.get().pk, version=1, now=NOW)
        for wrong in (VILLAGE[:9], "410122001001" if VILLAGE != "410122001001" else "410122", "4101", "x"):
            with pytest.raises(ValidationError):
                services.place(case_id=case.pk, version=case.version, area=wrong, now=NOW)
        placed = services.place(case_id=case.pk, version=case.version, area=VILLAGE, now=NOW)
        assert {placed.area, *placed.events.values_list("area", flat=True), *placed.reports.values_list("area", flat=True)} == {VILLAGE}
        assert set(placed.assignments.values_list("area", flat=True)) | set(placed.contacts.values_list("area", flat=True)) == {VILLAGE} and row
        assert office.director.account_id in dict(services.able(placed, NOW, responsible=False))
