"""Dibao, to the fen, against a second implementation in exact fractions that shares nothing with the law but the data file."""

import csv
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import openfisca_henan
from doudi.batch.law import run

DATA = Path(openfisca_henan.__file__).parent / "data" / "assistance_standards.csv"
#: Places that pay the gap, without a land rule in play.
PLACES = ["410724", "410122", "410302", "410221", "411624", "411402", "410402"]
MONTHS = ["2017-07", "2018-03", "2019-06", "2020-01", "2021-07", "2022-07", "2023-01"]


@cache
def standard(county, residence, month):
    """Yuan a month as an exact fraction: the nearest row, lifted to the province's newer one."""
    rows = {}
    with DATA.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["what"] == "dibao_standard" and row["kind"] in (residence, "unified") and row["from"] <= f"{month}-01":
                value = Fraction(row["value"]) / (12 if row["unit"].endswith("year") else 1)
                rows.setdefault(row["area"], []).append((row["from"], value))
    for area in (county, county[:4], "41"):
        if area in rows:
            since, value = max(rows[area])
            newer, floor = max(rows["41"])
            return max(value, floor) if newer > since else value
    return None


def reference(county, residence, month, year_in_fen):
    """Dibao of a household whose members' incomes of 12 months are whole fen: exact, rounded half up at the end."""
    limit = standard(county, residence, month) * len(year_in_fen)
    income = Fraction(sum(year_in_fen), 1200)
    if income >= limit:
        return Decimal("0.00")
    gap = limit - income
    return (Decimal(gap.numerator) / Decimal(gap.denominator)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def law(cases, month):
    """The law over many households at once; ``cases`` are (county, residence, incomes of a year in fen)."""
    sizes = [len(incomes) for _, _, incomes in cases]
    index = np.repeat(np.arange(len(cases)), sizes)
    fen = np.array([fen for _, _, incomes in cases for fen in incomes], dtype=np.int64)
    persons = {"birth_date": np.full(len(index), np.datetime64("1975-01-01")), "wage_income": fen / 100 / 12}
    households = {"county": [county for county, _, _ in cases], "residence": [residence for _, residence, _ in cases]}
    return run(persons, households, index, None, month, ["dibao_amount", "dibao_eligible"])


def split(total, size, random):
    """A total in fen as a sum of ``size`` uneven parts."""
    cuts = np.sort(random.integers(0, total + 1, size - 1))
    return np.diff(np.r_[0, cuts, total]).tolist()


@pytest.mark.parametrize("month", MONTHS)
def test_amounts_are_exact_to_the_fen_at_and_around_every_boundary(month):
    random = np.random.default_rng(int(month.replace("-", "")))
    cases = []
    for county in PLACES:
        for residence in ("urban", "rural"):
            for size in range(1, 9):
                at_standard = standard(county, residence, month) * size * 1200
                assert at_standard.denominator == 1
                cases += [
                    (county, residence, split(max(int(at_standard) + change, 0), size, random))
                    for change in (-12, -7, -6, -5, -1, 0, 1, 6, -600, -int(at_standard), -int(at_standard) // 2)
                    for _ in range(6)
                ]
    result = law(cases, month)
    expected = [reference(county, residence, month, incomes) for county, residence, incomes in cases]
    got = [Decimal(repr(float(amount))) for amount in result["dibao_amount"]]
    wrong = [(case, right, amount) for case, right, amount in zip(cases, expected, got, strict=True) if amount != right]
    assert not wrong, (len(wrong), wrong[:3])
    eligible = [Fraction(sum(incomes), 1200) < standard(county, residence, month) * len(incomes) for county, residence, incomes in cases]
    assert result["dibao_eligible"].tolist() == eligible


def test_random_households_are_exact_to_the_fen():
    random = np.random.default_rng(11)
    for month in MONTHS:
        cases = [
            (str(random.choice(PLACES)), str(random.choice(["urban", "rural"])), random.integers(0, 900_000, random.integers(1, 7)).tolist())
            for _ in range(1500)
        ]
        result = law(cases, month)
        for case, got in zip(cases, result["dibao_amount"], strict=True):
            assert Decimal(repr(float(got))) == reference(case[0], case[1], month, case[2]), case


def test_comparing_quotients_would_get_boundaries_wrong():
    """Why the law compares totals: in float64 the quotient of three people exactly at a standard often comes out below it."""
    limit = 355.0
    below = sum(float(np.sum(np.array(split(int(limit * 3 * 1200), 3, np.random.default_rng(seed))) / 100 / 12)) / 3 < limit for seed in range(400))
    assert below > 0
