"""Pages of applications: who sees and does what, errors at their fields, bounded queries, the wrong area."""

from __future__ import annotations

import base64
from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from doudi.assessment.tests.cases import case as home
from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.attachments import attachments_of
from doudi.core.tests.officers import client_of, officer
from doudi.discovery.tests.test_deliveries import citizen
from doudi.enrolment import case_queries
from doudi.enrolment.models import Authorisation, Case
from doudi.enrolment.tests.walks import Offices
from doudi.registry.models import Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Offices:
    return Offices()


def poor(office: Offices):
    with scopes.acting(office.town):
        return home({"wage_income": 1200}, {"birth": date(2012, 5, 1)})


def test_2_2_an_application_is_made_from_the_households_page(office) -> None:
    place = poor(office)
    client = client_of(office.town)
    page = client.get(f"/enrolment/apply/{place.household.pk}/").content.decode()
    assert "最低生活保障" in page and "符合" in page and "不符合" in page
    url = f"/enrolment/apply/{place.household.pk}/"
    empty = client.post(url, {"applicant": place.people[0].pk, "channel": "counter", "applied_on": "2022-11-01"})
    assert empty.status_code == 422
    given = {"programmes": "dibao:", "applicant": place.people[0].pk, "channel": "counter", "applied_on": timezone.localdate().isoformat()}
    assert client.post(url, given).status_code == 302
    again = client.post(url, given)
    assert again.status_code == 422 and "已有办理中的申请" in again.content.decode()
    with scopes.acting(office.town):
        made = Case.objects.select_related("application").get()
    shown = client.get(f"/enrolment/cases/{made.pk}/").content.decode()
    assert "尚缺" in shown and "未签署" in shown and made.application.number in shown


def test_a_step_is_offered_to_its_duty_only_and_told_to_the_others(office) -> None:
    c = office.until(office.apply(poor(office)), "visit")
    url = f"/enrolment/cases/{c.pk}/"
    assert "保存入户调查" in client_of(office.town).get(url).content.decode()
    other = client_of(office.checker).get(url).content.decode()
    assert "保存入户调查" not in other and "等待乡镇经办人办理" in other
    assert client_of(office.checker).post(f"{url}do/visit/", {"version": 1}).status_code == 403
    assert client_of(office.town).post(f"{url}do/nothing/", {"version": 1}).status_code == 404
    stale = client_of(office.town).post(
        f"{url}do/visit/", {"version": 1, "visited_on": "2022-11-01", "second_id": office.second.account_id, "agrees": "1", "findings": "两间砖房，生活困难，一致。"}
    )
    assert stale.status_code == 409 and "本次操作未保存" in stale.content.decode()


def test_the_wrong_area_sees_nothing(office) -> None:
    c = office.apply(poor(office))
    far = client_of(officer(Duty.TOWNSHIP_OFFICER, "410724100"))
    for path in ("", "notice/", "supplements/"):
        assert far.get(f"/enrolment/cases/{c.pk}/{path}").status_code == 404
    assert far.post(f"/enrolment/cases/{c.pk}/do/accept/", {"version": 1}).status_code == 404
    assert c.application.number not in far.get("/enrolment/cases/").content.decode()
    assert far.get(f"/enrolment/applications/{c.application_id}/").status_code == 404


def test_the_village_reads_the_course_and_not_the_report(office) -> None:
    c = office.until(office.apply(poor(office)), "opinion")
    page = client_of(officer(Duty.VISITOR, "410122101201")).get(f"/enrolment/cases/{c.pk}/").content.decode()
    assert "办理记录" in page and "数据截至" not in page and "测算金额" not in page


def numbered(place):
    """The household's people with real numbers, as papers show them masked."""
    for at, one in enumerate(place.people):
        Person.objects.filter(pk=one.pk).update(token=numbers.id_token(citizen(f"4101221975030{at}101")), account=None)
    return place


def test_notice_and_posters_say_what_may_be_said(office) -> None:
    place = poor(office)
    with scopes.acting(office.town):
        numbered(place)
    c = office.until(office.apply(place), "publicity")
    from doudi.enrolment import services

    with scopes.acting(office.town):
        services.publish(case_id=c.pk, version=c.version, hotline="12345", now=office.now)
    poster = client_of(office.town).get("/enrolment/posters/").content.decode()
    assert "王建国" in poster and "12345" in poster
    for never in ("4101", "王建国，", "2012"):
        assert never not in poster.split("<tbody>")[1].split("</tbody>")[0]
    assert client_of(office.checker).get("/enrolment/posters/").status_code == 403
    assert client_of(office.town).get(f"/enrolment/cases/{c.pk}/notice/").status_code == 404
    with scopes.acting(office.town):
        office.later(8)
        services.close_publicity(case_id=c.pk, version=office.read(c).version, now=office.now)
    c = office.until(c, "notice")
    page = client_of(office.town).get(f"/enrolment/cases/{c.pk}/notice/").content.decode()
    with scopes.acting(office.town):
        (letter,) = services.make_letters(kind="notice", decision_ids=[c.decision_id], now=office.now)
    assert "申请收悉" in letter["paragraphs"][0] and "行政复议" in page
    for words in (*letter["paragraphs"], *letter["remedies"], letter["title"], letter["office"]):
        assert words in page, "page and paper say the same"
    answer = client_of(office.town).post(f"/enrolment/cases/{c.pk}/notice/pdf/")
    assert answer.status_code == 200 and answer.content.startswith(b"%PDF-")
    assert client_of(office.checker).post(f"/enrolment/cases/{c.pk}/notice/pdf/").status_code == 403


