"""One-off payments to groups and back pay in the demo. All documents are examples (示例): one payment of the county on its way to the bank, one of
the city that waits for the county's approver, and a subsidy raised back to November whose difference waits in a payroll."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from django.core.exceptions import ValidationError

from doudi.core import scope as scopes
from doudi.core.models import Duty, Setting
from doudi.core.models.staff import Account, Posting
from doudi.demo.staff import SignIn, by_duty
from doudi.registry.models import Programme

if TYPE_CHECKING:
    from doudi.demo.job import Demo
    from doudi.payments.models import BackPay, OneOffDecision

EXAMPLE = "示例："
GROUPS = [Programme.DIBAO.value, Programme.DIBAO_SINGLE.value, Programme.TEKUN.value]
NOVEMBER = date(2022, 11, 1)
RAISED, DOCUMENT = "disability.nursing", "示例：县政办〔2022〕31号"
RISE = 10  # yuan a month


def raising(demo: Demo) -> None:
    """The two one-off payments and the raise that reaches back."""
    demo.tell("一次性补助与补发（示例文件）", 0, 0)
    reviewer, approver = by_duty(demo.staff, Duty.COUNTY_REVIEWER), by_duty(demo.staff, Duty.COUNTY_APPROVER)
    july = _decided(
        reviewer, approver, day=date(2022, 12, 5), area=demo.area, title="一次性生活补助", document=f"{EXAMPLE}县民政局、财政局 2022 年 12 月 5 日通知",
        month=date(2022, 7, 1), amount=Decimal(210), shares={"county": 100},
    )  # fmt: skip
    _listed(demo, july, day=date(2022, 12, 6), approved=True)
    city, city2 = _city(demo)
    heating = _decided(
        city, city2, day=date(2022, 12, 7), area=city.area, title="冬季取暖补贴", document=f"{EXAMPLE}市民政局、财政局 2022 年 12 月 7 日通知",
        month=NOVEMBER, amount=Decimal(300), per="household", shares={"city": 50, "county": 50},
    )  # fmt: skip
    _listed(demo, heating, day=date(2022, 12, 8), approved=False)
    _back_pay(demo, reviewer, approver)


def _city(demo: Demo) -> tuple[SignIn, SignIn]:
    """The two officers of the city; the second came with the price indices."""
    first = next(each for each in demo.staff if each.duty == Duty.SUPERVISOR.value and len(each.area) == 4)
    with scopes.acting(scopes.Scope(area="41", duty=Duty.ADMINISTRATOR.value, page="doudi demo")):
        account = Account.objects.get(username="city2")
        posting = Posting.objects.get(account=account, duty=Duty.SUPERVISOR, area=first.area)
    return first, SignIn(first.duty, first.label, account.username, account.name, first.area, account.pk, posting.pk)


def _decided(first: SignIn, second: SignIn, *, day: date, **values: Any) -> OneOffDecision:
    """Proposed and confirmed; the second run finds it by title and document."""
    from doudi.payments.models import OneOffDecision
    from doudi.payments.services import one_offs

    with scopes.acting(first.scope()):
        row = OneOffDecision.objects.filter(area=values["area"], title=values["title"], document=values["document"]).first()
        if row is None:
            row = one_offs.decide_one_off(programmes=GROUPS, now=_at(day, 9), **values)
    if row.state == OneOffDecision.State.PROPOSED:
        with scopes.acting(second.scope()):
            row = one_offs.settle_decision(decision_id=row.pk, version=row.version, agreed=True, now=_at(day, 11))
    return row


def _listed(demo: Demo, decision: OneOffDecision, *, day: date, approved: bool) -> None:
    """The county's list of a decision; approved, it goes into a payroll."""
    from doudi.payments.models import OneOffList
    from doudi.payments.services import one_offs

    reviewer, approver = by_duty(demo.staff, Duty.COUNTY_REVIEWER), by_duty(demo.staff, Duty.COUNTY_APPROVER)
    with scopes.acting(reviewer.scope()):
        if OneOffList.objects.filter(area=demo.area, decision=decision).exists():
            return
        try:
            made = one_offs.make_list(decision_id=decision.pk, area=demo.area, now=_at(day, 9))
        except ValidationError:
            return  # nobody of the county is covered
    if approved:
        with scopes.acting(approver.scope()):
            one_offs.approve_list(list_id=made.pk, version=made.version, note="同意", now=_at(day, 14))
        with scopes.acting(reviewer.scope()):
            one_offs.pay_list(list_id=made.pk, on=date(2022, 12, 1), now=_at(day, 15))


def _back_pay(demo: Demo, reviewer: SignIn, approver: SignIn) -> None:
    """A subsidy raised by a document of December from November on: the difference of the months that were paid."""
    from doudi.core.services import settings
    from doudi.payments.models import BackPay
    from doudi.payments.services import back_pay, back_payroll

    day = date(2022, 12, 8)
    with scopes.acting(reviewer.scope()):
        before = BackPay.objects.filter(area=demo.area, document=DOCUMENT).order_by("-serial").first()
        if before is not None:
            demo.figures["back_pay"] = _figures(before)
            return
        setting = Setting.objects.filter(area=demo.area, parameter=RAISED, starts=NOVEMBER).first() or settings.propose_setting(
            parameter=RAISED, area=demo.area, starts=NOVEMBER, value=_higher(demo.area), document=DOCUMENT, note="示例，并非实际标准", now=_at(day, 9)
        )
    if setting.state == Setting.State.PROPOSED:
        with scopes.acting(approver.scope()):
            settings.confirm_setting(setting_id=setting.pk, now=_at(day, 10))
    with scopes.acting(reviewer.scope()):
        try:
            made = back_pay.propose_back_pay(
                area=demo.area, document=DOCUMENT, first=NOVEMBER, programmes=[Programme.DISABILITY_NURSING.value], reason="标准自 11 月起提高", now=_at(day, 11)
            ).back_pay
        except ValidationError:
            return  # a small county where nobody was paid it
    with scopes.acting(approver.scope()):
        back_pay.approve_back_pay(back_pay_id=made.pk, version=made.version, note="同意", now=_at(day, 14))
    demo.figures["back_pay"] = _figures(made)
    if made.months:
        with scopes.acting(reviewer.scope()):
            back_payroll.prepare_back_payroll(area=demo.area, month=date(2022, 12, 1), now=_at(day, 15))


def _figures(row: BackPay) -> dict[str, Any]:
    return {"awards": row.awards, "months": row.months, "amount": f"{row.amount:.2f}"}


def _higher(area: str, parameter: str = RAISED) -> str:
    """What holds at the place, and a little more."""
    from doudi.assessment.services import law_settings
    from openfisca_henan.places import county_index

    table = law_settings(NOVEMBER).table()
    row = table.rows[int(table.at(parameter, f"{NOVEMBER}").row[int(county_index(np.array([area]))[0])])]
    return f"{float(str(row.value)) + RISE:g}"


def _at(day: date, hour: int) -> datetime:
    from doudi.demo.job import at

    return at(day, hour)
