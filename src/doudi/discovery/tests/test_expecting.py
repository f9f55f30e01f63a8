"""1.1: what departments owe, late to-dos, whom to ask."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction
from python_calamine import CalamineWorkbook

from doudi.batch.datasets import CONTRACTS
from doudi.batch.datasets.handout import write_handout
from doudi.core import postgres
from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.services.settings import confirm_setting, propose_setting
from doudi.core.tests.officers import client_of, officer
from doudi.discovery import services
from doudi.discovery.delivery_queries import Expected, expected
from doudi.discovery.models import Delivery, DeliveryPlan
from doudi.discovery.services.expecting import KIND
from doudi.discovery.tests.test_deliveries import GOOD, citizen

pytestmark = pytest.mark.django_db
CHINA = ZoneInfo("Asia/Shanghai")
COUNTY, CITY, OTHER = "410122", "4101", "410724"
DAYS = CONTRACTS["deaths"].freshness_days
DEPARTMENT = CONTRACTS["deaths"].department_zh
PROVINCE = scopes.Scope(area="41", duty="worker", acts=frozenset({"discovery.deliver"}))


@pytest.fixture
def checker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> scopes.Scope:
    monkeypatch.setattr(postgres, "home", lambda: tmp_path)
    return officer(Duty.DATA_CHECKER, COUNTY)


def came(scope: scopes.Scope, now: datetime, *, number: int = 0, text: str | None = None, dataset: str = "deaths") -> Delivery:
    """A file is received."""
    path = postgres.home() / f"{number}.csv"
    path.write_text(text if text is not None else GOOD.format(id=citizen(f"4101221950020310{number}")), "utf-8")
    with scopes.acting(scope):
        return services.deliver(path=path, dataset=dataset, area=scope.area, now=now)[0]


def set_days(area: str, days: str, starts: date) -> None:
    """A place's own number of days, proposed by one officer and confirmed by another."""
    duties = (Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER) if len(area) == 6 else (Duty.SUPERVISOR, Duty.SUPERVISOR)
    now = datetime(2022, 1, 10, 9, tzinfo=CHINA)
    with scopes.acting(officer(duties[0], area)):
        row = propose_setting(parameter="procedure.delivery_days.deaths", area=area, starts=starts, value=days, document="试〔2022〕1号", now=now)
    with scopes.acting(officer(duties[1], area)):
        confirm_setting(setting_id=row.pk, now=now)


def round_(on: date, area: str = "41") -> dict[str, int]:
    with scopes.acting(PROVINCE):
        return services.raise_late(area=area, on=on, now=datetime(on.year, on.month, on.day, 2, tzinfo=CHINA))


def todos(**given: Any) -> list[Todo]:
    with scopes.acting(PROVINCE):
        return [todo for todo in Todo.objects.filter(kind=KIND, **given).order_by("id") if "死亡" in todo.title]


def deaths_at(area: str, on: date, scope: scopes.Scope) -> Expected:
    with scopes.acting(scope):
        return next(row for row in expected(area, on) if row.contract.code == "deaths" and row.area == area)


def test_1_1_a_late_delivery_raises_one_to_do_for_the_checker_and_its_coming_finishes_it(checker: scopes.Scope) -> None:
    first = datetime(2022, 11, 28, 9, tzinfo=CHINA)
    came(checker, first)
    due = first.date() + timedelta(days=DAYS)
    round_(due)
    assert todos() == [], "the due day itself is in time"
    round_(due + timedelta(days=1))
    round_(due + timedelta(days=2))
    (late,) = todos()
    assert (late.area, late.duty, late.due, late.done_at) == (COUNTY, Duty.DATA_CHECKER, due, None) and DEPARTMENT in late.title
    back = first + timedelta(days=DAYS + 3)
    came(checker, back, number=1)
    assert todos(done_at__isnull=True) == [] and todos()[0].done_by_id == checker.account_id
    round_(due + timedelta(days=2 * DAYS + 30))
    assert len(todos(done_at__isnull=True)) == 1, "late again later: a new one"


def test_1_1_a_file_refused_whole_does_not_finish_it(checker: scopes.Scope) -> None:
    first = datetime(2022, 11, 28, 9, tzinfo=CHINA)
    came(checker, first)
    round_(first.date() + timedelta(days=DAYS + 1))
    assert came(checker, first + timedelta(days=DAYS + 2), number=2, text="姓名\n王\n").state == Delivery.State.REFUSED
    assert len(todos(done_at__isnull=True)) == 1


