"""Township reserves: received, paid out with receipts, settled, handed back; never below nought; each guard broken on purpose."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connections
from django.urls import reverse

from doudi.core import scope as scopes
from doudi.core.models import Attachment, Duty, Todo
from doudi.core.tests.officers import client_of, officer
from doudi.core.tests.test_attachments import photo
from doudi.payments.models import Grant, LedgerEntry, ReservePayout
from doudi.payments.services import ledger, reserves
from doudi.payments.tests.test_grants import granted
from doudi.payments.tests.test_guards import refused, run
from doudi.payments.tests.world import COUNTY, TOWNSHIP, Officers, person

NOW = datetime(2022, 12, 6, 9, 0, tzinfo=UTC)
ON = date(2022, 12, 6)


@pytest.fixture
def officers() -> Officers:
    made = Officers()
    made.money("20000.00")
    return made


def fund(officers: Officers, amount: str, document: str = "拨〔2022〕1号", **more: Any) -> Any:
    with scopes.acting(officers.finance):
        return reserves.fund_reserve(township=TOWNSHIP, year=more.pop("year", 2022), amount=Decimal(amount), document=document, on=ON, now=NOW, **more)


def cash_grant(officers: Officers, amount: str = "1000.00", cause: int = 1) -> Grant:
    with scopes.acting(officers.reviewer):
        return granted(person(), cause=cause, amount=amount, way="reserve")


def pay(by: scopes.Scope, grant: Grant, **more: Any) -> ReservePayout:
    with scopes.acting(by):
        given = {"means": "cash", "received_by": grant.payee_name, "relation": "self", "receipts": [("收据.jpg", photo())], **more}
        return reserves.pay_out(entitlement_id=grant.pk, on=ON, now=NOW, **given)


def accounts(officers: Officers) -> dict[tuple[str, str], Decimal]:
    with scopes.acting(officers.finance):
        return {
            (row["area"], name): row[name]
            for row in ledger.trial_balance(area=COUNTY)
            for name in ("available", "advanced", "paid", "reserve", "reserve_paid", "reserve_source")
            if row[name]
        }


@pytest.mark.django_db
def test_3_2_money_goes_from_the_fund_to_the_reserve_to_the_person_and_is_accounted_for(officers: Officers) -> None:
    fund(officers, "5000.00")
    assert accounts(officers)[TOWNSHIP, "reserve"] == 5000
    payout = pay(officers.township, cash_grant(officers, "1234.56"), signature=photo())
    assert Attachment.objects.count() == 0  # nothing without a scope
    here = accounts(officers)
    assert (here[TOWNSHIP, "reserve"], here[TOWNSHIP, "reserve_paid"], here[COUNTY, "advanced"]) == (Decimal("3765.44"), Decimal("1234.56"), 5000)
    with scopes.acting(officers.finance):
        made = reserves.settle(township=TOWNSHIP, payouts=[payout.pk], on=ON, now=NOW)
        assert (made.payouts, made.amount) == (1, Decimal("1234.56"))
        reserves.return_reserve(township=TOWNSHIP, year=2022, amount=Decimal("3765.44"), document="交回1", on=ON, now=NOW)
        assert ledger.check_ledger(area=COUNTY, month=ON)["balance"] == 0
    assert accounts(officers) == {(COUNTY, "available"): Decimal("18765.44"), (COUNTY, "paid"): Decimal("1234.56")}


@pytest.mark.django_db
def test_the_same_document_and_the_same_payout_twice_are_once(officers: Officers) -> None:
    first, again = fund(officers, "3000.00"), fund(officers, "3000.00")
    assert first.pk == again.pk
    with pytest.raises(ValidationError, match=r"已登记 3,000\.00 元"):
        fund(officers, "3000.01")
    grant = cash_grant(officers)
    assert pay(officers.township, grant).pk == pay(officers.township, grant).pk
    colleague = officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)
    with pytest.raises(ValidationError, match="没有重复支出"):
        pay(colleague, grant)
    assert accounts(officers)[TOWNSHIP, "reserve"] == 2000


@pytest.mark.django_db
def test_the_reserve_pays_its_last_fen_and_not_one_more(officers: Officers) -> None:
    fund(officers, "1000.00")
    with pytest.raises(ValidationError, match=r"结存 1,000\.00 元，不足以发放 1,000\.01 元"):
        pay(officers.township, cash_grant(officers, "1000.01"))
    pay(officers.township, cash_grant(officers, "1000.00", cause=2))
    with pytest.raises(ValidationError, match=r"结存 0\.00 元"):
        pay(officers.township, cash_grant(officers, "0.01", cause=3))


@pytest.mark.django_db
def test_a_payout_draws_on_the_older_year_first_and_is_settled_by_year(officers: Officers) -> None:
    officers.money("500.00", year=2021)
    fund(officers, "300.00", "拨2021", year=2021)
    fund(officers, "1000.00")
    payout = pay(officers.township, cash_grant(officers, "700.00"))
    with scopes.acting(officers.finance):
        years = LedgerEntry.objects.filter(payout=payout, account="reserve_paid").order_by("fund_year").values_list("fund_year", "amount")
        assert list(years) == [(2021, Decimal(300)), (2022, Decimal(400))]
        reserves.settle(township=TOWNSHIP, payouts=[payout.pk], on=ON, now=NOW)
        paid = {row["year"]: row["paid"] for row in ledger.trial_balance(area=COUNTY) if row["area"] == COUNTY}
    assert paid == {2021: Decimal(300), 2022: Decimal(400)}


@pytest.mark.django_db
def test_the_receipt_of_a_settled_payout_stays_with_it(officers: Officers) -> None:
    fund(officers, "5000.00")
    payout = pay(officers.township, cash_grant(officers, "500.00"))
    with scopes.acting(officers.finance):
        reserves.settle(township=TOWNSHIP, payouts=[payout.pk], on=ON, now=NOW)
    with scopes.acting(officers.township):
        receipt = Attachment.objects.get(subject="reserve_payout", subject_id=payout.pk)
    assert client_of(officers.township).post(reverse("attachment_remove", args=[receipt.pk])).status_code == 403
    with scopes.acting(officers.township):
        assert reserves.with_receipt([payout.pk]) == {payout.pk}


@pytest.mark.django_db
def test_without_receipt_a_payout_is_a_to_do_and_is_not_settled(officers: Officers) -> None:
    fund(officers, "9000.00")
    bare, good = pay(officers.township, cash_grant(officers), receipts=[]), pay(officers.township, cash_grant(officers, cause=2))
    with scopes.acting(officers.township):
        assert Todo.objects.filter(kind="payments.receipt", subject_id=bare.pk, done_at=None).exists()
    with scopes.acting(officers.finance):
        with pytest.raises(ValidationError, match="没有领款凭据"):
            reserves.settle(township=TOWNSHIP, payouts=[bare.pk, good.pk], on=ON, now=NOW)
        reserves.settle(township=TOWNSHIP, payouts=[good.pk], on=ON, now=NOW)
        with pytest.raises(ValidationError, match="已核销"):
            reserves.settle(township=TOWNSHIP, payouts=[good.pk], on=ON, now=NOW)


@pytest.mark.django_db
def test_goods_are_named_a_low_reserve_reminds_and_who_pays_does_not_settle(officers: Officers) -> None:
    fund(officers, "5500.00")
    grant = cash_grant(officers)
    with pytest.raises(ValidationError, match="品名"):
        pay(officers.township, grant, means="goods")
    payout = pay(officers.township, grant, means="goods", goods="棉被2床、大米20公斤")
    with scopes.acting(officers.finance):
        assert set(Todo.objects.filter(done_at=None).values_list("kind", flat=True)) >= {"payments.replenish", "payments.settle"}
    fund(officers, "9000.00", "补足")
    with scopes.acting(officers.finance):
        assert not Todo.objects.filter(kind="payments.replenish", done_at=None).exists()
    both = scopes.Scope(area=COUNTY, account_id=officers.township.account_id, duty=Duty.FINANCE_OFFICER, page="test")
    with scopes.acting(both), pytest.raises(PermissionDenied):
        reserves.settle(township=TOWNSHIP, payouts=[payout.pk], on=ON, now=NOW)


@pytest.mark.django_db
def test_wrong_places_and_duties(officers: Officers) -> None:
    with scopes.acting(officers.finance):
        for township in (COUNTY, "410123101", "410122101201"):
            with pytest.raises(ValidationError):
                reserves.fund_reserve(township=township, year=2022, amount=Decimal(1), document="x", on=ON, now=NOW)
        with pytest.raises(ValidationError, match="不足以拨付"):
            reserves.fund_reserve(township=TOWNSHIP, year=2022, amount=Decimal("20000.01"), document="x", on=ON, now=NOW)
        with pytest.raises(ValidationError, match="不能用于临时救助"):
            reserves.fund_reserve(township=TOWNSHIP, year=2022, amount=Decimal(1), document="x", on=ON, now=NOW, fund="disability")
    with scopes.acting(officers.township), pytest.raises(PermissionDenied):
        reserves.fund_reserve(township=TOWNSHIP, year=2022, amount=Decimal(1), document="x", on=ON, now=NOW)
    fund(officers, "5000.00")
    stranger = officer(Duty.TOWNSHIP_OFFICER, "410122102")
    with pytest.raises(ValidationError, match="不在您的管辖范围内"):
        pay(stranger, cash_grant(officers))
    with scopes.acting(officers.reviewer):
        by_payroll = granted(person(), cause=9)
    with pytest.raises(ValidationError, match="没有这笔由备用金发放"):
        pay(officers.township, by_payroll)


# --- guards ----------------------------------------------------------------------------------------------------------

ENTRY = (
    "insert into payments_ledgerentry (area, transaction, account, fund_id, fund_year, amount, what, document, booked_on, booked_at, payout_id) values"
    " ({area}, 990, {account}, 1, 2022, {amount}, 'x', '', '2022-12-06', now(), {payout}), ({area}, 990, {other}, 1, 2022, -({amount}), 'x', '', '2022-12-06',"
    " now(), null)"
)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("area", "account", "other", "amount", "payout", "words"),
    [
        (TOWNSHIP, "reserve", "reserve_source", "100", "null", "differ from what the county advanced"),
        (COUNTY, "advanced", "available", "100", "null", "differ from what the county advanced"),
        (TOWNSHIP, "reserve_paid", "reserve", "100", "null", "ledger_payout"),
        (TOWNSHIP, "reserve_paid", "reserve", "5000.01", "p", "does not carry|does not cover"),
        (TOWNSHIP, "reserve_paid", "reserve", "1", "p", "does not carry this payout"),
        (TOWNSHIP, "available", "reserve", "1", "p", "ledger_payout"),
        (COUNTY, "reserve", "available", "1", "null", "ledger_reserve_area"),
        (TOWNSHIP, "advanced", "reserve", "1", "null", "ledger_reserve_area"),
    ],
)
def test_the_ledger_of_a_reserve_cannot_be_bent(
    officers: Officers, area: str, account: str, other: str, amount: str, payout: str, words: str
) -> None:
    fund(officers, "5000.00")
    made = pay(officers.township, cash_grant(officers))
    with scopes.acting(officers.finance), refused(words):
        run(ENTRY.format(area=f"'{area}'", account=f"'{account}'", other=f"'{other}'", amount=amount, payout=str(made.pk) if payout == "p" else payout))


@pytest.mark.django_db
def test_a_payout_needs_its_ledger_entry_and_says_what_was_granted(officers: Officers) -> None:
    fund(officers, "5000.00")
    grant, other = cash_grant(officers), cash_grant(officers, cause=2)
    insert = (
        "insert into payments_reservepayout (area, number, grant_id, amount, means, goods, received_by, relation, paid_on, paid_by_id, paid_at{more})"
        " values (%s, 'N', %s, {amount}, 'cash', '', '甲', 'self', '2022-12-06', %s, now(){values})"
    )
    with scopes.acting(officers.township):
        with refused("ledger does not carry"):
            run(insert.format(amount="1000", more="", values=""), [TOWNSHIP, grant.pk, officers.township.account_id])
        with refused("not what was granted"):
            run(insert.format(amount="999", more="", values=""), [TOWNSHIP, grant.pk, officers.township.account_id])
        with refused("begins unsettled|permission denied"):
            run(insert.format(amount="1000", more=", settled_by_id", values=f", {officers.finance.account_id}"), [TOWNSHIP, grant.pk, officers.township.account_id])
    made = pay(officers.township, grant)
    with scopes.acting(officers.finance):
        for sql in ("update payments_reservepayout set amount = 1", "delete from payments_reservepayout", "update payments_reservetransfer set amount = 1"):
            with refused("permission denied"):
                run(sql)
        with refused("sum of its payouts"):
            run(
                "insert into payments_reservesettlement (area, number, payouts, amount, settled_by_id, settled_at) values (%s, 'S', 1, 5, %s, now())",
                [TOWNSHIP, officers.finance.account_id],
            )
        with refused("settled_by"):
            run("update payments_reservepayout set settled_by_id = %s where id = %s", [officers.finance.account_id, made.pk])
    with scopes.acting(officers.reviewer), refused("being paid stays"):
        run("update payments_grant set void = true where id = %s", [grant.pk])
    with scopes.acting(officers.reviewer):
        assert not Grant.objects.get(pk=other.pk).void


def test_two_payouts_at_once_do_not_overdraw_the_reserve(committed_db: None) -> None:
    """Two connections, 1,000 yuan each, 1,500 in the reserve: one is paid, the other told the balance."""
    officers = Officers()
    officers.money("20000.00")
    fund(officers, "1500.00")
    colleague = officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)
    grants = [cash_grant(officers, cause=cause) for cause in (1, 2)]
    told: list[str] = []
    gate = threading.Barrier(2)

    def one(by: scopes.Scope, grant: Grant) -> None:
        try:
            gate.wait()
            pay(by, grant)
            told.append("paid")
        except ValidationError as error:
            told.append(str(error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=pair) for pair in zip((officers.township, colleague), grants, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(word == "paid" for word in told) == [False, True]
    assert any("结存 500.00 元" in word for word in told)
    assert accounts(officers)[TOWNSHIP, "reserve"] == 500


def test_the_same_grant_paid_by_two_hands_at_once_is_paid_once(committed_db: None) -> None:
    officers = Officers()
    officers.money("20000.00")
    fund(officers, "5000.00")
    colleague, grant = officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP), cash_grant(officers)
    gate = threading.Barrier(2)

    def one(by: scopes.Scope) -> None:
        try:
            gate.wait()
            pay(by, grant)
        except ValidationError:
            pass
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(by,)) for by in (officers.township, colleague)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert accounts(officers)[TOWNSHIP, "reserve"] == 4000


def test_a_crash_in_the_middle_leaves_nothing(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    officers = Officers()
    officers.money("20000.00")
    fund(officers, "5000.00")
    grant = cash_grant(officers)

    def dies(*_args: Any, **_kwargs: Any) -> None:
        raise RuntimeError("the machine stops here")

    monkeypatch.setattr(reserves, "attach", dies)
    with pytest.raises(RuntimeError):
        pay(officers.township, grant)
    monkeypatch.undo()
    assert accounts(officers)[TOWNSHIP, "reserve"] == 5000
    pay(officers.township, grant)
    assert accounts(officers)[TOWNSHIP, "reserve"] == 4000
