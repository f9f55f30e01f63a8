"""What crosses areas: recorded look-ups, moves, recodes. Each guard is attacked."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone

from doudi.core import audit, divisions, keys, numbers
from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Division, Duty
from doudi.core.tests.officers import officer
from doudi.registry import services
from doudi.registry.models import Fact, Household, Membership, MoveRequest, Person
from doudi.registry.tests.helpers import ELSEWHERE, NOW, ON, VILLAGE, household, id_number

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])
JANUARY = date(2023, 1, 1)


@pytest.fixture
def giving(committed_db: None) -> scopes.Scope:
    return officer(Duty.TOWNSHIP_OFFICER, "410122001", name="转出经办")


@pytest.fixture
def asking(committed_db: None) -> scopes.Scope:
    return officer(Duty.TOWNSHIP_OFFICER, "410102001", name="转入经办")


def _records(scope: scopes.Scope) -> list[str]:
    with scopes.acting(scope):
        return list(AccessRecord.objects.filter(account_id=scope.account_id).order_by("id").values_list("what", flat=True))


def test_a_look_up_answers_yes_or_no_and_county_and_its_record_survives_a_rollback(giving: scopes.Scope, asking: scopes.Scope) -> None:
    number = id_number()
    household(giving, id_number=number)
    with pytest.raises(RuntimeError), scopes.acting(asking):
        answer = services.look_up_elsewhere(id_number=number, reason="办理临时救助申请", on=ON, now=NOW)
        assert answer == services.Elsewhere(True, (), "中牟县")
        raise RuntimeError
    assert _records(asking) == ["lookup"]
    with scopes.acting(asking):
        record = AccessRecord.objects.get(account_id=asking.account_id)
        assert bytes(record.digest) == keys.sealing_digest(number) and record.reason == "办理临时救助申请"
        assert not services.look_up_elsewhere(id_number=id_number(), reason="办理临时救助申请", on=ON, now=NOW).managed
        assert not Person.objects.exists()


def test_a_look_up_without_reason_or_with_a_wrong_number_asks_nothing(asking: scopes.Scope) -> None:
    with scopes.acting(asking):
        for values in ({"id_number": id_number(), "reason": " "}, {"id_number": "123", "reason": "办理临时救助"}):
            with pytest.raises(ValidationError):
                services.look_up_elsewhere(**values, on=ON, now=NOW)
    assert _records(asking) == []


def test_the_look_up_function_demands_a_committed_fresh_unused_record_of_this_number(giving: scopes.Scope, asking: scopes.Scope) -> None:
    number = id_number()
    household(giving, id_number=number)
    token, digest = numbers.id_token(number), keys.sealing_digest(number)

    def ask(record: int, digest_: bytes = digest) -> list[object]:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("select * from doudi.helped_elsewhere(%s, %s, %s, %s)", [token, digest_, record, ON])
            return cursor.fetchall()

    with scopes.acting(asking):
        with pytest.raises(DatabaseError):
            ask(0)
        # a record of the same, still open transaction would be lost with it
        with connection.cursor() as cursor:
            cursor.execute(
                "insert into core_accessrecord (area, account_id, posting_id, what, subject, subject_id, field, digest, reason, page)"
                " values (%s, %s, 1, 'lookup', 'person', null, '', %s, 'x', '') returning id", [asking.area, asking.account_id, digest],
            )  # fmt: skip
            uncommitted = cursor.fetchone()[0]
        with pytest.raises(DatabaseError):
            ask(uncommitted)
        good = audit.record_access(what="lookup", subject="person", digest=digest, reason="办理申请")
        with pytest.raises(DatabaseError):
            ask(good, keys.sealing_digest("another"))
        assert len(ask(good)) == 1
        with pytest.raises(DatabaseError):
            ask(good)
        assert ask(audit.record_access(what="lookup", subject="person", digest=digest, reason="办理申请"))
    with scopes.acting(giving), pytest.raises(DatabaseError):
        ask(good)


def test_the_thirty_first_look_up_of_an_hour_is_refused_in_words(asking: scopes.Scope) -> None:
    with scopes.acting(asking):
        for _n in range(30):
            audit.record_access(what="lookup", subject="person", digest=b"x", reason="办理申请")
        with pytest.raises(ValidationError) as caught:
            services.look_up_elsewhere(id_number=id_number(), reason="办理临时救助", on=ON, now=NOW)
    assert "30 次" in caught.value.messages[0]


def test_a_move_asked_by_one_side_is_released_by_the_other(giving: scopes.Scope, asking: scopes.Scope) -> None:
    number = id_number()
    found = household(giving, id_number=number, members=[{"relationship": "10", "name": "李秀英", "id_number": id_number(male=False)}])
    with scopes.acting(giving):
        services.record_fact(fact=services.NewFact("orphan", ON, "declared", person_id=Person.objects.first().pk, number=Decimal(1)), on=ON, now=NOW)
    values = {"id_number": number, "to_area": ELSEWHERE, "reason": "婚嫁迁入", "first_month": JANUARY, "on": ON, "now": NOW}
    with scopes.acting(asking):
        request = services.ask_move(**values)
        assert not Household.objects.exists() and request.household_name == "王建国"
        with pytest.raises(ValidationError):  # one open request of a household
            services.ask_move(**values)
        with pytest.raises(ValidationError):  # the asking side cannot release
            services.release_move(request_id=request.pk, on=ON, now=NOW)
        with pytest.raises(ValidationError):
            services.carry_out_move(request_id=request.pk, now=NOW)
        with connection.cursor() as cursor:  # nor past the service: the policy counts no row
            cursor.execute("update registry_moverequest set released_by = 1, released_at = now() where id = %s", [request.pk])
            assert cursor.rowcount == 0
    with scopes.acting(giving):
        services.release_move(request_id=request.pk, on=ON, now=NOW)
        services.carry_out_move(request_id=request.pk, now=NOW)
        assert not Household.objects.exists() and not Person.objects.exists() and not Fact.objects.exists()
        assert MoveRequest.objects.get().done_at == NOW
        with pytest.raises(ValidationError):
            services.carry_out_move(request_id=request.pk, now=NOW)
    with scopes.acting(asking):
        assert Household.objects.get().pk == found.pk and Person.objects.count() == 2
        assert set(Membership.objects.values_list("area", flat=True)) == set(Fact.objects.values_list("area", flat=True)) == {ELSEWHERE}


def test_a_household_with_a_dead_member_moves_with_its_dead(giving: scopes.Scope, asking: scopes.Scope) -> None:
    number = id_number()
    household(giving, id_number=number, members=[{"relationship": "10", "name": "李秀英", "id_number": id_number(male=False)}])
    with scopes.acting(giving):
        wife = Person.objects.get(name="李秀英")
        services.record_death(person_id=wife.pk, version=wife.version, died_on=ON - timedelta(days=40), on=ON, now=NOW)
    with scopes.acting(asking):
        request = services.ask_move(id_number=number, to_area=ELSEWHERE, reason="婚嫁迁入", first_month=JANUARY, on=ON, now=NOW)
    with scopes.acting(giving):
        services.release_move(request_id=request.pk, on=ON, now=NOW)
        services.carry_out_move(request_id=request.pk, now=NOW)
        assert not Person.objects.exists()
    with scopes.acting(asking):
        assert set(Person.objects.values_list("name", "area")) == {("王建国", ELSEWHERE), ("李秀英", ELSEWHERE)}
        assert Membership.objects.filter(ends=None).count() == 1 and Membership.objects.count() == 2


def test_a_move_within_one_scope_still_needs_two_officers_and_the_level_above_waits(giving: scopes.Scope) -> None:
    number = id_number()
    household(giving, id_number=number)
    county, other = officer(Duty.COUNTY_REVIEWER, "410122"), officer(Duty.COUNTY_REVIEWER, "410122")
    monday = timezone.make_aware(datetime(2022, 11, 21, 9))  # noqa: DTZ001
    with scopes.acting(county):
        request = services.ask_move(id_number=number, to_area="410122002001", reason="搬迁居住", first_month=JANUARY, on=monday.date(), now=monday)
        with pytest.raises(ValidationError):
            services.release_move(request_id=request.pk, on=date(2022, 12, 30), now=NOW)
    with scopes.acting(other):
        with pytest.raises(ValidationError) as caught:
            services.release_move(request_id=request.pk, on=date(2022, 11, 25), now=NOW)
        assert "2022-11-28" in caught.value.messages[0]
        services.release_move(request_id=request.pk, on=date(2022, 11, 28), now=NOW)
    with scopes.acting(giving), pytest.raises(ValidationError):
        services.refuse_move(request_id=request.pk, reason="太晚", on=ON, now=NOW)


def test_a_forged_request_for_a_household_of_another_area_moves_nothing(giving: scopes.Scope, asking: scopes.Scope) -> None:
    found = household(giving, id_number=id_number())
    with scopes.acting(asking), connection.cursor() as cursor:
        cursor.execute(
            "insert into registry_moverequest (household_id, household_name, from_area, to_area, reason, first_month, asked_by, asked_at, refused_reason)"
            " values (%s, 'x', '410102001003', %s, 'x', %s, %s, %s, '') returning id",
            [found.pk, ELSEWHERE, JANUARY, asking.account_id, NOW],
        )
        forged = cursor.fetchone()[0]
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, "410102001")):
        services.release_move(request_id=forged, on=ON, now=NOW)
        with pytest.raises(DatabaseError):
            services.carry_out_move(request_id=forged, now=NOW)
    with scopes.acting(giving):
        assert Household.objects.get().area == VILLAGE


def test_a_refused_move_says_why_and_can_be_asked_again(giving: scopes.Scope, asking: scopes.Scope) -> None:
    number = id_number()
    household(giving, id_number=number)
    values = {"id_number": number, "to_area": ELSEWHERE, "reason": "婚嫁迁入", "first_month": JANUARY, "on": ON, "now": NOW}
    with scopes.acting(asking):
        request = services.ask_move(**values)
    with scopes.acting(giving):
        with pytest.raises(ValidationError):
            services.refuse_move(request_id=request.pk, reason="", on=ON, now=NOW)
        services.refuse_move(request_id=request.pk, reason="户口未迁", on=ON, now=NOW)
    with scopes.acting(asking):
        assert MoveRequest.objects.get().refused_reason == "户口未迁"
        assert services.ask_move(**values).pk != request.pk


# --- recode


def test_a_recode_rewrites_every_table_keeps_the_old_code_and_makes_no_history(giving: scopes.Scope) -> None:
    found = household(giving, members=[{"relationship": "10", "name": "李秀英", "id_number": id_number(male=False)}])
    with scopes.acting(giving):
        services.record_fact(fact=services.NewFact("vehicles", ON, "declared", household_id=found.pk, number=Decimal(1)), on=ON, now=NOW)
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from registry_personhistoryevent")
            history = cursor.fetchone()[0]
    owner = connections["owner"]
    try:
        done = divisions.recode(owner, old=VILLAGE, new="410122002001", on=date(2022, 12, 1))
    finally:
        owner.close()
    assert done.rows["registry_person.area"] == 2 and done.rows["registry_household.area"] == 1
    new = officer(Duty.TOWNSHIP_OFFICER, "410122002")
    with scopes.acting(new):
        assert Household.objects.get().area_then == VILLAGE and Person.objects.count() == 2 and Fact.objects.count() == 1
        assert set(Person.objects.values_list("registered_area", flat=True)) == {"410122002001"}
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from registry_personhistoryevent")
            assert cursor.fetchone()[0] == history
    with scopes.acting(giving):
        assert not Household.objects.exists() and not Person.objects.exists() and not Membership.objects.exists()
        with pytest.raises(ValidationError):
            household_at = {"area": VILLAGE, "name": "新人", "id_number": id_number(), "on": ON + timedelta(days=10), "now": NOW}
            services.register_person(**household_at)


def test_a_recode_that_would_leave_rows_behind_is_refused(committed_db: None) -> None:
    owner = connections["owner"]
    try:
        for old, new in (
            (VILLAGE, VILLAGE), (VILLAGE, "410122002"), (VILLAGE, "410122001999"), ("410122", "410102"), ("410122999999", VILLAGE),
        ):  # fmt: skip
            with pytest.raises(divisions.RecodeRefused):
                divisions.recode(owner, old=old, new=new, on=ON)
    finally:
        owner.close()


def test_a_new_township_is_registered_like_the_old_one_and_taken_over_by_a_recode(giving: scopes.Scope) -> None:
    household(giving)
    owner, old, new = connections["owner"], VILLAGE[:9], "410122899"
    try:
        with scopes.acting(giving):
            below = Division.objects.filter(code__gt=old, code__startswith=old, ends=None).count()
        made = divisions.register(owner, code=new, name="新设街道", on=ON, like=old)
        assert made == 1 + below > 2
        assert divisions.register(owner, code=new, name="新设街道", on=ON, like=old) == 0, "twice is once"
        with scopes.acting(giving):
            row, village = Division.objects.get(code=new), Division.objects.get(code=new + VILLAGE[9:])
            assert (row.level, row.parent_id, row.initials, row.starts) == ("township", "410122", "xsjd", ON)
            assert (village.name, village.parent_id, village.level) == (Division.objects.get(code=VILLAGE).name, new, "village")
        assert divisions.recode(owner, old=old, new=new, on=ON).rows["registry_household.area"] == 1
        for code, name, like in (
            (new, "另一名称", ""), (VILLAGE, "x", ""), ("41012289900", "十一位", ""), ("abcd12", "不是数字", ""), ("41", "河南省", ""), ("419999001", "没有上级", ""),
            (old + "998", "上级已停用", ""), ("410122898", "不同级", VILLAGE), (old, Division.objects.get(code=old).name, ""),
        ):  # fmt: skip
            with pytest.raises(divisions.RecodeRefused):
                divisions.register(owner, code=code, name=name, on=ON, like=like)
    finally:
        owner.close()
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, new)):
        assert Household.objects.get().area == new + VILLAGE[9:]


def test_the_application_cannot_recode(giving: scopes.Scope) -> None:
    with scopes.acting(giving), pytest.raises(DatabaseError):
        divisions.recode(connections["default"], old=VILLAGE, new="410122002001", on=ON)
    with scopes.acting(giving), pytest.raises(DatabaseError):
        divisions.register(connections["default"], code="410122899", name="新设街道", on=ON)


def test_divisions_are_loaded_once_with_initials_and_development_zones_marked(db: None) -> None:
    from doudi.core.models import Division

    assert Division.objects.count() == 55_164
    assert Division.objects.filter(level="village").count() == 52_378
    assert Division.objects.get(code="410122001003").initials.startswith("ddjsq")
    assert Division.objects.filter(statistical_only=True, level="county").exists()
    assert not Division.objects.filter(statistical_only=True).exclude(level="county").exists()


def test_row_history_cannot_be_switched_off_by_the_application(giving: scopes.Scope) -> None:
    found = household(giving, id_number=id_number())
    with scopes.acting(giving), connection.cursor() as cursor:
        cursor.execute("set local pgtrigger.ignore = '{registry_household:update_update,registry_household:pgtrigger_update_update_d30e4}'")
        cursor.execute("set local \"pgtrigger.ignore\" = '{pgtrigger_update_update_d30e4}'")
        services.change_household(household_id=found.pk, version=1, residence="urban", address="", on=ON, now=NOW)
        cursor.execute("select count(*) from registry_householdhistoryevent where pgh_label = 'update'")
        assert cursor.fetchone()[0] == 1
        with pytest.raises(DatabaseError), transaction.atomic():
            cursor.execute("update registry_householdhistoryevent set name = 'x'")
        with pytest.raises(DatabaseError), transaction.atomic():
            cursor.execute("delete from registry_householdhistoryevent")
