"""Raises that reach back and decisions that came late: month by month, to the fen, once (integrity.md, "Payroll lines"; measures 4.5)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction

from doudi.assessment import services as assessing
from doudi.assessment.tests.cases import Case, case, fact
from doudi.batch.idnumber import check_character
from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.models import Setting, Todo
from doudi.core.numbers import Kind
from doudi.core.tests.officers import COUNTY, TOWNSHIP, VILLAGE, officer
from doudi.core.tests.together import as_, together
from doudi.enrolment import services as enrolment
from doudi.enrolment.models import Award, AwardAmount
from doudi.payments.models import BackPay, BackPayItem, Overpayment, Payroll, PayrollExclusion, PayrollLine
from doudi.payments.services import back_pay, back_payroll, corrections, drafts
from doudi.payments.tests.test_moves import Place, day, move
from doudi.payments.tests.world import MONTH, NOVEMBER, PAPER, Officers, award, card
from doudi.registry import services as registry
from doudi.registry.models import Person
from doudi.registry.tests.helpers import ELSEWHERE, id_number
from doudi.registry.tests.helpers import VILLAGE as HOME_VILLAGE

pytestmark = pytest.mark.django_db
NOW = datetime(2022, 11, 25, 2, tzinfo=UTC)
LATER = datetime(2023, 1, 20, 2, tzinfo=UTC)
JANUARY, FEBRUARY = date(2023, 1, 1), date(2023, 2, 1)
DOCUMENT = "牟民〔2023〕3号"
_accounts = count(700_000)


def real_numbers(people: list[Person]) -> None:
    """Numbers that can be opened again, as files and digests need them."""
    for one in people:
        n = next(_accounts)
        body = f"41012319700101{n % 1000:03d}"
        one.token, one.account, one.bank = numbers.id_token(body + check_character(body)), numbers.token_of(Kind.ACCOUNT, card(n)), "C10302"
        one.save(update_fields=["token", "account", "bank"])


def on_dibao(officers: Officers, *members: dict[str, Any], area: str = VILLAGE, programme: str = "dibao", **facts: Any) -> tuple[Case, Award]:
    """A household with an award by the law's own calculation, from December on."""
    with scopes.acting(officers.township):
        made = case(*members, area=area, **facts)
        real_numbers(made.people)
        row = assessing.assess(household=made.household, month=MONTH, trigger="officer", now=NOW)
        decision = enrolment.propose(assessment=row, programme=programme, now=NOW)
    with scopes.acting(officers.approver):
        enrolment.approve(decision_id=decision.pk, version=1, now=NOW)
        return made, Award.objects.get(household=made.household, programme=programme)


def died(who: Person, on: date = date(2022, 12, 20)) -> None:
    who.died_on = on
    who.save(update_fields=["died_on"])


def raised(value: str = "900", *, starts: date = MONTH, document: str = DOCUMENT, parameter: str = "dibao.standard.rural", area: str = COUNTY) -> None:
    first, second = officer("supervisor", COUNTY), officer("supervisor", COUNTY)
    with scopes.acting(scopes.Scope(area="41")):
        Setting.objects.create(
            area=area, parameter=parameter, starts=starts, value=value, document=document, state="confirmed", proposed_by_id=first.account_id,
            proposed_at=LATER, decided_by_id=second.account_id, decided_at=LATER,
        )  # fmt: skip


def paid(officers: Officers, *months: date) -> list[Payroll]:
    for year in {month.year for month in months}:
        officers.money(year=year)
        officers.money(year=year, fund="disability")
    return [officers.released(officers.prepared(month).payroll) for month in months]


def proposed(officers: Officers, *, first: date = MONTH, document: str = DOCUMENT, **more: Any) -> BackPay:
    with scopes.acting(officers.reviewer):
        return back_pay.propose_back_pay(area=COUNTY, document=document, first=first, now=LATER, **more).back_pay


def approved(officers: Officers, row: BackPay) -> BackPay:
    with scopes.acting(officers.approver):
        return back_pay.approve_back_pay(back_pay_id=row.pk, version=row.version, now=LATER)


def payroll_of(officers: Officers, month: date = JANUARY) -> drafts.Prepared:
    with scopes.acting(officers.reviewer):
        return back_payroll.prepare_back_payroll(area=COUNTY, month=month, now=LATER)


