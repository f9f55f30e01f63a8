"""One-off grants: paid once by a one-off payroll; each guard broken on purpose."""

from __future__ import annotations

import threading
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, connections

from doudi.core import scope as scopes
from doudi.core.tests.officers import client_of
from doudi.payments.models import Grant, PayrollExclusion, PayrollLine
from doudi.payments.services import corrections, drafts, grants, payrolls
from doudi.payments.tests.test_guards import refused, run
from doudi.payments.tests.world import COUNTY, MONTH, NOVEMBER, NOW, PAPER, TOWNSHIP, VILLAGE, Officers, award, card, person
from doudi.registry.models import Person

ACT = "payments.prepare"


def granted(who: Person, *, cause: int = 1, amount: str = "800.00", month: date = MONTH, account: bool = True, **more: Any) -> Grant:
    payee = grants.Payee(who.name, who.pk, who.token, who.account if account else None, who.bank)
    return grants.make_grant(
        act=ACT,
        area=who.area,
        programme=more.pop("programme", "temporary"),
        cause=cause,
        month=month,
        amount=Decimal(amount),
        payee=payee,
        beneficiary_name=who.name,
        beneficiary=who.token,
        now=NOW,
        **more,
    )


def prepared(officers: Officers, month: date = MONTH, **more: Any) -> drafts.Prepared:
    with scopes.acting(officers.reviewer):
        return grants.prepare_one_off(area=COUNTY, month=month, now=NOW, **more)


