"""Accounts, returns and overpayments in the demo: a change that cools, a return that waits, cases found by comparison with what was decided about them."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.demo.staff import SignIn, by_duty

CHINA = ZoneInfo("Asia/Shanghai")
PAPER = ("证明材料.pdf", b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")
CARDS = ("6217000000000020002", "6217000000000030001")


def _at(day: int, hour: int = 10) -> datetime:
    return datetime.combine(date(2022, 12, day), time(hour), CHINA)


def recovery(demo: Any) -> None:
    """Doing it again adds nothing."""
    from doudi.enrolment.models import PayeeChange
    from doudi.payments.models import AccountFinding, Overpayment, RecoveryDecision
    from doudi.payments.services import account_checks, overpayments

    demo.tell("账户、退票与多发", 0, 0)
    reviewer, approver = by_duty(demo.staff, Duty.COUNTY_REVIEWER), by_duty(demo.staff, Duty.COUNTY_APPROVER)
    towns = [each for each in demo.staff if each.duty == Duty.TOWNSHIP_OFFICER.value]
    with scopes.acting(reviewer.scope("doudi demo")):
        first = not PayeeChange.objects.filter(state="confirmed").exists() and not RecoveryDecision.objects.exists()
    if first:
        _changes(towns, reviewer)
        for town in towns[1:]:
            _returns(town)
        with scopes.acting(reviewer.scope("doudi demo")):
            account_checks.check_accounts(area=demo.area, on=date(2022, 12, 9), now=_at(9, 6))
            overpayments.find_overpayments(area=demo.area, on=date(2022, 12, 9), now=_at(9, 7))
        _decisions(demo, reviewer, approver)
    with scopes.acting(reviewer.scope("doudi demo")):
        demo.figures["accounts"] = {"findings": AccountFinding.objects.count(), "overpayments": Overpayment.objects.count()}


def _card(body: str) -> str:
    from doudi.batch.idnumber import luhn_digit

    return body[:-1] + luhn_digit(body[:-1])


def _changes(towns: list[SignIn], reviewer: SignIn) -> None:
    """A new card whose cooling time runs, and a relative who receives for two households until the end of the month: a shared account to look at."""
    from doudi.enrolment import services
    from doudi.enrolment.models import Award, PayeeChange

    ways: tuple[dict[str, Any], ...] = (
        {"kind": "own", "account": CARDS[0], "old_closed": True, "basis": "原银行卡已注销，本人新办银行卡，卡面照片见附件"},
        {"kind": "relative", "name": "王春生", "account": CARDS[1], "valid_until": date(2022, 12, 31), "basis": "户主住院，委托侄子代领，委托书见附件"},
        {"kind": "relative", "name": "王春生", "account": CARDS[1], "valid_until": date(2023, 6, 30), "basis": "户主外出就医，委托侄子代领，委托书见附件"},
    )
    with scopes.acting(reviewer.scope("doudi demo")):
        running = Award.objects.filter(void=False, ends=None, account__isnull=False, payee_id__isnull=False, programme__in=["dibao", "tekun", "dibao_single"])
        chosen = list(running.filter(payee_changes=None).order_by("household_id", "entitlement_id").distinct("household_id")[: len(ways)])
    made: list[PayeeChange] = []
    for award, way in zip(chosen, ways, strict=False):
        town = next((each for each in towns if award.area.startswith(each.area)), None)
        if town is not None:
            with scopes.acting(town.scope("doudi demo")):
                given = way | {"account": _card(way["account"])}
                made.append(services.propose_payee(award_id=award.pk, bank="105", evidence=[PAPER], now=_at(8), **given))
    with scopes.acting(reviewer.scope("doudi demo")):
        for change in made:
            services.decide_payee(change_id=change.pk, version=1, agreed=True, now=_at(8, 15))


def _returns(town: SignIn) -> None:
    """A return of another township that waits for the county; the first township's are left for whoever tries the demo."""
    from doudi.payments.models import BankReturn
    from doudi.payments.services import corrections

    with scopes.acting(town.scope("doudi demo")):
        row = BankReturn.objects.filter(state="open").order_by("id").first()
        if row is not None:
            corrections.correct_return(
                return_id=row.pk, name=row.payee_name, account=_card("6217000000000040000"), bank="105", note="核对本人银行卡原件", evidence=[PAPER], now=_at(8, 11)
            )  # fmt: skip


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
