"""Accounts, returns and overpayments in the demo: a change that cools, a corrected return, cases found by comparison with what was decided about them."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.demo.staff import SignIn, by_duty

CHINA = ZoneInfo("Asia/Shanghai")
PAPER = ("证明材料.pdf", b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")
BASES = {"own": "原银行卡已注销，本人新办银行卡，卡面照片见附件", "relative": "户主住院，委托侄子代领，委托书见附件"}
CARDS = ("6217000000000020002", "6217000000000030001")


def _at(day: int, hour: int = 10) -> datetime:
    return datetime.combine(date(2022, 12, day), time(hour), CHINA)


def recovery(demo: Any) -> None:
    """Doing it again adds nothing."""
    from doudi.payments.models import AccountFinding, Overpayment
    from doudi.payments.services import account_checks, overpayments

    demo.tell("账户、退票与多发", 0, 0)
    reviewer, approver = by_duty(demo.staff, Duty.COUNTY_REVIEWER), by_duty(demo.staff, Duty.COUNTY_APPROVER)
    towns = [each for each in demo.staff if each.duty == Duty.TOWNSHIP_OFFICER.value]
    with scopes.acting(reviewer.scope("doudi demo")):
        first = not AccountFinding.objects.exists() and not Overpayment.objects.exists()
    if first:
        _changes(towns[0], reviewer)
        if len(towns) > 1:
            _returns(towns[1], reviewer)
        with scopes.acting(reviewer.scope("doudi demo")):
            account_checks.check_accounts(area=demo.area, on=date(2022, 12, 9), now=_at(9, 6))
            overpayments.find_overpayments(area=demo.area, on=date(2022, 12, 9), now=_at(9, 7))
        _decisions(demo, reviewer, approver)
    with scopes.acting(reviewer.scope("doudi demo")):
        demo.figures["accounts"] = {"findings": AccountFinding.objects.count(), "overpayments": Overpayment.objects.count()}


def _card(body: str) -> str:
    from doudi.batch.idnumber import luhn_digit

    return body[:-1] + luhn_digit(body[:-1])


def _changes(town: SignIn, reviewer: SignIn) -> None:
    """A new card whose cooling time runs, and a relative who receives until the end of the month."""
    from doudi.enrolment import services
    from doudi.enrolment.models import Award, PayeeChange

    with scopes.acting(town.scope("doudi demo")):
        running = Award.objects.filter(void=False, ends=None, programme="dibao", account__isnull=False, payee_id__isnull=False)
        chosen = list(running.exclude(payee_changes__isnull=False).order_by("entitlement_id")[1:3])
        made: list[PayeeChange] = []
        for award, card, way in zip(chosen, CARDS, ({"kind": "own"}, {"kind": "relative", "name": "王春生", "valid_until": date(2022, 12, 31)}), strict=False):
            made.append(
                services.propose_payee(
                    award_id=award.pk, account=_card(card), bank="105", basis=BASES[way["kind"]], old_closed=way["kind"] == "own", evidence=[PAPER], now=_at(8), **way
                )
            )
    with scopes.acting(reviewer.scope("doudi demo")):
        for change in made:
            services.decide_payee(change_id=change.pk, version=1, agreed=True, now=_at(8, 15))


def _returns(town: SignIn, reviewer: SignIn) -> None:
    """Of the second township's returns one waits for the county and one is corrected; the first township's are left for whoever tries the demo."""
    from doudi.payments.models import BankReturn
    from doudi.payments.services import corrections

    with scopes.acting(town.scope("doudi demo")):
        rows = list(BankReturn.objects.filter(state="open").order_by("id")[:2])
        for number, row in enumerate(rows):
            corrections.correct_return(
                return_id=row.pk, name=row.payee_name, account=_card(f"62170000000004000{number}0"), bank="105", note="核对本人银行卡原件", evidence=[PAPER], now=_at(8, 11)
            )
    with scopes.acting(reviewer.scope("doudi demo")):
        if len(rows) > 1:
            corrections.confirm_correction(return_id=rows[0].pk, agreed=True, now=_at(8, 16))


def _decisions(demo: Any, reviewer: SignIn, approver: SignIn) -> None:
    """One case by instalments with a receipt, one waived, one that waits; the others are as they were found."""
    from doudi.payments.models import Overpayment
    from doudi.payments.services import recovery as services

    with scopes.acting(reviewer.scope("doudi demo")):
        cases = list(Overpayment.objects.order_by("-amount", "id")[:3])
    ways: tuple[dict[str, Any], ...] = (
        {"way": "plan", "instalments": 3, "first_due": date(2022, 12, 15), "debtor": "heir", "debtor_name": "子女", "reason": "家属同意分期退还"},
        {"way": "waive", "reason": "家庭只剩一名重病老人，无力退还"},
        {"way": "plan", "instalments": 2, "first_due": date(2022, 12, 31), "reason": "已与家属核对，下月起退还"},
    )
    for number, (case, way) in enumerate(zip(cases, ways, strict=False)):
        with scopes.acting(reviewer.scope("doudi demo")):
            made = services.propose_recovery(overpayment_id=case.pk, version=case.version, now=_at(9, 9), **way)
        if number < 2:
            with scopes.acting(approver.scope("doudi demo")):
                services.decide_recovery(decision_id=made.pk, version=1, agreed=True, note="同意", now=_at(9, 10))
    if cases:
        with scopes.acting(by_duty(demo.staff, Duty.FINANCE_OFFICER).scope("doudi demo")):
            services.receive_repayment(
                overpayment_id=cases[0].pk, amount=(cases[0].amount / 3).quantize(services.FEN), way="cash", document="收〔2022〕118", received_on=date(2022, 12, 9), now=_at(9, 11)
            )
