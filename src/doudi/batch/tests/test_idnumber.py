"""Citizen ID numbers, GB 11643."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doudi.batch import idnumber
from doudi.batch.idnumber import IdNumberError, check_account, check_phone, parse, parse_column


def number(first17: str) -> str:
    return first17 + idnumber.check_character(first17)


dates = st.dates(date(1850, 1, 1), date(2199, 12, 31))
numbers = st.builds(lambda area, born, seq: number(f"{area:06d}{born:%Y%m%d}{seq:03d}"), st.integers(0, 999999), dates, st.integers(0, 999))


def test_the_standards_own_example_is_read():
    """GB 11643-1999, annex: 11010519491231002X and 440524188001010014."""
    read = parse("11010519491231002X")
    assert (read.birth_date, read.sex, read.was_15) == (date(1949, 12, 31), "female", False)
    assert parse("440524188001010014").sex == "male"


def test_fifteen_digits_are_upgraded_with_the_century_19():
    read = parse("440524800101001")
    assert read.number18 == "440524198001010013" and read.was_15 and read.sex == "male"


@pytest.mark.parametrize("text", ["１１０１０５１９４９１２３１００２Ｘ", " 110105 19491231 002x ", "110105\u300019491231\u200b002X"])
def test_full_width_blanks_and_lower_x_are_mended(text):
    assert parse(text).number18 == "11010519491231002X"
    assert parse_column([text]).numbers.to_pylist() == ["11010519491231002X"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "身份证号为空，请补填"),
        ("1101051949123100", "身份证号为 16 位，应为 18 位（旧号 15 位）"),
        ("11O105194912310021", "身份证号第 3 位“O”不是数字"),
        ("X10105194912310021", "身份证号第 1 位“X”不是数字"),
        ("44052480010100X", "身份证号第 15 位“X”不是数字"),
        ("11010519491231002A", "身份证号第 18 位“A”不是数字或 X"),
        ("110105194902290021", "身份证号中的出生日期 1949年2月29日不存在"),
        ("110105194913010021", "身份证号中的出生日期 1949年13月1日不存在"),
        ("111111111111111111", "身份证号中的出生日期 1111年11月11日不存在"),
        ("110105194912310021", "身份证号校验位不正确，应为 X"),
        ("1101051949123100²X", "身份证号校验位不正确，应为 X"),
    ],
)
def test_the_error_says_what_is_wrong(text, reason):
    if "²" in text:  # NFKC makes a superscript two a digit, so that this is the good number
        assert parse(text).number18.endswith("2X")
        return
    with pytest.raises(IdNumberError) as caught:
        parse(text)
    assert str(caught.value) == reason
    column = parse_column([text])
    assert column.errors[0] == caught.value.code and column.numbers[0].as_py() is None and column.reasons[0].as_py()


def test_leap_day_exists_in_leap_years_only():
    assert parse(number("41010220000229001")).birth_date == date(2000, 2, 29)
    for year in (1900, 2001, 2100):
        with pytest.raises(IdNumberError, match="2月29日不存在"):
            parse(number(f"410102{year}0229001"))
    column = parse_column([number("41010220000229001"), number("41010219000229001")])
    assert column.errors.tolist() == [idnumber.OK, idnumber.DATE]


def test_a_birth_after_the_day_of_delivery_is_refused():
    text = number("41010220221126001")
    assert parse(text, on=date(2022, 11, 26)).sex == "male"
    with pytest.raises(IdNumberError, match="晚于 2022-11-25"):
        parse(text, on=date(2022, 11, 25))
    assert parse_column([text], on=date(2022, 11, 25)).errors[0] == idnumber.FUTURE
    assert parse_column([text], on=date(2022, 11, 26)).errors[0] == idnumber.OK


def test_an_unknown_division_is_not_refused():
    assert parse(number("99999919800101001"))


@given(st.lists(st.one_of(numbers, st.text(max_size=20), st.from_regex(r"[0-9Xx]{14,19}", fullmatch=True), st.none()), max_size=30))
def test_the_column_and_the_single_check_agree(texts):
    column = parse_column(pa.array(texts, pa.string()), chunk=7)
    assert len(column.numbers) == len(texts)
    for row, text in enumerate(texts):
        try:
            read = parse(text or "")
        except IdNumberError as error:
            assert column.errors[row] == error.code
            assert column.numbers[row].as_py() is None and column.birth_dates[row].as_py() is None and column.sexes[row].as_py() is None
        else:
            assert column.errors[row] == idnumber.OK
            found = (column.numbers[row].as_py(), column.birth_dates[row].as_py(), column.sexes[row].as_py(), column.was_15[row])
            assert found == (read.number18, read.birth_date, read.sex, read.was_15)


@given(numbers, st.integers(0, 17), st.integers(0, 9))
def test_one_wrong_digit_is_always_found(text, place, digit):
    wrong = text[:place] + str(digit) + text[place + 1 :]
    if wrong == text:
        return
    with pytest.raises(IdNumberError):
        parse(wrong)


def test_columns_come_from_numpy_slices_and_dictionaries():
    good = "11010519491231002X"
    two = pa.array([good] * 2)
    for values in (np.array([good, good]), pa.chunked_array([[good], [good]]), pa.array(["0", good, good]).slice(1), two.dictionary_encode()):
        assert parse_column(values).numbers.to_pylist() == [good, good]
    assert len(parse_column([]).numbers) == 0


def test_masks_show_the_ends_only():
    assert idnumber.mask_id("410102199001011234") == "4101**********1234"
    assert idnumber.mask_phone("13812345678") == "138****5678"
    assert idnumber.mask_account("6217001234566789") == "尾号 6789"
    assert [idnumber.mask_name(name) for name in ("王小明", "王明", "欧阳小华", "王", "")] == ["王*明", "王*", "欧**华", "*", ""]
    assert idnumber.mask_id("E123") == "****" and "2345" not in idnumber.mask_id("E12345")
    assert "199001" not in str(parse(number("41010219900101123")))


def test_phones_and_accounts_are_checked():
    assert check_phone("+86 138-1234-5678") == "13812345678"
    assert check_phone("0371－65908888") == "0371-65908888"
    for wrong in ("12812345678", "1381234567", "电话", ""):
        with pytest.raises(ValueError):
            check_phone(wrong)
    card = "621700123456678901"
    assert check_account(f" {card}{idnumber.luhn_digit(card)} ")
    with pytest.raises(ValueError, match="末位应为"):
        check_account(card + str((int(idnumber.luhn_digit(card)) + 1) % 10))
    assert idnumber.luhn_digit("7992739871") == "3"
    assert check_account("00000123456789012")  # a passbook: no common check digit
    for wrong in ("1234567", "62170012345667A9", ""):
        with pytest.raises(ValueError):
            check_account(wrong)


@settings(max_examples=30)
@given(st.lists(st.one_of(st.none(), st.text("0126+- ８6x", max_size=22), st.from_regex("1[3-9][0-9]{9}|62[0-9]{13,18}|[0-9]{8,28}", fullmatch=True)), max_size=20))
def test_columns_of_phones_and_accounts_hold_what_each_alone_is_found_to_be(texts):
    for column, check in ((idnumber.phone_column, check_phone), (idnumber.account_column, check_account)):
        found = column(texts).to_pylist()
        assert len(found) == len(texts)
        for text, plain in zip(texts, found, strict=True):
            try:
                assert plain == (check(text) if text else None)
            except ValueError:
                assert plain is None
    cards = [body + idnumber.luhn_digit(body) for body in ("621700123456789", "6217001234567890", "62170012345678901", "621700123456789012")]
    assert idnumber.account_column(cards).to_pylist() == cards
