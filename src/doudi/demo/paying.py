"""The hands of a payroll in the demo: a second reviewer looks at what stands out and checks; what was decided after the freeze waits in a supplement."""

from __future__ import annotations

from datetime import date, datetime

from django.core.exceptions import ValidationError

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.demo.staff import SignIn, by_duty
from doudi.payments.models import LineFlag, Payroll
from doudi.payments.services import payrolls, reviewing, supplements

# what the second reviewer wrote down, by the rule that showed the line
NOTES = {
    "death": "死亡登记与殡葬数据一致，已扣除其份额",
    "change": "核对变更决定，金额无误",
    "standard": "含分类增发，核对无误",
    "shared": "村委会代领，有委托书",
    "outsider": "核对委托书和领款人身份",
    "arrears": "核对审批月份，补付无误",
    "age": "走访记录确认本人健在",
}


def _second(staff: list[SignIn]) -> scopes.Scope:
    return next(each for each in staff if each.username == "reviewer2").scope("doudi payroll")


def review(staff: list[SignIn], payroll: Payroll, *, now: datetime) -> None:
    """Look at what stands out, rule by rule: by another officer than the one who prepared it."""
    with scopes.acting(_second(staff)):
        for rule, note in NOTES.items():
            found = LineFlag.objects.filter(payroll=payroll, must=True, rule=rule).exclude(entitlement__in=payroll.reviews.values("entitlement"))
            ids = list(found.values_list("entitlement_id", flat=True))
            for first in range(0, len(ids), reviewing.MOST):
                reviewing.review_lines(payroll_id=payroll.pk, entitlement_ids=ids[first : first + reviewing.MOST], held=False, note=note, now=now)


def check(staff: list[SignIn], payroll: Payroll, *, now: datetime) -> None:
    """Review, then check."""
    review(staff, payroll, now=now)
    with scopes.acting(_second(staff)):
        payrolls.check_payroll(payroll_id=payroll.pk, now=now)


def supplement(staff: list[SignIn], *, area: str, month: date, now: datetime) -> None:
    """The month's supplementary payroll as a draft, where something waits for it."""
    with scopes.acting(by_duty(staff, Duty.COUNTY_REVIEWER).scope("doudi payroll")):
        if Payroll.objects.filter(area=area, month=month, kind=Payroll.Kind.SUPPLEMENT).exists():
            return
        try:
            supplements.prepare_supplement(area=area, month=month, now=now)
        except ValidationError:
            return  # nothing waits
