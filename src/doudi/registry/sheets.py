"""The sheet in which people and households come in (批量导入): its columns, its template, reading it, returning it with reasons."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import xlsxwriter

from doudi.batch.datasets import Column, Contract
from doudi.batch.reading import DeliveryRefused, open_delivery, read_rows
from doudi.registry.codes import BANKS, ETHNICITIES
from doudi.registry.services.households import HEAD

MOST_ROWS = 20_000
LARGEST = 20 * 1024 * 1024
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
LABELS = {column.name: column.header_zh for column in COLUMNS}
BANK_CODES = {**{code: code for code in BANKS}, **{name: code for code, name in BANKS.items()}}
ETHNICITY_CODES = {**{code: code for code in ETHNICITIES}, **{name: code for code, name in ETHNICITIES.items()}}
ETHNICITY_CODES |= {name.removesuffix("族"): code for code, name in ETHNICITIES.items()}
RESIDENCES = {"城市": "urban", "城镇": "urban", "非农业": "urban", "农村": "rural", "农业": "rural", "urban": "urban", "rural": "rural"}
SEXES = {"男": "1", "女": "2", "男性": "1", "女性": "2", "1": "1", "2": "2"}


@dataclass
class Row:
    """A row of the sheet: its number as the officer sees it, its cells by column name, what is wrong with it."""

    number: int
    cells: dict[str, str]
    errors: list[tuple[str, str]] = field(default_factory=list)

    def wrong(self, column: str, reason: str) -> None:
        """`reason` with its next step; shown as 第 12 行“身份证号”……"""
        self.errors.append((column, reason))

    def said(self) -> list[str]:
        return [
            f"第 {self.number} 行“{LABELS.get(column, column)}”{reason}" if column else f"第 {self.number} 行：{reason}"
            for column, reason in self.errors
        ]

    @property
    def is_head(self) -> bool:
        return self.cells["relationship"] in ("户主", "本人", HEAD)


def parse_day(text: str) -> date | None:
    """1960-05-04, 1960/5/4, 1960年5月4日, 19600504, or Excel's own number; None for what is no day."""
    text = text.strip().split(" ")[0]
    if text.isascii() and text.isdigit() and len(text) == 5:
        return date(1899, 12, 30) + timedelta(days=int(text))
    digits = text.replace("年", "-").replace("月", "-").replace("日", "").replace("/", "-").replace(".", "-")
    for form in ("%Y-%m-%d", "%Y%m%d"):
        try:
            return datetime.strptime(digits, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None


def read(path: Path) -> tuple[str, list[Row]]:
    """(SHA-256, rows without blank ones). Raises DeliveryRefused for hostile, broken, too large and empty files and for missing columns."""
    if path.stat().st_size > LARGEST:
        raise DeliveryRefused(f"文件超过 {LARGEST >> 20} MB；请分批导入")
    opened = open_delivery(path, CONTRACT)
    rows: list[Row] = []
    for batch in read_rows(opened):
        formulas = {(number, at) for at, numbers in batch.formulas.items() for number in numbers}
        for number, cells in zip(batch.numbers.tolist(), batch.cells.iter_rows(), strict=True):
            texts = ["" if cell is None else str(cell).strip(" \t\r\n\u3000\u00a0\ufeff") for cell in cells]
            if not any(texts) or texts == opened.titles:
                continue
            row = Row(number, dict.fromkeys(LABELS, ""))
            for at, column in enumerate(opened.columns):
                if column is None:
                    continue
                row.cells[column.name] = texts[at]
                if (number, at) in formulas:
                    row.wrong(column.name, "是公式；请复制后以“数值”粘贴，再重新上传")
                elif texts[at][:1] in ("=", "+", "-", "@") or len(texts[at]) > 200:
                    row.wrong(column.name, "以公式符号开头或超过 200 字；请改为普通文字后重新上传")
            rows.append(row)
            if len(rows) > MOST_ROWS:
                raise DeliveryRefused(f"超过 {MOST_ROWS} 行；请分批导入")
        for number, reason, original in batch.broken:
            rows.append(Row(number, {**dict.fromkeys(LABELS, ""), "name": "，".join(original)[:200]}, [("", f"{reason}；请核对后重新上传")]))
    if not rows:
        raise DeliveryRefused("表头以下没有数据；请核对后重新上传")
    return opened.sha256, sorted(rows, key=lambda row: row.number)


def template() -> bytes:
    """The template as a workbook: headers with notes, text format, an example sheet."""
    out = BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        text, head = book.add_format({"num_format": "@"}), book.add_format({"bold": True, "bg_color": "#E8F1FD", "border": 1})
        sheet = book.add_worksheet("家庭和人员")
        for at, column in enumerate(COLUMNS):
            sheet.set_column(at, at, 22 if column.name in ("id_number", "account", "address") else 14, text)
            sheet.write_string(0, at, column.header_zh, head)
            if column.name in NOTES:
                sheet.write_comment(0, at, NOTES[column.name])
        place = {column.name: position for position, column in enumerate(COLUMNS)}
        for name, choices in (("residence", ["城市", "农村"]), ("sex", ["男", "女"])):
            sheet.data_validation(1, place[name], MOST_ROWS, place[name], {"validate": "list", "source": choices})
        sheet.freeze_panes(1, 0)
        notes = book.add_worksheet("填写说明")
        notes.set_column(0, 0, 16)
        notes.set_column(1, 1, 80)
        for line, column in enumerate(COLUMNS):
            notes.write_string(line, 0, column.header_zh + ("（必填）" if column.required and column.name != "id_number" else ""))
            notes.write_string(line, 1, NOTES.get(column.name, ""))
    return out.getvalue()


def returned(rows: Iterable[Row]) -> bytes:
    """The bad rows as a workbook: row number, reasons, the original cells; can be mended and uploaded again."""
    out = BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
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
