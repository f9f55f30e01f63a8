"""Each guard of payments (integrity.md), broken on purpose: as the application, and as the owner where a trigger must hold."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, connections, transaction

from doudi.core import scope as scopes
from doudi.enrolment.models import AwardMember
from doudi.payments.models import BankResult, BankReturn, LedgerEntry, PaidMonth, Payroll, PayrollExclusion
from doudi.payments.services import corrections, ledger, payrolls, results
from doudi.payments.tests.world import COUNTY, MONTH, NOVEMBER, NOW, ON, Officers, award, card

LINE = (
    "insert into payments_payrollline (area, month_entitled, kind, cause, returned_line, entitlement_id, payroll_id, month_paid, programme, household_id,"
    " fund_id, fund_year, amount, members, payee_id, payee_name, payee, beneficiary_name, beneficiary, account, bank, decision_id)"
    " select area, {month}, {kind}, {cause}, {returned}, {entitlement}, {payroll}, {paid}, {programme}, household_id, {fund}, fund_year, {amount}, {members},"
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
def officers() -> Officers:
    return Officers()


@pytest.fixture
def draft(officers: Officers) -> Payroll:
    with scopes.acting(officers.reviewer):
        award(members=2)
    officers.money()
    return officers.prepared().payroll


def line_of(payroll: Payroll) -> int:
    return int(payroll.payroll_lines.order_by("id").values_list("id", flat=True)[0])


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
        "insert into payments_fundpurpose (fund_id, programme) values (1, 'disability_nursing')",
        "update payments_ledgerentry set amount = 0.01",
        "delete from payments_ledgerentry",
        "delete from payments_bankresult",
        "update payments_bankresult set paid_lines = 0",
        "delete from payments_bankreturn",
        "update payments_bankreturn set amount = 0.01",
        "update payments_bankfile set amount = 0.01",
        "update payments_payroll set prepared_by_id = 0",
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
        run(*again(line_of(draft)))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"month": "date '2023-01-01'", "members": "3"}, "regular lines pay 3 members, the awards have 2"),
        ({"month": "date '2023-01-01'", "members": "1"}, "regular lines pay 1 members, the awards have 2"),
        ({"month": "date '2023-01-01'", "members": "0"}, "regular lines pay"),
        ({"month": "date '2023-01-01'", "fund": "2"}, "not for this programme"),
        ({"month": "date '2023-01-01'", "programme": "'marginal'"}, "not for this programme"),
        ({"month": "date '2023-01-01'", "paid": "date '2023-01-01'"}, "drafts of their own area"),
        ({"month": "date '2023-01-01'", "payroll": "0"}, "drafts of their own area"),
        ({"month": "date '2023-01-15'"}, "check"),
        ({"month": "date '2023-01-01'", "amount": "0"}, "check"),
        ({"month": "date '2023-01-01'", "amount": "-5"}, "check"),
        ({"kind": "'back'"}, "check"),
        ({"kind": "'setoff'", "cause": "1"}, "check"),
        ({"kind": "'reissue'", "cause": "id"}, "check"),
        ({"kind": "'reissue'", "cause": "id", "returned": "id"}, "payroll_line_reissue"),
        ({"month": "date '2040-01-01'"}, "no partition"),
    ],
)
def test_a_line_that_does_not_fit_is_refused(officers: Officers, draft: Payroll, changes: dict[str, str], words: str) -> None:
    with scopes.acting(officers.reviewer), refused(words):
        run(*again(line_of(draft), **changes))


@pytest.mark.django_db
def test_released_lines_stay_and_none_is_added(officers: Officers, draft: Payroll) -> None:
    officers.released(draft)
    with scopes.acting(officers.reviewer):
        line = line_of(draft)
        with refused("left the draft stays"):
            run("delete from payments_payrollline where id = %s", [line])
        with refused("drafts of their own area"):
            run(*again(line, month="date '2023-01-01'"))
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
        run("update payments_payroll set state = 'checked', checked_by_id = prepared_by_id, content_hash = 'x' where id = %s", [draft.pk])
        with refused("payroll_approver_is_other|payroll_approver_not_checker"):
            run("update payments_payroll set state = 'approved', approved_by_id = prepared_by_id where id = %s", [draft.pk])
        run("update payments_payroll set state = 'approved', approved_by_id = %s where id = %s", [officers.approver.account_id, draft.pk])
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
        line = line_of(found.payroll)
        assert two.award.pk == found.payroll.payroll_lines.get().entitlement_id
        with refused("a person would be paid twice for a month"):
            run(*again(line, entitlement=str(one.award.pk)))


# --- returns, ledger -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_reissue_needs_a_return_of_that_amount_and_comes_once(officers: Officers, draft: Payroll) -> None:
    officers.released(draft)
    with scopes.acting(officers.reviewer):
        line = line_of(draft)
    officers.booked(draft, officers.answer(draft, line))
    with scopes.acting(officers.township):
        row = BankReturn.objects.get()
        corrections.correct_return(return_id=row.pk, name="测试改", account=card(5), bank="", note="原件", now=NOW)
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
        ("('available', 1, 2022, 5.00), ('appropriation', 1, 2022, -4.99)", "not balanced"),
        ("('available', 1, 2022, 5.00), ('appropriation', 2, 2022, -5.00)", "not balanced"),
        ("('available', 1, 2022, 5.00), ('appropriation', 1, 2023, -5.00)", "not balanced"),
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
def test_a_temporary_table_of_the_same_name_fools_nobody(officers: Officers, draft: Payroll) -> None:
    """pg_temp comes first on the application's own path: the functions look at doudi's tables all the same."""
    with scopes.acting(officers.finance), refused("not balanced"):
        run("create temporary table payments_ledgerentry on commit drop as select * from doudi.payments_ledgerentry limit 0")
        run(
            "insert into doudi.payments_ledgerentry (area, transaction, account, fund_id, fund_year, amount, what, document, booked_on, booked_at)"
            f" values ('{COUNTY}', 888, 'available', 1, 2022, 5, 'x', '', '2022-12-01', now())"
        )
    with scopes.acting(officers.reviewer):
        line = line_of(draft)
        with refused("regular lines pay 9 members"):
            run("create temporary table enrolment_awardmember on commit drop as select m.* from doudi.enrolment_awardmember m, generate_series(1, 9)")
            run(*again(line, month="date '2023-01-01'", members="9"))
        with refused("drafts of their own area"):
            run("create temporary table payments_payroll on commit drop as select * from doudi.payments_payroll")
            run("insert into pg_temp.payments_payroll (id, area, month, state) values (4711, %s, '2022-12-01', 'draft')", [COUNTY])
            run(*again(line, month="date '2023-01-01'", payroll="4711"))


# --- bank results ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_same_file_twice_books_once(officers: Officers, draft: Payroll) -> None:
    officers.released(draft)
    data = officers.answer(draft)
    assert officers.booked(draft, data).changed
    again_ = officers.booked(draft, data, name="另一个名字.csv")
    assert not again_.changed and again_.paid == 1
    with scopes.acting(officers.finance):
        assert BankResult.objects.count() == 1 and LedgerEntry.objects.filter(payroll=draft, account="paid").count() == 1


def _spoiled(data: bytes, old: str, new: str) -> bytes:
    text = data.decode("utf-8-sig")
    assert old in text
    return text.replace(old, new, 1).encode("utf-8-sig")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda data, line: _spoiled(data, f"{line},300.00,", f"{line},300.01,"), "表头写明退票"),
        (
            lambda data, line: _spoiled(_spoiled(data, f"{line},300.00,", f"{line},300.01,"), "退票金额,300.00", "退票金额,300.01"),
            "第 4 行“金额”为 300.01",
        ),
        (lambda data, line: _spoiled(data, f"{line},300", "99999,300"), "第 4 行“明细编号”不在批次"),
        (lambda data, line: _spoiled(data, "总金额,600.00", "总金额,600.01"), "不相符，未记账"),
        (lambda data, line: _spoiled(data, "总笔数,2", "总笔数,1"), "不相符，未记账"),
        (lambda data, line: _spoiled(data, "410122-202212-1", "410122-202212-7"), "批次号“410122-202212-7”不存在"),
        (lambda data, line: data[: len(data) // 2], ""),
        (lambda data, line: data + f"{line},300.00,R01,x\r\n".encode(), "表头写明退票"),
        (
            lambda data, line: _spoiled(data + f"{line},300.00,R01,x\r\n".encode(), "退票笔数,1,退票金额,300.00", "退票笔数,2,退票金额,600.00"),
            "同一笔明细",
        ),
        (lambda data, line: _spoiled(data, f"{line},300.00", f"{line}x,300.00"), "第 4 行“明细编号”格式不正确"),
        (lambda data, line: _spoiled(data, f"{line},300.00", f"{line},-300.00"), "第 4 行“金额”格式不正确"),
        (lambda data, line: data + b"1,2\r\n", "个字段，应为 4 个"),
        (lambda data, line: b"", "认不出"),
        (lambda data, line: b"\x00\xff\xfe" * 100, "不是文本文件|认不出"),
        (lambda data, line: data + b"x" * 1_000_000, ""),
        (lambda data, line: data.replace(b"R01", b"=cmd|' /C calc'!A0"), None),
    ],
)
def test_a_wrong_result_file_books_nothing_and_says_where(officers: Officers, spoil: Any, words: str | None) -> None:
    with scopes.acting(officers.reviewer):
        award()
        award()
    officers.money()
    payroll = officers.released(officers.prepared().payroll)
    with scopes.acting(officers.reviewer):
        line = line_of(payroll)
    data = spoil(officers.answer(payroll, line), line)
    if words is None:  # only text: kept as it is, never run
        officers.booked(payroll, data)
        return
    with pytest.raises(ValidationError) as caught, scopes.acting(officers.finance):
        results.book_results(data=[("结果.csv", data)], on=ON, now=NOW)
    import re

    assert re.search(words, "".join(caught.value.messages))
    with scopes.acting(officers.finance):
        assert not BankResult.objects.exists() and Payroll.objects.get(pk=payroll.pk).state == "released"
        assert not LedgerEntry.objects.filter(payroll=payroll, account="paid").exists()


@pytest.mark.django_db
def test_another_countys_file_is_not_booked(officers: Officers, draft: Payroll) -> None:
    officers.released(draft)
    data = officers.answer(draft)
    with pytest.raises(ValidationError, match="不存在，或不在您的管辖范围内"), scopes.acting(Officers("410123").finance):
        results.book_results(data=[("x.csv", data)], on=ON, now=NOW)


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
    assert [row[1] for row in rows] == [NOVEMBER, MONTH] and payrolls.next_month(MONTH) == date(2023, 1, 1)
    with pytest.raises(ValidationError, match="没有发放分区"):
        officers.prepared(date(2021, 12, 1))


# --- at the same moment, and killed ----------------------------------------------------------------------------------


def _at_once(*calls: Any) -> list[str]:
    """Each call on a connection of its own, all let go at one moment; what became of each."""
    gate, found = threading.Barrier(len(calls)), []

    def go(call: Any) -> None:
        gate.wait()
        try:
            call()
            found.append("done")
        except (ValidationError, PermissionDenied) as error:
            found.append(str(error))
        except Exception as error:
            found.append(f"{type(error).__name__}: {error}")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=go, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(found)


def test_of_two_approvals_at_once_one_wins(committed_db: None) -> None:
    from doudi.core.tests.officers import officer

    officers = Officers()
    with scopes.acting(officers.reviewer):
        award()
    payroll = officers.prepared().payroll
    officers.checked(payroll)
    second = officer("county_approver", COUNTY)

    def approve(scope: scopes.Scope) -> Any:
        def call() -> None:
            with scopes.acting(scope):
                payrolls.approve_payroll(payroll_id=payroll.pk, now=NOW)

        return call

    found = _at_once(approve(officers.approver), approve(second))
    assert found.count("done") == 1 and any("可能已由他人办理" in one for one in found)


def test_two_preparations_at_once_make_one_payroll(committed_db: None) -> None:
    officers = Officers()
    with scopes.acting(officers.reviewer):
        for _ in range(3):
            award()
    assert _at_once(officers.prepared, officers.prepared, officers.prepared) == ["done"] * 3
    with scopes.acting(officers.reviewer):
        assert Payroll.objects.get().lines == 3 and PaidMonth.objects.count() == 3


def test_two_payrolls_do_not_spend_the_same_money(committed_db: None) -> None:
    officers = Officers()
    with scopes.acting(officers.reviewer):
        award(ends=date(2023, 1, 1), amount="300.00")
    officers.money("400.00")
    december = officers.approved(officers.prepared().payroll)
    with scopes.acting(officers.reviewer):
        award(starts=date(2022, 11, 1), ends=MONTH, amount="300.00")
    november = officers.approved(officers.prepared(NOVEMBER).payroll)

    def release(payroll: Payroll) -> Any:
        def call() -> None:
            with scopes.acting(officers.finance):
                payrolls.release_payroll(payroll_id=payroll.pk, on=ON, now=NOW)

        return call

    found = _at_once(release(december), release(november))
    assert found.count("done") == 1 and any("资金不足" in one for one in found)


def test_one_result_file_uploaded_twice_at_once_is_booked_once(committed_db: None) -> None:
    officers = Officers()
    with scopes.acting(officers.reviewer):
        award()
    officers.money()
    payroll = officers.released(officers.prepared().payroll)
    data = officers.answer(payroll)
    found = _at_once(lambda: officers.booked(payroll, data), lambda: officers.booked(payroll, data))
    assert "done" in found
    with scopes.acting(officers.finance):
        assert BankResult.objects.count() == 1 and LedgerEntry.objects.filter(payroll=payroll, account="paid").count() == 1
        assert ledger.check_ledger(area=COUNTY, month=MONTH)["holds"]


KILLED = """
import os, sys, time
import django
from django.conf import settings
name = sys.argv[1]
for alias in settings.DATABASES:
    settings.DATABASES[alias]["NAME"] = name
