"""Tokens and sealed texts: decision 5 of the architecture."""

import io
import itertools
from uuid import UUID

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from doudi.batch import sealed
from doudi.batch.sealed import SealError
from doudi.batch.tokens import Keyring, Kind, TokenError, TokenKey

KEY = TokenKey(bytes(range(32)))
OTHER = TokenKey(bytes(range(1, 33)))
SM4 = TokenKey(bytes(range(16)), cipher="sm4")
KEYS = Keyring(KEY, {1: b"k" * 32})
kinds = st.sampled_from([kind for kind in Kind if kind is not Kind.CITIZEN_ID])
digits = st.from_regex(r"[0-9X]{1,28}", fullmatch=True)
texts = st.one_of(digits, st.from_regex(r"[A-Z0-9()-]{1,14}", fullmatch=True), st.text(min_size=1, max_size=40))


def fits(text: str) -> bool:
    return (len(text) <= 28 and not text.strip("0123456789X")) or (len(text) <= 14 and text.isascii() and text.isprintable())


@pytest.mark.parametrize("key", [KEY, SM4])
def test_a_citizen_id_is_one_uuid_and_comes_back(key):
    token = key.seal(Kind.CITIZEN_ID, "11010519491231002X")
    assert isinstance(token, UUID) and key.open(token) == (Kind.CITIZEN_ID, "11010519491231002X")
    assert key.seal(Kind.CITIZEN_ID, "11010519491231002X") == token


@given(kinds, texts)
def test_round_trip_or_digest(kind, text):
    token = KEY.seal(kind, text)
    if fits(text):
        assert KEY.open(token) == (kind, text)
    else:
        with pytest.raises(TokenError, match="digest"):
            KEY.open(token)


@given(kinds, texts, kinds, texts)
def test_equal_if_and_only_if_kind_and_number_are_equal(kind, text, other_kind, other):
    assert (KEY.seal(kind, text) == KEY.seal(other_kind, other)) == ((kind, text) == (other_kind, other))


@given(st.lists(st.one_of(texts, st.none()), max_size=40), kinds)
def test_the_column_and_the_single_token_agree(numbers, kind):
    column = KEY.seal_many(kind, pa.array(numbers, pa.string()))
    single = [None if each is None else KEY.seal(kind, each) for each in numbers]
    assert [None if raw is None else UUID(bytes=raw) for raw in column.to_pylist()] == single
    found, back = KEY.open_many(column)
    assert back.to_pylist() == [each if each is not None and fits(each) else None for each in numbers]
    assert found.tolist() == [0 if each is None else kind for each in numbers]


@pytest.mark.parametrize("size", range(1, 29))
def test_alike_columns_of_every_length_come_back(size):
    numbers = ["".join(str((row + at) % 10) for at in range(size - 1)) + "X" for row in range(5)]
    column = KEY.seal_many(Kind.ACCOUNT, numbers)
    assert column.to_pylist() == [KEY.seal(Kind.ACCOUNT, number).bytes for number in numbers]
    assert KEY.open_many(column)[1].to_pylist() == numbers
    assert KEY.open_many(column.slice(2, 2))[1].to_pylist() == numbers[2:4]


def test_leading_and_trailing_zeros_matter():
    numbers = ["1", "01", "10", "001", "100", "0", "00", "X", "0X", "X0"]
    assert len({KEY.seal(Kind.DOCUMENT, number) for number in numbers}) == len(numbers)


def test_kinds_never_collide():
    tokens = [KEY.seal(kind, "410102199001011234"[:18]) for kind in Kind]
    assert len(set(tokens)) == len(Kind)
    long = "Reisepass Nr. 中文 0123456789 0123456789"
    assert len({KEY.seal(kind, long) for kind in Kind if kind is not Kind.CITIZEN_ID}) == len(Kind) - 1


@given(st.binary(min_size=16, max_size=16))
def test_a_random_block_is_no_token(raw):
    try:
        kind, text = KEY.open(raw)
    except TokenError:
        return
    assert KEY.seal(kind, text).bytes == raw  # it opened, so it is the one token of that number


def test_a_wrong_key_and_a_damaged_token_are_found():
    for number in range(200):
        token = KEY.seal(Kind.CITIZEN_ID, f"{410102199001010000 + number}")
        with pytest.raises(TokenError):
            OTHER.open(token)
        damaged = bytearray(token.bytes)
        damaged[number % 16] ^= 1
        with pytest.raises(TokenError):
            KEY.open(bytes(damaged))
    good = KEY.seal(Kind.PHONE, "13812345678").bytes
    with pytest.raises(TokenError, match="1 of 3"):
        KEY.open_many([good, OTHER.seal(Kind.PHONE, "13812345678").bytes, good])


@pytest.mark.parametrize("text", ["", "440524800101001", "11010519491231002x", "１１０１０５１９４９１２３１００２Ｘ", "1101051949123100AB"])
def test_a_citizen_id_is_sealed_in_its_full_form_only(text):
    with pytest.raises(TokenError):
        KEY.seal(Kind.CITIZEN_ID, text)
    with pytest.raises(TokenError):
        KEY.seal_many(Kind.CITIZEN_ID, ["11010519491231002X", text])


