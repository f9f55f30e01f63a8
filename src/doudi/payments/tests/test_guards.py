"""Each guard of payments (integrity.md), broken on purpose: as the application, and as the owner where a trigger must hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction

from doudi.core import scope as scopes
from doudi.core.models import Posting
from doudi.enrolment.models import AwardMember
from doudi.payments.models import BankResult, BankReturn, PaidMonth, Payroll, PayrollExclusion
from doudi.payments.services import corrections, drafts, ledger, payrolls
from doudi.payments.tests.world import COUNTY, MONTH, NOVEMBER, NOW, PAPER, Officers, award, card

LINE = (
    "insert into payments_payrollline (area, month_entitled, kind, cause, returned_line, entitlement_id, payroll_id, month_paid, programme, household_id,"
    " fund_id, fund_year, amount, members, payee_id, payee_name, payee, beneficiary_name, beneficiary, account, bank, decision_id)"
    " select area, {month}, {kind}, {cause}, {returned}, {entitlement}, {payroll}, {paid}, {programme}, household_id, {fund}, {year}, {amount}, {members},"
    " payee_id, payee_name, payee, beneficiary_name, beneficiary, account, bank, decision_id from payments_payrollline where id = %s"
)
SAME = {
    "month": "month_entitled",
    "kind": "kind",
    "cause": "cause",
    "returned": "returned_line",
    "entitlement": "entitlement_id",
    "payroll": "payroll_id",
    "paid": "month_paid",
    "programme": "programme",
    "fund": "fund_id",
    "year": "fund_year",
    "amount": "amount",
    "members": "members",
}


def again(line: int, **changes: str) -> tuple[str, list[int]]:
    """A second line like this one, with changes."""
    return LINE.format(**{**SAME, **changes}), [line]


def run(sql: str, params: list[Any] | None = None) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, params)
    scopes.check_constraints()


@contextmanager
def refused(words: str = "") -> Iterator[None]:
    with pytest.raises(DatabaseError, match=words), transaction.atomic():
        yield


@pytest.fixture
def draft(officers: Officers) -> Payroll:
    return officers.draft()


@pytest.fixture
def january(officers: Officers, draft: Payroll) -> Payroll:
    """January alone, December not paid: a second line like its first one may be of December."""
    with scopes.acting(officers.reviewer):
        payrolls.delete_draft(payroll_id=draft.pk, now=NOW)
        return payrolls.prepare_payroll(area=COUNTY, month=date(2023, 1, 1), arrears_from=date(2023, 1, 1), now=NOW).payroll


# --- lines and paid months -------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sql",
    [
        "insert into payments_paidmonth (person_id, grp, month, line_id, area) values (1, 1, '2022-12-01', 1, '410122101201')",
        "update payments_paidmonth set line_id = 0",
        "delete from payments_paidmonth",
        "update payments_payrollline set amount = amount + 1",
        "update payments_payrollline set payroll_id = 0",
        "truncate payments_payrollline",
        "update payments_fundpurpose set programme = 'marginal'",
        "delete from payments_fundpurpose",
        "insert into payments_fund (code, name, pool, area) values ('x', 'x', 'x', '410122')",
        "delete from payments_fundmovement",
        "update payments_fundmovement set amount = 1",
        "update payments_ledgerentry set amount = 0.01",
        "delete from payments_ledgerentry",
        "delete from payments_bankresult",
        "update payments_bankresult set paid_lines = 0",
        "delete from payments_bankreturn",
        "update payments_bankreturn set amount = 0.01",
        "update payments_bankfile set amount = 0.01",
        "update payments_payroll set apart = false",
        "update payments_payroll set area = '410123'",
        "select doudi.add_payment_months('2029-01-01', '2029-02-01')",
        "create table payments_payrollline_202901 partition of payments_payrollline for values from ('2029-01-01') to ('2029-02-01')",
        "alter table payments_payrollline disable trigger all",
    ],
)
def test_the_application_has_no_right_to_it(officers: Officers, draft: Payroll, sql: str) -> None:
    with scopes.acting(officers.reviewer), refused("permission denied|must be owner"):
        run(sql)


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["payments_payrollline_202212", "payments_paidmonth_202212", "payments_payrollline_202301"])
def test_a_partition_is_not_reached_past_its_parent(officers: Officers, draft: Payroll, table: str) -> None:
    for sql in (f"select * from {table}", f"delete from {table}", f"insert into {table} default values"):
        with scopes.acting(officers.reviewer), refused("permission denied"):
            run(sql)


def test_next_months_partition_is_protected_as_it_is_made(committed_db: None, owner_connection: Any) -> None:
    owner_connection.execute("select doudi.add_payment_months('2031-01-01', '2031-01-01')")
    officers = Officers()
    with scopes.acting(officers.reviewer):
        for table in ("payments_payrollline_203101", "payments_paidmonth_203101"):
            with refused("permission denied"):
                run(f"select * from {table}")
    rights = owner_connection.execute(
        "select count(*), bool_and(relrowsecurity) from pg_class where relname in ('payments_payrollline_203101', 'payments_paidmonth_203101')"
    ).fetchone()
    assert rights == (2, True)


@pytest.mark.django_db
def test_a_second_regular_line_of_a_month_is_refused(officers: Officers, draft: Payroll) -> None:
    with scopes.acting(officers.reviewer), refused("_entitlement_id_month_entitled_k"):
        run(*again(officers.first_line(draft)))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"month": "date '2022-12-01'", "members": "3"}, "regular lines pay 3 members, the awards have 2"),
        ({"month": "date '2022-12-01'", "members": "1"}, "regular lines pay 1 members, the awards have 2"),
        ({"month": "date '2022-12-01'", "members": "0"}, "regular lines pay"),
        ({"month": "date '2022-12-01'", "fund": "2"}, "not for this programme"),
        ({"month": "date '2022-12-01'", "programme": "'marginal'"}, "not for this programme"),
        ({"month": "date '2022-12-01'", "paid": "date '2022-12-01'"}, "drafts of their own area"),
        ({"month": "date '2022-12-01'", "payroll": "0"}, "drafts of their own area"),
        ({"month": "date '2023-02-01'"}, "payroll_line_not_ahead"),
        ({"month": "date '2022-12-15'"}, "check"),
        ({"month": "date '2022-12-01'", "amount": "0"}, "check"),
        ({"month": "date '2022-12-01'", "amount": "-5"}, "check"),
        ({"month": "date '2022-12-01'", "amount": "'NaN'"}, "payroll_line_number"),
        ({"kind": "'back'"}, "check"),
        ({"kind": "'setoff'", "cause": "1"}, "check"),
        ({"kind": "'reissue'", "cause": "id"}, "check"),
        ({"kind": "'reissue'", "cause": "id", "returned": "id"}, "payroll_line_reissue"),
        ({"month": "date '2040-01-01'"}, "no partition"),
    ],
)
def test_a_line_that_does_not_fit_is_refused(officers: Officers, january: Payroll, changes: dict[str, str], words: str) -> None:
    with scopes.acting(officers.reviewer), refused(words):
        run(*again(officers.first_line(january), **changes))


@pytest.mark.django_db
def test_released_lines_stay_and_none_is_added(officers: Officers, draft: Payroll) -> None:
    officers.released(draft)
    with scopes.acting(officers.reviewer):
        line = officers.first_line(draft)
        with refused("left the draft stays"):
            run("delete from payments_payrollline where id = %s", [line])
        with refused("drafts of their own area"):
            run(*again(line, month="date '2022-11-01'"))
        with refused("only an empty draft|violates foreign key|left the draft"):
            run("delete from payments_payroll where id = %s", [draft.pk])
        assert PaidMonth.objects.count() == 2


def test_the_owner_too_neither_changes_nor_deletes_what_was_released(committed_db: None, owner_connection: Any) -> None:
    import psycopg

    officers = Officers()
    with scopes.acting(officers.reviewer):
        award()
    officers.money()
    payroll = officers.released(officers.prepared().payroll)
    for sql in (
        "update payments_payrollline set amount = amount + 1",
        "delete from payments_payrollline",
        "update payments_payroll set state = 'draft'",
        "update payments_payroll set amount = amount + 1",
        "update payments_payroll set released_by_id = null",
        "delete from payments_payroll",
        "delete from payments_ledgerentry",
        "update payments_ledgerentry set amount = amount * 2",
        f"insert into payments_bankresult (area, payroll_id, name, path, sha256, paid_lines, paid_amount, returned_lines, returned_amount, booked_on,"
        f" booked_by_id, booked_at) values ('{COUNTY}', {payroll.pk}, 'x', 'x', 'x', 2, 1, 0, 0, '2022-12-08', {officers.finance.account_id}, now())",
    ):
        with pytest.raises(psycopg.errors.CheckViolation):
            owner_connection.execute(sql)


@pytest.mark.django_db
def test_a_payroll_takes_its_steps_in_order(officers: Officers, draft: Payroll) -> None:
    with scopes.acting(officers.reviewer):
        for state in ("approved", "released", "booked"):
            with refused("does not go from"):
                run("update payments_payroll set state = %s where id = %s", [state, draft.pk])
        with refused("a signature is missing"):
            run("update payments_payroll set state = 'checked' where id = %s", [draft.pk])
        with refused("differs from its lines"):
            run(
                "update payments_payroll set state = 'checked', checked_by_id = prepared_by_id, content_hash = 'x', amount = amount + 1 where id = %s",
                [draft.pk],
            )
        with refused("begins as an empty draft"):
            run(
                "insert into payments_payroll (area, number, month, kind, serial, state, lines, amount, content_hash, prepared_by_id, prepared_at, note)"
                " values (%s, 'N', '2022-12-01', 'regular', 9, 'approved', 0, 0, '', %s, now(), '')",
                [COUNTY, officers.reviewer.account_id],
            )
        # the approver is another person, whatever the service was asked
        with refused("who writes the lines"):
            run("update payments_payroll set prepared_by_id = %s where id = %s", [officers.approver.account_id, draft.pk])
        checked = "update payments_payroll set state = 'checked', checked_by_id = {who}, content_hash = 'x' where id = %s"
        with refused("payroll_checker_is_other"):
            run(checked.format(who="prepared_by_id"), [draft.pk])
        run(checked.format(who=officers.checker.account_id), [draft.pk])
        approved = "update payments_payroll set state = 'approved', approved_by_id = %s, approved_at = '2022-12-05' where id = %s"
        with refused("needs another signer"):
            run(approved, [officers.finance.account_id, draft.pk])
        with scopes.acting(scopes.Scope(area="41")):
            for scope in (officers.reviewer, officers.checker):  # even where they hold the approver's duty too
                Posting.objects.create(account_id=scope.account_id, duty="county_approver", area=COUNTY, starts=date(2022, 1, 1))
        with refused("payroll_approver_is_other"):
            run(approved, [officers.reviewer.account_id, draft.pk])
        with refused("payroll_approver_not_checker"):
            run(approved, [officers.checker.account_id, draft.pk])
        run(approved, [officers.approver.account_id, draft.pk])
        with refused("ledger does not carry"):
            run("update payments_payroll set state = 'released', released_by_id = %s where id = %s", [officers.finance.account_id, draft.pk])
        with refused("is_other|ledger does not carry"):
            run("update payments_payroll set state = 'released', released_by_id = approved_by_id where id = %s", [draft.pk])


@pytest.mark.django_db
def test_lines_changed_behind_the_signature_stop_the_approval(officers: Officers, draft: Payroll) -> None:
    officers.checked(draft)
    with scopes.acting(officers.reviewer):
        run(
            "update registry_person set name = name || '改' where id in (select payee_id from payments_payrollline where payroll_id = %s)", [draft.pk]
        )
    with scopes.acting(officers.approver):
        payrolls.approve_payroll(payroll_id=draft.pk, now=NOW)  # a snapshot: what the registry says later changes nothing
    with scopes.acting(officers.approver):
        payrolls_hash = Payroll.objects.get(pk=draft.pk).content_hash
    assert len(payrolls_hash) == 64


# --- people in two awards or areas -----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_person_in_two_awards_of_a_group_is_refused(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        first = award()
        with refused("award_member_once"):
            award(people=first.people, programme="tekun")
        award(people=first.people, programme="disability_nursing")  # another group
    assert officers.prepared().lines == 2


@pytest.mark.django_db
def test_nobody_is_paid_by_two_areas_in_a_month(officers: Officers) -> None:
    """After a move, both areas hold an award: the one that pays first pays, the other is told, without a word on where."""
    with scopes.acting(officers.reviewer):
        given = award()
    officers.money()
    officers.released(officers.prepared().payroll)
    other = Officers("410181")
    area = "410181101201"
    with scopes.acting(other.reviewer):
        here = award(area=area)
    with scopes.acting(scopes.Scope(area="41")), refused("twice|member_is_here|managed elsewhere|award_member_once"):
        AwardMember.objects.create(area=area, award=here.award, person=given.people[0], grp=1, starts=MONTH)
    with scopes.acting(other.reviewer), connection.cursor() as cursor:
        cursor.execute("select count(*) from doudi.months_paid_already(array['2022-12-01']::date[])")
        assert cursor.fetchone()[0] == 0


def test_a_paid_month_elsewhere_excludes_and_a_race_is_told(committed_db: None, owner_connection: Any) -> None:
    officers = Officers()
    with scopes.acting(officers.reviewer):
        one, two = award(), award()
    owner_connection.execute(
        "insert into payments_paidmonth (person_id, grp, month, line_id, area) values (%s, 1, '2022-12-01', 999999999, '410181101201')",
        [one.people[0].pk],
    )
    found = officers.prepared()
    assert (found.lines, found.excluded) == (1, 1)
    with scopes.acting(officers.reviewer):
        row = PayrollExclusion.objects.get()
        assert (row.entitlement_id, row.reason) == (one.award.pk, "paid_elsewhere")
        assert PaidMonth.objects.count() == 1  # the other area's row is not seen
        line = officers.first_line(found.payroll)
        assert two.award.pk == found.payroll.payroll_lines.get().entitlement_id
        with refused("a person would be paid twice for a month"):
            run(*again(line, entitlement=str(one.award.pk)))


# --- returns, ledger -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_reissue_needs_a_return_of_that_amount_and_comes_once(officers: Officers, draft: Payroll) -> None:
    officers.released(draft)
    with scopes.acting(officers.reviewer):
        line = officers.first_line(draft)
    officers.booked(draft, officers.answer(draft, line))
    with scopes.acting(officers.township):
        row = BankReturn.objects.get()
        corrections.correct_return(return_id=row.pk, name="测试改", account=card(5), bank="", note="原件", evidence=[PAPER], now=NOW)
        with refused("two officers"):
            run("update payments_bankreturn set state = 'corrected' where id = %s", [row.pk])
        with refused("does not go from|bank_return_two_officers"):
            run("update payments_bankreturn set state = 'reissued' where id = %s", [row.pk])
        with refused("bank_return_two_officers"):
            run("update payments_bankreturn set state = 'corrected', confirmed_by_id = corrected_by_id where id = %s", [row.pk])
    with scopes.acting(officers.reviewer):
        corrections.confirm_correction(return_id=row.pk, agreed=True, now=NOW)
        follow_up = corrections.prepare_follow_up(area=COUNTY, month=MONTH, now=NOW).payroll
        fake = {"kind": "'reissue'", "cause": "id", "returned": "id", "payroll": str(follow_up.pk)}
        with refused("_entitlement_id_month_entitled_k"):
            run(*again(line, **fake))
        run("delete from payments_payrollline where payroll_id = %s", [follow_up.pk])
        with refused("payroll_line_reissue"):
            run(*again(line, **{**fake, "amount": "amount + 0.01"}))


@pytest.mark.django_db
def test_a_return_is_not_invented(officers: Officers, draft: Payroll) -> None:
    officers.released(draft)
    officers.booked(draft, officers.answer(draft))
    with scopes.acting(officers.finance):
        result = BankResult.objects.get()
        copy = (
            "insert into payments_bankreturn (area, line_id, month_entitled, entitlement_id, amount, payroll_id, programme, household_id, payee_name, account,"
            " result_id, code, reason, state, new_name, new_bank, correction_note) select area, id{more}, month_entitled, entitlement_id, amount, payroll_id,"
            " programme, household_id, payee_name, account, %s, 'R01', 'x', 'open', '', '', '' from payments_payrollline where payroll_id = %s"
        )
        with refused("differ from the total"):
            run(copy.format(more=""), [result.pk, draft.pk])
        with refused("a line of that payroll"):
            run(copy.format(more=" + 1"), [result.pk, draft.pk])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "words"),
    [
        ("('available', 1, 2022, 5.00)", "not balanced"),
        ("('available', 1, 2022, 5.00), ('in_payment', 1, 2022, -4.99)", "not balanced"),
        ("('available', 1, 2022, 5.00), ('in_payment', 2, 2022, -5.00)", "not balanced"),
        ("('available', 1, 2022, 5.00), ('in_payment', 1, 2023, -5.00)", "not balanced"),
        ("('available', 2, 2022, -5.00), ('paid', 2, 2022, 5.00)", "does not cover"),
        ("('available', 1, 2022, 0.00)", "ledger_amount_not_zero"),
    ],
)
def test_an_unbalanced_ledger_is_refused(officers: Officers, values: str, words: str) -> None:
    officers.money("1.00")
    sql = (
        "insert into payments_ledgerentry (area, transaction, account, fund_id, fund_year, amount, what, document, booked_on, booked_at)"
        f" select '{COUNTY}', 777, v.*, 'x', '', '2022-12-01', now() from (values {values}) v"
    )
    with scopes.acting(officers.finance), refused(words):
        run(sql)


@pytest.mark.django_db
def test_a_temporary_table_of_the_same_name_fools_nobody(officers: Officers, january: Payroll) -> None:
    """pg_temp comes first on the application's own path: the functions look at doudi's tables all the same."""
    with scopes.acting(officers.finance), refused("not balanced"):
        run("create temporary table payments_ledgerentry on commit drop as select * from doudi.payments_ledgerentry limit 0")
        run(
            "insert into doudi.payments_ledgerentry (area, transaction, account, fund_id, fund_year, amount, what, document, booked_on, booked_at)"
            f" values ('{COUNTY}', 888, 'available', 1, 2022, 5, 'x', '', '2022-12-01', now())"
        )
    with scopes.acting(officers.reviewer):
        line = officers.first_line(january)
        with refused("regular lines pay 9 members"):
            run("create temporary table enrolment_awardmember on commit drop as select m.* from doudi.enrolment_awardmember m, generate_series(1, 9)")
            run(*again(line, month="date '2022-12-01'", members="9"))
        with refused("drafts of their own area"):
            run("create temporary table payments_payroll on commit drop as select * from doudi.payments_payroll")
            run("insert into pg_temp.payments_payroll (id, area, month, state) values (4711, %s, '2023-01-01', 'draft')", [COUNTY])
            run(*again(line, month="date '2022-12-01'", payroll="4711"))


@pytest.mark.django_db
def test_services_refuse_other_areas_and_duties(officers: Officers, draft: Payroll) -> None:
    other = Officers("410123")
    with scopes.acting(other.reviewer):
        for call in (payrolls.check_payroll, payrolls.delete_draft):
            with pytest.raises(ValidationError, match="不存在"):
                call(payroll_id=draft.pk, now=NOW)
        with pytest.raises(ValidationError, match="不是您管辖的县"):
            payrolls.prepare_payroll(area=COUNTY, month=MONTH, now=NOW)
    for scope in (officers.approver, officers.finance, officers.township):
        with pytest.raises(PermissionDenied), scopes.acting(scope):
            payrolls.prepare_payroll(area=COUNTY, month=MONTH, now=NOW)
    with pytest.raises(PermissionDenied), scopes.acting(officers.township):
        ledger.check_ledger(area=COUNTY, month=MONTH)


# --- December, leap month --------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(("month", "died", "members"), [(date(2024, 2, 1), date(2024, 2, 29), 2), (date(2024, 3, 1), date(2024, 2, 29), 1)])
def test_a_death_on_29_february_is_paid_in_february(officers: Officers, month: date, died: date, members: int) -> None:
    with scopes.acting(officers.reviewer):
        given = award(members=2, amount="100.01", starts=month)
        given.people[1].died_on = died
        given.people[1].save(update_fields=["died_on"])
    rows = officers.lines(officers.prepared(month).payroll)
    assert [(row[1], row[5], row[4]) for row in rows] == [(month, members, Decimal("100.01") if members == 2 else Decimal("50.01"))]


@pytest.mark.django_db
def test_december_turns_into_january(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        award(starts=NOVEMBER, ends=date(2023, 1, 1))
    rows = officers.lines(officers.prepared(date(2023, 1, 1)).payroll)
    assert [row[1] for row in rows] == [NOVEMBER, MONTH] and drafts.next_month(MONTH) == date(2023, 1, 1)
    with pytest.raises(ValidationError, match="没有发放分区"):
        officers.prepared(date(2021, 12, 1))
