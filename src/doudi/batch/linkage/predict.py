"""Linkage of rows without a usable ID number with people of the registry (缺号、错号数据的人员匹配): scores by Splink, then who is linked, who is asked about.

    subjects of deliveries ┐
    people of the registry ┴─▶ pairs that may be one person, scored ─▶ `pairs`: link, review

Set-based in DuckDB or Spark; of the registry only people who could be meant are kept. Nothing here runs a query or a Python call per person.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from ibis import _
from ibis.expr.types import Table

from ..datasets import CONTRACTS
from ..engine import Engine, opened
from ..tokens import TOKEN
from ..unlinked import NONE
from .features import FEATURES, subject_features, write_people
from .model import COMPARISONS, LINK, REVIEW, Chance, settings

MOST = 3
"""Of the people who may be meant at most so many are asked about, the likeliest first."""
REVIEWED = frozenset({"deaths", "detention"})
"""Datasets whose rows take something away from a person: never linked without a person's word."""
_FIELDS = tuple(each.field for each in COMPARISONS)
SETTLED = pa.schema([("subject", pa.string()), ("person_id", pa.int64()), ("same", pa.bool_())])
PAIRS = pa.schema(
    [
        ("subject", pa.string()),
        ("person_id", pa.int64()),
        ("area", pa.string()),
        ("score", pa.float64()),
        ("weight", pa.float64()),
        ("link", pa.bool_()),
        *[(f"level_{field}", pa.int32()) for field in _FIELDS],
        *[(f"weight_{field}", pa.float64()) for field in _FIELDS],
    ]
)
"""Pairs to link or to ask about. `score`: probability 0 to 1; `weight`: its evidence in bits; `level_*`: see `model.level_of`; `weight_*`: bits for (or
against) of each comparison."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Rows of a delivery that wait for linkage (`unlinked`)."""

    dataset: str
    delivery: str
    unlinked: Path
    candidates: Path


ByPlace = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which score on a pair is linked or asked about; `link` and `review` by place (the nearest place counts, "" everywhere)."""

    link: ByPlace
    review: ByPlace

    @classmethod
    def default(cls) -> Thresholds:
        return cls({"": LINK}, {"": REVIEW})

    @property
    def least(self) -> float:
        return min(self.review.values(), default=REVIEW)


def pairs(
    waiting: Sequence[Waiting],
    people: Path,
    *,
    settled: pa.Table | None = None,
    thresholds: Thresholds | None = None,
    memory_limit: str = "2GB",
    threads: int = 2,
    temp: Path | None = None,
) -> pa.Table:
    """PAIRS of the waiting rows with `people` (`features.PEOPLE`), sorted. `settled` (SETTLED): pairs that people decided: subjects that are somebody's
    are not looked at again, pairs that are not one person do not come again."""
    limits, settled = thresholds or Thresholds.default(), settled if settled is not None else SETTLED.empty_table()
    with tempfile.TemporaryDirectory(dir=temp) as work:
        folder = Path(work)
        rows = _subjects(waiting, settled)
        if not len(rows):
            return PAIRS.empty_table()
        pq.write_table(subject_features(rows.to_arrow()), folder / "subjects.parquet")
        write_people(people, folder / "people.parquet")
        corrected = _candidates(waiting, folder / "candidates.parquet")
        with opened(memory_limit=memory_limit, threads=threads, temp=folder) as engine:
            scored = predicted(engine, folder / "subjects.parquet", folder / "people.parquet", corrected, least=limits.least)
            found = pl.from_arrow(engine.arrow(scored))
    assert isinstance(found, pl.DataFrame)
    return _chosen(found, rows, pl.from_arrow(settled), limits)  # type: ignore[arg-type]


def _subjects(waiting: Sequence[Waiting], settled: pa.Table) -> pl.DataFrame:
    """Each subject once, without those that are somebody's; `lists`: deliveries of lists (one row a person) in which it stands, `reviewed`."""
    names = ["subject", "state", "name", "told_birth", "told_sex", "told_phone", "told_division", "told_relatives"]
    parts = []
    for each in waiting:
        part = pl.from_arrow(pq.read_table(each.unlinked, columns=names).cast(pa.schema([(n, _PLAIN.get(n, pa.string())) for n in names])))
        assert isinstance(part, pl.DataFrame)
        listed = each.delivery if CONTRACTS[each.dataset].nature == "state" else None
        parts.append(part.with_columns(delivery=pl.lit(listed, pl.String), reviewed=pl.lit(each.dataset in REVIEWED)))
    if not parts:
        return pl.DataFrame(schema={"subject": pl.String})
    done = pl.Series("subject", settled.filter(settled["same"])["subject"].to_pylist(), pl.String)
    rows = pl.concat(parts).filter(~pl.col("subject").is_in(done.implode()))
    return (
        rows.group_by("subject")
        .agg(pl.col(names[1:]).first(), pl.col("delivery").drop_nulls().unique().alias("lists"), pl.col("reviewed").any())
        .sort("subject")
        .with_columns(pl.col("told_phone"))
    )


