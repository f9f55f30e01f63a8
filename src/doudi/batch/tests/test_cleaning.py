"""Cleaning by column: the short way for plain texts, rows that are no data, and the sheet that goes back."""

import zipfile
from datetime import date
from xml.etree import ElementTree

import polars as pl
import pytest
import python_calamine

from doudi.batch import textsheet
from doudi.batch.cleaning import clean, clean_expressions, footers_or_blanks
from doudi.batch.datasets import Column
from doudi.batch.textsheet import TextSheet

ON = date(2022, 11, 25)
TEXTS = {
    "amount": ["0", "0.285", "0.5", "999999999.99", "1000000000", "-3", "1,234.5", "３５", "12.", "12.345", "1.2万元", "", "空", "=1", "007.10", "99.9元", "1e5"],
    "date": ["2022-10-03", "2022-02-30", "2022-11-26", "1899-12-31", "0000-00-00", "2024-02-29", "2022/10/3", "20221003", "44837", " 2022-10-03", "２０２２-10-03", ""],
    "name": ["王五", "王", "欧阳小华", "𠮷田", "㛃〇", "王 五", "王五2", "买买提·吐逊", "空", "—", "王" * 10, "王" * 11, "王" * 51, "\ue863明", "", "Ａb"],
}
TEXTS["number"] = TEXTS["amount"]


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("more", [{}, {"required": True, "minimum": 1, "unit": "万元"}, {"may_be_future": True}])
def test_plain_texts_come_out_as_by_the_long_way(kind, more):
    """Mixed, all plain, none plain: in the order of the rows, value and reason."""
    column = Column("it", "某列", kind, **more)
    both = TEXTS[kind] * 2
    for texts in (both, both[::-1], [text for text in both if text.isascii() and len(text) == 10], ["x", "", "y"], []):
        raw = pl.Series("it", texts, pl.String)
        value, reason = clean_expressions(column, ON)
        long_way = raw.to_frame().select(value.alias("it"), reason.alias("why"))
        found, why = clean(column, raw, ON)
        assert found.dtype == long_way["it"].dtype and why.dtype == pl.String
        assert found.to_list() == long_way["it"].to_list() and why.to_list() == long_way["why"].to_list()


def test_rows_that_are_no_data_are_told_by_the_whole_row():
    rows = [
        ["姓名", "身份证号", "3"],  # the header again, another column filled
        ["姓名", "身份证号 ", ""],
        ["姓名 ", "　身份证号", "单位"],
        ["", " ", "\u3000"],
        ["合 计", "", "300"],
        ["", "", "制表人：李四"],
        ["王五", "", ""],  # a person without a number is no footer
        ["合计", "410122198001010010", ""],
        [None, None, None],
        ["王五", "身份证号", ""],
    ]
    cells = pl.DataFrame(rows, schema={"c0": pl.String, "c1": pl.String, "c2": pl.String}, orient="row")
    titles = {"c0": "姓名", "c1": "身份证号"}
    assert footers_or_blanks(cells, "c1", titles).to_list() == [True, True, True, True, True, True, False, False, True, False]
    assert footers_or_blanks(cells.filter(pl.col("c0") == "合计"), "c1", titles).to_list() == [False]


def test_the_sheet_keeps_every_text_as_it_was(tmp_path, monkeypatch):
    """Formulas, tags, control characters, what looks like an escape, rare characters, more than 26 columns."""
    monkeypatch.setattr(textsheet, "_PIECE", 10)
    cells = ["=1+1", "<b>&\"'", " 前后 ", "a\x00b\x1f\ufffe", "_x0041_", "一\n二\t三", "回\r车", "𠮷\ue863", "", "x" * 2000]
    path = tmp_path / "a.xlsx"
    written = TextSheet(path, name="退回<清单>", frozen=(1, 3), widths={2: 60})
    for _row in range(3):
        written.write(cells * 3)
    written.close()
    assert path.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        parts = {name: ElementTree.fromstring(archive.read(name)) for name in archive.namelist()}
    assert len(parts) == 6
    found = python_calamine.CalamineWorkbook.from_path(path)
    assert found.sheet_names == ["退回<清单>"]
    lines = found.get_sheet_by_index(0).to_python()
    assert [len(line) for line in lines] == [30] * 3
    for at in (0, 1, 2, 5, 7, 8, 9):
        assert lines[2][at] == lines[0][20 + at] == cells[at]
    texts = [each.text or "" for each in parts["xl/worksheets/sheet1.xml"].iter("{http://schemas.openxmlformats.org/spreadsheetml/2006/main}t")]
    assert texts[3] == "a_x0000_b_x001F__xFFFE_" and texts[4] == "_x005F_x0041_" and texts[6] == "回_x000D_车"


def test_a_sheet_says_when_it_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr(textsheet, "_PIECE", 10)
    monkeypatch.setattr(textsheet, "MAX_UNPACKED", 2000)
    written = TextSheet(tmp_path / "a.xlsx", name="a", frozen=(1, 0), widths={0: 9})
    rows = 0
    while not written.full:
        written.write(["字" * 100])
        rows += 1
    written.close()
    assert 2 <= rows <= 10
    assert len(python_calamine.CalamineWorkbook.from_path(tmp_path / "a.xlsx").get_sheet_by_index(0).to_python()) == rows
