"""The two sides as they are compared: people of the registry, and subjects of deliveries, with the same columns (`FEATURES`), as Parquet, in blocks."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ..tokens import TOKEN
from .names import name_columns

PEOPLE = pa.schema(
    [
        ("person_id", pa.int64()),
        ("id_token", TOKEN),
        ("household_id", pa.int64()),
        ("area", pa.string()),
        ("registered_area", pa.string()),
        ("name", pa.string()),
        ("sex", pa.string()),
        ("birth_date", pa.date32()),
        ("phone", TOKEN),
    ]
)
"""The registry's people for linkage, the dead too. `sex`: male, female."""

BLOCK = 200_000
_TEXTS = ("name", "plain", "sound", "first_sound", "last_sound", "sex", "birth", "birth_year", "birth_md", "birth_ym", "birth_yd", "birth_turned")
_PLACES = ("village", "township", "county", "phone")
FEATURES = pa.schema([(name, pa.string()) for name in (*_TEXTS, *_PLACES)])


def features(name: pl.Series, sex: pl.Series, birth: pl.Series, division: pl.Series, phone: pl.Series) -> pl.DataFrame:
    """FEATURES of columns of people; `phone`: tokens as bytes."""
    day = pl.col("day").dt
    return (
        name_columns(name)
        .with_columns(sex.alias("sex"), birth.alias("day"), division.alias("division"), phone.bin.encode("hex").alias("phone"))
        .with_columns(
            birth=day.strftime("%Y-%m-%d"),
            birth_year=day.strftime("%Y"),
            birth_md=day.strftime("%m-%d"),
            birth_ym=day.strftime("%Y-%m"),
            birth_yd=day.strftime("%Y %d"),
            birth_turned=day.strftime("%Y-%d-%m"),
            village=pl.when(pl.col("division").str.len_chars() >= 12).then(pl.col("division").str.slice(0, 12)),
            township=pl.when(pl.col("division").str.len_chars() >= 9).then(pl.col("division").str.slice(0, 9)),
            county=pl.col("division").str.slice(0, 6),
        )
        .select(FEATURES.names)
    )


def write_people(source: Path, target: Path) -> None:
    """PEOPLE with FEATURES, block by block."""
    schema = pa.schema([("person", pa.int64()), ("id_token", TOKEN), ("household", pa.int64()), *FEATURES])
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for batch in pq.ParquetFile(source).iter_batches(BLOCK):
            rows = pl.from_arrow(pa.table([batch.column(name) for name in ("name", "sex", "birth_date", "area")], ["name", "sex", "birth", "area"]))
            assert isinstance(rows, pl.DataFrame)
            phones = pl.Series("phone", pl.from_arrow(batch.column("phone").cast(pa.binary())))
            found = features(rows["name"], rows["sex"], rows["birth"], rows["area"], phones).to_arrow().cast(FEATURES)
            own = [batch.column("person_id"), batch.column("id_token"), batch.column("household_id")]
            writer.write_table(pa.table([*own, *found.columns], schema=schema))


def subject_features(rows: pa.Table) -> pa.Table:
    """Subjects (subject, state, name, told_*) with FEATURES and `relative` (the first told; null where it is the person's own name)."""
    frame = pl.from_arrow(rows.set_column(rows.schema.get_field_index("told_phone"), "told_phone", rows["told_phone"].cast(pa.binary())))
    assert isinstance(frame, pl.DataFrame)
    made = features(frame["name"], frame["told_sex"], frame["told_birth"], frame["told_division"], frame["told_phone"])
    first = pl.select(frame["told_relatives"].str.extract(r"^([^、，,;；/（(\s]+)")).to_series()
    told = name_columns(first)["plain"]
    relative = pl.select(pl.when(told != made["plain"]).then(told)).to_series().alias("relative")
    made = made.with_columns(frame["subject"], frame["state"], relative)
    schema = pa.schema([("subject", pa.string()), ("state", pa.string()), *FEATURES, ("relative", pa.string())])
    return made.select(schema.names).to_arrow().cast(schema)