_PLAIN = {"told_birth": pa.date32(), "told_phone": pa.binary()}


def _candidates(waiting: Sequence[Waiting], target: Path) -> Path:
    """(subject, id_token) of numbers that the wrong ones may have been, file by file."""
    schema = pa.schema([("subject", pa.string()), ("id_token", TOKEN)])
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for each in waiting:
            own, slips = pq.read_table(each.unlinked, columns=["row", "subject"]), pq.read_table(each.candidates, columns=["row", "id_token"])
            if len(slips):
                writer.write_table(slips.join(own, "row", join_type="inner").select(schema.names).cast(schema))
    return target


def predicted(engine: Engine, subjects: Path, people: Path, candidates: Path, *, least: float) -> Table:
    """Scored pairs from `least` on: what Splink finds with the declared model."""
    from splink import Linker

    registry, left = engine.parquet(people, "linkage_registry"), engine.parquet(subjects, "linkage_subjects_read")
    slips = engine.parquet(candidates, "linkage_slips").join(registry, "id_token").select("subject", "person", "name")
    slips = slips.join(left.select("subject", told="name", heard="first_sound"), "subject")
    fits = ibis.ifelse(slips.name == slips.told, 0, 1)
    best = slips.mutate(place=ibis.row_number().over(ibis.window(group_by=slips.subject, order_by=[fits, slips.person]))).filter(_.place == 0)
    nothing = ibis.null("array<string>")
    left = left.left_join(best.select("subject", corrected="person"), "subject").drop("subject_right")
    left = engine.keep(
        "linkage_subjects", left.select(unique_id=left.subject, **{name: left[name] for name in FEATURES.names}, relative=left.relative,
        corrected=left.corrected, relatives=nothing, phones=nothing),
    )  # fmt: skip
    asked = registry.filter(
        registry.birth.isin(left.filter(left.birth.notnull()).birth)
        | registry.sound.isin(left.filter(left.sound.notnull()).sound)
        | registry.phone.isin(left.filter(left.phone.notnull()).phone)
        | registry.person.isin(left.filter(left.corrected.notnull()).corrected)
    )
    asked = engine.keep("linkage_asked", asked.drop("id_token"))
    homes = registry.semi_join(asked.filter(asked.household.notnull()), "household").group_by("household")
    homes = engine.keep("linkage_homes", homes.agg(relatives=_.plain.collect(), phones=_.phone.collect()))
    right = asked.left_join(homes, "household")
    engine.keep(
        "linkage_people",
        right.select(unique_id=right.person.cast("string"), **{name: right[name] for name in FEATURES.names}, relative=ibis.null("string"),
        corrected=right.person, relatives=right.relatives, phones=right.phones),
    )  # fmt: skip
    total = _number(engine, registry.count())
    splink = engine.splink()
    logging.getLogger("splink").setLevel(logging.ERROR)
    # Alphabetical names: Splink puts the first one on the left.
    sides = [splink.register("linkage_subjects", dataset_display_name="a"), splink.register("linkage_people", dataset_display_name="b")]
    linker = Linker(sides, settings(chance(engine, registry, total)), log_level=None)
    for column in ("name", "plain", "sound"):
        known = registry.semi_join(left, column).group_by(column).agg(times=_.count())
        engine.keep(f"linkage_often_{column}", known.select(column, **{f"tf_{column}": known.times.cast("float64") / float(max(total, 1))}))
        linker.table_management.register_term_frequency_lookup(splink.register(f"linkage_often_{column}"), column)
    scored = engine.table(linker.inference.predict(threshold_match_probability=least, warning_mode="never").physical_name)
    told = {f"level_{field}": scored[f"gamma_{field}"].cast("int32") for field in _FIELDS}
    told |= {f"weight_{field}": _weight(scored, field) for field in _FIELDS}
    found = scored.select(
        subject=scored.unique_id_l, person_id=scored.unique_id_r.cast("int64"), score=scored.match_probability, weight=scored.match_weight, **told
    )
    places = registry.select(person_id="person", area="village")
    return found.join(places, "person_id").select("subject", "person_id", "area", "score", "weight", *told)


