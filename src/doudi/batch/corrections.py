"""What a wrong ID number may have been (身份证号校验位不符): the numbers one slip away that would be right. They are offered for review, never taken.

A wrong check character, one wrong digit, two neighbours swapped: some thirty numbers of each, by column, without a Python call per row.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from .columns import as_string_array, byte_matrix, from_byte_matrix
from .idnumber import CHECKS, OK, WEIGHTS, _check_matrix

CHECK_CHARACTER, DIGIT, SWAP, CERTIFICATE = "check", "digit", "swap", "certificate"
_RIGHT = np.frombuffer(CHECKS.encode(), np.uint8)


def corrections(numbers: object) -> tuple[np.ndarray, pa.Array, pa.Array]:
    """(position of the wrong number, possible number, what was wrong: `check`, `digit`, `swap`) of a column of numbers of 18 characters whose check
    character does not fit. Impossible birth dates are left out."""
    column = as_string_array(numbers)
    matrix = byte_matrix(column, 18)
    found: list[tuple[np.ndarray, np.ndarray, str]] = []
    values = matrix[:, :17].astype(np.int64) - 48
    total = values @ np.array(WEIGHTS)
    own = matrix.copy()
    own[:, 17] = _RIGHT[total % 11]
    found.append((np.arange(len(matrix)), own, CHECK_CHARACTER))
    for place, weight in enumerate(WEIGHTS):
        for digit in range(10):
            fits = (_RIGHT[(total + weight * (digit - values[:, place])) % 11] == matrix[:, 17]) & (values[:, place] != digit)
            rows = np.flatnonzero(fits)
            changed = matrix[rows].copy()
            changed[:, place] = 48 + digit
            found.append((rows, changed, DIGIT))
    for place in range(16):
        rows = np.flatnonzero(matrix[:, place] != matrix[:, place + 1])
        changed = matrix[rows].copy()
        changed[:, [place, place + 1]] = changed[:, [place + 1, place]]
        found.append((rows, changed, SWAP))
    at = np.concatenate([rows for rows, _changed, _how in found])
    every = np.concatenate([changed for _rows, changed, _how in found])
    how = np.repeat([how for _rows, _changed, how in found], [len(rows) for rows, _changed, _how in found])
    good = _check_matrix(every, None)[0] == OK if len(every) else np.zeros(0, bool)
    return at[good], from_byte_matrix(every[good]), pa.array(how[good].tolist(), pa.string())
