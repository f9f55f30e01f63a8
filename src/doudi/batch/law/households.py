"""Households as rows (一户一行): columns of the law's inputs as Arrow and Parquet, and back. A row is a household and holds its members as lists, so that
no batch, partition or machine ever sees a part of a household.

``household`` is the household's number, ``place`` its division's code (may be null); every other column is an input variable of the law under its own
name: one value for variables of the household, a list with a value for each member for those of persons. Null: not told, the law's default.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from doudi.batch.law.settings import system

KEY, PLACE = "household", "place"
REQUIRED = ("birth_date", "county", "residence")
_KINDS = {float: pa.float64(), int: pa.int64(), bool: pa.bool_(), date: pa.date32(), str: pa.string()}

Inputs = tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]], NDArray[np.int64]]


def kind_of(name: str) -> pa.DataType:
    """The Arrow type of a variable's values; choices are written by their names."""
    variable = system().get_variable(name, check_existence=True)
    return _KINDS.get(variable.value_type, pa.string())


def is_person(name: str) -> bool:
    return bool(system().get_variable(name, check_existence=True).entity.key == "person")


def rows(
    persons: Mapping[str, ArrayLike],
    households: Mapping[str, ArrayLike],
    person_household: ArrayLike,
    *,
    keys: ArrayLike | None = None,
    places: ArrayLike | None = None,
) -> pa.Table:
    """The inputs of ``engine.prepare`` as rows of households. ``keys``: their numbers (default their position). Raises ValueError for a household
    without members, or a column that is no input of the law."""
    of = np.asarray(person_household, dtype=np.int64)
    size = len(np.asarray(next(iter(households.values()))))
    counts = np.bincount(of, minlength=size)
    if len(counts) != size or not counts.all():
        raise ValueError("every household needs members, every member a household")
    order = None if (of[1:] >= of[:-1]).all() else np.argsort(of, kind="stable")
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
    made = {KEY: pa.array(np.arange(size) if keys is None else np.asarray(keys), pa.int64())}
    if places is not None:
        made[PLACE] = pa.array(np.asarray(places).astype(object), pa.string())
    for name, column in households.items():
        made[name] = _values(name, np.asarray(column))
    for name, column in persons.items():
        ordered = np.asarray(column) if order is None else np.asarray(column)[order]
        made[name] = pa.ListArray.from_arrays(offsets, _values(name, ordered))
    return pa.table(made)


def _values(name: str, column: NDArray[Any]) -> pa.Array:
    variable = system().get_variable(name, check_existence=True)
    if not variable.is_input_variable():
        raise ValueError(f"{name} is no input of the law")
    kind = kind_of(name)
    choices = getattr(variable, "possible_values", None)
    if choices is not None and column.dtype.kind in "iu":
        names = np.array([value.name for value in choices], dtype=object)
        inside = (column >= 0) & (column < len(names))
        return pa.array(np.where(inside, names[np.where(inside, column, 0)], column.astype(str).astype(object)), kind)
    if pa.types.is_string(kind):
        return pa.array(column.astype(str).astype(object), kind)
    if pa.types.is_date(kind):
        return pa.array(column.astype("datetime64[D]"), kind)
    if pa.types.is_integer(kind):
        return pa.array(column.astype(np.int64), kind)
    return pa.array(column).cast(kind)


def inputs(batch: pa.RecordBatch | pa.Table) -> Inputs:
    """(persons, households, person_household) of rows, ready for ``engine.prepare``. Raises ValueError where a member's values are not as many as the
    household has birth dates."""
    persons: dict[str, NDArray[Any]] = {}
    households: dict[str, NDArray[Any]] = {}
    born = _whole(batch.column("birth_date"))
    sizes = pc.fill_null(pc.list_value_length(born), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    of = np.repeat(np.arange(len(born)), sizes)
    for name in batch.schema.names:
        if name in (KEY, PLACE):
            continue
        column = _whole(batch.column(name))
        if column.null_count == len(column) and name not in REQUIRED:
            continue
        if not is_person(name):
            households[name] = _array(name, column)
            continue
        told = column.is_valid().to_numpy(zero_copy_only=False)
        lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
        if (lengths != sizes)[told].any():
            raise ValueError(
                f"{name}: not one value for each member of household {batch.column(KEY)[int(np.flatnonzero((lengths != sizes) & told)[0])]}"
            )
        values = _array(name, column.flatten())
        if not told.all() and name not in REQUIRED:
            every = np.full(len(of), _default(name), dtype=values.dtype)
            every[told[of]] = values
            values = every
        persons[name] = values
    return persons, households, of


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _default(name: str) -> Any:
    """The law's default as ``_array`` gives values: a choice is its number."""
    default = system().get_variable(name).default_value
    return getattr(default, "index", default) if not isinstance(default, str) else default


def _array(name: str, column: pa.Array) -> NDArray[Any]:
    """Values as the law takes them; null is the default, except where the law has to be told."""
    choices = getattr(system().get_variable(name, check_existence=True), "possible_values", None)
    if column.null_count and name not in REQUIRED:
        default = system().get_variable(name).default_value
        column = column.fill_null(pa.scalar(getattr(default, "name", default) if choices is not None else default, column.type))
    if choices is None:
        return np.asarray(column.to_numpy(zero_copy_only=False))
    words = column.dictionary_encode()
    known = {value.name: value.index for value in choices} | {str(value.value): value.index for value in choices}
    numbers = np.array([*(known.get(word, -1) for word in words.dictionary.to_pylist()), -1], dtype=np.int64)  # the last stands for null
    return numbers[words.indices.fill_null(len(numbers) - 1).to_numpy(zero_copy_only=False)]
