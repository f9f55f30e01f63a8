"""Citizen ID numbers (公民身份号码, GB 11643-1999), phones, bank accounts: checks, one by one and by column, and masks.

18 digits: division (6), birth date (8), sequence (3, odd = male), check character (ISO 7064 MOD 11-2). Old numbers of
15 digits (birth year of two digits, no check character) are upgraded to 18 with the century 19. Divisions are not
checked: a number keeps the code of a division that has long ended.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .columns import as_string_array, byte_matrix, from_byte_matrix, padded_matrix

Sex = Literal["male", "female"]

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKS = "10X98765432"
FIRST_YEAR, LAST_YEAR = 1850, 2199
_BLANKS = re.compile(r"[\s\u200b\ufeff]+")
_BLANKS_RE2 = r"[\s\v\x{1c}-\x{1f}\x{85}\x{a0}\x{1680}\x{2000}-\x{200b}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}]+"  # RE2's \s is ASCII only

# Codes of the columnar check. CHECK + n: the check character should be CHECKS[n], so the message is a look-up.
OK, EMPTY, LENGTH, CHARACTER, DATE, FUTURE, CHECK = 0, 1, 2, 3, 4, 5, 10
MESSAGES: dict[int, str] = {
    OK: "",
    EMPTY: "为空，请补填",
    LENGTH: "位数不正确，应为 18 位（旧号 15 位）",
    CHARACTER: "含有不允许的字符，只能是数字，末位可为 X",
    DATE: "中的出生日期不存在",
    FUTURE: "中的出生日期晚于报送日期",
} | {CHECK + n: f"校验位不正确，应为 {char}" for n, char in enumerate(CHECKS)}


class IdNumberError(ValueError):
    """The number is not a citizen ID number; `str(error)` is the reason in Chinese, `code` the columnar code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class IdNumber:
    number18: str
    birth_date: date
    sex: Sex
    was_15: bool = False

    def __str__(self) -> str:
        return mask_id(self.number18)


def normalise(text: str) -> str:
    """Half-width, without blanks, upper case: `４１０１ 02...x` -> `410102...X`."""
    if text.isascii() and text.isalnum():
        return text.replace("x", "X")
    return _BLANKS.sub("", unicodedata.normalize("NFKC", text)).replace("x", "X")


def check_character(first17: str) -> str:
    """ISO 7064 MOD 11-2 check character of the first 17 digits."""
    return CHECKS[sum(int(char) * weight for char, weight in zip(first17, WEIGHTS, strict=True)) % 11]


def parse(text: str, on: date | None = None) -> IdNumber:
    """Reads one number. With `on`, a birth date after that day is refused. Raises `IdNumberError`."""
    number = normalise(text)
    if not number:
        raise IdNumberError(EMPTY, "身份证号" + MESSAGES[EMPTY])
    if len(number) not in (15, 18):
        raise IdNumberError(LENGTH, f"身份证号为 {len(number)} 位，" + MESSAGES[LENGTH].split("，")[1])
    digits = number if len(number) == 15 else number[:17]
    for place, char in enumerate(number, 1):
        if not ("0" <= char <= "9" or (char == "X" and place == 18)):
            raise IdNumberError(CHARACTER, f"身份证号第 {place} 位“{char}”不是数字" + ("或 X" if place == 18 else ""))
    if was_15 := len(number) == 15:
        digits = digits[:6] + "19" + digits[6:]
    year, month, day = int(digits[6:10]), int(digits[10:12]), int(digits[12:14])
    try:
        birth_date = date(year, month, day)
        if not FIRST_YEAR <= year <= LAST_YEAR:
            raise ValueError
    except ValueError:
        reason = f"身份证号中的出生日期 {year:04d}年{month}月{day}日不存在"
        raise IdNumberError(DATE, reason) from None
    if on is not None and birth_date > on:
        raise IdNumberError(FUTURE, f"身份证号中的出生日期 {birth_date} 晚于 {on}")
    check = check_character(digits)
    if not was_15 and number[17] != check:
        raise IdNumberError(CHECK + CHECKS.index(check), f"身份证号校验位不正确，应为 {check}")
    return IdNumber(digits + check, birth_date, "male" if int(digits[16]) % 2 else "female", was_15)


