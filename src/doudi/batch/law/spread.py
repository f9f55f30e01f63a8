"""The law over files of households (``households``), in this process or on a Spark cluster, whichever ``DOUDI_BATCH_ENGINE`` names.

What is to be done is written down once (month, variables, settings), sent to each worker once, and run on whole rows, which are whole households. Each
worker first holds its own version of the law against the one that asked: two versions never make one result.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from openfisca_core.indexed_enums import EnumArray

from doudi.batch.engine import named, spark_session
from doudi.batch.law import engine, households
from doudi.batch.law.checks import LawInputError
from doudi.batch.law.settings import Settings
from doudi.batch.law.whatif import Comparison, Difference, compare


class LawVersionError(RuntimeError):
    """A worker has another version of the law than who asked."""


@dataclass(frozen=True)
class Work:
    """What a worker does with rows of households."""

    month: str
    settings: Settings
    law_version: str = field(default_factory=engine.law_version)

    @property
    def schema(self) -> pa.Schema:
        """Of what comes back."""
        raise NotImplementedError

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        if engine.law_version() != self.law_version:
            raise LawVersionError(f"计算节点上的法规版本为 {engine.law_version()}，主程序为 {self.law_version}；请在各节点安装同一版本后重试。")
        yield from self.work(batches)

    def work(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        raise NotImplementedError


@dataclass(frozen=True)
class Amounts(Work):
    """A row for each household: its number and the variables' values, lists for those of persons; choices are names."""

    variables: tuple[str, ...] = ()

    @property
    def schema(self) -> pa.Schema:
        kinds = {name: pa.list_(households.kind_of(name)) if households.is_person(name) else households.kind_of(name) for name in self.variables}
        return pa.schema({households.KEY: pa.int64()} | kinds)

    def work(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        schema = self.schema
        for batch in batches:
            if not batch.num_rows:
                continue
            population = engine.prepare(*households.inputs(batch), month=self.month)
            made: list[Any] = [batch.column(households.KEY)]
            results = engine.calculate(population, self.month, self.variables, self.settings)
            for name, values in results.items():
                plain = pa.array(values.decode_to_str() if isinstance(values, EnumArray) else np.asarray(values)).cast(households.kind_of(name))
                made.append(pa.ListArray.from_arrays(pa.array(population.starts, pa.int32()), plain) if households.is_person(name) else plain)
            yield pa.RecordBatch.from_arrays(made, schema=schema)


@dataclass(frozen=True)
class Sums(Work):
    """One row for all batches: the comparison with other settings or another month, as JSON (``summed``)."""

    after: Settings = field(default_factory=Settings)
    month_after: str = ""

    @property
    def schema(self) -> pa.Schema:
        return pa.schema({"sums": pa.string()})

    def work(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        found = Summed()
        for batch in batches:
            persons, homes, of = households.inputs(batch)
            places = batch.column(households.PLACE).to_numpy(zero_copy_only=False) if households.PLACE in batch.schema.names else None
            found += compare_standing(persons, homes, of, places, self)
        yield pa.RecordBatch.from_arrays([pa.array([json.dumps(asdict(found), ensure_ascii=False)])], schema=self.schema)


@dataclass(frozen=True)
class Summed:
    """A comparison, of how many people, and how many households were left out because what is told of them cannot stand."""

    comparison: Comparison = field(default_factory=Comparison)
    people: int = 0
    left_out: int = 0

    def __add__(self, other: Summed) -> Summed:
        return Summed(self.comparison + other.comparison, self.people + other.people, self.left_out + other.left_out)


def compare_standing(persons: dict[str, Any], homes: dict[str, Any], of: Any, places: Any, work: Sums) -> Summed:
    """The comparison of a chunk without the households whose facts cannot stand; they are counted."""
    people, left_out = len(of), 0
    while True:
        size = len(next(iter(homes.values())))
        if not size:
            return Summed(Comparison(), people, left_out)
        try:
            population = engine.prepare(persons, homes, of, month=work.month)
            found = compare(population, work.month, work.settings, work.after, work.month_after or None, places=places)
            return Summed(found, people, left_out)
        except LawInputError as error:
            keep = np.ones(size, dtype=bool)
            for problem in error.problems:
                keep[of[problem.row] if problem.table == "persons" else problem.row] = False
            rows = keep[of]
            persons = {name: column[rows] for name, column in persons.items()}
            homes = {name: column[keep] for name, column in homes.items()}
            of, places = (np.cumsum(keep) - 1)[of[rows]], None if places is None else places[keep]
            left_out += int((~keep).sum())


def write(chunks: Iterable[pa.Table], folder: Path) -> int:
    """Chunks of rows as Parquet files of a folder that is made; the number of households."""
    folder.mkdir(parents=True)
    total = 0
    for number, chunk in enumerate(chunks):
        if chunk.num_rows:
            pq.write_table(chunk, folder / f"{number:06d}.parquet", compression="zstd", row_group_size=engine.CHUNK_HOUSEHOLDS)
            total += chunk.num_rows
    return total


def amounts(source: Path, month: str, variables: Iterable[str], settings: Settings | None = None) -> pa.Table:
    """Each household's results of a month from a folder of Parquet files (``households``), in order of the households' numbers: the column ``household``
    and one for each variable. Raises ``LawInputError`` for input that cannot stand."""
    work = Amounts(month, settings or Settings(), variables=tuple(variables))
    return _done(source, work).sort_by(households.KEY)


def sums(source: Path, month: str, before: Settings | None, after: Settings | None, month_after: str = "") -> Summed:
    """The comparison of all households of a folder under two settings or in two months."""
    found = Summed()
    for told in _done(source, Sums(month, before or Settings(), after=after or Settings(), month_after=month_after))["sums"].to_pylist():
        found += summed(told)
    return found


def summed(text: str) -> Summed:
    """What ``Sums`` wrote."""
    told = json.loads(text)
    own = told["comparison"]
    differences = [Difference(**each) for each in own.pop("differences")]
    return Summed(Comparison(differences, **{name: tuple(values) for name, values in own.items()}), told["people"], told["left_out"])


def _done(source: Path, work: Work) -> pa.Table:
    if not any(source.glob("*.parquet")):
        return work.schema.empty_table()
    return _on_spark(source, work) if named() == "spark" else _here(source, work)


def _here(source: Path, work: Work) -> pa.Table:
    files = sorted(source.glob("*.parquet"))
    schema = pa.unify_schemas([pq.read_schema(file) for file in files])
    batches = ds.dataset(files, schema=schema, format="parquet").to_batches(batch_size=engine.CHUNK_HOUSEHOLDS)
    return pa.Table.from_batches(work(batches), schema=work.schema)


def _on_spark(source: Path, work: Work) -> pa.Table:
    from pyspark.sql.pandas.types import from_arrow_schema

    session = spark_session()
    sent = session.sparkContext.broadcast(work)

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from sent.value(batches)

    try:
        rows = session.read.option("mergeSchema", "true").parquet(str(source))
        done: pa.Table = rows.mapInArrow(run, from_arrow_schema(work.schema)).toArrow()
    finally:
        sent.destroy()
    return done.cast(work.schema)
