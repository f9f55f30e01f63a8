"""Funds (measures 4.1, 4.2): what each may pay, documents of every level, and each guard broken on purpose."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from threading import Barrier, Thread
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connections

from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.tests.officers import officer
from doudi.payments import fund_queries
from doudi.payments.models import Fund, FundMovement, FundPurpose, LedgerEntry, Payroll, PayrollExclusion
from doudi.payments.services import cover, funds, ledger, payrolls
from doudi.payments.tests.test_guards import again, refused, run
from doudi.payments.tests.world import COUNTY, MONTH, NOVEMBER, NOW, ON, Officers, award

OTHER = "410123"


def plan(who: Officers, amount: str = "5000000", *, level: str = "province", issuer: str = "province", document: str = "豫财社〔2022〕8号", **more: Any) -> FundMovement:
    with scopes.acting(who.finance):
        return funds.register_plan(
            area=COUNTY, year=2022, level=level, issuer=issuer, amount=Decimal(amount), document=document, document_date=date(2022, 1, 5), on=ON, now=NOW,
            **{"fund": "assistance", **more},
        )  # fmt: skip


def receive(who: Officers, amount: str, *, level: str = "province", document: str = "到账1", plan_id: int | None = None, year: int = 2022) -> int:
    with scopes.acting(who.finance):
        return ledger.receive_appropriation(
            fund="assistance", area=COUNTY, year=year, amount=Decimal(amount), document=document, level=level, issuer=level, plan_id=plan_id, on=ON, now=NOW
        )


def propose(who: Officers, kind: str, amount: str, *, level: str = "province", document: str = "调1", **more: Any) -> FundMovement:
    with scopes.acting(who.finance):
        return funds.propose(
            kind=kind, area=COUNTY, fund="assistance", year=2022, level=level, amount=Decimal(amount), document=document, reason="按文件办理", on=ON, now=NOW,
            **more,
        )  # fmt: skip


def confirm(who: scopes.Scope, row: FundMovement) -> FundMovement:
    with scopes.acting(who):
        return funds.confirm(movement_id=row.pk, on=ON, now=NOW)


def has(who: Officers, level: str = "province", *, fund: str = "assistance", year: int = 2022, area: str = COUNTY) -> Decimal:
    with scopes.acting(scopes.Scope(area="41")):
        return funds.available(area, Fund.objects.get(code=fund).pk, year, level)


# --- what a fund may pay (4.1) ---------------------------------------------------------------------------------------


@pytest.fixture
def line(officers: Officers) -> int:
    """A line of a draft for December; its award runs since November, which is not paid: a second line like it may be of November."""
    with scopes.acting(officers.reviewer):
        award(starts=NOVEMBER)
        made = payrolls.prepare_payroll(area=COUNTY, month=MONTH, arrears_from=MONTH, now=NOW)
    return officers.first_line(made.payroll)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fund": "2"}, "not for this programme"),
        ({"fund": "4"}, "not for this programme"),
        ({"programme": "'disability_nursing'"}, "not for this programme"),
        ({"fund": "999"}, "not for this programme"),
    ],
)
def test_4_1_a_line_of_another_purpose_is_refused(officers: Officers, line: int, changes: dict[str, str], words: str) -> None:
    with scopes.acting(officers.reviewer), refused(words):
        run(*again(line, month="date '2022-11-01'", **changes))


@pytest.mark.django_db
def test_4_1_a_line_draws_on_money_of_the_year_in_which_it_is_paid(officers: Officers, line: int) -> None:
    for year in ("2021", "2023"):
        with scopes.acting(officers.reviewer), refused("money of its own year"):
            run(*again(line, month="date '2022-11-01'", year=year))


def purpose(who: scopes.Scope, *, allowed: bool, area: str, programme: str = "dibao", fund: str = "assistance", from_year: int = 2022, until: int | None = None) -> FundPurpose:
    with scopes.acting(who):
        return funds.propose_purpose(
            fund=fund, programme=programme, area=area, allowed=allowed, from_year=from_year, until_year=until, document="豫财社〔2022〕1号", now=NOW
        )


def agree(who: scopes.Scope, row: FundPurpose, *, agreed: bool = True) -> FundPurpose:
    with scopes.acting(who):
        return funds.decide_purpose(purpose_id=row.pk, agreed=agreed, note="依据不足", now=NOW)


@pytest.mark.django_db
def test_4_1_a_rule_of_a_place_and_year_stops_a_programme_there_and_the_database_holds_it(officers: Officers, line: int) -> None:
    row = purpose(officers.finance, allowed=False, area=COUNTY)
    with scopes.acting(officers.reviewer):  # proposed only: nothing changes yet
        run(*again(line, month="date '2022-11-01'"))
        assert ledger.fund_for("dibao", COUNTY, 2022) == 1
    agree(officers.approver, row)
    with scopes.acting(officers.reviewer):
        assert ledger.fund_for("dibao", COUNTY, 2022) is None and ledger.fund_for("dibao", COUNTY, 2021) == 1 and ledger.fund_for("dibao", OTHER, 2022) == 1
        run("delete from payments_payrollline where month_entitled = '2022-11-01'")
        with refused("programme, place and year"):
            run(*again(line, month="date '2022-11-01'"))
        payrolls.prepare_payroll(area=COUNTY, month=MONTH, now=NOW)
        assert set(PayrollExclusion.objects.values_list("reason", flat=True)) == {"no_fund"}
    back = purpose(officer(Duty.SUPERVISOR, "41"), allowed=True, area=COUNTY, until=2022)
    agree(officer(Duty.SUPERVISOR, "41"), back)
    with scopes.acting(officers.reviewer):
        assert ledger.fund_for("dibao", COUNTY, 2022) == 1 and ledger.fund_for("dibao", COUNTY, 2023) is None


@pytest.mark.django_db
def test_4_1_a_purpose_takes_two_officers_and_its_owner_to_widen_it(officers: Officers) -> None:
    province, second = officer(Duty.SUPERVISOR, "41"), officer(Duty.SUPERVISOR, "41")
    with pytest.raises(ValidationError, match="设立资金的一级"):
        purpose(officers.finance, allowed=True, area=COUNTY, programme="marginal")
    with scopes.acting(officers.finance), refused("who owns the fund"):
        FundPurpose.objects.create(
            fund_id=1, programme="marginal", area=COUNTY, from_year=2022, document="x", proposed_by_id=officers.finance.account_id, proposed_at=NOW
        )
    row = purpose(province, allowed=True, area="41", programme="marginal")
    assert purpose(province, allowed=True, area="41", programme="marginal").pk == row.pk  # sent twice
    with pytest.raises(ValidationError, match="待确认"):
        purpose(second, allowed=True, area="41", programme="marginal", from_year=2023)
    with pytest.raises(PermissionDenied):
        agree(province, row)
    with pytest.raises(ValidationError, match="不由您这一级"):
        agree(officers.approver, row)
    agree(second, row)
    with pytest.raises(ValidationError, match="已由他人办理"):
        agree(officer(Duty.SUPERVISOR, "41"), row)
    with scopes.acting(officers.finance):
        assert ledger.fund_for("marginal", COUNTY, 2022) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sql",
    [
        "insert into payments_fundpurpose (fund_id, programme, area, from_year, allowed, document, state, proposed_by_id, proposed_at, note)"
        " values (1, 'rigid', '41', 2022, true, 'x', 'confirmed', %(me)s, now(), '')",
        "insert into payments_fundpurpose (fund_id, programme, area, from_year, allowed, document, state, proposed_by_id, proposed_at, note)"
        " values (1, 'rigid', '41', 2022, true, 'x', 'proposed', %(other)s, now(), '')",
        "update payments_fundpurpose set state = 'confirmed', confirmed_by_id = %(me)s where state = 'proposed'",
        "update payments_fundpurpose set state = 'confirmed', confirmed_by_id = %(other)s where state = 'proposed'",
        "update payments_fundpurpose set state = 'refused', confirmed_by_id = %(me)s where programme = 'dibao'",
    ],
)
def test_4_1_a_purpose_cannot_be_forged(sql: str) -> None:
    me, other = officer(Duty.SUPERVISOR, "41"), officer(Duty.SUPERVISOR, "41")
    purpose(me, allowed=True, area="41", programme="marginal")
    with scopes.acting(me), refused("begins as a proposal|two_officers|confirmed once"):
        run(sql, {"me": me.account_id, "other": other.account_id})  # type: ignore[arg-type]


# --- money of every level (4.2) --------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_4_2_what_was_promised_and_not_received_is_shown_by_level_and_document(officers: Officers) -> None:
    promised = plan(officers, "5000000")
    assert plan(officers, "5000000").pk == promised.pk
    with pytest.raises(ValidationError, match="与本次不同"):
        plan(officers, "6000000")
    receive(officers, "2000000", plan_id=promised.pk, document="到账1")
    receive(officers, "1000000", plan_id=promised.pk, document="到账2")
    receive(officers, "300.50", level="county", document="县到账")
    with scopes.acting(officers.finance):
        (row,) = [each for each in fund_queries.of_place(COUNTY, 2022, ON) if each.levels]
        (shown,) = fund_queries.plans(COUNTY, 2022)
        by_level = {level: sums for level, _label, sums in row.levels}
        with pytest.raises(ValidationError, match="不属于这项资金"):
            ledger.receive_appropriation(
                fund="assistance", area=COUNTY, year=2022, amount=Decimal(1), document="错级", level="city", plan_id=promised.pk, on=ON, now=NOW
            )
    assert (row.total.planned, row.total.received, row.total.missing) == (Decimal(5_000_000), Decimal("3000300.50"), Decimal(2_000_000))
    assert by_level["province"].missing == shown.missing == Decimal(2_000_000)  # type: ignore[attr-defined]
    assert by_level["county"].available == Decimal("300.50")


@pytest.mark.django_db
def test_4_2_money_from_above_is_spent_first_and_each_level_is_counted_apart(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        award(members=1, amount="300.00")
    receive(officers, "200.00", level="county", document="县")
    receive(officers, "50.00", level="central", document="中央")
    receive(officers, "100.00", level="province", document="省")
    draft = officers.prepared().payroll
    officers.released(draft)
    assert [has(officers, level) for level in ("central", "province", "county")] == [Decimal(0), Decimal(0), Decimal(50)]
    officers.exported(draft, "one_card_csv")
    officers.booked(draft, officers.answer(draft, officers.first_line(draft)))
    with scopes.acting(officers.finance):
        back = dict(LedgerEntry.objects.filter(payroll=draft, account="returned").values_list("level", "amount"))
    assert back == {"central": Decimal(50), "province": Decimal(100), "county": Decimal(150)}


@pytest.mark.django_db
def test_4_2_money_straight_from_the_province_and_from_the_city_to_a_county(officers: Officers) -> None:
    plan(officers, "700", issuer="province", document="直达")
    city, second = officer(Duty.SUPERVISOR, "4101"), officer(Duty.SUPERVISOR, "4101")
    with scopes.acting(officers.finance), pytest.raises(PermissionDenied):
        funds.propose(
            kind="transfer", area=COUNTY, to_area=OTHER, to_fund="assistance", fund="assistance", year=2022, level="province", amount=Decimal(1), document="x",
            reason="x", on=ON, now=NOW,
        )  # fmt: skip
    receive(officers, "700")
    with scopes.acting(city):
        row = funds.propose(
            kind="transfer", area=COUNTY, to_area=OTHER, to_fund="assistance", fund="assistance", year=2022, level="province", amount=Decimal(200),
            document="郑财〔2022〕3号", reason="调剂", on=ON, now=NOW,
        )  # fmt: skip
    with pytest.raises((ValidationError, PermissionDenied)):
        confirm(officers.approver, row)
    confirm(second, row)
    assert (has(officers), has(officers, area=OTHER)) == (Decimal(500), Decimal(200))
    with scopes.acting(officer(Duty.FINANCE_OFFICER, OTHER)):  # the county that got it reads the document
        assert FundMovement.objects.filter(pk=row.pk).exists()


@pytest.mark.django_db
def test_4_2_a_years_balance_is_carried_over_by_a_document_and_two_officers(officers: Officers) -> None:
    receive(officers, "1000")
    with pytest.raises(ValidationError, match="少于"):
        propose(officers, "carry_over", "1000.01", to_year=2023)
    with pytest.raises(ValidationError, match="晚于"):
        propose(officers, "carry_over", "1000", to_year=2022)
    row = propose(officers, "carry_over", "1000", to_year=2023)
    assert propose(officers, "carry_over", "1000", to_year=2023).pk == row.pk
    assert has(officers) == 1000  # nothing moves before the second officer
    with pytest.raises(PermissionDenied):
        confirm(officers.finance, row)
    confirm(officers.approver, row)
    assert confirm(officers.approver, row).state == "booked"  # sent twice
    assert (has(officers), has(officers, year=2023)) == (Decimal(0), Decimal(1000))
    with scopes.acting(officers.approver):
        assert not Todo.objects.filter(kind="payments.movement", done_at__isnull=True).exists()


@pytest.mark.django_db
def test_4_2_two_officers_confirm_at_once_and_money_that_went_in_between(officers: Officers) -> None:
    receive(officers, "1000")
    first, second = propose(officers, "return", "800", document="缴1"), propose(officers, "return", "800", document="缴2")
    confirm(officers.approver, first)
    with pytest.raises(ValidationError, match="已由他人办理"):
        confirm(officer(Duty.COUNTY_APPROVER), first)
    with pytest.raises(ValidationError, match="不足以办理"):
        confirm(officers.approver, second)
    assert has(officers) == 200
    with scopes.acting(officers.approver):
        assert FundMovement.objects.get(pk=second.pk).state == "proposed"
        with pytest.raises(ValidationError, match="原因"):
            funds.refuse(movement_id=second.pk, reason=" ", now=NOW)
        funds.refuse(movement_id=second.pk, reason="余额不足", now=NOW)


@pytest.mark.django_db
def test_4_2_a_reversal_undoes_a_document_once_with_reason_and_two_officers(officers: Officers) -> None:
    receive(officers, "1000", document="误")
    with scopes.acting(officers.finance):
        wrong = FundMovement.objects.get(document="误")
        with pytest.raises(ValidationError, match="原因"):
            funds.propose_reversal(movement_id=wrong.pk, document="冲1", reason="", on=ON, now=NOW)
        undo = funds.propose_reversal(movement_id=wrong.pk, document="冲1", reason="金额录错", on=ON, now=NOW)
        assert funds.propose_reversal(movement_id=wrong.pk, document="冲1", reason="金额录错", on=ON, now=NOW).pk == undo.pk
    with pytest.raises(PermissionDenied):
        confirm(officers.finance, undo)
    confirm(officers.approver, undo)
    assert has(officers) == 0
    with scopes.acting(officers.finance):
        with pytest.raises(ValidationError, match="不能再次冲销"):
            funds.propose_reversal(movement_id=wrong.pk, document="冲2", reason="再来", on=ON, now=NOW)
        with pytest.raises(ValidationError, match="原始凭证"):
            funds.propose_reversal(movement_id=undo.pk, document="冲3", reason="冲冲销", on=ON, now=NOW)
        with refused("reversed_once"):
            FundMovement.objects.create(
                area=COUNTY, kind="reversal", fund_id=1, fund_year=2022, level="province", amount=1000, document="冲4", reason="x", reverses=wrong,
                proposed_by_id=officers.finance.account_id, proposed_at=NOW,
            )  # fmt: skip
    receive(officers, "100", document="误")  # registered anew under its number
    assert has(officers) == 100


@pytest.mark.django_db
def test_4_2_spent_money_cannot_be_reversed_away(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        award(amount="300.00")
    receive(officers, "300")
    draft = officers.prepared().payroll
    officers.released(draft)
    with scopes.acting(officers.finance):
        undo = funds.propose_reversal(movement_id=FundMovement.objects.get(kind="receipt").pk, document="冲", reason="试", on=ON, now=NOW)
    with pytest.raises(ValidationError, match="不足以办理"):
        confirm(officers.approver, undo)


FORGED = {
    "receipt without its entries": (
        "insert into payments_fundmovement (area, kind, fund_id, fund_year, level, issuer, amount, document, reason, to_area, reversed, state, proposed_by_id,"
        " proposed_at, note) values ('410122', 'receipt', 1, 2022, 'city', 'city', 5, 'x', '', '', false, 'booked', %(me)s, now(), '')",
        "does not carry this document",
    ),
    "transfer without a document number": (
        "insert into payments_fundmovement (area, kind, fund_id, fund_year, level, issuer, amount, document, reason, to_area, to_fund_id, to_year, reversed,"
        " state, proposed_by_id, proposed_at, note) values ('410122', 'transfer', 1, 2022, '', '', 5, '', 'x', '410122', 2, 2022, false, 'proposed', %(me)s,"
        " now(), '')",
        "fund_movement_document",
    ),
    "transfer booked by one": (
        "insert into payments_fundmovement (area, kind, fund_id, fund_year, level, issuer, amount, document, reason, to_area, to_fund_id, to_year, reversed,"
        " state, proposed_by_id, proposed_at, note) values ('410122', 'transfer', 1, 2022, '', '', 5, 'x', 'x', '410122', 2, 2022, false, 'booked', %(me)s,"
        " now(), '')",
        "begins as a proposal",
    ),
    "proposed in another's name": (
        "insert into payments_fundmovement (area, kind, fund_id, fund_year, level, issuer, amount, document, reason, to_area, reversed, state, proposed_by_id,"
        " proposed_at, note) values ('410122', 'return', 1, 2022, '', '', 5, 'x', 'x', '', false, 'proposed', %(other)s, now(), '')",
        "begins as a proposal",
    ),
    "confirmed by its own officer": ("update payments_fundmovement set state = 'booked', confirmed_by_id = %(me)s where state = 'proposed'", "two_officers"),
    "confirmed in another's name": (
        "update payments_fundmovement set state = 'booked', confirmed_by_id = %(other)s where state = 'proposed'",
        "what a document says stays",
    ),
    "marked as reversed": ("update payments_fundmovement set reversed = true where kind = 'receipt'", "only a booked reversal"),
    "money out of nowhere": (
        "insert into payments_ledgerentry (area, transaction, account, fund_id, fund_year, level, amount, what, document, booked_on, booked_at)"
        " select '410122', 900001, a, 1, 2022, '', s, 'x', '', now(), now() from (values ('available', 5), ('appropriation', -5)) v (a, s)",
        "ledger_document",
    ),
    "more than the document says": (
        "insert into payments_ledgerentry (area, transaction, account, fund_id, fund_year, level, amount, what, document, booked_on, booked_at, movement_id)"
        " select '410122', 900002, a, 1, 2022, 'province', s, 'x', '', now(), now(), m.id from (values ('available', 5), ('appropriation', -5)) v (a, s)"
        " cross join (select id from payments_fundmovement where kind = 'receipt') m",
        "does not carry this document",
    ),
    "unbalanced": (
        "insert into payments_ledgerentry (area, transaction, account, fund_id, fund_year, level, amount, what, document, booked_on, booked_at)"
        " values ('410122', 900003, 'paid', 1, 2022, 'province', 5, 'x', '', now(), now())",
        "not balanced",
    ),
    "balanced over two levels": (
        "insert into payments_ledgerentry (area, transaction, account, fund_id, fund_year, level, amount, what, document, booked_on, booked_at)"
        " select '410122', 900004, 'available', 1, 2022, l, s, 'x', '', now(), now() from (values ('county', 5), ('province', -5)) v (l, s)",
        "not balanced",
    ),
    "another level's money": (
        "insert into payments_ledgerentry (area, transaction, account, fund_id, fund_year, level, amount, what, document, booked_on, booked_at)"
        " select '410122', 900005, a, 1, 2022, 'county', s, 'x', '', now(), now() from (values ('paid', 5), ('available', -5)) v (a, s)",
        "does not cover it",
    ),
    "another area": (
        "insert into payments_fundmovement (area, kind, fund_id, fund_year, level, issuer, amount, document, reason, to_area, reversed, state, proposed_by_id,"
        " proposed_at, note) values ('410123', 'return', 1, 2022, '', '', 5, 'x', 'x', '', false, 'proposed', %(me)s, now(), '')",
        "row-level security",
    ),
    "into another area": (
        "insert into payments_fundmovement (area, kind, fund_id, fund_year, level, issuer, amount, document, reason, to_area, to_fund_id, to_year, reversed,"
        " state, proposed_by_id, proposed_at, note) values ('410122', 'transfer', 1, 2022, '', '', 5, 'x', 'x', '410123', 1, 2022, false, 'proposed', %(me)s,"
        " now(), '')",
        "row-level security",
    ),
    "ledger changed": ("update payments_ledgerentry set amount = amount", "permission denied"),
    "ledger deleted": ("delete from payments_ledgerentry", "permission denied"),
    "document deleted": ("delete from payments_fundmovement", "permission denied"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("attack", FORGED)
def test_4_1_money_cannot_be_forged(officers: Officers, attack: str) -> None:
    receive(officers, "1000")
    propose(officers, "return", "10")
    sql, words = FORGED[attack]
    with scopes.acting(officers.finance), refused(words):
        run(sql, {"me": officers.finance.account_id, "other": officers.approver.account_id})  # type: ignore[arg-type]


@pytest.mark.django_db
def test_4_1_approved_payrolls_are_committed_until_they_leave(officers: Officers) -> None:
    draft = officers.draft()

    def held() -> Decimal:
        with scopes.acting(officers.finance):
            return sum((row.total.committed for row in fund_queries.of_place(COUNTY, 2022, ON)), Decimal(0))

    officers.approved(draft)
    assert held() == Decimal(300)
    with scopes.acting(officers.finance):
        payrolls.send_back(payroll_id=draft.pk, reason="再核", now=NOW)
    assert held() == 0
    with scopes.acting(officers.reviewer):
        payrolls.delete_draft(payroll_id=draft.pk, now=NOW)  # the ledger's note of it does not hold it
    again_ = officers.prepared().payroll
    officers.released(again_)
    assert held() == 0


@pytest.mark.django_db
def test_4_2_months_of_cover_warn_finance_before_the_money_ends(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        award(amount="300.00")
    receive(officers, "500")
    draft = officers.prepared().payroll
    officers.released(draft)
    with scopes.acting(officers.finance):
        found = cover.cover(areas=[COUNTY], year=2022, on=ON)[COUNTY, 1]
        assert (found.monthly, found.months) == (Decimal(300), Decimal("0.6"))
        assert cover.nightly(area=COUNTY, on=ON, now=NOW) == {"short": 1, "ended": 0}
        assert cover.nightly(area=COUNTY, on=ON, now=NOW) == {"short": 0, "ended": 0}
        assert "0.6 个月" in Todo.objects.get(kind="payments.cover").title
    receive(officers, "5000", document="到账2")
    with scopes.acting(officers.finance):
        assert cover.nightly(area=COUNTY, on=ON, now=NOW)["ended"] == 1


def test_4_1_the_last_money_goes_to_one_of_two_payrolls_released_at_once(committed_db: None) -> None:
    officers = Officers()
    with scopes.acting(officers.reviewer):
        award(amount="300.00", starts=date(2022, 11, 1), ends=date(2022, 12, 1))
        award(amount="300.00", starts=date(2022, 12, 1))
    officers.money("300.00")
    both = []
    for month in (date(2022, 11, 1), MONTH):
        with scopes.acting(officers.reviewer):
            both.append(payrolls.prepare_payroll(area=COUNTY, month=month, now=NOW, arrears_from=month).payroll)
        officers.approved(both[-1])
    answers: list[str] = []
    start = Barrier(2)

    def release(payroll: Payroll) -> None:
        try:
            start.wait(10)
            with scopes.acting(officers.finance):
                payrolls.release_payroll(payroll_id=payroll.pk, on=ON, now=NOW)
            answers.append("released")
        except ValidationError as error:
            answers.append(error.messages[0])
        finally:
            connections.close_all()

    threads = [Thread(target=release, args=[payroll]) for payroll in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(len(answer) > 10 for answer in answers) == [False, True]
    assert any("未报送任何一笔" in answer and "可用 0.00 元，本批需要 300.00 元" in answer for answer in answers), answers
    with scopes.acting(officers.finance):
        assert sorted(Payroll.objects.values_list("state", flat=True)) == ["approved", "released"]
        assert LedgerEntry.objects.filter(account="in_payment").count() == 1
