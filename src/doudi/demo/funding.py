"""The demo county's money: allocation documents of four levels, what of them has come, a carry-over, a mistake that waits to be reversed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.demo.staff import by_duty

# (fund, level, level whose document it is, document, date, promised, [(voucher, day, received)]): the province sends its own money straight to the county
PLANS: tuple[tuple[str, str, str, str, date, str, tuple[tuple[str, date, str], ...]], ...] = (
    ("assistance", "central", "province", "豫财社〔2022〕21号", date(2022, 3, 14), "1800000.00",
     (("中央补助到账0412", date(2022, 4, 12), "1200000.00"), ("中央补助到账0905", date(2022, 9, 5), "600000.00"))),
    ("assistance", "province", "province", "豫财社〔2022〕46号", date(2022, 4, 20), "700000.00", (("省级直达到账0509", date(2022, 5, 9), "700000.00"),)),
    ("assistance", "city", "city", "郑财社〔2022〕33号", date(2022, 5, 25), "300000.00", (("市级配套到账0630", date(2022, 6, 30), "200000.00"),)),
    ("assistance", "county", "county", "牟财预〔2022〕118号", date(2022, 2, 18), "500000.00", (("县级配套到账1101", date(2022, 11, 1), "300000.00"),)),
    ("disability", "province", "province", "豫财社〔2022〕52号", date(2022, 4, 28), "300000.00", (("两项补贴到账0601", date(2022, 6, 1), "300000.00"),)),
    ("disability", "county", "county", "牟财预〔2022〕119号", date(2022, 2, 18), "300000.00", (("两项补贴配套1101", date(2022, 11, 1), "300000.00"),)),
)  # fmt: skip
CARRIED = Decimal("120000.00")


def funding(demo: Any) -> None:
    """All of it; what is there already is recognised by its document."""
    from doudi.demo.job import at
    from doudi.payments.models import FundMovement
    from doudi.payments.services import funds, ledger

    demo.tell("指标与到账", 0, 0)
    finance, approver = by_duty(demo.staff, Duty.FINANCE_OFFICER), by_duty(demo.staff, Duty.COUNTY_APPROVER)
    with scopes.acting(finance.scope()):
        for fund, level, issuer, document, day, amount, receipts in PLANS:
            plan = funds.register_plan(
                area=demo.area, fund=fund, year=2022, level=level, issuer=issuer, amount=Decimal(amount), document=document, document_date=day, on=day, now=at(day)
            )
            for voucher, came, part in receipts:
                ledger.receive_appropriation(
                    fund=fund, area=demo.area, year=2022, amount=Decimal(part), document=voucher, level=level, issuer=issuer, plan_id=plan.pk, on=came,
                    now=at(came),
                )  # fmt: skip
        left = date(2021, 12, 20)
        ledger.receive_appropriation(
            fund="assistance", area=demo.area, year=2021, amount=CARRIED, document="县级配套到账2021", level="county", issuer="county", on=left, now=at(left)
        )
        day = date(2022, 1, 12)
        carried = FundMovement.objects.filter(area=demo.area, kind="carry_over", fund_year=2021).first() or funds.propose(
            kind="carry_over", area=demo.area, fund="assistance", year=2021, level="county", amount=CARRIED, document="牟财预〔2022〕3号", reason="上年结余结转使用",
            to_year=2022, on=day, now=at(day),
        )  # fmt: skip
        if not FundMovement.objects.filter(area=demo.area, document="县级配套到账1121").exists():
            day = date(2022, 11, 21)
            ledger.receive_appropriation(
                fund="assistance", area=demo.area, year=2022, amount=Decimal("50000.00"), document="县级配套到账1121", level="county", issuer="county",
                plan_id=FundMovement.objects.get(area=demo.area, document="牟财预〔2022〕118号").pk, on=day, now=at(day),
            )  # fmt: skip
            wrong, day = FundMovement.objects.get(area=demo.area, document="县级配套到账1121"), date(2022, 12, 5)
            funds.propose_reversal(movement_id=wrong.pk, document="冲销1205", reason="金额录入有误，应为 5,000.00 元", on=day, now=at(day))
    with scopes.acting(approver.scope()):
        if carried.state == FundMovement.State.PROPOSED:
            funds.confirm(movement_id=carried.pk, on=date(2022, 1, 13), now=at(date(2022, 1, 13)))
