"""Accounts and overpayments with two officers at the same moment: one does it, the other is told; money is booked once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import COUNTY, officer
from doudi.core.tests.together import as_, together
from doudi.enrolment import services as enrolment
from doudi.enrolment.models import PayeeChange
from doudi.payments.models import LedgerEntry, Overpayment, Repayment
from doudi.payments.services import overpayments, recovery
from doudi.payments.tests.test_recovery import LATER, TODAY, died, found, paid
from doudi.payments.tests.world import NOVEMBER, NOW, PAPER, Officers, award, card


def test_of_two_at_once_one_wins_the_other_is_told_and_no_fen_is_booked_twice(committed_db: None) -> None:
    officers = Officers()
    others = {duty: officer(duty, COUNTY) for duty in (Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.FINANCE_OFFICER)}
    with scopes.acting(officers.reviewer):
        given = award(members=2, amount="600.00", starts=NOVEMBER)
    officers.money()
    paid(officers)
    died(officers, given.people[1], NOVEMBER.replace(month=10))
    wrong: dict[str, Any] = {}

    def race(name: str, made: list[Any], told: list[str], words: str = "刷新页面") -> None:
        if (len(made), len(told)) != (1, 1) or words not in told[0]:
            wrong[name] = (made, told)

    # the comparison twice at once finds each month once
    both = (officers.reviewer, others[Duty.COUNTY_REVIEWER])
    made, _told = together(*(as_(scope, overpayments.find_overpayments, area=COUNTY, on=TODAY, now=LATER) for scope in both))
    (case,) = found(officers)
    assert sorted(made) == [0, 1] and case.amount == Decimal("600.00")
    plan: dict[str, Any] = {"way": "plan", "instalments": 2, "first_due": TODAY, "reason": "分期退还"}
    race("proposed", *together(*(as_(scope, recovery.propose_recovery, overpayment_id=case.pk, version=1, now=LATER, **plan) for scope in both)))
    with scopes.acting(officers.approver):
        waiting = case.decisions.get(state="proposed")
    approvers = (officers.approver, others[Duty.COUNTY_APPROVER])
    race("decided", *together(*(as_(scope, recovery.decide_recovery, decision_id=waiting.pk, version=1, agreed=True, now=LATER) for scope in approvers)))
    # 400 twice are more than the 600 that are owed
    finance = (officers.finance, others[Duty.FINANCE_OFFICER])
    receipts = [
        as_(scope, recovery.receive_repayment, overpayment_id=case.pk, amount=Decimal(400), way="cash", document=f"收{at}", received_on=TODAY, now=LATER)
        for at, scope in enumerate(finance)
    ]
    race("repaid", *together(*receipts), "不超过尚欠")
    with scopes.acting(officers.finance):
        assert Overpayment.objects.get().recovered == Decimal("400.00") == Repayment.objects.get().amount
        assert LedgerEntry.objects.filter(document__startswith="收").count() == 2
    with scopes.acting(officers.township):
        change = enrolment.propose_payee(award_id=given.award.pk, kind="own", account=card(830), bank="105", basis="换卡", evidence=[PAPER], now=NOW)
    race("confirmed", *together(*(as_(scope, enrolment.decide_payee, change_id=change.pk, version=1, agreed=True, now=NOW) for scope in both)))
    race("lifted", *together(*(as_(scope, enrolment.lift_cooling, change_id=change.pk, version=2, reason="急", now=NOW) for scope in approvers)))
    with scopes.acting(officers.approver):
        assert PayeeChange.objects.get().version == 3
    assert not wrong
