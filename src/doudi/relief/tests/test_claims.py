"""The same emergency is not paid twice anywhere in the province; a clash goes to the case meeting (integrity.md, "Relief"; 3.4)."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, connections

from doudi.core import audit, keys, numbers
from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Duty
from doudi.payments.models import Grant
from doudi.payments.tests.test_guards import refused, run
from doudi.relief import services
from doudi.relief.models import CaseMeeting, ReliefCase, ReliefClaim
from doudi.relief.services import Participant, Someone
from doudi.relief.services.meetings import digest_of
from doudi.relief.tests.world import NOW, ON, OTHER, Place, cash, id_number

PEOPLE = [Participant("李民政", "县民政局", "副局长"), Participant("王财政", "县财政局", "科长"), Participant("赵乡镇", "郑庵镇", "镇长")]


@pytest.fixture
def place() -> Place:
    return Place()


def someone(**more: Any) -> Someone:
    return Someone(**{"name": "赵急难", "id_number": id_number(), **more})


def meeting(place: Place, case: ReliefCase, *, by: scopes.Scope | None = None, **more: Any) -> CaseMeeting:
    given = {
        "held_on": ON, "place": "县民政局会议室", "participants": PEOPLE, "facts": "火灾后又遇车祸", "opinions": "一致同意", "resolution": "grant",
        "reason": "两次急难叠加，无其他救助渠道", "helps": [cash("9000.00", "payroll")], **more,
    }  # fmt: skip
    with scopes.acting(by or place.reviewer):
        return services.record_meeting(case_id=case.pk, version=place.fresh(case).version, now=NOW, **given)


@pytest.mark.django_db
def test_the_same_emergency_in_another_county_goes_to_a_meeting_with_the_first_countys_name(place: Place) -> None:
    who, other = someone(), Place(OTHER)
    place.granted(who)
    clash = other.granted(who)
    assert (clash.state, clash.clash, clash.amount) == ("meeting", "cause", None)
    assert "中牟县民政部门" in str(clash.clash_note) and "火灾" in str(clash.clash_note)
    assert other.fresh(clash).checked == "村委会核实"  # what was verified goes to the meeting with it
    with scopes.acting(other.reviewer):
        assert ReliefClaim.objects.count() == 0 and not Grant.objects.exists()
        record = AccessRecord.objects.filter(what="lookup", subject="relief").get()
        assert clash.number in record.reason and bytes(record.digest or b"") == keys.sealing_digest(str(who.id_number))
    # another cause is another emergency
    assert other.granted(who, cause="traffic").state == "granted"


@pytest.mark.django_db
def test_a_family_clashes_by_any_member_and_nobody_is_claimed_halfway(place: Place) -> None:
    who, other = someone(), Place(OTHER)
    place.granted(who)
    clash = other.granted(someone(), someone(), who)
    assert clash.state == "meeting"
    with scopes.acting(other.reviewer):
        assert ReliefClaim.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("first", "second", "state"),
    [
        (date(2024, 2, 29), date(2025, 2, 28), "meeting"),  # Civil Code art. 202: the period's last day
        (date(2024, 2, 29), date(2025, 3, 1), "granted"),
        (date(2023, 2, 28), date(2024, 2, 28), "meeting"),
        (date(2023, 2, 28), date(2024, 2, 29), "granted"),
        (date(2022, 3, 1), date(2023, 3, 1), "meeting"),
        (date(2022, 3, 1), date(2023, 3, 2), "granted"),
    ],
)
def test_one_year_from_the_event_leap_years_included(place: Place, first: date, second: date, state: str) -> None:
    who = someone()

    def at(day: date) -> datetime:
        return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)

    place.granted(who, event_on=first, now=at(first))
    assert place.granted(who, event_on=second, now=at(second)).state == state
    # entered in the other order it clashes just the same
    other = someone()
    place.granted(other, event_on=second, now=at(second))
    assert place.granted(other, event_on=first, now=at(first)).state == state if (second - first).days < 366 else True


@pytest.mark.django_db
def test_3_4_a_meeting_decides_beyond_the_rule_and_is_frozen(place: Place) -> None:
    who = someone()
    place.granted(who)
    clash = place.granted(who)
    made = meeting(place, clash)
    with pytest.raises(ValidationError, match="不能再改"):
        meeting(place, clash)
    both = scopes.Scope(area=place.county, account_id=place.reviewer.account_id, duty=Duty.COUNTY_APPROVER, page="test")
    with scopes.acting(both), pytest.raises(PermissionDenied):
        services.approve_meeting(case_id=clash.pk, version=place.fresh(clash).version, now=NOW)
    with scopes.acting(place.approver):
        done = services.approve_meeting(case_id=clash.pk, version=place.fresh(clash).version, now=NOW)
        assert (done.state, done.level, done.amount) == ("granted", "meeting", Decimal("9000.00"))
        assert ReliefClaim.objects.get(case=done).beyond
        row = CaseMeeting.objects.get(pk=made.pk)
        assert digest_of(row) == row.content_hash and len(row.participants) == 3
        for sql in ("update relief_casemeeting set amount = 1", "delete from relief_casemeeting"):
            with refused("permission denied"):
                run(sql)
    # what a meeting gave counts for the next one too
    assert place.granted(who).state == "meeting"


def test_the_owner_too_does_not_change_a_meeting(committed_db: None, owner_connection: Any) -> None:
    place, who = Place(), someone()
    place.granted(who)
    made = meeting(place, place.granted(who))
    for sql in ("update relief_casemeeting set amount = 1", "delete from relief_casemeeting", "update relief_reliefcase set people = 9"):
        with pytest.raises(psycopg.errors.CheckViolation):
            owner_connection.execute(sql)
    with scopes.acting(place.reviewer):
        row = CaseMeeting.objects.get(pk=made.pk)
        row.opinions = "改过的意见"
        assert digest_of(row) != row.content_hash


@pytest.mark.django_db
def test_3_4_a_case_that_no_rule_fits_gets_its_meeting_and_may_be_refused(place: Place) -> None:
    case = place.opened(someone(), relief_first=False)
    with scopes.acting(place.officer):
        case = services.to_meeting(case_id=case.pk, version=case.version, reason="救助需求超过县级上限", now=NOW)
    for changes, words in (
        ({"participants": PEOPLE[:2]}, "至少 3 人"),
        ({"participants": [PEOPLE[0]] * 3}, "至少 3 人"),
        ({"held_on": date(2022, 12, 7)}, "会议日期"),
        ({"opinions": " "}, "必填"),
        ({"helps": [services.Help("referral", referred_to="县总工会")]}, "金额"),
    ):
        with pytest.raises(ValidationError, match=words):
            meeting(place, case, **changes)
    meeting(place, case, resolution="refuse", helps=[])
    with scopes.acting(place.approver):
        done = services.approve_meeting(case_id=case.pk, version=place.fresh(case).version, now=NOW)
        assert done.state == "refused" and not ReliefClaim.objects.exists()


@pytest.mark.django_db
def test_the_meetings_amount_is_what_is_granted(place: Place) -> None:
    case = place.opened(someone(), relief_first=False)
    with scopes.acting(place.officer):
        case = services.to_meeting(case_id=case.pk, version=case.version, reason="救助需求超过县级上限", now=NOW)
    meeting(place, case, helps=[cash(str(case.ceiling + Decimal("0.01")), "payroll")])
    with scopes.acting(place.approver):
        with refused("something else|permission denied|sum of its grants|claimed for"):
            run(
                "update relief_reliefcase set state = 'granted', level = 'meeting', amount = 1, decided_by_id = %s, decided_at = now() where id = %s",
                [place.approver.account_id, case.pk],
            )
        done = services.approve_meeting(case_id=case.pk, version=place.fresh(case).version, now=NOW)
        assert done.amount == case.ceiling + Decimal("0.01")


# --- guards ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sql",
    [
        "insert into relief_reliefclaim (area, case_id, token, cause, event_on, until, year, slot, beyond, void, made_at) select area, case_id,"
        " gen_random_uuid(), cause, event_on, until, year, slot, beyond, void, made_at from relief_reliefclaim",
        "update relief_reliefclaim set void = true",
        "delete from relief_reliefclaim",
    ],
)
def test_claims_are_not_the_applications_to_write(place: Place, sql: str) -> None:
    place.granted(someone())
    with scopes.acting(place.officer), refused("permission denied"):
        run(sql)


@pytest.mark.django_db
def test_the_functions_answer_for_own_open_cases_only(place: Place) -> None:
    case, other = place.opened(someone()), Place(OTHER)
    granted = place.granted(someone())
    with scopes.acting(other.officer):
        with refused("no open case here"):
            run("select doudi.claim_relief(%s, false, now())", [case.pk])
        with refused("no case here"):
            run("select doudi.release_relief(%s)", [granted.pk])
    with scopes.acting(place.officer):
        with refused("no open case here"):
            run("select doudi.claim_relief(%s, false, now())", [granted.pk])
        with refused("only by a case meeting"):
            run("select doudi.claim_relief(%s, true, now())", [case.pk])
        with refused("what was granted stands"):
            run("select doudi.release_relief(%s)", [granted.pk])


def test_the_exclusion_and_the_slot_hold_for_the_owner(committed_db: None, owner_connection: Any) -> None:
    place = Place()
    place.granted(someone())
    copy = (
        "insert into relief_reliefclaim (area, case_id, token, cause, event_on, until, year, slot, beyond, void, made_at) select area, case_id + 999,"
        " token, {cause}, {event}, ({event} + interval '1 year')::date, year, {slot}, false, false, made_at from relief_reliefclaim limit 1"
    )
    for changes, error in (
        ({"cause": "cause", "event": "event_on + 365", "slot": "2"}, psycopg.errors.ExclusionViolation),
        ({"cause": "'illness'", "event": "event_on", "slot": "1"}, psycopg.errors.UniqueViolation),
        ({"cause": "'illness'", "event": "event_on", "slot": "null"}, psycopg.errors.CheckViolation),
    ):
        with pytest.raises(error):
            owner_connection.execute(copy.format(**changes))


@pytest.mark.django_db
def test_the_look_up_takes_an_exact_number_and_a_committed_record(place: Place) -> None:
    who, other = someone(), Place(OTHER)
    place.granted(who)
    number = str(who.id_number)
    with scopes.acting(other.officer):
        found = services.look_up_relief(id_number=number, reason="申请人自述曾获救助", now=NOW)
        assert [(one.county, one.cause, one.event_on) for one in found] == [("中牟县", "火灾", ON)]
        assert services.look_up_relief(id_number=id_number(), reason="申请人自述曾获救助", now=NOW) == []
        with pytest.raises(ValidationError, match="查询事由"):
            services.look_up_relief(id_number=number, reason="查", now=NOW)
        token, digest = numbers.id_token(number), keys.sealing_digest(number)
        for record in (0, audit.record_access(what="open", subject="relief", digest=digest), audit.record_access(what="lookup", subject="relief", digest=b"x")):
            with refused("no committed access record"):
                run("select * from doudi.relief_elsewhere(%s, %s, %s, %s)", [token, digest, record, ON])
        record = audit.record_access(what="lookup", subject="relief", digest=digest)
        run("select * from doudi.relief_elsewhere(%s, %s, %s, %s)", [token, digest, record, ON])
        with refused("used up"):
            run("select * from doudi.relief_elsewhere(%s, %s, %s, %s)", [token, digest, record, ON])
    with scopes.acting(place.finance), pytest.raises(PermissionDenied):
        services.look_up_relief(id_number=number, reason="申请人自述曾获救助", now=NOW)


@pytest.mark.django_db
def test_thirty_look_ups_an_hour_and_not_one_more(place: Place) -> None:
    with scopes.acting(place.officer):
        for _ in range(30):
            services.look_up_relief(id_number=id_number(), reason="核对重复救助", now=NOW)
        with pytest.raises(ValidationError, match="已达 30 次"):
            services.look_up_relief(id_number=id_number(), reason="核对重复救助", now=NOW)


# --- at once ---------------------------------------------------------------------------------------------------------


def at_once(*works: Any) -> list[Any]:
    """Each work on a connection of its own, begun together; their answers or errors."""
    gate, found = threading.Barrier(len(works)), [None] * len(works)

    def one(place: int, work: Any) -> None:
        try:
            gate.wait()
            found[place] = work()
        except Exception as error:
            found[place] = error  # type: ignore[call-overload]
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_two_counties_at_once_help_the_same_emergency_once(committed_db: None) -> None:
    here, there = Place(), Place(OTHER)
    for _ in range(3):
        who, second = someone(), someone()
        # the second household lists the members in the other order: no deadlock
        cases = [here.opened(who, second), there.opened(second, who)]
        found = at_once(lambda: here.grant(cases[0]), lambda: there.grant(cases[1]))  # noqa: B023
        assert sorted(case.state for case in found) == ["granted", "meeting"], found


def test_two_officers_decide_one_case_at_once_and_the_second_is_told(committed_db: None) -> None:
    place = Place()
    case = place.opened(someone())
    found = at_once(
        lambda: place.grant(case),
        lambda: _refuse(place, case),
    )
    assert sum(isinstance(one, services.Stale) for one in found) == 1
    assert place.fresh(case).state in ("granted", "refused")


def _refuse(place: Place, case: ReliefCase) -> ReliefCase:
    with scopes.acting(place.officer):
        return services.refuse(case_id=case.pk, version=case.version, reason="不属于救助范围", now=NOW)


def test_relief_first_in_one_go_is_all_or_nothing(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from uuid import uuid4

    from doudi.payments.services import reserves
    from doudi.relief.services import first

    place, key = Place(), uuid4()
    given: dict[str, Any] = {
        "key": key, "area": place.village, "kind": "emergency", "cause": "fire", "event_on": ON, "facts": "家中起火", "people": [someone()],
        "means": "cash", "now": NOW,
    }  # fmt: skip

    def dies(**_kwargs: Any) -> None:
        raise RuntimeError("the machine stops here")

    monkeypatch.setattr(first.reserves, "pay_out", dies)
    with pytest.raises(RuntimeError), scopes.acting(place.officer):
        services.help_first(amount=Decimal("500.00"), **given)
    monkeypatch.undo()
    with scopes.acting(place.officer):
        assert not ReliefCase.objects.exists() and not ReliefClaim.objects.exists()
        with pytest.raises(ValidationError, match="请报县级审批"):
            services.help_first(amount=Decimal("99999.00"), **given)
        assert not ReliefCase.objects.exists()
    with scopes.acting(place.officer):
        done = services.help_first(amount=Decimal("500.00"), **given)
        assert done.payout and done.fresh and reserves.balance_of(place.township).held == Decimal("24500.00")
    with scopes.acting(place.officer):
        again = services.help_first(amount=Decimal("500.00"), **given)
        assert not again.fresh and again.payout and again.payout.pk == done.payout.pk
        assert reserves.balance_of(place.township).held == Decimal("24500.00")
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from relief_reliefclaim")
            assert cursor.fetchone() == (1,)


@pytest.mark.django_db
def test_an_empty_reserve_is_said_and_nothing_is_left(place: Place) -> None:
    poor = Place("410184", money="")
    from uuid import uuid4

    with scopes.acting(poor.officer), pytest.raises(ValidationError, match=r"结存 0\.00 元"):
        services.help_first(
            key=uuid4(), area=poor.village, kind="emergency", cause="fire", event_on=ON, facts="家中起火", people=[someone()], means="cash",
            amount=Decimal("500.00"), now=NOW,
        )  # fmt: skip
    with scopes.acting(poor.officer):
        assert not ReliefCase.objects.exists()
