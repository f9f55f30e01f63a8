"""Tokens from one key to the next: columns of them, and Parquet files that hold them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .tokens import TOKEN, Kind, TokenKey, matrix_from_tokens, tokens_from_matrix


def reseal(old: TokenKey, new: TokenKey, tokens: Any) -> tuple[np.ndarray, np.ndarray]:
    """((n, 16) bytes of the same numbers under the new key, kinds of the rows left over as uint8, 0 elsewhere).

    Null rows stay zero. Left over are tokens that hold a digest: their number cannot be read back. Raises TokenError if a
    token was not made with the old key.
    """
    kinds, texts = old.open_many(tokens)
    out = np.zeros((len(kinds), 16), np.uint8)
    readable = texts.is_valid().to_numpy(zero_copy_only=False)
    for kind in np.unique(kinds[readable]):
        rows = readable & (kinds == kind)
        out[rows] = matrix_from_tokens(new.seal_many(Kind(int(kind)), texts.filter(pa.array(rows))))[0]
    return out, np.where(readable, 0, kinds).astype(np.uint8)


def has_tokens(path: Path) -> bool:
    """Whether a Parquet file has columns of tokens (16 plain bytes)."""
    return any(field.type == TOKEN for field in pq.read_schema(path))


def reseal_parquet(source: Path, target: Path, renew: Callable[[pa.Array], pa.Array]) -> int:
    """Write a copy of a Parquet file with `renew` applied to each column of tokens, row group by row group; the number of rows.

    Same schema, rows and mode; on disk when this returns. Smallest and largest values are never kept of tokens.
    """
    with pq.ParquetFile(source) as file:
        schema = file.schema_arrow
        plain = [field.name for field in schema if field.type != TOKEN]
        with open(target, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
            with pq.ParquetWriter(out, schema, compression="zstd", write_statistics=plain) as writer:  # type: ignore[arg-type]
                for group in range(file.num_row_groups):
                    rows = file.read_row_group(group)
                    for at, field in enumerate(schema):
                        if field.type == TOKEN:
                            rows = rows.set_column(at, field, pa.chunked_array([renew(part) for part in rows.column(at).chunks], TOKEN))
                    writer.write_table(rows, row_group_size=max(1, len(rows)))
            out.flush()
            os.fsync(out.fileno())
        os.chmod(target, source.stat().st_mode & 0o777)
        return int(file.metadata.num_rows)


def renewed(matrix: np.ndarray, tokens: pa.Array) -> pa.Array:
    """Fixed 16-byte Arrow array of a resealed matrix, null where `tokens` is null."""
    return tokens_from_matrix(matrix, None if tokens.null_count == 0 else tokens.is_valid().to_numpy(zero_copy_only=False))