@pytest.mark.django_db
def test_a_grant_goes_through_a_one_off_payroll_to_the_bank_and_comes_once(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        who = person()
        granted(who, amount="1234.56")
        award()
    officers.money()
    done = prepared(officers)
    assert (done.lines, done.amount, done.payroll.kind) == (1, Decimal("1234.56"), "one_off")
    again = prepared(officers)
    assert again.payroll.pk == done.payroll.pk and again.lines == 1
    payroll = officers.released(done.payroll)
    with pytest.raises(ValidationError, match="没有到期待发"):
        prepared(officers)
    with scopes.acting(officers.reviewer):
        line = payroll.payroll_lines.get()
        assert (line.kind, line.programme, line.fund.code, line.beneficiary, line.decision_id) == ("grant", "temporary", "assistance", who.token, None)
    # the regular payroll is none of its business
    assert officers.prepared().lines == 1
    booked = officers.booked(payroll, officers.answer(payroll, line.pk))
    assert (booked.paid, booked.returned) == (0, 1)
    with scopes.acting(officers.township):
        corrections.correct_return(return_id=_return(officers), name=who.name, account=card(900001), bank="C1", note="银行卡复印件", evidence=[PAPER], now=NOW)
    with scopes.acting(officers.reviewer):
        corrections.confirm_correction(return_id=_return(officers), agreed=True, now=NOW)
        follow = corrections.prepare_follow_up(area=COUNTY, month=MONTH, now=NOW)
    assert follow.amount == Decimal("1234.56") and follow.payroll.number != payroll.number
    officers.released(follow.payroll)


def _return(officers: Officers) -> int:
    from doudi.payments.models import BankReturn

    with scopes.acting(officers.reviewer):
        return BankReturn.objects.get().pk


@pytest.mark.django_db
def test_a_grant_without_account_waits_with_its_reason_and_is_paid_when_it_has_one(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        first, second = granted(person(), account=False), granted(person(), cause=2)
    done = prepared(officers)
    assert (done.lines, done.excluded) == (1, 1)
    with scopes.acting(officers.reviewer):
        assert PayrollExclusion.objects.get(payroll=done.payroll).reason == "no_account"
        Grant.objects.filter(pk=first.pk).update(account=second.account)
    assert prepared(officers).lines == 2


@pytest.mark.django_db
def test_the_dead_are_not_paid_and_the_reviewer_can_hold_a_grant_back(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        dead, held, fine = person(), person(), person()
        for cause, who in enumerate((dead, held, fine)):
            granted(who, cause=cause)
        Person.objects.filter(pk=dead.pk).update(died_on=date(2022, 11, 30))
    done = prepared(officers)
    assert done.lines == 2
    with scopes.acting(officers.reviewer):
        line = done.payroll.payroll_lines.get(payee_id=held.pk)
        payrolls.review_line(payroll_id=done.payroll.pk, entitlement_id=line.entitlement_id, held=True, note="待核查", now=NOW)
    assert (prepared(officers).lines, prepared(officers).excluded) == (1, 2)


@pytest.mark.django_db
def test_the_same_cause_grants_a_person_once(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        who = person()
        first = granted(who)
        with pytest.raises(ValidationError, match="没有重复给予"):
            granted(who)
        granted(who, part=2)
        grants.void_grant(act=ACT, entitlement_id=first.pk, reason="登记错误", now=NOW)
        grants.void_grant(act=ACT, entitlement_id=first.pk, reason="登记错误", now=NOW)
        granted(who)
    assert prepared(officers).lines == 2


@pytest.mark.django_db
@pytest.mark.parametrize("amount", ["0", "-1", "0.001", "100.005"])
def test_an_amount_is_positive_and_exact_to_the_fen(officers: Officers, amount: str) -> None:
    with scopes.acting(officers.reviewer), pytest.raises(ValidationError, match="精确到分"):
        granted(person(), amount=amount)


@pytest.mark.django_db
def test_only_grants_of_the_own_county_and_of_months_that_have_come(officers: Officers) -> None:
    other = Officers("410123")
    with scopes.acting(other.reviewer):
        granted(person(area="410123101201"))
    with scopes.acting(officers.reviewer):
        granted(person(), month=date(2023, 1, 1))
        with pytest.raises(ValidationError, match="不在您的管辖范围内"):
            grants.make_grant(
                act=ACT, area="410123101201", programme="temporary", cause=1, month=MONTH, amount=Decimal(1), payee=grants.Payee("甲"),
                beneficiary_name="甲", beneficiary=uuid4(), now=NOW,
            )  # fmt: skip
    with pytest.raises(ValidationError, match="没有到期待发"):
        prepared(officers)
    assert prepared(officers, date(2023, 1, 1)).lines == 1
    with scopes.acting(officers.township), pytest.raises(PermissionDenied):
        grants.prepare_one_off(area=COUNTY, month=MONTH, now=NOW)


@pytest.mark.django_db
def test_a_payroll_of_one_programme_leaves_the_others(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        granted(person())
        granted(person(), programme="price_subsidy", amount="35.00", month=NOVEMBER)
    price = prepared(officers, programme="price_subsidy")
    rest = prepared(officers)
    assert (price.amount, rest.amount) == (Decimal("35.00"), Decimal("800.00"))
    assert price.payroll.number != rest.payroll.number


@pytest.mark.django_db
def test_many_grants_are_made_by_one_statement(officers: Officers, django_assert_max_num_queries: Any) -> None:
    with scopes.acting(officers.reviewer):
        people = [person(area=area) for area in (VILLAGE, VILLAGE, TOWNSHIP + "202") for _ in range(2)]
        sql = (
            "select area, 'price_subsidy', 7, 1, %s::date, 40.00 + row_number() over (order by id), null::bigint, id, name, token, name, token, account, bank"
            " from registry_person where id = any(%s)"
        )
        with django_assert_max_num_queries(6):
            assert grants.make_grants(act=ACT, sql=sql, params=[MONTH, [who.pk for who in people]], now=NOW) == 6
        for who in people:
            assert Grant.objects.get(payee_id=who.pk).beneficiary == who.token
        with pytest.raises(IntegrityError):
            grants.make_grants(act=ACT, sql=sql, params=[MONTH, [people[0].pk]], now=NOW)
    with scopes.acting(officers.reviewer):
        assert Grant.objects.count() == 6
    assert prepared(officers, programme="price_subsidy").lines == 6


# --- guards ----------------------------------------------------------------------------------------------------------

LINE = (
    "insert into payments_payrollline (area, month_entitled, kind, cause, entitlement_id, payroll_id, month_paid, programme, fund_id, fund_year, amount,"
    " members, payee_name, beneficiary_name, beneficiary, account, bank, decision_id) select g.area, {month}, {kind}, {cause}, g.id, p.id, p.month,"
    " {programme}, {fund}, 2022, {amount}, 1, g.payee_name, g.beneficiary_name, {beneficiary}, {account}, '', {decision}"
    " from payments_grant g, payments_payroll p where g.id = %s and p.id = %s"
)
SAME = {
    "month": "g.month", "kind": "'grant'", "cause": "g.cause", "programme": "g.programme", "fund": "1", "amount": "g.amount",
    "beneficiary": "g.beneficiary", "account": "g.account", "decision": "null",
}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "entitlement_id_month_entitled_k"),  # a second line of the same grant
        ({"amount": "g.amount + 0.01"}, "not what was granted"),
        ({"month": "date '2022-11-01'"}, "not what was granted"),
        ({"cause": "g.cause + 1"}, "not what was granted"),
        ({"beneficiary": "gen_random_uuid()"}, "not what was granted"),
        ({"account": "gen_random_uuid()"}, "not what was granted"),
        ({"programme": "'tekun'"}, "not what was granted"),
        ({"fund": "2"}, "not for this programme"),
        ({"kind": "'back'", "decision": "1"}, "nothing else by them"),
        ({"kind": "'back'"}, "payroll_line_decision"),
        ({"kind": "'regular'", "cause": "null", "decision": "1"}, "nothing else by them"),
    ],
)
def test_a_line_says_what_its_grant_says(officers: Officers, changes: dict[str, str], words: str) -> None:
    with scopes.acting(officers.reviewer):
        row = granted(person())
    payroll = prepared(officers).payroll
    with scopes.acting(officers.reviewer), refused(words):
        if changes:
            run("delete from payments_payrollline where payroll_id = %s", [payroll.pk])
        run(LINE.format(**{**SAME, **changes}), [row.pk, payroll.pk])


@pytest.mark.django_db
def test_a_grant_enters_no_regular_payroll_and_what_the_reserve_pays_no_payroll(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        award()
        row, cash = granted(person()), granted(person(), cause=2, way="reserve")
    regular = officers.prepared().payroll
    with scopes.acting(officers.reviewer), refused("paid by one-off payrolls"):
        run(LINE.format(**SAME), [row.pk, regular.pk])
    one_off = prepared(officers)
    assert one_off.lines == 1
    with scopes.acting(officers.reviewer), refused("not what was granted"):
        run(LINE.format(**SAME), [cash.pk, one_off.payroll.pk])


@pytest.mark.django_db
def test_what_a_grant_says_stays_and_nothing_changes_once_it_is_in_a_payroll(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        row = granted(person())
        with refused("permission denied"):
            run("update payments_grant set amount = amount * 2 where id = %s", [row.pk])
        with refused("permission denied"):
            run("delete from payments_grant where id = %s", [row.pk])
    prepared(officers)
    with scopes.acting(officers.reviewer):
        with pytest.raises(ValidationError, match="已在发放"):
            grants.void_grant(act=ACT, entitlement_id=row.pk, reason="改主意", now=NOW)
        with refused("being paid stays"):
            run("update payments_grant set account = gen_random_uuid() where id = %s", [row.pk])


def test_the_owner_too_does_not_change_what_a_grant_says(committed_db: None, owner_connection: Any) -> None:
    import psycopg

    officers = Officers()
    with scopes.acting(officers.reviewer):
        granted(person())
    for sql in ("update payments_grant set amount = 5", "update payments_grant set cause = 5", "update payments_grant set way = 'reserve'"):
        with pytest.raises(psycopg.errors.CheckViolation):
            owner_connection.execute(sql)


@pytest.mark.django_db
def test_an_entitlement_of_an_award_or_of_elsewhere_makes_no_grant(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        given, row = award(), granted(person())
        for entitlement in (given.award.pk, "(select max(id) + 99 from enrolment_entitlement)"):
            with refused("entitlement of its own area|foreign key"):
                run(
                    f"insert into payments_grant (id, area, programme, cause, part, month, amount, way, payee_name, beneficiary_name, beneficiary, bank,"
                    f" decided_by_id, made_at, void, void_reason) select {entitlement}, area, programme, 99, 1, month, amount, way, payee_name,"
                    f" beneficiary_name, beneficiary, '', decided_by_id, made_at, false, '' from payments_grant where id = {row.pk}"
                )


def test_voiding_and_preparing_at_once_never_pay_what_is_void(committed_db: None) -> None:
    """One connection voids, the other prepares; whoever comes second sees the first."""
    officers = Officers()
    for attempt in range(4):
        with scopes.acting(officers.reviewer):
            row = granted(person(), cause=100 + attempt)
        told: list[str] = []
        gate = threading.Barrier(2)

        def void(row: Grant = row, told: list[str] = told, gate: threading.Barrier = gate) -> None:
            try:
                gate.wait()
                with scopes.acting(officers.reviewer):
                    grants.void_grant(act=ACT, entitlement_id=row.pk, reason="登记错误", now=NOW)
            except ValidationError as error:
                told.append(str(error))
            finally:
                connections.close_all()

        def prepare(told: list[str] = told, gate: threading.Barrier = gate) -> None:
            try:
                gate.wait()
                prepared(officers)
            except (ValidationError, IntegrityError) as error:
                told.append(str(error))
            finally:
                connections.close_all()

        threads = [threading.Thread(target=void), threading.Thread(target=prepare)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with scopes.acting(officers.reviewer):
            fresh = Grant.objects.get(pk=row.pk)
            lines = PayrollLine.objects.filter(entitlement_id=row.pk).count()
            assert fresh.void != bool(lines), told
            if lines:  # leave nothing for the next round
                payrolls.delete_draft(payroll_id=PayrollLine.objects.get(entitlement_id=row.pk).payroll_id, now=NOW)
                grants.void_grant(act=ACT, entitlement_id=row.pk, reason="清理", now=NOW)


def test_two_preparations_at_once_make_one_payroll(committed_db: None) -> None:
    officers = Officers()
    with scopes.acting(officers.reviewer):
        granted(person())
    found: list[int] = []

    def prepare() -> None:
        try:
            found.append(prepared(officers).payroll.pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=prepare) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2 and len(set(found)) == 1
    with scopes.acting(officers.reviewer), connection.cursor() as cursor:
        cursor.execute("select count(*) from payments_payrollline")
        assert cursor.fetchone() == (1,)


@pytest.mark.django_db
def test_the_page_prepares_and_shows_a_one_off_payroll(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        granted(person())
        granted(person(), cause=2, account=False)
    client = client_of(officers.reviewer)
    page = client.get("/payments/").content.decode()
    assert "待发 2 笔，1,600.00 元" in page and "其中 1 笔无领款账户" in page
    assert client.post("/payments/one-off/", {"month": "2022-13"}).status_code == 302
    payroll = prepared(officers).payroll
    for tab in ("", "unusual", "funds", "results", "all"):
        page = client.get(f"/payments/{payroll.pk}/?tab={tab}").content.decode()
        assert "一次性发放" in page
    assert "临时救助" in client.get(f"/payments/{payroll.pk}/").content.decode()
    assert client_of(officers.township).post("/payments/one-off/", {"month": "2022-12"}).status_code == 403
