"""Measure 8.1: hours by check-in and check-out, counted once, corrected with a reason; certificates that cannot be forged."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction

from doudi.core import scope as scopes
from doudi.core.tests.together import together
from doudi.volunteering import services
from doudi.volunteering.models import RecordCorrection, ServiceCertificate, ServiceRecord, SignUp
from doudi.volunteering.services import certificates, session
from doudi.volunteering.tests.world import COUNTY, NOW, TODAY, World, me, who

pytestmark = pytest.mark.django_db


def clocked(world: World, *, hours: float = 2) -> tuple:
    volunteer = world.volunteer()
    shift = world.shift(hours=hours)
    world.signed(shift, volunteer)
    return volunteer, shift


def test_8_1_hours_run_from_check_in_to_check_out_within_the_shift() -> None:
    world = World()
    volunteer, shift = clocked(world)
    given = {"shift_id": shift.pk, "volunteer_id": volunteer.pk, "code": shift.code.lower()}
    with me(volunteer):
        row = services.check_in(key=uuid4(), **given, now=shift.starts - timedelta(minutes=20))
        assert row.starts == shift.starts and row.state == "open"  # early is not paid in hours
        done = services.check_out(**given, now=shift.ends + timedelta(hours=1))
    assert (done.ends, done.minutes, done.recorded) == (shift.ends, 120, "self")
    with scopes.acting(world.coordinator):
        assert SignUp.objects.get(volunteer=volunteer).state == "attended"


def test_8_1_checking_in_or_out_twice_is_once() -> None:
    world = World()
    volunteer, shift = clocked(world)
    given = {"shift_id": shift.pk, "volunteer_id": volunteer.pk, "code": shift.code}
    with me(volunteer):
        first = services.check_in(key=uuid4(), **given, now=shift.starts)
        assert services.check_in(key=uuid4(), **given, now=shift.starts + timedelta(minutes=30)).pk == first.pk
        done = services.check_out(**given, now=shift.starts + timedelta(minutes=50))
        again = services.check_out(**given, now=shift.starts + timedelta(minutes=90))
        assert done.minutes == again.minutes == 50 and ServiceRecord.objects.count() == 1


def test_8_1_check_out_before_check_in_and_a_wrong_or_missing_code_are_refused() -> None:
    world = World()
    volunteer, shift = clocked(world)
    with me(volunteer):
        with pytest.raises(ValidationError, match="还没有签到"):
            services.check_out(shift_id=shift.pk, volunteer_id=volunteer.pk, code=shift.code, now=shift.starts)
        for code in ("", "AAAAAAAA", shift.code[:-1]):
            with pytest.raises(ValidationError, match="签到码不对"):
                services.check_in(key=uuid4(), shift_id=shift.pk, volunteer_id=volunteer.pk, code=code, now=shift.starts)
        with pytest.raises(ValidationError, match="还没有到签到时间"):
            services.check_in(key=uuid4(), shift_id=shift.pk, volunteer_id=volunteer.pk, code=shift.code, now=shift.starts - timedelta(hours=2))
        with pytest.raises(ValidationError, match="已结束"):
            services.check_in(key=uuid4(), shift_id=shift.pk, volunteer_id=volunteer.pk, code=shift.code, now=shift.ends)


def test_8_1_a_shift_over_midnight_counts_whole() -> None:
    world = World()
    volunteer = world.volunteer()
    starts = NOW.replace(day=6, hour=14)  # 22:00 in China
    shift = world.shift(starts=starts, hours=4)
    world.signed(shift, volunteer)
    with me(volunteer):
        services.check_in(key=uuid4(), shift_id=shift.pk, volunteer_id=volunteer.pk, code=shift.code, now=starts)
        row = services.check_out(shift_id=shift.pk, volunteer_id=volunteer.pk, code=shift.code, now=starts + timedelta(hours=4))
    assert row.minutes == 240 and services.activities.when(shift) == "2022-12-06 22:00—12-07 02:00"


def test_8_1_nobody_serves_twice_at_the_same_moment() -> None:
    world = World()
    row = world.served()
    with scopes.acting(world.coordinator):
        volunteer = row.volunteer
        shift = services.open_activity(
            key=uuid4(), area=COUNTY, title="清扫", kind="environment", words="清扫", place="广场", phone="1",
            shifts=[services.NewShift("清扫", row.starts + timedelta(hours=3), row.starts + timedelta(hours=5), 3)], now=row.starts - timedelta(days=1),
        ).shifts.get()  # fmt: skip
        services.sign_up(shift_id=shift.pk, volunteer_id=volunteer.pk, now=row.starts - timedelta(hours=1))
        with pytest.raises(ValidationError, match="不能重复计算"):
            services.record_shift(key=uuid4(), shift_id=shift.pk, volunteer_id=volunteer.pk, starts=row.starts + timedelta(hours=1), ends=shift.ends, now=NOW)


def test_8_1_a_correction_needs_a_reason_keeps_what_was_said_and_voids_the_certificate() -> None:
    world = World()
    row = world.served()
    with me(row.volunteer):
        paper = services.issue(volunteer_id=row.volunteer_id, starts=date(2022, 1, 1), ends=TODAY, now=NOW)
    new = {"starts": row.starts, "ends": row.starts + timedelta(minutes=90)}
    with scopes.acting(world.coordinator):
        with pytest.raises(ValidationError, match="原因"):
            services.correct(record_id=row.pk, version=row.version, **new, reason=" ", now=NOW)
        done = services.correct(record_id=row.pk, version=row.version, **new, reason="提前离开", now=NOW)
        kept = RecordCorrection.objects.get(record=row)
        assert (done.minutes, kept.minutes, kept.reason, kept.account_id) == (90, 120, "提前离开", world.coordinator.account_id)
        with pytest.raises(ValidationError, match="刚被他人修改"):
            services.correct(record_id=row.pk, version=row.version, **new, reason="再改", now=NOW)
        with pytest.raises(DatabaseError), transaction.atomic():
            RecordCorrection.objects.filter(pk=kept.pk).update(reason="x")
    shown = certificates.find(paper.code)
    assert shown is not None and shown.void


def test_8_1_a_volunteer_corrects_nothing_and_another_place_finds_nothing() -> None:
    world = World()
    row = world.served()
    with me(row.volunteer), pytest.raises(PermissionDenied):
        services.correct(record_id=row.pk, version=row.version, starts=row.starts, ends=NOW, reason="多算", now=NOW)
    with scopes.acting(world.elsewhere), pytest.raises(ValidationError, match="没有这条"):
        services.correct(record_id=row.pk, version=row.version, starts=row.starts, ends=NOW, reason="多算", now=NOW)


def test_8_1_who_forgot_to_check_out_gets_the_shifts_end_and_who_never_came_is_a_no_show() -> None:
    world = World()
    volunteer, shift = clocked(world)
    absent = world.volunteer()
    world.signed(shift, absent)
    with me(volunteer):
        services.check_in(key=uuid4(), shift_id=shift.pk, volunteer_id=volunteer.pk, code=shift.code, now=shift.starts)
    later = shift.ends + timedelta(days=1, hours=1)
    with scopes.acting(scopes.Scope(area=COUNTY, duty="worker", acts=frozenset({"volunteering.clocks"}))):
        assert services.close_open(area=COUNTY, on=TODAY, now=later) == 1
        assert services.finish_over(area=COUNTY, on=TODAY, now=later) == {"waiting": 0, "absent": 1, "ended": 1}
        row = ServiceRecord.objects.get()
        assert (row.minutes, row.ended_by) == (120, "system") and SignUp.objects.get(volunteer=absent).state == "no_show"
        assert services.close_open(area=COUNTY, on=TODAY, now=later) == 0


def test_8_1_a_certificate_says_the_hours_once_and_its_page_no_more_than_the_paper() -> None:
    world = World()
    row = world.served(hours=0.5, starts=NOW - timedelta(days=4))
    world.served(row.volunteer)
    given = {"volunteer_id": row.volunteer_id, "starts": date(2022, 12, 1), "ends": TODAY, "now": NOW}
    with me(row.volunteer):
        paper = services.issue(**given)
        assert services.issue(**given).pk == paper.pk
        assert (paper.minutes, paper.times) == (150, 2)
        with pytest.raises(ValidationError, match="没有已完成"):
            services.issue(**given | {"starts": date(2021, 1, 1), "ends": date(2021, 2, 1)})
    shown = certificates.find(paper.code.lower())
    assert shown is not None and (shown.minutes, shown.name, shown.void) == (150, "王明", False)


def test_8_1_a_forged_certificate_opens_nothing() -> None:
    world = World()
    row = world.served()
    with me(row.volunteer):
        paper = services.issue(volunteer_id=row.volunteer_id, starts=date(2022, 12, 1), ends=TODAY, now=NOW)
        with pytest.raises(DatabaseError), transaction.atomic():
            ServiceCertificate.objects.filter(pk=paper.pk).update(minutes=6000)
    for code in ("", "A" * 26, paper.code[:-1], paper.code[:-1] + ("A" if paper.code[-1] != "A" else "B"), "' or 1=1 --", paper.code + "A"):
        assert certificates.find(code) is None
    paper.content = paper.content.replace('"minutes": 120', '"minutes": 9120')
    assert not certificates.genuine(paper)


def test_8_1_a_session_sees_its_own_rows_alone() -> None:
    world = World()
    mine, other = world.served(), world.served(world.volunteer(name="李强"), starts=NOW - timedelta(days=6))
    with me(mine.volunteer):
        with connection.cursor() as cursor:
            for table, column in (("volunteer", "id"), ("servicerecord", "volunteer_id"), ("signup", "volunteer_id")):
                cursor.execute(f"select distinct {column} from volunteering_{table}")
                assert cursor.fetchall() == [(mine.volunteer_id,)]
        with pytest.raises(ValidationError):
            services.issue(volunteer_id=other.volunteer_id, starts=date(2022, 12, 1), ends=TODAY, now=NOW)
    with session.looking(COUNTY), connection.cursor() as cursor:
        cursor.execute("select (select count(*) from volunteering_volunteer) + (select count(*) from volunteering_servicerecord)")
        assert cursor.fetchone() == (0,)


def test_8_1_two_check_ins_at_once_are_one(committed_db: None) -> None:
    world = World()
    volunteer, shift = clocked(world)

    def go() -> int:
        with session.acting(who(volunteer)):
            return services.check_in(key=uuid4(), shift_id=shift.pk, volunteer_id=volunteer.pk, code=shift.code, now=shift.starts).pk

    made, told = together(go, go)
    assert not told and len(set(made)) == 1
