"""Taking in a department's file (数据报送): read safely, clean by column, check against the contract, put tokens in place of numbers.

    accepted rows  -> Parquet: row, id_token, birth_date, sex, name, the contract's other columns
    rejected rows  -> a sheet: row number, fields, reasons, the original cells
    of these, rows whose only fault is the ID number, where the contract allows it -> Parquet for linkage (`unlinked`)

Nothing of the file's size is held in memory but 16 bytes per row for finding doubled keys and three batches. Both results hold personal data: the caller moves
them on (`lake`), the sheet encrypted.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from .cleaning import NOTHING, clean, footers_or_blanks, outer_trim
from .datasets import Column, Contract
from .idnumber import CHECK, OK, parse_column
from .reading import DeliveryRefused, Opened, Rows, open_delivery, read_rows
from .textsheet import TextSheet
from .tokens import TOKEN, Kind, TokenKey
from .unlinked import CANDIDATES, candidates, described, subjects, tells_enough, unlinked_schema

__all__ = ["Accepted", "DeliveryRefused", "lake_schema", "read_delivery"]

MAX_REJECTS_IN_SHEET = 100_000
ROW_GROUP = 1 << 17
ONE_ROW = 1  # one bad row alone never sends a file back whole, however short the file
KINDS = {"citizen_id": Kind.CITIZEN_ID, "certificate": Kind.CERTIFICATE, "account": Kind.ACCOUNT, "phone": Kind.PHONE, "document": Kind.DOCUMENT}
_ARROW = {
    "date": pa.date32(),
    "month": pa.date32(),
    "amount": pa.decimal128(14, 2),
    "number": pa.float64(),
    "flag": pa.bool_(),
}


@dataclass(frozen=True, slots=True)
class Accepted:
    """What came of a delivery. `ignored`: blank rows, totals, repeated headers. `reasons`: bad rows by field and reason, most frequent first.
    `kept`: of the rejected rows those that wait for linkage, in the files `unlinked` and `candidates`."""

    contract: Contract
    parquet: Path
    rejects: Path | None
    sha256: str
    accepted: int
    rejected: int
    ignored: int
    header_row: int
    encoding: str
    reasons: tuple[tuple[str, int], ...]
    upgraded: int = 0
    kept: int = 0
    unlinked: Path | None = None
    candidates: Path | None = None


def lake_schema(contract: Contract) -> pa.Schema:
    """Columns of the contract's Parquet files. Tokens are 16 plain bytes, amounts decimal(14,2) in yuan, months their first day."""
    fields = [pa.field("row", pa.int64(), False), pa.field("id_token", TOKEN, False), pa.field("birth_date", pa.date32(), False)]
    fields += [pa.field("sex", pa.string(), False), pa.field("name", pa.string(), False)]
    for column in contract.columns:
        if column.name not in ("name", "id_number"):
            fields.append(pa.field(column.stored, TOKEN if column.sensitive else _ARROW.get(column.type, pa.string())))
    return pa.schema(fields, metadata={"contract": contract.code})


