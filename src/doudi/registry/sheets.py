"""The sheet in which people and households come in (批量导入): its columns, its template, reading it, returning it with reasons."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import xlsxwriter

from doudi.batch.datasets import Column, Contract
from doudi.core import sheets
from doudi.core.sheets import Row, Table
from doudi.registry.codes import BANKS, ETHNICITIES
from doudi.registry.services.households import HEAD

NOTES = {
    "household": "同一家庭填相同的编号，如 1、2、3；只在本表内使用",
    "village": "村（社区）区划代码 12 位",
    "relationship": "户主，或 GB/T 4761 的用语：配偶、子、女、父亲、母亲……每户一名户主",
    "id_number": "18 位（旧号 15 位）；本列须为文本格式；没有的留空并填出生日期、性别",
    "birth_date": "有身份证号的可不填；如 1960-05-04",
    "residence": "城市或农村，填在户主一行",
    "ethnicity": "如 汉族、回族；不填视为汉族",
    "bank": "如 " + "、".join(list(BANKS.values())[:3]),
}
COLUMNS = (
    Column("household", "家庭编号", required=True, aliases=("户编号", "户序号")),
    Column("village", "村代码", required=True, aliases=("村（社区）代码", "区划代码")),
    Column("residence", "户口性质"),
    Column("address", "住址", aliases=("家庭住址",)),
    Column("relationship", "与户主关系", required=True),
    Column("name", "姓名", required=True),
    Column("id_number", "身份证号", required=True, aliases=("身份证号码", "公民身份号码")),
    Column("birth_date", "出生日期"),
    Column("sex", "性别"),
    Column("ethnicity", "民族"),
    Column("phone", "联系电话", aliases=("手机号", "电话")),
    Column("bank", "开户银行"),
    Column("account", "银行账号", aliases=("银行卡号",)),
)
CONTRACT = Contract(
    code="registry_import",
    name_zh="家庭和人员表",
    department_zh="民政",
    columns=COLUMNS,
    key=("id_number",),
    legal_basis="国务院令第649号《社会救助暂行办法》",
)
LAYOUT = sheets.Layout(CONTRACT, most=20_000, largest=20 * 1024 * 1024, notes=NOTES)
BANK_CODES = {**{code: code for code in BANKS}, **{name: code for code, name in BANKS.items()}}
ETHNICITY_CODES = {**{code: code for code in ETHNICITIES}, **{name: code for code, name in ETHNICITIES.items()}}
ETHNICITY_CODES |= {name.removesuffix("族"): code for code, name in ETHNICITIES.items()}
RESIDENCES = {"城市": "urban", "城镇": "urban", "非农业": "urban", "农村": "rural", "农业": "rural", "urban": "urban", "rural": "rural"}
SEXES = {"男": "1", "女": "2", "男性": "1", "女性": "2", "1": "1", "2": "2"}
HEADS = ("户主", "本人", HEAD)


def read(path: Path) -> Table:
    """The rows without blank ones. Raises ValidationError for a file that cannot be read as this sheet."""
    return sheets.read_table(path, LAYOUT)


def template() -> bytes:
    """The template as a workbook: headers with notes, text format, a page that explains every column."""
    choices = {"residence": ["城市", "农村"], "sex": ["男", "女"]}
    return sheets.template("家庭和人员", LAYOUT, choices=choices, wide=("id_number", "account", "address"), more=_explained)


def _explained(book: xlsxwriter.Workbook) -> None:
    notes = book.add_worksheet("填写说明")
    notes.set_column(0, 0, 16)
    notes.set_column(1, 1, 80)
    for line, column in enumerate(COLUMNS):
        notes.write_string(line, 0, column.header_zh + ("（必填）" if column.required and column.name != "id_number" else ""))
        notes.write_string(line, 1, NOTES.get(column.name, ""))


def returned(rows: Iterable[Row]) -> bytes:
    """The bad rows as a workbook: row number, reasons, the original cells; can be mended and uploaded again."""
    out = BytesIO()
    with sheets.workbook(out) as book:
        sheet = book.add_worksheet("退回")
        sheet.set_column(0, 0, 8)
        sheet.set_column(1, 1, 60)
        for at, title in enumerate(["行号", "原因", *[column.header_zh for column in COLUMNS]]):
            sheet.write_string(0, at, title)
        for line, row in enumerate((row for row in rows if row.errors), 1):
            sheet.write_number(line, 0, row.number)
            sheet.write_string(line, 1, "；".join(row.said()))
            for at, column in enumerate(COLUMNS, 2):
                sheet.write_string(line, at, row.cells[column.name])
        sheet.freeze_panes(1, 0)
    return out.getvalue()
