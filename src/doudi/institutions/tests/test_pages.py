"""6.1: pages of institutions: the report by phone, the day of all houses, sheets, who opens what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
import python_calamine
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile

from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Duty
from doudi.core.tests.officers import client_of, officer
from doudi.institutions import services
from doudi.institutions.figures import FIGURES
from doudi.institutions.models import DailyReport, Institution, ReportDue, Resident, StaffMember, SupplyItem
from doudi.institutions.tests.test_reports import opened
from doudi.institutions.tests.world import GOOD, NOW, TODAY, Home, epidemic, left

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    return Home()


def given(**changes: Any) -> dict[str, Any]:
    return {figure.name: 0 for figure in FIGURES} | GOOD | {"seen": 0, "incidents": "", "reason": ""} | changes


def test_6_1_the_report_by_phone_starts_with_yesterdays_values_and_asks_what_seldom_is(home: Home) -> None:
    home.reported(on=TODAY - timedelta(days=1), supplies={"oxygen": left("9", "2.5")}, tested=41)
    client, address = client_of(home.clerk), f"/institutions/{home.house.pk}/report/"
    assert client.get("/institutions/mine/").headers["Location"] == address
    page = client.get(address).content.decode()
    assert 'name="tested" value="41"' in page and 'name="q_oxygen" value="9"' in page and 'name="u_oxygen" value="2.5"' in page and 'inputmode="numeric"' in page
    answer = client.post(address, given(staff_on_site=0, q_oxygen="5", u_oxygen="2.5"))
    assert answer.status_code == 422 and "在岗工作人员为 0" in answer.content.decode()
    answer = client.post(address, given(staff_on_site=0, q_oxygen="5", u_oxygen="2.5", confirmed="on", more="coal", q_more="300", u_more="30"))
    assert answer.headers["Location"] == f"/institutions/{home.house.pk}/reports/2022-12-06/"
    with scopes.acting(home.clerk):
        row = DailyReport.objects.get(on=TODAY)
        assert {each.item.code: each.days for each in row.supplies.select_related("item")} == {"oxygen": 2, "coal": 10}
    assert client.post(address, given(isolated_residents=43, seen=1, reason="更正")).status_code == 422
    page = client.post(address, given(q_oxygen="5", u_oxygen="2.5", seen=1, reason="在岗漏填"), follow=True).content.decode()
    assert "更正 1 次" in page and "在岗漏填" in page


def test_6_1_the_workbench_says_of_which_day_the_residents_are_and_when_no_report_came(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_of(home.reviewer)

    def card() -> str:
        return client_of(home.reviewer).get("/").content.decode().split("在院人数", 1)[1][:200]

    assert "近一个月没有上报" in card() and ">—<" in card() + "<"
    home.reported(on=TODAY - timedelta(days=1), now=NOW - timedelta(days=1))
    shown = card()
    assert "今天还没有上报；2022-12-05 1 家上报的" in shown and "42" in shown
    assert "这一天没有上报" in client.get("/institutions/reports/").content.decode()
    home.reported(residents=40)
    shown = card()
    assert "今天已上报的 1 家" in shown and "40" in shown and "没有上报" not in shown
    assert "已上报的 1 家机构" in client.get("/institutions/reports/").content.decode()
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(days=40))
    assert "近一个月没有上报" in card(), "of long ago nothing is said"


def test_6_1_the_day_lists_who_has_not_reported_with_phone_and_times_in_a_row(home: Home, django_assert_max_num_queries: Callable[..., Any]) -> None:
    epidemic(home)
    with scopes.acting(home.clerk):
        services.set_contact(institution_id=home.house.pk, role="reporter", name="吴桂芳", phone="13803711234", now=NOW)
    for _number in range(4):
        home.registered()
    for back in (1, 0):
        opened(NOW - timedelta(days=back), TODAY - timedelta(days=back))
    client = client_of(home.reviewer)
    with django_assert_max_num_queries(60):
        page = client.get("/institutions/reports/").content.decode()
    assert "今日未报" in page and "连续 2 次" in page and "0371-62160008" in page and "138****1234" in page and "13803711234" not in page
    with scopes.acting(home.reviewer):
        due, contact = ReportDue.objects.get(institution=home.house, on=TODAY), home.house.contacts.get()
    assert "13803711234" in client.post(f"/institutions/{home.house.pk}/contacts/{contact.pk}/reveal/").content.decode()
    with scopes.acting(home.reviewer):
        assert AccessRecord.objects.filter(subject="institution", what="reveal").count() == 1
    assert "已提醒填报员" in client.post("/institutions/reports/remind/", {"due": due.pk}, follow=True).content.decode()
    assert "都已上报" in client.post("/institutions/reports/remind/", {"due": "0"}, follow=True).content.decode()
    assert client.get("/institutions/reports/?on=2022-12-07").status_code == 404 and client.get("/institutions/reports/?on=x").status_code == 404


def test_6_1_a_house_is_registered_kept_and_read_page_by_page(home: Home, django_assert_max_num_queries: Callable[..., Any]) -> None:
    reviewer, clerk = client_of(home.reviewer), client_of(home.clerk)
    form = {
        "code": "52410122MJ0001", "name": "姚家镇敬老院", "kind": "tekun_home", "area": "410122101", "address": "镇政府东", "phone": "0371-62160009", "bed_self": 4,
        "account": "6228480712345678901", "bank": "103",
    }  # fmt: skip
    assert reviewer.post("/institutions/new/", form | {"phone": "x"}).status_code == 422
    assert reviewer.post("/institutions/new/", form).status_code == 302, reviewer.post("/institutions/new/", form).content.decode()
    with scopes.acting(home.reviewer):
        new = Institution.objects.get(name="姚家镇敬老院")
    page = f"/institutions/{home.house.pk}/"
    posts = [
        ("staff/add/", {"name": "刘护理", "role": "carer", "starts": "2022-12-01"}), ("contacts/set/", {"role": "director", "name": "钱院长", "phone": "13803711234"}),
        ("rooms/set/", {"name": "西侧一室", "beds": 2}), ("stock/move/", {"key": "1" * 32, "item": "n95", "kind": "received", "quantity": 50, "on": "2022-12-06"}),
        ("residents/new/", {"key": "2" * 32, "name": "张守田", "sex": "1", "bed": "half", "starts": "2022-12-01", "kin_name": "张小兵", "kin_phone": "13803711235"}),
    ]  # fmt: skip
    for address, values in posts:
        assert clerk.post(page + address, values).status_code == 302, address
    with scopes.acting(home.clerk):
        resident, room = Resident.objects.get(), home.house.rooms.get()
    resident_page = f"{page}residents/{resident.pk}/"
    assert clerk.post(resident_page + "isolate/", {"room": room.pk, "reason": "发热"}).status_code == 302
    assert clerk.post(resident_page + "leave/", {"leaving": "transfer", "on": "2022-12-06"}).status_code == 422
    assert clerk.post(resident_page + "change/", {"version": 1, "bed": "self", "room": "101"}).status_code == 302
    assert clerk.post(resident_page + "change/", {"version": 1, "bed": "self", "room": "102"}).status_code == 422
    assert reviewer.post(page + "visits/", {"state": "closed", "starts": "2022-12-06", "document": "县指〔2022〕9号", "reason": "疫情"}).status_code == 302
    assert reviewer.post("/institutions/visits/", {"state": "open", "starts": "2022-12-08", "document": "x", "reason": "y", "houses": [new.pk]}).status_code == 302
    assert reviewer.post("/institutions/visits/", {"state": "open", "starts": "2022-12-08", "document": "x", "reason": "y"}).status_code == 422
    home.reported(incidents="停电两小时", supplies={"n95": left("40", "20")})
    told = {"": "停电两小时", "residents/": "张守田", "staff/": "钱院长", "stock/": "N95 口罩", "reports/2022-12-06/": "停电两小时", "report/": "更正上报"}
    for address, words in told.items():
        with django_assert_max_num_queries(60):
            answer = clerk.get(page + address)
        assert words in answer.content.decode(), address
    assert "张*兵" not in clerk.get(resident_page).content.decode() and "138****1235" in clerk.get(resident_page).content.decode()
    assert "13803711235" in clerk.post(resident_page + "kin/").content.decode()
    assert "张*田" in reviewer.get(page + "residents/").content.decode() or "张守田" in reviewer.get(page + "residents/").content.decode()
    assert reviewer.post(page + "dealt/", {"note": "供电所已抢修恢复"}, follow=True).status_code == 200
    assert reviewer.post(page + "change/", form | {"version": 9, "state": "running", "reason": "核定"}).status_code == 422
    for address in ("/institutions/", "/institutions/?risk=any&reason=supplies", "/institutions/?export=xlsx", "/institutions/supplies/", f"{page}residents/?left=left", page):
        assert reviewer.get(address).status_code == 200, address
    assert clerk.post(resident_page + "leave/", {"leaving": "family", "on": "2022-12-06"}).status_code == 302
    with scopes.acting(home.clerk):
        member = StaffMember.objects.get()
    assert clerk.post(f"{page}staff/{member.pk}/end/").status_code == 302


@pytest.mark.parametrize("duty", [Duty.TOWNSHIP_OFFICER, Duty.VISITOR, Duty.FINANCE_OFFICER, Duty.AUDITOR, Duty.INSTITUTION_CLERK, Duty.COUNTY_REVIEWER])
def test_6_1_who_may_open_and_do_what(home: Home, duty: Duty) -> None:
    """The house's pages and acts by a duty of the county that is not its clerk; a reviewer of another county sees none of it."""
    scope = officer(duty, "410724" if duty == Duty.COUNTY_REVIEWER else "410122")
    client, page = client_of(scope), f"/institutions/{home.house.pk}/"
    reads = {Duty.TOWNSHIP_OFFICER: 200, Duty.INSTITUTION_CLERK: 404, Duty.COUNTY_REVIEWER: 404}.get(duty, 403)
    for address in ("", "residents/", "staff/", "stock/", "reports/2022-12-06/"):
        assert client.get(page + address).status_code == reads, address
    acts = {Duty.INSTITUTION_CLERK: 404, Duty.COUNTY_REVIEWER: 404}.get(duty, 403)
    for address in ("report/", "stock/move/", "staff/add/", "contacts/set/", "rooms/set/", "residents/new/"):
        assert client.post(page + address, {}).status_code == acts, address
    for address in ("clerks/set/", "dealt/", "visits/"):
        assert client.post(page + address, {}).status_code == (404 if duty == Duty.COUNTY_REVIEWER else 403), address


