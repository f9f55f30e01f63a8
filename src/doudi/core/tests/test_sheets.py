"""Sheets that people bring: encodings, headers by other names, row errors, limits; the reader of every room."""

from datetime import date
from pathlib import Path

import pytest
import xlsxwriter
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile

from doudi.batch.datasets import Column, Contract
from doudi.core import sheets

COLUMNS = (Column("name", "姓名", required=True), Column("phone", "联系电话", required=True, aliases=("手机号",)), Column("note", "备注"))
LAYOUT = sheets.Layout(
    Contract(code="t", name_zh="名册", department_zh="民政", columns=COLUMNS, key=("name",), legal_basis="测试"), most=3, largest=12288, longest=20, notes={"note": "可不填"}
)


def written(path: Path, text: str, encoding: str) -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_any_encoding_of_the_office_and_headers_by_another_name_in_any_order_are_read(tmp_path: Path, encoding: str):
    _digest, rows = sheets.read(written(tmp_path / "a.csv", "名册\n手机号,姓名\n13800001111,　徐㛃华 \n,\n0371-62345678,阿卜杜拉·艾力\n", encoding), LAYOUT)
    assert [(row.number, row.cells["name"], row.cells["phone"], row.cells["note"]) for row in rows] == [
        (3, "徐㛃华", "13800001111", ""), (5, "阿卜杜拉·艾力", "0371-62345678", "")
    ]  # fmt: skip
    assert not any(row.errors for row in rows)


def test_formulas_and_overlong_cells_are_named_with_row_and_field_and_signed_numbers_are_none(tmp_path: Path):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        for at, title in enumerate(("姓名", "联系电话", "备注")):
            page.write_string(0, at, title)
        page.write_row(1, 0, ["王芳", "+8613800001111", "-2.5"])
        page.write_formula(2, 0, '=HYPERLINK("x")', value="张")
        page.write_string(2, 1, "@SUM(1)")
        page.write_string(2, 2, "长" * 21)
    fine, bad = sheets.read(path, LAYOUT)[1]
    assert not fine.errors
    assert [said.split("；")[0] for said in bad.said()] == [
        "第 3 行“姓名”是公式", "第 3 行“联系电话”以公式符号开头或超过 20 字", "第 3 行“备注”以公式符号开头或超过 20 字"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("姓名,手机号\n" + "王,1\n" * 4, "超过 3 行"), ("姓名,手机号\n", "没有数据"), ("姓名\n王\n", "联系电话"), ("姓名,手机号\n" + "x" * 13000, "超过 0 MB"), ("", "文件为空"),
    ],
)  # fmt: skip
def test_a_sheet_that_cannot_be_taken_whole_is_refused_in_words(tmp_path: Path, content: str, words: str):
    with pytest.raises(ValidationError, match=words):
        sheets.read(written(tmp_path / "a.csv", content, "utf-8"), LAYOUT)


def test_what_is_too_large_is_refused_before_it_is_written_down_and_nothing_stays(settings, tmp_path: Path):
    settings.HOME = tmp_path
    with pytest.raises(ValidationError), sheets.on_disk(SimpleUploadedFile("a.csv", b"x" * 13000), LAYOUT):
        pytest.fail("was taken")
    with sheets.on_disk(SimpleUploadedFile("../../a.CSV", "姓名,手机号\n王,1\n".encode()), LAYOUT) as path:
        assert path.name == "sheet.csv" and sheets.read(path, LAYOUT)[1][0].cells["name"] == "王"
    assert not list(tmp_path.iterdir())


def test_the_template_is_a_sheet_that_is_read_back(tmp_path: Path):
    path = tmp_path / "t.xlsx"
    path.write_bytes(sheets.template("名册", LAYOUT, choices={"note": ["有", "无"]}, wide=("name",)))
    with pytest.raises(ValidationError, match="没有数据"):
        sheets.read(path, LAYOUT)


@pytest.mark.parametrize(
    ("text", "day"),
    [("2024-02-29", date(2024, 2, 29)), ("2023-02-29", None), ("1960年5月4日", date(1960, 5, 4)), ("44927", date(2023, 1, 1)), ("昨天", None), ("", None)],
)
def test_days_as_people_write_them(text: str, day: date | None):
    assert sheets.parse_day(text) == day


@pytest.mark.django_db
def test_a_body_too_large_is_refused_before_a_byte_of_it_is_read(client):
    class Untouched:
        def read(self, *args: object) -> bytes:
            raise AssertionError("was read")

        readline = read

    for path, size in (("/messages/stop/", 82 << 20), ("/", 1 << 40)):
        answer = client.post(path, CONTENT_LENGTH=str(size), content_type="multipart/form-data; boundary=x", **{"wsgi.input": Untouched()})
        assert answer.status_code == 413 and "80 MB" in answer.content.decode()
