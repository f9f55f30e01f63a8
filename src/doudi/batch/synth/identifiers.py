"""Identifiers as vectors: citizen ID numbers (GB 11643), bank cards (Luhn), phones, credit codes (GB 32100).

Digits are kept as uint8 matrices, one row a number, so that a million of them costs milliseconds.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Digits = npt.NDArray[np.uint8]
ID_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int16)
ID_CHECKS = np.frombuffer(b"10X98765432", dtype=np.uint8)
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100-2015 leaves out I, O, S, V and Z."""
SEQUENCES_PER_SEX = 500
EPOCH_DAY = np.datetime64("1900-01-01", "D")


def digits_of(values: npt.NDArray[np.int64], width: int) -> Digits:
    """Decimal digits of non-negative integers as ASCII, shape (n, width), leading zeros kept."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return (values[:, None] // powers % 10 + ord("0")).astype(np.uint8)


def to_strings(matrix: Digits) -> pa.Array:
    """An ASCII matrix as an Arrow string column, without copying through Python."""
    rows, width = matrix.shape
    offsets = np.arange(0, rows * width + 1, width, dtype=np.int32) if width else np.zeros(rows + 1, np.int32)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(matrix)))


def date_digits(days: npt.NDArray[np.datetime64]) -> Digits:
    """YYYYMMDD of dates, shape (n, 8)."""
    year = days.astype("datetime64[Y]").astype(np.int64) + 1970
    months = days.astype("datetime64[M]")
    month = months.astype(np.int64) % 12 + 1
    day = (days - months.astype("datetime64[D]")).astype(np.int64) + 1
    return digits_of(year * 10_000 + month * 100 + day, 8)


def check_characters(first17: Digits) -> Digits:
    """The 18th character by ISO 7064 MOD 11-2."""
    return ID_CHECKS[(first17[:, :17] - ord("0")).astype(np.int16) @ ID_WEIGHTS % 11]


class IdNumbers:
    """Hands out citizen ID numbers, each once: the sequence within region, birth day and sex counts on across blocks.

    The counter is a table of regions x days x sexes (about 20 MB for Henan), so memory does not grow with the people.
    """

    def __init__(self, regions: list[str], last_day: np.datetime64) -> None:
        self.regions = np.array([int(code) for code in regions], dtype=np.int64)
        self.days = int((last_day - EPOCH_DAY).astype(np.int64)) + 1
        self.used = np.zeros(len(regions) * self.days * 2, dtype=np.uint16)

    def issue(self, region: npt.NDArray[np.int64], birth: npt.NDArray[np.datetime64], male: npt.NDArray[np.bool_]) -> Digits:
        """Numbers, shape (n, 18). `region`: position in the list of regions; where its numbers of a day are used up, the next region that has one gives it,
        as to people who were born there. ValueError when all are used up."""
        day = (birth - EPOCH_DAY).astype(np.int64)
        key = (region * self.days + day) * 2 + male
        rank = self._taken(key)
        for _region in self.regions:
            full = np.flatnonzero(rank >= SEQUENCES_PER_SEX)
            if not len(full):
                break
            key[full] = (key[full] + self.days * 2) % len(self.used)
            rank[full] = self._taken(key[full])
        else:
            raise ValueError("人口数超出该地区：同日出生的同性别人数超过身份证顺序码的 500 个，请减少 people 或扩大 area")
        # 137 has no factor in common with 500: a bijection that looks like scattered sequence numbers.
        sequence = (rank * 137 + key * 7919) % SEQUENCES_PER_SEX * 2 + male
        first17 = np.hstack([digits_of(self.regions[key // (self.days * 2)], 6), date_digits(birth), digits_of(sequence, 3)])
        return np.hstack([first17, check_characters(first17)[:, None]])

    def _taken(self, key: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Of each key the next number in its sequence; beyond the last where it has none left."""
        order = np.argsort(key, kind="stable")
        ordered = key[order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        counts = np.diff(np.r_[starts, len(ordered)])
        rank = np.empty(len(key), dtype=np.int64)
        rank[order] = np.arange(len(key)) - np.repeat(starts, counts)
        rank += self.used[key]
        self.used[ordered[starts]] = np.minimum(self.used[ordered[starts]] + counts, SEQUENCES_PER_SEX)
        return rank


def to_15(numbers: Digits) -> Digits:
    """The old form of 15 digits: without century and check character. Only for births of 1900 to 1999."""
    return np.hstack([numbers[:, :6], numbers[:, 8:17]])


def luhn_check(digits: Digits) -> Digits:
    """Check digit (ASCII) of card numbers without it."""
    values = (digits - ord("0")).astype(np.int16)
    doubled = values[:, ::-1].copy()
    doubled[:, ::2] *= 2
    doubled[doubled > 9] -= 9
    return ((10 - doubled.sum(axis=1) % 10) % 10 + ord("0")).astype(np.uint8)


BANKS: tuple[tuple[str, str, str, float], ...] = (
    ("402", "河南省农村信用社", "622991", 0.46),
    ("403", "中国邮政储蓄银行", "621799", 0.2),
    ("103", "中国农业银行", "622848", 0.14),
    ("105", "中国建设银行", "621700", 0.07),
    ("102", "中国工商银行", "621226", 0.06),
    ("104", "中国银行", "621785", 0.04),
    ("313", "中原银行", "623059", 0.03),
)
"""Class code of the bank, name, first six digits of its cards, share of accounts."""


def bank_accounts(rng: np.random.Generator, serial: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], Digits]:
    """Bank (position in BANKS) and card number of 19 digits, Luhn valid and unique: `serial` (below 10**10) is scrambled into it."""
    bank = rng.choice(len(BANKS), size=len(serial), p=[share for *_, share in BANKS])
    prefix = np.array([int(bin_) for _, _, bin_, _ in BANKS], dtype=np.int64)[bank]
    # A product with an odd number that 5 does not divide is a bijection modulo 10**10; it stays below 2**63.
    scrambled = serial % 10**10 * 387_420_489 % 10**10
    body = np.hstack([digits_of(prefix, 6), digits_of(rng.integers(10, 99, len(serial)), 2), digits_of(scrambled, 10)])
    return bank, np.hstack([body, luhn_check(body)[:, None]])


