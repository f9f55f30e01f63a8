"""Pages of complaints: what each duty sees and does; the walk from intake to the letter."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from doudi.complaints.models import Complaint
from doudi.complaints.tests.world import ANSWER, Office
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import TOWNSHIP, client_of, officer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def december() -> object:
    with time_machine.travel(datetime(2022, 12, 5, 10, tzinfo=ZoneInfo("Asia/Shanghai")), tick=False):
        yield


@pytest.fixture
def office() -> Office:
    return Office()


def page(row: Complaint) -> str:
    return reverse("complaints:complaint", args=[row.pk])


def test_from_intake_to_the_letter_on_the_pages(office: Office, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    town, reviewer, second, approver = (client_of(each) for each in (office.town, office.reviewer, office.second, office.approver))
    new = reverse("complaints:new") + f"?household={office.given.household.pk}&award={office.given.award.pk}"
    given = {"uuid": str(uuid4()), "kind": "objection", "category": "amount", "channel": "household", "content": "少发了", "name": "王小二", "phone": "13800001111"}
    assert "至少 4 个字" in town.post(new, given).content.decode()
    given["content"] = "上个月少发了二百元钱"
    assert town.post(new, given).status_code == 302 and town.post(new, given).status_code == 302
    with scopes.acting(office.reviewer):
        row = Complaint.objects.get()
    act = reverse("complaints:act", args=[row.pk])
    assert "王小二" not in town.get(page(row)).content.decode() and "少发了二百元" in town.get(page(row)).content.decode()
    assert reviewer.post(act, {"act": "assign", "version": "1", "account": office.second.account_id}).status_code == 302
    assert "签收办理" in second.get(page(row)).content.decode()
    assert second.post(act, {"act": "begin", "version": "2"}).status_code == 302
    assert "王小二" in second.post(reverse("complaints:reveal", args=[row.pk])).content.decode()
    assert reviewer.post(reverse("complaints:reveal", args=[row.pk])).status_code == 403
    said = second.post(act, {"act": "close", "version": "3", "finding": "upheld", "action": "refer", "answer": ANSWER}).content.decode()
    assert "请选择部门" in said
    assert second.post(act, {"act": "close", "version": "3", "finding": "upheld", "action": "suspend", "answer": ANSWER}).status_code == 302
    assert "办结并执行：暂停发放并核查" in approver.get(page(row)).content.decode()
    assert "刚由他人办理" in approver.post(act, {"act": "approve", "version": "2"}).content.decode()
    assert approver.post(act, {"act": "approve", "version": "4"}).status_code == 302
    letter = reviewer.get(reverse("complaints:letter", args=[row.pk])).content.decode()
    assert ANSWER in letter and "王小二" not in letter
    with django_assert_max_num_queries(40):
        assert row.number in reviewer.get(reverse("registry:household", args=[office.given.household.pk])).content.decode()
    assert reviewer.post(act, {"act": "reopen", "version": "5", "note": "又来反映"}).status_code == 302


def test_the_list_is_bounded_and_exports_no_complainant(office: Office, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    for _ in range(12):
        office.opened(name="赵钱孙")
    client = client_of(office.reviewer)
    with django_assert_max_num_queries(25):
        said = client.get(reverse("complaints:list")).content.decode()
    assert said.count("TS20221205") == 12 and "赵钱孙" not in said
    assert "赵钱孙" not in b"".join(client.get(reverse("complaints:list") + "?export=csv")).decode()  # type: ignore[arg-type]
    assert client.get(reverse("complaints:quality")).status_code == 200


def test_a_township_does_not_read_complaints_about_conduct(office: Office) -> None:
    row = office.opened(kind="complaint", category="conduct", by=office.reviewer)
    assert client_of(office.town).get(page(row)).status_code == 404
    assert client_of(office.reviewer).get(page(row)).status_code == 200
    office.assigned(row, office.town)
    assert client_of(office.town).get(page(row)).status_code == 200


def test_who_is_complained_about_finds_no_page_and_another_county_neither(office: Office) -> None:
    row = office.opened(kind="complaint", about_account=office.reviewer.account_id)
    for scope in (office.reviewer, officer(Duty.COUNTY_REVIEWER, "410181")):
        client = client_of(scope)
        assert client.get(page(row)).status_code == 404
        assert client.post(reverse("complaints:act", args=[row.pk]), {"act": "begin", "version": "1"}).status_code == 404
        assert client.post(reverse("complaints:reveal", args=[row.pk])).status_code == 404
        assert row.number not in client.get(reverse("complaints:list")).content.decode()
    assert client_of(officer(Duty.VISITOR, TOWNSHIP + "201")).get(reverse("complaints:list")).status_code == 403


def test_a_batch_is_chosen_and_approved_on_the_pages(office: Office) -> None:
    rows = [office.opened(category="payment") for _ in range(3)]
    reviewer, approver = client_of(office.reviewer), client_of(office.approver)
    given = {"ids": [row.pk for row in rows], "finding": "upheld", "reason": "银行升级延迟到账", "answer": "短"}
    url = reverse("complaints:mass") + "?category=payment"
    said = reviewer.post(url, given)
    assert said.status_code == 422 and said.content.decode().count("checked") >= 3  # what was chosen stays chosen
    done = reviewer.post(url, given | {"answer": ANSWER})
    assert done.status_code == 302
    assert "同意办结" not in reviewer.get(done["Location"]).content.decode()
    assert approver.post(done["Location"], {"act": "approve"}).status_code == 302
    assert "已由他人办理" in approver.post(done["Location"], {"act": "approve"}).content.decode()
    assert reviewer.post(url, given | {"ids": ["x", "9" * 30], "answer": ANSWER}).status_code == 422
