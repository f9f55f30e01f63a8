"""Declared emergencies: two officers, every officer concerned sees them, and the guards hold against who goes round the services."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from doudi.core import emergencies
from doudi.core import scope as scopes
from doudi.core.models import Division, Duty, Emergency, EmergencyPlace, EmergencyStep, Todo
from doudi.core.services import emergencies as service
from doudi.core.tests.officers import COUNTY, TOWNSHIP, client_of, officer

pytestmark = pytest.mark.django_db
NOW = datetime(2022, 12, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
ON = date(2022, 12, 1)
VILLAGE = "410122101205"
OTHER_TOWNSHIP = "410122102"


def declare(scope: scopes.Scope, **more: Any) -> Emergency:
    given = {"kind": "epidemic", "areas": [scope.area], "starts": ON, "ends": date(2023, 1, 1), "document": "牟政文〔2022〕40号"} | more
    with scopes.acting(scope):
        return service.declare_emergency(**given, now=NOW)


def confirm(scope: scopes.Scope, row: Emergency, now: datetime = NOW) -> EmergencyStep:
    with scopes.acting(scope):
        step = EmergencyStep.objects.get(emergency=row, state="proposed")
        return service.confirm_step(step_id=step.pk, now=now)


def found(area: str, on: date = ON, **more: Any) -> list[int]:
    with scopes.acting(scopes.Scope(area=area)):
        return [row.pk for row in emergencies.in_force(area, on, **more)]


@pytest.fixture
def running(reviewer: scopes.Scope, approver: scopes.Scope) -> Emergency:
    row = declare(reviewer)
    confirm(approver, row)
    return row


def test_a_proposal_is_not_in_force_and_waits_for_the_approver(reviewer: scopes.Scope) -> None:
    declare(reviewer)
    assert found(COUNTY) == []
    with scopes.acting(reviewer):
        assert Todo.objects.get(subject="emergency").duty == Duty.COUNTY_APPROVER
    with scopes.acting(scopes.Scope(area=TOWNSHIP)):
        assert Emergency.objects.count() == 0


def test_confirmed_it_holds_on_its_days_for_every_place_below(running: Emergency) -> None:
    for area in (COUNTY, TOWNSHIP, VILLAGE):
        assert found(area) == [running.pk]
        assert found(area, date(2022, 12, 31)) == [running.pk]
        assert found(area, date(2023, 1, 1)) == [] == found(area, date(2022, 11, 30))
    assert found(VILLAGE, kinds=["flood"]) == [] and found(VILLAGE, kinds=["flood", "epidemic"]) == [running.pk]
    assert found("410103") == [], "another county"


def test_a_townships_emergency_touches_its_county_and_not_its_neighbour(reviewer: scopes.Scope, approver: scopes.Scope) -> None:
    row = declare(reviewer, areas=[TOWNSHIP], kind="flood")
    confirm(approver, row)
    assert found(COUNTY) == [] and found(VILLAGE) == [row.pk] and found(OTHER_TOWNSHIP) == []
    with scopes.acting(scopes.Scope(area=COUNTY)):
        assert [each.pk for each in emergencies.touching(COUNTY, ON)] == [row.pk]
    with scopes.acting(scopes.Scope(area=OTHER_TOWNSHIP)):
        assert emergencies.touching(OTHER_TOWNSHIP, ON) == [] and Emergency.objects.count() == EmergencyStep.objects.count() == 0
    with scopes.acting(scopes.Scope(area=VILLAGE)):
        assert Emergency.objects.count() == 1


def test_joins_find_each_division_once(running: Emergency, reviewer: scopes.Scope, approver: scopes.Scope) -> None:
    confirm(approver, declare(reviewer, areas=[TOWNSHIP], kind="flood"))
    with scopes.acting(scopes.Scope(area=COUNTY)), connection.cursor() as cursor:
        cursor.execute("select kinds from doudi.emergency_divisions(%s) where area = %s", [ON, VILLAGE])
        assert cursor.fetchall() == [(["epidemic", "flood"],)]
        cursor.execute("select kinds from doudi.emergency_divisions(%s) where area = %s", [ON, OTHER_TOWNSHIP])
        assert cursor.fetchall() == [(["epidemic"],)]
        cursor.execute("select count(*), count(distinct area) from doudi.emergency_divisions(%s)", [ON])
        below = Division.objects.filter(code__gte=COUNTY, code__lt=COUNTY + ":").count()
        assert cursor.fetchone() == (below, below)
        cursor.execute("select area, kind from doudi.emergencies_on(%s) order by area", [ON])
        assert cursor.fetchall() == [(COUNTY, "epidemic"), (TOWNSHIP, "flood")]
    with scopes.acting(scopes.Scope(area="4102")), connection.cursor() as cursor:
        cursor.execute("select count(*) from doudi.emergency_divisions(%s)", [ON])
        assert cursor.fetchone() == (0,)


def test_nobody_confirms_the_own_proposal() -> None:
    first, second = officer(Duty.SUPERVISOR, "41"), officer(Duty.SUPERVISOR, "41")
    row = declare(first)
    with pytest.raises(PermissionDenied):
        confirm(first, row)
    confirm(second, row)
    assert found(VILLAGE) == [row.pk]


def test_the_level_is_the_right_one(reviewer: scopes.Scope) -> None:
    for duty, area in ((Duty.TOWNSHIP_OFFICER, TOWNSHIP), (Duty.VISITOR, VILLAGE), (Duty.ADMINISTRATOR, COUNTY)):
        with pytest.raises(PermissionDenied):
            declare(officer(duty, area))
    with pytest.raises(ValidationError):
        declare(officer(Duty.COUNTY_REVIEWER, TOWNSHIP))
    row = declare(reviewer)
    with pytest.raises(EmergencyStep.DoesNotExist):
        confirm(officer(Duty.SUPERVISOR, "4101"), row)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"areas": []}, "areas"),
        ({"areas": ["410103"]}, "areas"),
        ({"areas": ["410122999"]}, "areas"),
        ({"areas": ["4101220' or 1=1 --"]}, "areas"),
        ({"kind": "zombies"}, "kind"),
        ({"starts": date(2012, 12, 1)}, "starts"),
        ({"starts": date(2023, 12, 1), "ends": None}, "starts"),
        ({"ends": ON}, "until"),
        ({"ends": date(2222, 12, 31)}, "until"),
        ({"document": "  "}, "document"),
    ],
)
def test_wrong_input_names_its_field(reviewer: scopes.Scope, given: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as error:
        declare(reviewer, **given)
    assert list(error.value.message_dict) == [field]
    with scopes.acting(reviewer):
        assert Emergency.objects.count() == 0


def test_places_inside_another_are_left_out(reviewer: scopes.Scope) -> None:
    row = declare(reviewer, areas=[VILLAGE, TOWNSHIP, OTHER_TOWNSHIP, TOWNSHIP])
    with scopes.acting(reviewer):
        assert sorted(row.places.values_list("area", flat=True)) == [TOWNSHIP, OTHER_TOWNSHIP]


def test_two_of_one_kind_do_not_overlap(running: Emergency, reviewer: scopes.Scope, approver: scopes.Scope) -> None:
    with pytest.raises(ValidationError, match="同类"):
        declare(reviewer, starts=date(2022, 12, 20), ends=None)
    confirm(approver, declare(reviewer, starts=date(2023, 1, 1), ends=None))  # the day after is free
    confirm(approver, declare(reviewer, kind="flood"))


def test_of_two_proposals_at_once_the_second_is_refused_when_confirmed(reviewer: scopes.Scope, approver: scopes.Scope) -> None:
    first, second = declare(reviewer), declare(reviewer)
    confirm(approver, first)
    with pytest.raises(ValidationError, match="同类"):
        confirm(approver, second)
    assert found(COUNTY) == [first.pk]


def test_it_is_extended_by_two_officers(running: Emergency, reviewer: scopes.Scope, approver: scopes.Scope) -> None:
    later = date(2023, 2, 1)
    with scopes.acting(reviewer):
        service.extend_emergency(emergency_id=running.pk, ends=later, document="牟政文〔2022〕51号", now=NOW)
        with pytest.raises(ValidationError, match="已有一项变更"):
            service.lift_emergency(emergency_id=running.pk, ends=date(2022, 12, 5), document="x", now=NOW)
    assert found(VILLAGE, date(2023, 1, 15)) == []
    with pytest.raises(PermissionDenied):
        confirm(reviewer, running)
    confirm(approver, running)
    assert found(VILLAGE, date(2023, 1, 15)) == [running.pk]
    with scopes.acting(reviewer):
        assert list(EmergencyStep.objects.filter(emergency=running).order_by("pk").values_list("what", "state")) == [
            ("declare", "confirmed"),
            ("extend", "confirmed"),
        ]


def test_it_is_lifted_early_and_not_in_the_past(running: Emergency, reviewer: scopes.Scope, approver: scopes.Scope) -> None:
    day = date(2022, 12, 7)
    now = NOW + timedelta(days=6)
    with scopes.acting(reviewer):
        for wrong in (date(2022, 12, 6), date(2023, 1, 1), date(2024, 1, 1)):
            with pytest.raises(ValidationError):
                service.lift_emergency(emergency_id=running.pk, ends=wrong, document="x", now=now)
        service.lift_emergency(emergency_id=running.pk, ends=day, document="牟政文〔2022〕60号", now=now)
    assert found(VILLAGE, day) == [running.pk]
    with pytest.raises(ValidationError, match="已过"):
        confirm(approver, running, now + timedelta(days=1))
    confirm(approver, running, now)
    assert found(VILLAGE, day) == [] and found(VILLAGE, date(2022, 12, 6)) == [running.pk]
    with scopes.acting(reviewer), pytest.raises(ValidationError):
        service.extend_emergency(emergency_id=running.pk, ends=date(2023, 3, 1), document="x", now=now)


def test_lifted_before_its_first_day_it_never_was(reviewer: scopes.Scope, approver: scopes.Scope) -> None:
    row = declare(reviewer, starts=date(2022, 12, 10), ends=None)
    confirm(approver, row)
    with scopes.acting(reviewer):
        service.lift_emergency(emergency_id=row.pk, ends=date(2022, 12, 2), document="x", now=NOW)
    confirm(approver, row)
    assert found(VILLAGE, date(2022, 12, 12)) == []
    confirm(approver, declare(reviewer, starts=date(2022, 12, 10), ends=None))


def test_a_refused_or_withdrawn_proposal_counts_for_nothing(reviewer: scopes.Scope, approver: scopes.Scope) -> None:
    for scope, action in ((approver, service.refuse_step), (reviewer, service.withdraw_step)):
        row = declare(reviewer)
        with scopes.acting(scope):
            step = EmergencyStep.objects.get(emergency=row)
            with pytest.raises(ValidationError):
                action(step_id=step.pk, note=" ", now=NOW)
            action(step_id=step.pk, note="文号有误", now=NOW)
            with pytest.raises((ValidationError, PermissionDenied)):
                service.confirm_step(step_id=step.pk, now=NOW)
            assert not Todo.objects.filter(subject="emergency", done_at__isnull=True).exists()
        assert found(COUNTY) == []


@pytest.fixture
def attack(running: Emergency, reviewer: scopes.Scope) -> Iterator[Any]:
    """SQL as the application's own role, under the reviewer's scope; it must be refused."""

    def run(sql: str, *params: Any) -> None:
        with scopes.acting(reviewer), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, params)
            scopes.check_constraints()

    return run


def test_nobody_goes_round_the_two_officers(running: Emergency, reviewer: scopes.Scope, approver: scopes.Scope, attack: Any) -> None:
    attack("update core_emergency set ends = null where id = %s", running.pk)
    attack("update core_emergencyplace set active = false where emergency_id = %s", running.pk)
    attack("delete from core_emergencystep where emergency_id = %s", running.pk)
    attack("update core_emergencystep set ends = null where emergency_id = %s", running.pk)
    attack("update core_emergencystep set state = 'refused', decided_by_id = %s where emergency_id = %s", reviewer.account_id, running.pk)
    attack(
        "insert into core_emergency (area, kind, title, document, starts, state) values (%s, 'flood', 'x', 'x', '2022-12-01', 'confirmed')", COUNTY
    )
    # places are added to a proposal only, below its own area only
    attack(
        "insert into core_emergencyplace (area, emergency_id, kind, starts, active) values (%s, %s, 'x', '2022-01-01', true)", TOWNSHIP, running.pk
    )
    row = declare(reviewer, kind="flood")
    attack("insert into core_emergencyplace (area, emergency_id, kind, starts, active) values ('410103', %s, 'x', '2022-01-01', true)", row.pk)
    with scopes.acting(reviewer):
        place = EmergencyPlace.objects.create(emergency=row, area=TOWNSHIP, kind="fire", starts=date(2020, 1, 1), active=True)
        place.refresh_from_db()
        assert (place.kind, place.starts, place.active) == ("flood", ON, False)
    # the second officer is who acts, and is another
    attack("update core_emergencystep set state = 'confirmed', decided_by_id = %s where emergency_id = %s", approver.account_id, row.pk)
    attack("update core_emergencystep set state = 'confirmed', decided_by_id = %s where emergency_id = %s", reviewer.account_id, row.pk)
    attack("update core_emergencystep set state = 'confirmed' where emergency_id = %s", row.pk)
    step = "insert into core_emergencystep (area, emergency_id, what, ends, document, note, state, proposed_by_id, proposed_at, decision_note)"
    attack(f"{step} values ('410122101', %s, 'lift', '2022-12-05', 'x', '', 'proposed', %s, now(), '')", running.pk, reviewer.account_id)
    attack(f"{step} values (%s, %s, 'declare', null, 'x', '', 'proposed', %s, now(), '')", COUNTY, running.pk, reviewer.account_id)
    attack(f"{step} values (%s, %s, 'extend', '2022-12-20', 'x', '', 'proposed', %s, now(), '')", COUNTY, running.pk, reviewer.account_id)
    attack(f"{step} values (%s, %s, 'lift', '2023-12-20', 'x', '', 'proposed', %s, now(), '')", COUNTY, running.pk, reviewer.account_id)
    attack(f"{step} values (%s, %s, 'lift', '2022-12-20', 'x', '', 'confirmed', %s, now(), '')", COUNTY, running.pk, reviewer.account_id)
    assert found(COUNTY) == [running.pk]


def test_a_townships_officer_changes_nothing_of_what_the_county_declared(running: Emergency) -> None:
    below = officer(Duty.SUPERVISOR, TOWNSHIP)
    with scopes.acting(below):
        assert Emergency.objects.get().pk == running.pk
        with pytest.raises(Emergency.DoesNotExist):
            service.lift_emergency(emergency_id=running.pk, ends=date(2022, 12, 5), document="x", now=NOW)


def test_what_a_room_switches_is_told_on_the_page(running: Emergency, reviewer: scopes.Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    known = emergencies.Effects()
    known.add("a", "走访频次", lambda emergency, on: f"每周一次，{on:%d} 日起")
    known.add("b", "转移安置", lambda emergency, on: "洪水", kinds=["flood"])
    known.add("c", "没有变化", lambda emergency, on: "")
    with pytest.raises(KeyError):
        known.add("d", "错", lambda emergency, on: "x", kinds=["zombies"])
    assert [(effect.key, text) for effect, text in known.of(running, ON)] == [("a", "每周一次，01 日起")]


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def test_pages_from_declaring_to_lifting(reviewer: scopes.Scope, approver: scopes.Scope, today: None, django_assert_max_num_queries: Any) -> None:
    first, second = client_of(reviewer), client_of(approver)
    page = first.post(
        "/emergencies/new/",
        {"kind": "epidemic", "starts": "2022-12-01", "until": "2022-12-31", "document": "牟政文〔2022〕40号", "areas": [COUNTY], "title": "冬季疫情"},
    )
    assert page.status_code == 302, page.content.decode()
    with scopes.acting(reviewer):
        row, step = Emergency.objects.get(), EmergencyStep.objects.get()
    assert row.ends == date(2023, 1, 1)
    assert "由您提出" in first.get(f"/emergencies/{row.pk}/").content.decode()
    assert second.post(f"/emergencies/steps/{step.pk}/decide/", {"action": "refuse"}, follow=True).content.decode().count("请写明退回的原因")
    second.post(f"/emergencies/steps/{step.pk}/decide/", {"action": "confirm"})
    second.post(f"/emergencies/steps/{step.pk}/decide/", {"action": "confirm"})  # sent twice
    shown = second.get(f"/emergencies/{row.pk}/").content.decode()
    assert "进行中" in shown and "2022-12-31" in shown
    town = client_of(officer(Duty.VISITOR, VILLAGE))
    with django_assert_max_num_queries(28):  # the frame, the emergencies in one query, and a visitor's cards of leads, visits, applications, needs, community
        banner = town.get("/").content.decode()
    assert "冬季疫情" in banner and 'class="emg"' in banner
    for kind in ("flood", "accident", "cold"):
        confirm(approver, declare(reviewer, kind=kind, title=f"又一项{kind}"))
    with django_assert_max_num_queries(28):
        assert "共 4 项" in town.get("/").content.decode()
    told = town.get(f"/emergencies/{row.pk}/").content.decode()
    assert 'href="/visits/plans/"' in told and 'href="/institutions/reports/"' in shown
    assert 'href="/institutions/reports/"' not in told and 'href="/relief/"' not in told  # told, not linked: a visitor may not open them
    elsewhere = client_of(officer(Duty.TOWNSHIP_OFFICER, "410103001"))
    assert 'class="emg"' not in elsewhere.get("/").content.decode()
    assert elsewhere.get(f"/emergencies/{row.pk}/").status_code == 404
    assert elsewhere.post(f"/emergencies/steps/{step.pk}/decide/", {"action": "confirm"}).status_code == 404
    assert town.post(f"/emergencies/{row.pk}/lift/", {"lift-ends": "2022-12-02", "lift-document": "x"}).status_code == 403
    wrong = first.post(f"/emergencies/{row.pk}/extend/", {"extend-until": "2022-12-30", "extend-document": "x"})
    assert "延长后的结束日期应晚于原定日期" in wrong.content.decode()
    assert first.post(f"/emergencies/{row.pk}/lift/", {"lift-ends": "2022-12-02", "lift-document": "牟政文〔2022〕44号"}).status_code == 302
    assert first.post(f"/emergencies/{row.pk}/burn/", {}).status_code == 404


@pytest.mark.parametrize("given", [{}, {"kind": "x", "starts": "31/12", "areas": ["1"]}, {"codes": "410103 \x00"}])
def test_malformed_forms_are_answered_with_a_page(reviewer: scopes.Scope, today: None, given: dict[str, Any]) -> None:
    assert client_of(reviewer).post("/emergencies/new/", given).status_code == 200