def items(officers: Officers, **wanted: Any) -> list[BackPayItem]:
    with scopes.acting(officers.reviewer):
        return list(BackPayItem.objects.filter(**wanted).order_by("entitlement_id", "month"))


def standard_of(row: BackPayItem) -> tuple[Decimal | None, Decimal | None]:
    return row.standard_was, row.standard


def test_3_3_a_raise_reaching_back_pays_each_month_the_difference_once(officers: Officers) -> None:
    _family, given = on_dibao(officers, {"wage_income": 2400}, {"name": "李四"})
    paid(officers, MONTH, JANUARY)
    raised()
    made = proposed(officers)
    first, second = items(officers)
    difference = 2 * (Decimal("900.00") - first.standard_was)
    assert [(row.month, row.amount, row.owed - row.paid) for row in (first, second)] == [(MONTH, difference, difference), (JANUARY, difference, difference)]
    assert standard_of(first)[1] == Decimal("900.00") and (made.awards, made.months, made.amount) == (1, 2, 2 * difference)
    assert any(row["name"] == "dibao.standard.rural" and row["value"] == "900" and row["reference"] == DOCUMENT for row in made.basis)
    assert not back_pay_again(officers).changed
    with pytest.raises(ValidationError, match="没有已审批"):
        payroll_of(officers)
    approved(officers, made)
    draft = payroll_of(officers)
    assert (draft.lines, draft.amount) == (2, 2 * difference) and payroll_of(officers).payroll.pk == draft.payroll.pk
    with scopes.acting(officers.reviewer):
        lines = list(draft.payroll.payroll_lines.order_by("month_entitled").values_list("kind", "cause", "month_entitled", "month_paid", "beneficiary_name"))
        assert lines == [("back", made.pk, MONTH, JANUARY, "王建国"), ("back", made.pk, JANUARY, JANUARY, "王建国")]
    officers.released(draft.payroll)
    with pytest.raises(ValidationError, match="已按现行标准发足"):
        proposed(officers)
    with pytest.raises(ValidationError, match="没有已审批"):
        payroll_of(officers, FEBRUARY)
    with scopes.acting(officers.reviewer):
        assert given.amounts.count() == 1, "the award itself changes by its own decision"


def back_pay_again(officers: Officers) -> back_pay.Proposed:
    with scopes.acting(officers.reviewer):
        return back_pay.propose_back_pay(area=COUNTY, document=DOCUMENT, first=MONTH, now=LATER)


def test_a_raise_decided_for_the_running_month_leaves_only_the_months_before(officers: Officers) -> None:
    _family, given = on_dibao(officers, {"wage_income": 2400})
    paid(officers, MONTH)
    raised()
    with scopes.acting(officers.reviewer):
        decision = given.decision
        AwardAmount.objects.create(area=given.area, award=given, from_month=JANUARY, amount=Decimal("700.00"), decision=decision)
    paid(officers, JANUARY)
    proposed(officers)
    assert [row.month for row in items(officers, reason="")] == [MONTH]


def test_another_officer_approves_and_what_has_changed_since_is_refused(officers: Officers) -> None:
    on_dibao(officers, {"wage_income": 2400})
    paid(officers, MONTH)
    raised()
    made = proposed(officers)
    both = scopes.Scope(area=COUNTY, account_id=officers.reviewer.account_id, duty="county_approver")
    with scopes.acting(both), pytest.raises(PermissionDenied):
        back_pay.approve_back_pay(back_pay_id=made.pk, version=1, now=LATER)
    raised("950", parameter="dibao.standard.urban")
    with pytest.raises(ValidationError, match="已经变更"):
        approved(officers, made)
    with scopes.acting(officers.approver):
        with pytest.raises(ValidationError, match="退回理由"):
            back_pay.send_back_back_pay(back_pay_id=made.pk, version=1, note=" ", now=LATER)
        back_pay.send_back_back_pay(back_pay_id=made.pk, version=1, note="标准有变", now=LATER)
        with pytest.raises(ValidationError, match="已退回"):
            back_pay.approve_back_pay(back_pay_id=made.pk, version=1, now=LATER)
    again = proposed(officers)
    assert (again.serial, again.root, again.cause) == (2, made.pk, made.pk) and items(officers, back_pay=made) == []
    assert approved(officers, again).state == "approved"


