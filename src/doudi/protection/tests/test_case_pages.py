"""Pages of cases (5.1, 5.2, 5.4): the queue, opening, taking, the file and its merge page; who finds what."""

from __future__ import annotations

import json
import re
from datetime import datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Duty
from doudi.core.tests.officers import TOWNSHIP, client_of, officer
from doudi.protection import services
from doudi.protection.models import CaseGap, CaseSection, ProtectionCase, SectionVersion
from doudi.protection.tests.world import VILLAGE, Office

pytestmark = pytest.mark.django_db
CASES = "/protection/cases/"


@pytest.fixture(autouse=True)
def november() -> object:
    with time_machine.travel(datetime(2022, 11, 24, 9, 40, tzinfo=ZoneInfo("Asia/Shanghai")), tick=False):
        yield


@pytest.fixture
def office() -> Office:
    return Office()


def page(row: ProtectionCase, tab: str = "") -> str:
    return reverse("protection:case", args=[row.pk]) + (f"?tab={tab}" if tab else "")


def hidden(html: str, name: str) -> str:
    found = re.search(f'name="{name}" value="([^"]*)"', html)
    assert found, name
    return found[1].replace("&quot;", '"')


def test_5_2_from_a_report_to_a_case_that_is_taken_on_the_pages(office: Office, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    visitor, worker, other = client_of(office.visitor), client_of(office.worker), client_of(office.other)
    given = {
        "uuid": str(uuid4()), "name": "郭小阳", "birth_date": "2012-05-01", "sex": "1", "area": VILLAGE, "category": "gap", "urgency": "red", "unattended": "on", "reported": "短",
    }  # fmt: skip
    assert "至少 4 个字" in visitor.post(CASES + "new/", given).content.decode()
    given["reported"] = "父亲住院隔离，母亲在外地，家中无人照料"
    assert visitor.post(CASES + "new/", given).status_code == 302 and visitor.post(CASES + "new/", given).status_code == 302
    with scopes.acting(office.worker):
        row = ProtectionCase.objects.get()
        assert set(CaseGap.objects.values_list("kind", flat=True)) == {"alone", "guardian"}
    with django_assert_max_num_queries(22):
        said = worker.get(CASES).content.decode()
    assert row.number in said and "还有 2 小时" in said
    with django_assert_max_num_queries(45):
        said = worker.get(page(row)).content.decode()
    assert "父亲住院隔离" in said and "接案" in said and "<svg" in said
    assert worker.post(page(row) + "act/", {"act": "take", "version": row.version}).status_code == 302
    late = other.post(page(row) + "act/", {"act": "take", "version": row.version})
    assert late.status_code == 404 and other.get(page(row)).status_code == 404
    assert row.number not in other.get(CASES).content.decode()


def test_5_2_a_gap_ends_with_who_cares_and_the_timeline_keeps_it(office: Office) -> None:
    row = office.taken(unattended=True)
    worker, act = client_of(office.worker), page(row) + "act/"
    assert "无人照料 " in worker.get(page(row)).content.decode()
    late = {"act": "gap_end", "version": row.version, "alone-kind": "alone", "alone-at": "2022-11-25T08:00", "alone-how": "姑姑接到家中"}
    assert "不能晚于现在" in worker.post(act, late).content.decode()
    assert worker.post(act, late | {"alone-at": "2022-11-24T09:30"}).status_code == 302
    said = worker.get(page(row)).content.decode()
    assert "姑姑接到家中" in said and "20 分钟" in said
    assert "刚由他人办理" in worker.post(act, {"act": "gap", "version": row.version, "gap-kind": "alone", "gap-at": "2022-11-24T09:35", "gap-reason": "姑姑外出"}).content.decode()


def test_5_4_handing_on_helpers_and_malformed_steps(office: Office) -> None:
    row = office.taken()
    worker, act = client_of(office.worker), page(row) + "act/"
    assert worker.post(act, {"act": "help", "version": row.version, "help-account": office.director.account_id, "help-reason": "就近走访"}).status_code == 302
    assert client_of(office.director).get(page(row)).status_code == 200
    for wrong in ({"act": "explode"}, {}):
        assert worker.post(act, wrong).status_code == 404
    for version in ("", "x", "9" * 30, "-1"):
        assert worker.post(act, {"act": "release", "version": version, "account": "9" * 40}).status_code == 422
    assert "没有未保工作人员" not in worker.get(page(row)).content.decode()
    assert worker.post(act, {"act": "hand", "version": row.version + 1, "hand-account": office.visitor.account_id, "hand-reason": "调岗"}).status_code == 422
    handed = worker.post(act, {"act": "hand", "version": row.version + 1, "hand-account": office.other.account_id, "hand-reason": "调岗"})
    assert handed["Location"] == CASES and worker.get(page(row)).status_code == 404


def test_5_4_two_editors_get_the_merge_page_and_nothing_is_lost(office: Office) -> None:
    row = office.taken()
    with scopes.acting(office.worker):
        services.add_helper(case_id=row.pk, version=row.version, account_id=office.other.account_id, reason="一起办理", now=row.opened_at)
    first, second = client_of(office.worker), client_of(office.other)
    url = reverse("protection:section", args=[row.pk, "school"])
    assert first.post(url, {"version": "0", "before": "{}", "school": "镇小学", "teacher": "王", "attends": "yes"}).status_code == 302
    form = second.get(url).content.decode()
    sent = {"version": hidden(form, "version"), "before": hidden(form, "before")}
    assert json.loads(sent["before"])["school"] == "镇小学"
    assert first.post(url, sent | {"school": "镇中心小学", "teacher": "王", "attends": "no"}).status_code == 302
    merge = second.post(url, sent | {"school": "县实验小学", "teacher": "李<b>", "attends": "yes"})
    said = merge.content.decode()
    assert merge.status_code == 409 and "镇中心小学" in said and "县实验小学" in said and "李&lt;b&gt;" in said and "李<b>" not in said
    with scopes.acting(office.worker):
        assert "镇中心小学" in CaseSection.objects.get().content
    again = {
        "merging": "1", "version": hidden(said, "version"), "before": hidden(said, "before"), "pick_school": "both", "mine_school": "县实验小学",
        "theirs_school": "镇中心小学", "mine_teacher": "李", "mine_attends": hidden(said, "mine_attends"),
    }  # fmt: skip
    assert second.post(url, again).status_code == 302
    with scopes.acting(office.worker):
        content = json.loads(CaseSection.objects.get().content)
        assert (content["school"], content["teacher"], content["attends"]) == ("镇中心小学\n县实验小学", "李", "no")
        assert [json.loads(each.content)["school"] for each in SectionVersion.objects.order_by("version")] == ["镇小学", "镇中心小学"]
    for broken in ({"before": "[1]"}, {"before": "{"}, {"version": "x"}):
        assert first.post(url, sent | {"school": "甲"} | broken).status_code == 422


def test_5_4_another_area_another_duty_and_another_case_find_nothing(office: Office) -> None:
    row = office.taken()
    elsewhere, reviewer = client_of(officer(Duty.PROTECTION_WORKER, "410123")), client_of(officer(Duty.COUNTY_REVIEWER))
    for url in (page(row), page(row, "file"), reverse("protection:section", args=[row.pk, "basic"])):
        assert elsewhere.get(url).status_code == 404 and reviewer.get(url).status_code == 403
    assert elsewhere.post(page(row) + "act/", {"act": "take", "version": "1"}).status_code == 404
    assert row.number not in elsewhere.get(CASES).content.decode()
    assert client_of(office.worker).get(CASES + "999999/").status_code == 404
    assert client_of(officer(Duty.VISITOR, TOWNSHIP + "205")).get(CASES).status_code == 403


def test_5_4_each_tab_that_is_opened_is_recorded(office: Office) -> None:
    row = office.taken()
    worker = client_of(office.worker)
    for tab in ("", "file"):
        assert worker.get(page(row, tab)).status_code == 200
    worker.get(reverse("protection:section", args=[row.pk, "health"]))
    with scopes.acting(office.worker):
        assert set(AccessRecord.objects.filter(subject="protection_case", subject_id=row.pk).values_list("field", flat=True)) == {"", "file", "health"}
    log = worker.get(page(row, "log")).content.decode()
    assert "健康、心理" in log and ">health<" not in log, "parts by their names"