def read_delivery(
    path: Path, contract: Contract, *, out: Path, key: TokenKey, on: date | None = None, linking: bytes | None = None
) -> Accepted:
    """Reads a file against a contract and writes `accepted.parquet` and, if rows were rejected, `rejected.xlsx` into the folder `out`.

    `on` is the day of delivery: later dates are refused. `linking` is the key of fingerprints (`unlinked.subjects`): with it rows without a usable ID
    number are kept for linkage where the contract has linking columns; they do not count as bad.

    Raises `DeliveryRefused` with a message in Chinese when the file as a whole is not taken:
    hostile or broken, without the contract's columns, without a good row, or with a larger share of bad rows than the contract bears (one is always borne)."""
    opened = open_delivery(Path(path), contract)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    rejects = _Rejects(out / "rejected.xlsx", contract, opened)
    intake = _Intake(contract, opened, key, on, rejects, _Unlinked(out, contract, key, linking) if linking and contract.linking else None)
    parquet = out / "accepted.parquet"
    try:
        # the next batch is read and the last one written while one is checked: three batches in memory instead of one
        with (
            intake,
            pq.ParquetWriter(parquet, lake_schema(contract), compression="zstd", write_statistics=["row", *_statistics(contract)]) as writer,
            ThreadPoolExecutor(2) as pool,
        ):
            batches = read_rows(opened)
            reading, writing = pool.submit(next, batches, None), None
            while (rows := reading.result()) is not None:
                reading = pool.submit(next, batches, None)
                table = intake.take(rows)
                if writing:
                    writing.result()
                writing = pool.submit(writer.write_table, table, row_group_size=ROW_GROUP) if table.num_rows else None
            if writing:
                writing.result()
    except BaseException:
        rejects.close()
        parquet.unlink(missing_ok=True)
        intake.forget()
        raise
    kept = intake.unlinked
    sheet = rejects.close()
    total = intake.accepted + rejects.count
    reasons = tuple(sorted(rejects.reasons.items(), key=lambda each: (-each[1], each[0])))  # the same file gets the same answer
    words = tuple(f"{reason}：{count} 处" for reason, count in reasons)
    if not total:
        parquet.unlink()
        raise DeliveryRefused("表头以下没有数据；请核对后重新上传", sha256=opened.sha256)
    waiting = kept.rows if kept else 0
    bad = rejects.count - waiting
    if bad > max(contract.max_bad_share * total, ONE_ROW) or (bad and not intake.accepted + waiting):
        parquet.unlink()
        intake.forget()
        raise DeliveryRefused(
            f"{total} 行中有 {bad} 行不合格，超过允许的 {contract.max_bad_share:.0%}，整批退回；"
            f"主要问题：{'；'.join(words[:5])}。请更正后重新上传",
            reasons=words,
            rejects=sheet,
            sha256=opened.sha256,
        )
    return Accepted(
        contract, parquet, sheet, opened.sha256, intake.accepted, rejects.count, intake.ignored, opened.header_row, opened.encoding or "xlsx",
        reasons, intake.upgraded, *((kept.rows, kept.path, kept.candidates) if kept and kept.rows else ()),
    )  # fmt: skip


def _statistics(contract: Contract) -> list[str]:
    """Columns whose smallest and largest values help to skip row groups; never tokens."""
    return [column.stored for column in contract.columns if column.type in ("date", "month", "amount") and not column.sensitive]


