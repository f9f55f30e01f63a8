"""Accounts of beneficiaries: bank rules, two officers with evidence, cooling time, dates of payees, checks of a county (measures 4.3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.db.utils import DatabaseError
from django.urls import reverse

from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Attachment, Duty, Setting, Todo
from doudi.core.numbers import Kind
from doudi.core.tests.officers import client_of, officer
from doudi.enrolment import services as enrolment
from doudi.enrolment.models import Award, BankRule, PayeeChange
from doudi.enrolment.services import bank_rules
from doudi.payments.models import AccountFinding, Payroll, PayrollExclusion
from doudi.payments.services import account_checks, payrolls
from doudi.payments.tests.world import COUNTY, MONTH, NOW, PAPER, Given, Officers, award, card
from doudi.registry.models import Membership, Person

pytestmark = pytest.mark.django_db
CHINA = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def given(officers: Officers) -> Given:
    with scopes.acting(officers.reviewer):
        made = award(amount="300.00")
        Membership.objects.create(area=made.household.area, household=made.household, person=made.people[0], relationship="02", starts=date(2022, 1, 1))
        return made


def change(officers: Officers, given: Given, *, at: datetime = NOW, confirm: bool = True, number: str = "", **options: Any) -> PayeeChange:
    """Another account of the same payee, proposed and confirmed."""
    values = {"kind": "own", "account": number or card(800), "bank": "105", "basis": "本人新办银行卡", "evidence": [PAPER]} | options
    with scopes.acting(officers.township):
        row = enrolment.propose_payee(award_id=given.award.pk, now=at, **values)
    if confirm:
        with scopes.acting(officers.reviewer):
            row = enrolment.decide_payee(change_id=row.pk, version=1, agreed=True, now=at)
    return row


def paid_to(officers: Officers, at: datetime, month: date = MONTH) -> tuple[Any, str]:
    """(account, "") of the line that a payroll prepared at a moment has, or (None, reason) of its exclusion."""
    with scopes.acting(officers.reviewer):
        made: Payroll = payrolls.prepare_payroll(area=COUNTY, month=month, now=at, arrears_from=month).payroll
        line = made.payroll_lines.first()
        if line is not None:
            return line.account, ""
        return None, PayrollExclusion.objects.get(payroll=made).reason


def test_what_a_change_was_confirmed_by_stays_with_it(officers: Officers, given: Given) -> None:
    row = change(officers, given, confirm=False)
    township = client_of(officers.township)
    with scopes.acting(officers.township):
        paper = Attachment.objects.get(subject="payee_change", subject_id=row.pk)
    with scopes.acting(officers.reviewer):
        enrolment.decide_payee(change_id=row.pk, version=1, agreed=True, now=NOW)
    assert township.post(reverse("attachment_remove", args=[paper.pk])).status_code == 403
    with scopes.acting(officers.township):
        assert Attachment.objects.get(pk=paper.pk).removed_at is None


# --- numbers of banks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "bank", "code"),
    [
        (card(1), "105", ""), (card(1)[:-1] + str((int(card(1)[-1]) + 1) % 10), "105", "check"), (card(1), "103", "bank"), (card(1)[:-2], "105", "length"),
        ("410122", "105", "form"), ("41" * 15, "", "form"), ("１２３４５６７８９０", "", "form"), ("123456789012345", "402", ""), ("12345678901", "402", "passbook"),
        ("12345678901", "102", ""), ("", "402", "form"), ("6230000000000000", "", "check"), ("41012219500101123X", "402", "form"),
    ],
)  # fmt: skip
def test_a_number_is_held_against_the_rules_of_its_bank(number: str, bank: str, code: str) -> None:
    rules = bank_rules.rules()
    assert rules.problem(number, bank)[0] == code
    assert account_checks.problems(pa.array([number]), pa.array([bank]), rules).to_pylist() == [code]


def test_officers_add_rules_with_their_source_and_retire_them(officers: Officers) -> None:
    page, url = client_of(officers.finance), reverse("payments:bank_rules")
    given = {"kind": "card", "bank": "313", "prefix": "621000", "least": 19, "most": 19, "source": "中原银行〔2022〕函 3 号"}
    assert page.post(url, given | {"source": ""}).status_code == 422
    assert page.post(url, given).status_code == 302 and page.post(url, given).status_code == 422
    with scopes.acting(officers.finance):
        row = BankRule.objects.get(prefix="621000")
        body = "621000123456789012"
        good = next(body + digit for digit in "0123456789" if not bank_rules.rules().problem(body + digit, "313")[0])
        assert bank_rules.rules().problem(good, "105")[0] == "bank"
        with pytest.raises(DatabaseError), transaction.atomic():
            BankRule.objects.filter(pk=row.pk).update(bank="105")
    page.post(reverse("payments:bank_rule_retire", args=[row.pk]), {"reason": "卡段停用"})
    with scopes.acting(officers.finance):
        assert bank_rules.rules().problem(good, "105")[0] == ""
    assert client_of(officers.township).post(url, given).status_code == 403


# --- two officers, evidence, cooling ----------------------------------------------------------------------------------


def test_a_change_needs_evidence_and_a_second_person(officers: Officers, given: Given) -> None:
    row = change(officers, given, confirm=False, evidence=[])
    with scopes.acting(officers.reviewer), pytest.raises(ValidationError, match="证明材料"):
        enrolment.decide_payee(change_id=row.pk, version=1, agreed=True, now=NOW)
    same = scopes.Scope(area=COUNTY, account_id=officers.township.account_id, duty=Duty.COUNTY_REVIEWER)
    with scopes.acting(same), pytest.raises(PermissionDenied):
        enrolment.decide_payee(change_id=row.pk, version=1, agreed=True, now=NOW)
    with pytest.raises(ValidationError, match="待确认"):
        change(officers, given)
    with scopes.acting(officers.reviewer):
        assert Award.objects.get(pk=given.award.pk).account == given.people[0].account
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, "410122102")), pytest.raises(ValidationError):
        enrolment.propose_payee(award_id=given.award.pk, kind="own", account=card(801), bank="105", basis="冒领", now=NOW)


def test_during_the_cooling_time_the_old_account_is_paid_then_the_new_one(officers: Officers, given: Given) -> None:
    row = change(officers, given)
    old, new = given.people[0].account, numbers.token_of(Kind.ACCOUNT, card(800))
    assert row.usable_from == date(2022, 12, 12)
    # to the minute: the seventh day begins at midnight in China
    assert paid_to(officers, datetime(2022, 12, 11, 23, 59, tzinfo=CHINA)) == (old, "")
    assert paid_to(officers, datetime(2022, 12, 12, 0, 0, tzinfo=CHINA)) == (new, "")


def test_a_leap_day_counts_and_the_county_sets_the_days(officers: Officers, given: Given) -> None:
    with scopes.acting(scopes.Scope(area="41")):
        first, second = (officer(Duty.SUPERVISOR, "41").account_id for _ in range(2))
        Setting.objects.create(
            area=COUNTY, parameter="procedure.payee.cooling_days", starts=date(2024, 1, 1), value="3", document="牟民〔2024〕1号", state="confirmed",
            proposed_by_id=first, proposed_at=NOW, decided_by_id=second, decided_at=NOW,
        )  # fmt: skip
    assert change(officers, given, at=datetime(2024, 2, 27, 10, tzinfo=CHINA)).usable_from == date(2024, 3, 1)


def test_a_closed_account_waits_with_its_reason_and_comes_back_by_itself(officers: Officers, given: Given) -> None:
    change(officers, given, old_closed=True)
    assert paid_to(officers, NOW) == (None, "cooling")
    assert paid_to(officers, NOW + timedelta(days=7)) == (numbers.token_of(Kind.ACCOUNT, card(800)), "")


def test_a_second_change_never_makes_the_first_usable_early(officers: Officers, given: Given) -> None:
    change(officers, given, number=card(811))
    later = NOW + timedelta(days=2)
    with scopes.acting(officers.township):
        row = enrolment.propose_payee(
            award_id=given.award.pk, kind="own", account=card(812), bank="105", basis="又换卡", evidence=[PAPER], now=later
        )  # fmt: skip
    with scopes.acting(officers.reviewer):
        enrolment.decide_payee(change_id=row.pk, version=1, agreed=True, now=later)
    assert paid_to(officers, later) == (given.people[0].account, "")


def test_a_third_officer_lifts_the_cooling_time_with_a_reason(officers: Officers, given: Given) -> None:
    row = change(officers, given, old_closed=True)
    with scopes.acting(officers.reviewer), pytest.raises(PermissionDenied):  # who confirmed
        enrolment.lift_cooling(change_id=row.pk, version=2, reason="急", now=NOW)
    with scopes.acting(officers.township), pytest.raises(PermissionDenied):
        enrolment.lift_cooling(change_id=row.pk, version=2, reason="急", now=NOW)
    with scopes.acting(officers.approver):
        with pytest.raises(ValidationError, match="原因"):
            enrolment.lift_cooling(change_id=row.pk, version=2, reason=" ", now=NOW)
        enrolment.lift_cooling(change_id=row.pk, version=2, reason="无其他收入，已电话核实", now=NOW)
        with pytest.raises(ValidationError, match="刷新"):
            enrolment.lift_cooling(change_id=row.pk, version=2, reason="再点一次", now=NOW)
        with pytest.raises(DatabaseError), transaction.atomic():
            PayeeChange.objects.filter(pk=row.pk).update(lifted_reason="改写")
    assert paid_to(officers, NOW)[0] == numbers.token_of(Kind.ACCOUNT, card(800))


def test_a_dead_payee_is_never_paid_while_the_new_account_cools(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        two = award(members=2, amount="300.00")
        for one, relation in zip(two.people, ("02", "10"), strict=True):
            Membership.objects.create(area=two.household.area, household=two.household, person=one, relationship=relation, starts=date(2022, 1, 1))
        Person.objects.filter(pk=two.people[0].pk).update(died_on=date(2022, 12, 2))
    change(officers, two, kind="member", person_id=two.people[1].pk, account="", bank="")
    assert paid_to(officers, NOW) == (None, "cooling")
    assert paid_to(officers, NOW + timedelta(days=7)) == (two.people[1].account, "")


# --- who receives for another -----------------------------------------------------------------------------------------


def test_a_relative_receives_between_dates_then_a_to_do_and_an_exclusion(officers: Officers, given: Given) -> None:
    with pytest.raises(ValidationError, match="截止日期"):
        change(officers, given, kind="relative", name="王二", confirm=False)
    change(officers, given, kind="relative", name="王二", valid_from=date(2022, 12, 1), valid_until=date(2022, 12, 31))
    assert paid_to(officers, datetime(2022, 12, 31, 23, 59, tzinfo=CHINA))[1] == ""
    with scopes.acting(officers.reviewer):
        assert enrolment.remind_ending_payees(area=COUNTY, on=date(2022, 12, 20), now=NOW) == 1
        assert enrolment.remind_ending_payees(area=COUNTY, on=date(2022, 12, 21), now=NOW) == 0
        todo = Todo.objects.get(kind="enrolment.payee_ends")
        assert todo.area == given.award.area and "将满" in todo.title
    assert paid_to(officers, datetime(2023, 1, 1, 0, 0, tzinfo=CHINA)) == (None, "payee_over")
    # renewed with the same account there is no cooling time, and the reason ends by itself
    later = datetime(2023, 1, 3, 9, tzinfo=CHINA)
    change(officers, given, at=later, kind="relative", name="王二", valid_from=date(2023, 1, 3), valid_until=date(2023, 12, 31))
    assert paid_to(officers, later)[1] == ""
    with scopes.acting(officers.reviewer):
        assert not Todo.objects.filter(kind="enrolment.payee_ends", done_at=None).exists()


def test_before_its_first_day_a_basis_does_not_count(officers: Officers, given: Given) -> None:
    row = change(officers, given, kind="guardian", name="张三", valid_from=date(2023, 1, 1))
    assert row.usable_from == date(2023, 1, 1) and paid_to(officers, datetime(2022, 12, 31, 12, tzinfo=CHINA)) == (given.people[0].account, "")
    with scopes.acting(officers.approver), pytest.raises(ValidationError, match="有效"):
        enrolment.lift_cooling(change_id=row.pk, version=2, reason="急", now=NOW)


# --- checks and pages -------------------------------------------------------------------------------------------------


@pytest.fixture
def checked(officers: Officers) -> Iterator[list[Given]]:
    with scopes.acting(officers.reviewer):
        rows = [award() for _ in range(5)]
        shared = rows[0].people[0].account
        Award.objects.filter(pk=rows[1].award.pk).update(account=shared)
        Award.objects.filter(pk=rows[2].award.pk).update(account=None)
        Award.objects.filter(pk=rows[3].award.pk).update(account=numbers.token_of(Kind.ACCOUNT, card(5)[:-1] + str((int(card(5)[-1]) + 3) % 10)), bank="105")
        account_checks.check_accounts(area=COUNTY, on=MONTH, now=NOW)
    yield rows


def test_a_check_finds_missing_malformed_and_shared_and_nothing_twice(officers: Officers, checked: list[Given]) -> None:
    with scopes.acting(officers.reviewer):
        again = account_checks.check_accounts(area=COUNTY, on=MONTH, now=NOW)
        assert again == {"shared": 2, "missing": 1, "check": 1}
        assert set(AccountFinding.objects.filter(problem="shared").values_list("award_id", "households")) == {(row.award.pk, 2) for row in checked[:2]}
        assert not AccountFinding.objects.filter(award_id=checked[4].award.pk).exists()
    with scopes.acting(officers.township), pytest.raises(scopes.NoScope):
        account_checks.check_accounts(area=COUNTY, on=MONTH, now=NOW)


def test_findings_are_listed_exported_and_closed_to_other_areas(officers: Officers, checked: list[Given], django_assert_max_num_queries: Any) -> None:
    page, url = client_of(officers.reviewer), reverse("payments:account_findings")
    with django_assert_max_num_queries(40):
        text = page.get(url).content.decode()
    assert "多户共用同一账户" in text and "未登记账户" in text and card(5)[:12] not in text
    file = page.get(url, {"problem": "check", "export": "csv"})
    lines = b"".join(file.streaming_content).decode().strip().splitlines()
    assert len(lines) == 2 and "校验位" in lines[1]
    assert "校验位" not in client_of(officer(Duty.COUNTY_REVIEWER, "410123")).get(url).content.decode().split("<table", 1)[-1].split("</form>")[0]


def test_the_page_of_a_household_shows_tails_and_reveals_with_a_record(officers: Officers, given: Given) -> None:
    change(officers, given, old_closed=True, at=datetime.now(CHINA))
    page, url = client_of(officers.township), reverse("payments:accounts", args=[given.household.pk])
    text = page.get(url).content.decode()
    assert card(800)[-4:] in text and card(800)[:15] not in text and "冷静期内暂不发放" in text and "本人新办银行卡" in text
    shown = page.post(reverse("payments:account_reveal", args=[given.award.pk])).content.decode()
    assert card(800) in shown and "中国建设银行" in shown
    with scopes.acting(scopes.Scope(area=COUNTY, duty=Duty.AUDITOR)):
        assert AccessRecord.objects.filter(what="reveal", field="account", subject_id=given.household.pk).exists()
    assert client_of(officer(Duty.TOWNSHIP_OFFICER, "410122102")).get(url).status_code == 404
    assert client_of(officer(Duty.TOWNSHIP_OFFICER, "410122102")).post(reverse("payments:account_reveal", args=[given.award.pk])).status_code == 404
    waiting = client_of(officers.reviewer).get(reverse("payments:account_changes")).content.decode()
    assert "冷静期" in waiting and given.people[0].name in waiting


def test_the_award_page_takes_the_change_with_its_papers(officers: Officers, given: Given) -> None:
    page, url = client_of(officers.township), f"/enrolment/awards/{given.award.pk}/payee/"
    values = {"kind": "own", "account": card(820), "bank": "105", "basis": "换卡"}
    with pytest.raises(ValidationError, match="开户银行却是"):
        change(officers, given, number=card(820), bank="103", confirm=False)
    with scopes.acting(officers.township), pytest.raises(ValidationError, match="照片"), transaction.atomic():
        enrolment.propose_payee(award_id=given.award.pk, evidence=[("a.exe", b"MZ")], now=NOW, **values)
    assert page.post(url, values | {"evidence": SimpleUploadedFile(*PAPER)}).status_code == 302
    with scopes.acting(officers.township):
        assert PayeeChange.objects.count() == 1
