"""1.2: linkage of rows without a usable ID number, without Django: what is kept, what wrong numbers may have been, whom rows mean, on both engines."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doudi.batch import linkage
from doudi.batch.corrections import corrections
from doudi.batch.datasets import CONTRACTS
from doudi.batch.delivery import Accepted, DeliveryRefused, read_delivery
from doudi.batch.idnumber import check_character
from doudi.batch.lake import Lake
from doudi.batch.linkage.names import name_columns
from doudi.batch.tests.county import KEYS, number
from doudi.batch.tokens import TOKEN, Kind

ON = date(2022, 11, 25)
ILLNESS = replace(CONTRACTS["serious_illness"], max_bad_share=0.3)
HEADER = ["姓名", "身份证号", "病种", "确诊日期", "性别", "出生日期", "联系电话", "户籍地", "户主或监护人"]
# name, birth date, village, phone, household
PEOPLE = [
    ("张建军", date(1968, 3, 12), "410122101001", "13811110001", 1),
    ("李秀兰", date(1970, 1, 1), "410122101001", "13811110002", 1),
    ("王大双", date(1978, 6, 7), "410122101002", "13811110003", 2),
    ("王小双", date(1978, 6, 7), "410122101002", None, 2),
    ("王喆峰", date(1985, 2, 28), "410122102001", "13811110005", 3),
    ("买买提·艾合买提", date(1990, 12, 31), "410122102001", None, 4),
    ("李𰀀", date(1966, 2, 3), "410122102002", "13811110007", 5),
    ("赵玉珍", date(1940, 10, 1), "410122102002", None, 6),
]


def own_number(at: int) -> str:
    return number(at + 1, PEOPLE[at][1])


def slip(text: str, place: int = 15) -> str:
    return text[:place] + str((int(text[place]) + 3) % 10) + text[place + 1 :]


def row(at: int, **cells: str) -> list[str]:
    name, born, area, _phone, _household = PEOPLE[at]
    values = {"姓名": name, "身份证号": "", "病种": "尿毒症", "确诊日期": "2022-11-01", "性别": "", "出生日期": f"{born}", "联系电话": "", "户籍地": area}
    return [(values | cells).get(header, "") for header in HEADER]


def take(folder: Path, rows: list[list[str]], key: bytes | None = b"k" * 32) -> Accepted:
    path = folder / "a.csv"
    path.write_text("\n".join(",".join(each) for each in [HEADER, *rows]), "utf-8")
    return read_delivery(path, ILLNESS, out=folder / "work", key=KEYS.token, on=ON, linking=key)


def people(folder: Path) -> Path:
    columns = [
        pa.array(range(1, len(PEOPLE) + 1), pa.int64()),
        KEYS.token.seal_many(Kind.CITIZEN_ID, [own_number(at) for at in range(len(PEOPLE))]),
        pa.array([each[4] for each in PEOPLE], pa.int64()),
        pa.array([each[2] for each in PEOPLE]),
        pa.array([each[2] for each in PEOPLE]),
        pa.array([each[0] for each in PEOPLE]),
        pa.array(["male" if (at + 1) % 2 else "female" for at in range(len(PEOPLE))]),
        pa.array([each[1] for each in PEOPLE]),
        KEYS.token.seal_many(Kind.PHONE, pa.array([each[3] for each in PEOPLE])),
    ]
    pq.write_table(pa.table(columns, schema=linkage.PEOPLE), folder / "people.parquet")
    return folder / "people.parquet"


def found(folder: Path, rows: list[list[str]], **options: object) -> list[dict[str, object]]:
    lake = Lake(folder / "lake")
    taken = take(folder, rows)
    lake.put(taken, folder / "a.csv", keys=KEYS, period="2022-11", delivery=f"D{len(lake.entries())}")
    told = linkage.pairs(linkage.waiting_rows(lake.entries(), lake.root), people(folder), temp=folder, **options)  # type: ignore[arg-type]
    assert told.schema == linkage.PAIRS
    return told.to_pylist()


@given(st.integers(0, 10**9 - 1), st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_among_the_corrections(serial: int, place: int, by: int) -> None:
    first17 = f"4101221970{serial % 12 + 1:02}{serial % 28 + 1:02}{serial % 1000:03}"
    right = first17 + check_character(first17)
    wrong = right[:place] + str((int(right[place]) + by) % 10) + right[place + 1 :]
    at, numbers, how = corrections([wrong])
    assert right in numbers.to_pylist() and set(at) == {0} and len(numbers) == len(how) < 40
    assert all(each[:17] and check_character(each[:17]) == each[17] for each in numbers.to_pylist())


def test_swapped_neighbours_and_a_wrong_check_character_are_corrected() -> None:
    right = number(123)
    swapped = right[:14] + right[15] + right[14] + right[16:]
    wrong = right[:17] + ("0" if right[17] != "0" else "1")
    for text, how in ((swapped, "swap"), (wrong, "check")):
        _at, numbers, kinds = corrections([text])
        assert (right, how) in list(zip(numbers.to_pylist(), kinds.to_pylist(), strict=True))


def test_corrections_of_nothing_are_nothing() -> None:
    assert len(corrections(pa.array([], pa.string()))[1]) == 0


def test_rows_whose_only_fault_is_the_number_are_kept_and_go_back_all_the_same(tmp_path: Path) -> None:
    rows = [[*row(0)], [*row(1, 身份证号=slip(own_number(1)))], row(2, 身份证号="无"), row(3, 身份证号="12345"), row(4, 身份证号=own_number(4))]
    done = take(tmp_path, rows)
    assert (done.accepted, done.rejected, done.kept) == (1, 4, 4)
    assert done.unlinked is not None and done.candidates is not None
    table = pq.read_table(done.unlinked).to_pylist()
    assert [each["state"] for each in table] == ["none", "check", "none", "unreadable"]
    assert table[1]["told_birth"] == date(1970, 1, 1) and table[1]["told_division"] == "410122101001"
    raw = done.unlinked.read_bytes() + done.candidates.read_bytes()
    assert slip(own_number(1)).encode() not in raw and own_number(1).encode() not in raw
    assert any("留待疑似同一人核查" in reason for reason, _count in done.reasons)


def test_rows_with_another_fault_or_a_name_alone_are_not_kept(tmp_path: Path) -> None:
    good = [row(at, 身份证号=own_number(at)) for at in range(6)]
    done = take(tmp_path, [*good, row(0, 确诊日期="2022-02-30"), row(1, 出生日期="", 户籍地="")])
    assert (done.rejected, done.kept, done.unlinked) == (2, 0, None)
    assert not list((tmp_path / "work").glob("*linked*")) and not list((tmp_path / "work").glob("cand*"))


def test_a_file_that_is_refused_leaves_nothing_waiting(tmp_path: Path) -> None:
    with pytest.raises(DeliveryRefused):
        take(tmp_path, [row(0), *[row(1, 确诊日期="x") for _at in range(5)]])
    assert not list((tmp_path / "work").glob("*.parquet"))


def test_without_linking_columns_or_key_nothing_is_kept(tmp_path: Path) -> None:
    done = take(tmp_path, [row(0, 身份证号=own_number(0)), row(4, 身份证号=own_number(4)), row(5, 身份证号=own_number(5)), row(1)], key=None)
    assert (done.accepted, done.rejected, done.kept) == (3, 1, 0)


def test_the_same_words_are_the_same_subject_under_one_key_only(tmp_path: Path) -> None:
    def subject(key: bytes, **cells: str) -> str:
        done = take(tmp_path, [row(0, **cells)], key=key)
        assert done.unlinked is not None
        return str(pq.read_table(done.unlinked)["subject"][0].as_py())

    assert subject(b"a", 病种="肺癌") == subject(b"a", 出生日期="1968年3月12日")
    assert len({subject(b"a"), subject(b"b"), subject(b"a", 联系电话="13900000000"), subject(b"a", 姓名="张建君")}) == 4


def test_names_compare_by_variant_and_sound() -> None:
    table = name_columns(pl.Series(["王喆峯", "王哲峰", "张建军", "章健君", "买买提·艾合买提", "李𰀀", None]))
    assert table["plain"][0] == table["plain"][1] and table["sound"][2] == table["sound"][3]
    assert table["plain"][4] == "买买提艾合买提" and table["sound"][5].startswith("ni ") and table["name"][6] is None


def test_a_row_without_number_is_linked_where_nobody_else_is_near(tmp_path: Path) -> None:
    pair = found(tmp_path, [row(0, 联系电话="13811110001")])
    assert [(each["person_id"], each["link"]) for each in pair] == [(1, True)]


@pytest.mark.parametrize("place", [14, 15, 16])
def test_a_wrong_number_is_always_a_question(tmp_path: Path, place: int) -> None:
    pair = found(tmp_path, [row(7, 身份证号=slip(own_number(7), place))])
    assert [(each["person_id"], each["link"]) for each in pair] == [(8, False)]
    assert linkage.level_of("number", pair[0]["level_number"]) == "slip" and pair[0]["score"] > 0.99


def test_twins_of_whom_one_is_meant_are_both_asked_about(tmp_path: Path) -> None:
    pair = found(tmp_path, [row(2, 姓名="王双")], thresholds=linkage.Thresholds({"": 0.9}, {"": 0.01}))
    assert {each["person_id"] for each in pair} == {3, 4} and not any(each["link"] for each in pair)


def test_two_rows_of_one_list_are_not_both_one_person(tmp_path: Path) -> None:
    pairs = found(tmp_path, [row(0, 联系电话="13811110001"), row(0, 联系电话="13811110001", 户主或监护人="李秀兰", 性别="男")])
    assert [each["person_id"] for each in pairs] == [1, 1] and sum(bool(each["link"]) for each in pairs) == 1


def test_what_people_decided_is_not_looked_at_again(tmp_path: Path) -> None:
    rows = [row(0, 联系电话="13811110001")]
    first = found(tmp_path, rows)[0]
    for same in (True, False):
        settled = pa.Table.from_pylist([{"subject": first["subject"], "person_id": 1, "same": same}], schema=linkage.SETTLED)
        lake = Lake(tmp_path / "lake")
        again = linkage.pairs(linkage.waiting_rows(lake.entries(), lake.root), tmp_path / "people.parquet", settled=settled, temp=tmp_path)
        assert again.num_rows == 0


def test_a_place_with_a_higher_threshold_asks_more(tmp_path: Path) -> None:
    limits = linkage.Thresholds({"": 0.9, "410122101": 1.0}, {"": 0.1})
    pairs = {each["person_id"]: each["link"] for each in found(tmp_path, [row(0, 联系电话="13811110001"), row(4, 联系电话="13811110005")], thresholds=limits)}
    assert pairs == {1: False, 5: True}


def test_nothing_waits_and_nobody_is_registered(tmp_path: Path) -> None:
    assert linkage.pairs([], people(tmp_path)).num_rows == 0
    pq.write_table(linkage.PEOPLE.empty_table(), tmp_path / "nobody.parquet")
    lake = Lake(tmp_path / "lake")
    lake.put(take(tmp_path, [row(0)]), tmp_path / "a.csv", keys=KEYS, period="2022-11", delivery="D")
    assert linkage.pairs(linkage.waiting_rows(lake.entries(), lake.root), tmp_path / "nobody.parquet", temp=tmp_path).num_rows == 0


def test_linked_rows_stand_before_their_delivery_under_the_persons_token(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    lake.put(take(tmp_path, [row(0), row(4, 身份证号=own_number(4))]), tmp_path / "a.csv", keys=KEYS, period="2022-11", delivery="D")
    [entry] = lake.entries()
    subject = pq.read_table(lake.root / entry.unlinked)["subject"]
    links = pa.table([subject, pa.array([1], pa.int64())], schema=linkage.LINKS)
    with_rows, count = linkage.with_linked(lake, [entry], links, people(tmp_path), tmp_path)
    both = with_rows.entries("serious_illness")
    assert count == 1 and [each.delivery for each in both] == ["D", "D"] and with_rows.entries("medical") == []
    first = pq.read_table(lake.root / both[0].parquet)
    assert first.schema.field("id_token").type == TOKEN and first["row"].to_pylist() == [2] and first["disease"].to_pylist() == ["尿毒症"]
    assert first["id_token"][0].as_py() == KEYS.token.seal(Kind.CITIZEN_ID, own_number(0)).bytes
    assert first.schema.equals(pq.read_table(lake.root / both[1].parquet).schema)


def test_both_engines_find_the_same_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed; make test-spark installs it")
    rows = [
        row(0, 联系电话="13811110001", 户主或监护人="李秀兰"), row(1, 姓名="李秀蓝", 联系电话="13811110001"), row(2, 姓名="王双"),
        row(4, 姓名="王哲峯"), row(5, 出生日期="1990-12-13"), row(6), row(7, 身份证号=slip(own_number(7))), row(7, 姓名="赵玉真", 出生日期="1940-01-10"),
    ]  # fmt: skip
    told = {}
    for name in ("duckdb", "spark"):
        monkeypatch.setenv("DOUDI_BATCH_ENGINE", name)
        (tmp_path / name).mkdir()
        told[name] = found(tmp_path / name, rows, thresholds=linkage.Thresholds({"": 0.9}, {"": 0.0001}))
    assert len(told["duckdb"]) >= 8
    keys = [{name: each[name] for name in each if not name.startswith(("score", "weight"))} for each in told["duckdb"]]
    assert keys == [{name: each[name] for name in each if not name.startswith(("score", "weight"))} for each in told["spark"]]
    for one, other in zip(told["duckdb"], told["spark"], strict=True):
        assert one["score"] == pytest.approx(other["score"], abs=1e-9) and one["weight"] == pytest.approx(other["weight"], abs=1e-9)