def test_a_returned_month_counts_as_paid_its_reissue_pays_it(officers: Officers) -> None:
    _family, given = on_dibao(officers, {"wage_income": 2400})
    (december,) = paid(officers, MONTH)
    officers.booked(december, officers.answer(december, officers.first_line(december)))
    raised()
    made = proposed(officers)
    (row,) = items(officers)
    assert row.paid > 0 and row.amount == Decimal("900.00") - row.standard_was
    approved(officers, made)
    assert payroll_of(officers).lines == 0
    with scopes.acting(officers.reviewer):
        assert PayrollExclusion.objects.get(entitlement_id=given.pk, payroll__kind="back").reason == "returned"
    with scopes.acting(officers.township):
        back = corrections.BankReturn.objects.get()
        corrections.correct_return(return_id=back.pk, name="王建国", account=card(99), bank="C10302", note="银行卡复印件", evidence=[PAPER], now=LATER)
    with scopes.acting(officers.reviewer):
        corrections.confirm_correction(return_id=back.pk, agreed=True, now=LATER)
        assert corrections.prepare_follow_up(area=COUNTY, month=JANUARY, now=LATER).amount == row.paid
    assert payroll_of(officers).amount == row.amount
    with pytest.raises(ValidationError, match="已按现行标准发足"):
        proposed(officers, document="另一文件")


def test_who_has_died_or_whose_award_has_ended_is_owed_it_and_the_heir_gets_it(officers: Officers) -> None:
    family, given = on_dibao(officers, {"wage_income": 2400})
    paid(officers, MONTH)
    raised()
    with scopes.acting(officers.township):
        died(family.people[0])
        stop = enrolment.stop_award(award_id=given.pk, from_month=JANUARY, reason="死亡", ground="death", now=LATER)
    with scopes.acting(officers.approver):
        enrolment.approve(decision_id=stop.pk, version=1, now=LATER)
    made = approved(officers, proposed(officers))
    assert made.months == 1
    held = payroll_of(officers)
    assert (held.lines, held.excluded) == (0, 1)
    with scopes.acting(officers.township):
        assert Todo.objects.filter(kind="payments.new_payee", subject_id=given.pk, title__contains="继承人").exists()
        change = enrolment.propose_payee(
            award_id=given.pk, kind="heir", basis="公证书：长子继承", name="王小宝", account=card(88), bank="C10302", evidence=[PAPER], now=LATER
        )
    with scopes.acting(officers.approver):
        enrolment.decide_payee(change_id=change.pk, version=1, agreed=True, now=LATER)
    assert payroll_of(officers).lines == 0  # the new account's cooling time
    with scopes.acting(officers.reviewer):
        enrolment.lift_cooling(change_id=change.pk, version=2, reason="继承人已到场核实", now=LATER)
    found = payroll_of(officers)
    with scopes.acting(officers.reviewer):
        assert list(found.payroll.payroll_lines.values_list("payee_name", "beneficiary_name", "amount")) == [("王小宝", "王建国", made.amount)]


def test_a_dead_members_share_is_left_out_of_back_pay_too(officers: Officers) -> None:
    family, _given = on_dibao(officers, {"wage_income": 2400}, {"name": "李四"}, {"name": "王五"})
    with scopes.acting(officers.reviewer):
        died(family.people[2])
    paid(officers, MONTH, JANUARY)
    raised()
    proposed(officers)
    december, january = items(officers)
    assert (december.living, january.living) == (3, 2)
    assert january.owed == (december.owed * 2 / 3).quantize(Decimal("0.01")) and january.amount == january.owed - january.paid


