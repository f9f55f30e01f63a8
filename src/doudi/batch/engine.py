"""Where batch work runs: DuckDB in this process, or Spark (`DOUDI_BATCH_ENGINE=spark`). Expressions are Ibis and the same for both.

An engine reads Parquet files as Ibis tables, keeps a table for further use, and hands a result over as Arrow.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import duckdb
import ibis
import pyarrow as pa
from ibis.expr.types import Table, Value

ROWS = 1 << 40
"""A row's `source` is the number of its file times ROWS plus its row number: one integer that is cheap to carry, newest highest."""


class Engine(Protocol):
    name: str

    def parquet(self, path: Path, name: str) -> Table:
        """One Parquet file."""
        ...

    def rows(self, files: Sequence[Path], name: str) -> Table:
        """Rows of several files with `row`, in the order of the files, with `source`."""
        ...

    def given(self, table: pa.Table, name: str) -> Table:
        """A small table from memory."""
        ...

    def keep(self, name: str, expression: Table) -> Table:
        """The expression's rows, computed once."""
        ...

    def drop(self, name: str) -> None:
        """Forget a kept table."""
        ...

    def arrow(self, expression: Table) -> pa.Table: ...

    any_day: bool
    """Statements hold moments by name; else their values stand in the words."""

    def moment(self, name: str, value: date | str) -> Value:
        """A day or a text that statements name."""
        ...

    def sql(self, expression: Table) -> str:
        """The expression in the engine's words, for `make` and `answer`."""
        ...

    def make(self, name: str, sql: str) -> Table:
        """Keep the rows of a statement."""
        ...

    def answer(self, sql: str) -> pa.Table:
        """The rows of a statement."""
        ...

    def table(self, name: str) -> Table:
        """A table that is there."""
        ...

    def splink(self) -> Any:
        """Splink's access to the same engine."""
        ...


class DuckEngine:
    """DuckDB in memory, spilling to a folder."""

    name = "duckdb"
    any_day = True

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._backend, self._con = ibis.duckdb.from_connection(connection), connection

    def parquet(self, path: Path, name: str) -> Table:
        return self._backend.read_parquet(str(path), table_name=name)

    def rows(self, files: Sequence[Path], name: str) -> Table:
        # file_index counts the files in the order of the list
        listed = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
        source = f'file_index::bigint * {ROWS} + "row" AS source'
        self._con.execute(f'CREATE OR REPLACE TEMPORARY VIEW "{name}" AS SELECT *, {source} FROM read_parquet([{listed}])')
        return self._backend.table(name)

    def given(self, table: pa.Table, name: str) -> Table:
        self._con.register(name, table)
        return self._backend.table(name)

    def moment(self, name: str, value: date | str) -> Value:
        # a macro is put in while the statement is bound: filters by it reach down into the files as a constant's do
        self._con.execute(f"CREATE OR REPLACE TEMPORARY MACRO \"{name}\"() AS {'DATE ' if isinstance(value, date) else ''}'{value}'")
        return ibis.udf.scalar.builtin(lambda: None, name=name, signature=((), "date" if isinstance(value, date) else "string"))()  # type: ignore[no-any-return]

    def keep(self, name: str, expression: Table) -> Table:
        return self.make(name, self.sql(expression))

    def drop(self, name: str) -> None:
        self._con.execute(f'DROP TABLE "{name}"')

    def arrow(self, expression: Table) -> pa.Table:
        return expression.to_pyarrow()

    def sql(self, expression: Table) -> str:
        return str(ibis.to_sql(expression, dialect="duckdb"))

    def make(self, name: str, sql: str) -> Table:
        # Plain SQL, because Ibis 12 drops tables in words that DuckDB 2 does not read.
        self._con.execute(f'CREATE TEMPORARY TABLE "{name}" AS {sql}')
        return self._backend.table(name)

    def answer(self, sql: str) -> pa.Table:
        return self._con.sql(sql).to_arrow_table()

    def table(self, name: str) -> Table:
        return self._backend.table(name)

    def splink(self) -> Any:
        from splink import DuckDBAPI

        return DuckDBAPI(self._con)


