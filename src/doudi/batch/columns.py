"""Between Arrow strings and byte matrices: the ground under vectorised checks and tokens."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa


def as_string_array(values: Any) -> pa.Array:
    """One contiguous Arrow string array of whatever holds strings: Arrow, Polars, pandas, NumPy, a list (None = null)."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)
    elif hasattr(values, "to_arrow"):
        values = values.to_arrow()
    elif not isinstance(values, pa.Array):
        values = pa.array(values, from_pandas=True)
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pa.DictionaryArray):
        values = values.dictionary_decode()
    return values if values.type == pa.large_string() else values.cast(pa.large_string())


def offsets_and_bytes(column: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Offsets (n + 1, from 0) and the bytes of a large_string array without nulls."""
    buffers = column.buffers()
    if len(column) == 0 or buffers[1] is None:
        return np.zeros(1, np.int64), np.zeros(0, np.uint8)
    offsets = np.frombuffer(buffers[1], np.int64)[column.offset : column.offset + len(column) + 1]
    data = np.frombuffer(buffers[2], np.uint8) if buffers[2] is not None else np.zeros(0, np.uint8)
    return offsets - offsets[0], data[offsets[0] : offsets[-1]]


def byte_matrix(column: pa.Array, width: int) -> np.ndarray:
    """(n, width) bytes of strings that all have exactly `width` bytes; a view where it can be."""
    _, data = offsets_and_bytes(column)
    return data.reshape(len(column), width)


def padded_matrix(column: pa.Array, width: int, fill: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """((n, width) bytes padded with `fill`, lengths) of strings of at most `width` bytes."""
    offsets, data = offsets_and_bytes(column)
    lengths = np.diff(offsets)
    matrix = np.full((len(lengths), width), fill, np.uint8)
    if len(lengths) and (lengths == lengths[0]).all():
        matrix[:, : lengths[0]] = data.reshape(len(lengths), lengths[0])
        return matrix, lengths
    matrix[np.arange(width) < lengths[:, None]] = data
    return matrix, lengths


def from_byte_matrix(matrix: np.ndarray, null: np.ndarray | None = None) -> pa.Array:
    """Arrow strings, all as wide as the ASCII matrix; null where `null`."""
    count, width = matrix.shape
    data = pa.py_buffer(np.ascontiguousarray(matrix))
    offsets = pa.py_buffer(np.arange(count + 1, dtype=np.int32) * np.int32(width))
    validity = None if null is None else pa.py_buffer(np.packbits(~null, bitorder="little"))
    return pa.StringArray.from_buffers(count, offsets, data, validity, -1 if null is not None else 0)


def from_padded_matrix(matrix: np.ndarray, lengths: np.ndarray) -> pa.Array:
    """Arrow strings of the first `lengths[i]` bytes of each row of an ASCII matrix."""
    count, width = matrix.shape
    if count and (lengths == lengths[0]).all():
        return from_byte_matrix(matrix[:, : lengths[0]])
    data = matrix[np.arange(width) < lengths[:, None]]
    offsets = np.zeros(count + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(data))
