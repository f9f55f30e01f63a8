"""Mandatory reports (强制报告, 5.2): the public form without sign-in, what becomes of a report, what it never tells, and abuse of it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from doudi.batch.idnumber import check_character
from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Todo
from doudi.core.tests.officers import client_of
from doudi.core.tests.together import together
from doudi.protection import services
from doudi.protection.models import ProtectionCase, Report
from doudi.protection.services import Minor, Told
from doudi.protection.tests.world import NOW, VILLAGE, Office

pytestmark = pytest.mark.django_db
URL = "/report/minor/?county=410122"
NUMBER = "41012220120501123" + check_character("41012220120501123")
TOLD = Told(
    reporter_kind="hospital", organisation="县人民医院", where="县人民医院急诊科", what="父亲收治住院，孩子独自留在急诊", harm="alone", alone=True, reporter="王医生",
    phone="13800138000",
)  # fmt: skip


@pytest.fixture(autouse=True)
def november() -> object:
    with time_machine.travel(datetime(2022, 11, 24, 9, 10, tzinfo=ZoneInfo("Asia/Shanghai")), tick=False):
        yield


def hidden(html: str, name: str) -> str:
    found = re.search(f'name="{name}" value="([^"]*)"', html)
    assert found
    return found[1]


def filled(client: Client, **changes: Any) -> dict[str, Any]:
    """The form as a person sends it: the sum is read and solved."""
    html = client.get(URL).content.decode()
    first, second = re.search(r"(\d+) \+ (\d+) = \?", html).groups()  # type: ignore[union-attr]
    given = {
        "area": VILLAGE[:9], "where": "县人民医院急诊科", "harm": "alone", "alone": "on", "what": "父亲收治住院，孩子独自留在急诊", "reporter_kind": "hospital",
        "organisation": "县人民医院", "reporter": "王医生", "phone": "13800138000", "website": "", "answer": str(int(first) + int(second)), "sealed": hidden(html, "sealed"),
    }  # fmt: skip
    return given | changes


def receipt(html: str) -> str:
    found = re.search(r"BG20221124\d{5}", html)
    assert found, html
    return found[0]


def plain(html: str) -> str:
    """The answer without what differs from one to the next: the receipt number and the form's protection."""
    return re.sub(r'[A-Za-z0-9]{64}|BG[0-9]{13}', "", html)


def told(**changes: Any) -> Told:
    return Told(**{**TOLD.__dict__, **changes})


