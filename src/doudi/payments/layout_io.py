"""Files of layouts: written from tables of lines, read back by the same declaration, held against their own control totals.

Text that a spreadsheet would run as a formula gets an apostrophe in front (`'=1+1`), which the reader takes off again. What cannot be
written (a character outside of the encoding, a separator within a name) is refused with the lines named; nothing is replaced.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xlsxwriter
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from doudi.payments.layouts import Batch, Layout
from doudi.payments.services import content

EXCEL_ROWS = 1_000_000
MOST_NAMED = 20


def unwritable(layout: Layout, names: pa.Array) -> list[tuple[int, str]]:
    """Names that this layout cannot write: (position, the character). Empty for almost every table, and then quick."""
    found: list[tuple[int, str]] = []
    if layout.separator == "|":
        found += [(at, "|") for at in np.flatnonzero(pc.match_substring(names, "|").to_numpy(zero_copy_only=False)).tolist()]
    if layout.rare == "refuse":
        try:
            content._joined(names).decode().encode(layout.encoding)
        except UnicodeEncodeError:
            for at, name in enumerate(names.to_pylist()):
                try:
                    name.encode(layout.encoding)
                except UnicodeEncodeError as error:
                    found.append((at, name[error.start]))
    return found


def cannot_write(layout: Layout, names: list[tuple[str, str]]) -> ValidationError:
    """The refusal for (name, character) pairs."""
    shown = [
        _("“%(name)s”中的“%(character)s”（U+%(code)s）") % {"name": name, "character": sign, "code": f"{ord(sign):04X}"}
        for name, sign in names[:MOST_NAMED]
    ]
    if len(names) > MOST_NAMED:
        shown.append(_("另有 %(n)s 处") % {"n": len(names) - MOST_NAMED})
    return ValidationError(
        _("“%(label)s”写不出这些户名：%(names)s；请改用可写全部汉字的版式，或核对户名后退回更正。文件没有生成。")
        % {"label": layout.label, "names": "、".join(shown)}
    )


def _safe(column: pa.Array) -> pa.Array:
    risky = pc.match_substring_regex(column, r"^[=+\-@\t\r']")
    return pc.if_else(risky, pc.binary_join_element_wise("'", column, ""), column)


def _name_at(layout: Layout) -> int:
    """Position of the name of who is paid."""
    return next(at for at, field in enumerate(layout.fields) if field.title in ("户名", "领款人姓名"))


def _cells(layout: Layout, table: pa.Table, start: int) -> list[pa.Array]:
    table = table.append_column("serial", pa.array(np.arange(start + 1, start + 1 + table.num_rows)))
    columns = [content._strings(field.of(table)) for field in layout.fields]
    if wrong := unwritable(layout, columns[_name_at(layout)]):
        names = columns[_name_at(layout)]
        raise cannot_write(layout, [(names[at].as_py(), sign) for at, sign in wrong])
    if layout.separator == "|":
        return columns
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
        data = content._joined(joined, layout.line_end)
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
    """A file as our own parser reads it: its control totals (yuan) and its rows by the titles of the layout."""

    number: str
    lines: int
    amount: Decimal
    rows: list[dict[str, str]]


def read(layout: Layout, data: bytes, *, name: str = "") -> ReadBack:
    """Read a file of this layout back, and hold it against its own control totals. Raises ValueError where they differ.

    `name`: the file's name, which is its number where the layout says so.
    """
    rows = list(_raw_rows(layout, data))
    titles, at = layout.columns, layout.totals
    summary, body = rows[0], rows[2:] if layout.titles else rows[1:]
    if layout.titles and rows[1] != titles:
        raise ValueError("the titles are not those of the layout")
    number = name.partition(".")[0] if at.number is None else summary[at.number]
    found = [
        {title: cell[1:] if layout.separator != "|" and cell.startswith("'") else cell for title, cell in zip(titles, row, strict=True)}
        for row in body
    ]
    unit = Decimal(100) if layout.in_fen else Decimal(1)
    total = sum((Decimal(row[layout.amount_title]) for row in found), Decimal("0.00")) / unit
    lines, amount = int(summary[at.lines]), Decimal(summary[at.amount]) / unit
    if len(found) != lines or total != amount:
        raise ValueError(f"{len(found)} lines of {total} yuan, the summary says {lines} of {amount}")
    return ReadBack(number, lines, amount, found)


def _raw_rows(layout: Layout, data: bytes) -> Iterator[list[str]]:
    if layout.suffix == "xlsx":
        from python_calamine import CalamineWorkbook

        def text(cell: Any) -> str:
            return f"{cell:.2f}" if isinstance(cell, float) else str(cell)

        for row in CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python():
            cells = [text(cell) for cell in row]
            yield cells
    elif layout.separator == "|":
        for line in data.decode(layout.encoding).removesuffix("\n").split("\n"):
            yield line.split("|")
    else:
        yield from csv.reader(io.StringIO(data.decode(layout.encoding), newline=""))


def sample(layout: Layout, *, unit: str, month: date) -> str:
    """A file of two invented people as this layout writes it (a workbook with tabs between cells), ID numbers masked at full width; for the page of layouts."""
    from doudi.core import numbers
    from doudi.core.numbers import Kind

    def tokens(kind: Kind, *texts: str) -> list[str]:
        return [str(numbers.token_of(kind, text)) for text in texts]

    ids = ("410122196001010019", "410122195502020028")
    people = tokens(Kind.CITIZEN_ID, *ids)
    values: dict[str, list[Any]] = {
        "id": [1001, 1002],
        "entitlement": [1, 2],
        "month": [f"{month:%Y%m}"] * 2,
        "kind": ["regular"] * 2,
        "cause": [None, None],
        "area": [f"{unit}101201"] * 2,
        "programme": ["dibao", "tekun"],
        "household": ["H0001", "H0002"],
        "fund": [1, 1],
        "fund_year": [month.year] * 2,
        "fen": [30000, 86050],
        "payee_name": ["张三", "李四"],
        "payee": people,
        "beneficiary_name": ["张三", "李四"],
        "beneficiary": people,
        "account": tokens(Kind.ACCOUNT, "6217000000000001239", "6217000000000001247"),
        "bank": ["C10302", "C10302"],
        "times": [1, 1],
    }
    table = pa.table({name: pa.array(values[name], kind) for name, kind in content.TYPES.items()})
    number = f"{month:%Y%m}0600001" if layout.dated else f"{unit}-{month:%Y%m}-1"
    batch = Batch(number, month, 2, Decimal("1160.50"), unit, month.replace(day=6))
    out = io.BytesIO()
    write(layout, batch, [table], out)
    shown = "\n".join((layout.separator or "\t").join(row) for row in _raw_rows(layout, out.getvalue()))
    for text in ids:  # no page shows a whole ID number, not even an invented one: nobody should have to tell which is which
        shown = shown.replace(text, f"{text[:6]}********{text[-4:]}")
    return shown
