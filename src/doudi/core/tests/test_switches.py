"""Measures switched within an emergency (2.6 and others): two officers, only while and where the emergency holds, history kept."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction

from doudi.core import emergencies
from doudi.core import scope as scopes
from doudi.core.models import Duty, Emergency, EmergencySwitch, Todo
from doudi.core.services import emergencies as declaring
from doudi.core.services import switches as service
from doudi.core.tests.officers import COUNTY, TOWNSHIP, client_of, officer
from doudi.core.tests.test_emergencies import NOW, ON, VILLAGE, confirm, declare, running  # noqa: F401

pytestmark = pytest.mark.django_db
MEASURE = "exit_suspension"


def propose(scope: scopes.Scope, row: Emergency, *, what: str = "on", starts: date = ON, now: datetime = NOW) -> EmergencySwitch:
    with scopes.acting(scope):
        return service.propose_switch(emergency_id=row.pk, measure=MEASURE, what=what, starts=starts, document="牟民〔2022〕51号", now=now)


def decide(scope: scopes.Scope, row: EmergencySwitch, state: str = "confirmed", note: str = "", now: datetime = NOW) -> EmergencySwitch:
    with scopes.acting(scope):
        return service.decide_switch(switch_id=row.pk, state=state, note=note, now=now)


def on(area: str, day: date) -> bool:
    with scopes.acting(scopes.Scope(area=area)):
        return emergencies.switched(MEASURE, area, day)


@pytest.fixture
def switched(running, reviewer, approver) -> EmergencySwitch:  # noqa: F811
    return decide(approver, propose(reviewer, running))


def test_2_6_a_measure_counts_only_confirmed_and_only_while_and_where_the_emergency_holds(running, reviewer, approver) -> None:  # noqa: F811
    row = propose(reviewer, running, starts=date(2022, 12, 5))
    assert not on(VILLAGE, date(2022, 12, 10)), "not confirmed yet"
    decide(approver, row)
    for area in (COUNTY, TOWNSHIP, VILLAGE):
        assert on(area, date(2022, 12, 5)) and on(area, date(2022, 12, 31))
        assert not on(area, date(2022, 12, 4)) and not on(area, date(2023, 1, 1)), "the emergency's last day is its last"
    assert not on("410103", date(2022, 12, 10))
    with scopes.acting(approver):
        assert Todo.objects.filter(subject="emergency_switch").count() == 1 and not Todo.objects.filter(subject="emergency_switch", done_at=None).exists()


def test_2_6_nobody_confirms_their_own_and_the_second_of_two_is_told(running, reviewer, approver) -> None:  # noqa: F811
    row = propose(reviewer, running)
    with pytest.raises(PermissionDenied):
        decide(reviewer, row)
    decide(approver, row)
    with pytest.raises(ValidationError, match="他人办理"):
        decide(officer(Duty.COUNTY_APPROVER, COUNTY), row, "refused", "晚了")
    with pytest.raises(ValidationError, match="已经启用"):
        propose(reviewer, running)


def test_2_6_switched_off_before_its_end(switched, running, reviewer, approver) -> None:  # noqa: F811
    with pytest.raises(ValidationError) as error:
        propose(reviewer, running, what="off", starts=ON)
    assert "starts" in error.value.message_dict
    later = NOW + timedelta(days=9)
    decide(approver, propose(reviewer, running, what="off", starts=date(2022, 12, 20), now=later), now=later)
    assert on(VILLAGE, date(2022, 12, 19)) and not on(VILLAGE, date(2022, 12, 20))
    again = decide(approver, propose(reviewer, running, starts=date(2022, 12, 25), now=later), now=later)
    assert on(VILLAGE, date(2022, 12, 26)) and again.pk != switched.pk


def test_2_6_an_emergency_lifted_early_ends_the_measure(switched, running, reviewer, approver) -> None:  # noqa: F811
    with scopes.acting(reviewer):
        declaring.lift_emergency(emergency_id=running.pk, ends=date(2022, 12, 10), document="牟政文〔2022〕44号", now=NOW)
    confirm(approver, running)
    assert on(VILLAGE, date(2022, 12, 9)) and not on(VILLAGE, date(2022, 12, 10))


def test_2_6_sent_back_with_a_reason_and_withdrawn_by_the_proposer_alone(running, reviewer, approver) -> None:  # noqa: F811
    row = propose(reviewer, running)
    with pytest.raises(ValidationError, match="原因"):
        decide(approver, row, "refused")
    with pytest.raises(ValidationError, match="已有一项变更"):
        propose(reviewer, running)
    decide(approver, row, "refused", "文号不符")
    second = propose(reviewer, running)
    with pytest.raises(ValidationError, match="只有提出人"):
        decide(officer(Duty.COUNTY_REVIEWER, COUNTY), second, "withdrawn", "x")
    assert decide(reviewer, second, "withdrawn", "重报").state == "withdrawn"
    assert not on(VILLAGE, ON)


def test_2_6_only_the_place_that_declared_it_switches(running, switched) -> None:  # noqa: F811
    for scope in (officer(Duty.COUNTY_REVIEWER, "410103"), officer(Duty.SUPERVISOR, "4101")):
        with scopes.acting(scope), pytest.raises(Emergency.DoesNotExist):
            service.propose_switch(emergency_id=running.pk, measure=MEASURE, what="off", starts=ON, document="x", now=NOW)
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)), pytest.raises(PermissionDenied):
        service.propose_switch(emergency_id=running.pk, measure=MEASURE, what="off", starts=ON, document="x", now=NOW)


def test_guards_hold_against_who_goes_round_the_services(switched, reviewer) -> None:
    for change in ("state = 'withdrawn'", "decided_by_id = proposed_by_id", "ends = '2022-12-02', state = 'refused'"):
        with scopes.acting(reviewer), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"update core_emergencyswitch set {change} where id = %s", [switched.pk])
    with scopes.acting(reviewer), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("update core_emergencyswitch set document = 'x' where id = %s", [switched.pk])


def test_2_6_pages_from_switching_on_to_what_is_on_where(running, reviewer, approver) -> None:  # noqa: F811
    mine, theirs = client_of(reviewer), client_of(approver)
    page = mine.get(f"/emergencies/{running.pk}/").content.decode()
    assert "可启用的措施" in page and "暂停退出" in page
    with scopes.acting(reviewer):
        row = service.propose_switch(emergency_id=running.pk, measure=MEASURE, what="on", starts=ON, document="牟民〔2022〕51号", now=NOW)
    assert "待确认" in theirs.get(f"/emergencies/{running.pk}/").content.decode()
    assert mine.post(f"/emergencies/switches/{row.pk}/decide/", {"action": "confirm"}).status_code == 403
    with scopes.acting(approver):
        service.decide_switch(switch_id=row.pk, state="confirmed", now=NOW)
    assert client_of(officer(Duty.SUPERVISOR, "410103")).get(f"/emergencies/{running.pk}/").status_code == 404
    assert theirs.get("/emergencies/measures/").status_code == 200