def test_bands_leave_out_the_dead_members_new_band(officers: Officers) -> None:
    old = {"dibao.payment.mode.rural": "bands", "dibao.payment.band.rural.band_1": "400", "dibao.payment.band.rural.band_2": "200"}
    for name, value in old.items():
        raised(value, parameter=name, starts=date(2022, 1, 1), document="牟民〔2022〕1号")
    with scopes.acting(officers.township):
        made = case({"wage_income": 2400}, {"name": "李四"}, {"name": "王五"})
        real_numbers(made.people)
        row = assessing.assess(household=made.household, month=MONTH, trigger="officer", now=NOW)
        bands = {one.pk: band for one, band in zip(made.people, (2, 2, 1), strict=True)}
        decision = enrolment.propose(assessment=row, programme="dibao", bands=bands, now=NOW)
    with scopes.acting(officers.approver):
        enrolment.approve(decision_id=decision.pk, version=1, now=NOW)
    with scopes.acting(officers.township):
        died(made.people[2])
    paid(officers, MONTH, JANUARY)
    raised("450", parameter="dibao.payment.band.rural.band_1")
    raised("230", parameter="dibao.payment.band.rural.band_2")
    proposed(officers)
    assert [(row.month, row.owed, row.paid, row.amount) for row in items(officers)] == [
        (MONTH, Decimal("910.00"), Decimal("800.00"), Decimal("110.00")), (JANUARY, Decimal("460.00"), Decimal("400.00"), Decimal("60.00")),
    ]  # fmt: skip


def test_2_5_gradual_exit_does_not_follow_a_raise(officers: Officers) -> None:
    on_dibao(officers, {"wage_income": 2400})
    _family, leaving = on_dibao(officers, {"wage_income": 2400})
    paid(officers, MONTH)
    raised()
    with scopes.acting(officers.reviewer):
        Award.objects.filter(pk=leaving.pk).update(gradual_exit_start=MONTH)
    made = proposed(officers)
    assert [(row.entitlement_id == leaving.pk, row.reason) for row in items(officers)] == [(False, ""), (True, "gradual")] and made.awards == 1


def test_nobody_becomes_newly_entitled_in_the_past_and_unpaid_months_wait(officers: Officers) -> None:
    on_dibao(officers, {"wage_income": 2400})
    with scopes.acting(officers.township):
        case({"wage_income": 10_000})  # under the new standard, never applied
    paid(officers, MONTH)
    raised()
    officers.prepared(JANUARY)  # a draft may still change
    proposed(officers, last=JANUARY)
    assert [(row.month, row.reason) for row in items(officers)] == [(MONTH, ""), (JANUARY, "unpaid")]


def test_an_amount_that_the_law_did_not_give_goes_to_the_township_not_into_back_pay(officers: Officers) -> None:
    on_dibao(officers, {"wage_income": 2400})
    _family, other = on_dibao(officers, {"wage_income": 2400})
    with scopes.acting(officers.reviewer):
        AwardAmount.objects.create(area=VILLAGE, award=other, from_month=JANUARY, amount=Decimal("123.45"), decision=other.decision)
    paid(officers, MONTH, JANUARY)
    raised()
    approved(officers, proposed(officers))
    assert [(row.month, row.reason, row.amount > 0) for row in items(officers, entitlement_id=other.pk)] == [(MONTH, "", True), (JANUARY, "differs", False)]
    with scopes.acting(officers.township):
        assert Todo.objects.filter(kind="payments.back_differs", subject_id=int(TOWNSHIP)).exists()


@pytest.mark.parametrize("credited", [True, False])
def test_months_paid_above_what_is_due_are_handed_over_never_deducted(officers: Officers, credited: bool) -> None:
    """A month that the bank has credited becomes an overpayment case; one that is still on its way a to-do."""
    on_dibao(officers, {"wage_income": 2400})
    (payroll,) = paid(officers, MONTH)
    if credited:
        officers.exported(payroll, "one_card_csv")
        officers.booked(payroll, officers.answer(payroll))
    raised("300")
    approved(officers, proposed(officers))
    (row,) = items(officers)
    assert row.reason == "overpaid" and row.amount < 0
    with pytest.raises(ValidationError, match="没有已审批"):
        payroll_of(officers)
    with scopes.acting(officers.reviewer):
        opened = [(case.kind, case.amount, case.state, DOCUMENT in case.reason) for case in Overpayment.objects.filter(entitlement_id=row.entitlement_id)]
        assert opened == ([("review", -row.amount, "found", True)] if credited else [])
        told = set(Todo.objects.filter(kind__in=["payments.overpayments", "payments.back_overpaid"]).values_list("kind", flat=True))
        assert told == {"payments.overpayments" if credited else "payments.back_overpaid"} and not PayrollLine.objects.filter(kind="back").exists()