def phones(rng: np.random.Generator, size: int) -> Digits:
    """Mobile numbers of 11 digits."""
    prefix = np.array(
        [130, 131, 132, 135, 136, 137, 138, 139, 150, 151, 152, 155, 157, 158, 159, 166, 176, 177, 178, 182, 183, 185, 187, 188, 198, 199]
    )
    return np.hstack([digits_of(rng.choice(prefix, size), 3), digits_of(rng.integers(0, 10**8, size), 8)])


def credit_codes(serial: npt.NDArray[np.int64], region: npt.NDArray[np.int64]) -> pa.Array:
    """Unified social credit codes (统一社会信用代码) of 18 characters with their check character; `region` as six-digit integer."""
    letters = np.frombuffer(CREDIT_ALPHABET.encode(), dtype=np.uint8)
    organisation = digits_of(serial * 9_700_417 % 10**8, 8)
    # GB 11714: the organisation code inside carries a check character of its own, weights 3 7 9 10 5 8 4 2.
    inner = (11 - (organisation - ord("0")).astype(np.int64) @ np.array([3, 7, 9, 10, 5, 8, 4, 2]) % 11) % 11
    inner_char = np.where(inner == 10, ord("X"), inner + ord("0")).astype(np.uint8)
    head = np.tile(np.frombuffer(b"91", dtype=np.uint8), (len(serial), 1))
    body = np.hstack([head, digits_of(region, 6), organisation, inner_char[:, None]])
    position = np.zeros(256, dtype=np.int64)
    position[letters] = np.arange(31)
    weights = 3 ** np.arange(17, dtype=np.int64) % 31
    check = (31 - position[body] @ weights % 31) % 31
    return to_strings(np.hstack([body, letters[check][:, None]]))
