"""Import of people and households: preview, all or nothing, hostile files."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import client_of, officer
from doudi.registry import sheets
from doudi.registry.models import Household, Membership, Person
from doudi.registry.services import importing
from doudi.registry.tests.helpers import ELSEWHERE, NOW, ON, VILLAGE, household, id_number

HEADERS = [column.header_zh for column in sheets.COLUMNS]


def _line(**cells: str) -> list[str]:
    values = {"household": "1", "village": VILLAGE, "residence": "农村", "relationship": "户主", "name": "周大山", "id_number": id_number(), **cells}
    return [values.get(column.name, "") for column in sheets.COLUMNS]


def _csv(lines: list[list[str]], path: Path, encoding: str = "utf-8-sig") -> Path:
    path.write_bytes("\r\n".join(",".join(line) for line in [HEADERS, *lines]).encode(encoding))
    return path


def _wife(**cells: str) -> list[str]:
    return _line(**{"relationship": "配偶", "name": "吴小英", "id_number": id_number(male=False), "residence": "", **cells})


@pytest.fixture
def township(db: None) -> scopes.Scope:
    return officer(Duty.TOWNSHIP_OFFICER, "410122001")


def _import(path: Path, *, update: bool = False) -> dict[str, int]:
    return importing.import_file(path=path, update=update, on=ON, now=NOW)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_households_come_in_whole_with_their_members(township: scopes.Scope, tmp_path: Path, encoding: str) -> None:
    path = _csv(
        [_line(phone="13800005678", bank="中国邮政储蓄银行", account="12345678"), _wife(), _line(household="2", name="𠮷安")],
        tmp_path / "a.csv",
        encoding,
    )
    with scopes.acting(township):
        assert importing.plan(path, on=ON).figures() == {"rows": 3, "wrong": 0, "households": 2, "people": 3, "known": 0, "updates": 0}
        assert not Person.objects.exists()
        assert _import(path) == {"rows": 3, "households": 2, "people": 3, "updates": 0}
        assert Membership.objects.count() == 3 and Person.objects.get(name="周大山").initials == "zds"
        again = importing.plan(path, on=ON).figures()
        assert (again["households"], again["people"], again["known"]) == (0, 0, 3)
        assert _import(path) == {"rows": 3, "households": 0, "people": 0, "updates": 0}
        assert Household.objects.count() == 2 and Membership.objects.count() == 3


def test_the_template_comes_back_as_a_good_file(township: scopes.Scope, tmp_path: Path) -> None:
    path = tmp_path / "filled.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for row, line in enumerate([HEADERS, _line(), _wife(), [""] * len(HEADERS)]):
            for at, cell in enumerate(line):
                sheet.write_string(row, at, cell)
    with scopes.acting(township):
        assert _import(path)["people"] == 2
    blank = tmp_path / "template.xlsx"
    blank.write_bytes(sheets.template())
    with scopes.acting(township), pytest.raises(ValidationError):
        importing.plan(blank, on=ON)


def test_one_bad_row_keeps_the_whole_file_out_and_says_row_field_reason_and_next_step(township: scopes.Scope, tmp_path: Path) -> None:
    number = id_number()
    bad = number[:17] + ("0" if number[17] != "0" else "1")
    lines = [
        _line(), _line(household="2", name="钱二", id_number=bad), _wife(household="3"), _line(household="4", name="孙四", village="999999999999"),
        _line(household="5", name="李五", village=ELSEWHERE), _line(household="6", name="赵六", relationship="朋友"), _line(household="7", name="周七", sex="女"),
        _line(household="8", name="吴八", birth_date="昨天"), _line(household="9", name="郑九", account="12345678"), _line(household="", name="王十"),
        _line(household="11", name="=cmd|'/c calc'!A1"),
    ]  # fmt: skip
    path = _csv(lines, tmp_path / "a.csv")
    with scopes.acting(township):
        plan = importing.plan(path, on=ON)
        said = "\n".join(text for row in plan.errors for text in row.said())
        assert [row.number for row in plan.errors] == list(range(3, 13))
        assert f"第 3 行“身份证号”校验位不正确，应为 {number[17]}" in said or f"应为 {number[17]}" in said
        for words in (
            "第 4 行“与户主关系”",
            "第 5 行“村代码”",
            "不在您的管辖范围内",
            "国家标准用语",
            "第 8 行“性别”",
            "第 9 行“出生日期”",
            "第 10 行“开户银行”",
            "第 11 行“家庭编号”",
            "公式",
        ):
            assert words in said, words
        with pytest.raises(importing.ImportRefused):
            _import(path)
        assert not Person.objects.exists() and not Household.objects.exists()
        back = tmp_path / "back.xlsx"
        back.write_bytes(sheets.returned(plan.errors))
        assert zipfile.is_zipfile(back) and b"<f>" not in b"".join(zipfile.ZipFile(back).read(n) for n in zipfile.ZipFile(back).namelist())


def test_a_number_managed_elsewhere_keeps_everything_out(committed_db: None, tmp_path: Path) -> None:
    number = id_number()
    household(officer(Duty.TOWNSHIP_OFFICER, "410102001"), area=ELSEWHERE, name="周大山", id_number=number)
    township = officer(Duty.TOWNSHIP_OFFICER, "410122001")
    path = _csv([_line(household="2", name="孙子", id_number=id_number()), _line(id_number=number)], tmp_path / "a.csv")
    with scopes.acting(township):
        with pytest.raises(importing.ImportRefused) as caught:
            _import(path)
        assert "由其他地区管理" in caught.value.plan.errors[0].said()[0]
        assert not Person.objects.exists() and not Household.objects.exists()


def test_known_people_are_matched_by_number_and_updated_only_when_asked(township: scopes.Scope, tmp_path: Path) -> None:
    number = id_number()
    household(township, name="周大山", id_number=number, phone="13800005678")
    path = _csv([_line(id_number=number, phone="13900005678"), _wife()], tmp_path / "a.csv")
    with scopes.acting(township):
        assert importing.plan(path, on=ON).figures()["updates"] == 1
        assert _import(path) == {"rows": 2, "households": 0, "people": 1, "updates": 0}
        assert numbers.plain(Person.objects.get(name="周大山").phone) == "13800005678"
        _import(path, update=True)
        person = Person.objects.get(name="周大山")
        assert numbers.plain(person.phone) == "13900005678" and person.version == 2
        wrong = _csv([_line(id_number=number, name="周小山")], tmp_path / "b.csv")
        assert "已登记的姓名" in importing.plan(wrong, on=ON).errors[0].said()[0]


def test_a_member_of_another_household_must_leave_it_first(township: scopes.Scope, tmp_path: Path) -> None:
    number = id_number(male=False)
    household(township, members=[{"relationship": "10", "name": "吴小英", "id_number": number}])
    with scopes.acting(township):
        plan = importing.plan(_csv([_line(), _wife(id_number=number)], tmp_path / "a.csv"), on=ON)
        assert "办理离开" in plan.errors[0].said()[0]


def test_the_same_number_twice_in_a_file_and_two_heads_are_errors(township: scopes.Scope, tmp_path: Path) -> None:
    number = id_number()
    with scopes.acting(township):
        plan = importing.plan(_csv([_line(id_number=number), _line(household="2", id_number=number)], tmp_path / "a.csv"), on=ON)
        assert "与第 2 行重复" in plan.errors[0].said()[0]
        plan = importing.plan(_csv([_line(), _line(name="钱二")], tmp_path / "b.csv"), on=ON)
        assert "2 名户主" in plan.errors[0].said()[0]


def _bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 50_000_000)
        archive.writestr("[Content_Types].xml", b"<x/>")
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b""), ("a.csv", b"\xff\xfe\x00\x01"), ("a.csv", b"MZ\x00"), ("a.xls", b"\xd0\xcf\x11\xe0"), ("a.exe", b"MZ"), ("a.xlsx", b"PK\x03\x04"),
        ("a.xlsx", _bomb()), ("a.csv", b"a," * 1_000_000), ("a.csv", "姓名,住址\n王,x\n".encode()), ("a.csv", b"\xa1\xa1\xff" * 100), ("a.xlsx", b"not a zip"),
    ],
    ids=range(11),
)  # fmt: skip
def test_hostile_files_are_refused_in_words(township: scopes.Scope, tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with scopes.acting(township), pytest.raises(ValidationError) as caught:
        importing.plan(path, on=ON)
    assert any(char >= "\u4e00" for char in str(caught.value))


@pytest.mark.django_db(transaction=True)
def test_the_pages_lead_from_template_to_import_and_only_the_own_file(committed_db: None, tmp_path: Path, settings: Any) -> None:
    settings.HOME = tmp_path
    township = officer(Duty.TOWNSHIP_OFFICER, "410122001")
    client = client_of(township)
    assert client.get("/import/template/").content[:2] == b"PK" and client.get("/import/").status_code == 200
    content = _csv([_line(), _wife()], tmp_path / "a.csv").read_bytes()
    answer = client.post("/import/", {"file": SimpleUploadedFile("a.csv", content)})
    assert answer.status_code == 302
    page = client.get(answer["Location"]).content.decode()
    assert "新登记人员" in page and "不合格的行</h2>" not in page
    kept = list((tmp_path / "imports").iterdir())
    assert len(kept) == 1 and "周大山".encode() not in kept[0].read_bytes()
    other = client_of(officer(Duty.TOWNSHIP_OFFICER, "410122001"))
    assert other.get(answer["Location"]).status_code == 302 and other.post(answer["Location"] + "run/").status_code == 302
    with scopes.acting(township):
        assert not Person.objects.exists()
    assert client.post(answer["Location"] + "run/").status_code == 302
    client.post(answer["Location"] + "run/")
    with scopes.acting(township):
        assert Person.objects.count() == 2
    assert not list((tmp_path / "imports").iterdir())
    bad = _csv([_line(id_number="123")], tmp_path / "b.csv").read_bytes()
    answer = client.post("/import/", {"file": SimpleUploadedFile("b.csv", bad)})
    assert "下载退回表" in client.get(answer["Location"]).content.decode()
    assert client.get(answer["Location"] + "?returned=1").content[:2] == b"PK"
    assert client.post("/import/", {}).status_code == 422
    assert client_of(officer(Duty.VISITOR, VILLAGE)).get("/import/").status_code == 403
    assert Client().get("/import/").status_code == 302


def test_statements_do_not_grow_with_the_rows(township: scopes.Scope, tmp_path: Path, django_assert_max_num_queries: Any) -> None:
    lines = [_line(household=str(n), name=f"周{chr(0x4E00 + n)}", id_number=id_number(date(1955, 1, 1 + n % 28))) for n in range(120)]
    with scopes.acting(township), django_assert_max_num_queries(25):
        assert _import(_csv(lines, tmp_path / "a.csv"))["people"] == 120