def test_4_5_disability_subsidies_raised_with_late_data_are_made_good() -> None:
    county = "411723"  # pays the province's amounts
    officers = Officers(county)
    with scopes.acting(officers.reviewer):
        made = case({"disability": (1, "physical"), "needs_long_care": 1}, area=f"{county}101201")
        real_numbers(made.people)
        award(programme="disability_nursing", amount="60.00", starts=NOVEMBER, people=made.people, home=made.household, area=f"{county}101201")
    paid(officers, NOVEMBER, MONTH, JANUARY)
    with scopes.acting(officers.reviewer):
        row = back_pay.propose_back_pay(area=county, document="豫民〔2022〕12号", first=MONTH, programmes=["disability_nursing"], now=LATER).back_pay
    assert [(one.month, one.was, one.law, one.paid, one.amount) for one in items(officers)] == [
        (MONTH, Decimal("60.00"), Decimal("75.00"), Decimal("60.00"), Decimal("15.00")), (JANUARY, Decimal("60.00"), Decimal("75.00"), Decimal("60.00"), Decimal("15.00")),
    ]  # fmt: skip
    assert row.amount == Decimal("30.00")
    assert any(one["name"] == "disability.nursing" and (one["was"], one["value"]) == ("60", "75") for one in row.basis)


def test_a_decision_that_came_late_pays_the_months_between(officers: Officers) -> None:
    _family, given = on_dibao(officers, {"wage_income": 2400})
    paid(officers, MONTH, JANUARY)
    with scopes.acting(officers.reviewer):
        amount = given.amounts.get().amount + 40  # decided now, from January on
        AwardAmount.objects.create(area=VILLAGE, award=given, from_month=JANUARY, amount=amount, decision=given.decision)
        made = back_pay.propose_late_decisions(area=COUNTY, now=LATER).back_pay
    assert [(row.month, row.amount) for row in items(officers)] == [(JANUARY, Decimal("40.00"))] and made.source == "decision"
    officers.released((approved(officers, made), payroll_of(officers))[1].payroll)
    with scopes.acting(officers.reviewer), pytest.raises(ValidationError, match="没有应补"):
        back_pay.propose_late_decisions(area=COUNTY, now=LATER)


def test_a_household_that_moved_is_paid_by_each_county_for_its_own_months() -> None:
    old, new = Place(HOME_VILLAGE), Place(ELSEWHERE)
    number = id_number()
    with scopes.acting(old.town):
        home = registry.register_household(
            area=HOME_VILLAGE, residence="rural", address="东街3号", head={"name": "王建国", "id_number": number}, members=[], on=date(2022, 11, 1), now=NOW
        )
        Person.objects.update(account=numbers.token_of(Kind.ACCOUNT, card(77)), bank="C10302")
        fact(Person.objects.get(), "wage_income", 1200)
    first = old.grant(home, now=NOW, month=MONTH)
    theirs, ours = Officers(), Officers(new.county)
    paid(theirs, MONTH)
    move(old, new, number, now=day("2022-12-06"))
    paid(theirs, JANUARY)
    second = new.grant(home, now=day("2023-01-10"), month=FEBRUARY)
    paid(ours, FEBRUARY)
    raised("900", area="4101")
    march = datetime(2023, 3, 5, 2, tzinfo=UTC)
    for who, award_id, months in ((theirs, first.pk, [MONTH, JANUARY]), (ours, second.pk, [FEBRUARY])):
        with scopes.acting(who.reviewer):
            back_pay.propose_back_pay(area=who.county, document=DOCUMENT, first=MONTH, now=march)
            assert list(BackPayItem.objects.order_by("month").values_list("entitlement_id", "month", "reason")) == [(award_id, month, "") for month in months]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "not what was approved"),  # not approved yet
        ({"amount": Decimal("1.00")}, "not what was approved"),
        ({"cause": 0}, "not what was approved"),
        ({"month_entitled": FEBRUARY}, "not what was approved"),
    ],
)
def test_a_line_pays_exactly_what_was_approved(officers: Officers, changes: dict[str, Any], words: str) -> None:
    on_dibao(officers, {"wage_income": 2400})
    paid(officers, MONTH)
    raised()
    made = proposed(officers)
    if changes:
        approved(officers, made)
    (row,) = items(officers)
    with scopes.acting(officers.reviewer):
        draft = Payroll.objects.create(
            area=COUNTY, number="X-2", month=JANUARY, kind="back", serial=9, prepared_by_id=officers.reviewer.account_id, prepared_at=LATER
        )
        line = PayrollLine.objects.get(entitlement_id=row.entitlement_id, kind="regular")
        line.pk, line.kind, line.cause, line.payroll_id, line.month_paid, line.amount = 0, "back", made.pk, draft.pk, JANUARY, row.amount
        line.fund_year = JANUARY.year
        for name, value in changes.items():
            setattr(line, name, value)
        with pytest.raises(DatabaseError, match=words), transaction.atomic():
            line.save(force_insert=True)
        regular = Payroll.objects.create(
            area=COUNTY, number="X-3", month=FEBRUARY, kind="regular", prepared_by_id=officers.reviewer.account_id, prepared_at=LATER
        )
        line.payroll_id, line.month_paid = regular.pk, FEBRUARY
        with pytest.raises(DatabaseError, match="payrolls of its own"), transaction.atomic():
            line.save(force_insert=True)