@pytest.mark.parametrize(
    ("received", "due_month"),
    [
        (datetime(2024, 1, 30, 23, 59, tzinfo=CHINA), date(2024, 1, 30)),
        (datetime(2024, 1, 31, 0, 1, tzinfo=CHINA), date(2024, 1, 31)),  # 30 January in Greenwich
        (datetime(2023, 12, 31, 23, 59, tzinfo=CHINA), date(2023, 12, 31)),
    ],
)
def test_1_1_days_are_the_provinces_and_29_february_is_one(checker: scopes.Scope, received: datetime, due_month: date) -> None:
    came(checker, received)
    set_days("41", "30", date(2020, 1, 1))
    row = deaths_at(COUNTY, date(2024, 2, 1), checker)
    assert (row.days, row.due) == (30, due_month + timedelta(days=30))
    assert due_month != date(2024, 1, 30) or row.due == date(2024, 2, 29)
    assert not deaths_at(COUNTY, row.due, checker).late and deaths_at(COUNTY, row.due + timedelta(days=1), checker).late  # type: ignore[operator]


def test_1_1_the_nearest_places_setting_counts_and_nought_means_not_delivered(checker: scopes.Scope) -> None:
    now = datetime(2022, 11, 28, 9, tzinfo=CHINA)
    came(checker, now)
    round_(date(2023, 12, 1))
    assert len(todos(done_at__isnull=True)) == 1
    set_days("41", "7", date(2023, 12, 2))
    set_days(COUNTY, "0", date(2023, 12, 2))
    assert deaths_at(COUNTY, date(2023, 12, 1), checker).days == DAYS
    row = deaths_at(COUNTY, date(2023, 12, 2), checker)
    assert (row.days, row.due, row.late, row.state) == (0, None, False, "none")
    assert round_(date(2023, 12, 2))["finished"] >= 1
    assert todos(done_at__isnull=True) == [], "what is expected no more is late no more"


def test_1_1_a_place_that_never_received_anything_owes_nothing(checker: scopes.Scope) -> None:
    with scopes.acting(checker):
        assert list(expected(COUNTY, date(2030, 1, 1))) == []
    assert round_(date(2030, 1, 1))["late"] == 0


def test_1_1_a_dataset_never_sent_is_due_from_the_places_first_file(checker: scopes.Scope) -> None:
    now = datetime(2022, 11, 28, 9, tzinfo=CHINA)
    came(checker, now)
    with scopes.acting(checker):
        row = next(row for row in expected(COUNTY, now.date()) if row.contract.code == "disability")
    assert (row.last, row.due, row.state) == (None, now.date() + timedelta(days=CONTRACTS["disability"].freshness_days), "never")


def test_1_1_what_a_level_above_receives_the_county_does_not_owe(checker: scopes.Scope) -> None:
    now = datetime(2022, 11, 28, 9, tzinfo=CHINA)
    city = officer(Duty.DATA_CHECKER, CITY)
    came(city, now)
    paid = f"姓名,身份证号,养老类别,月份,金额\n王建国,{citizen('41012219500203101')},城乡居民,2022-10,103\n"
    assert came(checker, now, text=paid, dataset="pensions").state == Delivery.State.ACCEPTED
    row = deaths_at(COUNTY, date(2023, 12, 1), checker)
    assert (row.state, row.late, row.last.area if row.last else "") == ("above", False, CITY)
    round_(date(2023, 12, 1))
    assert [todo.area for todo in todos()] == [CITY], "late at the city alone"


def test_1_1_another_countys_delivery_counts_nothing_here(checker: scopes.Scope) -> None:
    now = datetime(2022, 11, 28, 9, tzinfo=CHINA)
    came(checker, now)
    other = officer(Duty.DATA_CHECKER, OTHER)
    with scopes.acting(other):
        assert list(expected(COUNTY, date(2023, 12, 1))) == []
    round_(date(2023, 12, 1))
    came(other, now + timedelta(days=390), number=3)
    assert len(todos(done_at__isnull=True)) == 1


def test_1_1_contacts_are_kept_by_place_and_two_officers_do_not_overwrite_each_other(checker: scopes.Scope) -> None:
    now = datetime(2022, 11, 28, 9, tzinfo=CHINA)
    given: dict[str, Any] = {"area": COUNTY, "department": DEPARTMENT, "now": now}
    with scopes.acting(checker):
        count = services.set_contact(contact="王工", version=0, **given)
        assert count == sum(contract.department_zh == DEPARTMENT for contract in CONTRACTS.values())
        with pytest.raises(ValidationError, match="刚刚改动"):
            services.set_contact(contact="李工", version=0, **given)
        assert set(DeliveryPlan.objects.values_list("contact", flat=True)) == {"王工"}
        for wrong in ({"department": "没有"}, {"area": OTHER}, {"contact": "长" * 81}):
            with pytest.raises(ValidationError):
                services.set_contact(**({"contact": "王工", "version": 2 * count} | given | wrong))
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, "410122101")), pytest.raises(PermissionDenied):
        services.set_contact(contact="王工", version=0, **given)
    with scopes.acting(officer(Duty.DATA_CHECKER, OTHER)):
        assert not DeliveryPlan.objects.exists()


