"""Reading .xlsx from outside: first a bounded look at the packed XML, then python-calamine.

calamine lays a sheet out as a full rectangle in memory, so two cells at opposite corners of an empty sheet, or a long shared text repeated
a million times, would fill it. Both, and zip bombs, are found here before it opens the file.
"""

from __future__ import annotations

import datetime as dt
import itertools
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate

import numpy as np
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

MAX_UNPACKED = 400 << 20
MAX_MEMBERS = 2_000
MAX_RATIO = 300
MAX_CELLS = 6_000_000
MAX_TEXT = 1 << 30
MAX_FORMULAS = 200_000
BATCH = 20_000
_BLOCK = 4 << 20
_OVERLAP = 1 << 13

_CELL = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{1,3})([0-9]{1,7})["']""")
_FORMULA = re.compile(rb"""<(?:\w+:)?c\b[^>]*?\br\s*=\s*["']([A-Za-z]{1,3})([0-9]{1,7})["'][^>]*>\s*<(?:\w+:)?f\b""")
_STRING_END = re.compile(rb"</(?:\w+:)?si\s*>")


class XlsxRefused(ValueError):
    """The workbook is not opened; the message is Chinese."""


@dataclass(slots=True)
class Sheet:
    """A visible worksheet. `formulas`: column index -> rows with a formula (their cached results are not trusted)."""

    name: str
    _sheet: CalamineSheet
    formulas: dict[int, list[int]] = field(default_factory=dict)

    def rows(self, most: int) -> Iterator[tuple[int, list[Any]]]:
        """(row number, cells) of the first rows."""
        yield from enumerate(itertools.islice(self._sheet.iter_rows(), most), 1)

    def batches(self, width: int) -> Iterator[tuple[np.ndarray, list[list[str]]]]:
        """(row numbers, columns as lists of strings) in batches."""
        rows = iter(self._sheet.iter_rows())
        number = 1
        while part := list(itertools.islice(rows, BATCH)):
            columns = [_as_texts(column) for column in zip(*part, strict=True)][:width]
            columns += [[""] * len(part) for _ in range(width - len(columns))]
            yield np.arange(number, number + len(part)), columns
            number += len(part)


def open_sheets(path: Path) -> list[Sheet]:
    """The visible worksheets of a workbook that is safe to open. Raises XlsxRefused."""
    formulas = _look(path)
    try:
        book = CalamineWorkbook.from_path(path)
        sheets = []
        for meta in book.sheets_metadata:
            if str(meta.visible).endswith("Visible") and str(meta.typ).endswith("WorkSheet"):
                sheet = book.get_sheet_by_name(meta.name)
                left = sheet.start[1] if sheet.start else 0  # calamine begins with the first column in use
                sheets.append(Sheet(meta.name, sheet, {column - left: rows for column, rows in formulas.get(meta.name, {}).items()}))
    except (CalamineError, OSError, ValueError, zipfile.BadZipFile) as error:
        raise XlsxRefused("Excel 文件已损坏，无法读取；请重新导出后上传") from error
    if not sheets:
        raise XlsxRefused("Excel 文件中没有可见的工作表；请核对后重新上传")
    return sheets


def _look(path: Path) -> dict[str, dict[int, list[int]]]:
    """Checks the packed file and returns formulas by sheet name."""
    with open(path, "rb") as file:
        magic = file.read(8)
    if magic.startswith(b"\xd0\xcf\x11\xe0"):
        raise XlsxRefused("Excel 文件已加密，或是改了扩展名的旧版 .xls；请去掉密码并另存为 .xlsx 后重新上传")
    if not magic.startswith(b"PK\x03\x04"):
        raise XlsxRefused("文件内容不是 Excel（.xlsx），与扩展名不符；请核对后重新上传")
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_sizes(members, path.stat().st_size)
            names = {member.filename for member in members}
            if "xl/workbook.xml" not in names:
                raise XlsxRefused("压缩包内没有工作簿，不是 Excel（.xlsx）文件；请核对后重新上传")
            places = _sheet_places(archive, names)
            formulas: dict[str, dict[int, list[int]]] = {}
            cells = 0
            longest = 0
            by_place = {place: name for name, place in places.items()}
            for member in members:
                if (member.filename.startswith("xl/worksheets/") and member.filename.endswith(".xml")) or member.filename in by_place:
                    rows, columns, found = _look_at_sheet(archive, member)
                    cells += rows * columns
                    if member.filename in by_place:
                        formulas[by_place[member.filename]] = found
                elif member.filename.lower().endswith("sharedstrings.xml"):
                    longest = max(longest, _longest_string(archive, member))
                else:
                    for _ in _blocks(archive, member):  # unpacked once: a size that lies ends in a bad checksum
                        pass
                if cells > MAX_CELLS:
                    raise XlsxRefused(f"工作表超过 {MAX_CELLS // 10_000} 万个单元格（含空白区域）；请删除多余区域，或另存为 CSV 报送")
            if longest * cells > MAX_TEXT * 8 or longest > 1 << 20:
                raise XlsxRefused("工作表中有过长的文字单元格；请删除后，或另存为 CSV 报送")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ExpatError, UnicodeDecodeError, OSError) as error:
        raise XlsxRefused("Excel 文件已损坏或被加密，无法解压；请重新导出后上传") from error
    return formulas


