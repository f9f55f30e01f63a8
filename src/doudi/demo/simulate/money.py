"""Money month by month: appropriations of a year, the payroll through all hands, returns corrected and paid again, price subsidies."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError

from doudi.batch import idnumber
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services import attachments
from doudi.core.workdays import add_working_days
from doudi.demo import paying, prices
from doudi.demo.relieving import receipt
from doudi.demo.simulate.life import Figures, Life, at
from doudi.payments.models import BankReturn, Payroll
from doudi.payments.services import channels, corrections, files, ledger, payrolls, reserves, results
from doudi.payments.simulated import bank_answer

RETURNED = (0.004, 0.03)
"""Least and most of a month's lines that the bank sends back: what does not come by the 10th."""
YEARLY = (("assistance", "central", 1200), ("assistance", "county", 900), ("disability", "province", 260), ("disability", "county", 260))  # yuan a head


def year(life: Life, on: date) -> Figures:
    """What the levels send for a year, and the townships' reserves out of it. Booked once, by its document."""
    people = _heads(life)
    booked = Decimal(0)
    with life.acting(Duty.FINANCE_OFFICER):
        for fund, level, a_head in YEARLY:
            amount = Decimal(a_head * people)
            ledger.receive_appropriation(
                fund=fund, area=life.area, year=on.year, amount=amount, document=f"示例到账{on.year}-{fund}-{level}", level=level, issuer=level, on=on, now=at(on)
            )
            booked += amount
        for number, officer in enumerate(life.officers()):
            reserves.fund_reserve(
                township=officer.area, year=on.year, amount=Decimal(60_000), document=f"示例备用金{on.year}-{number}", on=on, now=at(on, 10)
            )
    return {"appropriated": f"{booked:.2f}"}


def _heads(life: Life) -> int:
    from doudi.registry.models import Person

    with scopes.acting(scopes.Scope(area=life.area, page="doudi simulate")):
        return Person.objects.filter(died_on=None).count()


def _regular(life: Life) -> Payroll:
    return Payroll.objects.get(area=life.area, month=life.month, kind=Payroll.Kind.REGULAR)


def prepare(life: Life, on: date) -> Figures:
    with life.acting(Duty.COUNTY_REVIEWER):
        made = payrolls.prepare_payroll(area=life.area, month=life.month, now=at(on, 9))
    return {"lines": made.lines, "amount": f"{made.amount:.2f}", "excluded": made.excluded}


def check(life: Life, on: date) -> Figures:
    with life.acting(Duty.COUNTY_REVIEWER):
        payroll = _regular(life)
    paying.check(life.staff, payroll, now=at(on, 11))
    return {}


def approve(life: Life, on: date) -> Figures:
    with life.acting(Duty.COUNTY_APPROVER):
        payrolls.approve_payroll(payroll_id=_regular(life).pk, now=at(on, 14))
    return {}


def release(life: Life, on: date) -> Figures:
    with life.acting(Duty.FINANCE_OFFICER):
        payrolls.release_payroll(payroll_id=_regular(life).pk, on=on, now=at(on, 16))
    return {}


def bank(life: Life, on: date) -> Figures:
    """The file goes to the bank; its answer is booked."""
    with life.acting(Duty.FINANCE_OFFICER):
        return _answered(life, _regular(life), on)


def _answered(life: Life, payroll: Payroll, on: date) -> Figures:
    if channels.channels_of(payroll):
        files.export_chosen(payroll_id=payroll.pk, now=at(on, 8))
    else:
        files.export_file(payroll_id=payroll.pk, layout="one_card_csv", now=at(on, 8))
    answer = bank_answer(Payroll.objects.get(pk=payroll.pk), seed=life.seed + life.month.year * 12 + life.month.month, return_share=life.chance.uniform(*RETURNED))
    booked = results.book_results(data=[(f"{payroll.number}-results.csv", answer)], on=on, now=at(on, 15))
    return {"paid": booked.paid, "returned": booked.returned}


def corrected(life: Life, on: date) -> Figures:
    """Townships bring evidence that the accounts work again, or another card; the county confirms."""
    done = 0
    with scopes.acting(scopes.Scope(area=life.area, page="doudi simulate")):
        waiting = list(BankReturn.objects.filter(state__in=("open", "proposed"), amount__gt=0).order_by("id").values_list("pk", "area", "state"))
    for pk, area, state in waiting:
        with scopes.acting(life.officer(area).scope("doudi simulate")):
            if state == "open" and not _repaired(pk, on, life):
                continue  # waits for the township
            if state == "proposed":
                attachments.attach(subject="bank_return", subject_id=pk, area=area, name="卡.jpg", content=receipt(), now=at(on, 9))
        with life.acting(Duty.COUNTY_REVIEWER):
            corrections.confirm_correction(return_id=pk, agreed=True, now=at(on, 16))
        done += 1
    return {"corrected": done}