def test_keys_do_not_show_and_have_the_right_size():
    assert "key=" not in repr(KEY) and "data=" not in repr(KEYS)
    for wrong in (b"", b"x" * 16, b"x" * 31):
        with pytest.raises(ValueError):
            TokenKey(wrong)
    with pytest.raises(ValueError):
        Keyring(KEY, {1: KEY.key})
    with pytest.raises(ValueError):
        Keyring(KEY, {1: b"k" * 32}, data_version=2)


def test_tokens_lie_in_parquet_as_plain_bytes_and_join_as_uuid_in_duckdb(tmp_path):
    numbers = ["11010519491231002X", "440524198001010014"]
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"id_token": KEY.seal_many(Kind.CITIZEN_ID, numbers)}), path)
    column = pq.ParquetFile(path).schema.column(0)
    assert column.physical_type == "FIXED_LEN_BYTE_ARRAY" and column.logical_type.type == "NONE"
    uuids = [KEY.seal(Kind.CITIZEN_ID, number) for number in numbers]
    found = duckdb.sql(f"select id_token from '{path}'").fetchall()
    assert [row[0] for row in found] == [each.bytes for each in uuids]
    as_text = duckdb.sql(f"select cast(hex(id_token) as uuid) from '{path}'").fetchall()
    assert [row[0] for row in as_text] == uuids


@given(st.text(max_size=300), st.text(max_size=10))
def test_sealed_text_opens_in_its_context_only(text, context):
    ciphertext = sealed.seal_text(KEYS, text, context)
    assert sealed.open_text(KEYS, ciphertext, context) == text
    assert sealed.seal_text(KEYS, text, context) != ciphertext
    with pytest.raises(SealError):
        sealed.open_text(KEYS, ciphertext, context + "x")


@given(st.lists(st.one_of(st.none(), st.text(max_size=30)), max_size=8))
def test_texts_sealed_together_open_one_by_one_each_with_its_own_nonce(texts):
    found = sealed.seal_texts(KEYS, texts)
    assert [None if each is None else sealed.open_text(KEYS, each) for each in found] == texts
    nonces = [each[2:14] for each in found if each is not None]
    assert len(set(nonces)) == len(nonces)


@given(st.binary(max_size=80), st.integers(0, 200))
def test_damaged_sealed_text_is_refused(extra, place):
    ciphertext = bytearray(sealed.seal_text(KEYS, "残疾等级一级"))
    ciphertext[place % len(ciphertext)] ^= 1
    with pytest.raises(SealError):
        sealed.open_text(KEYS, bytes(ciphertext))
    assume(len(extra) < 30)
    with pytest.raises(SealError):
        sealed.open_text(KEYS, extra)


def test_older_data_keys_still_open():
    old = sealed.seal_text(KEYS, "旧")
    ring = Keyring(KEY, {1: b"k" * 32, 2: b"n" * 32}, data_version=2)
    assert sealed.open_text(ring, old) == "旧" and sealed.key_version(old) == 1
    assert sealed.key_version(sealed.seal_text(ring, "新")) == 2
    with pytest.raises(SealError, match="version 2"):
        sealed.open_text(KEYS, sealed.seal_text(ring, "新"))


@pytest.mark.parametrize("size", [0, 1, sealed.BLOCK - 1, sealed.BLOCK, sealed.BLOCK + 1, 2 * sealed.BLOCK + 5])
def test_files_come_back_and_cuts_are_found(size, tmp_path):
    plain = np.random.default_rng(size).bytes(size)
    (tmp_path / "plain").write_bytes(plain)
    assert sealed.seal_file(KEYS, tmp_path / "plain", tmp_path / "sealed") == size
    assert (tmp_path / "sealed").stat().st_mode & 0o777 == 0o600
    out = io.BytesIO()
    assert sealed.open_file(KEYS, tmp_path / "sealed", out) == size and out.getvalue() == plain
    raw = (tmp_path / "sealed").read_bytes()
    for cut in {len(raw) - 1, 40, 40 + sealed.BLOCK + 16} - {len(raw)}:
        if cut < len(raw):
            with pytest.raises(SealError):
                list(sealed.open_stream(KEYS, io.BytesIO(raw[:cut])))


def test_swapped_or_repeated_blocks_are_found():
    out = io.BytesIO()
    sealed.seal_stream(KEYS, io.BytesIO(bytes(3 * sealed.BLOCK)), out)
    raw, step = out.getvalue(), sealed.BLOCK + 16
    blocks = [raw[40 + at * step : 40 + (at + 1) * step] for at in range(3)]
    for order in itertools.product(range(3), repeat=3):
        changed = io.BytesIO(raw[:40] + b"".join(blocks[at] for at in order))
        if order == (0, 1, 2):
            assert sum(map(len, sealed.open_stream(KEYS, changed))) == 3 * sealed.BLOCK
        else:
            with pytest.raises(SealError):
                list(sealed.open_stream(KEYS, changed))
