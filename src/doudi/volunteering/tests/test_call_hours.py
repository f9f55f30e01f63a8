"""8.1, 8.3: people who come to a call stand in its activity and get their hours like everybody; whoever answers later joins, whoever takes it back leaves."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import client_of, officer
from doudi.needs.tests.world import NOW
from doudi.volunteering import services
from doudi.volunteering.models import Activity, Call, ServiceRecord, Shift, SignUp, Volunteer
from doudi.volunteering.services import board
from doudi.volunteering.services.board import attendance
from doudi.volunteering.services.board.base import as_machine
from doudi.volunteering.tests.board_world import COUNTY, NEXT_TOWN, TOWN, Board, volunteer

pytestmark = pytest.mark.django_db
STARTS, ENDS = NOW + timedelta(hours=2), NOW + timedelta(hours=5)


@pytest.fixture
def place() -> Board:
    return Board()


def called(place: Board, *people: Volunteer, wanted: int = 5, area: str = TOWN, adults: bool = True) -> Call:
    with scopes.acting(place.coordinator):
        call = board.call_volunteers(
            key=uuid4(), area=area, title="社区物资分拣", words="分拣米面油", place="县体育馆东门", wanted=wanted, adults=adults, until=NOW + timedelta(hours=8), now=NOW
        )
    for each in people:
        answer(call, each, True)
    return call


def answer(call: Call, who: Volunteer, coming: bool) -> None:
    with as_machine(COUNTY, page="test"):
        board.reply_to_call(call_id=call.pk, volunteer_id=who.pk, coming=coming, now=NOW)


def keep(place: Board, call: Call, **more: Any) -> tuple[Activity, int]:
    given: dict[str, Any] = {"kind": "environment", "phone": "0371-62160000", "starts": STARTS, "ends": ENDS, "now": NOW} | more
    with scopes.acting(place.coordinator):
        return board.keep_attendance(call_id=call.pk, **given)


def signed(place: Board, activity: Activity) -> dict[int, str]:
    with scopes.acting(place.coordinator):
        return dict(SignUp.objects.filter(shift__activity=activity).values_list("volunteer_id", "state"))


def test_8_1_who_comes_to_a_call_checks_in_and_gets_hours(place: Board, django_assert_max_num_queries: Any) -> None:
    near, neighbour, silent = volunteer("刘洋"), volunteer("王近", area=NEXT_TOWN), volunteer("未答复")
    call = called(place, near, neighbour)
    activity, count = keep(place, call)
    assert count == 2 and signed(place, activity) == {near.pk: "signed", neighbour.pk: "signed"} and silent.pk not in signed(place, activity)
    again, none = keep(place, call, starts=STARTS + timedelta(hours=1))
    assert (again.pk, none) == (activity.pk, 0), "a double click, or a second officer, makes nothing more"
    with scopes.acting(place.coordinator):
        shift = Shift.objects.get(activity=activity)
        assert (shift.starts, shift.taken, shift.capacity) == (STARTS, 2, 5)
        services.check_in(key=uuid4(), shift_id=shift.pk, volunteer_id=near.pk, now=STARTS)
        services.check_out(shift_id=shift.pk, volunteer_id=near.pk, now=STARTS + timedelta(minutes=90))
        record = ServiceRecord.objects.get(volunteer=near)
        assert (record.state, record.minutes, record.title, record.place) == ("done", 90, call.title, call.place)
    page = client_of(place.coordinator)
    with django_assert_max_num_queries(30):
        shown = page.get(f"/volunteering/calls/{call.pk}/").content.decode()
    assert f"/volunteering/activities/{activity.pk}/" in shown and "建立签到活动" not in shown


def test_8_1_whoever_answers_later_joins_and_whoever_takes_it_back_leaves(place: Board) -> None:
    first, later = volunteer("刘洋"), volunteer("后来")
    call = called(place, first)
    activity, _count = keep(place, call)
    answer(call, later, True)
    assert signed(place, activity) == {first.pk: "signed", later.pk: "signed"}
    answer(call, first, False)
    assert signed(place, activity)[first.pk] == "withdrawn"
    answer(call, first, True)
    with scopes.acting(place.coordinator):
        assert Shift.objects.get(activity=activity).taken == 2
        services.cancel_activity(activity_id=activity.pk, version=Activity.objects.get(pk=activity.pk).version, reason="雪停了", now=NOW)
    with pytest.raises(ValidationError, match="已取消"):
        keep(place, call)
    answer(call, later, False)  # nothing left to leave


def test_8_1_who_is_busy_is_left_out_and_large_calls_have_several_groups(place: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attendance, "LARGEST", 2)
    people = [volunteer(f"志愿{sign}") for sign in "甲乙丙丁"]
    busy_with, _count = keep(place, called(place, people[0]))
    call = called(place, *people, wanted=5)
    activity, count = keep(place, call)
    assert count == 3 and people[0].pk not in signed(place, activity) and list(signed(place, busy_with)) == [people[0].pk]
    with scopes.acting(place.coordinator):
        groups = list(Shift.objects.filter(activity=activity).order_by("id").values_list("post", "capacity", "taken"))
        assert groups == [("召集", 2, 2), ("召集（2组）", 2, 1), ("召集（3组）", 1, 0)]


def test_8_1_a_minor_stands_in_a_call_that_is_open_to_minors_alone(place: Board) -> None:
    minor = volunteer("小志", born=date(2006, 5, 1))
    activity, count = keep(place, called(place, minor, adults=False))
    assert count == 1 and activity.minors


def test_8_1_nobody_coming_wrong_times_wrong_area_and_wrong_duty_are_refused(place: Board) -> None:
    who = volunteer("刘洋")
    call = called(place)
    with pytest.raises(ValidationError, match="还没有人"):
        keep(place, call)
    answer(call, who, True)
    past = {"starts": NOW - timedelta(hours=3), "ends": NOW - timedelta(hours=1)}
    for wrong, message in (({"ends": STARTS}, "晚于"), (past, "已过去"), ({"kind": "gold"}, ""), ({"phone": " "}, "")):
        with pytest.raises(ValidationError, match=message or None):
            keep(place, call, **wrong)
    given: dict[str, Any] = {"call_id": call.pk, "kind": "environment", "phone": "1", "starts": STARTS, "ends": ENDS, "now": NOW}
    with scopes.acting(officer(Duty.VOLUNTEER_COORDINATOR, "410724")), pytest.raises(ValidationError, match="没有这次召集"):
        board.keep_attendance(**given)
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, COUNTY)), pytest.raises(PermissionDenied):
        board.keep_attendance(**given)
    page = client_of(place.coordinator)
    assert "建立签到活动" in page.get(f"/volunteering/calls/{call.pk}/").content.decode()
    sent = {"kind": "environment", "phone": "0371-62160000", "starts": "2022-13-01T09:00", "ends": ""}
    assert page.post(f"/volunteering/calls/{call.pk}/", sent).status_code == 422
    with scopes.acting(place.coordinator):
        assert not Activity.objects.exists()