class SparkEngine:
    """A Spark session, local or on a cluster (`DOUDI_SPARK_MASTER`, default local[2]); needs the extra `spark` and Java 17."""

    name = "spark"
    any_day = False

    def __init__(self, session: Any) -> None:
        self.session, self._backend = session, ibis.pyspark.connect(session)
        self._kept: list[Any] = []

    def _view(self, frame: Any, name: str) -> Table:
        frame.createOrReplaceTempView(name)
        return self._backend.table(name)

    def parquet(self, path: Path, name: str) -> Table:
        return self._view(self.session.read.parquet(str(path)), name)

    def rows(self, files: Sequence[Path], name: str) -> Table:
        from functools import reduce

        from pyspark.sql import functions as f

        frames = [
            self.session.read.parquet(str(file)).withColumn("source", f.lit(number * ROWS).cast("long") + f.col("row").cast("long"))
            for number, file in enumerate(files)
        ]
        return self._view(reduce(lambda one, other: one.unionByName(other), frames), name)

    def given(self, table: pa.Table, name: str) -> Table:
        return self._view(self.session.createDataFrame(table), name)

    def moment(self, name: str, value: date | str) -> Value:
        return ibis.literal(value)

    def keep(self, name: str, expression: Table) -> Table:
        return self.make(name, self.sql(expression))

    def drop(self, name: str) -> None:
        self.session.catalog.dropTempView(name)

    def arrow(self, expression: Table) -> pa.Table:
        return self.answer(self.sql(expression))

    def sql(self, expression: Table) -> str:
        return str(ibis.to_sql(expression, dialect="pyspark"))

    def make(self, name: str, sql: str) -> Table:
        frame = self.session.sql(sql).persist()
        self._kept.append(frame)
        return self._view(frame, name)

    def answer(self, sql: str) -> pa.Table:
        return self.session.sql(sql).toArrow()

    def table(self, name: str) -> Table:
        return self._backend.table(name)

    def splink(self) -> Any:
        from splink import SparkAPI

        return SparkAPI(spark_session=self.session, break_lineage_method="persist", register_udfs_automatically=False)

    def release(self) -> None:
        for frame in self._kept:
            frame.unpersist()


class EngineMissing(RuntimeError):
    """The engine that was named cannot start here; the message (Chinese) says what it lacks."""


def named() -> str:
    """What `DOUDI_BATCH_ENGINE` names. Raises ValueError for another name than duckdb or spark."""
    name = os.environ.get("DOUDI_BATCH_ENGINE", "duckdb")
    if name not in ("duckdb", "spark"):
        raise ValueError(f"DOUDI_BATCH_ENGINE={name!r}: duckdb or spark")
    return name


@contextmanager
def opened(*, memory_limit: str, threads: int, temp: Path) -> Iterator[Engine]:
    """The engine that `DOUDI_BATCH_ENGINE` names (duckdb, spark). Raises ValueError for another name, EngineMissing where Spark or its Java is not installed."""
    if named() == "duckdb":
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory_limit,
            "threads": threads,
            "temp_directory": str(temp),
            "preserve_insertion_order": False,
        }
        connection = duckdb.connect(config=config)
        try:
            yield DuckEngine(connection)
        finally:
            connection.close()
    else:
        engine = SparkEngine(spark_session())
        try:
            yield engine
        finally:
            engine.release()


def spark_session() -> Any:
    """The session of this process, made once."""
    try:
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession
    except ImportError:
        raise EngineMissing("没有安装 Spark；请安装附加组件 doudi[spark]（需要 Java 17），或取消 DOUDI_BATCH_ENGINE。") from None
    # The executors' Python, which PySpark reads here alone: the same path on every machine of a cluster, with the same packages.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("doudi").master(os.environ.get("DOUDI_SPARK_MASTER", "local[2]"))
    for key, value in {
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "Asia/Shanghai",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        # Households a batch where the law is run over rows of households.
        "spark.sql.execution.arrow.maxRecordsPerBatch": os.environ.get("DOUDI_SPARK_BATCH", "50000"),
        "spark.executor.memory": os.environ.get("DOUDI_SPARK_EXECUTOR_MEMORY", "2g"),
        "spark.sql.ansi.enabled": "false",
        "spark.driver.memory": os.environ.get("DOUDI_SPARK_MEMORY", "2g"),
        "spark.sql.shuffle.partitions": os.environ.get("DOUDI_SPARK_PARTITIONS", "8"),
    }.items():
        builder = builder.config(key, value)
    try:
        return builder.getOrCreate()
    except PySparkRuntimeError as error:
        if error.getCondition() != "JAVA_GATEWAY_EXITED":
            raise
        raise EngineMissing("Spark 没有启动，多半是没有 Java 17；请安装 Java 17（或设置 JAVA_HOME），或取消 DOUDI_BATCH_ENGINE。") from None