@dataclass(frozen=True, slots=True)
class IdColumn:
    """Result of `parse_column`, one entry per row: `numbers` (string, null where wrong), `errors` (int8, see `MESSAGES`),
    `birth_dates` (date32), `sexes` (`male`, `female`), `was_15` (bool)."""

    numbers: pa.Array
    errors: np.ndarray
    birth_dates: pa.Array
    sexes: pa.Array
    was_15: np.ndarray

    @property
    def reasons(self) -> pa.Array:
        """The reason of each row in Chinese, null where the number is good."""
        words = pa.array([MESSAGES.get(code) or None for code in range(CHECK + len(CHECKS))], pa.string())
        return words.take(pa.array(self.errors))


def _month_tables() -> tuple[np.ndarray, np.ndarray]:
    """Length of each month, and the days from 1970-01-01 to its first, from January of FIRST_YEAR on."""
    starts = np.arange(f"{FIRST_YEAR}-01", f"{LAST_YEAR + 1}-02", dtype="datetime64[M]").astype("datetime64[D]").astype(np.int32)
    return np.diff(starts).astype(np.uint8), starts[:-1]


_MONTH_LENGTHS, _MONTH_STARTS = _month_tables()
_CHECK_BYTES = np.frombuffer(CHECKS.encode(), np.uint8)


def _two(digits: np.ndarray, at: int) -> np.ndarray:
    return digits[:, at].astype(np.int32) * 10 + digits[:, at + 1]


