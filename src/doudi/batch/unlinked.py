"""Rows of a delivery without a usable ID number (缺号、错号): kept beside the accepted ones with what tells who is meant, until linkage finds the person.

    unlinked     row, subject, state, number, name, told_birth, told_sex, told_phone, told_division, told_relatives, the contract's other columns
    candidates   row, id_token, how: good numbers that are one slip away from the row's, or stand in its certificate

`subject` is a keyed fingerprint of what describes the person: the same words in the next delivery are the same subject, so that nobody is asked twice.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from .corrections import CERTIFICATE, corrections
from .datasets import Contract
from .idnumber import CHECK, EMPTY, parse_column
from .tokens import TOKEN, Kind, TokenKey

NONE, WRONG_CHECK, UNREADABLE, IN_CERTIFICATE = "none", "check", "unreadable", "certificate"
"""State of a number: not given; its check character does not fit; anything else that cannot be read; not given, but the certificate holds one."""
TOLD = ("told_birth", "told_sex", "told_division", "told_relatives")
CANDIDATES = pa.schema([("row", pa.int64()), ("id_token", TOKEN), ("how", pa.string())])
_HEAD = (("row", pa.int64()), ("subject", pa.string()), ("state", pa.string()), ("number", TOKEN), ("name", pa.string()))
_TOLD = (
    ("told_birth", pa.date32()),
    ("told_sex", pa.string()),
    ("told_phone", TOKEN),
    ("told_division", pa.string()),
    ("told_relatives", pa.string()),
)


def unlinked_schema(contract: Contract, accepted: pa.Schema) -> pa.Schema:
    """Columns of the unlinked rows of a contract. `accepted`: those of its accepted rows."""
    others = [field for field in accepted if field.name not in ("row", "id_token", "birth_date", "sex", "name")]
    return pa.schema([*(pa.field(name, kind) for name, kind in (*_HEAD, *_TOLD)), *others], metadata={"contract": contract.code})


def described(raw: pl.Series, errors: np.ndarray, told: Mapping[str, pl.Series], certificates: pl.Series | None = None) -> pl.DataFrame:
    """Who is meant, of rows without a good number: state, number (as read, null where none) and the told_* columns; what is not told is taken from the
    number where only its check character is wrong, or from the one in the certificate."""
    number = pl.select(raw.str.normalize("NFKC").str.replace_all(r"\s", "").str.to_uppercase()).to_series()
    wrong = errors >= CHECK
    told_none = (number.fill_null("") == "").to_numpy() | ~number.str.contains("[0-9]").fill_null(False).to_numpy()  # 无, 不详, 待补
    state = np.where(wrong, WRONG_CHECK, np.where((errors == EMPTY) | told_none, NONE, UNREADABLE))
    frame = pl.DataFrame({"state": state, "number": number, **told})
    if certificates is not None:
        inside = pl.Series(pl.from_arrow(parse_column(certificates.str.slice(0, 18)).numbers))
        held = (pl.col("state") == NONE) & pl.Series(inside).is_not_null()
        frame = frame.with_columns(
            number=pl.when(held).then(inside).otherwise(pl.col("number")), state=pl.when(held).then(pl.lit(IN_CERTIFICATE)).otherwise(pl.col("state"))
        )
    of_number = pl.when(pl.col("state").is_in([WRONG_CHECK, IN_CERTIFICATE]))
    odd = pl.col("number").str.slice(16, 1).cast(pl.Int8, strict=False) % 2
    return frame.with_columns(
        told_birth=pl.col("told_birth").fill_null(of_number.then(pl.col("number").str.slice(6, 8).str.to_date("%Y%m%d", strict=False))),
        told_sex=pl.col("told_sex").fill_null(of_number.then(pl.when(odd == 1).then(pl.lit("male")).otherwise(pl.lit("female")))),
        told_division=pl.col("told_division").fill_null(of_number.then(pl.col("number").str.slice(0, 6))),
        number=pl.when(pl.col("state") != NONE).then(pl.col("number")),
    )


def tells_enough(described: pl.DataFrame) -> np.ndarray:
    """A name alone is nobody: birth date or phone must be known."""
    return described.select(pl.col("told_birth").is_not_null() | pl.col("told_phone").is_not_null()).to_series().to_numpy()


def subjects(names: pl.Series, described: pl.DataFrame, key: bytes) -> pl.Series:
    """The fingerprints, 32 hexadecimal digits: SHA-256 under a key, in one statement."""
    rows = described.with_columns(names.alias("name")).with_row_index("place")
    parts = ", '\x1f', ".join(f"coalesce({name}::varchar, '')" for name in ("name", "state", "number", "told_phone", *TOLD))
    with duckdb.connect() as connection:
        connection.register("described", rows.to_arrow())
        query = f"select substr(sha256(concat(?, '\x1f', {parts})), 1, 32) as subject from described order by place"
        return pl.Series("subject", pl.from_arrow(connection.sql(query, params=[key.hex()]).to_arrow_table())["subject"])  # type: ignore[index]


def candidates(rows: pl.Series, described: pl.DataFrame, certificates: pl.Series | None, key: TokenKey) -> pa.Table:
    """CANDIDATES of the rows: corrections of numbers whose check character does not fit, and good numbers within certificates."""
    wrong = np.flatnonzero((described["state"] == WRONG_CHECK).to_numpy())
    at, numbers, how = corrections(described["number"].gather(wrong))
    parts = [(wrong[at], numbers, how)]
    if certificates is not None:
        inside = parse_column(certificates.str.slice(0, 18))
        good = np.flatnonzero(inside.numbers.is_valid().to_numpy(zero_copy_only=False))
        parts.append((good, inside.numbers.take(pa.array(good)), pa.array([CERTIFICATE] * len(good), pa.string())))
    tables = [
        pa.table([pa.array(rows.to_numpy()[where]), key.seal_many(Kind.CITIZEN_ID, found), told], schema=CANDIDATES)
        for where, found, told in parts
        if len(where)
    ]
    return pa.concat_tables(tables) if tables else CANDIDATES.empty_table()
