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
    if path.stat().st_size > layout.largest:
        raise too_large(layout.largest)
    try:
        return _read(path, layout)
    except DeliveryRefused as error:
        raise ValidationError(str(error), code="sheet") from None


def too_large(largest: int) -> ValidationError:
    return ValidationError(f"文件超过 {largest >> 20} MB；请分批导入", code="sheet")


def _read(path: Path, layout: Layout) -> tuple[str, list[Row]]:
    opened, labels = open_delivery(path, layout.contract), layout.labels
    rows: list[Row] = []
    for batch in read_rows(opened):
        formulas = {(number, at) for at, numbers in batch.formulas.items() for number in numbers}
        for number, cells in zip(batch.numbers.tolist(), batch.cells.iter_rows(), strict=True):
            texts = ["" if cell is None else str(cell).strip(BLANK) for cell in cells]
            if not any(texts) or texts == opened.titles:
                continue
            row = Row(number, dict.fromkeys(labels, ""), labels)
            for at, column in enumerate(opened.columns):
                if column is None:
                    continue
                row.cells[column.name] = texts[at]
                if (number, at) in formulas:
                    row.wrong(column.name, "是公式；请复制后以“数值”粘贴，再重新上传")
                elif FORMULA.match(texts[at]) or len(texts[at]) > layout.longest:
                    row.wrong(column.name, f"以公式符号开头或超过 {layout.longest} 字；请改为普通文字后重新上传")
            rows.append(row)
            if len(rows) > layout.most:
                raise DeliveryRefused(f"超过 {layout.most} 行；请分批导入")
        for number, reason, original in batch.broken:
            broken = Row(number, dict.fromkeys(labels, ""), labels, [("", f"{reason}；请核对后重新上传")])
            broken.cells |= {"name": "，".join(original)[:200]} if "name" in labels else {}
            rows.append(broken)
    if not rows:
        raise DeliveryRefused("表头以下没有数据；请核对后重新上传")
    return opened.sha256, sorted(rows, key=lambda row: row.number)


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