def _check_sizes(members: list[zipfile.ZipInfo], packed: int) -> None:
    unpacked = sum(member.file_size for member in members)
    if len(members) > MAX_MEMBERS or unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * max(packed, 1 << 16):
        raise XlsxRefused(f"Excel 文件解压后过大（{unpacked >> 20} MB），疑似压缩炸弹；请另存为 CSV 报送")
    if len({member.filename.lower() for member in members}) != len(members):
        raise XlsxRefused("Excel 文件内有重名的部件，无法确认内容；请重新导出后上传")


def _blocks(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(member) as stream:
        while block := stream.read(_BLOCK):
            yield block


def _sheet_places(archive: zipfile.ZipFile, names: set[str]) -> dict[str, str]:
    """Sheet name -> member, through the workbook's relations."""
    targets: dict[str, str] = {}
    places: dict[str, str] = {}

    def relation(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] == "Relationship" and "Id" in attributes:
            target = attributes.get("Target", "")
            targets[attributes["Id"]] = target.lstrip("/") if target.startswith("/") else posixpath.normpath("xl/" + target)

    def sheet(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] == "sheet":
            relation_id = next((value for key, value in attributes.items() if key.rpartition(":")[2] == "id" and key != "id"), "")
            places[attributes.get("name", "")] = targets.get(relation_id, "")

    for member, handler in (("xl/_rels/workbook.xml.rels", relation), ("xl/workbook.xml", sheet)):
        if member in names:
            if archive.getinfo(member).file_size > 4 << 20:
                raise XlsxRefused("Excel 文件的目录过大；请另存为 CSV 报送")
            text = archive.read(member)
            if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
                raise XlsxRefused("Excel 文件含有不允许的实体定义；请重新导出后上传")
            parser = ParserCreate()
            parser.StartElementHandler = handler
            parser.Parse(text, True)
    return places


def _look_at_sheet(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[int, int, dict[int, list[int]]]:
    """(last row, last column, formulas) of a sheet, from its cells' own references."""
    rows: set[bytes] = set()
    letters: set[bytes] = set()
    formulas: dict[int, set[int]] = {}
    last_row = count = 0
    tail = b""
    for block in _blocks(archive, member):
        if b"\0" in block or b"<!DOCTYPE" in block or b"<!ENTITY" in block:
            raise XlsxRefused("工作表的内部格式异常；请重新导出后上传")
        text = tail + block
        cells = _CELL.findall(text)
        letters.update({column for column, _ in cells})
        rows = {row for _, row in cells}
        last_row = max(last_row, max(map(int, rows), default=0))
        for column, row in _FORMULA.findall(text):
            formulas.setdefault(_column_number(column) - 1, set()).add(int(row))
            count += 1
        if count > MAX_FORMULAS:
            raise XlsxRefused("工作表中公式过多；请复制后以“数值”粘贴，再重新上传")
        tail = text[-_OVERLAP:]
    last_column = max(map(_column_number, letters), default=0)
    return last_row, last_column, {column: sorted(found) for column, found in formulas.items()}


def _column_number(letters: bytes) -> int:
    number = 0
    for char in letters.upper():
        number = number * 26 + char - 64
    return number


def _longest_string(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    longest = open_length = 0
    for block in _blocks(archive, member):
        parts = [len(part) for part in _STRING_END.split(block)]
        parts[0] += open_length
        longest, open_length = max(longest, *parts), parts[-1]
    return longest


def as_text(cell: Any) -> str:
    """A cell as a department's officer would have typed it."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat(" ")
    return str(cell)


def _as_texts(column: tuple[Any, ...]) -> list[str]:
    return list(column) if set(map(type, column)) == {str} else [as_text(cell) for cell in column]
