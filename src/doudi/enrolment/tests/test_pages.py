"""The pages of 救助办理."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from doudi.assessment import services as assessing
from doudi.assessment.facts import month_after
from doudi.assessment.tests.cases import MONTH, NOW, case
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import COUNTY, TOWNSHIP, client_of, officer
from doudi.enrolment import services
from doudi.enrolment.models import Award, Decision

pytestmark = pytest.mark.django_db


@pytest.fixture
def township() -> scopes.Scope:
    return officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)


@pytest.fixture
def county() -> scopes.Scope:
    return officer(Duty.COUNTY_APPROVER, COUNTY)


def assessed(scope: scopes.Scope, *members):
    with scopes.acting(scope):
        return assessing.assess(household=case(*members).household, month=MONTH, trigger="officer", now=NOW)


def proposed(scope: scopes.Scope, *members) -> Decision:
    row = assessed(scope, *members)
    with scopes.acting(scope):
        return services.propose(assessment=row, programme="dibao", now=NOW)


def test_2_2_from_the_explanation_to_the_award_through_the_pages(township, county) -> None:
    row = assessed(township, {"wage_income": 1200}, {"disability": (1, "visual"), "name": "李四"})
    mine, theirs = client_of(township), client_of(county)
    assert f"/enrolment/new/{row.pk}/" in mine.get(f"/assessments/{row.pk}/").content.decode()
    form = mine.get(f"/enrolment/new/{row.pk}/").content.decode()
    assert "最低生活保障" in form and "李四" in form and "测算不符合" in form
    answer = mine.post(f"/enrolment/new/{row.pk}/", {"what": "dibao:"})
    assert answer.status_code == 302
    page = theirs.get(answer.url).content.decode()
    assert "退回" in page and "李四" in page and "查看测算说明" in page
    assert 'class="btn dan">撤回' in mine.get(answer.url).content.decode()
    assert mine.post(f"/enrolment/new/{row.pk}/", {"what": "dibao:"}).status_code == 422  # sent twice
    for _time in range(2):
        answer2 = theirs.post(answer.url + "approve/", {"version": 1, "note": "同意"})
    assert answer2.status_code == 409 and "已由" in answer2.content.decode()
    with scopes.acting(county):
        award = Award.objects.get()
    for url in (f"/enrolment/awards/{award.pk}/", "/enrolment/awards/", "/enrolment/awards/?state=active&programme=dibao", f"/households/{award.household_id}/", "/"):
        for client in (mine, theirs):
            assert client.get(url).status_code == 200, url
    assert "待遇与决定" in mine.get(f"/households/{award.household_id}/").content.decode()
    stop = mine.post(f"/enrolment/awards/{award.pk}/stop/", {"from_month": f"{month_after(award.starts):%Y-%m}", "ground": "income", "reason": "收入提高"})
    assert stop.status_code == 302, stop.content.decode()
    assert theirs.post(stop.url + "approve/", {"version": 1}).status_code == 302
    assert "将停发" in mine.get(f"/enrolment/awards/{award.pk}/").content.decode()


def test_suspend_and_resume_from_the_page(township, county) -> None:
    d = proposed(township, {})
    with scopes.acting(county):
        award = services.approve(decision_id=d.pk, version=1, now=NOW)
    client = client_of(county)
    assert client.post(f"/enrolment/awards/{award.pk}/suspend/", {"reason": ""}).status_code == 422
    assert client.post(f"/enrolment/awards/{award.pk}/suspend/", {"reason": "年审未到"}).status_code == 302
    assert "年审未到" in client.get(f"/enrolment/awards/{award.pk}/").content.decode()
    assert client.post(f"/enrolment/awards/{award.pk}/suspend/", {"reason": "x"}).status_code == 422
    assert client_of(township).post(f"/enrolment/awards/{award.pk}/resume/", {"reason": "x"}).status_code == 403


def test_the_batch_page_approves_what_is_ticked_and_names_what_failed(township, county) -> None:
    rows = [proposed(township, {}) for _ in range(3)]
    client = client_of(county)
    page = client.get("/enrolment/approve/").content.decode()
    assert all(row.number in page for row in rows)
    total = sum(row.amount for row in rows)
    assert f"已勾选 3 件，合计 {total:,.2f} 元/月" in page, "counts what is ticked, not the page"
    assert page.count(f'data-amount="{rows[0].amount}"') and 'data-confirm="将确认已勾选的 {n} 件' in page
    with scopes.acting(county):
        services.send_back(decision_id=rows[0].pk, version=1, note="x", now=NOW)
    answer = client.post("/enrolment/approve/", {"d": [f"{row.pk}:1" for row in rows] + ["x:1", "9:", "1" * 40]})
    assert answer.status_code == 409 and rows[0].number in answer.content.decode()
    with scopes.acting(county):
        assert Award.objects.count() == 2
    assert client.post("/enrolment/approve/", {}).status_code == 200
    assert client_of(township).get("/enrolment/approve/").status_code == 403


def test_send_back_and_withdraw_from_the_page(township, county) -> None:
    one, two = proposed(township, {}), proposed(township, {})
    mine, theirs = client_of(township), client_of(county)
    assert theirs.post(f"/enrolment/decisions/{one.pk}/send-back/", {"version": 1, "note": ""}).status_code == 409
    assert theirs.post(f"/enrolment/decisions/{one.pk}/send-back/", {"version": 1, "note": "缺材料"}).status_code == 302
    assert "缺材料" in mine.get(f"/enrolment/decisions/{one.pk}/").content.decode()
    assert theirs.post(f"/enrolment/decisions/{two.pk}/withdraw/", {"version": 1}).status_code == 403
    assert mine.post(f"/enrolment/decisions/{two.pk}/withdraw/", {"version": 1}).status_code == 302
    assert mine.post(f"/enrolment/decisions/{two.pk}/approve/", {"version": 2}).status_code == 403
    assert theirs.post(f"/enrolment/decisions/{two.pk}/else/", {"version": 2}).status_code == 422


def test_wrong_area_list_detail_count_and_nested_ids(township, county) -> None:
    d = proposed(township, {"name": "郑小五"})
    with scopes.acting(county):
        award = services.approve(decision_id=d.pk, version=1, now=NOW)
    waiting = proposed(township, {})
    far_township, far_county = client_of(officer(Duty.TOWNSHIP_OFFICER, "410724100")), client_of(officer(Duty.COUNTY_APPROVER, "410724"))
    for client in (far_township, far_county):
        for url in (f"/enrolment/decisions/{d.pk}/", f"/enrolment/awards/{award.pk}/"):
            assert client.get(url).status_code == 404
        for url in ("/enrolment/decisions/", "/enrolment/awards/", f"/enrolment/decisions/?area={TOWNSHIP}"):
            assert d.number not in client.get(url).content.decode()
        assert client.post(f"/enrolment/decisions/{waiting.pk}/approve/", {"version": 1}).status_code == 404
        assert client.post(f"/enrolment/awards/{award.pk}/stop/", {"from_month": "2023-02", "reason": "x"}).status_code == 404
    assert far_township.post(f"/enrolment/new/{d.assessment_id}/", {"what": "dibao:"}).status_code == 404
    assert far_county.post("/enrolment/approve/", {"d": [f"{waiting.pk}:1"]}).status_code == 409
    assert d.number not in far_county.get("/enrolment/decisions/?export=csv").getvalue().decode()
    assert client_of(officer(Duty.FINANCE_OFFICER, COUNTY)).get("/enrolment/decisions/").status_code == 403
    with scopes.acting(county):
        assert Decision.objects.get(pk=waiting.pk).state == "proposed"


def test_pages_have_bounded_queries(township, county) -> None:
    client = client_of(county)
    seen: list[list[int]] = []
    for _round in range(2):
        d = [proposed(township, {}, {}) for _ in range(3)][-1]
        counts = []
        for url in ("/enrolment/decisions/", "/enrolment/approve/", "/enrolment/awards/", f"/enrolment/decisions/{d.pk}/"):
            with CaptureQueriesContext(connection) as queries:
                assert client.get(url).status_code == 200
            counts.append(len(queries))
        with scopes.acting(county):
            services.approve(decision_id=d.pk, version=1, now=NOW)
        seen.append(counts)
    assert max(abs(a - b) for a, b in zip(*seen, strict=True)) <= 2 and max(seen[1]) < 32, seen
