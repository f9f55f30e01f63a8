"""Measures 5.3 and 5.4: referrals and transfers between services and counties; what the receiver sees, and until when."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction

from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import Duty, Todo
from doudi.core.tests.officers import TOWNSHIP, officer
from doudi.core.tests.together import as_, together
from doudi.protection import services
from doudi.protection.models import Care, CaseAssignment, CaseEvent, ProtectionCase, Referral, ReferralContent, ReferralStep
from doudi.protection.tests.care_world import DAY, ELSEWHERE, CareOffice, fresh
from doudi.protection.tests.world import NOW, VILLAGE

pytestmark = pytest.mark.django_db
CLOCK = scopes.Scope(area="41", duty=WORKER, page="test", acts=frozenset({"protection.clocks"}))


def todos(area: str = "41") -> set[tuple[str, str]]:
    with scopes.acting(scopes.Scope(area=area)):
        return set(Todo.objects.filter(done_at__isnull=True, subject="protection_referral").values_list("kind", "duty"))


def filed(office: CareOffice) -> ProtectionCase:
    row = office.taken()
    with scopes.acting(office.worker):
        for section, values in (("health", {"health": "良好", "mind": "夜惊"}), ("parents", {"father": "服刑"})):
            services.save_section(case_id=row.pk, section=section, version=0, values=values, before={}, now=NOW)
    return fresh_as(office, row)


def fresh_as(office: CareOffice, row: ProtectionCase) -> ProtectionCase:
    with scopes.acting(office.worker):
        return fresh(row)


def seen(who: scopes.Scope, pk: int) -> Any:
    with scopes.acting(who):
        return services.open_referral(referral_id=pk, now=NOW)[1]


def test_5_4_the_receiver_in_another_county_sees_what_was_chosen_as_it_stood_and_nothing_else() -> None:
    office = CareOffice()
    row = filed(office)
    made = office.offered(row)
    with scopes.acting(office.worker):
        services.save_section(
            case_id=row.pk, section="health", version=1, values={"health": "发热"}, before={"health": "良好", "mind": "夜惊"}, now=NOW
        )
    content = seen(office.there, made.pk)
    assert content["sections"] == {"health": {"health": "良好", "allergies": "", "disability": "", "mind": "夜惊"}}
    assert (content["minor"]["name"], content["minor"]["age"]) == ("郭小阳", 10)
    with scopes.acting(office.there):
        assert not ProtectionCase.objects.exists()
        assert [each.what for each in ReferralStep.objects.all()] == ["offered"]
    for stranger in (
        officer(Duty.STATION_WORKER, ELSEWHERE + "101"),
        officer(Duty.PROTECTION_WORKER, "410183"),
        officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP),
    ):
        with scopes.acting(stranger):
            assert not Referral.objects.exists() and not ReferralContent.objects.exists()


@pytest.mark.parametrize("how", ["done", "declined", "revoked"])
def test_5_4_access_ends_with_the_referral(how: str) -> None:
    office = CareOffice()
    made = office.offered(filed(office))
    with scopes.acting(office.there):
        services.accept(referral_id=made.pk, version=1, note="", now=NOW)
        services.report_progress(referral_id=made.pk, version=2, note="已疏导 1 次", now=NOW + DAY)
        if how != "revoked":
            act = services.finish if how == "done" else services.decline
            act(**{"referral_id": made.pk, "version": 3, "now": NOW + DAY, "result" if how == "done" else "reason": "情绪平稳，建议每周一次"})
    if how == "revoked":
        with scopes.acting(office.worker):
            services.revoke(referral_id=made.pk, version=3, reason="孩子随父亲回乡", now=NOW + DAY)
    assert todos() == {(f"referral_{how}", "protection_worker")}
    with scopes.acting(office.there):
        row, content, steps = services.open_referral(referral_id=made.pk, now=NOW)
        assert (row.state, content, steps) == (how, None, [])
        assert not ReferralContent.objects.exists() and not ReferralStep.objects.exists()
        with pytest.raises(ValidationError, match="刷新"):
            services.report_progress(referral_id=made.pk, version=row.version, note="再看一眼", now=NOW)
    assert seen(office.worker, made.pk)["purpose"]
    left = {(f"referral_{how}", "protection_worker")} if how == "declined" else set()
    assert todos() == left, "who opened it knows of its end; what came back is still to be offered to somebody"
    with scopes.acting(office.worker):
        assert {f"referral_{how}", "referral_offered", "referral_accepted"} <= set(CaseEvent.objects.values_list("what", flat=True))


def test_5_4_with_the_case_ends_what_was_to_be_done_about_it() -> None:
    """A referral that came back need not be offered again, nor a service of the plan reported on."""
    office = CareOffice()
    row = filed(office)
    made = office.offered(row)
    with scopes.acting(office.there):
        services.decline(referral_id=made.pk, version=1, reason="线上授课期间无须借读", now=NOW)
    with scopes.acting(office.worker):
        goal = services.add_goal(case_id=row.pk, uuid=uuid4(), goal="生活有保障", due=NOW.date() + DAY, now=NOW)
        services.add_service(case_id=row.pk, goal_id=goal.pk, uuid=uuid4(), kind="care", what="送冬衣", due=NOW.date(), account_id=None, provider="社工站", now=NOW)
    with scopes.acting(scopes.Scope(area="41", duty=WORKER, acts=frozenset({"protection.clocks"}))):
        services.run_clocks(area="410122", on=NOW.date(), now=NOW)
        waiting = Todo.objects.filter(done_at__isnull=True, subject__in=("protection_service", "protection_referral"))
        assert set(waiting.values_list("kind", flat=True)) == {"protection_service", "referral_declined"}
    with scopes.acting(office.worker):
        services.close_case(case_id=row.pk, version=fresh(row).version, reason="unfounded", note="经核实，孩子由祖母照料", now=NOW + DAY)
    with scopes.acting(scopes.Scope(area="41", duty=WORKER, acts=frozenset({"protection.clocks"}))):
        assert not waiting.exists()


def test_5_4_of_two_who_accept_at_once_the_second_is_told(committed_db: None) -> None:
    office = CareOffice()
    other = officer(Duty.PROTECTION_WORKER, ELSEWHERE)
    made = office.offered()
    done, told = together(*(as_(who, services.accept, referral_id=made.pk, version=1, note="", now=NOW) for who in (office.there, other)))
    assert (len(done), len(told)) == (1, 1) and ("他人" in told[0])
    late = other if done[0].accepted_by_id == office.there.account_id else office.there
    with scopes.acting(late):
        assert not Referral.objects.exists() and not ReferralContent.objects.exists()


def test_5_4_nobody_speaks_for_the_other_side() -> None:
    office = CareOffice()
    made = office.offered()
    with scopes.acting(office.worker):
        for act in (services.accept, services.decline):
            with pytest.raises(PermissionDenied):
                act(**{"referral_id": made.pk, "version": 1, "now": NOW, "note" if act is services.accept else "reason": "代为办理"})
        with pytest.raises(DatabaseError), transaction.atomic():
            Referral.objects.update(state="accepted", accepted_at=NOW)
    with scopes.acting(office.there):
        with pytest.raises(PermissionDenied):
            services.revoke(referral_id=made.pk, version=1, reason="不需要了", now=NOW)
        for change in ("state = 'revoked', ended_at = now()", "to_area = '410122'", "state = 'done', ended_at = now()"):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"update protection_referral set {change}")
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("select doudi.move_protection_case(%s, now())", [made.pk])
        with pytest.raises(DatabaseError), transaction.atomic():
            ReferralContent.objects.create(referral_id=made.pk, case_id=made.case_id, area=ELSEWHERE, content="{}")


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"to_area": "410199"}, "to_area"), ({"to_area": ELSEWHERE, "to_duty": "station_worker"}, "to_area"), ({"to_duty": "visitor"}, "to_duty"),
        ({"to_duty": "", "to_name": ""}, "to_name"), ({"purpose": "急"}, "purpose"), ({"ground_note": ""}, "ground_note"), ({"sections": ("visits",)}, "sections"),
        ({"sections": ("health", "x")}, "sections"), ({"purpose": "请联系班主任13812345678"}, "purpose"),
        ({"kind": "transfer"}, "service"), ({"kind": "transfer", "service": "case", "to_area": "410122"}, "to_area"),
        ({"kind": "transfer", "service": "case", "to_duty": "", "to_name": "县医院"}, "to_duty"),
    ],
)  # fmt: skip
def test_5_4_what_is_wrong_with_an_offer_is_named(words: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as raised:
        CareOffice().offered(**words)
    assert field in raised.value.error_dict


def test_5_4_a_duty_refers_only_what_it_may_read_itself_and_the_same_form_is_one() -> None:
    office = CareOffice()
    row = office.opened()
    with scopes.acting(office.supervisor):
        row = services.take(case_id=row.pk, version=1, now=NOW)
        given: dict[str, Any] = {
            "kind": "referral",
            "service": "visit",
            "to_area": ELSEWHERE,
            "to_duty": "protection_worker",
            "ground": "law",
            "ground_note": "",
        }
        with pytest.raises(ValidationError) as raised:
            services.offer(
                case_id=row.pk, version=2, uuid=uuid4(), given=services.Offer(**given, purpose="请上门看望孩子", sections=("health",)), now=NOW
            )
        assert "sections" in raised.value.error_dict
        uuid = uuid4()
        first = services.offer(case_id=row.pk, version=2, uuid=uuid, given=services.Offer(**given, purpose="请上门看望孩子"), now=NOW)
        assert services.offer(case_id=row.pk, version=2, uuid=uuid, given=services.Offer(**given, purpose="请上门看望孩子"), now=NOW).pk == first.pk


def test_5_4_a_referral_expires_after_working_days_over_a_holiday_and_is_offered_again() -> None:
    """Offered on Friday 30 September 2022: the seven days of the holiday do not count, the make-up Saturday and Sunday do."""
    office = CareOffice()
    friday = datetime(2022, 9, 30, 2, tzinfo=UTC)
    made = office.offered(now=friday)
    assert made.due == date(2022, 10, 10)
    watch = [(date(2022, 10, 8), 0, 0), (date(2022, 10, 9), 0, 2), (date(2022, 10, 10), 0, 0), (date(2022, 10, 11), 1, 0)]
    for day, expired, reminded in watch:
        with scopes.acting(CLOCK):
            now = friday.replace(month=10, day=day.day)
            assert services.watch_referrals(area="410122", on=day, now=now) == {"expired": expired, "reminded": reminded}, day
    assert todos() == {("referral_expired", "protection_worker")}
    assert seen(office.there, made.pk) is None
    with scopes.acting(office.there), pytest.raises(ValidationError, match="逾期"):
        services.accept(referral_id=made.pk, version=1, note="", now=friday + 11 * DAY)
    row = ProtectionCase(pk=made.case_id)
    with scopes.acting(office.worker):
        again = office.offered(row, friday + 11 * DAY, again=made.pk)
        assert (again.follows_id, again.due) == (made.pk, date(2022, 10, 14))
    assert todos() == {("referral_offered", "protection_worker")}
    with scopes.acting(office.worker), pytest.raises(ValidationError, match="重新转介过"):
        office.offered(row, friday + 11 * DAY, again=made.pk)


def test_5_4_a_service_outside_of_the_system_is_answered_by_who_refers() -> None:
    office = CareOffice()
    made = office.offered(to_duty="", to_name="县人民医院", to_area="410122", service="medical")
    assert todos() == set()
    with scopes.acting(office.worker):
        services.accept(referral_id=made.pk, version=1, note="电话答复接收", now=NOW)
        row = services.finish(referral_id=made.pk, version=2, result="轻度焦虑，已配药", now=NOW + DAY)
        assert (row.state, row.accepted_by_id) == ("done", None)


def test_5_4_a_transfer_moves_the_case_with_everything_that_hangs_on_it(owner_connection: Any) -> None:
    office = CareOffice()
    row = filed(office)
    care = office.sheeted(office.living(row))
    office.guarded(row, NOW + timedelta(hours=1))
    other = office.offered(row)
    with scopes.acting(office.worker):
        services.add_helper(case_id=row.pk, version=fresh(row).version, account_id=office.director.account_id, reason="就近走访", now=NOW)
    made = office.offered(row, kind="transfer", service="case", ground="law", sections=())
    with pytest.raises(ValidationError, match="已有一件移交"):
        office.offered(row, kind="transfer", service="case", ground="law", sections=())
    with scopes.acting(office.there):
        taken = services.accept(referral_id=made.pk, version=1, note="已与前任通话", now=NOW + DAY)
        assert taken.state == "done"
        case = ProtectionCase.objects.get(pk=row.pk)
        assert (case.area, case.responsible_id, case.state) == (ELSEWHERE, office.there.account_id, "assessing")
        assert Care.objects.get(case=case, state="active").kind == "guardianship" and care.hand_overs.exists()
        assert services.open_file(case_id=case.pk)[1][2].values["mind"] == "夜惊"
        assert CaseEvent.objects.filter(case=case, area=ELSEWHERE).count() == CaseEvent.objects.filter(case=case).count() >= 8
        assert list(CaseAssignment.objects.filter(case=case, ends__isnull=True).values_list("account_id", "role")) == [
            (office.there.account_id, "responsible")
        ]
        assert Referral.objects.get(pk=other.pk).area == ELSEWHERE
        assert not Todo.objects.filter(subject="protection_case", done_at__isnull=True, area=VILLAGE).exists()
        with pytest.raises(ValidationError, match="刷新"):
            services.accept(referral_id=made.pk, version=1, note="", now=NOW + DAY)
    for before in (office.worker, office.director, office.supervisor, office.approver):
        with scopes.acting(before):
            assert not ProtectionCase.objects.exists() and not Care.objects.exists() and not CaseEvent.objects.exists()
    with scopes.acting(office.worker):
        row_, content, _steps = services.open_referral(referral_id=made.pk, now=NOW)
        assert (row_.state, content) == ("done", None)
    # nothing of the case stays behind, in whatever table
    left = "select table_name from information_schema.columns where table_schema = 'doudi' and starts_with(table_name, 'protection_') and column_name = 'case_id'"
    with connection.cursor() as cursor, scopes.acting(scopes.Scope(area="41", duty=WORKER)):
        cursor.execute(left)
        tables = [table for (table,) in cursor.fetchall() if table != "protection_referral"]
        assert {"protection_care", "protection_handover", "protection_casesection", "protection_referralcontent"} <= set(tables)
        for table in tables:
            cursor.execute(f"select count(*) from {table} where case_id = %s and area <> %s", [row.pk, ELSEWHERE])
            assert cursor.fetchone() == (0,), table
