"""4.5: the two disability subsidies rise from 60 to 75 yuan on 2022-12-01 through the law, and awards and payrolls follow."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from doudi.assessment import services as assessing
from doudi.assessment.tests.cases import case
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import officer
from doudi.enrolment import services as enrolling
from doudi.enrolment.models import Award, Review
from doudi.payments.models import PayrollLine
from doudi.payments.services import payrolls

pytestmark = pytest.mark.django_db
FAR = "410724101201"  # a county without figures of its own: the province's minimum
COUNTY, TOWNSHIP = FAR[:6], FAR[:9]
JUNE, NOVEMBER, DECEMBER = date(2022, 6, 1), date(2022, 11, 1), date(2022, 12, 1)


def moment(month: int, day: int = 2) -> datetime:
    return datetime(2022, month, day, 2, tzinfo=UTC)


def paid(reviewer: scopes.Scope, month: date) -> list[tuple[str, Decimal]]:
    with scopes.acting(reviewer):
        made = payrolls.prepare_payroll(area=COUNTY, month=month, now=moment(month.month), arrears_from=month).payroll
        return list(PayrollLine.objects.filter(payroll=made).order_by("programme").values_list("programme", "amount"))


def test_4_5_from_december_2022_awards_and_the_payroll_follow_the_law() -> None:
    township, reviewer, approver = (officer(duty, area) for duty, area in (
        (Duty.TOWNSHIP_OFFICER, TOWNSHIP), (Duty.COUNTY_REVIEWER, COUNTY), (Duty.COUNTY_APPROVER, COUNTY),
    ))  # fmt: skip
    with scopes.acting(township):
        home = case({"disability": (1, "physical")}, area=FAR).household
        row = assessing.assess(household=home, month=JUNE, trigger="officer", now=moment(6))
        decisions = [
            enrolling.propose(assessment=row, programme=programme, now=moment(6))
            for programme in ("dibao", "disability_living", "disability_nursing")
        ]
    with scopes.acting(approver):
        for decision in decisions:
            enrolling.approve(decision_id=decision.pk, version=1, now=moment(6, 3))
    subsidies = ("disability_living", "disability_nursing")
    assert [amount for programme, amount in paid(reviewer, NOVEMBER) if programme in subsidies] == [60, 60]
    with scopes.acting(reviewer):
        enrolling.monitor(area=COUNTY, month=DECEMBER, now=moment(12, 1))
        found = list(Review.objects.filter(programme__in=subsidies).order_by("programme"))
        assert [(each.cause, each.suggestion, each.current_amount, each.law_amount) for each in found] == [("standard", "raise", 60, 75)] * 2
        ids = enrolling.propose_standard_raise(area=COUNTY, document="豫政办明电〔2022〕11月23日", now=moment(12, 1))
    with scopes.acting(approver):
        enrolling.approve_many(decisions=[(pk, 1) for pk in ids], note="同意", now=moment(12, 1))
        for award in Award.objects.filter(programme__in=subsidies):
            assert list(award.amounts.order_by("from_month").values_list("amount", flat=True)) == [60, 75]
    assert [amount for programme, amount in paid(reviewer, DECEMBER) if programme in subsidies] == [75, 75]
    with scopes.acting(reviewer):
        assert enrolling.monitor(area=COUNTY, month=DECEMBER, now=moment(12, 3)).figures["found"] == 0
