"""Reports of anybody (报告困难群众, 1.3): without sign-in and without script, what becomes of them, what they never tell, and abuse."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Attachment, Duty, Todo
from doudi.core.tests.officers import client_of, officer
from doudi.core.tests.together import together
from doudi.discovery.models import Lead
from doudi.portal.models import PublicReport
from doudi.portal.services import reports
from doudi.portal.services.reports import Told
from doudi.portal.tests.world import COUNTY, NOW, TOWN, VILLAGE, filled, picture

pytestmark = pytest.mark.django_db
URL = f"/portal/report/?place={TOWN}"
TOLD = Told(need="living", how_soon="now", what="老人独自在家，两天没有生火做饭", name="王长顺", address="村东头第三家", reporter="李四", reporter_phone="13800138000")
GIVEN = {
    "area": VILLAGE, "address": "村东头第三家", "need": "living", "how_soon": "now", "what": "老人独自在家，两天没有生火做饭", "name": "王长顺", "phone": "",
    "reporter": "李四", "reporter_phone": "13800138000",
}  # fmt: skip


@pytest.fixture(autouse=True)
def november() -> object:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def town() -> scopes.Scope:
    return officer(Duty.TOWNSHIP_OFFICER, TOWN)


def receipt(html: str) -> str:
    found = re.search(r"BG20221125W\d{6}", html)
    assert found, html
    return found[0]


def leads(scope: scopes.Scope) -> list[Lead]:
    with scopes.acting(scope):
        return list(Lead.objects.order_by("id"))


def sent(told: Told = TOLD, area: str = VILLAGE, **more: Any) -> str:
    return reports.receive_report(uuid=more.pop("uuid", None) or uuid4(), area=area, told=told, now=NOW, **more)


def test_1_3_a_neighbour_reports_and_the_village_gets_a_lead_with_its_clock(visitor: Client, town: scopes.Scope) -> None:
    photo = SimpleUploadedFile("王长顺家.jpg", picture(), "image/jpeg")
    answer = visitor.post(URL, filled(visitor, URL, GIVEN) | {"photos": photo})
    assert answer.status_code == 200, answer.content.decode()
    number = receipt(answer.content.decode())
    (lead,) = leads(town)
    assert (lead.channel, lead.need, lead.urgency, lead.area, lead.subject_name) == ("portal", "living", "red", VILLAGE, "王长顺")
    assert lead.detail == GIVEN["what"] and lead.address == "村东头第三家" and lead.number not in answer.content.decode()
    with scopes.acting(town):
        row = PublicReport.objects.get(receipt=number)
        assert (row.lead_id, row.reporter, row.photos) == (lead.pk, "李四", 1)
        assert Todo.objects.filter(subject="lead", subject_id=lead.pk, done_at__isnull=True).exists()
        file = Attachment.objects.get(subject="lead", subject_id=lead.pk)
        assert file.uploaded_by_id is None and "王长顺" not in file.name
    page = client_of(town).get(f"/leads/{lead.pk}/").content.decode()
    assert number in page and "网上提交" in page and "13800138000" not in page and "李四" not in page


def test_1_3_who_reported_is_shown_to_who_handles_the_lead_and_recorded(town: scopes.Scope) -> None:
    sent()
    with scopes.acting(town):
        row = PublicReport.objects.get()
    assert client_of(officer(Duty.TOWNSHIP_OFFICER, "410122102")).post(f"/portal/reports/{row.pk}/reporter/").status_code == 404
    said = client_of(town).post(f"/portal/reports/{row.pk}/reporter/").content.decode()
    assert "李四" in said and "13800138000" in said
    with scopes.acting(officer(Duty.AUDITOR, COUNTY)):
        assert AccessRecord.objects.filter(subject="public_report", subject_id=row.pk, what="reveal").exists()


def test_1_3_the_same_form_twice_is_one_report_and_the_same_content_one_lead(town: scopes.Scope) -> None:
    uuid = uuid4()
    first = sent(uuid=uuid)
    assert sent(uuid=uuid) == first
    second = sent(Told(**{**TOLD.__dict__, "what": "老人独自在家，\n两天没有生火做饭 "}))
    assert second != first and len(leads(town)) == 1
    sent(Told(**{**TOLD.__dict__, "what": "另一家的孩子没有过冬的衣服", "name": ""}))
    assert len(leads(town)) == 2
    with scopes.acting(town):
        assert [row.repeats for row in PublicReport.objects.order_by("id")] == [False, True, False]


@pytest.mark.usefixtures("committed_db")
def test_1_3_two_sendings_at_once_make_one_lead() -> None:
    town = officer(Duty.TOWNSHIP_OFFICER, TOWN)
    uuid = uuid4()
    answers, _refused = together(lambda: sent(uuid=uuid), lambda: sent(uuid=uuid))
    assert len(answers) == 2 and answers[0] == answers[1] and len(leads(town)) == 1


def test_1_3_nothing_tells_whether_a_person_is_known(visitor: Client, town: scopes.Scope) -> None:
    """Known, reported before, unknown: the pages differ in the receipt alone."""
    pages = []
    for name in ("王长顺", "王长顺", "赵无名"):
        answer = visitor.post(URL, filled(visitor, URL, GIVEN | {"name": name}))
        pages.append((answer.status_code, re.sub(r"W\d{6}", "", answer.content.decode())))
    assert pages[0] == pages[1] == pages[2]


def test_1_3_anonymous_reports_of_a_place_that_is_not_quite_known(town: scopes.Scope) -> None:
    told = Told(need="elderly", how_soon="later", what="桥洞下住着一位老人", address="火车站南边桥洞")
    sent(told, area=TOWN)
    sent(told, area=COUNTY)
    (one,) = leads(town)
    assert one.area == TOWN and one.subject_name == "" and one.urgency == "yellow"
    assert len(leads(officer(Duty.COUNTY_REVIEWER))) == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"need": "x"}, "need"), ({"how_soon": ""}, "how_soon"), ({"what": "难"}, "what"), ({"reporter_phone": "12"}, "reporter_phone"), ({"phone": "1380013800"}, "phone"),
        ({"name": "<b>王</b>"}, "name"),
    ],
)  # fmt: skip
def test_1_3_what_is_wrong_is_said_by_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        sent(Told(**{**TOLD.__dict__, **changes}))
    assert field in refused.value.message_dict


@pytest.mark.parametrize("area", ["", "410122101999", "11", "41", "4101221012051", "１１", "410122'--"])
def test_1_3_places_that_there_are_not(area: str) -> None:
    with pytest.raises(ValidationError):
        sent(area=area)
    assert Client().get("/portal/report/", {"place": area}).status_code == 200


@pytest.mark.parametrize("name", ["𠮷田·阿卜杜拉", "欧阳㛃", "NGUYEN VAN A"])
def test_1_3_rare_names_are_kept_as_they_are(town: scopes.Scope, name: str) -> None:
    sent(Told(**{**TOLD.__dict__, "name": name, "what": f"看到{name}没有饭吃"}))
    assert leads(town)[0].subject_name == name


def test_1_3_files_that_are_no_photos_or_too_many_keep_the_report_out(visitor: Client, town: scopes.Scope) -> None:
    for files in (
        [SimpleUploadedFile("a.jpg", b"MZ\x90\x00 no picture", "image/jpeg")],
        [SimpleUploadedFile("a.pdf", b"%PDF-1.4 x %%EOF", "application/pdf")],
        [SimpleUploadedFile("a.jpg", b"\xff\xd8\xff broken", "image/jpeg")],
        [SimpleUploadedFile(f"{n}.jpg", picture(), "image/jpeg") for n in range(4)],
        [SimpleUploadedFile("big.jpg", picture() + b"\x00" * (8 * 1024 * 1024), "image/jpeg")],
    ):
        answer = visitor.post(URL, filled(visitor, URL, GIVEN) | {"photos": files})
        assert (answer.status_code == 422 and 'id="id_photos_error"' in answer.content.decode()) or "照片" in answer.content.decode()
    assert leads(town) == []


def test_1_3_machines_are_kept_out_and_learn_nothing(visitor: Client, town: scopes.Scope) -> None:
    trapped = visitor.post(URL, filled(visitor, URL, GIVEN) | {"website": "http://x"})
    assert receipt(trapped.content.decode()) and leads(town) == []
    given = filled(visitor, URL, GIVEN)
    assert visitor.post(URL, given | {"answer": "99"}).status_code == 422
    assert visitor.post(URL, given | {"sealed": "x"}).status_code == 422
    assert leads(town) == []


def test_1_3_a_flood_from_one_network_is_stopped(visitor: Client, town: scopes.Scope) -> None:
    stopped = 0
    for number in range(13):
        answer = visitor.post(URL, filled(visitor, URL, GIVEN | {"what": f"第 {number} 家没有粮食了"}))
        stopped += answer.status_code == 429
    assert stopped == 3 and len(leads(town)) == 10


def test_1_3_the_pages_need_no_script_and_few_queries(visitor: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    visitor.get("/portal/report/")
    with django_assert_max_num_queries(6):
        page = visitor.get(URL)
    assert "no-store" in page["Cache-Control"] and 'enctype="multipart/form-data"' in page.content.decode()
    assert "<script>" not in page.content.decode() and "style=" not in page.content.decode()