django.setup()
from django.db import connection
from doudi.core import scope as scopes
from doudi.payments.services import payrolls, results
from doudi.payments.tests.world import MONTH, NOW, ON
what, stop, area, account, duty = sys.argv[2:7]
def held(execute, sql, params, many, context):
    answer = execute(sql, params, many, context)
    if stop in sql:
        print("stopped", flush=True)
        time.sleep(120)
    return answer
with scopes.acting(scopes.Scope(area=area, account_id=int(account), duty=duty)), connection.execute_wrapper(held):
    if what == "prepare":
        payrolls.prepare_payroll(area=area, month=MONTH, now=NOW)
    else:
        results.book_results(data=[("r.csv", open(sys.argv[7], "rb").read())], on=ON, now=NOW)
"""


def _kill_at(stop: str, what: str, scope: scopes.Scope, *more: str) -> None:
    """Run a service in a process of its own and kill it (SIGKILL) right after the statement that holds `stop`."""
    name = connection.settings_dict["NAME"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "doudi.config.settings"}
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, name, what, stop, COUNTY, str(scope.account_id), scope.duty, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout is not None and process.stderr is not None
        said = process.stdout.readline()
        assert said == "stopped\n", process.stderr.read()[-2000:]
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    deadline = time.monotonic() + 20  # the server notices the lost connection and rolls back
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'")
            if not cursor.fetchone()[0]:
                return
        time.sleep(0.1)


@pytest.mark.parametrize("stop", ["insert into doudi.payments_payrollline", "insert into doudi.payments_payrollexclusion", "insert into core_todo"])
def test_killed_while_preparing_nothing_is_half_written(committed_db: None, stop: str) -> None:
    officers = Officers()
    with scopes.acting(officers.reviewer):
        for _ in range(4):
            award(members=2)
        award(account=False)
    _kill_at(stop, "prepare", officers.reviewer)
    with scopes.acting(officers.reviewer):
        assert not Payroll.objects.exists() and not PaidMonth.objects.exists() and not PayrollExclusion.objects.exists()
    done = officers.prepared()
    assert (done.lines, done.amount, done.excluded) == (4, Decimal("1200.00"), 1)


@pytest.mark.parametrize("stop", ['INSERT INTO "payments_bankresult"', "insert into payments_bankreturn", 'INSERT INTO "payments_ledgerentry"'])
def test_killed_while_booking_nothing_is_half_written(committed_db: None, tmp_path: Any, stop: str) -> None:
    officers = Officers()
    with scopes.acting(officers.reviewer):
        for _ in range(3):
            award()
    officers.money()
    payroll = officers.released(officers.prepared().payroll)
    with scopes.acting(officers.reviewer):
        line = line_of(payroll)
    data = officers.answer(payroll, line)
    (tmp_path / "r.csv").write_bytes(data)
    _kill_at(stop, "book", officers.finance, str(tmp_path / "r.csv"))
    with scopes.acting(officers.finance):
        assert not BankResult.objects.exists() and not BankReturn.objects.exists()
        assert LedgerEntry.objects.filter(payroll=payroll).count() == 2
    done = officers.booked(payroll, data)
    assert (done.paid, done.returned, done.changed) == (2, 1, True)
    with scopes.acting(officers.finance):
        assert ledger.check_ledger(area=COUNTY, month=MONTH)["holds"]