def test_2_2_what_is_not_accepted_is_told_on_page_and_paper(office) -> None:
    from doudi.enrolment import services

    c = office.apply(poor(office))
    client = client_of(office.town)
    assert client.post(f"/enrolment/cases/{c.pk}/notice/pdf/").status_code == 302, "nothing to tell yet"
    with scopes.acting(office.town):
        services.refuse_acceptance(case_id=c.pk, version=c.version, reason="不属于本地受理范围", now=office.now)
        c = office.read(c)
        assert case_queries.said(c)[0] == "不予受理，待告知"
        Case.objects.filter(pk=c.pk).update(decide_by=c.due - timedelta(days=9))
        late = [c.due, c.due + timedelta(days=1)]
        assert [Case.objects.filter(case_queries.overdue(day)).count() for day in late] == [0, 1], "the limit of the notice alone"
    shown = {state: client.get(f"/enrolment/cases/?state={state}").content.decode() for state in ("open", "telling", "not_accepted", "closed")}
    assert {state for state, html in shown.items() if "不予受理，待告知" in html} == {"telling", "not_accepted"}, "neither in hand nor closed"
    page = client.get(f"/enrolment/cases/{c.pk}/notice/").content.decode()
    assert "不予受理告知书" in page and "不属于本地受理范围" in page and "书面说明" in page
    assert client.post(f"/enrolment/cases/{c.pk}/notice/pdf/").content.startswith(b"%PDF-")


PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


def test_2_2_the_signed_scan_and_the_scope_come_with_the_authorisation(office) -> None:
    place = poor(office)
    c = office.apply(place)
    client, url = client_of(office.town), f"/enrolment/cases/{c.pk}/add/authorisation/"
    given = {"person_id": place.people[0].pk, "sign": "paper", "signed_on": timezone.localdate().isoformat(), "datasets": ["vehicles", "deaths"]}
    refused = client.post(url, given | {"scan": SimpleUploadedFile("授权书.exe", b"MZ")})
    assert refused.status_code == 422 and "只接受照片" in refused.content.decode()
    with scopes.acting(office.town):
        assert not Authorisation.objects.exists(), "no authorisation without the paper that was handed in"
    assert client.post(url, given | {"datasets": ["nothing"]}).status_code == 422
    assert client.post(url, given | {"scan": SimpleUploadedFile("授权书.png", PNG)}).status_code == 302
    with scopes.acting(office.town):
        made = Authorisation.objects.get()
        assert made.datasets == ["vehicles", "deaths"]
        assert attachments_of(subject="authorisation", subject_id=made.pk).count() == 1
    page = client.get(f"/enrolment/cases/{c.pk}/").content.decode()
    assert "授权范围" in page and "授权书.png" in page


def test_the_pages_ask_a_bounded_number_of_questions(office, django_assert_max_num_queries) -> None:
    c = office.until(office.apply(poor(office)), "approval")
    for _ in range(3):
        office.apply(poor(office), "dibao", "marginal")
    client = client_of(office.approver)
    client.get("/")
    with django_assert_max_num_queries(60):
        assert client.get(f"/enrolment/cases/{c.pk}/").status_code == 200
    with django_assert_max_num_queries(30):
        assert client.get("/enrolment/cases/?late=on&step=approval").status_code == 200


def test_the_signature_is_asked_for_on_the_decisions_page(office) -> None:
    c = office.until(office.apply(poor(office)), "approval", amount=88, reason="民主评议意见")
    url = f"/enrolment/decisions/{c.decision_id}/"
    assert "会签" in client_of(office.approver).get(url).content.decode()
    assert client_of(office.approver).post(f"{url}approve/", {"version": 1}).status_code == 409
    assert client_of(office.reviewer).post(f"{url}sign/", {"version": 1}).status_code == 302
    assert client_of(office.approver).post(f"{url}approve/", {"version": 2, "note": "同意"}).status_code == 302
    assert office.read(c).outcome == "granted"