def test_6_1_nested_numbers_of_another_house_are_not_found(home: Home) -> None:
    person = home.admitted(house=home.other, by=home.stranger, bed="half")[0]
    with scopes.acting(home.stranger):
        contact = services.set_contact(institution_id=home.other.pk, role="director", name="钱院长", phone="13803711234", now=NOW)
    for client in (client_of(home.clerk), client_of(home.reviewer)):
        for address in (f"residents/{person.pk}/leave/", f"residents/{person.pk}/kin/", f"contacts/{contact.pk}/reveal/"):
            assert client.post(f"/institutions/{home.house.pk}/{address}", {}).status_code == 404


def sheet_of(scope: scopes.Scope) -> list[list[Any]]:
    """The cells of the sheet that an officer downloads."""
    answer = client_of(scope).get("/institutions/reports/sheet/")
    assert answer.status_code == 200
    return python_calamine.CalamineWorkbook.from_filelike(BytesIO(answer.content)).get_sheet_by_index(0).to_python()


def uploaded(scope: scopes.Scope, cells: list[list[Any]] | bytes, name: str = "机构日报表.xlsx") -> str:
    content = cells if isinstance(cells, bytes) else b""
    if isinstance(cells, list):
        out = BytesIO()
        with xlsxwriter.Workbook(out) as book:
            sheet = book.add_worksheet()
            for number, row in enumerate(cells):
                for at, value in enumerate(row):
                    if value != "":
                        sheet.write(number, at, value)
        content = out.getvalue()
    return client_of(scope).post("/institutions/reports/upload/", {"file": SimpleUploadedFile(name, content)}).content.decode()


