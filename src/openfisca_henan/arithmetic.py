"""The few arithmetic rules that all formulas share: thresholds, rounding, what is not known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

#: A threshold compares totals rounded to this many digits: in float64, 3.6 per cent of three-person households exactly at the standard would
#: otherwise come out below it. Compared as whole numbers of this part of a yuan.
THRESHOLD_PARTS = 1e6


def below(amount: FloatArray, limit: FloatArray) -> BoolArray:
    """``amount < limit``, both rounded to 1e-6 yuan. A limit that is not known (NaN) is never passed: the result is False."""
    return np.rint(amount * THRESHOLD_PARTS) < np.rint(limit * THRESHOLD_PARTS)


def reaches(amount: FloatArray, limit: FloatArray) -> BoolArray:
    """``amount >= limit``, both rounded to 1e-6; False where the limit is not known (NaN)."""
    return np.rint(amount * THRESHOLD_PARTS) >= np.rint(limit * THRESHOLD_PARTS)


def half_up_fen(amount: FloatArray) -> FloatArray:
    """Round half up to the fen. 1e-6 fen is added first, so that a half that float64 holds a little too small still goes up."""
    return np.floor(amount * 100 + (0.5 + 1e-6)) / 100


def half_up_yuan(amount: FloatArray) -> FloatArray:
    """Round half up to the yuan, with the same 1e-6 fen."""
    return np.floor(amount + (0.5 + 1e-8))


def up_jiao(amount: FloatArray) -> FloatArray:
    """Round up to the tenth of a yuan; 1e-6 fen above a whole jiao still counts as whole."""
    return np.ceil(amount * 10 - 1e-7) / 10


#: How a place rounds, by the number of the choice in its parameter.
ROUNDINGS = {0: half_up_fen, 1: half_up_yuan, 2: up_jiao}


def rounded(amount: FloatArray, rule: FloatArray) -> FloatArray:
    """Amounts rounded as each place rules; a rule is an index of ``ROUNDINGS``. One pass for each rule that occurs."""
    present = [number for number in ROUNDINGS if (rule == number).any()]
    if len(present) == 1:
        return ROUNDINGS[present[0]](amount)
    result = amount.copy()
    for number in present:
        here = rule == number
        result[here] = ROUNDINGS[number](amount[here])
    return result


def known(values: FloatArray, otherwise: float = 0.0) -> FloatArray:
    """The values, with ``otherwise`` where the place has no row (NaN)."""
    return np.where(np.isnan(values), otherwise, values)