def test_what_was_approved_stays(officers: Officers) -> None:
    on_dibao(officers, {"wage_income": 2400})
    paid(officers, MONTH)
    raised()
    made = approved(officers, proposed(officers))
    with scopes.acting(officers.reviewer):
        for sql in (
            "update payments_backpay set amount = amount + 1 where id = %s", "update payments_backpay set state = 'proposed' where id = %s",
            "delete from payments_backpayitem where back_pay_id = %s",
        ):  # fmt: skip
            with pytest.raises(DatabaseError, match="stay"), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql, [made.pk])
        with pytest.raises(DatabaseError, match="permission"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("update payments_backpayitem set amount = 1 where back_pay_id = %s", [made.pk])


def test_months_outside_of_the_database_and_ahead_are_refused_in_words(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        for values, words in (
            ({"first": date(2017, 1, 1)}, "原系统"), ({"first": MONTH, "last": date(2023, 6, 1)}, "只核算到本月"), ({"first": JANUARY, "last": MONTH}, "不能早于"),
            ({"first": MONTH, "document": " "}, "文号"), ({"first": MONTH, "programmes": ["marginal"]}, "请选择"), ({"first": MONTH, "area": TOWNSHIP}, "按县"),
        ):  # fmt: skip
            with pytest.raises(ValidationError, match=words):
                back_pay.propose_back_pay(**{"area": COUNTY, "document": DOCUMENT, "now": LATER, **values})
    with scopes.acting(officers.township), pytest.raises(PermissionDenied):
        back_pay.propose_back_pay(area=COUNTY, document=DOCUMENT, first=MONTH, now=LATER)

def test_of_two_approvals_of_one_back_pay_at_once_one_is_told(committed_db: None) -> None:
    officers = Officers()
    on_dibao(officers, {"wage_income": 2400})
    paid(officers, MONTH)
    raised()
    made = proposed(officers)
    calls = [as_(one, back_pay.approve_back_pay, back_pay_id=made.pk, version=1, now=LATER) for one in (officers.approver, officer("county_approver", COUNTY))]
    done, told = together(*calls)
    assert len(done) == 1 and len(told) == 1 and "可能已由他人办理" in told[0]


def test_february_of_a_leap_year_is_a_whole_month_and_a_death_on_its_last_day_counts(officers: Officers) -> None:
    family, _given = on_dibao(officers, {"wage_income": 2400}, {"name": "李四"})
    with scopes.acting(officers.reviewer):
        died(family.people[1], date(2024, 2, 29))
    leap, march = date(2024, 2, 1), date(2024, 3, 1)
    paid(officers, MONTH)
    officers.money(year=2024)
    paid(officers, leap, march)
    raised(starts=leap)
    with scopes.acting(officers.reviewer):
        back_pay.propose_back_pay(area=COUNTY, document=DOCUMENT, first=leap, last=march, now=datetime(2024, 3, 20, 2, tzinfo=UTC))
    assert [(row.month, row.living, row.owed - row.paid == row.amount) for row in items(officers, reason="")] == [(leap, 2, True), (march, 1, True)]