def _check_matrix(matrix: np.ndarray, last_day: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(errors, days since 1970, index of the right check character) of an (n, 18) byte matrix; column 17 is checked, unless it is 0
    (an upgraded number)."""
    digits = matrix[:, :17] - np.uint8(48)  # what is below "0" wraps round and fails as well
    bad_character = (digits > 9).any(axis=1)
    last = matrix[:, 17]
    upgraded = last == 0
    bad_character |= ~(((last >= 48) & (last <= 57)) | (last == 88) | upgraded)
    months = (_two(digits, 6) * 100 + _two(digits, 8) - FIRST_YEAR) * 12 + _two(digits, 10) - 1
    month = _two(digits, 10)
    bad_date = (month < 1) | (month > 12) | (months < 0) | (months >= len(_MONTH_LENGTHS))
    months[bad_date | bad_character] = 0
    day = _two(digits, 12)
    bad_date |= (day < 1) | (day > _MONTH_LENGTHS[months])
    days = _MONTH_STARTS[months] + day - 1
    place = (digits.astype(np.float32) @ np.array(WEIGHTS, np.float32)).astype(np.int32) % 11
    bad_check = (_CHECK_BYTES[place] != last) & ~upgraded
    errors = np.where(bad_check, CHECK + place, OK).astype(np.int8)
    if last_day is not None:
        errors[days > last_day] = FUTURE
    errors[bad_date] = DATE
    errors[bad_character] = CHARACTER
    return errors, days, place


def parse_column(values: object, on: date | None = None, chunk: int = 1 << 19) -> IdColumn:
    """Checks a whole column (Arrow, NumPy, Polars, pandas or a list of strings) without a Python call per row; about `chunk` rows
    are in work at a time. See `IdColumn`."""
    column = as_string_array(values)
    parts = [_parse_chunk(column.slice(start, chunk), on) for start in range(0, len(column), chunk)] or [_parse_chunk(column, on)]
    if len(parts) == 1:
        return parts[0]
    return IdColumn(
        pa.concat_arrays([part.numbers for part in parts]),
        np.concatenate([part.errors for part in parts]),
        pa.concat_arrays([part.birth_dates for part in parts]),
        pa.concat_arrays([part.sexes for part in parts]),
        np.concatenate([part.was_15 for part in parts]),
    )


def normalise_column(values: object) -> pa.Array:
    """`normalise` for a column; only rows that need it are touched by the slow steps."""
    column = as_string_array(values)
    plain = pc.match_substring_regex(column, r"^[0-9]{15}(?:[0-9]{2}[0-9X])?$")
    odd = pc.and_kleene(pc.is_valid(column), pc.invert(plain))
    if not pc.any(odd, min_count=0).as_py():
        return column
    rough = column.filter(odd)
    rough = pc.replace_substring_regex(pc.utf8_normalize(rough, form="NFKC"), _BLANKS_RE2, "")
    rough = pc.replace_substring(rough, "x", "X")
    return pc.replace_with_mask(column, pc.fill_null(odd, False), rough)


def _parse_chunk(column: pa.Array, on: date | None) -> IdColumn:
    column = normalise_column(column)
    count = len(column)
    lengths = pc.fill_null(pc.utf8_length(column), 0).to_numpy(zero_copy_only=False)
    sizes = pc.fill_null(pc.binary_length(column), 0).to_numpy(zero_copy_only=False)
    errors = np.full(count, LENGTH, np.int8)
    errors[lengths == 0] = EMPTY
    right = (lengths == 18) | (lengths == 15)
    errors[right & (sizes != lengths)] = CHARACTER  # not ASCII
    matrix = np.zeros((count, 18), np.uint8)
    long, short = (lengths == 18) & (sizes == 18), (lengths == 15) & (sizes == 15)
    if long.all():
        matrix = byte_matrix(column, 18).copy()
    else:
        matrix[long] = byte_matrix(column.filter(pa.array(long)), 18)
        old = byte_matrix(column.filter(pa.array(short)), 15)
        upgraded = np.zeros((len(old), 18), np.uint8)
        upgraded[:, :6], upgraded[:, 6:8], upgraded[:, 8:17] = old[:, :6], (49, 57), old[:, 6:]
        matrix[short] = upgraded
    filled = long | short
    found, days, place = _check_matrix(matrix, None if on is None else (on - date(1970, 1, 1)).days)
    errors[filled] = found[filled]
    good = errors == OK
    matrix[short, 17] = _CHECK_BYTES[place[short]]
    numbers = from_byte_matrix(matrix, None if good.all() else ~good)
    sexes = pa.DictionaryArray.from_arrays(pa.array(matrix[:, 16] & 1, pa.int8(), mask=~good), pa.array(["female", "male"]))
    return IdColumn(numbers, errors, pa.array(days, pa.int32(), mask=~good).cast(pa.date32()), sexes, short)


def mask_id(number: str) -> str:
    """4101**********1234 (15-digit numbers and other documents keep four at each end, or less)."""
    return _mask(number, 4, 4)


def mask_phone(phone: str) -> str:
    """138****5678."""
    return _mask(phone, 3, 4)


def mask_account(account: str) -> str:
    """尾号 6789."""
    return f"尾号 {account[-4:]}" if len(account) >= 8 else "尾号 *"


def mask_name(name: str) -> str:
    """王*明, 王*, 欧阳*华: the first and the last character stay, of two the first."""
    if len(name) <= 1:
        return "*" * len(name)
    return name[0] + "*" if len(name) == 2 else name[0] + "*" * (len(name) - 2) + name[-1]


def _mask(text: str, head: int, tail: int) -> str:
    if len(text) <= head + tail:  # too short to show both ends
        return "*" * max(len(text) - 1, 0) + text[-1:] if len(text) > 4 else "*" * len(text)
    return text[:head] + "*" * (len(text) - head - tail) + text[-tail:]


_MOBILE = re.compile(r"^1[3-9]\d{9}$")
_LANDLINE = re.compile(r"^0\d{2,3}-?\d{7,8}(?:-\d{1,6})?$")


def check_phone(text: str) -> str:
    """The phone in its plain form: a mobile number (11 digits from 13) or a landline with area code. Raises ValueError in Chinese."""
    phone = normalise(text).replace("—", "-")
    for prefix in ("+86", "0086"):
        phone = phone.removeprefix(prefix)
    if phone[:1] == "1":
        phone = phone.replace("-", "")
    if not phone:
        raise ValueError("电话号码为空")
    if _MOBILE.match(phone) or _LANDLINE.match(phone):
        return phone
    if not phone.replace("-", "").isascii() or not phone.replace("-", "").isdigit():
        raise ValueError("电话号码含有不允许的字符，只能是数字")
    raise ValueError("电话号码不正确，应为 11 位手机号或带区号的固定电话")


def check_account(text: str, luhn: bool = True) -> str:
    """The bank account in its plain form: 8 to 28 digits; a card (16 to 19 digits starting with 62) must pass Luhn's check unless `luhn` is
    False. Passbook accounts (存折) carry no common check digit. Raises ValueError in Chinese."""
    account = normalise(text).replace("-", "")
    if not account:
        raise ValueError("银行账号为空")
    if not (account.isascii() and account.isdigit()):
        raise ValueError("银行账号含有不允许的字符，只能是数字")
    if not 8 <= len(account) <= 28:
        raise ValueError(f"银行账号为 {len(account)} 位，应为 8 至 28 位")
    if luhn and account.startswith("62") and 16 <= len(account) <= 19 and account[-1] != (right := luhn_digit(account[:-1])):
        raise ValueError(f"银行卡号校验位不正确，末位应为 {right}")
    return account


def phone_column(values: object) -> pa.Array:
    """`check_phone` for a column: the plain forms, null for what is empty or wrong."""
    column = as_string_array(values)
    return _checked(column, pc.match_substring_regex(column, "^1[3-9][0-9]{9}$"), check_phone)


def account_column(values: object) -> pa.Array:
    """`check_account` for a column: the plain forms, null for what is empty or wrong."""
    column = as_string_array(values)
    good = pc.fill_null(pc.match_substring_regex(column, "^[0-9]{8,28}$"), False).to_numpy(zero_copy_only=False)
    card = pc.fill_null(pc.match_substring_regex(column, "^62[0-9]{14,17}$"), False).to_numpy(zero_copy_only=False)
    if card.any():
        matrix, lengths = padded_matrix(column.filter(pa.array(card)), 19, fill=48)
        digits, doubled = matrix - np.uint8(48), (lengths[:, None] - np.arange(19)) % 2 == 0
        good[card] = np.where(doubled, _DOUBLED_DIGITS[digits], digits).sum(axis=1) % 10 == 0
    return _checked(column, pa.array(good), check_account)


def _checked(column: pa.Array, good: pa.Array, check: Callable[[str], str]) -> pa.Array:
    """The column where it is good as it stands; the rest is checked one by one."""
    good = pc.fill_null(good, False)
    if pc.all(good, min_count=0).as_py():
        return column
    found: list[str | None] = []
    for text in column.filter(pc.invert(good)).to_pylist():
        try:
            found.append(check(text) if text else None)
        except ValueError:
            found.append(None)
    return pc.replace_with_mask(column, pc.invert(good), pa.array(found, column.type))


_DOUBLED_DIGITS = np.array([0, 2, 4, 6, 8, 1, 3, 5, 7, 9], np.uint8)
_DOUBLED = str.maketrans("0123456789", "0246813579")  # the digit twice, its own digits added


def luhn_digit(body: str) -> str:
    """Luhn check digit (ISO/IEC 7812-1) for a card number without its last digit."""
    total = sum(map(int, body[-1::-2].translate(_DOUBLED))) + sum(map(int, body[-2::-2]))
    return str(-total % 10)
