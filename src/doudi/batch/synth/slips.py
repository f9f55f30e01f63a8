"""Who is meant where the number is missing or wrong: what clerks write instead (sex, birth date, phone, place, head of household), and how they mistype names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa

from ..linkage.names import variants
from .names import GIVEN, SURNAMES
from .structure import Bools, Days

TOLD_HEADERS = ("性别", "出生日期", "联系电话", "户籍地", "户主或监护人")
TOLD_BY = ("disability", "medical", "deaths", "education", "serious_illness", "unemployment", "monitoring_list", "disasters", "detention", "student_aid")
"""Datasets whose contracts have these columns."""
# Share of these rows that tells each, and of those told that are wrong.
TELLS = {"性别": 0.97, "出生日期": 0.93, "联系电话": 0.6, "户籍地": 0.75, "户主或监护人": 0.65}
WRONG_BIRTH, OTHER_PHONE, SLIP_OF_NAME = 0.05, 0.05, 0.15
SLIP_ELSEWHERE = 0.003
"""Share of rows with a good number whose name is mistyped."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the people of some rows would tell: one entry a row, null where there is nothing."""

    male: Bools
    birth: Days
    phone: list[str | None]
    village: list[str | None]
    head: list[str | None]


@cache
def _alike() -> dict[str, str]:
    """Character -> the other characters of names that sound the same."""
    from pypinyin import Style, lazy_pinyin  # its dictionaries take long to load

    chars = sorted({char for words in GIVEN.values() for char in "".join(words) if char > "一"} | {char for name in SURNAMES for char in name})
    by_sound: dict[str, str] = {}
    for char in chars:
        sound = lazy_pinyin(char, style=Style.NORMAL)[0]
        by_sound[sound] = by_sound.get(sound, "") + char
    return {char: group.replace(char, "") for group in by_sound.values() for char in group if len(group) > 1}


@cache
def _written() -> dict[str, str]:
    """Character -> one of its variants that old systems (GBK) hold too."""
    return {plain: other for other, plain in variants().items() if other.encode("gbk", "ignore")}


def mistyped(rng: np.random.Generator, name: str) -> str:
    """A name as it comes out of a keyboard: another character of the same sound, a variant, or quite another one."""
    places = rng.permutation(len(name))
    if rng.random() < 0.3:
        for place in places:
            if name[place] in _written():
                return name[:place] + _written()[name[place]] + name[place + 1 :]
    for place in places:
        if others := _alike().get(name[place], ""):
            return name[:place] + others[int(rng.integers(len(others)))] + name[place + 1 :]
    return name[:-1] + "华明英伟"[int(rng.integers(4))] if len(name) > 2 else name


def tell(rng: np.random.Generator, who: Told) -> dict[str, list[str | None]]:
    """Cells of TOLD_HEADERS."""
    n = len(who.birth)
    birth = who.birth.astype("datetime64[D]")
    slip = rng.random(n) < WRONG_BIRTH
    turned = birth + rng.choice([-10, -1, 1, 9, 30, 365], n).astype("timedelta64[D]")
    days = np.where(slip, np.minimum(turned, np.datetime64("2022-11-01")), birth).astype(str).tolist()
    other = rng.random(n) < OTHER_PHONE
    phones = [f"139{int(number):08}" if wrong and phone else phone for phone, wrong, number in zip(who.phone, other, rng.integers(0, 10**8, n), strict=True)]
    lengths = rng.choice([12, 9, 6], n, p=[0.45, 0.3, 0.25])
    places = [village[:length] if village else None for village, length in zip(who.village, lengths, strict=True)]
    sexes: list[str | None] = ["男" if male else "女" for male in who.male]
    cells = dict(zip(TOLD_HEADERS, (sexes, days, phones, places, who.head), strict=True))
    return {header: [value if value and told else "" for value, told in zip(values, rng.random(n) < TELLS[header], strict=True)] for header, values in cells.items()}


def at_rows(count: int, rows: np.ndarray, values: list[str | None]) -> pa.Array:
    """A column with `values` in some rows and nothing elsewhere."""
    column = np.full(count, "", dtype=object)
    column[rows] = values
    return pa.array(column, pa.string())