@dataclass(slots=True)
class _Intake:
    contract: Contract
    opened: Opened
    key: TokenKey
    on: date | None
    rejects: _Rejects
    unlinked: _Unlinked | None = None
    accepted: int = 0
    ignored: int = 0
    upgraded: int = 0
    seen: _SeenKeys = field(default_factory=lambda: _SeenKeys())

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_error: object) -> None:
        if self.unlinked:
            self.unlinked.close()

    def forget(self) -> None:
        """Nothing stays of a file that is not taken."""
        if self.unlinked:
            self.unlinked.forget()

    def take(self, rows: Rows) -> pa.Table:
        """Accepted rows of a batch as they go into the lake; bad ones go to the rejects."""
        place = {column.name: f"c{at}" for at, column in enumerate(self.opened.columns) if column is not None}
        titles = {place[column.name]: self.opened.titles[int(place[column.name][1:])] for column in self.contract.required}
        skip = footers_or_blanks(rows.cells, place["id_number"], titles)
        cells = rows.cells.with_columns(pl.Series("row", rows.numbers, pl.Int64))
        if skip.any():
            self.ignored += int(skip.sum())
            cells = cells.filter(~skip)
        raw = cells.select(
            "row",
            *[
                pl.col(place[c.name]).alias(c.name) if c.name in place else pl.lit("", pl.String).alias(c.name)
                for c in (*self.contract.columns, *(self.contract.linking if self.unlinked else ()))
            ],
        )
        numbers = parse_column(raw["id_number"], on=self.on)
        values, reasons = [raw["row"]], [_id_reasons(numbers.errors, numbers.reasons, raw["id_number"])]
        for column in self.contract.columns:
            if column.type == "person_number":
                value, reason = _other_number(raw[column.name], column, self.on)
                values.append(value)
                reasons.append(reason)
            elif column.type != "id_number":
                value, reason = clean(column, raw[column.name], self.on)
                values.append(value)
                reasons.append(reason)
        values += [
            _series("id_number", numbers.numbers),
            _series("birth_date", numbers.birth_dates),
            _series("sex", numbers.sexes.dictionary_decode()),
        ]
        cleaned = pl.DataFrame(values)
        checked = pl.DataFrame(reasons).select(column.name for column in self.contract.columns)
        checked = self._across_columns(cleaned, checked)
        checked = self._formulas(rows, cells["row"], checked)
        good = checked.select(pl.all_horizontal(pl.all().is_null()).alias("good"))["good"]
        if self.unlinked:
            checked = self.unlinked.keep(raw, cleaned, numbers.errors, checked, self.on)
        self.rejects.add(cells, checked, good)
        good = self._without_doubled(cleaned, good, cells)
        for number, why, broken in rows.broken:
            self.rejects.add_broken(number, why, broken)
        self.upgraded += int((numbers.was_15 & good.to_numpy()).sum())
        kept = cleaned.filter(good)
        self.accepted += len(kept)
        return self._with_tokens(kept)

    def _across_columns(self, cleaned: pl.DataFrame, checked: pl.DataFrame) -> pl.DataFrame:
        """A certificate must hold the ID number beside it."""
        for column in self.contract.columns:
            if column.type == "certificate":
                differs = (cleaned[column.name].str.slice(0, 18) != cleaned["id_number"]).fill_null(False)
                words = pl.lit(f"前 18 位与“{self.contract['id_number'].header_zh}”不一致")
                checked = checked.with_columns(
                    pl.when(pl.col(column.name).is_null() & differs).then(words).otherwise(pl.col(column.name)).alias(column.name)
                )
        return checked

    def _formulas(self, rows: Rows, numbers: pl.Series, checked: pl.DataFrame) -> pl.DataFrame:
        for at, found in rows.formulas.items():
            column = self.opened.columns[at]
            if column is not None and found:
                words = pl.lit("是公式，请复制后以“数值”粘贴")
                checked = checked.with_columns(pl.when(numbers.is_in(found)).then(words).otherwise(pl.col(column.name)).alias(column.name))
        return checked

    def _without_doubled(self, cleaned: pl.DataFrame, good: pl.Series, cells: pl.DataFrame) -> pl.Series:
        """Good rows whose key an earlier row has are rejected; the first one stays."""
        index = np.flatnonzero(good.to_numpy())
        if not len(index):
            return good
        hashes = cleaned[index].select(self.contract.key).hash_rows(seed=20221125).to_numpy()
        first = self.seen.first_rows(hashes, cleaned["row"][index].to_numpy())
        doubled = index[first > 0]
        if not len(doubled):
            return good
        self.rejects.add_doubled(cells[doubled], "、".join(self.contract[name].header_zh for name in self.contract.key), first[first > 0])
        mask = good.to_numpy().copy()
        mask[doubled] = False
        return pl.Series(mask)

    def _with_tokens(self, kept: pl.DataFrame) -> pa.Table:
        schema = lake_schema(self.contract)
        by_stored: dict[str, Column] = {column.stored: column for column in self.contract.columns}
        arrays = []
        for each in schema:
            column = by_stored.get(each.name)
            if column is not None and column.sensitive:
                arrays.append(self.key.seal_many(KINDS[column.sensitive], kept[column.name]))
            else:
                arrays.append(kept[column.name if column else each.name].to_arrow().cast(each.type))
        return pa.Table.from_arrays(arrays, schema=schema)


