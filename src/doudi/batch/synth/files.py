"""Department files as they arrive: CSV in three encodings and Excel, title lines, blank rows, totals at the bottom, footers.

Small counties (up to FANCY_ROWS rows a dataset) get all of that; for millions each dataset is one plain CSV, appended block by block.
"""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import xlsxwriter

from .text import AMOUNT_COLUMN, DATE_COLUMN, HEADERS, Sheet

FANCY_ROWS = 150_000
TITLES = {
    "disability": "持证残疾人信息表",
    "medical": "医疗费用结算明细",
    "wages": "参保人员工资及缴费明细",
    "pensions": "养老金发放明细",
    "deaths": "死亡注销人员名单",
    "moves": "户籍迁移人员名单",
    "housing": "不动产登记信息",
    "vehicles": "机动车登记信息",
    "companies": "市场主体登记信息",
    "education": "在校学生信息",
    "residence_permits": "流动人口居住登记信息",
    "marriages": "婚姻登记信息",
    "serious_illness": "重特大疾病患者名单",
    "unemployment": "失业登记人员名单",
    "tax": "个人所得税收入明细",
    "housing_fund": "住房公积金缴存明细",
    "bank_assets": "金融资产核对结果",
    "monitoring_list": "防止返贫监测对象名单",
    "disasters": "受灾人员名单",
    "detention": "服刑、强制隔离戒毒等人员名单",
    "student_aid": "学生资助发放名单",
    "assistance_elsewhere": "外地享受社会救助人员名单",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """How a file looks: `kind` csv or xlsx, encoding of a csv, a title line above the header, totals at the bottom, blank rows between."""

    kind: str
    encoding: str = "utf-8"
    title: bool = False
    total: bool = False
    blanks: bool = False


# Encodings as offices have them: Excel's "CSV UTF-8" (with mark), old systems (GBK: characters that it lacks are lost), Excel's
# plain CSV (GB 18030), exports of information systems (UTF-8).
SHAPES: dict[str, tuple[Shape, ...]] = {
    "disability": (Shape("xlsx", title=True, total=True, blanks=True),),
    "medical": (Shape("csv", "gbk", blanks=True),),
    "wages": (Shape("csv", "utf-8-sig", title=True), Shape("csv", "gb18030", total=True), Shape("xlsx", total=True)),
    "pensions": (Shape("csv", "gbk", title=True, total=True),),
    "deaths": (Shape("xlsx", title=True, blanks=True),),
    "moves": (Shape("csv", "utf-8"),),
    "housing": (Shape("xlsx", blanks=True),),
    "vehicles": (Shape("csv", "gbk", title=True),),
    "companies": (Shape("csv", "utf-8-sig", total=True),),
    "education": (Shape("xlsx", title=True, total=True),),
    "residence_permits": (Shape("csv", "gb18030", title=True),),
    "marriages": (Shape("xlsx", title=True),),
    "serious_illness": (Shape("xlsx", title=True, blanks=True),),
    "unemployment": (Shape("csv", "utf-8-sig"),),
    "tax": (Shape("csv", "utf-8"),),
    "housing_fund": (Shape("csv", "utf-8-sig", total=True),),
    "bank_assets": (Shape("xlsx", total=True),),
    "monitoring_list": (Shape("csv", "gb18030", title=True, blanks=True),),
    "disasters": (Shape("xlsx", title=True, total=True),),
    "detention": (Shape("csv", "utf-8"),),
    "student_aid": (Shape("xlsx", blanks=True),),
    "assistance_elsewhere": (Shape("csv", "utf-8-sig", title=True),),
}


@dataclass(slots=True)
class Delivered:
    """One file handed in, for the manifest. `mistakes`: rows by kind of mistake."""

    file: str
    dataset: str
    period: str
    rows: int
    encoding: str
    sha256: str
    mistakes: dict[str, int] = field(default_factory=dict)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _count(sheets: list[Sheet]) -> dict[str, int]:
    kinds, counts = np.unique(np.concatenate([sheet.mistake for sheet in sheets]), return_counts=True)
    return {str(kind): int(count) for kind, count in zip(kinds, counts, strict=True) if kind}


class PlainFile:
    """One dataset of a large area: UTF-8 CSV, appended block by block in bounded memory."""

    def __init__(self, folder: Path, dataset: str, period: str) -> None:
        self.path = folder / f"{dataset}-{period}.csv"
        self.delivered = Delivered(self.path.name, dataset, period, 0, "utf-8", "")
        self.rows = 0
        self.writer = pyarrow.csv.CSVWriter(
            self.path,
            pa.schema([(header, pa.string()) for header in HEADERS[dataset]]),
            write_options=pyarrow.csv.WriteOptions(quoting_style="needed"),
        )

    def add(self, sheet: Sheet) -> None:
        self.writer.write_table(pa.table(sheet.columns))
        self.delivered.rows += sheet.rows
        self.rows += sheet.rows
        for kind, count in _count([sheet]).items():
            self.delivered.mistakes[kind] = self.delivered.mistakes.get(kind, 0) + count

    def close(self) -> list[Delivered]:
        self.writer.close()
        self.delivered.sha256 = _digest(self.path)
        return [self.delivered]

    def numbers(self, at: np.ndarray) -> np.ndarray:
        """Line numbers in the file of rows by their order (from 0)."""
        return at + 2


class FancyFiles:
    """One dataset of a small county: collected, then written in its shapes (a dataset with several shapes is split: one file a month)."""

    def __init__(self, folder: Path, dataset: str, period: str, seed: int) -> None:
        self.folder, self.dataset, self.period = folder, dataset, period
        self.sheets: list[Sheet] = []
        self.rows = 0
        self._numbers = np.zeros(0, np.int64)
        self.rng = np.random.default_rng([seed, 99, list(HEADERS).index(dataset)])

    def add(self, sheet: Sheet) -> None:
        self.sheets.append(sheet)
        self.rows += sheet.rows

    def numbers(self, at: np.ndarray) -> np.ndarray:
        """Line numbers in their files of rows by their order (from 0), once closed."""
        return self._numbers[at]

    def close(self) -> list[Delivered]:
        columns = pa.table({header: pa.chunked_array([sheet.columns[header] for sheet in self.sheets]) for header in HEADERS[self.dataset]})
        mistakes = np.concatenate([sheet.mistake for sheet in self.sheets])
        if not len(mistakes):
            return []  # a department with nothing to tell hands in nothing
        self._numbers = np.zeros(len(mistakes), np.int64)
        shapes = SHAPES[self.dataset]
        parts: list[tuple[str, np.ndarray]] = [(self.period, np.arange(len(mistakes)))]
        if len(shapes) > 1:
            months = np.array(columns["月份"].to_pylist())
            parts = [(f"{month[:4]}-{month[4:]}", np.flatnonzero(months == month)) for month in np.unique(months)]
        delivered = []
        for (period, rows), shape in zip(parts, shapes, strict=False):
            path = self.folder / f"{self.dataset}-{period}.{shape.kind}"
            lines = list(zip(*(column.to_pylist() for column in columns.take(pa.array(rows)).columns), strict=True))
            laid, self._numbers[rows] = self._layout(lines, shape, period)
            (self._xlsx if shape.kind == "xlsx" else self._csv)(path, laid, shape)
            kinds, counts = np.unique(mistakes[rows], return_counts=True)
            found = {str(kind): int(count) for kind, count in zip(kinds, counts, strict=True) if kind}
            delivered.append(
                Delivered(path.name, self.dataset, period, len(lines), "xlsx" if shape.kind == "xlsx" else shape.encoding, _digest(path), found)
            )
        return delivered

    def _layout(self, lines: list[tuple[str, ...]], shape: Shape, period: str) -> tuple[list[tuple[str, ...]], list[int]]:
        """The lines of the file, and the number of each data line."""
        headers = HEADERS[self.dataset]
        out: list[tuple[str, ...]] = []
        if shape.title:
            out += [(f"{TITLES[self.dataset]}（{period}）", *[""] * (len(headers) - 1)), ("填报单位：（盖章）", *[""] * (len(headers) - 1))]
        out.append(headers)
        blank = set(self.rng.integers(0, max(len(lines), 1), len(lines) // 500 + 1).tolist()) if shape.blanks else set()
        numbers = []
        for at, line in enumerate(lines):
            if at in blank:
                out.append(("",) * len(headers))
            out.append(line)
            numbers.append(len(out))
        if shape.total:
            out.append(("合计", *[""] * (len(headers) - 2), str(len(lines))))
        return out, numbers

    def _csv(self, path: Path, lines: list[tuple[str, ...]], shape: Shape) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(lines)
        # GB 18030 writes what GBK has with the same bytes, and has the rare characters of names too
        path.write_bytes(text.getvalue().encode("gb18030" if shape.encoding == "gbk" else shape.encoding))

    def _xlsx(self, path: Path, lines: list[tuple[str, ...]], shape: Shape) -> None:
        """Every third date is a real date cell and every second amount a number; ID numbers are text."""
        headers = HEADERS[self.dataset]
        dates = headers.index(DATE_COLUMN[self.dataset]) if self.dataset in DATE_COLUMN else -1
        amounts = headers.index(AMOUNT_COLUMN[self.dataset]) if self.dataset in AMOUNT_COLUMN else -1
        with xlsxwriter.Workbook(path, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
            # A fixed creation time: the same seed gives the same bytes.
            book.set_properties({"created": datetime(2022, 11, 25)})  # noqa: DTZ001
            page = book.add_worksheet("Sheet1")
            as_date = book.add_format({"num_format": "yyyy-mm-dd"})
            for row, line in enumerate(lines):
                for column, value in enumerate(line):
                    if column == dates and row % 3 == 0 and (day := _iso_date(value)):
                        page.write_datetime(row, column, day, as_date)
                    elif column == amounts and row % 2 == 0 and value.replace(".", "", 1).isdigit():
                        page.write_number(row, column, float(value))
                    elif value:
                        page.write_string(row, column, value)


def holds_gbk_only(dataset: str) -> bool:
    """Whether the small county's department hands in GBK."""
    return SHAPES[dataset][0].encoding == "gbk"


def _iso_date(text: str) -> date | None:
    if len(text) != 10 or text[4] != "-":
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
