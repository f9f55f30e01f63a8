"""Amounts of a place that are made from several parameters. All work is on arrays of counties, made once per day.

A derived amount is as new as the newest row in it. Where place and province share that newest row (both are a share of the same minimum
wage), the dates of the rules themselves decide, so that a province's minimum is not lost behind an older rule of the place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openfisca_henan.places import PROVINCE, FloatArray, IntArray, PlaceTable

LEVELS = ("able", "partly_unable", "unable")
RESIDENCES = ("urban", "rural")


@dataclass(frozen=True)
class Derived:
    """Values by county with the row of the rule that counts, and where the province's floor lifted the place's own amount."""

    values: FloatArray
    row: IntArray
    lifted: NDArray[np.bool_]


def _floored(table: PlaceTable, names: tuple[str, ...], day: str, bases: dict[str, tuple[FloatArray, IntArray]]) -> Derived:
    """The nearest rule of a place, never below the province's newer one, compared in yuan.

    ``bases`` names, for each rule that is a factor or a reference, the amount that it is taken of: the value of a rule is its number times the base.
    """
    which, rule = table.alternatives(names, day)
    value, newest = rule.values.copy(), rule.day.copy()
    for position, name in enumerate(names):
        if name in bases:
            base, base_day = bases[name]
            here = which == position
            value[here] = (_factor(table, name, rule.values) * base)[here]
            newest[here] = np.maximum(rule.day, base_day)[here]
    best, best_name = -1, ""
    for name in names:
        index = table.row_of(name, PROVINCE, day)
        if index >= 0 and (best < 0 or table.rows[index].start >= table.rows[best].start):
            best, best_name = index, name
    lifted = np.zeros(len(value), dtype=bool)
    if best < 0:
        return Derived(value, rule.row, lifted)
    own_day = int(table.rows[best].start.replace("-", ""))
    factor = np.full(len(value), table.value_of(best))
    if best_name in bases:
        base, base_day = bases[best_name]
        floor, floor_newest = _factor(table, best_name, factor) * base, np.maximum(own_day, base_day)
    else:
        floor, floor_newest = factor, np.full(len(value), own_day)
    newer = (floor_newest > newest) | ((floor_newest == newest) & (own_day > rule.day))
    lifted = (rule.row >= 0) & (rule.row != best) & newer & (floor > value)
    return Derived(np.where(lifted, floor, value), np.where(lifted, best, rule.row), lifted)


def _factor(table: PlaceTable, name: str, values: FloatArray) -> FloatArray:
    """A choice (a rule that points to another amount) stands for that amount whole."""
    return np.where(np.isnan(values), np.nan, 1.0) if table.leaves[name].choices else values


def tekun_living(table: PlaceTable, day: str) -> tuple[Derived, Derived]:
    """Living amount (基本生活标准) by residence: a multiple of the local dibao standard, or the place's own amount."""

    def make() -> tuple[Derived, Derived]:
        made = []
        for residence in RESIDENCES:
            standard = table.at(f"dibao.standard.{residence}", day)
            names = ("tekun.living_multiple", f"tekun.living_amount.{residence}")
            made.append(_floored(table, names, day, {names[0]: (standard.values, standard.day)}))
        return made[0], made[1]

    return table.cached(("tekun_living", day), make)


def minimum_wage(table: PlaceTable, day: str) -> tuple[FloatArray, IntArray]:
    """The minimum wage that the care amount of a place uses: of its class, some years back where the place says so. Values and dates by county."""
    lag = np.nan_to_num(table.at("tekun.care.wage_lag", day).values).astype(int)
    wage_class = table.at("minimum_wage.class_by_county", day).values
    values = np.full(len(lag), np.nan)
    days = np.zeros(len(lag), dtype=np.int64)
    for years in np.unique(lag):
        then = f"{int(day[:4]) - years:04d}{day[4:]}"
        for number in (1, 2, 3):
            dense = table.at(f"minimum_wage.class_{number}", then)
            here = (lag == years) & (wage_class == number)
            values[here], days[here] = dense.values[here], dense.day[here]
    return values, days


def tekun_care(table: PlaceTable, day: str) -> tuple[Derived, Derived, Derived]:
    """Care amount (照料护理标准) by level of self-care: a share of the minimum wage, an amount, or the local nursing subsidy."""

    def make() -> tuple[Derived, Derived, Derived]:
        wage = minimum_wage(table, day)
        nursing = table.at("disability.nursing", day)
        made = []
        for level in LEVELS:
            names = (f"tekun.care.share.{level}", f"tekun.care.rule.{level}", f"tekun.care.amount.{level}")
            made.append(_floored(table, names, day, {names[0]: wage, names[1]: (nursing.values, nursing.day)}))
        return made[0], made[1], made[2]

    return table.cached(("tekun_care", day), make)
