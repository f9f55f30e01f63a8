"""Overpayments and their recovery: found by comparison, decided by two, repaid to fund and year, never below the living minimum by itself."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.utils import DatabaseError
from django.urls import reverse

from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.services.attachments import attach
from doudi.core.tests.officers import client_of, officer
from doudi.enrolment.models import AwardAmount
from doudi.payments.models import BankReturn, Instalment, LedgerEntry, Overpayment, OverpaymentLine, Payroll, RecoveryDecision, Repayment
from doudi.payments.services import corrections, ledger, overpayments, recovery
from doudi.payments.tests.world import COUNTY, MONTH, NOVEMBER, PAPER, VILLAGE, Given, Officers, award, card, person
from doudi.registry.models import Person

pytestmark = pytest.mark.django_db
CHINA = ZoneInfo("Asia/Shanghai")
LATER = datetime(2022, 12, 20, 9, tzinfo=CHINA)
TODAY = date(2022, 12, 20)
JANUARY = date(2023, 1, 1)


def paid(officers: Officers, *returned: int, month: date = MONTH) -> Payroll:
    """The month's payroll, booked by the bank."""
    payroll = officers.released(officers.prepared(month).payroll)
    officers.booked(payroll, officers.answer(payroll, *returned), name=f"{month}.csv")
    return payroll


def died(officers: Officers, who: Person, on: date) -> None:
    with scopes.acting(officers.reviewer):
        Person.objects.filter(pk=who.pk).update(died_on=on)


def found(officers: Officers, at: datetime = LATER) -> list[Overpayment]:
    with scopes.acting(officers.reviewer):
        overpayments.find_overpayments(area=COUNTY, on=at.date(), now=at)
        return list(Overpayment.objects.order_by("id"))


@pytest.fixture
def dead(officers: Officers) -> tuple[Given, Overpayment]:
    """Two members, 600 yuan; one died in October, and November and December were paid in full."""
    with scopes.acting(officers.reviewer):
        given = award(members=2, amount="600.00", starts=NOVEMBER)
    officers.money()
    paid(officers)
    died(officers, given.people[1], date(2022, 10, 20))
    (case,) = found(officers)
    return given, case


def decided(officers: Officers, case: Overpayment, *, at: datetime = LATER, **options: Any) -> RecoveryDecision:
    with scopes.acting(officers.reviewer):
        case.refresh_from_db()
        made = recovery.propose_recovery(overpayment_id=case.pk, version=case.version, reason="已与家属核对", now=at, **options)
    with scopes.acting(officers.approver):
        return recovery.decide_recovery(decision_id=made.pk, version=1, agreed=True, now=at)


def repay(officers: Officers, case: Overpayment, amount: str, document: str = "收001", on: date = TODAY) -> Repayment:
    with scopes.acting(officers.finance):
        return recovery.receive_repayment(overpayment_id=case.pk, amount=Decimal(amount), way="cash", document=document, received_on=on, now=LATER)


# --- finding ----------------------------------------------------------------------------------------------------------


def test_months_after_a_death_are_found_with_the_dead_members_share(officers: Officers, dead: tuple[Given, Overpayment]) -> None:
    _given, case = dead
    with scopes.acting(officers.reviewer):
        assert (case.kind, case.amount, case.state) == ("death", Decimal("600.00"), "found")
        rows = list(OverpaymentLine.objects.order_by("month_entitled").values_list("month_entitled", "paid", "due", "excess", "members", "living"))
        assert rows == [(month, Decimal("600.00"), Decimal("300.00"), Decimal("300.00"), 2, 1) for month in (NOVEMBER, MONTH)]
        assert Todo.objects.get(kind="payments.overpayments", done_at=None).duty == Duty.COUNTY_REVIEWER
    assert len(found(officers)) == 1  # again: nothing new


