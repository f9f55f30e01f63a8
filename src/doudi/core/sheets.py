"""Sheets that officers, providers and houses bring (Excel, CSV in UTF-8 or GBK): one reader, one form of row errors, one template; each room names its columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import xlsxwriter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files import File

from doudi.batch.datasets import Column, Contract
from doudi.batch.reading import DeliveryRefused, open_delivery, read_rows

BLANK = " \t\r\n\u3000\u00a0\ufeff"
FORMULA = re.compile(r"[=+\-@](?![0-9.]+$)")
WIDE = 22


@dataclass(frozen=True)
class Layout:
    """A sheet of a room: its columns with notes, and how large it may be (`largest` bytes, `most` rows, `longest` characters in a cell)."""

    contract: Contract
    most: int
    largest: int = 5 * 1024 * 1024
    longest: int = 200
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[Column, ...]:
        return self.contract.columns

    @property
    def labels(self) -> dict[str, str]:
        """Name of a column -> its header."""
        return {column.name: column.header_zh for column in self.columns}

    def noted(self) -> list[tuple[str, str]]:
        """(header, note) of every column, for the page beside the upload."""
        return [(column.header_zh, self.notes.get(column.name, "")) for column in self.columns]


@dataclass
class Row:
    """A row of a sheet: its number as its writer sees it, its cells by column name, what is wrong with it."""

    number: int
    cells: dict[str, str]
    labels: Mapping[str, str]
    errors: list[tuple[str, str]] = field(default_factory=list)

    def wrong(self, column: str, reason: str) -> None:
        """`reason` with its next step; no column: of the row as a whole."""
        self.errors.append((column, reason))

    def said(self) -> list[str]:
        """What is wrong, as 第 12 行“身份证号”……"""
        return [
            f"第 {self.number} 行“{self.labels[column]}”{reason}" if column else f"第 {self.number} 行：{reason}" for column, reason in self.errors
        ]


@dataclass
class Table:
    """A sheet by column: `numbers` and `cells` (a column of text for each of the layout's, `""` for empty) of the rows that can be laid under the header,
    `broken` the others. A `Row` is made where somebody asks for one, so that a good sheet costs no object a row."""

    layout: Layout
    sha256: str
    numbers: list[int]
    cells: pl.DataFrame
    broken: list[Row]
    made: dict[int, Row] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.numbers) + len(self.broken)

    def row(self, at: int) -> Row:
        """The row at this place of `cells`: always the same object, so that its errors stay."""
        if at not in self.made:
            self.made[at] = Row(self.numbers[at], dict(zip(self.cells.columns, self.cells.row(at), strict=True)), self.layout.labels)
        return self.made[at]

    def rows(self) -> list[Row]:
        """All rows, the broken ones among them, as they stand in the sheet."""
        labels, names = self.layout.labels, self.cells.columns
        for at, (number, texts) in enumerate(zip(self.numbers, self.cells.iter_rows(), strict=True)):
            if at not in self.made:
                self.made[at] = Row(number, dict(zip(names, texts, strict=True)), labels)
        return sorted([*self.made.values(), *self.broken], key=lambda row: row.number)

    def wrong(self) -> set[int]:
        """Places of rows that have errors."""
        return {at for at, row in self.made.items() if row.errors}

    def errors(self) -> list[Row]:
        return sorted((row for row in (*self.made.values(), *self.broken) if row.errors), key=lambda row: row.number)


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


def read(path: Path, layout: Layout) -> tuple[str, list[Row]]:
    """(SHA-256, rows without blank ones; formulas, overlong and broken rows carry their error).

    Raises ValidationError for hostile, broken, too large and empty files and for missing columns.
    """
    table = read_table(path, layout)
    return table.sha256, table.rows()


def read_table(path: Path, layout: Layout) -> Table:
    """As `read`, by column."""
    if path.stat().st_size > layout.largest:
        raise too_large(layout.largest)
    try:
        return _read(path, layout)
    except DeliveryRefused as error:
        raise ValidationError(str(error), code="sheet") from None


def too_large(largest: int) -> ValidationError:
    return ValidationError(f"文件超过 {largest >> 20} MB；请分批导入", code="sheet")


def _read(path: Path, layout: Layout) -> Table:
    opened, labels = open_delivery(path, layout.contract), layout.labels
    cells = pl.DataFrame(schema=dict.fromkeys(labels, pl.String))
    table = Table(layout, opened.sha256, [], cells, [])
    for batch in read_rows(opened):
        texts = batch.cells.with_columns(pl.all().fill_null("").str.strip_chars(BLANK))
        blank, title = pl.all_horizontal(pl.all() == ""), pl.all_horizontal(pl.col(f"c{at}") == cell for at, cell in enumerate(opened.titles))
        there = texts.select(~(blank | title)).to_series()
        texts, first = texts.filter(there), len(table.numbers)
        table.numbers += batch.numbers[there.to_numpy()].tolist()
        columns = [(f"c{at}", column.name) for at, column in enumerate(opened.columns) if column and column.name in labels]
        known, held = dict(columns), {name: pl.col(cell) for cell, name in columns}
        table.cells = pl.concat([table.cells, texts.select(**{name: held.get(name, pl.lit("")) for name in labels})])
        if len(table) + len(batch.broken) > layout.most:
            raise DeliveryRefused(f"超过 {layout.most} 行；请分批导入")
        _note_cells(table, first, {known[f"c{at}"]: set(numbers) for at, numbers in batch.formulas.items() if f"c{at}" in known})
        for number, reason, original in batch.broken:
            broken = Row(number, dict.fromkeys(labels, ""), labels, [("", f"{reason}；请核对后重新上传")])
            broken.cells |= {"name": "，".join(original)[:200]} if "name" in labels else {}
            table.broken.append(broken)
    if not len(table):
        raise DeliveryRefused("表头以下没有数据；请核对后重新上传")
    return table


def _note_cells(table: Table, first: int, formulas: Mapping[str, set[int]]) -> None:
    """Note the cells of the rows from `first` on that are formulas, look like one or are too long."""
    columns = table.cells.slice(first)
    for name in columns.columns:
        column, written = columns[name], formulas.get(name, set())
        odd = column.str.contains(r"^[=+\-@]") | (column.str.len_chars() > table.layout.longest)
        for at in odd.arg_true().to_list():
            text = column[at]
            if table.numbers[first + at] not in written and (FORMULA.match(text) or len(text) > table.layout.longest):
                table.row(first + at).wrong(name, f"以公式符号开头或超过 {table.layout.longest} 字；请改为普通文字后重新上传")
        if written:
            for at in range(first, len(table.numbers)):
                if table.numbers[at] in written:
                    table.row(at).wrong(name, "是公式；请复制后以“数值”粘贴，再重新上传")


@contextmanager
def on_disk(file: File, layout: Layout) -> Iterator[Path]:
    """What was uploaded as a file for `read`, gone afterwards; of its name the ending alone is used. Raises ValidationError where it is too large."""
    if file.size > layout.largest:
        raise too_large(layout.largest)
    with TemporaryDirectory(dir=settings.HOME) as folder:
        path = Path(folder) / ("sheet" + Path(file.name or "").suffix.lower()[:8])
        path.write_bytes(file.read())
        yield path


@contextmanager
def workbook(out: BytesIO) -> Iterator[xlsxwriter.Workbook]:
    """A workbook in memory in which nothing that people wrote becomes a formula or a link."""
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        yield book


def template(
    title: str,
    layout: Layout,
    *,
    choices: Mapping[str, Sequence[str]] | None = None,
    wide: Iterable[str] = (),
    more: Callable[[xlsxwriter.Workbook], None] | None = None,
) -> bytes:
    """The sheet to fill in: headers with their notes, cells of text; `choices` by column, `wide` columns, `more` for further sheets."""
    out, wide = BytesIO(), set(wide)
    with workbook(out) as book:
        text, head = book.add_format({"num_format": "@"}), book.add_format({"bold": True, "bg_color": "#E8F1FD", "border": 1})
        sheet = book.add_worksheet(title)
        for at, column in enumerate(layout.columns):
            sheet.set_column(at, at, WIDE if column.name in wide else 14, text)
            sheet.write_string(0, at, column.header_zh, head)
            if column.name in layout.notes:
                sheet.write_comment(0, at, layout.notes[column.name])
            if choices and column.name in choices:
                sheet.data_validation(1, at, layout.most, at, {"validate": "list", "source": list(choices[column.name])})
        sheet.freeze_panes(1, 0)
        if more:
            more(book)
    return out.getvalue()