@pytest.mark.parametrize(
    "attack",
    ["delete from discovery_deliveryplan", "update discovery_deliveryplan set dataset = 'x'", "update discovery_deliveryplan set area = '41'"],
)
def test_a_plan_keeps_its_place_and_dataset(checker: scopes.Scope, attack: str) -> None:
    with scopes.acting(checker):
        services.set_contact(area=COUNTY, department=DEPARTMENT, contact="王工", version=0, now=datetime(2022, 11, 28, tzinfo=CHINA))
        with connection.cursor() as cursor, pytest.raises(DatabaseError), transaction.atomic():
            cursor.execute(attack)


def test_1_1_pages_show_what_is_due_what_came_and_why_rows_went_back(checker: scopes.Scope, django_assert_max_num_queries: Any) -> None:
    now = datetime(2022, 11, 28, 9, tzinfo=CHINA)
    rows = [citizen(f"41012219500203{number:03}") for number in range(10)]
    text = "姓名,身份证号,死亡日期,死亡原因\n" + "".join(
        f"王建国,{number},{'不详' if at == 0 else '2022-11-03'},疾病\n" for at, number in enumerate(rows)
    )
    came(checker, now, text=text)
    browser = client_of(checker)
    with time_machine.travel(now + timedelta(days=DAYS + 5), tick=False):
        with django_assert_max_num_queries(20):
            page = browser.get("/deliveries/departments/").content.decode()
        assert DEPARTMENT in page and "逾期未报" in page
        page = browser.get(f"/deliveries/departments/{DEPARTMENT}/").content.decode()
        assert "“死亡日期”" in page and "下载退回清单" in page and "逾期未报" in page
        changed = browser.post(f"/deliveries/departments/{DEPARTMENT}/contact/", {"contact": "王工 0371", "version": 0})
        assert changed.status_code == 302 and "王工 0371" in browser.get(f"/deliveries/departments/{DEPARTMENT}/").content.decode()
        stale = browser.post(f"/deliveries/departments/{DEPARTMENT}/contact/", {"contact": "李工", "version": 0})
        assert stale.status_code == 422 and "刚刚改动" in stale.content.decode()
    browser = client_of(checker)
    for path in (
        "/deliveries/departments/?area=410724",
        "/deliveries/departments/?area=41",
        "/deliveries/departments/?area=x",
        "/deliveries/departments/没有/",
    ):
        assert browser.get(path).status_code == 404
    city = client_of(officer(Duty.DATA_CHECKER, CITY)).get("/deliveries/departments/").content.decode()
    assert f"?area={COUNTY}" in city


def test_1_1_the_contract_goes_to_the_department_as_page_workbook_and_schema(checker: scopes.Scope) -> None:
    browser = client_of(checker)
    with scopes.acting(checker):
        services.set_contact(area=COUNTY, department=DEPARTMENT, contact="王工 0371", version=0, now=datetime(2022, 11, 28, tzinfo=CHINA))
    page = browser.get("/contracts/deaths/").content.decode()
    assert all(header in page for header in CONTRACTS["deaths"].headers) and CONTRACTS["deaths"].legal_basis in page
    handout = b"".join(browser.get("/contracts/deaths/handout/").streaming_content)  # type: ignore[attr-defined]
    book = CalamineWorkbook.from_filelike(io.BytesIO(handout))
    assert ["联系人", "王工 0371"] in book.get_sheet_by_name("说明").to_python()
    schema = json.loads(b"".join(browser.get("/contracts/deaths/schema/").streaming_content))  # type: ignore[attr-defined]
    assert [field["name"] for field in schema["fields"]] == [each.header_zh for each in (*CONTRACTS["deaths"].columns, *CONTRACTS["deaths"].linking)]
    assert [browser.get(f"/contracts/cars/{part}").status_code for part in ("", "handout/", "schema/")] == [404] * 3
    assert client_of(officer(Duty.VISITOR, "410122101201")).get("/contracts/deaths/handout/").status_code == 403


def test_1_1_the_workbook_filled_in_comes_back_as_a_delivery(checker: scopes.Scope, tmp_path: Path) -> None:
    empty, path = tmp_path / "模板.xlsx", tmp_path / "死亡.xlsx"
    write_handout(CONTRACTS["deaths"], empty)
    cells = zip("ABCD", ("王建国", citizen("41012219500203101"), "2022-11-03", "疾病"), strict=True)
    row = "".join(f'<c r="{column}2" t="inlineStr"><is><t>{text}</t></is></c>' for column, text in cells)
    with zipfile.ZipFile(empty) as before, zipfile.ZipFile(path, "w") as after:  # a row is typed into its last sheet
        for name in before.namelist():
            part = before.read(name)
            after.writestr(
                name, part.replace(b"</sheetData>", f'<row r="2">{row}</row></sheetData>'.encode()) if name.endswith("sheet3.xml") else part
            )
    with scopes.acting(checker):
        delivery, _new = services.deliver(path=path, dataset="deaths", area=COUNTY, now=datetime(2022, 11, 28, 9, tzinfo=CHINA))
    assert (delivery.state, delivery.accepted, delivery.rejected, delivery.reason) == ("accepted", 1, 0, "")
