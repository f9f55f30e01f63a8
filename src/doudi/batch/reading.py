"""Opening a department's file safely: what it is, its encoding, its header row, then its rows in batches of strings.

Files come from outside. Everything is bounded before it is read: size, length of a line, number of columns and cells, the unpacked size of an
Excel file. `DeliveryRefused` says in Chinese what is wrong and what to do.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv

from . import xlsx
from .datasets import Column, Contract

MAX_BYTES = 8 << 30
MAX_LINE = 1 << 16
MAX_COLUMNS = 200
MAX_RAGGED = 100_000
HEADER_ROWS = 40
BLOCK = 4 << 20
DELIMITERS = ",\t;|"
TEXT_ENDINGS = (".csv", ".tsv", ".txt")
OTHER_FORMATS = {
    b"PK\x03\x04": "Excel 或压缩文件",
    b"\xd0\xcf\x11\xe0": "旧版 Excel（.xls）或加密文件",
    b"%PDF": "PDF",
    b"\x89PNG": "图片",
    b"\xff\xd8\xff": "图片",
    b"Rar!": "压缩文件",
    b"7z\xbc\xaf": "压缩文件",
    b"\x1f\x8b": "压缩文件",
    b"PAR1": "Parquet",
}


class DeliveryRefused(ValueError):
    """The whole delivery is refused. `str(error)` is the message in Chinese, `reasons` lists counts by field and reason, `rejects` is the sheet of
    bad rows when there is one, `sha256` the digest of the file when it was read that far."""

    def __init__(self, message: str, *, reasons: tuple[str, ...] = (), rejects: Path | None = None, sha256: str = "") -> None:
        super().__init__(message)
        self.reasons, self.rejects, self.sha256 = reasons, rejects, sha256


@dataclass(slots=True)
class Opened:
    """A file that passed the first checks. `titles`: the header cells as written; `columns`: contract column of each cell or None;
    `header_row`: its number, counted from 1 as the department's officer sees it."""

    path: Path
    sha256: str
    size: int
    format: str
    encoding: str
    titles: list[str]
    columns: list[Column | None]
    header_row: int
    delimiter: str = ","
    sheet: xlsx.Sheet | None = None


@dataclass(slots=True)
class Rows:
    """A batch: `numbers` (row numbers of the file), `cells` (columns c0, c1, ... as strings), `broken` (row number, reason, cells) of rows that could
    not be laid under the header, `formulas` (column index -> row numbers with a formula)."""

    numbers: np.ndarray
    cells: pl.DataFrame
    broken: list[tuple[int, str, list[str]]] = field(default_factory=list)
    formulas: dict[int, list[int]] = field(default_factory=dict)


def open_delivery(path: Path, contract: Contract) -> Opened:
    """Checks a file and finds the contract's header row. Raises `DeliveryRefused`."""
    path = Path(path)
    ending = path.suffix.lower()
    if ending == ".xls":
        raise DeliveryRefused("不支持旧版 Excel（.xls）；请另存为 .xlsx 或 CSV 后重新上传")
    if ending not in (*TEXT_ENDINGS, ".xlsx"):
        raise DeliveryRefused(f"不支持“{ending or '无扩展名'}”文件；请上传 .xlsx、.csv 或 .txt")
    size = path.stat().st_size
    if size == 0:
        raise DeliveryRefused("文件为空；请核对后重新上传")
    if size > MAX_BYTES:
        raise DeliveryRefused(f"文件超过 {MAX_BYTES >> 30} GB；请分批报送")
    if ending == ".xlsx":
        return _open_xlsx(path, size, contract)
    sha256, encoding = _scan_text(path)
    header = _text_header(path, encoding, contract)
    return Opened(path, sha256, size, ending[1:], encoding, *_check_header(*header[:2], contract, sha256), header[1], header[2])


def read_rows(opened: Opened) -> Iterator[Rows]:
    """The rows below the header, in batches. Raises `DeliveryRefused` when the file breaks on the way."""
    return _xlsx_rows(opened) if opened.sheet else _text_rows(opened)


# Text files


