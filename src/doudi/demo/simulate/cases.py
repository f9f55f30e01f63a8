"""Applications month by month: households apply at counters, and every open case goes on step by step, nearly always within its limit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.demo.applying import HOTLINE, Walk, _law_gives
from doudi.demo.simulate.life import Figures, Life, at, fate
from doudi.demo.staff import SignIn
from doudi.enrolment import services
from doudi.enrolment.procedure import Step
from doudi.registry.models import Membership, Programme

TOWNSHIPS, APPLICATIONS, AT_ONCE = 2, 1, 60
LATE = 0.04
"""Share of cases that an officer leaves lying until a fortnight after the last day for their decision."""
DISABLED = (Programme.DISABILITY_NURSING.value, Programme.DISABILITY_LIVING.value)


class _Officer(Walk):
    """A walk in which the officer of the case's own township acts, wherever it lies."""

    def __init__(self, life: Life, officer: SignIn, day: date) -> None:
        super().__init__([officer, *life.staff], day)


def _fate(life: Life, what: str, case: Any) -> Any:
    return fate(life, what, case.area, case.programme, case.application.applied_on, case.application.household.name)


def applications(life: Life, on: date) -> Figures:
    """Households without help apply at their township's counter: what comes of it is seen in the rounds."""
    from doudi.enrolment.models import Award, Case, Decision

    made = 0
    for officer in life.some(life.officers(), TOWNSHIPS):
        with scopes.acting(officer.scope("doudi simulate")):
            lately = at(on - timedelta(days=365))  # who was refused longer ago may ask again
            known = set(Decision.objects.filter(proposed_at__gte=lately).values_list("household_id", flat=True))
            known |= set(Award.objects.filter(void=False, ends=None).values_list("household_id", flat=True))
            known |= set(Case.objects.filter(state__in=("open", "supplements", "paused")).values_list("household_id", flat=True))
            rows = Membership.objects.filter(ends=None, person__died_on=None).exclude(household_id__in=known).order_by("household_id", "relationship")
            size: dict[int, list[int]] = {}
            for household, person in rows.values_list("household_id", "person_id"):
                size.setdefault(household, []).append(person)
            few = [(household, members[0]) for household, members in size.items() if len(members) <= 5]
            walk = _Officer(life, officer, on)
            for pair in life.some(few, APPLICATIONS):
                try:
                    with transaction.atomic():
                        walk.apply(pair[0], pair[1], Programme.DIBAO.value)
                    made += 1
                except ValidationError:
                    continue  # somebody of it is asked for elsewhere
    return {"applications": made}


def cases(life: Life, on: date) -> Figures:
    """A round: each open case takes the steps that can be taken that day, by whoever takes them. What is refused is left to the officers."""
    from doudi.enrolment.models import Case

    figures = {"granted": 0, "refused": 0, "case_steps": 0, "cases_left": 0}
    for officer in life.officers():
        with scopes.acting(officer.scope("doudi simulate")):
            found = Case.objects.filter(state__in=("open", "supplements", "paused"), application__applied_on__lte=on)
            rows = list(found.select_related("application__household").order_by("decide_by", "id")[:AT_ONCE])
        for row in rows:
            if _fate(life, "late", row).random() < LATE and row.decide_by and on < row.decide_by + timedelta(days=14):
                continue  # it lies on a desk
            try:
                with transaction.atomic():
                    outcome, steps = _go_on(life, _Officer(life, officer, on), row)
            except ValidationError:
                figures["cases_left"] += 1
                continue
            figures["case_steps"] += steps
            if outcome in ("granted", "refused"):
                figures[outcome] += 1
    return figures


def letters(life: Life, on: date) -> Figures:
    """Notices of the month's decisions that came without an application, and certificates of new awards."""
    from doudi.enrolment.models import Award, Decision, Letter
    from doudi.enrolment.services.letters import CERTIFIED, issue_certificate, make_letters

    figures = {"letters": 0, "certificates": 0}
    for officer in life.officers():
        with scopes.acting(officer.scope("doudi simulate")):
            made = Letter.objects.filter(made_at__gte=at(life.month)).values("decision_id")
            decided = Decision.objects.filter(state="approved", decided_at__gte=at(life.month)).exclude(pk__in=made).exclude(cases__isnull=False)
            if ids := list(decided.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
                figures["letters"] += len(make_letters(kind=Letter.Kind.NOTICE, decision_ids=ids, now=at(on, 10)))
            fresh = Award.objects.filter(void=False, ends=None, programme__in=CERTIFIED, made_at__gte=at(life.month))
            for pk in fresh.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]:
                issue_certificate(award_id=pk, now=at(on, 11))
                figures["certificates"] += 1
    return figures


def _go_on(life: Life, walk: Walk, case: Any) -> tuple[str, int]:
    """(outcome or empty, steps taken): until the case is closed or what is next needs another day."""
    steps = 0
    case = walk.read(case)
    while case.state != "closed" and steps < len(Step) + 2:
        after = _supplied(walk, case) if case.state in ("supplements", "paused") else STEPS[case.step](life, walk, case)
        if after is None:
            break
        case, steps = walk.read(after), steps + 1
    return (case.outcome if case.state == "closed" else ""), steps