def test_the_month_of_death_is_due(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        given = award(members=2, amount="600.00")
    officers.money()
    paid(officers)
    died(officers, given.people[1], date(2022, 12, 1))
    assert found(officers) == []


def test_what_came_back_was_never_overpaid(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        given = award(members=2, amount="600.00")
    officers.money()
    payroll = officers.released(officers.prepared().payroll)
    officers.booked(payroll, officers.answer(payroll, officers.first_line(payroll)))
    died(officers, given.people[1], date(2022, 11, 20))
    assert found(officers) == []


def test_an_award_that_is_lower_in_the_past_is_found_as_review(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        given = award(amount="300.00", starts=NOVEMBER)
    officers.money()
    paid(officers)
    with scopes.acting(officers.reviewer):
        AwardAmount.objects.create(area=VILLAGE, award=given.award, from_month=MONTH, amount=Decimal("180.50"), decision=given.award.decision)
    (case,) = found(officers)
    assert (case.kind, case.amount) == ("review", Decimal("119.50"))


def test_tekun_and_a_disability_subsidy_in_one_month_is_double(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        who = person()
        award(amount="800.00", programme="tekun", people=[who])
        subsidy = award(amount="75.00", programme="disability_nursing", people=[who])
    officers.money()
    officers.money(fund="disability")
    paid(officers)
    (case,) = found(officers)
    assert (case.kind, case.amount, case.entitlement_id) == ("double", Decimal("75.00"), subsidy.award.pk)


def test_by_hand_only_what_was_paid_beyond_and_only_once(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        given = award(amount="300.00", starts=NOVEMBER)
    officers.money()
    paid(officers)
    values: dict[str, Any] = {"award_id": given.award.pk, "kind": "review", "first": NOVEMBER, "last": JANUARY, "due": Decimal("100.00"), "now": LATER}
    with scopes.acting(officers.reviewer):
        with pytest.raises(ValidationError, match="事实和依据"):
            overpayments.open_overpayment(reason=" ", **values)
        case = overpayments.open_overpayment(reason="隐瞒务工收入，核查确认", **values)
        assert case.amount == Decimal("400.00") and case.months.count() == 2
        with pytest.raises(ValidationError, match="已在其他多发案件"):
            overpayments.open_overpayment(reason="再登记一次", **values)
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, "410123")), pytest.raises(ValidationError, match="管辖"):
        overpayments.open_overpayment(reason="别县", **values)


# --- deciding ---------------------------------------------------------------------------------------------------------


def test_two_officers_decide_and_the_second_of_two_is_told(officers: Officers, dead: tuple[Given, Overpayment]) -> None:
    _given, case = dead
    with scopes.acting(officers.reviewer):
        made = recovery.propose_recovery(overpayment_id=case.pk, version=1, way="waive", reason="困难", now=LATER)
        with pytest.raises(ValidationError, match="他人办理"):
            recovery.propose_recovery(overpayment_id=case.pk, version=1, way="waive", reason="困难", now=LATER)
    same = scopes.Scope(area=COUNTY, account_id=officers.reviewer.account_id, duty=Duty.COUNTY_APPROVER)
    with scopes.acting(same), pytest.raises(PermissionDenied):
        recovery.decide_recovery(decision_id=made.pk, version=1, agreed=True, now=LATER)
    with scopes.acting(officers.approver):
        recovery.decide_recovery(decision_id=made.pk, version=1, agreed=True, now=LATER)
        with pytest.raises(ValidationError, match="他人办理"):
            recovery.decide_recovery(decision_id=made.pk, version=1, agreed=False, note="x", now=LATER)
        case.refresh_from_db()
        assert (case.state, case.waived, case.owed) == ("closed", Decimal("600.00"), 0)
        with pytest.raises(DatabaseError), transaction.atomic():
            Overpayment.objects.filter(pk=case.pk).update(state="recovering", waived=0)


def test_nobody_waives_by_writing_into_the_table(officers: Officers, dead: tuple[Given, Overpayment]) -> None:
    _given, case = dead
    for attack in ({"waived": Decimal("600.00"), "state": "recovering"}, {"recovered": Decimal("1.00")}, {"state": "dismissed"}, {"state": "recovering"}):
        with scopes.acting(officers.approver), pytest.raises(DatabaseError), transaction.atomic():
            Overpayment.objects.filter(pk=case.pk).update(**attack)
            scopes.check_constraints()


def test_a_case_that_was_none_is_dismissed_and_not_found_again(officers: Officers, dead: tuple[Given, Overpayment]) -> None:
    _given, case = dead
    decided(officers, case, way="dismiss")
    (again,) = found(officers)
    assert again.pk == case.pk and again.state == "dismissed"


# --- plans and receipts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "months", "wanted"),
    [(date(2024, 1, 31), 1, date(2024, 2, 29)), (date(2023, 1, 31), 1, date(2023, 2, 28)), (date(2022, 12, 31), 2, date(2023, 2, 28))],
)
def test_the_last_of_a_month_stays_the_last(day: date, months: int, wanted: date) -> None:
    assert recovery.month_later(day, months) == wanted


def test_a_plan_is_paid_to_fund_and_year_and_closes_by_itself(officers: Officers, dead: tuple[Given, Overpayment]) -> None:
    _given, case = dead
    decided(officers, case, way="plan", instalments=7, first_due=date(2022, 12, 31), debtor="heir", debtor_name="王小二")
    with scopes.acting(officers.reviewer):
        parts = list(Instalment.objects.order_by("serial").values_list("due", "amount"))
        assert sum(amount for _due, amount in parts) == Decimal("600.00") and parts[0][1] == Decimal("85.71") and parts[6][1] == Decimal("85.74")
        assert parts[2][0] == date(2023, 2, 28)
        assert recovery.remind_instalments(area=COUNTY, on=date(2022, 12, 26), now=LATER) == 1
        assert recovery.remind_instalments(area=COUNTY, on=date(2022, 12, 27), now=LATER) == 0
    with scopes.acting(officers.finance):
        before = next(row for row in ledger.trial_balance(area=COUNTY) if row["fund"] == "assistance")
    first = repay(officers, case, "85.71")
    assert repay(officers, case, "85.71").pk == first.pk  # sent twice
    with pytest.raises(ValidationError, match="不同"):
        repay(officers, case, "85.72")
    with pytest.raises(ValidationError, match="不超过尚欠"):
        repay(officers, case, "514.30", "收002")
    with pytest.raises(ValidationError, match="晚于今天"):
        repay(officers, case, "1.00", "收003", on=date(2022, 12, 21))
    with scopes.acting(officers.reviewer):
        assert not Todo.objects.filter(kind="payments.instalment", done_at=None).exists()
    repay(officers, case, "514.29", "收004")
    with scopes.acting(officers.finance):
        case.refresh_from_db()
        after = next(row for row in ledger.trial_balance(area=COUNTY) if row["fund"] == "assistance")
        assert (case.state, case.debtor_name) == ("closed", "王小二")
        assert after["available"] - before["available"] == Decimal("600.00") == before["paid"] - after["paid"] and after["sum"] == 0
        assert LedgerEntry.objects.filter(document="收004", fund_year=2022).count() == 2
        assert ledger.check_ledger(area=COUNTY, month=MONTH)["holds"]
    with pytest.raises(ValidationError, match="不能登记退款"):
        repay(officers, case, "1.00", "收005")


def test_nothing_is_received_before_it_is_decided_nor_by_the_wrong_duty(officers: Officers, dead: tuple[Given, Overpayment]) -> None:
    _given, case = dead
    with pytest.raises(ValidationError, match="先确认追缴决定"):
        repay(officers, case, "10.00")
    with scopes.acting(officers.reviewer), pytest.raises(PermissionDenied):
        recovery.receive_repayment(overpayment_id=case.pk, amount=Decimal(1), way="cash", document="x", received_on=TODAY, now=LATER)


# --- set-off ----------------------------------------------------------------------------------------------------------


def consenting(officers: Officers, given: Given, case: Overpayment, **options: Any) -> RecoveryDecision:
    with scopes.acting(officers.reviewer):
        attach(subject="overpayment", subject_id=case.pk, area=case.area, name=PAPER[0], content=PAPER[1], now=LATER)
    return decided(officers, case, **({"way": "setoff", "award_id": given.award.pk, "per_month": Decimal("50.00"), "consent": "2022-12-20 书面同意"} | options))


def test_a_set_off_below_the_living_minimum_needs_the_households_consent(officers: Officers, dead: tuple[Given, Overpayment]) -> None:
    given, case = dead
    with pytest.raises(ValidationError, match="书面同意"):
        decided(officers, case, way="setoff", award_id=given.award.pk, per_month=Decimal("50.00"))
    with pytest.raises(ValidationError, match="还没有上传"):
        decided(officers, case, way="setoff", award_id=given.award.pk, per_month=Decimal("50.00"), consent="口头")
    with scopes.acting(officers.reviewer):
        other = award()
    with scopes.acting(officers.approver):
        waiting = RecoveryDecision.objects.get(state="proposed")
        recovery.decide_recovery(decision_id=waiting.pk, version=1, agreed=False, note="缺同意书", now=LATER)
    with pytest.raises(ValidationError, match="同一家庭"):
        decided(officers, case, way="setoff", award_id=other.award.pk, per_month=Decimal("50.00"), consent="同意")
    with pytest.raises(ValidationError, match="不能从待遇中抵扣"):
        decided(officers, case, way="setoff", award_id=given.award.pk, per_month=Decimal("50.00"), consent="同意", debtor="heir")


def test_a_set_off_is_held_back_within_the_share_and_counts_when_the_bank_has_paid(officers: Officers, dead: tuple[Given, Overpayment]) -> None:
    given, case = dead
    consenting(officers, given, case, per_month=Decimal("500.00"))
    officers.money(year=2023)
    payroll = officers.prepared(JANUARY).payroll
    with scopes.acting(officers.reviewer):
        payroll.refresh_from_db()
        lines = dict(payroll.payroll_lines.values_list("kind", "amount"))
        assert lines == {"regular": Decimal("300.00"), "setoff": Decimal("-60.00")}  # a fifth of the month
        assert (payroll.lines, payroll.amount) == (1, Decimal("240.00"))
    assert officers.prepared(JANUARY).lines == 1  # refreshed: the same
    with pytest.raises(ValidationError, match="不含正在抵扣"):
        repay(officers, case, "541.00")
    officers.released(payroll)
    data = officers.exported(payroll, "one_card_csv").decode("utf-8-sig")
    assert "240.00" in data and "300.00" not in data and "-60" not in data
    officers.booked(payroll, officers.answer(payroll), name="一月.csv")
    with scopes.acting(officers.finance):
        case.refresh_from_db()
        assert (case.recovered, case.owed) == (Decimal("60.00"), Decimal("540.00"))
        assert Repayment.objects.get().way == "setoff" and ledger.check_ledger(area=COUNTY, month=JANUARY)["holds"]


def test_what_came_back_with_its_set_off_is_paid_again_with_it(officers: Officers, dead: tuple[Given, Overpayment]) -> None:
    given, case = dead
    consenting(officers, given, case)
    officers.money(year=2023)
    payroll = officers.released(officers.prepared(JANUARY).payroll)
    with scopes.acting(officers.reviewer):
        line = payroll.payroll_lines.get(kind="regular").pk
    from doudi.payments import answers

    answer = answers.one_card_results(number=payroll.number, lines=1, amount=payroll.amount, returned=[(line, Decimal("250.00"), "R03", "已销户")])
    officers.booked(payroll, answer, name="一月.csv")
    with scopes.acting(officers.township):
        case.refresh_from_db()
        assert case.recovered == 0
        row = BankReturn.objects.get(amount__gt=0)
        corrections.correct_return(return_id=row.pk, name=row.payee_name, account=card(77), bank="105", note="新卡", evidence=[PAPER], now=LATER)
    with scopes.acting(officers.reviewer):
        corrections.confirm_correction(return_id=row.pk, agreed=True, now=LATER)
        follow = corrections.prepare_follow_up(area=COUNTY, month=JANUARY, now=LATER).payroll
        follow.refresh_from_db()
        assert (follow.lines, follow.amount) == (1, Decimal("250.00"))
    officers.released(follow)
    officers.booked(follow, officers.answer(follow), name="补发.csv")
    with scopes.acting(officers.finance):
        case.refresh_from_db()
        assert case.recovered == Decimal("50.00") and ledger.check_ledger(area=COUNTY, month=JANUARY)["holds"]


def test_above_the_minimum_no_consent_is_needed_but_the_fund_must_be_the_same(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        who = person()
        given = award(amount="75.00", programme="disability_nursing", starts=NOVEMBER, people=[who])
    officers.money(fund="disability")
    paid(officers)
    with scopes.acting(officers.reviewer):
        case = overpayments.open_overpayment(award_id=given.award.pk, kind="review", first=NOVEMBER, last=NOVEMBER, due=Decimal(0), reason="残疾等级不符", now=LATER)
    decided(officers, case, way="setoff", award_id=given.award.pk, per_month=Decimal("75.00"))
    officers.money(fund="disability", year=2023)
    payroll = officers.prepared(JANUARY).payroll
    with scopes.acting(officers.reviewer):
        assert payroll.payroll_lines.get(kind="setoff").amount == Decimal("-15.00")


# --- pages ------------------------------------------------------------------------------------------------------------


def test_the_case_is_walked_by_clicks(officers: Officers, dead: tuple[Given, Overpayment], django_assert_max_num_queries: Any) -> None:
    _given, case = dead
    reviewer, approver, finance = (client_of(scope) for scope in (officers.reviewer, officers.approver, officers.finance))
    url = reverse("payments:overpayment", args=[case.pk])
    with django_assert_max_num_queries(60):
        page = reviewer.get(url).content.decode()
    assert "逐月说明" in page and "2 人中在世 1 人" in page and "提出追缴决定" in page and "没有家庭书面同意" in page
    given = {"way": "plan", "amount": "600.00", "debtor": "payee", "instalments": "2", "first_due": "2099-01-31", "reason": "分期退还", "version": "1"}
    assert reviewer.post(url + "propose/", given | {"amount": "600.01"}).status_code == 422
    assert reviewer.post(url + "propose/", given).status_code == 302 and reviewer.post(url + "propose/", given).status_code == 422
    assert finance.post(url + "decide/", {"version": "1", "agreed": "yes"}).status_code in (403, 422)
    assert approver.post(url + "decide/", {"version": "1", "agreed": "yes", "note": ""}).status_code == 302
    assert finance.post(url + "repay/", {"amount": "300.00", "way": "cash", "document": "收9", "received_on": "2022-12-20"}).status_code == 302
    assert "300.00" in finance.get(url).content.decode() and case.number in reviewer.get(reverse("payments:overpayments")).content.decode()
    assert client_of(officer(Duty.COUNTY_REVIEWER, "410123")).get(url).status_code == 404