def _scan_text(path: Path) -> tuple[str, str]:
    """(SHA-256, encoding) in one bounded pass; refuses NUL bytes, other formats, endless lines and other encodings."""
    digest = hashlib.sha256()
    utf8, gbk = codecs.getincrementaldecoder("utf-8")(), codecs.getincrementaldecoder("gb18030")()
    utf8_good = gbk_good = True
    position, line_start = 0, 0
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            if position == 0:
                _refuse_other_formats(block)
            if (at := block.find(b"\0")) >= 0:
                raise DeliveryRefused(f"文件第 {position + at + 1} 字节处有空字符（NUL），不是文本文件；请从原系统重新导出 CSV")
            digest.update(block)
            line_start = _check_lines(block, position, line_start)
            position += len(block)
            final = len(block) < BLOCK
            if utf8_good:
                utf8_good = _decodes(utf8, block, final)
            if gbk_good:
                gbk_good = _decodes(gbk, block, final)
            if not (utf8_good or gbk_good):
                raise DeliveryRefused(f"文件编码既不是 UTF-8 也不是 GBK（约在第 {position >> 10} KB 以前）；请用 UTF-8 或 GBK 编码另存后重新上传")
    if utf8_good:
        utf8_good = _decodes(utf8, b"", True)
    if not utf8_good and not (gbk_good and _decodes(gbk, b"", True)):
        raise DeliveryRefused("文件末尾被截断，或编码既不是 UTF-8 也不是 GBK；请重新导出后上传")
    return digest.hexdigest(), "utf-8" if utf8_good else "gb18030"


def _refuse_other_formats(head: bytes) -> None:
    for magic, what in OTHER_FORMATS.items():
        if head.startswith(magic):
            raise DeliveryRefused(f"文件内容是{what}，与扩展名不符；请上传真正的 CSV 文本，或改用正确的扩展名")
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DeliveryRefused("文件编码是 UTF-16；请另存为 UTF-8 编码的 CSV 后重新上传")


def _check_lines(block: bytes, position: int, line_start: int) -> int:
    """Start of the last line of the block; refuses a line longer than MAX_LINE (a line of a million columns)."""
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == 10) + position
    longest = int(np.diff(ends, prepend=line_start).max(initial=0))
    line_start = int(ends[-1]) + 1 if len(ends) else line_start
    if max(longest, position + len(block) - line_start) > MAX_LINE:
        raise DeliveryRefused(f"文件中有一行超过 {MAX_LINE >> 10} KB，列数或内容异常；请核对后重新导出")
    return line_start


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, final: bool) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


def _text_header(path: Path, encoding: str, contract: Contract) -> tuple[list[str], int, str]:
    """(header cells, row number, delimiter): of the first rows, under each delimiter, the one that names most of the contract's columns."""
    with open(path, "rb") as file:
        head = file.read(MAX_LINE * 4)
    text = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)().decode(head)
    best: tuple[int, list[str], int, str] = (0, [], 0, ",")
    for delimiter in DELIMITERS:
        try:
            for number, cells in zip(range(1, HEADER_ROWS + 1), csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), strict=False):
                if (found := _named(cells, contract)) > best[0]:
                    best = (found, cells, number, delimiter)
        except csv.Error:
            continue
    return best[1:]


def _named(cells: list[str], contract: Contract) -> int:
    return len({column.name for cell in cells[:MAX_COLUMNS] if (column := contract.column_for(cell))})


def _check_header(cells: list[str], row: int, contract: Contract, sha256: str) -> tuple[list[str], list[Column | None]]:
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    if not row or _named(cells, contract) < 2:
        wanted = "、".join(column.header_zh for column in contract.required)
        raise DeliveryRefused(f"前 {HEADER_ROWS} 行中没有找到表头；“{contract.name_zh}”应有列：{wanted}", sha256=sha256)
    if len(cells) > MAX_COLUMNS:
        raise DeliveryRefused(f"第 {row} 行表头有 {len(cells)} 列，超过 {MAX_COLUMNS} 列；请按模板报送", sha256=sha256)
    columns = [contract.column_for(cell) for cell in cells]
    seen: dict[str, str] = {}
    for cell, column in zip(cells, columns, strict=True):
        if column is None:
            continue
        if column.name in seen:
            raise DeliveryRefused(f"第 {row} 行表头重复：“{seen[column.name].strip()}”与“{cell.strip()}”是同一列；请只保留一列", sha256=sha256)
        seen[column.name] = cell
    if missing := [column.header_zh for column in contract.required if column.name not in seen]:
        raise DeliveryRefused(f"第 {row} 行表头缺少必需的列：{'、'.join(missing)}；请补齐后重新上传", sha256=sha256)
    return [cell.strip() for cell in cells], columns


