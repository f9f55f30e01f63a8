"""Every step of a case by two officers at the same moment: one does it, the other is told; and a move while the case is under way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

from doudi.assessment.tests.cases import case as home
from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.tests.officers import COUNTY, TOWNSHIP, officer
from doudi.enrolment import services
from doudi.enrolment.case_steps import ACTIONS
from doudi.enrolment.models import Application, Award, Case, CaseEvent, CaseStep, Decision, Document
from doudi.enrolment.tests.walks import Offices
from doudi.registry import services as registry
from doudi.registry.models import Household, Programme
from doudi.registry.tests.helpers import ELSEWHERE, VILLAGE, id_number


def poor(office: Offices, *members: dict[str, Any]):
    with scopes.acting(office.town):
        return home(*(members or ({"wage_income": 1200}, {"birth": date(2012, 5, 1)})))


def at(step: str, **opinion: Any) -> Callable[[Offices], Case]:
    return lambda office: office.until(office.apply(poor(office)), step, **opinion)


def supplementing(office: Offices) -> Case:
    c = at("accept")(office)
    with scopes.acting(office.town):
        services.ask_supplements(application_id=c.application_id, version=c.application.version, points=["户口簿"], now=office.now)
    return office.read(c)


def accepting(office: Offices) -> Case:
    c = at("accept")(office)
    office.papers(c)
    return office.read(c)


def ready(office: Offices) -> Case:
    c = at("check")(office)
    with scopes.acting(office.checker):
        services.fill_check(check_id=c.application.checks.get().pk, now=office.now)
    return office.read(c)


def related(office: Offices) -> Case:
    c = at("opinion")(office)
    with scopes.acting(office.town):
        services.record_relative(household_id=c.household_id, official="王村长", post="village", relationship="叔父", now=office.now)
    return office.until(c, "county_visit")


def posted(office: Offices) -> Case:
    c = at("publicity")(office)
    with scopes.acting(office.town):
        services.publish(case_id=c.pk, version=c.version, hotline="12345", now=office.now)
    return office.read(c)


def posted_long_ago(office: Offices) -> Case:
    c = posted(office)
    office.later(8)
    return c


def objected(way: str) -> Callable[[Offices], Case]:
    def arrange(office: Offices) -> Case:
        c = posted(office)
        with scopes.acting(office.town):
            services.raise_objection(case_id=c.pk, version=c.version, way=way, text="家里有面包车", now=office.now)
        return office.read(c)

    return arrange


def settling(office: Offices) -> Case:
    return office.until(objected("appraisal")(office), "objection")


def reviewing(office: Offices) -> Case:
    place = poor(office, {"disability": (1, "visual"), "wage_income": 60000})
    return office.until(office.apply(place, Programme.DISABILITY_NURSING, person=place.people[0]), "federation")


def child(office: Offices) -> Case:
    place = poor(office, {"birth": date(2014, 1, 1), "support_obligor": (None, "none"), "labour_capacity": (None, "none")})
    return office.until(office.apply(place, Programme.TEKUN, person=place.people[0]), "publicity", amount=600, reason="县级研究意见")


def standing_still(office: Offices) -> Case:
    c = at("visit")(office)
    with scopes.acting(office.town):
        services.pause(case_id=c.pk, version=c.version, reason="封闭管理", now=office.now)
    return office.read(c)


SAME = {"township": (Duty.TOWNSHIP_OFFICER, TOWNSHIP), "reviewer": (Duty.COUNTY_REVIEWER, COUNTY), "checker": (Duty.DATA_CHECKER, COUNTY),
        "federation": (Duty.FEDERATION_REVIEWER, COUNTY)}  # fmt: skip
# action -> (whose, how the case comes there, what the form says)
WAYS: dict[str, tuple[str, Callable[[Offices], Case], dict[str, Any]]] = {
    "accept": ("township", accepting, {"note": ""}),
    "supplements": ("township", at("accept"), {"points": ["户口簿"]}),
    "supplemented": ("township", supplementing, {"note": ""}),
    "not-accepted": ("township", at("accept"), {"reason": "不属本地受理"}),
    "check": ("checker", ready, {"result": "agrees", "note": ""}),
    "check-again": ("checker", ready, {}),
    "visit": ("township", at("visit"), {"findings": "两间砖房，生活困难，与申报一致。", "agrees": True, "others": ""}),
    "county-visit": ("reviewer", related, {"findings": "两间砖房，生活困难，与申报一致。", "agrees": True, "others": ""}),
    "appraisal": ("township", objected("appraisal"), {"present": 11, "agree": 9, "note": ""}),
    "opinion": ("township", at("opinion"), {"agree": True, "amount": None, "payee_id": None, "reason": ""}),
    "federation": ("federation", reviewing, {"agree": True, "note": ""}),
    "publish": ("township", at("publicity"), {"hotline": "12345"}),
    "no-publicity": ("township", child, {}),
    "publicity-over": ("township", posted_long_ago, {}),
    "objection": ("township", posted, {"way": "check", "text": "家里有面包车", "by": ""}),
    "settle": ("township", settling, {"upheld": True, "answer": "情况属实"}),
    "delivered": ("township", at("notice"), {"how": "person"}),
    "resume": ("township", standing_still, {"note": ""}),
    "pause": ("township", at("visit"), {"reason": "封闭管理"}),
    "withdraw": ("township", at("approval"), {"reason": "不再申请了"}),
    "end": ("township", at("visit"), {"reason": "无法联系申请人"}),
}  # fmt: skip


def test_every_action_has_its_race() -> None:
    assert {action.what for action in ACTIONS} == set(WAYS)


def together(*calls: Callable[[], Any]) -> tuple[list[Any], list[str]]:
    """Each call on a connection of its own, at the same moment: (what succeeded, what was said to the others)."""
    barrier, made, told = threading.Barrier(len(calls)), [], []

    def go(call: Callable[[], Any]) -> None:
        try:
            barrier.wait(10)
            made.append(call())
        except ValidationError as error:
            told.append("；".join(error.messages))
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return made, told


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", WAYS)
def test_two_officers_at_once_one_does_it_the_other_is_told(what: str) -> None:
    office = Offices()
    whose, arrange, given = WAYS[what]
    c = arrange(office)
    action = next(a for a in ACTIONS if a.what == what)
    pair = [officer(*SAME[whose], name=name) for name in ("甲经办", "乙经办")]
    data = dict(given) | {"version": c.application.version if action.of_application else c.version}
    today = timezone.localdate(office.now)
    for name in ("visited_on", "held_on", "delivered_on"):
        if name in action.form.base_fields:
            data[name] = today
    if what == "publish":
        data["starts"] = today
    if "visit" in what:
        data["second_id"] = office.second.account_id if what == "visit" else office.approver.account_id

    def call(scope: scopes.Scope) -> Callable[[], Any]:
        def do() -> Any:
            with scopes.acting(scope):
                row = Case.objects.select_related("application").get(pk=c.pk)
                if what == "opinion":
                    return services.give_opinion(case_id=c.pk, now=office.now, **data)
                return action.call(row, dict(data), office.now, None)  # type: ignore[arg-type]

        return do

    made, told = together(*(call(scope) for scope in pair))
    assert len(made) == 1 and len(told) == 1, told
    assert "经办于" in told[0] or "其他工作人员" in told[0], told
    with scopes.acting(office.town):
        assert CaseStep.objects.filter(case=c, state="open").count() <= 1
        assert Decision.objects.filter(household=c.household_id, state="proposed").count() <= 1


@pytest.mark.django_db(transaction=True)
def test_the_county_approves_while_the_applicant_withdraws() -> None:
    office = Offices()
    c = office.until(office.apply(poor(office)), "approval")

    def approve() -> str:
        with scopes.acting(office.approver):
            services.approve(decision_id=c.decision_id, version=1, now=office.now)
        return "granted"

    def withdraw() -> str:
        with scopes.acting(office.second):
            services.withdraw_application(case_id=c.pk, version=c.version, reason="不再申请了", now=office.now)
        return "withdrawn"

    made, told = together(approve, withdraw)
    assert len(made) == 1 and len(told) == 1
    with scopes.acting(office.town):
        assert Case.objects.get(pk=c.pk).outcome == made[0]
        assert Award.objects.count() == (made[0] == "granted")


@pytest.mark.django_db(transaction=True)
def test_the_same_application_twice_at_once_is_one() -> None:
    office = Offices()
    place = poor(office)

    def apply(scope: scopes.Scope) -> Callable[[], Any]:
        def do() -> Any:
            with scopes.acting(scope):
                return services.apply(
                    household_id=place.household.pk, applicant_id=place.people[0].pk, programmes=[("dibao", None)], channel="counter", now=office.now
                )

        return do

    made, told = together(apply(office.town), apply(office.second))
    assert len(made) == 1 and "已有" in told[0]
    with scopes.acting(office.town):
        assert Case.objects.count() == Application.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", ["visit", "publicity", "approval"])
def test_a_move_between_counties_in_the_middle_takes_the_case_along(step: str) -> None:
    office = Offices(town=officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9]), second=officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9]))
    number = id_number()
    with scopes.acting(office.town):
        found = registry.register_household(
            area=VILLAGE, residence="rural", head={"name": "王建国", "id_number": number}, on=date(2022, 10, 1), now=office.now
        )
        person = found.memberships.get().person
    from doudi.assessment.tests.cases import Case as Home

    c = office.apply(Home(found, [person]))
    c = office.until(c, step)
    if step == "publicity":
        with scopes.acting(office.town):
            services.publish(case_id=c.pk, version=c.version, hotline="12345", now=office.now)
    there = officer(Duty.TOWNSHIP_OFFICER, ELSEWHERE[:9])
    on = timezone.localdate(office.now)
    with scopes.acting(there):
        asked = registry.ask_move(id_number=number, to_area=ELSEWHERE, reason="婚嫁迁入", first_month=date(on.year, on.month, 1), on=on, now=office.now)
    with scopes.acting(office.town):
        registry.release_move(request_id=asked.pk, on=on, now=office.now)
        registry.carry_out_move(request_id=asked.pk, now=office.now)
        scopes.check_constraints()
        assert not Case.objects.exists() and not Application.objects.exists() and not Document.objects.exists()
        if step == "approval":
            assert Decision.objects.get(pk=c.decision_id).state == "withdrawn"
    with scopes.acting(there):
        moved = Case.objects.get(pk=c.pk)
        assert moved.step == ("visit" if step == "visit" else "opinion") and moved.procedure == c.procedure
        assert Household.objects.get().area == moved.area == ELSEWHERE and Document.objects.exists()
        assert CaseEvent.objects.filter(case=moved, what__contains="转入").count() == 1
        assert Todo.objects.get(subject="case", subject_id=c.pk, done_at__isnull=True).area == ELSEWHERE
        assert not CaseEvent.objects.filter(case=moved).exclude(area=ELSEWHERE).exists()
    office.town = there
    office.second = officer(Duty.TOWNSHIP_OFFICER, ELSEWHERE[:9])
    office.approver = officer(Duty.COUNTY_APPROVER, ELSEWHERE[:6])
    office.reviewer = officer(Duty.COUNTY_REVIEWER, ELSEWHERE[:6])
    moved = office.until(moved, "")
    assert moved.outcome == "granted"
    with scopes.acting(there):
        assert Award.objects.get().area == ELSEWHERE