def _repaired(pk: int, on: date, life: Life) -> bool:
    """The same account where its kind of return allows it, else another card; False where neither is taken."""
    given: dict[str, Any] = {"return_id": pk, "bank": "", "evidence": [("卡.jpg", receipt())], "now": at(on, 10)}
    try:
        corrections.correct_return(name="", account="", note="本人持卡到银行核实，账户已恢复", same_account=True, **given)
        return True
    except ValidationError:
        body = f"62284800{life.month:%y%m}{pk % 1_000_000:06d}"
        name = BankReturn.objects.values_list("payee_name", flat=True).get(pk=pk)
    try:
        corrections.correct_return(name=name, account=body + idnumber.luhn_digit(body), note="原账户已销户，本人提供新卡", **given)
    except ValidationError:
        return False
    return True


def paid_again(life: Life, on: date) -> Figures:
    """What came back and was corrected is paid by a follow-up payroll through all hands."""
    try:
        with life.acting(Duty.COUNTY_REVIEWER):
            made = corrections.prepare_follow_up(area=life.area, month=life.month, now=at(on, 9))
    except ValidationError:
        return {"reissued": 0}
    return {"reissued": made.lines, "follow_up": through_hands(life, made.payroll, on)}


def through_hands(life: Life, payroll: Payroll, on: date) -> Figures:
    """Checked, approved, released, answered by different people on one day after another."""
    paying.check(life.staff, payroll, now=at(on, 15))
    with life.acting(Duty.COUNTY_APPROVER):
        payrolls.approve_payroll(payroll_id=payroll.pk, now=at(on, 16))
    with life.acting(Duty.FINANCE_OFFICER):
        payrolls.release_payroll(payroll_id=payroll.pk, on=on, now=at(on, 17))
        return _answered(life, Payroll.objects.get(pk=payroll.pk), add_working_days(on, 1))


def _indices(life: Life, month: date) -> tuple[Decimal, Decimal, Decimal]:
    """Example indices of a month: food is dear in one of six months. The same for everybody who asks."""
    import random

    chance = random.Random(f"{life.seed}-prices-{month}")
    dear = chance.random() < 1 / 6
    food = Decimal(f"{chance.uniform(6.1, 8.5) if dear else chance.uniform(-1.0, 4.5):.1f}")
    return Decimal(f"{chance.uniform(0.6, 2.4):.1f}"), food, Decimal(f"{chance.uniform(2.4, 3.1) if dear else chance.uniform(0.8, 2.2):.1f}")


def indices(life: Life, on: date) -> Figures:
    """The city enters and confirms the indices of the month before."""
    from doudi.relief.models import PriceEntry
    from doudi.relief.services import price_entries

    before = (life.month - timedelta(days=1)).replace(day=1)
    city = next(each for each in life.staff if each.duty == Duty.SUPERVISOR.value and len(each.area) == 4)
    second = prices._second(city)
    cpi, food, scpi = _indices(life, before)
    with scopes.acting(city.scope("doudi simulate")):
        if PriceEntry.objects.filter(area=city.area, month=before, state="confirmed").exists():
            return {}
        entry = price_entries.enter_indices(
            area=city.area, month=before, indices=price_entries.Indices(cpi, food, scpi), source=prices.SOURCE, document=prices.BULLETIN, on=on, now=at(on, 9)
        )
    with scopes.acting(second.scope("doudi simulate")):
        price_entries.confirm_indices(entry_id=entry.pk, now=at(on, 10))
    return {"cpi": str(cpi), "food": str(food), "scpi": str(scpi)}


def subsidies(life: Life, on: date) -> Figures:
    """Where the indices start it, the county proposes, approves and pays the price subsidies of the month."""
    from doudi.relief.services import price_proposals

    with life.acting(Duty.COUNTY_REVIEWER):
        try:
            made: Any = price_proposals.propose_subsidies(area=life.area, month=life.month, on=on, now=at(on, 11)).proposal
        except ValidationError:
            return {"subsidised": 0}  # the indices do not start it
    with life.acting(Duty.COUNTY_APPROVER):
        price_proposals.approve_subsidies(proposal_id=made.pk, version=made.version, note="同意", now=at(on, 14))
    with life.acting(Duty.COUNTY_REVIEWER):
        prepared = price_proposals.prepare_payroll(proposal_id=made.pk, on=on, now=at(on, 15))
    return {"subsidised": made.people, "subsidies": f"{made.amount:.2f}", "one_off": through_hands(life, prepared.payroll, add_working_days(on, 1))}
