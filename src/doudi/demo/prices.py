"""Price linkage in the demo. All indices here are examples (示例), not published figures: they show a month that does not start, one that
starts and pays, and one that waits for its confirmation."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.models.staff import Account, Posting
from doudi.demo.staff import SINCE, SignIn, by_duty

if TYPE_CHECKING:
    from doudi.demo.job import Demo
    from doudi.relief.models import PriceProposal

SOURCE, BULLETIN = "示例：国家统计局郑州调查队", "示例数据，并非公布值"
# index month -> CPI, food, SCPI, day entered
EXAMPLES = (
    (date(2022, 8, 1), "2.3", "5.4", "2.0", date(2022, 9, 15)),
    (date(2022, 9, 1), "2.6", "7.2", "2.9", date(2022, 10, 17)),
    (date(2022, 10, 1), "2.2", "5.8", "2.4", date(2022, 11, 15)),
)
DECEMBER = (date(2022, 11, 1), "3.0", "5.1", "2.7")


def _second(city: SignIn) -> SignIn:
    """A second officer of the city: two enter and confirm."""
    with scopes.acting(scopes.Scope(area="41", duty=Duty.ADMINISTRATOR.value, page="doudi demo")):
        first = Account.objects.get(pk=city.account_id)
        account, _ = Account.objects.get_or_create(username="city2", defaults={"name": "陈静", "password": first.password})
        posting, _ = Posting.objects.get_or_create(account=account, duty=Duty.SUPERVISOR, area=city.area, defaults={"starts": SINCE})
    return SignIn(Duty.SUPERVISOR.value, city.label, "city2", account.name, city.area, account.pk, posting.pk)


def prices(demo: Demo) -> None:
    """Examples of the city's indices; the county proposes and approves the subsidies of the two months that start."""
    from doudi.relief.models import PriceEntry
    from doudi.relief.services import price_entries

    demo.tell("物价联动（示例指数）", 0, 0)
    city = next(each for each in demo.staff if each.duty == Duty.SUPERVISOR.value and len(each.area) == 4)
    second = _second(city)
    for month, cpi, food, scpi, day in (*EXAMPLES, (*DECEMBER, date(2022, 12, 9))):
        with scopes.acting(city.scope()):
            if PriceEntry.objects.filter(area=city.area, month=month, state="confirmed").exists():
                continue
            entry = price_entries.enter_indices(
                area=city.area, month=month, indices=price_entries.Indices(Decimal(cpi), Decimal(food), Decimal(scpi)), source=SOURCE, document=BULLETIN,
                on=day, now=_at(day, 9),
            )  # fmt: skip
        with scopes.acting(second.scope()):
            price_entries.confirm_indices(entry_id=entry.pk, now=_at(day, 10))
    for month, day in ((date(2022, 10, 1), date(2022, 10, 20)), (date(2022, 12, 1), date(2022, 12, 9))):
        made = _subsidies(demo, month, day)
        demo.figures["price_subsidies"] = {"people": made.people, "amount": f"{made.amount:.2f}"}


def _subsidies(demo: Demo, month: date, day: date) -> PriceProposal:
    """The county's reviewer proposes a month that has started, the approver approves."""
    from doudi.relief.models import PriceProposal
    from doudi.relief.services import price_proposals

    reviewer, approver = by_duty(demo.staff, Duty.COUNTY_REVIEWER), by_duty(demo.staff, Duty.COUNTY_APPROVER)
    with scopes.acting(reviewer.scope()):
        made = PriceProposal.objects.filter(area=demo.area, month=month, state__in=["proposed", "approved"]).first()
        if made is None:
            made = price_proposals.propose_subsidies(area=demo.area, month=month, on=day, now=_at(day, 11)).proposal
    if made.state == "proposed":
        with scopes.acting(approver.scope()):
            price_proposals.approve_subsidies(proposal_id=made.pk, version=made.version, note="同意", now=_at(day, 14))
        with scopes.acting(reviewer.scope()):
            price_proposals.prepare_payroll(proposal_id=made.pk, on=day, now=_at(day, 15))
    return made


def _at(day: date, hour: int) -> datetime:
    from doudi.demo.job import at

    return at(day, hour)
