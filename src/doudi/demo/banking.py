"""What the demo county agreed on with its banks: one layout chosen from March on, one that waits for the second officer."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from doudi.core.models import Duty

if TYPE_CHECKING:
    from doudi.demo.job import Demo

FROM = date(2023, 3, 1)  # after what the walks of the demo pay, which make their files by hand


def layouts(demo: Demo) -> None:
    """Disability subsidies go to a bank that wants fen in files of 5,000 lines; for another bank strict GBK is proposed."""
    from doudi.demo.job import TODAY, at
    from doudi.payments.models import Fund, LayoutChoice
    from doudi.payments.services import exchange

    with demo.acting(Duty.FINANCE_OFFICER):
        if LayoutChoice.objects.exists():
            return
        chosen = exchange.propose_choice(
            area=demo.area, layout="bank_fen", fund=Fund.objects.get(code="disability"), starts=FROM, document="代发业务协议（2022年11月）",
            on=TODAY, now=at(TODAY, 9),
        )  # fmt: skip
        exchange.propose_choice(
            area=demo.area, layout="bank_batch_gbk", bank="C103", starts=FROM, document="农商银行代发接口说明第3版", on=TODAY, now=at(TODAY, 9, 20)
        )
    with demo.acting(Duty.COUNTY_APPROVER):
        exchange.decide_choice(choice_id=chosen.pk, decision="confirmed", note="", now=at(TODAY, 10))