def test_6_1_a_sheet_comes_filled_in_good_rows_go_on_and_bad_ones_name_row_field_and_reason(home: Home) -> None:
    home.reported(on=TODAY - timedelta(days=1), supplies={"oxygen": left("9", "2.5")})
    third = home.registered(name="=cmd|夕阳")
    cells = sheet_of(home.reviewer)
    heads, rows = cells[0], {row[0]: row for row in cells[1:]}
    assert len(rows) == 3 and rows[home.house.code][heads.index("氧气剩余（瓶）")] == 9 and rows[third.code][1] == "'=cmd|夕阳"

    def put(code: str, **values: Any) -> None:
        for name, value in values.items():
            rows[code][heads.index(name)] = value

    put(home.house.code, 在院人数=41)
    put(home.other.code, 在院人数="很多", 在册工作人员=3, 在岗工作人员=2)
    put(third.code, 在院人数=5, 在册工作人员=3, 在岗工作人员=4)
    cells += [[home.house.code, "", "2022-12-06", 40, 0, 9, 7], ["NOBODY", "", "12月6日下午", 40, 0, 9, 7]]
    page = uploaded(home.reviewer, cells)
    assert "新上报 1 家" in page
    for words in ("“在院人数”“很多”不是整数", "“在岗工作人员”4 多于", "与第 ", "“机构代码”不是您负责的机构", "“日期”不是日期"):
        assert words in page, words
    with scopes.acting(home.reviewer):
        assert list(DailyReport.objects.filter(on=TODAY).values_list("institution_id", "residents", "channel")) == [(home.house.pk, 41, "sheet")]
    assert "此前已报 1 家" in uploaded(home.reviewer, sheet_of(home.reviewer))