def _weight(scored: Table, field: str) -> Any:
    """Bits of a comparison, with what the frequency of the name adds."""
    own = scored[f"mw_{field}"]
    extra = f"mw_tf_adj_{field}"
    return (own + scored[extra] if extra in scored.columns else own).cast("float64")


def _number(engine: Engine, value: Any) -> float:
    return float(engine.arrow(value.name("value").as_table())["value"][0].as_py() or 0)


def chance(engine: Engine, registry: Table, total: float) -> Chance:
    """How likely two people of the registry share village, township, county: counted, so that a county and a province each get their own."""
    shares = {}
    for column in ("village", "township", "county"):
        part = registry.group_by(column).agg(people=_.count())
        shares[column] = _number(engine, (part.people.cast("float64") / float(max(total, 1))).pow(2).sum())
    return Chance(int(total), shares["village"], shares["township"], shares["county"])


def _at_place(area: pl.Expr, given: ByPlace, default: float) -> pl.Expr:
    """The value at a place: of the nearest division that has one."""
    steps = [area.str.slice(0, length).replace_strict(dict(given), default=None, return_dtype=pl.Float64) for length in (12, 9, 6, 4, 2)]
    return pl.coalesce(*steps, pl.lit(given.get("", default)))


def _chosen(found: pl.DataFrame, subjects: pl.DataFrame, settled: pl.DataFrame, limits: Thresholds) -> pa.Table:
    """Of the scored pairs those to link and those to ask about, at most MOST a subject.

    Linked is who alone is likely (nobody else from `review` on), when the number is missing altogether: a wrong number is always a question, and so
    are two rows of one list that would be one person."""
    refused = settled.filter(~pl.col("same")).select("subject", "person_id")
    found = found.join(refused, on=["subject", "person_id"], how="anti").join(
        subjects.select("subject", "state", "lists", "reviewed"), on="subject", how="inner"
    )
    found = found.with_columns(
        least=_at_place(pl.col("area"), limits.review, REVIEW), enough=_at_place(pl.col("area"), limits.link, LINK)
    ).filter(pl.col("score") >= pl.col("least"))
    found = found.sort("subject", "weight", "person_id", descending=[False, True, False]).with_columns(
        place=pl.int_range(pl.len()).over("subject"), others=pl.len().over("subject")
    )
    sure = (pl.col("others") == 1) & (pl.col("score") >= pl.col("enough")) & (pl.col("state") == NONE) & ~pl.col("reviewed")
    found = found.filter(pl.col("place") < MOST).with_columns(link=sure)
    claims = found.filter("link").explode("lists").filter(pl.col("lists").is_not_null())
    doubled = claims.filter(pl.int_range(pl.len()).over("lists", "person_id", order_by=[-pl.col("weight"), pl.col("subject")]) > 0)
    found = found.with_columns(link=pl.col("link") & ~pl.col("subject").is_in(doubled["subject"].implode()))
    return found.select(PAIRS.names).to_arrow().cast(PAIRS)