def test_5_2_a_report_without_sign_in_opens_a_case_at_intake(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    office, client = Office(), Client(enforce_csrf_checks=False)
    assert "中牟县" in client.get("/report/minor/").content.decode()
    given = filled(client)
    with django_assert_max_num_queries(45):
        said = client.post(URL, given).content.decode()
    number = receipt(said)
    assert receipt(client.post(URL, given).content.decode()) == number  # sent twice
    with scopes.acting(office.worker):
        row = ProtectionCase.objects.get()
        report = Report.objects.get()
        assert (row.source, row.urgency, row.state, row.contact_due) == ("mandatory", "red", "intake", row.opened_at + timedelta(hours=2))
        assert (report.receipt, report.state, report.case_id) == (number, "opened", row.pk) and "王医生" not in row.reported
        assert Todo.objects.filter(kind="protection_take", done_at__isnull=True).count() == 2  # county and township
    worker, director = client_of(office.worker), client_of(office.director)
    page = f"/protection/cases/{row.pk}/"
    assert number in worker.get(page).content.decode() and "王医生" not in worker.get(page).content.decode()
    reveal = f"/protection/reports/{report.pk}/reporter/"
    assert director.post(reveal).status_code == 404 and Client().post(reveal).status_code == 302
    assert "王医生" in worker.post(reveal).content.decode()
    with scopes.acting(office.worker):
        assert AccessRecord.objects.filter(what="reveal", subject="protection_report").count() == 1


def test_5_2_the_page_needs_no_script_and_no_sign_in() -> None:
    client = Client(enforce_csrf_checks=True)
    html = client.get(URL).content.decode()
    assert "hx-post" not in html and 'name="csrfmiddlewaretoken"' in html and 'tabindex="-1"' in html
    assert client.post(URL, {"what": "没有令牌"}).status_code == 403


def test_5_2_whether_the_minor_is_known_is_answered_alike() -> None:
    office, client = Office(), Client()
    known = office.taken(minor=Minor(name="郭小阳", id_number=NUMBER), urgency="yellow")
    unknown = client.post(URL, filled(client)).content.decode()
    answer = client.post(URL, filled(client, id_number=NUMBER, child_name="郭小阳")).content.decode()
    assert plain(answer) == plain(unknown)
    with scopes.acting(office.worker):
        report = Report.objects.get(case=known)
        known.refresh_from_db()
        assert (report.state, known.urgency) == ("joined", "red") and report.area == known.area
        assert Todo.objects.filter(kind="protection_reported", posting_id=office.worker.posting_id).count() == 1
        assert ProtectionCase.objects.filter(token=known.token).count() == 1


def test_5_2_a_minor_with_a_case_in_another_county_waits_for_a_person_to_look() -> None:
    office = Office()
    elsewhere = scopes.Scope(area="410181", duty="worker", acts=frozenset({"protection.report"}))
    with scopes.acting(elsewhere):
        services.open_case(
            uuid=uuid4(), minor=Minor(id_number=NUMBER), category="gap", source="staff", urgency="red", reported="父母失联", area="410181", now=NOW
        )
    services.receive_report(uuid=uuid4(), area=VILLAGE, told=told(id_number=NUMBER), now=NOW)
    with scopes.acting(office.worker):
        report = Report.objects.get()
        assert report.state == "waiting" and Todo.objects.filter(kind="protection_report", done_at__isnull=True).count() == 1
    worker, url = client_of(office.worker), f"/protection/reports/{report.pk}/"
    assert report.receipt in worker.get("/protection/reports/").content.decode()
    assert worker.post(url, {"number": "WB1", "note": "已与当地联系"}).status_code == 422
    assert worker.post(url, {"number": "", "note": "已与当地机构联系，由其办理"}).status_code == 302
    assert "刚由他人核对" in worker.post(url, {"number": "", "note": "已与当地联系"}).content.decode()
    with scopes.acting(office.worker):
        assert not Todo.objects.filter(kind="protection_report", done_at__isnull=True).exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"answer": "99"}, "答案不对"),
        ({"answer": ""}, "必填"),
        ({"sealed": "forged"}, "已过期"),
        ({"what": "短"}, "至少 4 个字"),
        ({"area": "410103001"}, "选择"),
        ({"age": "40"}, "17"),
        ({"id_number": NUMBER[:-1] + "a"}, "身份证号不正确"),
        ({"phone": "123"}, "电话号码不正确"),
        ({"harm": "nothing"}, "选择"),
        ({"where": "\x00"}, "空"),
    ],
)
def test_5_2_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(changes: dict[str, str], said: str) -> None:
    client = Client()
    answer = client.post(URL, filled(client) | changes)
    html = answer.content.decode()
    assert answer.status_code == 422 and said in html and "县人民医院" in html
    assert re.search(r"请算一下：\d \+ \d = \?", html), "the next try is asked a sum again"
    with scopes.acting(scopes.Scope(area="41", duty="worker")):
        assert not Report.objects.exists()


def test_5_2_a_robot_that_fills_every_field_gets_an_answer_and_leaves_nothing() -> None:
    client = Client()
    assert receipt(client.post(URL, filled(client, website="http://buy.example")).content.decode())
    with scopes.acting(scopes.Scope(area="41", duty="worker")):
        assert not Report.objects.exists() and not ProtectionCase.objects.exists()


def test_5_2_a_sum_holds_for_one_report_and_for_some_hours() -> None:
    client = Client()
    given = filled(client)
    first = receipt(client.post(URL, given).content.decode())
    other = client.post(URL, given | {"what": "另一个孩子，独自在街头"}).content.decode()
    assert receipt(other) == first  # the same sum is the same report
    late = filled(client)
    with time_machine.travel(datetime(2022, 11, 24, 14, 0, tzinfo=ZoneInfo("Asia/Shanghai")), tick=False):
        assert "已过期" in client.post(URL, late).content.decode()


def test_5_2_a_network_that_floods_the_page_is_told_to_wait(committed_db: None) -> None:
    client, neighbour = Client(REMOTE_ADDR="203.0.113.7"), Client(REMOTE_ADDR="203.0.113.9")
    codes = [client.post(URL, filled(client)).status_code for _ in range(10)]
    assert codes == [200] * 10 and neighbour.post(URL, filled(neighbour)).status_code == 429
    assert Client(REMOTE_ADDR="198.51.100.1").post(URL, filled(client)).status_code == 200
    uuid = uuid4()
    made, refused = together(*(lambda: services.receive_report(uuid=uuid, area=VILLAGE, told=TOLD, now=NOW),) * 2)
    assert len(set(made)) == 1 and len(made) == 2 and not refused


def test_5_2_the_service_refuses_what_the_page_would_not_send() -> None:
    for changes, area in (({"harm": "x"}, VILLAGE), ({"reporter_kind": "x"}, VILLAGE), ({"age": 18}, VILLAGE), ({}, "11"), ({}, "419999"), ({}, "110101")):
        with pytest.raises(ValidationError):
            services.receive_report(uuid=uuid4(), area=area, told=told(**changes), now=NOW)
