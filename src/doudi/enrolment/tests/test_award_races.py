"""What changes an award, and what a review leads to, by two officers at the same moment: one does it, the other is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from doudi.assessment.tests.cases import NOW, fact
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import COUNTY, TOWNSHIP, officer
from doudi.core.tests.together import as_, together
from doudi.enrolment import services
from doudi.enrolment.models import Award, AwardEvent, Decision, PayeeChange, Review
from doudi.enrolment.tests.test_awards import grant, payee

LATER = NOW + timedelta(days=40)
MONTH = date(2023, 2, 1)


def test_everything_that_changes_an_award_is_done_once(committed_db: None) -> None:
    towns = [officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP, name=name) for name in ("赵乡镇", "孙乡镇")]
    approvers = [officer(Duty.COUNTY_APPROVER, COUNTY, name=name) for name in ("钱审批", "周审批")]
    reviewers = [officer(Duty.COUNTY_REVIEWER, COUNTY, name=name) for name in ("吴审核", "郑审核")]
    award = grant(towns[0], approvers[0])
    wrong: dict[str, Any] = {}

    def race(name: str, scopes_: list[scopes.Scope], service: Callable[..., Any], **given: Any) -> Any:
        made, told = together(*(as_(scope, service, now=LATER, **given) for scope in scopes_))
        if (len(made), len(told)) != (1, 1):
            wrong[name] = (made, told)
        return made[0] if made else None

    def change() -> Decision:
        with scopes.acting(towns[0]):
            assessment = services.law_says(household=Award.objects.get(pk=award.pk).household, now=LATER)
        given = {"award_id": award.pk, "assessment": assessment, "from_month": MONTH, "amount": award_amount - 10, "bands": None, "reason": "收入变化"}
        made: Decision = race("change proposed", towns, services.change_award, **given)
        return made

    with scopes.acting(towns[0]):
        award_amount = award.amounts.get().amount
    made = change()
    race("sent back", approvers, services.send_back, decision_id=made.pk, version=1, note="请核实收入")
    made = change()
    race("signed", reviewers, services.sign, decision_id=made.pk, version=1)
    race("changed", approvers, services.approve, decision_id=made.pk, version=2)
    race("suspended", approvers, services.suspend, award_id=award.pk, reason="核查期间")
    race("resumed", approvers, services.resume, award_id=award.pk, reason="核查无误")
    waiting = payee(towns[0], award)
    race("payee", reviewers, services.decide_payee, change_id=waiting.pk, version=waiting.version, agreed=True)
    # a review: kept by one while the other proposes to stop
    with scopes.acting(towns[0]):
        fact(award.household.memberships.order_by("id")[0].person, "wage_income", 4800, now=LATER)
    with scopes.acting(reviewers[0]):
        services.monitor(area=COUNTY, month=MONTH, now=LATER)
        review = Review.objects.get(state="open")
    made_, told = together(
        as_(towns[0], services.keep_review, review_id=review.pk, version=review.version, reason="已核实", now=LATER),
        as_(towns[1], services.propose_from_review, review_id=review.pk, version=review.version, what="stop", ground="income", from_month=date(2023, 3, 1), now=LATER),
    )
    assert len(made_) == 1 and "这件核查" in told[0], (made_, told)
    with scopes.acting(towns[0]):
        stopping = Decision.objects.filter(kind="stop", state="proposed").first()
    if stopping is None:
        stopping = race("stop proposed", towns, services.stop_award, award_id=award.pk, from_month=date(2023, 3, 1), reason="自愿退出", ground="voluntary")
    race("stopped", approvers, services.approve, decision_id=stopping.pk, version=1)
    assert not wrong
    with scopes.acting(approvers[0]):
        assert [*AwardEvent.objects.order_by("id").values_list("kind", flat=True)] == ["suspended", "resumed"]
        assert Award.objects.get().ends == date(2023, 3, 1) and PayeeChange.objects.get().state == "confirmed"
        assert Decision.objects.filter(state="approved").count() == 3
