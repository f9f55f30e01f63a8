"""Layouts of one-card files (财政“一卡通”、银行代发文件), declared: fields, order, codes, encoding, control totals.

A layout is written and read back by the same declaration. Text that a spreadsheet would run as a formula gets an apostrophe in
front (`'=1+1`), which the reader takes off again. GBK is written as GB18030, its superset: rare characters of names are kept.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xlsxwriter
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.payments.services import content

EXCEL_ROWS = 1_000_000
KIND_NAMES = {"regular": "当月", "back": "补发", "reissue": "重新发放", "setoff": "抵扣", "grant": "一次性"}


@dataclass(frozen=True)
class Batch:
    """What a file says of the whole: payroll number, month, lines, amount (yuan), unit (county code), the day it is made."""

    number: str
    month: date
    lines: int
    amount: Decimal
    unit: str
    made_on: date


@dataclass(frozen=True)
class Field:
    """One column: its title, and how its strings come from a table of lines (`content.tables_of`)."""

    title: str
    of: Callable[[pa.Table], pa.Array]
    text: bool = False
    amount: bool = False


@dataclass(frozen=True)
class Layout:
    """One layout. `summary` gives the control totals: rows of cells before the lines."""

    code: str
    label: str | Promise
    suffix: str
    encoding: str
    separator: str
    fields: tuple[Field, ...]
    summary: Callable[[Batch], list[list[str]]]
    titles: bool = True


def _plain(name: str) -> Callable[[pa.Table], pa.Array]:
    return lambda table: pc.fill_null(content._strings(table[name]), "")


def _number(name: str) -> Callable[[pa.Table], pa.Array]:
    return lambda table: pc.fill_null(content.opened(table[name]), "")


def _coded(name: str, codes: dict[str, str]) -> Callable[[pa.Table], pa.Array]:
    def find(table: pa.Table) -> pa.Array:
        column = content._strings(table[name])
        positions = pc.index_in(column, pa.array(list(codes)))
        return pc.coalesce(pa.array(list(codes.values())).take(positions), column)

    return find


def _fixed(value: str) -> Callable[[pa.Table], pa.Array]:
    return lambda table: pa.repeat(pa.scalar(value), table.num_rows)


# Programme codes of the one-card platform differ by finance bureau; these are ours until a bureau gives its own.
PROGRAMME_CODES = {
    "dibao": "101",
    "dibao_single": "102",
    "tekun": "103",
    "orphan": "104",
    "unsupported_child": "105",
    "disability_living": "201",
    "disability_nursing": "202",
    "temporary": "301",
    "price_subsidy": "302",
    "funeral": "303",
}
SHEET_FIELDS = (
    Field("序号", _plain("serial")),
    Field("项目编码", _coded("programme", PROGRAMME_CODES)),
    Field("所属月份", _plain("month")),
    Field("保障对象姓名", _plain("beneficiary_name"), text=True),
    Field("保障对象身份证号", _number("beneficiary"), text=True),
    Field("领款人姓名", _plain("payee_name"), text=True),
    Field("领款人身份证号", _number("payee"), text=True),
    Field("账号", _number("account"), text=True),
    Field("开户行代码", _plain("bank"), text=True),
    Field("金额", lambda table: content.yuan(table["fen"]), amount=True),
    Field("行政区划代码", _plain("area"), text=True),
    Field("乡镇代码", lambda table: pc.utf8_slice_codeunits(content._strings(table["area"]), 0, 9), text=True),
    Field("家庭编号", _plain("household"), text=True),
    Field("备注", _coded("kind", KIND_NAMES), text=True),
    Field("明细编号", _plain("id")),
)


def _sheet_summary(batch: Batch) -> list[list[str]]:
    return [["批次号", batch.number, "发放月份", f"{batch.month:%Y%m}", "总笔数", str(batch.lines), "总金额", f"{batch.amount:.2f}"]]


LAYOUTS: dict[str, Layout] = {
    layout.code: layout
    for layout in (
        Layout("one_card_csv", gettext_lazy("一卡通发放表（CSV）"), "csv", "utf-8-sig", ",", SHEET_FIELDS, _sheet_summary),
        Layout("one_card_xlsx", gettext_lazy("一卡通发放表（Excel）"), "xlsx", "utf-8", "", SHEET_FIELDS, _sheet_summary),
        Layout(
            "bank_batch",
            gettext_lazy("银行代发文件（竖线分隔）"),
            "txt",
            "gb18030",
            "|",
            (
                Field("机构号", _plain("bank")),
                Field("户名", _plain("payee_name")),
                Field("金额", lambda table: content.yuan(table["fen"]), amount=True),
                Field("账号", _number("account")),
                Field("单位编号", lambda table: pc.utf8_slice_codeunits(content._strings(table["area"]), 0, 6)),
                Field("证件类型", _fixed("0")),
                Field("证件号码", _number("payee")),
                Field("当日次数", _plain("times")),
            ),
            lambda batch: [[batch.number, "D", f"{batch.made_on:%Y%m%d}", batch.unit, "CNY", "JZ", str(batch.lines), f"{batch.amount:.2f}"]],
            titles=False,
        ),
    )
}


def _safe(column: pa.Array) -> pa.Array:
    risky = pc.match_substring_regex(column, r"^[=+\-@\t\r']")
    return pc.if_else(risky, pc.binary_join_element_wise("'", column, ""), column)


def _cells(layout: Layout, table: pa.Table, start: int) -> list[pa.Array]:
    table = table.append_column("serial", pa.array(np.arange(start + 1, start + 1 + table.num_rows)))
    columns = [content._strings(field.of(table)) for field in layout.fields]
    if layout.separator == "|":
        # nothing of a name may end a field or a record
        return [pc.replace_substring(column, "|", " ") for column in columns]
    return [_safe(column) if field.text else column for field, column in zip(layout.fields, columns, strict=True)]


def write(layout: Layout, batch: Batch, tables: Iterable[pa.Table], out: BinaryIO) -> None:
    """Write the file of a batch. Raises ValidationError where a sheet would not hold the lines."""
    if layout.suffix == "xlsx":
        if batch.lines > EXCEL_ROWS:
            raise ValidationError(_("Excel 表最多 1,000,000 行，本批 %(lines)s 笔；请改用 CSV。") % {"lines": f"{batch.lines:,}"})
        _write_xlsx(layout, batch, tables, out)
        return
    head = io.StringIO()
    if layout.separator == "|":
        head.writelines("|".join(row) + "\n" for row in layout.summary(batch))
    else:
        csv.writer(head, lineterminator="\r\n").writerows(
            [*layout.summary(batch), *([[field.title for field in layout.fields]] if layout.titles else [])]
        )
    out.write(head.getvalue().encode(layout.encoding))
    done = 0
    for table in tables:
        columns = _cells(layout, table, done)
        if layout.separator != "|":
            columns = [
                pc.binary_join_element_wise('"', pc.replace_substring(column, '"', '""'), '"', "") if field.text else column
                for field, column in zip(layout.fields, columns, strict=True)
            ]
        joined = pc.binary_join_element_wise(*columns, layout.separator)
        data = content._joined(joined, "\n" if layout.separator == "|" else "\r\n")
        out.write(data if layout.encoding.startswith("utf-8") else data.decode().encode(layout.encoding))
        done += table.num_rows


def _write_xlsx(layout: Layout, batch: Batch, tables: Iterable[pa.Table], out: BinaryIO) -> None:
    book = xlsxwriter.Workbook(out, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False})
    # the same lines give the same bytes
    book.set_properties({"created": datetime(batch.made_on.year, batch.made_on.month, batch.made_on.day, tzinfo=UTC).replace(tzinfo=None)})
    sheet = book.add_worksheet("发放表")
    bold, yuan = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.00"})
    at = 0
    for row in [*layout.summary(batch), [field.title for field in layout.fields]]:
        for column, cell in enumerate(row):
            sheet.write_string(at, column, cell, bold)
        at += 1
    sheet.freeze_panes(at, 0)
    done = 0
    for table in tables:
        columns = [column.to_pylist() for column in _cells(layout, table, done)]
        for cells in zip(*columns, strict=True):
            for column, cell in enumerate(cells):
                if layout.fields[column].amount:
                    sheet.write_number(at, column, float(cell), yuan)
                else:
                    sheet.write_string(at, column, cell)
            at += 1
        done += table.num_rows
    book.close()


@dataclass(frozen=True)
class ReadBack:
    """A file as our own parser reads it: its control totals and its rows by the titles of the layout."""

    number: str
    lines: int
    amount: Decimal
    rows: list[dict[str, str]]


def read(layout: Layout, data: bytes) -> ReadBack:
    """Read a file of this layout back, and hold it against its own control totals. Raises ValueError where they differ."""
    rows = list(_raw_rows(layout, data))
    titles = [field.title for field in layout.fields]
    summary, body = rows[0], rows[2:] if layout.titles else rows[1:]
    if layout.titles and rows[1] != titles:
        raise ValueError("the titles are not those of the layout")
    number, lines, amount = (summary[0], summary[6], summary[7]) if layout.separator == "|" else (summary[1], summary[5], summary[7])
    found = [
        {title: cell[1:] if layout.separator != "|" and cell.startswith("'") else cell for title, cell in zip(titles, row, strict=True)}
        for row in body
    ]
    total = sum((Decimal(row["金额"]) for row in found), Decimal("0.00"))
    if len(found) != int(lines) or total != Decimal(amount):
        raise ValueError(f"{len(found)} lines of {total} yuan, the summary says {lines} of {amount}")
    return ReadBack(number, int(lines), Decimal(amount), found)


def _raw_rows(layout: Layout, data: bytes) -> Iterator[list[str]]:
    if layout.suffix == "xlsx":
        from python_calamine import CalamineWorkbook

        def text(cell: Any) -> str:
            return f"{cell:.2f}" if isinstance(cell, float) else str(cell)

        for row in CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python():
            cells = [text(cell) for cell in row]
            yield cells
    elif layout.separator == "|":
        for line in data.decode(layout.encoding).splitlines():
            yield line.split("|")
    else:
        yield from csv.reader(io.StringIO(data.decode(layout.encoding), newline=""))
