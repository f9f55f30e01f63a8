"""1.1: every dataset against a hostile sample: good rows come in, each bad one goes back with its reason, too many refuse the file whole."""

from dataclasses import replace
from datetime import date

import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from doudi.batch.datasets import CONTRACTS, Contract
from doudi.batch.datasets.handout import values_of
from doudi.batch.delivery import DeliveryRefused, lake_schema, read_delivery
from doudi.batch.tests.county import KEYS, number

ON = date(2022, 11, 25)
GOOD = {
    "name": "李𰀀", "text": "甲", "flag": "是", "date": "2022-03-01", "month": "2022-03", "amount": "1,234.50", "number": "90.5", "division": "410122",
    "credit_code": "91410122MA3X1Y2T3A",
}  # fmt: skip
ANYWHERE = ("=HYPERLINK(1)", "@SUM(A1)")
BAD = {
    "date": ("2022-02-30", "2022-13-01", "明天", "1899-01-01"),
    "month": ("2022-13", "去年"),
    "amount": ("约三千", "12.3.4", "9999999999999999"),
    "number": ("很大",),
    "division": ("郑州", "010000"),
    "code": ("未知类别9", "-1x"),
    "credit_code": ("IOSVZ",),
    "name": ("<script>alert(1)</script>", "x" * 60),
    "person_number": ("123", "41012219700101001X1"),
    "certificate": ("残123",),
    "text": ("x" * 201,),
    "flag": ("也许",),
}


def row(contract: Contract, person: int, **cells: str) -> list[str]:
    """A good row about a person, with other cells where given (by column)."""
    values = {}
    for column in contract.columns:
        if column.type == "id_number":
            values[column.name] = number(person)
        elif column.type == "person_number":
            values[column.name] = number(person + 1)
        elif column.type == "certificate":
            values[column.name] = number(person) + "41"
        elif column.type == "code":
            values[column.name] = values_of(column)[0]
        else:
            values[column.name] = GOOD[column.type]
    return [(values | cells)[column.name] for column in contract.columns]


def hostile(contract: Contract) -> list[tuple[str, list[str]]]:
    """(header of the bad column, row), one for each way to be wrong."""
    found, person = [], 500
    for column in contract.columns:
        wrong = (
            ["", "41012219700101001", number(1)[:17] + ("0" if number(1)[17] != "0" else "1")]
            if column.type == "id_number"
            else list(BAD[column.type])
        )
        wrong += list(ANYWHERE)
        if column.required:
            wrong.append("")
        if column.minimum == 0:
            wrong.append("-5")
        if column.type in ("date", "month") and not column.may_be_future:
            wrong.append("2022-12-31" if column.type == "date" else "2022-12")
        for value in wrong:
            person += 1
            found.append((column.header_zh, row(contract, person, **{column.name: value})))
    return found


def write(folder, contract, rows):
    path = folder / "sample.csv"
    path.write_text("\n".join(",".join(f'"{cell}"' for cell in line) for line in [contract.headers, *rows]), "utf-8")
    return path


@pytest.mark.parametrize("code", CONTRACTS)
def test_1_1_a_hostile_sample_of_each_dataset(code, tmp_path):
    contract = replace(CONTRACTS[code], max_bad_share=0.99)
    good = [row(contract, person) for person in range(1, 31)]
    bad = hostile(contract)
    path = write(tmp_path, contract, [*good[:15], *(line for _header, line in bad), *good[15:], good[0]])
    done = read_delivery(path, contract, out=tmp_path / "out", key=KEYS.token, on=ON)
    assert (done.accepted, done.rejected + done.ignored) == (30, len(bad) + 1)
    table = pq.read_table(done.parquet)
    assert table.schema.names == lake_schema(contract).names and table.num_rows == 30
    told = CalamineWorkbook.from_path(done.rejects).get_sheet_by_index(0).to_python()
    words = {int(cells[0]): " ".join(str(cell) for cell in cells) for cells in told[1:] if str(cells[0]).replace(".0", "").isdigit()}
    for at, (header, _line) in enumerate(bad):
        if 17 + at in words:  # blank rows of the first column are no data
            assert header in words[17 + at] and "请" in words[17 + at]
    assert len(words) == done.rejected


@pytest.mark.parametrize("code", CONTRACTS)
def test_1_1_thirty_percent_of_bad_rows_only_where_the_contract_bears_them(code, tmp_path):
    contract = CONTRACTS[code]
    wrong = next(column for column in contract.columns if column.required and column.type not in ("name", "id_number"))
    rows = [row(contract, person, **({wrong.name: ""} if person % 10 < 3 else {})) for person in range(1, 101)]
    path = write(tmp_path, contract, rows)
    assert contract.max_bad_share < 0.3
    with pytest.raises(DeliveryRefused) as refused:
        read_delivery(path, contract, out=tmp_path / "out", key=KEYS.token, on=ON)
    assert "整批退回" in str(refused.value) and wrong.header_zh in refused.value.reasons[0] and refused.value.rejects.exists()
    assert not (tmp_path / "out" / "accepted.parquet").exists()
    done = read_delivery(path, replace(contract, max_bad_share=0.3), out=tmp_path / "out", key=KEYS.token, on=ON)
    assert (done.accepted, done.rejected) == (70, 30)


@pytest.mark.parametrize("code", CONTRACTS)
def test_1_1_one_bad_row_never_sends_a_short_file_back_but_a_file_without_a_good_row_goes(code, tmp_path):
    contract = replace(CONTRACTS[code], max_bad_share=0.05)
    bad = row(contract, 3, id_number="123")
    done = read_delivery(write(tmp_path, contract, [row(contract, 1), bad]), contract, out=tmp_path / "out", key=KEYS.token, on=ON)
    assert (done.accepted, done.rejected) == (1, 1)
    with pytest.raises(DeliveryRefused, match="1 行中有 1 行不合格"):
        read_delivery(write(tmp_path, contract, [bad]), contract, out=tmp_path / "out", key=KEYS.token, on=ON)
    with pytest.raises(DeliveryRefused, match="整批退回"):
        read_delivery(write(tmp_path, contract, [row(contract, 1), bad, bad]), contract, out=tmp_path / "out", key=KEYS.token, on=ON)


@pytest.mark.parametrize("code", CONTRACTS)
def test_1_1_numbers_never_reach_the_lake_in_the_clear(code, tmp_path):
    contract = CONTRACTS[code]
    done = read_delivery(write(tmp_path, contract, [row(contract, 7)]), contract, out=tmp_path / "out", key=KEYS.token, on=ON)
    plain = done.parquet.read_bytes()
    assert number(7).encode() not in plain and number(8).encode() not in plain
