"""Tokens from one key to the next."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from doudi.batch.reseal import has_tokens, renewed, reseal, reseal_parquet
from doudi.batch.tokens import TOKEN, Kind, TokenError, TokenKey

OLD, NEW = TokenKey(b"o" * 32, 1), TokenKey(b"n" * 32, 2)
LONG = "护照编号甲乙丙丁戊己庚辛"


def mixed() -> tuple[list[bytes | None], list[tuple[Kind, str] | None]]:
    plain: list[tuple[Kind, str] | None] = [
        (Kind.CITIZEN_ID, "41012219500203101X"), (Kind.PHONE, "13800138000"), None, (Kind.ACCOUNT, "6228480402564890018"),
        (Kind.DOCUMENT, "E12345678"), (Kind.NONE, "17"), (Kind.PHONE, "13800138000"), (Kind.DOCUMENT, LONG),
    ]  # fmt: skip
    return [None if each is None else OLD.seal(*each).bytes for each in plain], plain


def test_each_number_is_the_same_under_the_new_key_and_digests_are_left_over() -> None:
    tokens, plain = mixed()
    matrix, left = reseal(OLD, NEW, pa.array(tokens, TOKEN))
    for row, each in enumerate(plain):
        if each is None:
            assert not matrix[row].any() and left[row] == 0
        elif each[1] == LONG:
            assert not matrix[row].any() and left[row] == Kind.DOCUMENT
        else:
            assert bytes(matrix[row]) == NEW.seal(*each).bytes and left[row] == 0


def test_a_token_of_another_key_is_refused() -> None:
    with pytest.raises(TokenError):
        reseal(OLD, NEW, pa.array([NEW.seal(Kind.PHONE, "13800138000").bytes], TOKEN))


def test_from_aes_to_sm4() -> None:
    sm4 = TokenKey(b"s" * 16, 2, "sm4")
    matrix, _ = reseal(OLD, sm4, [OLD.seal(Kind.PHONE, "13800138000")])
    assert sm4.open(bytes(matrix[0])) == (Kind.PHONE, "13800138000")


def test_a_parquet_file_keeps_schema_rows_groups_and_mode(tmp_path: Path) -> None:
    numbers = [f"138{at:08d}" if at % 7 else None for at in range(1000)]
    table = pa.table({"row": np.arange(1000), "id_token": OLD.seal_many(Kind.PHONE, numbers), "name": ["王"] * 1000})
    source, target = tmp_path / "a.parquet", tmp_path / "a.parquet.k2"
    pq.write_table(table, source, row_group_size=300, compression="zstd")
    source.chmod(0o600)

    def renew(tokens: pa.Array) -> pa.Array:
        return renewed(reseal(OLD, NEW, tokens)[0], tokens)

    assert has_tokens(source) and reseal_parquet(source, target, renew) == 1000
    found = pq.read_table(target)
    assert found.schema == table.schema and found["row"].equals(table["row"])
    assert NEW.open_many(found["id_token"])[1].to_pylist() == numbers
    meta = pq.read_metadata(target)
    assert meta.num_row_groups == pq.read_metadata(source).num_row_groups == 4
    assert meta.row_group(0).column(1).statistics is None  # the smallest token says something about a number
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_file_without_tokens_is_not_one(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    assert not has_tokens(tmp_path / "a.parquet")