def _text_rows(opened: Opened) -> Iterator[Rows]:
    width = len(opened.titles)
    names = [f"c{at}" for at in range(width)]
    ragged: list[tuple[int, str]] = []

    def keep(row: pacsv.InvalidRow) -> str:
        ragged.append((row.number, row.text))
        return "skip" if len(ragged) <= MAX_RAGGED else "error"

    read_options = pacsv.ReadOptions(column_names=names, encoding=opened.encoding, use_threads=False, block_size=BLOCK)
    parse_options = pacsv.ParseOptions(delimiter=opened.delimiter, newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=keep)
    convert_options = pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    done, first = 0, 1
    try:
        with pacsv.open_csv(opened.path, read_options, parse_options, convert_options) as reader:
            for batch in reader:
                # The k-th row kept is the k-th number that no skipped row took. The parser runs ahead: skipped rows beyond this batch wait.
                skipped = np.fromiter((number for number, _ in ragged), np.int64, len(ragged))
                order = np.arange(first, first + len(batch))
                numbers = order + np.searchsorted(skipped - np.arange(1, len(skipped) + 1), order - 1, side="right")
                first += len(batch)
                upto = int(np.searchsorted(skipped, numbers[-1])) if len(batch) else done
                rows = _below_header(opened, numbers, pl.from_arrow(pa.Table.from_batches([batch])))  # type: ignore[arg-type]
                yield _with_ragged(opened, rows, ragged[done:upto])
                done = max(done, upto)
            if rest := ragged[done:]:
                yield _with_ragged(opened, Rows(np.zeros(0, np.int64), pl.DataFrame(schema=dict.fromkeys(names, pl.String))), rest)
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        if len(ragged) > MAX_RAGGED:
            raise DeliveryRefused(f"超过 {MAX_RAGGED} 行的列数与表头不符；请核对分隔符后重新导出", sha256=opened.sha256) from error
        raise DeliveryRefused("文件内容无法按表格读取，可能有未闭合的引号；请核对后重新导出", sha256=opened.sha256) from error


def _below_header(opened: Opened, numbers: np.ndarray, cells: pl.DataFrame) -> Rows:
    below = numbers > opened.header_row
    return Rows(numbers, cells) if below.all() else Rows(numbers[below], cells.filter(pl.Series(below)))


def _with_ragged(opened: Opened, rows: Rows, ragged: list[tuple[int, str]]) -> Rows:
    """Rows with too few cells are filled up, with too many cut if the rest is blank; else they are broken."""
    width = len(opened.titles)
    numbers, fitted = [], []
    for number, text in ragged:
        if number <= opened.header_row:
            continue
        try:
            cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=opened.delimiter), [])
        except csv.Error:
            cells = [text]
        if any(cell.strip() for cell in cells[width:]):
            rows.broken.append((number, f"有 {len(cells)} 列，与表头的 {width} 列不符", cells[: width + 1]))
            continue
        numbers.append(number)
        fitted.append((cells + [""] * width)[:width])
    if fitted:
        extra = pl.DataFrame(fitted, schema=dict.fromkeys(rows.cells.columns, pl.String), orient="row")
        rows.numbers = np.append(rows.numbers, numbers)
        rows.cells = pl.concat([rows.cells, extra])
        order = np.argsort(rows.numbers, kind="stable")
        rows.numbers, rows.cells = rows.numbers[order], rows.cells[order]
    return rows


# Excel


def _open_xlsx(path: Path, size: int, contract: Contract) -> Opened:
    try:
        sheets = xlsx.open_sheets(path)
    except xlsx.XlsxRefused as error:
        raise DeliveryRefused(str(error)) from error
    with open(path, "rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    found: list[tuple[int, xlsx.Sheet, list[str], int]] = []
    for sheet in sheets:
        best = (0, sheet, [""], 0)
        for number, cells in sheet.rows(HEADER_ROWS):
            titles = [xlsx.as_text(cell) for cell in cells]
            if (named := _named(titles, contract)) > best[0]:
                best = (named, sheet, titles, number)
        if best[0] >= 2:
            found.append(best)
    if not found:
        _check_header([], 0, contract, sha256)
    full = [each for each in found if each[0] >= len(contract.required)]
    if len(full) > 1:
        names = "、".join(f"“{sheet.name}”" for _, sheet, _, _ in full)
        raise DeliveryRefused(f"工作表{names}都有数据；请合并为一张工作表后重新上传", sha256=sha256)
    _, sheet, titles, number = max(found, key=lambda each: each[0])
    return Opened(path, sha256, size, "xlsx", "", *_check_header(titles, number, contract, sha256), number, sheet=sheet)


def _xlsx_rows(opened: Opened) -> Iterator[Rows]:
    assert opened.sheet is not None
    width = len(opened.titles)
    for numbers, columns in opened.sheet.batches(width):
        cells = pl.DataFrame(
            {f"c{at}": column for at, column in enumerate(columns)}, schema=dict.fromkeys([f"c{at}" for at in range(width)], pl.String)
        )
        rows = _below_header(opened, numbers, cells)
        low, high = (int(numbers[0]), int(numbers[-1])) if len(numbers) else (0, -1)
        rows.formulas = {at: [row for row in found if low <= row <= high] for at, found in opened.sheet.formulas.items() if at < width}
        yield rows