def _supplied(walk: Walk, case: Any) -> Any:
    """What was asked for has come, what stood in the way is over."""
    with walk.acting(Duty.TOWNSHIP_OFFICER):
        if case.state == "supplements":
            services.take_supplements(application_id=case.application_id, version=case.application.version, now=walk.now)
        else:
            services.resume_case(case_id=case.pk, version=case.version, now=walk.now)
    return case


def _visited(life: Life, walk: Walk, case: Any) -> Any:
    """By two: the township's officer and its child supervisor."""
    second = next(each for each in walk.staff if each.duty == Duty.CHILD_SUPERVISOR.value and case.area.startswith(each.area))
    with walk.acting(Duty.TOWNSHIP_OFFICER):
        services.record_visit(
            application_id=case.application_id, version=case.application.version, visited_on=walk.day, second_id=second.account_id, agrees=True, now=walk.now,
            findings="砖混平房三间，家电陈旧，主要劳动力患慢性病，无其他收入来源，与申报情况一致。",
        )  # fmt: skip
    return case


def _appraised(life: Life, walk: Walk, case: Any) -> Any:
    with walk.acting(Duty.TOWNSHIP_OFFICER):
        services.record_appraisal(case_id=case.pk, version=case.version, held_on=walk.day, present=9, agree=8, note="到会村民代表评议，多数同意", now=walk.now)
    return case


def _visited_by_county(life: Life, walk: Walk, case: Any) -> Any:
    second = next(each for each in walk.staff if each.username == "reviewer2").account_id
    with walk.acting(Duty.COUNTY_REVIEWER):
        services.record_county_visit(
            application_id=case.application_id, version=case.application.version, visited_on=walk.day, second_id=second, agrees=True, now=walk.now,
            findings="县级工作人员随机入户，住房、收入与乡镇调查一致，未发现照顾情形。",
        )  # fmt: skip
    return case


def _opinion(life: Life, walk: Walk, case: Any) -> Any:
    """Granted where the law gives it, or for the township's reasons with an amount of its own; else refused."""
    if _law_gives(walk, case):
        return walk.opinion(case)
    if _fate(life, "opinion", case).random() < 0.5:
        return walk.opinion(case, agree=False, reason="家庭月人均收入高于当地低保标准" if case.programme not in DISABLED else "残疾等级不在补贴范围内")
    amount = Decimal("75.00") if case.programme in DISABLED else Decimal("310.00")
    return walk.opinion(case, amount=amount, reason="收入不稳定，经乡镇研究拟予保障")


def _objection(life: Life, walk: Walk, case: Any) -> Any:
    with walk.acting(Duty.TOWNSHIP_OFFICER):
        services.settle_objection(case_id=case.pk, version=case.version, upheld=False, answer="重新核对和入户，反映的情况不实，已向反映人说明。", now=walk.now)
    return case


def _federation(life: Life, walk: Walk, case: Any) -> Any:
    with walk.acting(Duty.FEDERATION_REVIEWER):
        services.review_federation(case_id=case.pk, version=case.version, agree=True, note="残疾类别、等级与残疾人证一致", now=walk.now)
    return case


def _posted(life: Life, walk: Walk, case: Any) -> Any | None:
    """Posted, and closed when the days are over; who is no adult is never posted."""
    from doudi.enrolment.models import Publicity
    from doudi.enrolment.services.publicising import is_minor

    with walk.acting(Duty.TOWNSHIP_OFFICER):
        running = Publicity.objects.filter(case_id=case.pk, state="running").first()
        if running is not None:
            if running.ends > walk.day:
                return None
            services.close_publicity(case_id=case.pk, version=case.version, now=walk.now)
        elif is_minor(case, walk.day):
            services.skip_publicity(case_id=case.pk, version=case.version, now=walk.now)
        else:
            services.publish(case_id=case.pk, version=case.version, hotline=HOTLINE, now=walk.now)
            return None
    return case


def _approved(life: Life, walk: Walk, case: Any) -> Any:
    if case.decision.differs and case.decision.signed_by_id is None:
        with walk.acting(Duty.COUNTY_REVIEWER):
            services.sign(decision_id=case.decision_id, version=case.decision.version, now=walk.now)
        case = walk.read(case)
    return walk.approved(case)


def _told(life: Life, walk: Walk, case: Any) -> Any:
    """The notice is made and handed over: most in person, some by post."""
    from doudi.enrolment.services.letters import issue_notice

    how = "post" if _fate(life, "told", case).random() < 0.2 else "person"
    with walk.acting(Duty.TOWNSHIP_OFFICER):
        issue_notice(case_id=case.pk, now=walk.now)
        services.deliver_notice(case_id=case.pk, version=case.version, how=how, delivered_on=walk.day, now=walk.now)
    return case


STEPS: dict[str, Callable[[Life, Walk, Any], Any | None]] = {
    Step.ACCEPT: lambda life, walk, case: walk.accept(case),
    Step.CHECK: lambda life, walk, case: walk.checked(case),
    Step.VISIT: _visited,
    Step.COUNTY_VISIT: _visited_by_county,
    Step.APPRAISAL: _appraised,
    Step.OPINION: _opinion,
    Step.OBJECTION: _objection,
    Step.FEDERATION: _federation,
    Step.PUBLICITY: _posted,
    Step.APPROVAL: _approved,
    Step.NOTICE: _told,
}