class _Unlinked:
    """Rows whose only fault is the ID number, into two Parquet files; see `unlinked`."""

    WAITS = "；本行已留待疑似同一人核查"

    def __init__(self, out: Path, contract: Contract, key: TokenKey, linking: bytes) -> None:
        self.contract, self._key, self._linking = contract, key, linking
        self.path, self.candidates, self.rows = out / "unlinked.parquet", out / "candidates.parquet", 0
        self.schema = unlinked_schema(contract, lake_schema(contract))
        self._writers = [
            pq.ParquetWriter(path, schema, compression="zstd", write_statistics=["row"])
            for path, schema in ((self.path, self.schema), (self.candidates, CANDIDATES))
        ]

    def keep(self, raw: pl.DataFrame, cleaned: pl.DataFrame, errors: np.ndarray, checked: pl.DataFrame, on: date | None) -> pl.DataFrame:
        """Writes what can be linked; returns the reasons, with the word that these rows wait."""
        others = pl.all_horizontal(pl.col(name).is_null() for name in checked.columns if name != "id_number")
        only = np.flatnonzero(checked.select((pl.col("id_number").is_not_null() & others).alias("only"))["only"].to_numpy())
        if not len(only):
            return checked
        told = {column.name: clean(column, raw[column.name].gather(only), on) for column in self.contract.linking}
        values = {name: pl.select(pl.when(reason.is_null()).then(value)).to_series() for name, (value, reason) in told.items()}
        certificate = next((column.name for column in self.contract.columns if column.type == "certificate"), None)
        who = described(raw["id_number"].gather(only), errors[only], values, cleaned[certificate].gather(only) if certificate else None)
        enough = np.flatnonzero(tells_enough(who))
        only, who = only[enough], who[enough]
        if not len(only):
            return checked
        mine = cleaned[only].with_columns(who.get_columns()).with_columns(subjects(cleaned["name"].gather(only), who, self._linking))
        self._writers[0].write_table(self._sealed(mine))
        self._writers[1].write_table(candidates(mine["row"], who, mine[certificate] if certificate else None, self._key))
        self.rows += len(only)
        waits = np.zeros(len(checked), bool)
        waits[only] = True
        return checked.with_columns(pl.when(pl.Series(waits)).then(pl.col("id_number") + self.WAITS).otherwise(pl.col("id_number")).alias("id_number"))

    def _sealed(self, rows: pl.DataFrame) -> pa.Table:
        kinds = {column.stored: (column.name, KINDS[column.sensitive]) for column in self.contract.columns if column.sensitive}
        kinds |= {"number": ("number", Kind.DOCUMENT), "told_phone": ("told_phone", Kind.PHONE)}
        arrays = [
            self._key.seal_many(kinds[each.name][1], rows[kinds[each.name][0]]) if each.name in kinds else rows[each.name].to_arrow().cast(each.type)
            for each in self.schema
        ]
        return pa.Table.from_arrays(arrays, schema=self.schema)

    def close(self) -> None:
        for writer in self._writers:
            writer.close()
        if not self.rows:
            self.forget()

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)
        self.candidates.unlink(missing_ok=True)


def _series(name: str, array: pa.Array) -> pl.Series:
    return pl.Series(name, pl.from_arrow(array))


def _id_reasons(errors: np.ndarray, reasons: pa.Array, raw: pl.Series) -> pl.Series:
    """Reasons of the ID number; a number that Excel kept as a figure has lost its last digits and says so."""
    found = _series("id_number", reasons)
    if (errors == OK).all() or not (errors < CHECK).any():
        return found
    figure = raw.str.contains(r"^\d(\.\d+)?[eE]\+?1[4-7]$|^\d{15,18}\.0$")
    return pl.select(
        pl.when(figure).then(pl.lit("以数值保存，末几位已丢失；请把该列设为文本格式后重新填写")).otherwise(found).alias("id_number")
    ).to_series()


def _other_number(raw: pl.Series, column: Column, on: date | None) -> tuple[pl.Series, pl.Series]:
    """(number, reason) of a column with another person's ID number; empty is good where the contract allows it."""
    found = parse_column(raw, on=on)
    frame = pl.DataFrame([_series("value", found.numbers), _series("reason", found.reasons), raw.alias("raw")])
    empty = (outer_trim(pl.col("raw")) == "") | outer_trim(pl.col("raw")).is_in(NOTHING)
    words = pl.lit("为空，请补填" if column.required else None, pl.String)
    done = frame.select(
        pl.when(empty | pl.col("reason").is_not_null()).then(None).otherwise(pl.col("value")).alias("value"),
        pl.when(empty).then(words).otherwise(pl.col("reason")).alias("reason"),
    )
    return done["value"].alias(column.name), done["reason"].alias(column.name)


