"""From awards to money and back: lines, signatures, files, results, corrections, ledger (measures 4.1 to 4.3)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from doudi.batch import idnumber
from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Todo
from doudi.enrolment.models import Award
from doudi.payments import layout_io, layouts, queries
from doudi.payments.models import BankFile, BankReturn, LedgerEntry, PaidMonth, Payroll, PayrollExclusion
from doudi.payments.services import corrections, files, ledger, payrolls, results
from doudi.payments.services.channels import channels_of
from doudi.payments.tests.world import COUNTY, MONTH, NOVEMBER, NOW, ON, PAPER, VILLAGE, Officers, award, card

pytestmark = pytest.mark.django_db


def test_4_3_a_month_goes_from_awards_to_the_ledger(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        for _ in range(5):
            award(amount="300.00", members=2)
        award(programme="disability_nursing", amount="75.00")
    officers.money("10000.00")
    officers.money("500.00", fund="disability")
    found = officers.prepared()
    assert (found.lines, found.amount, found.excluded) == (6, Decimal("1575.00"), 0)
    payroll = officers.released(found.payroll)
    sheet = layout_io.read(layouts.LAYOUTS["one_card_csv"], officers.exported(payroll, "one_card_csv"))
    assert (sheet.number, sheet.lines, sheet.amount) == (payroll.number, 6, Decimal("1575.00"))
    back = int(sheet.rows[0]["明细编号"])
    booked = officers.booked(payroll, officers.answer(payroll, back))
    assert (booked.paid, booked.returned, booked.paid_amount + booked.returned_amount) == (5, 1, Decimal("1575.00"))
    with scopes.acting(officers.finance):
        proof = ledger.check_ledger(area=COUNTY, month=MONTH)
        assert proof["holds"] and proof["balance"] == 0 and not any(one.waits for one in proof["proofs"])
        row = next(row for row in ledger.trial_balance(area=COUNTY) if row["fund"] == "assistance")
        returned = Decimal(sheet.rows[0]["金额"])
        assert (row["available"], row["in_payment"], row["returned"], row["paid"]) == (Decimal("8500.00"), 0, returned, Decimal("1500.00") - returned)


def test_4_3_refreshing_a_draft_gives_the_same_lines(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        award()
        award(members=3, amount="612.35")
        award(account=False)
    first = officers.prepared()
    before = officers.lines(first.payroll)
    again = officers.prepared()
    assert again.payroll.pk == first.payroll.pk and officers.lines(again.payroll) == before and len(before) == 2 and again.excluded == 1
    digest = officers.checked(first.payroll).content_hash
    with scopes.acting(officers.approver):
        payrolls.send_back(payroll_id=first.payroll.pk, reason="请核对", now=NOW)
    officers.prepared()
    assert officers.checked(first.payroll).content_hash == digest


def test_4_3_a_payroll_past_the_draft_is_left_alone(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        award()
    payroll = officers.prepared().payroll
    officers.checked(payroll)
    with scopes.acting(officers.reviewer):
        award()
    again = officers.prepared()
    assert not again.changed and again.lines == 1 and len(officers.lines(payroll)) == 1


def test_a_dated_amount_counts_from_its_month(officers: Officers) -> None:
    from doudi.enrolment.models import AwardAmount

    with scopes.acting(officers.reviewer):
        given = award(amount="60.00", programme="disability_nursing", starts=NOVEMBER)
        AwardAmount.objects.create(area=VILLAGE, award=given.award, from_month=MONTH, amount=Decimal("75.00"), decision=given.award.decision)
    rows = officers.lines(officers.prepared().payroll)
    assert [(row[1], row[4], row[10]) for row in rows] == [(NOVEMBER, Decimal("60.00"), "arrears"), (MONTH, Decimal("75.00"), "")]


def test_earlier_months_are_made_good_once(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        award(starts=date(2022, 9, 1))
    officers.money()
    december = officers.released(officers.prepared().payroll)
    assert [row[1].month for row in officers.lines(december)] == [9, 10, 11, 12]
    officers.money(year=2023)
    assert [row[1] for row in officers.lines(officers.prepared(date(2023, 1, 1)).payroll)] == [date(2023, 1, 1)]


def test_exclusions_have_reasons_and_come_back_by_themselves(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        without = award(account=False)
        suspended = award()
        Award.objects.filter(pk=suspended.award.pk).update(suspended=True)
        award()
    payroll = officers.prepared().payroll
    with scopes.acting(officers.reviewer):
        reasons = dict(PayrollExclusion.objects.filter(payroll=payroll).values_list("entitlement_id", "reason"))
    assert reasons == {without.award.pk: "no_account", suspended.award.pk: "suspended"} and len(officers.lines(payroll)) == 1
    officers.money()
    officers.released(payroll)
    with scopes.acting(officers.reviewer):
        Award.objects.filter(pk=without.award.pk).update(account=without.people[0].account)
        Award.objects.filter(pk=suspended.award.pk).update(suspended=False)
    january = officers.prepared(date(2023, 1, 1)).payroll
    assert sorted(row[1].month for row in officers.lines(january) if row[0] in reasons) == [1, 1, 12, 12]


@pytest.mark.parametrize(
    ("died", "shares", "paid"),
    [
        (date(2022, 12, 31), None, "1000.00"),  # the month of death is paid
        (date(2022, 12, 1), None, "1000.00"),
        (date(2022, 11, 30), None, "666.67"),  # gap: amount x living / members, half up to the fen
        (date(2022, 11, 30), ["400.00", "300.00", "300.00"], "700.00"),  # bands: the dead member's band
    ],
)
def test_57_27_a_dead_members_share_is_left_out_from_the_next_month(officers: Officers, died: date, shares: list[str] | None, paid: str) -> None:
    with scopes.acting(officers.reviewer):
        given = award(members=3, amount="1000.00", shares=shares)
        other = given.people[2]
        other.died_on = died
        other.save(update_fields=["died_on"])
    (row,) = officers.lines(officers.prepared().payroll)
    fewer = died < MONTH
    assert (row[4], row[5], row[10]) == (Decimal(paid), 2 if fewer else 3, "death" if fewer else "")
    with scopes.acting(officers.township):
        assert Todo.objects.filter(kind="payments.member_died", subject_id=given.award.pk).exists() == fewer


def test_a_dead_payee_is_held_for_a_new_one_and_an_award_of_the_dead_alone_ends(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        held = award(members=2, amount="500.00")
        alone = award()
        for given in (held, alone):
            given.people[0].died_on = date(2022, 11, 3)
            given.people[0].save(update_fields=["died_on"])
    found = officers.prepared()
    assert found.lines == 0
    with scopes.acting(officers.reviewer):
        row = PayrollExclusion.objects.get(payroll=found.payroll)
        assert (row.entitlement_id, row.reason, row.amount) == (held.award.pk, "payee_died", Decimal("250.00"))
        Award.objects.filter(pk=held.award.pk).update(payee_id=held.people[1].pk, payee_name=held.people[1].name, account=held.people[1].account)
        kinds = set(Todo.objects.filter(subject="award").values_list("kind", "subject_id"))
    assert kinds == {("payments.new_payee", held.award.pk), ("payments.award_ends", alone.award.pk)}
    assert [row[4] for row in officers.lines(officers.prepared().payroll)] == [Decimal("250.00")]


def test_who_prepared_does_not_approve_and_who_approved_does_not_release(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        award()
    officers.money()
    payroll = officers.prepared().payroll
    officers.checked(payroll)
    turncoat = scopes.Scope(area=COUNTY, account_id=officers.reviewer.account_id, duty="county_approver")
    with pytest.raises(PermissionDenied), scopes.acting(turncoat):
        payrolls.approve_payroll(payroll_id=payroll.pk, now=NOW)
    with scopes.acting(officers.approver):
        payrolls.approve_payroll(payroll_id=payroll.pk, now=NOW)
    for account in (officers.approver.account_id, officers.reviewer.account_id):
        with pytest.raises(PermissionDenied), scopes.acting(scopes.Scope(area=COUNTY, account_id=account, duty="finance_officer")):
            payrolls.release_payroll(payroll_id=payroll.pk, on=ON, now=NOW)
    with scopes.acting(officers.finance):
        assert payrolls.release_payroll(payroll_id=payroll.pk, on=ON, now=NOW).state == Payroll.State.RELEASED


def test_a_double_click_signs_once(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        award()
    officers.money()
    payroll = officers.released(officers.prepared().payroll)
    with scopes.acting(officers.finance):
        payrolls.release_payroll(payroll_id=payroll.pk, on=ON, now=NOW)
        assert LedgerEntry.objects.filter(payroll=payroll).count() == 2


def test_4_1_a_fund_that_does_not_cover_releases_nothing(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        award(amount="300.00")
        award(programme="disability_living", amount="75.00")
    officers.money("5000.00")
    officers.money("74.99", fund="disability")
    payroll = officers.approved(officers.prepared().payroll)
    with pytest.raises(ValidationError, match=r"残疾人两项补贴资金.*可用 74.99 元，本批需要 75.00 元"), scopes.acting(officers.finance):
        payrolls.release_payroll(payroll_id=payroll.pk, on=ON, now=NOW)
    with scopes.acting(officers.finance):
        payroll.refresh_from_db()
        assert payroll.state == Payroll.State.APPROVED and not LedgerEntry.objects.filter(payroll=payroll).exists()
    officers.money("0.01", fund="disability")
    with scopes.acting(officers.finance):
        payrolls.release_payroll(payroll_id=payroll.pk, on=ON, now=NOW)


def test_a_draft_is_deleted_with_its_paid_months(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        award(members=2)
    payroll = officers.prepared().payroll
    with scopes.acting(officers.reviewer):
        assert PaidMonth.objects.count() == 2
        payrolls.delete_draft(payroll_id=payroll.pk, now=NOW)
        assert PaidMonth.objects.count() == 0 and not Payroll.objects.filter(pk=payroll.pk).exists()


def test_a_line_held_by_the_reviewer_is_left_out(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        odd, _fine = award(), award()
        payroll = payrolls.prepare_payroll(area=COUNTY, month=MONTH, now=NOW).payroll
        payrolls.review_line(payroll_id=payroll.pk, entitlement_id=odd.award.pk, held=True, note="两名成员同为户主，待核查", now=NOW)
        again = payrolls.prepare_payroll(area=COUNTY, month=MONTH, now=NOW)
        assert (again.lines, again.excluded) == (1, 1)
        assert PayrollExclusion.objects.get(payroll=payroll).reason == "held"


@pytest.mark.parametrize("layout", ["one_card_csv", "one_card_xlsx", "bank_batch"])
def test_a_file_is_made_once_read_back_and_identical_again(officers: Officers, layout: str) -> None:
    with scopes.acting(officers.reviewer):
        given = [award(amount=amount) for amount in ("300.00", "75.05", "1234567.89")]
        odd = '=1+1,"䶮x' if layout == "bank_batch" else '=1+1,"䶮|x'
        Award.objects.filter(pk=given[0].award.pk).update(payee_name=odd)
    officers.money("2000000.00")
    payroll = officers.released(officers.prepared().payroll)
    data = officers.exported(payroll, layout)
    assert officers.exported(payroll, layout) == data
    read = layout_io.read(layouts.LAYOUTS[layout], data)
    assert (read.lines, read.amount) == (3, Decimal("1234942.94"))
    name, account = ("户名", "账号") if layout == "bank_batch" else ("领款人姓名", "账号")
    assert {row[name] for row in read.rows} == {odd, *(one.people[0].name for one in given[1:])}
    assert all(row[account][-1] == idnumber.luhn_digit(row[account][:-1]) for row in read.rows)
    if layout == "one_card_csv":
        assert b"\"'=1+1" in data
    with scopes.acting(officers.finance):
        file = BankFile.objects.get(payroll=payroll)
        assert AccessRecord.objects.filter(what="export", subject="payroll", subject_id=payroll.pk).count() == 2
        kept = (files.folder() / file.path).read_bytes()
    assert read.rows[0][account].encode() not in kept


@pytest.mark.parametrize("paid_again", [MONTH, NOVEMBER], ids=["in its month", "of a month paid ahead"])
def test_a_returned_line_is_corrected_by_two_and_paid_again(officers: Officers, paid_again: date) -> None:
    with scopes.acting(officers.reviewer):
        given = [award() for _ in range(3)]
    officers.money("1000.00")
    payroll = officers.released(officers.prepared().payroll)
    with scopes.acting(officers.reviewer):
        line = payroll.payroll_lines.get(entitlement_id=given[1].award.pk)
    officers.booked(payroll, officers.answer(payroll, line.pk))
    with scopes.acting(officers.township):
        row = BankReturn.objects.get()
        assert Todo.objects.filter(kind="payments.returns", done_at__isnull=True).count() == 1
        with pytest.raises(ValidationError, match="校验位"):
            corrections.correct_return(return_id=row.pk, name="测试", account="6217000000000000001", bank="", note="银行卡复印件", now=NOW)
        corrections.correct_return(return_id=row.pk, name="测试改", account=card(999), bank="105", note="银行卡复印件", evidence=[PAPER], now=NOW)
        assert not Todo.objects.filter(kind="payments.returns", done_at__isnull=True).exists()
    with pytest.raises(PermissionDenied), scopes.acting(scopes.Scope(area=COUNTY, account_id=officers.township.account_id, duty="county_reviewer")):
        corrections.confirm_correction(return_id=row.pk, agreed=True, now=NOW)
    with scopes.acting(officers.reviewer):
        with pytest.raises(ValidationError, match="没有已更正"):
            corrections.prepare_follow_up(area=COUNTY, month=paid_again, now=NOW)
        corrections.confirm_correction(return_id=row.pk, agreed=True, now=NOW)
        assert Award.objects.get(pk=given[1].award.pk).payee_name == "测试改"
        again = corrections.prepare_follow_up(area=COUNTY, month=paid_again, now=NOW)
        assert corrections.prepare_follow_up(area=COUNTY, month=paid_again, now=NOW).payroll.pk == again.payroll.pk
        assert (again.lines, again.amount) == (1, Decimal("300.00"))
        assert [need.amount for need in ledger.needs_of(again.payroll)] == [Decimal("300.00")] == [part.amount for part in channels_of(again.payroll, [])]
        assert list(queries.figures(again.payroll.pk)["by_fund"].values()) == ["300.00"]
    follow_up = officers.released(again.payroll)
    booked = officers.booked(follow_up, officers.answer(follow_up), name="二次.csv")
    assert (booked.paid, booked.returned) == (1, 0)
    with scopes.acting(officers.finance):
        (balance,) = ledger.trial_balance(area=COUNTY)
        assert (balance["available"], balance["paid"], balance["returned"], balance["in_payment"]) == (Decimal("100.00"), Decimal("900.00"), 0, 0)
        assert ledger.check_ledger(area=COUNTY, month=MONTH)["holds"]
        row.refresh_from_db()
        assert row.state == BankReturn.State.REISSUED
    with scopes.acting(officers.reviewer), pytest.raises(ValidationError, match="没有已更正"):
        corrections.prepare_follow_up(area=COUNTY, month=paid_again, now=NOW)


def test_next_month_waits_for_the_correction(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        award()
    officers.money()
    payroll = officers.released(officers.prepared().payroll)
    officers.booked(payroll, officers.answer(payroll, officers.first_line(payroll)))
    officers.money(year=2023)
    january = officers.prepared(date(2023, 1, 1))
    with scopes.acting(officers.reviewer):
        assert [row.reason for row in PayrollExclusion.objects.filter(payroll=january.payroll)] == ["returned"]


def test_an_appropriation_is_booked_once_by_document(officers: Officers) -> None:
    with scopes.acting(officers.finance):
        values = {"fund": "assistance", "area": COUNTY, "year": 2022, "document": "豫财社〔2022〕1号", "on": ON, "now": NOW}
        first = ledger.receive_appropriation(amount=Decimal("5.00"), **values)
        assert ledger.receive_appropriation(amount=Decimal("5.00"), **values) == first
        with pytest.raises(ValidationError, match=r"已登记 5.00 元"):
            ledger.receive_appropriation(amount=Decimal("6.00"), **values)
        with pytest.raises(ValidationError, match="不是您管辖的县"):
            ledger.receive_appropriation(amount=Decimal("6.00"), **{**values, "area": "410123"})


def test_the_two_files_of_a_rural_bank_are_booked_together(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        one = award(amount="75.00")
        award(people=one.people, programme="disability_nursing", amount="75.00")  # one account twice, the same amount
        award(amount="300.00")
    officers.money()
    officers.money(fund="disability")
    payroll = officers.released(officers.prepared().payroll)
    head, *rows = officers.exported(payroll, "bank_batch").decode("gb18030").splitlines()
    back = next(row for row in rows if row.split("|")[7] == "2")
    with scopes.acting(officers.finance):
        paid = [row for row in rows if row != back]
        success = summary(head, paid)
        failure = summary(head, [back + "|R03|已销户"])
        with pytest.raises(ValidationError, match="一并上传"):
            results.book_results(data=[("S.txt", success)], on=ON, now=NOW)
        booked = results.book_results(data=[("S.txt", success), ("F.txt", failure)], on=ON, now=NOW)
        assert (booked.paid, booked.returned, booked.returned_amount) == (2, 1, Decimal("75.00"))
        row = BankReturn.objects.get()
        assert (row.programme, row.reason) == ("disability_nursing", "已销户")
        assert not results.book_results(data=[("F.txt", failure), ("S.txt", success)], on=ON, now=NOW).changed
        assert ledger.check_ledger(area=COUNTY, month=MONTH)["holds"]


def summary(head: str, rows: list[str]) -> bytes:
    cells = head.split("|")
    cells[6], cells[7] = str(len(rows)), f"{sum((Decimal(row.split('|')[2]) for row in rows), Decimal('0.00')):.2f}"
    return "\n".join(["|".join(cells), *rows, ""]).encode("gb18030")
