"""Department files: readable in every shape, with the known mistakes and none else."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from doudi.batch.datasets import CONTRACTS
from doudi.batch.synth import generate
from doudi.batch.synth.files import FANCY_ROWS, SHAPES, FancyFiles
from doudi.batch.synth.text import HEADERS

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("county")
    generate("410122", 20_000, 21, folder)
    return folder


def manifest(out: Path) -> list[dict]:
    return json.loads((out / "deliveries" / "manifest.json").read_text("utf-8"))


def rows(out: Path, file: dict) -> list[list[str]]:
    path = out / "deliveries" / file["file"]
    if file["encoding"] == "xlsx":
        return [[str(cell) for cell in row] for row in CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()]
    with path.open(encoding=file["encoding"], newline="") as stream:
        return list(csv.reader(stream))


def clean(number: str) -> str:
    return re.sub(r"\s", "", number.translate(str.maketrans("０１２３４５６７８９Ｘ", "0123456789X"))).upper()


def valid(number: str) -> bool:
    if re.fullmatch(r"\d{15}", number):
        return True
    if not re.fullmatch(r"\d{17}[\dX]", number):
        return False
    return number[17] == "10X98765432"[sum(int(digit) * weight for digit, weight in zip(number, WEIGHTS, strict=False)) % 11]


def test_every_dataset_comes_with_its_headers_in_each_encoding(out: Path) -> None:
    files = manifest(out)
    assert {file["dataset"] for file in files} == set(HEADERS)
    assert {file["encoding"] for file in files} == {"utf-8", "utf-8-sig", "gbk", "gb18030", "xlsx"}
    assert sum(len(shapes) for shapes in SHAPES.values()) == len(files)
    for file in files:
        lines = rows(out, file)
        header = next(at for at, line in enumerate(lines) if line[0] == "姓名")
        assert header in (0, 2)
        assert tuple(lines[header]) == HEADERS[file["dataset"]]
        body = [line for line in lines[header + 1 :] if any(line) and line[0] != "合计"]
        assert len(body) == file["rows"]


def test_mistakes_in_numbers_are_as_many_as_the_manifest_says(out: Path) -> None:
    for file in manifest(out):
        lines = rows(out, file)
        at = HEADERS[file["dataset"]].index("身份证号")
        header = next(number for number, line in enumerate(lines) if line[0] == "姓名")
        numbers = [clean(line[at]) for line in lines[header + 1 :] if any(line) and line[0] != "合计"]
        missing = sum(not re.search(r"\d", number) for number in numbers)
        wrong = sum(bool(re.search(r"\d", number)) and not valid(number) for number in numbers)
        assert missing == file["mistakes"].get("missing_id", 0)
        assert wrong == file["mistakes"].get("wrong_check_digit", 0)


def test_systems_that_hold_gbk_only_lose_rare_characters(out: Path) -> None:
    for file in manifest(out):
        lost = sum("?" in line[0] for line in rows(out, file))
        assert lost >= file["mistakes"].get("lost_character", 0)
        assert (lost > 0) <= (file["encoding"] == "gbk")
    assert sum(file["mistakes"].get("lost_character", 0) for file in manifest(out)) > 0


def test_a_few_numbers_are_old_full_width_or_spaced(out: Path) -> None:
    text = [line[1] for file in manifest(out) for line in rows(out, file) if len(line) > 1]
    assert any(re.fullmatch(r"\d{15}", number) for number in text)
    assert any("０" <= number[:1] <= "９" for number in text)
    assert any(re.fullmatch(r"\d{6} \d{8} \S{4}", number) for number in text)
    assert any(number.endswith("x") for number in text)


def test_rows_belong_to_people_of_the_registry_but_for_a_few_from_elsewhere(out: Path) -> None:
    registry = set(pq.read_table(out / "people.parquet")["id_number"].to_pylist())
    numbers = [clean(line[1]) for file in manifest(out) if file["dataset"] == "education" for line in rows(out, file) if len(line) > 1]
    whole = [number for number in numbers if len(number) == 18 and valid(number)]
    strange = sum(number not in registry for number in whole) / len(whole)
    assert 0.005 < strange < 0.03


def test_dates_and_amounts_come_in_several_shapes(out: Path) -> None:
    medical = next(file for file in manifest(out) if file["dataset"] == "medical")
    lines = rows(out, medical)
    dates = {re.sub(r"\d+", "9", line[2]) for line in lines[1:] if any(line)}
    assert {"9-9-9", "9/9/9", "9.9.9", "9", "9年9月9日"} <= dates
    assert any("," in line[3] for line in lines[1:])


def test_excel_has_real_dates_and_numbers_beside_text(out: Path) -> None:
    book = CalamineWorkbook.from_path(out / "deliveries" / "disability-2022-11.xlsx").get_sheet_by_index(0).to_python()
    kinds = {type(line[5]).__name__ for line in book[3:-1]}
    assert {"date", "str"} <= kinds or {"datetime", "str"} <= kinds
    assert any(
        type(line[4]) is float for line in CalamineWorkbook.from_path(out / "deliveries" / "wages-2022-10.xlsx").get_sheet_by_index(0).to_python()
    )


def test_large_counties_get_one_plain_file_a_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("doudi.batch.synth.county.FANCY_ROWS", 100)
    monkeypatch.setattr("doudi.batch.synth.county.BLOCK", 1_000)
    generate("410122", 2_500, 3, tmp_path)
    files = manifest(tmp_path)
    assert len(files) == len(HEADERS) < FANCY_ROWS
    for file in files:
        lines = rows(tmp_path, file)
        assert tuple(lines[0]) == HEADERS[file["dataset"]]
        assert len(lines) == file["rows"] + 1


def test_headers_and_words_are_those_of_the_contracts(out: Path) -> None:
    """But for the known mistakes every code, flag and division is one that the contract takes."""
    for file in manifest(out):
        contract = CONTRACTS[file["dataset"]]
        lines = rows(out, file)
        header = next(at for at, line in enumerate(lines) if line[0] == "姓名")
        columns = [contract.column_for(name) for name in lines[header]]
        assert None not in columns
        assert {column.name for column in contract.required} <= {column.name for column in columns if column}
        unknown = 0
        for line in lines[header + 1 :]:
            if any(line) and line[0] != "合计":
                unknown += sum(bool(cell and column and column.codes) and column.codes.get(cell) is None for column, cell in zip(columns, line, strict=True))
        assert unknown == file["mistakes"].get("unknown_code", 0)


def test_a_rare_character_in_a_file_of_an_old_system_does_not_stop_the_county(tmp_path: Path) -> None:
    path = tmp_path / "medical.csv"
    FancyFiles(tmp_path, "medical", "2022-11", 7)._csv(path, [("张三", "𠮷田")], SHAPES["medical"][0])
    assert SHAPES["medical"][0].encoding == "gbk" and path.read_bytes().decode("gb18030") == "张三,𠮷田\r\n"
