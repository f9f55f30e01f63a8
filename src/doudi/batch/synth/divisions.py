"""Villages and counties of the national statistical division codes that ship with the package."""

from __future__ import annotations

import csv
import gzip
from functools import cache
from importlib.resources import files
from io import TextIOWrapper

Division = tuple[str, str]
"""(code, name)"""


@cache
def _rows() -> tuple[tuple[str, str, str], ...]:
    with (files("doudi") / "core" / "data" / "divisions.csv.gz").open("rb") as packed, gzip.open(packed) as plain:
        return tuple((row["code"], row["name"], row["level"]) for row in csv.DictReader(TextIOWrapper(plain, "utf-8")))


def load_villages(area: str) -> list[Division]:
    """The villages (code of 12 digits, name) below the division `area`, in order of code. ValueError if there are none."""
    villages = sorted((code, name) for code, name, level in _rows() if level == "village" and code.startswith(area))
    if not villages:
        raise ValueError(f"行政区划“{area}”下没有村（社区）；请使用河南省的区划代码")
    return villages


def load_counties() -> list[Division]:
    """County-level divisions (code of 6 digits, name) that the civil-affairs system has: without development zones (third pair 7x)."""
    return sorted((code, name) for code, name, level in _rows() if level == "county" and code[4] != "7")


def township_names() -> dict[str, str]:
    """Township name by its code of 9 digits."""
    return {code: name for code, name, level in _rows() if level == "township"}
