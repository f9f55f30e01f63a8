"""4.3: what is in arrears is found whenever it comes to be due, and a payroll does not go again through months that were paid."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections, transaction

from doudi.core import divisions
from doudi.core import scope as scopes
from doudi.enrolment.models import Award
from doudi.payments.models import BankReturn, OpenMonth, PaidMonth, Payroll, PayrollExclusion
from doudi.payments.services import corrections, drafts, payrolls
from doudi.payments.tests.test_guards import refused, run
from doudi.payments.tests.world import COUNTY, MONTH, NOW, ON, PAPER, VILLAGE, Given, Officers, award, card

SEPTEMBER, OCTOBER, NOVEMBER = date(2022, 9, 1), date(2022, 10, 1), date(2022, 11, 1)
JANUARY, FEBRUARY = date(2023, 1, 1), date(2023, 2, 1)
Due = set[tuple[int, date]]
# Every month since the first that the database holds, of every award: what the search for arrears must come to.
ALL = """
select a.id, m::date from enrolment_award a
cross join lateral generate_series(greatest(a.starts, %(first)s), least(%(month)s, (a.ends - interval '1 month')::date), interval '1 month') m
where not a.void and a.area >= %(low)s and a.area < %(high)s
  and not exists (select from payments_payrollline l where l.entitlement_id = a.id and l.month_entitled = m and l.kind = 'regular')
"""


@pytest.fixture
def officers() -> Officers:
    made = Officers()
    for year in (2022, 2023):
        made.money(year=year)
    return made


def several(officers: Officers, n: int = 4, **given: Any) -> list[Given]:
    with scopes.acting(officers.reviewer):
        return [award(**{"starts": SEPTEMBER, **given}) for _ in range(n)]


def pay(officers: Officers, *months: date) -> Payroll:
    for month in months:
        made = officers.released(officers.prepared(month).payroll)
    return made


def owed(officers: Officers, month: date) -> Due:
    with scopes.acting(officers.reviewer) as scope, connection.cursor() as cursor:
        del scope
        values = {"first": drafts.month_range()[0], "month": month, "low": officers.county, "high": officers.county + ":"}
        cursor.execute(ALL, values)
        return set(cursor.fetchall())


def found(officers: Officers, month: date) -> tuple[Due, Due]:
    """(lines, exclusions) of a month's payroll, prepared now; together they are what going through everything comes to."""
    every = owed(officers, month)
    payroll = officers.prepared(month).payroll
    with scopes.acting(officers.reviewer):
        lines = set(payroll.payroll_lines.filter(kind="regular").values_list("entitlement_id", "month_entitled"))
        out = set(PayrollExclusion.objects.filter(payroll=payroll).values_list("entitlement_id", "month_entitled"))
    assert lines | out == every and not lines & out
    return lines, out


def change(officers: Officers, given: Given, **fields: Any) -> None:
    with scopes.acting(officers.reviewer):
        assert Award.objects.filter(pk=given.award.pk).update(**fields) == 1


