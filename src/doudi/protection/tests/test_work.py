"""The work on a case (5.1, 5.4): assessment and level, plan, contacts, meetings, counselling, resources; through pages and services, with hostile input."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from doudi.core import scope as scopes
from doudi.core.models import Todo
from doudi.core.tests.officers import client_of
from doudi.protection import instrument, services
from doudi.protection.models import CaseAssessment, CaseContact, CaseReview, Counselling, PlanGoal, PlanService, ProtectionCase
from doudi.protection.tests.world import GOOD, NOW, Office, step

pytestmark = pytest.mark.django_db
ON = date(2022, 11, 24)


@pytest.fixture(autouse=True)
def november() -> object:
    with time_machine.travel(datetime(2022, 11, 24, 9, 40, tzinfo=ZoneInfo("Asia/Shanghai")), tick=False):
        yield


@pytest.fixture
def office() -> Office:
    return Office()


def assess(office: Office, row: ProtectionCase, **changes: str) -> CaseAssessment:
    words = {name: changes.pop(name) for name in ("level", "reason") if name in changes}
    with scopes.acting(office.worker):
        return services.record_assessment(case_id=row.pk, version=row.version, uuid=uuid4(), answers=GOOD | changes, now=NOW, **words)


@pytest.mark.parametrize(
    ("changes", "age", "level", "points"),
    [
        ({}, 10, "low", 0),
        ({}, 5, "low", 2),
        ({"guardian": "unable"}, 10, "middle", 4),
        ({"guardian": "limited"}, 3, "middle", 4),
        ({"guardian": "unable", "carer": "poor"}, None, "middle", 8),
        ({"guardian": "unable", "carer": "poor", "support": "some"}, None, "high", 9),
        ({"now": "danger"}, 10, "high", 0),
        ({"harm": "suspected"}, 10, "high", 0),
        ({"care": "nobody", "guardian": "unable"}, 10, "high", 4),
    ],
)
def test_5_4_the_level_follows_from_the_answers(changes: dict[str, str], age: int | None, level: str, points: int) -> None:
    found = instrument.find(instrument.CURRENT, GOOD | changes, age)
    assert (found.level, found.points) == (level, points)


def test_5_4_an_assessment_sets_level_state_and_what_is_owed(office: Office) -> None:
    row = office.taken()
    made = assess(office, row, guardian="unable")
    with scopes.acting(office.worker):
        row.refresh_from_db()
        assert (row.level, row.state, row.review_due) == ("middle", "following", ON + timedelta(days=30))
        assert row.contacts.get().due == ON  # the minor has still to be seen first
        again = services.record_assessment(case_id=row.pk, version=1, uuid=made.uuid, answers={}, now=NOW)
        assert again.pk == made.pk and not Todo.objects.filter(kind="protection_assess", done_at__isnull=True).exists()
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("update protection_caseassessment set level = 'low'")
        for wrong in ({}, GOOD | {"now": "perhaps"}):
            with pytest.raises(ValidationError):
                services.record_assessment(case_id=row.pk, version=row.version, uuid=uuid4(), answers=wrong, now=NOW)
    with pytest.raises(ValidationError, match="不能低于"):
        assess(office, row, guardian="unable", level="low")
    with pytest.raises(ValidationError, match="写明原因"):
        assess(office, row, level="high")
    assert assess(office, row, level="high", reason="邻居反映夜间无人").computed == "low"
    with pytest.raises(ValidationError, match="刚由他人办理"):
        assess(office, row)


def test_5_4_an_assessment_on_the_page_says_why(office: Office) -> None:
    row = office.taken()
    worker, url = client_of(office.worker), reverse("protection:assess", args=[row.pk])
    given = {"uuid": str(uuid4()), "version": row.version, **GOOD}
    assert worker.post(url, given | {"now": ""}).status_code == 422 and worker.post(url, given | {"version": "1"}).status_code == 422
    assert worker.post(url, given | {"harm": "suspected"}).status_code == 302
    said = worker.get(reverse("protection:case", args=[row.pk]) + "?tab=assessment").content.decode()
    assert "一项即为高风险" in said and "疑似" in said


def test_5_1_a_contact_stops_the_clock_and_the_next_one_is_owed_by_level(office: Office) -> None:
    row = office.taken()
    with scopes.acting(office.worker):
        row = services.add_helper(case_id=row.pk, version=row.version, account_id=office.director.account_id, reason="就近走访", now=NOW)
        assert set(Todo.objects.filter(kind="protection_contact", done_at__isnull=True).values_list("duty", flat=True)) == {"protection_worker"}
    given = {"case_id": row.pk, "uuid": uuid4(), "how": "home", "met": "with_carer", "safe": "concern", "note": "奶奶照料，情绪低落", "now": NOW}
    with scopes.acting(office.director):
        missed = services.record_contact(**given | {"uuid": uuid4(), "met": "nobody", "safe": ""}, done_at=NOW)
        assert (missed.state, missed.safe) == ("missed", "")
        made = services.record_contact(**given, done_at=NOW)
        assert services.record_contact(**given, done_at=NOW).pk == made.pk
        for wrong in ({"met": "ghost"}, {"safe": ""}, {"note": " "}, {"how": "telepathy"}):
            with pytest.raises(ValidationError):
                services.record_contact(**given | {"uuid": uuid4()} | wrong, done_at=NOW)
        for late in (NOW + timedelta(hours=1), NOW - timedelta(days=2)):
            with pytest.raises(ValidationError, match="时间应在"):
                services.record_contact(**given | {"uuid": uuid4()}, done_at=late)
    with scopes.acting(office.worker):
        row.refresh_from_db()
        assert row.contacted_at == NOW and CaseContact.objects.filter(state="done").count() == 1
        assert CaseContact.objects.get(state="due").due == ON + timedelta(days=3)  # no level yet: as of high risk
        row.refresh_from_db()
    assess(office, row)
    with scopes.acting(office.worker):
        row.refresh_from_db()
        assert row.contacts.get(state="due").due == ON + timedelta(days=3)  # an agreed day does not move away
        with pytest.raises(ValidationError, match="回访日期"):
            services.move_contact(case_id=row.pk, due=ON + timedelta(days=31), reason="孩子外出", now=NOW)
        assert services.move_contact(case_id=row.pk, due=ON + timedelta(days=30), reason="孩子外出", now=NOW).due == ON + timedelta(days=30)


def test_5_1_danger_found_on_a_contact_goes_to_the_supervisor(office: Office) -> None:
    row = office.taken()
    with scopes.acting(office.worker):
        services.record_contact(case_id=row.pk, uuid=uuid4(), how="home", met="alone", safe="danger", note="身上有伤", done_at=NOW, now=NOW)
        row.refresh_from_db()
        assert row.review_due == ON
    with scopes.acting(office.approver):
        assert Todo.objects.filter(kind="protection_danger", duty="county_approver").count() == 1


def test_5_4_the_plan_from_goal_to_done_on_the_pages(office: Office) -> None:
    row = office.taken()
    worker = client_of(office.worker)
    plan = reverse("protection:case", args=[row.pk]) + "?tab=plan"
    once = str(uuid4())
    goal = {"goal-uuid": once, "goal-goal": "父亲出院后恢复监护", "goal-due": "2022-12-20"}
    assert worker.post(step(row, "goal"), goal | {"goal-due": "2022-11-01"}).status_code == 422
    assert worker.post(step(row, "goal"), goal).status_code == 302 and worker.post(step(row, "goal"), goal).status_code == 302
    with scopes.acting(office.worker):
        made = PlanGoal.objects.get()
    service = {"service-uuid": str(uuid4()), "service-goal": made.pk, "service-kind": "care", "service-what": "姑姑接送上学", "service-due": "2022-11-30"}
    assert "请选择责任人" in worker.post(step(row, "service"), service).content.decode()
    assert worker.post(step(row, "service"), service | {"service-account": office.worker.account_id}).status_code == 302
    with scopes.acting(office.worker):
        served = PlanService.objects.get()
    said = worker.post(step(row, "goal_end", made.pk), {f"g{made.pk}-version": 1, f"g{made.pk}-state": "reached", f"g{made.pk}-note": "已恢复"}).content.decode()
    assert "还有未结束的服务" in said
    done = {f"s{served.pk}-version": 1, f"s{served.pk}-state": "done", f"s{served.pk}-progress": "已接送一周"}
    assert worker.post(step(row, "progress", served.pk), done).status_code == 302
    assert "刚由他人办理" in worker.post(step(row, "progress", served.pk), done).content.decode()
    assert "已接送一周" in worker.get(plan).content.decode()
    assert worker.post(step(row, "goal_end", made.pk), {f"g{made.pk}-version": 1, f"g{made.pk}-state": "reached", f"g{made.pk}-note": "已恢复"}).status_code == 302


def test_5_4_a_helper_reports_on_their_own_service_alone(office: Office) -> None:
    row = office.taken()
    with scopes.acting(office.worker):
        row = services.add_helper(case_id=row.pk, version=row.version, account_id=office.director.account_id, reason="就近走访", now=NOW)
        goal = services.add_goal(case_id=row.pk, uuid=uuid4(), goal="恢复监护", due=ON, now=NOW)
        mine, theirs = (
            services.add_service(case_id=row.pk, goal_id=goal.pk, uuid=uuid4(), kind="care", what="送饭", due=ON, account_id=who.account_id, provider="", now=NOW)
            for who in (office.director, office.worker)
        )
    with scopes.acting(office.director):
        assert services.service_progress(case_id=row.pk, service_id=mine.pk, version=1, state="running", progress="已送三次", now=NOW).version == 2
        with pytest.raises(PermissionDenied):
            services.service_progress(case_id=row.pk, service_id=theirs.pk, version=1, state="done", progress="已送", now=NOW)


def test_5_4_meetings_counselling_and_resources_on_the_pages(office: Office) -> None:
    row = office.taken()
    worker, page = client_of(office.worker), reverse("protection:case", args=[row.pk])
    review = {"review-uuid": str(uuid4()), "review-at": "2022-11-24T09:00", "review-place": "镇会议室", "review-members": "马晓红 县未保中心\n高洁 镇政府"}
    assert worker.post(step(row, "review"), review).status_code == 302 and worker.post(step(row, "review"), review).status_code == 302
    with scopes.acting(office.worker):
        held = CaseReview.objects.get()
    minutes = {f"m{held.pk}-version": 1, f"m{held.pk}-members": "马晓红", f"m{held.pk}-minutes": "同意由姑姑照料", f"m{held.pk}-resolution": "continue"}
    assert worker.post(step(row, "minutes", held.pk), minutes | {f"m{held.pk}-minutes": "短"}).status_code == 422
    assert worker.post(step(row, "minutes", held.pk), minutes).status_code == 302
    assert worker.post(step(row, "review_cancel", held.pk), {f"x{held.pk}-version": 2, f"x{held.pk}-reason": "改期"}).status_code == 422
    session = {
        "counselling-uuid": str(uuid4()), "counselling-on": "2022-11-24", "counselling-minutes": "40", "counselling-counsellor": "罗艳", "counselling-how": "face",
        "counselling-mood": "at_risk", "counselling-topic": "想念父亲<script>",
    }  # fmt: skip
    assert worker.post(step(row, "counselling"), session | {"counselling-minutes": "900"}).status_code == 422
    assert worker.post(step(row, "counselling"), session).status_code == 302
    resource = {"resource-uuid": str(uuid4()), "resource-kind": "school", "resource-provider": "镇小学", "resource-what": "线上课程", "resource-starts": "2022-11-24"}
    assert worker.post(step(row, "resource"), resource).status_code == 302
    for tab, words in (("reviews", "同意由姑姑照料"), ("counselling", "想念父亲&lt;script&gt;"), ("resources", "线上课程")):
        assert words in worker.get(page + f"?tab={tab}").content.decode()
    with scopes.acting(office.worker):
        row.refresh_from_db()
        assert row.review_due == ON and Counselling.objects.get().counsellor == "罗艳"


def test_5_4_rows_of_another_case_are_not_found_under_this_one(office: Office) -> None:
    first, second = office.taken(), office.taken(office.opened(uuid=uuid4()))
    worker = client_of(office.worker)
    with scopes.acting(office.worker):
        goal = services.add_goal(case_id=first.pk, uuid=uuid4(), goal="恢复监护", due=ON, now=NOW)
        service = services.add_service(case_id=first.pk, goal_id=goal.pk, uuid=uuid4(), kind="care", what="送饭", due=ON, account_id=None, provider="镇敬老院", now=NOW)
        review = services.plan_review(case_id=first.pk, uuid=uuid4(), at=NOW, place="", members="马晓红", agenda="", now=NOW)
        resource = services.link_resource(case_id=first.pk, uuid=uuid4(), kind="school", provider="镇小学", what="课本", contact="", starts=ON, now=NOW)
    items = {"goal_end": goal.pk, "progress": service.pk, "minutes": review.pk, "review_cancel": review.pk, "resource_end": resource.pk}
    assert {what: worker.post(step(second, what, pk), {}).status_code for what, pk in items.items()} == dict.fromkeys(items, 404)
    assert {what: worker.post(step(first, what, pk), {}).status_code for what, pk in items.items()} == dict.fromkeys(items, 422)
    assert worker.post(step(first, "goal", 1), {}).status_code == 404 and worker.post(step(first, "minutes"), {}).status_code == 404
    with scopes.acting(office.worker):
        for call in (
            lambda: services.add_goal(case_id=second.pk, uuid=goal.uuid, goal="恢复监护", due=ON, now=NOW),
            lambda: services.add_service(case_id=second.pk, goal_id=goal.pk, uuid=uuid4(), kind="care", what="送饭", due=ON, account_id=None, provider="镇", now=NOW),
            lambda: services.service_progress(case_id=second.pk, service_id=service.pk, version=1, state="done", progress="完成", now=NOW),
        ):
            with pytest.raises(ValidationError):
                call()


def test_5_4_a_case_closes_with_its_reason_and_opens_again(office: Office) -> None:
    row = office.taken(unattended=True)
    worker, page = client_of(office.worker), reverse("protection:case", args=[row.pk])
    close = {"act": "close", "version": row.version, "close-reason": "restored", "close-note": "父亲出院返家"}
    said = worker.post(page + "act/", close).content.decode()
    assert "仍无人照料" in said and "监护缺失尚未结束" in said and "低风险" in said
    with scopes.acting(office.worker):
        row = services.add_helper(case_id=row.pk, version=row.version, account_id=office.director.account_id, reason="就近走访", now=NOW)
        for kind in ("alone", "guardian"):
            row = services.end_gap(case_id=row.pk, version=row.version, kind=kind, at=NOW, how="父亲返家", now=NOW)
    assess(office, row)
    with scopes.acting(office.worker):
        row.refresh_from_db()
    assert worker.post(page + "act/", close).status_code == 422
    assert worker.post(page + "act/", close | {"version": row.version}).status_code == 302
    with scopes.acting(office.worker):
        row.refresh_from_db()
        assert (row.state, row.close_reason) == ("closed", "restored") and not Todo.objects.filter(subject_id=row.pk, subject="protection_case", done_at=None).exists()
        with pytest.raises(ValidationError):
            services.record_contact(case_id=row.pk, uuid=uuid4(), how="home", met="alone", safe="safe", note="平稳", done_at=NOW, now=NOW)
    assert client_of(office.director).get(page).status_code == 404
    assert worker.post(page + "act/", {"act": "reopen", "version": row.version, "reopen-reason": "父亲再次住院隔离"}).status_code == 302
    with scopes.acting(office.worker):
        row.refresh_from_db()
        assert (row.state, row.reopened, row.review_due) == ("assessing", 1, ON)


def test_5_4_reopening_is_refused_where_the_minor_has_another_open_case(office: Office) -> None:
    from doudi.batch.idnumber import check_character
    from doudi.protection.services import Minor

    number = "41012220120501123"
    child = Minor(name="郭小阳", id_number=number + check_character(number))
    row = office.taken(minor=child)
    with scopes.acting(office.worker):
        row = services.close_case(case_id=row.pk, version=row.version, reason="unfounded", note="经核实不属实", now=NOW)
    office.opened(minor=child)
    with scopes.acting(office.worker), pytest.raises(ValidationError, match="已有未结的个案"):
        services.reopen_case(case_id=row.pk, version=row.version, reason="又有报告", now=NOW)


def test_5_4_answers_are_kept_as_they_were_given(office: Office) -> None:
    made = assess(office, office.taken(), mind="marked")
    with scopes.acting(office.worker):
        assert json.loads(CaseAssessment.objects.get(pk=made.pk).answers)["mind"] == "marked"
        assert services.explained(made)[1].lines[-3][1] == "明显异常"