class _SeenKeys:
    """First row of each key by 64-bit hash, in sorted runs that are merged when alike in size (16 bytes a row). Two of 20 million different keys meet
    with a chance of 1 in 100,000; the row is then rejected as doubled, which the department sees."""

    def __init__(self) -> None:
        self._runs: list[tuple[np.ndarray, np.ndarray]] = []

    def first_rows(self, hashes: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """For each row the number of the earlier row with the same key, or 0; the new keys are remembered."""
        first = np.zeros(len(hashes), np.int64)
        order = np.lexsort((rows, hashes))
        ordered, starts = hashes[order], rows[order]
        new = np.concatenate([[True], ordered[1:] != ordered[:-1]])
        leader = np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))
        first[order[~new]] = starts[leader][~new]
        for known, known_rows in self._runs:
            at = np.searchsorted(known, hashes)
            at[at == len(known)] = 0
            hit = known[at] == hashes
            first[hit] = known_rows[at[hit]]
        fresh = new & (first[order] == 0)
        run = (ordered[fresh], starts[fresh])
        while self._runs and len(self._runs[-1][0]) <= 2 * len(run[0]):
            other = self._runs.pop()
            keys = np.concatenate([other[0], run[0]])
            merged = np.argsort(keys, kind="stable")
            run = (keys[merged], np.concatenate([other[1], run[1]])[merged])
        if len(run[0]):
            self._runs.append(run)
        return first


class _Rejects:
    """The sheet of rejected rows (退回清单), written as text cells only (`textsheet`)."""

    def __init__(self, path: Path, contract: Contract, opened: Opened) -> None:
        self.path, self.contract, self.opened = path, contract, opened
        self.count = self._line = 0
        self.reasons: Counter[str] = Counter()
        self._sheet: TextSheet | None = None

    def add(self, cells: pl.DataFrame, checked: pl.DataFrame, good: pl.Series) -> None:
        bad = ~good
        if not bad.any():
            return
        wrong = checked.filter(bad)
        self.count += len(wrong)
        headers = {column.name: column.header_zh for column in self.contract.columns}
        for name in wrong.columns:
            counts = wrong[name].drop_nulls().value_counts()
            self.reasons.update({f"“{headers[name]}”{reason}": count for reason, count in counts.iter_rows()})
        room = max(0, MAX_REJECTS_IN_SHEET - self._line)
        wrong, cells = wrong.head(room), cells.filter(bad).head(room)
        words = wrong.select(
            pl.concat_str(
                [pl.when(pl.col(name).is_not_null()).then(pl.lit(headers[name])) for name in wrong.columns], separator="、", ignore_nulls=True
            ).alias("f"),
            pl.concat_str([pl.lit(f"“{headers[name]}”") + pl.col(name) for name in wrong.columns], separator="；", ignore_nulls=True).alias("r"),
        )
        originals = cells.drop("row").rows()
        for number, (names, reason), original in zip(cells["row"], words.iter_rows(), originals, strict=True):
            self._write(number, names, f"第 {number} 行{reason}；请更正后重新上传", original)

    def add_broken(self, number: int, reason: str, cells: list[str]) -> None:
        self.count += 1
        self.reasons[reason.split("，")[-1]] += 1
        self._write(number, "整行", f"第 {number} 行{reason}；请更正后重新上传", tuple(cells))

    def add_doubled(self, cells: pl.DataFrame, field_zh: str, first: np.ndarray) -> None:
        self.count += len(cells)
        self.reasons[f"“{field_zh}”重复"] += len(cells)
        for number, earlier, original in zip(cells["row"], first, cells.drop("row").iter_rows(), strict=True):
            self._write(number, field_zh, f"第 {number} 行“{field_zh}”与第 {earlier} 行重复；请核对后只保留一行", original)

    def _write(self, number: int, names: str, reason: str, original: tuple[str, ...]) -> None:
        if self._sheet is None:
            self._sheet = TextSheet(self.path, name="退回清单", frozen=(1, 3), widths={2: 60})
            self._sheet.write(["行号", "字段", "原因", *(title[:500] for title in self.opened.titles)])
        if self._line >= MAX_REJECTS_IN_SHEET or self._sheet.full:
            return
        self._line += 1
        self._sheet.write([str(number), names, reason[:2000], *((cell or "")[:2000] for cell in original)])

    def close(self) -> Path | None:
        if self._sheet is None:
            return None
        if self.count > self._line:
            self._sheet.write(["", "", f"其余 {self.count - self._line} 行未列出"])
        self._sheet.close()
        self._sheet = None
        return self.path