def test_6_1_a_clerks_sheet_holds_the_own_house_and_reports_no_other(home: Home) -> None:
    cells = sheet_of(home.clerk)
    assert [row[0] for row in cells[1:]] == [home.house.code]
    cells[1][0] = home.other.code
    assert "不是您负责的机构" in uploaded(home.clerk, cells)
    with scopes.acting(home.reviewer):
        assert not DailyReport.objects.exists()


@pytest.mark.parametrize(
    ("content", "name"), [(b"PK\x03\x04broken", "a.xlsx"), (b"%PDF-1.7", "a.xlsx"), (b"\x00\xff\xfe" * 50, "a.csv"), (b"", "a.xlsx"), ("机构代码,日期\n".encode(), "a.csv")]
)
def test_6_1_what_is_no_workbook_is_refused_in_words(home: Home, content: bytes, name: str) -> None:
    page = uploaded(home.clerk, content, name)
    assert 'class="err"' in page or "note red" in page
    with scopes.acting(home.clerk):
        assert not DailyReport.objects.exists()


def test_6_1_the_list_of_supplies_is_the_provinces(home: Home) -> None:
    province = officer(Duty.SUPERVISOR, "41")
    form = {"code": "hand_warmer", "name": "暖宝宝", "unit": "片", "order": 155}
    assert client_of(province).post("/institutions/supplies/", form).status_code == 302
    assert client_of(home.reviewer).post("/institutions/supplies/", form | {"code": "x"}).status_code == 403
    with scopes.acting(home.clerk):
        assert SupplyItem.objects.filter(code="hand_warmer").count() == 1
