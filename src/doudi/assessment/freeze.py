"""Columns -> one JSON text per household and back, without a Python loop over people: what an assessment keeps.

A frozen column is left out where every member has the law's default, so equal facts give equal texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from openfisca_core.indexed_enums import EnumArray

from doudi.assessment.facts import DEFAULTS, Array, Facts


def _text(column: Array) -> pa.Array:
    """Each value as JSON; a number that is not finite (not known, no limit) as null."""
    if isinstance(column, EnumArray):
        column = np.asarray(column.decode_to_str()).astype(str)
    if column.dtype.kind == "f":
        return pc.if_else(pa.array(np.isfinite(column)), pa.array(column + 0.0).cast(pa.string()), "null")
    if column.dtype.kind in "biu":
        return pa.array(column).cast(pa.string())
    if column.dtype.kind == "M":
        column = column.astype("datetime64[D]").astype(str)
    return pc.binary_join_element_wise('"', pa.array(column.astype(str).tolist()), '"', "")


def _default(name: str, column: Array) -> Any:
    if name in DEFAULTS:
        return DEFAULTS[name]
    return {"f": 0.0, "i": 0, "u": 0, "b": False}.get(column.dtype.kind)


def _object(pieces: list[pa.Array], size: int) -> pa.Array:
    inside = pc.binary_join_element_wise(*pieces, ",", null_handling="skip") if pieces else pa.array([""] * size)
    return pc.binary_join_element_wise("{", inside, "}", "")


def household_texts(columns: Mapping[str, Array], *, sparse: bool) -> pa.Array:
    """`{"name": value, ...}` per household; with `sparse` without defaults."""
    pieces, size = [], 0
    for name in sorted(columns):
        column = columns[name]
        size = len(column)
        piece = pc.binary_join_element_wise(f'"{name}":', _text(column), "")
        default = _default(name, column) if sparse else None
        if default is not None:
            piece = pc.if_else(pa.array(column != default), piece, pa.scalar(None, pa.string()))
        pieces.append(piece)
    return _object(pieces, size)


def person_texts(columns: Mapping[str, Array], offsets: Array) -> pa.Array:
    """`{"name": [value of each member], ...}` per household, without columns of defaults."""
    pieces = []
    positions = pa.array(offsets.astype(np.int32))
    for name in sorted(columns):
        column = columns[name]
        joined = pc.binary_join(pa.ListArray.from_arrays(positions, _text(column)), ",")
        piece = pc.binary_join_element_wise(f'"{name}":[', joined, "]", "")
        default = _default(name, column)
        if default is not None:
            some = np.logical_or.reduceat(np.asarray(column) != default, offsets[:-1])
            piece = pc.if_else(pa.array(some), piece, pa.scalar(None, pa.string()))
        pieces.append(piece)
    return _object(pieces, len(offsets) - 1)


def facts_texts(facts: Facts) -> pa.Array:
    """The frozen facts: `{"person_ids": [...], "persons": {...}, "household": {...}}`."""
    ids = pc.binary_join(pa.ListArray.from_arrays(pa.array(facts.offsets.astype(np.int32)), pa.array(facts.person_ids).cast(pa.string())), ",")
    return pc.binary_join_element_wise(
        '{"person_ids":[', ids, '],"persons":', person_texts(facts.persons, facts.offsets), ',"household":',
        household_texts(facts.households, sparse=True), "}", "",
    )  # fmt: skip


def results_texts(facts: Facts, persons: Mapping[str, Array], households: Mapping[str, Array]) -> pa.Array:
    """The frozen results: `{"persons": {...}, "household": {...}}`; members in the order of `person_ids`."""
    return pc.binary_join_element_wise(
        '{"persons":', person_texts(persons, facts.offsets), ',"household":', household_texts(households, sparse=False), "}", ""
    )


def thaw(frozen: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Array], dict[str, Array], Array]:
    """(persons, households, person_household) of frozen facts, as `doudi.batch.law.run` takes them."""
    rows = list(frozen)
    sizes = [len(row["person_ids"]) for row in rows]
    persons: dict[str, list[Any]] = {}
    households: dict[str, list[Any]] = {}
    for owner, made in (("persons", persons), ("household", households)):
        for name in {name for row in rows for name in row[owner]}:
            sample = next(row[owner][name] for row in rows if name in row[owner])
            # the start of a gradual exit only matters where there is one: any date will do for the others
            default = sample if name == "gradual_exit_start" else DEFAULTS.get(name, type(sample[0] if owner == "persons" else sample)())
            values = made.setdefault(name, [])
            for row, size in zip(rows, sizes, strict=True):
                given = row[owner].get(name)
                if owner == "persons":
                    values.extend([default] * size if given is None else given)
                else:
                    values.append(default if given is None else given)
    return (
        {name: np.array(values) for name, values in persons.items()},
        {name: np.array(values) for name, values in households.items()},
        np.repeat(np.arange(len(rows)), sizes),
    )