@contextmanager
def counted() -> Iterator[list[dict[str, int]]]:
    """What the search for unpaid months read: rows of lines and of open months, months of awards, partitions of lines."""
    reads: list[dict[str, int]] = []

    def look(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if sql.lstrip().startswith("create temporary table payroll_due"):
            execute("explain (analyze, format json) " + sql.split(" as\n", 1)[1], params, many, context)
            plan = context["cursor"].cursor.fetchone()[0]
            read = {"lines": 0, "open": 0, "months": 0, "partitions": 0}
            todo = [(plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"]]
            while todo:
                node = todo.pop()
                todo += node.get("Plans", [])
                rows = round(
                    (node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Join Filter", 0)) * node["Actual Loops"]
                )
                name = node.get("Relation Name", "")
                if name.startswith("payments_payrollline"):
                    read["lines"] += rows
                    read["partitions"] += 1
                elif name == "payments_openmonth":
                    read["open"] += rows
                elif node["Node Type"] in ("Nested Loop", "Hash Join", "Merge Join"):
                    read["months"] += rows
            reads.append(read)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        yield reads


def after(month: date, n: int) -> list[date]:
    months = [month]
    while len(months) < n:
        months.append(drafts.next_month(months[-1]))
    return months


@pytest.mark.django_db
def test_4_3_a_payroll_does_not_go_through_months_that_were_paid(officers: Officers) -> None:
    several(officers, 12)
    seen = []
    for month in after(SEPTEMBER, 6):
        with counted() as reads:
            officers.prepared(month)
        seen.append(reads[0])
        pay(officers, month)
    # the first of all begins where the first award does; from then on each month costs the same
    assert seen[1]["months"] >= 12 and seen[1] == seen[2] == seen[5]


@pytest.mark.django_db
def test_4_3_what_stays_unpaid_alone_is_looked_at_again(officers: Officers) -> None:
    several(officers, 12)
    (waiting,) = several(officers, 1)
    change(officers, waiting, suspended=True)
    seen = []
    for month in after(SEPTEMBER, 5):
        with counted() as reads:
            officers.prepared(month)
        seen.append(reads[0])
        pay(officers, month)
    with scopes.acting(officers.reviewer):
        assert set(OpenMonth.objects.values_list("award_id", "month")) == {(waiting.award.pk, month) for month in after(SEPTEMBER, 5)}
    # one more month of the one that waits; of the twelve that were paid nothing
    assert seen[4]["lines"] - seen[3]["lines"] <= 1 and seen[4]["months"] - seen[3]["months"] < 12
    change(officers, waiting, suspended=False)
    lines, _out = found(officers, FEBRUARY)
    assert {month for award_id, month in lines if award_id == waiting.award.pk} == set(after(SEPTEMBER, 6))
    pay(officers, FEBRUARY)
    with scopes.acting(officers.reviewer):
        assert not OpenMonth.objects.exists()


def suspended(officers: Officers, given: Given) -> None:
    change(officers, given, suspended=True)


def resumed(officers: Officers, given: Given) -> None:
    change(officers, given, suspended=False)


def void(officers: Officers, given: Given) -> None:
    change(officers, given, void=True)


def revived(officers: Officers, given: Given) -> None:
    change(officers, given, void=False)


def ended(officers: Officers, given: Given) -> None:
    change(officers, given, ends=OCTOBER)


def prolonged(officers: Officers, given: Given) -> None:
    change(officers, given, ends=None)
    with scopes.acting(officers.reviewer):
        given.award.members.update(ends=None)


def no_account(officers: Officers, given: Given) -> None:
    change(officers, given, account=None)


def account(officers: Officers, given: Given) -> None:
    change(officers, given, account=given.people[0].account)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("before", "afterwards", "months"),
    [
        (suspended, resumed, [SEPTEMBER, OCTOBER, NOVEMBER, MONTH]),
        (no_account, account, [SEPTEMBER, OCTOBER, NOVEMBER, MONTH]),
        (void, revived, [SEPTEMBER, OCTOBER, NOVEMBER, MONTH]),
        (ended, prolonged, [OCTOBER, NOVEMBER, MONTH]),
    ],
)
def test_4_3_a_gap_in_old_months_is_made_good(
    officers: Officers, before: Callable[..., None], afterwards: Callable[..., None], months: list[date]
) -> None:
    several(officers)
    (given,) = several(officers, 1)
    before(officers, given)
    pay(officers, SEPTEMBER, OCTOBER, NOVEMBER)
    afterwards(officers, given)
    lines, _out = found(officers, MONTH)
    assert sorted(month for award_id, month in lines if award_id == given.award.pk) == months
    pay(officers, MONTH)
    assert found(officers, JANUARY)[0] == {(one, JANUARY) for one, _month in lines}


@pytest.mark.django_db
def test_4_3_an_award_that_a_decision_dates_back_is_paid_from_its_beginning(officers: Officers) -> None:
    several(officers)
    pay(officers, SEPTEMBER, OCTOBER, NOVEMBER)
    (late,) = several(officers, 1, starts=OCTOBER)
    with scopes.acting(officers.reviewer):
        assert set(OpenMonth.objects.values_list("award_id", "month")) == {(late.award.pk, month) for month in (OCTOBER, NOVEMBER)}
    lines, _out = found(officers, MONTH)
    assert sorted(month for award_id, month in lines if award_id == late.award.pk) == [OCTOBER, NOVEMBER, MONTH]


@pytest.mark.django_db
def test_4_3_months_held_back_by_a_payment_that_came_back_follow_when_it_is_corrected(officers: Officers) -> None:
    given = several(officers)[0]
    payroll = pay(officers, SEPTEMBER)
    with scopes.acting(officers.reviewer):
        line = payroll.payroll_lines.get(entitlement_id=given.award.pk).pk
    officers.booked(payroll, officers.answer(payroll, line))
    assert found(officers, OCTOBER)[1] == {(given.award.pk, OCTOBER)}
    pay(officers, OCTOBER, NOVEMBER)
    with scopes.acting(officers.township):
        back = BankReturn.objects.get()
        corrections.correct_return(return_id=back.pk, name=given.people[0].name, account=card(77), bank="105", note="换卡", evidence=[PAPER], now=NOW)
    with scopes.acting(officers.reviewer):
        corrections.confirm_correction(return_id=back.pk, agreed=True, now=NOW)
    lines, out = found(officers, MONTH)
    assert {month for award_id, month in lines | out if award_id == given.award.pk} == {OCTOBER, NOVEMBER, MONTH}


@pytest.mark.django_db
def test_4_3_arrears_of_a_draft_that_is_deleted_are_found_again(officers: Officers) -> None:
    several(officers)
    (waiting,) = several(officers, 1)
    change(officers, waiting, suspended=True)
    pay(officers, SEPTEMBER, OCTOBER)
    change(officers, waiting, suspended=False)
    lines, _out = found(officers, NOVEMBER)
    assert len([month for award_id, month in lines if award_id == waiting.award.pk]) == 3
    with scopes.acting(officers.reviewer):
        payrolls.delete_draft(payroll_id=Payroll.objects.get(month=NOVEMBER).pk, now=NOW)
    assert found(officers, NOVEMBER)[0] == lines
    # a month that is passed over is no month that was paid: a later payroll takes up what the draft of an earlier one holds when that is deleted
    with scopes.acting(officers.reviewer):
        payrolls.delete_draft(payroll_id=Payroll.objects.get(month=NOVEMBER).pk, now=NOW)
    november = officers.prepared(NOVEMBER).payroll
    pay(officers, MONTH)
    with scopes.acting(officers.reviewer):
        payrolls.delete_draft(payroll_id=november.pk, now=NOW)
    assert lines <= found(officers, JANUARY)[0]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sql",
    [
        f"insert into payments_openmonth (area, award_id, month) values ('{VILLAGE}', 1, '2022-12-01')",
        "update payments_openmonth set month = '2022-01-01'",
        "delete from payments_openmonth",
        f"select doudi.note_open_months('{COUNTY}', '{COUNTY}:', null, '2022-12-01')",
    ],
)
def test_what_may_be_unpaid_is_written_by_the_database_alone(officers: Officers, sql: str) -> None:
    (given,) = several(officers, 1)
    several(officers)
    change(officers, given, suspended=True)
    pay(officers, SEPTEMBER)
    with scopes.acting(officers.reviewer):
        assert OpenMonth.objects.count() == 1
        with refused("permission denied"):
            run(sql)
        assert OpenMonth.objects.count() == 1


def test_an_award_decided_while_a_payroll_is_released_waits_and_is_not_missed(committed_db: None) -> None:
    officers = Officers()
    for year in (2022, 2023):
        officers.money(year=year)
    several(officers)
    payroll = officers.approved(officers.prepared(MONTH).payroll)
    begun, go_on, broken = threading.Event(), threading.Event(), []

    def release() -> None:
        try:
            with scopes.acting(officers.finance), transaction.atomic():
                payrolls.release_payroll(payroll_id=payroll.pk, on=ON, now=NOW)
                begun.set()
                assert go_on.wait(60)
        except BaseException as error:
            broken.append(error)
        finally:
            begun.set()
            connections.close_all()

    thread = threading.Thread(target=release)
    thread.start()
    assert begun.wait(60)
    try:
        with scopes.acting(officers.reviewer), pytest.raises(DatabaseError, match="lock timeout"), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("set local lock_timeout = '300ms'")
            award(starts=NOVEMBER)
    finally:
        go_on.set()
        thread.join(60)
    assert not broken
    (late,) = several(officers, 1, starts=NOVEMBER)
    lines, _out = found(officers, JANUARY)
    assert {month for award_id, month in lines if award_id == late.award.pk} == {NOVEMBER, MONTH, JANUARY}


def test_two_months_of_a_county_are_prepared_one_after_the_other(committed_db: None) -> None:
    officers = Officers()
    officers.money()
    several(officers, 2, starts=NOVEMBER)
    begun, go_on, broken = threading.Event(), threading.Event(), []

    def prepare() -> None:
        try:
            with scopes.acting(officers.reviewer), transaction.atomic():
                drafts.wait_for_turn(COUNTY)
                begun.set()
                assert go_on.wait(60)
                payrolls.prepare_payroll(area=COUNTY, month=NOVEMBER, now=NOW)
        except BaseException as error:
            broken.append(error)
        finally:
            begun.set()
            connections.close_all()

    thread = threading.Thread(target=prepare)
    thread.start()
    assert begun.wait(60)
    try:
        with scopes.acting(officers.reviewer), pytest.raises(DatabaseError, match="lock timeout"), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("set local lock_timeout = '300ms'")
            payrolls.prepare_payroll(area=COUNTY, month=MONTH, now=NOW)
    finally:
        go_on.set()
        thread.join(60)
    assert not broken
    assert {month for _award, month in found(officers, MONTH)[0]} == {MONTH}, "the earlier months stand in the other draft"


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_a_village_that_comes_to_a_county_that_is_further_is_paid_what_it_is_owed(committed_db: None) -> None:
    here, there = Officers(), Officers("410102")
    with scopes.acting(there.reviewer):
        award(area="410102001002", starts=SEPTEMBER)
    for year in (2022, 2023):
        there.money(year=year)
    here.money()
    (given,) = several(here, 1, area="410122002001")
    pay(here, SEPTEMBER)
    pay(there, SEPTEMBER, OCTOBER, NOVEMBER)
    owner = connections["owner"]
    try:
        divisions.recode(owner, old="410122002001", new="410102001003", on=MONTH)
    finally:
        owner.close()
    lines, _out = found(there, MONTH)
    assert sorted(month for award_id, month in lines if award_id == given.award.pk) == [OCTOBER, NOVEMBER, MONTH]


def test_a_draft_is_emptied_of_the_months_of_one_whose_award_has_another_member_now(committed_db: None, owner_connection: Any) -> None:
    officers = Officers()
    officers.money()
    given = several(officers, 3, starts=MONTH)
    payroll = officers.prepared(MONTH).payroll
    owner_connection.execute("alter table enrolment_awardmember disable trigger user")
    try:
        owner_connection.execute("delete from enrolment_awardmember where award_id = %s", [given[0].award.pk])
    finally:
        owner_connection.execute("alter table enrolment_awardmember enable trigger user")
    with scopes.acting(officers.reviewer):
        assert PaidMonth.objects.count() == 3
        payrolls.delete_draft(payroll_id=payroll.pk, now=NOW)
        assert PaidMonth.objects.count() == 0
