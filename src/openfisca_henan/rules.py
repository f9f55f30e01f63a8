"""Amounts of a place that are made from several parameters. All work is on arrays of counties, made once per day.

A derived amount is as new as the newest row in it. Where place and province share that newest row (both are a share of the same minimum
wage), the dates of the rules themselves decide, so that a province's minimum is not lost behind an older rule of the place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openfisca_henan.arithmetic import half_up_fen, rounded
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


@dataclass(frozen=True)
class PriceLinkage:
    """Price linkage of one month of payment, by county. All rises in per cent; NaN is "not known".

    ``source`` says where ``rise`` comes from: an index into ``PRICE_SOURCES``.
    """

    cpi: FloatArray
    food: FloatArray
    scpi: FloatArray
    cpi_trigger: FloatArray
    food_trigger: FloatArray
    own: NDArray[np.bool_]
    by_province: bool
    rise: FloatArray
    source: NDArray[np.int8]

    @property
    def started(self) -> NDArray[np.bool_]:
        return self.own | self.by_province


PRICE_SOURCES = ("", "scpi", "cpi", "food", "province scpi", "province cpi", "province food")


def month_before(day: str) -> str:
    """First day of the month before."""
    year, month = int(day[:4]), int(day[5:7])
    return f"{year - (month == 1):04d}-{(month - 2) % 12 + 1:02d}-01"


def price_linkage(table: PlaceTable, day: str) -> PriceLinkage:
    """Start condition and rise for a month of payment, tested on the index of the month before.

    The start is tested on the prefecture's own index, reached at equality; a place's condition may be lower than the province's, never higher.
    A missing index is not known: it never counts as zero and is never the province's or the nation's.
    """
    return table.cached(("price_linkage", day), lambda: _price_linkage(table, day, month_before(day)))


def _reached(value: FloatArray, trigger: FloatArray) -> NDArray[np.bool_]:
    return np.round(value, 6) >= np.round(trigger, 6)


def _price_linkage(table: PlaceTable, day: str, index_day: str) -> PriceLinkage:
    values = {name: table.at(f"prices.{name}", index_day).values for name in ("cpi", "food", "scpi")}
    of_province = {name: np.array(table.province(f"prices.{name}", index_day)) for name in ("cpi", "food", "scpi")}
    triggers, reached, province_reached = {}, {}, {}
    for name in ("cpi", "food"):
        parameter = f"price_linkage.trigger.{name}"
        common = table.province(parameter, index_day)
        triggers[name] = np.fmin(table.at(parameter, index_day).values, common)
        reached[name] = _reached(values[name], triggers[name])
        province_reached[name] = bool(_reached(of_province[name], np.array(common)))
    own = reached["cpi"] | reached["food"]
    by_province = table.province("price_linkage.province_start", day) == 1

    size = len(own)
    rise, source = np.full(size, np.nan), np.zeros(size, dtype=np.int8)

    def take(where: NDArray[np.bool_], value: FloatArray, number: int) -> None:
        here = where & np.isnan(rise) & ~np.isnan(value)
        rise[here], source[here] = np.broadcast_to(value, size)[here], number

    # Where the place's rule names the index that started it, the higher counts when both did.
    by_starter = own & (table.at("price_linkage.amount.index", index_day).values == 1)
    food_higher = reached["food"] & ~(reached["cpi"] & (values["cpi"] >= values["food"]))
    take(by_starter & food_higher, values["food"], 3)
    take(by_starter, values["cpi"], 2)
    # The usual rule: the SCPI; without one the place waits for it, or falls back to the CPI where it reached, else food.
    take(own & ~by_starter, values["scpi"], 1)
    falls_back = own & ~by_starter & (table.at("price_linkage.amount.no_scpi", index_day).values == 0)
    take(falls_back & reached["cpi"], values["cpi"], 2)
    take(falls_back, values["food"], 3)
    # Started by the province alone: the city's SCPI, else the province's SCPI, CPI where it reached, food.
    alone = np.full(size, by_province) & ~own
    take(alone, values["scpi"], 1)
    take(alone, of_province["scpi"], 4)
    take(alone & province_reached["cpi"], of_province["cpi"], 5)
    take(alone, of_province["food"], 6)
    return PriceLinkage(
        values["cpi"], values["food"], values["scpi"], triggers["cpi"], triggers["food"], own, by_province, np.maximum(rise, 0), source
    )


#: The groups that price linkage covers, in the order in which they are named when two have the same base; a set of groups is a sum of bits.
PRICE_GROUPS = ("tekun", "children", "dibao", "marginal")


@dataclass(frozen=True)
class PriceAmounts:
    """Price subsidies of one month of payment. Base and amount depend on group, residence and county alone, so they are tables.

    ``bases`` has a row for each of ``PRICE_GROUPS``. ``group`` (position in ``PRICE_GROUPS``, -1 none), ``base`` and ``amount`` have one for each set
    of groups that a person can belong to: of several the one with the highest base counts. Columns are places: residence times counties, plus county.
    """

    bases: FloatArray
    group: IntArray
    base: FloatArray
    amount: FloatArray
    multiplier: FloatArray


def price_amounts(table: PlaceTable, day: str) -> PriceAmounts:
    """Amounts by place: base times rise, rounded and floored as the place rules, times the multiplier of the index month."""
    return table.cached(("price_amounts", day), lambda: _price_amounts(table, day))


def _price_amounts(table: PlaceTable, day: str) -> PriceAmounts:
    standards = np.nan_to_num(table.stacked(("dibao.standard.urban", "dibao.standard.rural"), day))
    bases = np.zeros((len(PRICE_GROUPS), *standards.shape))
    for number, name in enumerate(PRICE_GROUPS):
        if table.province(f"price_linkage.covered.{name}", day) == 1:
            rule = table.at(f"price_linkage.amount.base.{name}", day).values
            bases[number] = np.where(rule == 1, standards[0], np.where(rule == 2, standards[1], standards))
    rise = price_linkage(table, day).rise
    rounding = np.nan_to_num(table.at("price_linkage.amount.rounding", day).values)
    floor = np.nan_to_num(table.at("price_linkage.amount.floor", day).values)
    multiplier = np.nan_to_num(table.at("price_linkage.amount.multiplier", month_before(day)).values, nan=1.0)
    raw = np.nan_to_num(bases * rise / 100)
    amounts = np.maximum(rounded(raw, np.broadcast_to(rounding, raw.shape)), floor) * multiplier
    amounts = np.where((bases > 0) & ~np.isnan(rise), half_up_fen(amounts), 0)

    places = standards.size
    bases, amounts = bases.reshape(-1, places), amounts.reshape(-1, places)
    sets = 1 << len(PRICE_GROUPS)
    group = np.full((sets, places), -1, dtype=np.int64)
    base, amount = np.zeros((sets, places)), np.zeros((sets, places))
    for chosen in range(1, sets):
        for number in range(len(PRICE_GROUPS)):
            if chosen >> number & 1:
                better = bases[number] > base[chosen]
                group[chosen][better] = number
                base[chosen][better], amount[chosen][better] = bases[number][better], amounts[number][better]
    return PriceAmounts(bases, group, base, amount, multiplier)
