"""Measure 8.3: activities: signed up for, full and queued for, the last place given once, cancelled and told."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction

from doudi.core import scope as scopes
from doudi.core.models import Message, Todo
from doudi.core.tests.together import together
from doudi.volunteering import services
from doudi.volunteering.models import Shift, SignUp, Volunteer
from doudi.volunteering.services import NewShift, session
from doudi.volunteering.tests.world import NOW, World, me, who

pytestmark = pytest.mark.django_db


def states(world: World) -> list[str]:
    with scopes.acting(world.coordinator):
        return list(SignUp.objects.order_by("id").values_list("state", flat=True))


def test_8_3_a_full_shift_queues_and_the_first_in_the_queue_gets_the_place_that_falls_free() -> None:
    world = World()
    people = [world.volunteer() for _each in range(4)]
    shift = world.shift(capacity=2)
    rows = [world.signed(shift, each) for each in people]
    assert states(world) == ["signed", "signed", "waiting", "waiting"]
    with me(people[0]):
        services.withdraw(signup_id=rows[0].pk, now=NOW)
        with pytest.raises(ValidationError, match="不能退出"):
            services.withdraw(signup_id=rows[0].pk, now=NOW)
        assert SignUp.objects.count() == 1  # of the others it sees nothing
    assert states(world) == ["withdrawn", "signed", "signed", "waiting"]
    with scopes.acting(world.coordinator):
        assert Message.objects.filter(template="volunteer.place").count() == 1
        assert Shift.objects.get().taken == 2
        with pytest.raises(IntegrityError), transaction.atomic():
            SignUp.objects.filter(pk=rows[3].pk).update(state="signed")  # the database counts too


def test_8_3_who_waits_and_was_paused_meanwhile_is_passed_over() -> None:
    world = World()
    first, paused, last = (world.volunteer() for _each in range(3))
    shift = world.shift(capacity=1)
    rows = [world.signed(shift, each) for each in (first, paused, last)]
    with scopes.acting(world.coordinator):
        services.set_volunteer_state(volunteer_id=paused.pk, version=paused.version, state="paused", reason="外出", now=NOW)
    with me(first):
        services.withdraw(signup_id=rows[0].pk, now=NOW)
    assert states(world) == ["withdrawn", "withdrawn", "signed"]


def test_8_3_who_waits_and_has_taken_another_shift_meanwhile_is_not_put_down_for_two_at_once() -> None:
    world = World()
    first, busy, last = (world.volunteer() for _each in range(3))
    shift, other = world.shift(capacity=1), world.shift(title="另一处")
    rows = [world.signed(shift, each) for each in (first, busy, last)]
    world.signed(other, busy)
    with me(first):
        services.withdraw(signup_id=rows[0].pk, now=NOW)
    assert states(world) == ["withdrawn", "waiting", "signed", "signed"]


def test_8_3_nobody_signs_up_twice_or_for_two_shifts_at_once_or_too_late() -> None:
    world = World()
    row = world.volunteer()
    shift, other = world.shift(), world.shift(title="另一处")
    assert world.signed(shift, row).pk == world.signed(shift, row).pk
    with pytest.raises(ValidationError, match="其他班次"):
        world.signed(other, row)
    with pytest.raises(ValidationError, match="已开始"):
        world.signed(other, world.volunteer(), now=other.starts)
    with me(row), pytest.raises(ValidationError, match="已开始"):
        services.withdraw(signup_id=SignUp.objects.get().pk, now=shift.starts)


def test_8_3_only_the_verified_and_nobody_for_another_signs_up() -> None:
    world = World()
    shift, waiting, other = world.shift(), world.volunteer(active=False), world.volunteer()
    with pytest.raises(ValidationError, match="核验"):
        world.signed(shift, waiting)
    with me(waiting), pytest.raises(ValidationError, match="核验"):
        services.sign_up(shift_id=shift.pk, volunteer_id=other.pk, now=NOW)  # not theirs: not there
    with scopes.acting(world.coordinator), pytest.raises(IntegrityError), transaction.atomic():
        SignUp.objects.create(shift=shift, area=shift.area, volunteer=waiting, state="signed", made_at=NOW)
    with session.looking(shift.area), pytest.raises(PermissionDenied):
        services.sign_up(shift_id=shift.pk, volunteer_id=other.pk, now=NOW)


def test_8_3_a_cancelled_activity_is_told_to_all_and_takes_nobody() -> None:
    world = World()
    people = [world.volunteer() for _each in range(2)]
    activity = world.activity(capacity=1)
    with scopes.acting(world.coordinator):
        shift = activity.shifts.get()
    for each in people:
        world.signed(shift, each)
    with scopes.acting(world.coordinator):
        with pytest.raises(ValidationError, match="原因"):
            services.cancel_activity(activity_id=activity.pk, version=activity.version, reason="", now=NOW)
        services.cancel_activity(activity_id=activity.pk, version=activity.version, reason="大雪", now=NOW)
        with pytest.raises(ValidationError, match="不能增加"):
            services.add_shift(activity_id=activity.pk, shift=NewShift("x", NOW + timedelta(hours=1), NOW + timedelta(hours=2), 1), now=NOW)
        assert Message.objects.filter(template="volunteer.cancelled").count() == 2
    assert states(world) == ["cancelled", "cancelled"]
    with pytest.raises(ValidationError, match="停止报名"):
        world.signed(shift, world.volunteer())


def test_8_3_shifts_have_sensible_times_and_places() -> None:
    world = World()
    good = NewShift("岗位", NOW + timedelta(hours=1), NOW + timedelta(hours=2), 3)
    for wrong in (
        NewShift("", good.starts, good.ends, 3), NewShift("岗位", good.ends, good.starts, 3), NewShift("岗位", good.starts, good.starts + timedelta(days=1), 3),
        NewShift("岗位", good.starts, good.ends, 0), NewShift("岗位", NOW - timedelta(hours=3), NOW - timedelta(hours=1), 3),
    ):  # fmt: skip
        with pytest.raises(ValidationError):
            world.activity(shifts=[wrong])
    with pytest.raises(ValidationError, match="同名岗位"):
        world.activity(shifts=[good, good])


def test_8_3_an_organisation_counts_its_own_shifts_alone() -> None:
    world = World()
    mine, other = world.organisation(), world.organisation(name="别的队", contact_phone="13800000008")
    row = world.volunteer()
    shift = world.shift(organisation_id=mine.pk)
    world.signed(shift, row)
    with me(other):
        assert not SignUp.objects.exists() and not Volunteer.objects.exists()
        with pytest.raises(ValidationError, match="没有报上"):
            services.check_in(key=shift.activity.key, shift_id=shift.pk, volunteer_id=row.pk, now=shift.starts)
    with me(mine):
        record = services.check_in(key=shift.activity.key, shift_id=shift.pk, volunteer_id=row.pk, now=shift.starts)
        done = services.check_out(shift_id=shift.pk, volunteer_id=row.pk, now=shift.ends)
        assert (record.recorded, done.ended_by, done.minutes) == ("organisation", "organisation", 120)
        assert list(Volunteer.objects.values_list("pk", flat=True)) == [row.pk]


def test_8_3_two_who_take_the_last_place_at_once_are_one_signed_and_one_waiting(committed_db: None) -> None:
    world = World()
    people = [world.volunteer(born=date(1980, 1, 1 + number)) for number in range(2)]
    shift = world.shift(capacity=1)

    def take(row: Volunteer) -> str:
        with session.acting(who(row)):
            return services.sign_up(shift_id=shift.pk, volunteer_id=row.pk, now=NOW).state

    made, told = together(lambda: take(people[0]), lambda: take(people[1]))
    assert sorted(made) == ["signed", "waiting"] and not told


def test_8_3_who_does_not_come_three_times_is_told_to_the_coordinator_once() -> None:
    world = World()
    row = world.volunteer()
    machine = scopes.Scope(area="410122", duty="worker", acts=frozenset({"volunteering.clocks"}))
    for number in range(4):
        starts = NOW + timedelta(days=number, hours=1)
        shift = world.shift(starts=starts, title=f"活动 {number}")
        world.signed(shift, row)
        with scopes.acting(machine):
            assert services.finish_over(area="410122", on=starts.date(), now=starts + timedelta(days=1, hours=3))["absent"] == 1
            assert Todo.objects.filter(kind="volunteer.absent", subject_id=row.pk).count() == (1 if number >= 2 else 0)
