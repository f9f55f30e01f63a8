"""What each department's deliveries say about a few people (核对报告): rows by person, without numbers, for one household's data check."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb

from .datasets import CONTRACTS, Column, Contract
from .lake import Lake

MOST_ROWS = 24


@dataclass(frozen=True)
class Known:
    """One person's rows of a dataset, newest last: (label, value as text). `total`: sum of the amounts in yuan by label, of all rows of the year."""

    person: str
    rows: tuple[tuple[tuple[str, str], ...], ...]
    count: int
    totals: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """What one dataset says. `period`: newest delivery, empty where none has come."""

    dataset: str
    name: str
    department: str
    period: str
    known: tuple[Known, ...]


def _shown(column: Column, value: Any) -> str:
    if column.type == "flag":
        return "是" if value else "否"
    if column.type == "amount":
        return f"{float(value):,.2f}"
    if column.labels:
        return str(column.labels.get(str(value), value))
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _columns(contract: Contract) -> list[Column]:
    """Columns that may be shown: no numbers of documents, vehicles or deeds, no names (the person is named by the reader's own record)."""
    kept = [each for each in contract.columns if not each.sensitive and each.type not in ("name", "id_number", "person_number", "certificate", "credit_code")]
    return [each for each in kept if not each.header_zh.endswith(("号", "号码", "号牌"))]


def _since(contract: Contract, on: date) -> tuple[Column | None, date]:
    """Events count for the twelve months before; of a list everything counts."""
    day = next((each for each in contract.columns if each.type in ("date", "month") and each.name in contract.key), None)
    first = date(on.year - 1, on.month, 28 if (on.month, on.day) == (2, 29) else on.day)
    return (day if contract.nature == "events" else None), first


def told(lake: Lake, people: Mapping[bytes, str], *, on: date, datasets: Collection[str] = ()) -> list[Told]:
    """What the deliveries until `on` say about people (16 bytes of the token -> the caller's own key), dataset by dataset.

    `datasets` limits to these codes; empty means all. One scan of each dataset's files, whose columns of tokens are read only as far as
    their statistics cannot rule them out.
    """
    made = []
    with duckdb.connect(config={"threads": 2, "memory_limit": "1GB"}) as con:
        for code, contract in CONTRACTS.items():
            if datasets and code not in datasets:
                continue
            entries = lake.entries(code, upto=f"{on:%Y-%m}")
            period = max((entry.period for entry in entries), default="")
            known = _of(con, contract, [str(lake.root / entry.parquet) for entry in entries], people, on) if entries and people else ()
            made.append(Told(code, contract.name_zh, contract.department_zh, period, known))
    return made


def _of(con: duckdb.DuckDBPyConnection, contract: Contract, files: Sequence[str], people: Mapping[bytes, str], on: date) -> tuple[Known, ...]:
    columns = _columns(contract)
    there = {row[0] for row in con.execute("describe select * from read_parquet(?, union_by_name := true)", [list(files)]).fetchall()}
    if "id_token" not in there:
        return ()
    columns = [each for each in columns if each.stored in there]
    names = ", ".join(f'"{each.stored}"' for each in columns)
    marks = ", ".join(["?"] * len(people))
    rows = con.execute(
        f'select id_token::blob, {names or "null"} from read_parquet(?, union_by_name := true, file_row_number := true, filename := true)'
        f" where id_token::blob in ({marks}) order by filename, file_row_number",
        [list(files), *people],
    ).fetchall()
    day, first = _since(contract, on)
    at = next((index for index, each in enumerate(columns) if day is not None and each.name == day.name), None)
    keys = [index for index, each in enumerate(columns) if each.name in contract.key]
    found: dict[str, dict[Any, tuple[Any, ...]]] = {}
    for token, *values in rows:
        when = values[at] if at is not None else None
        if when is not None and isinstance(when, date) and not first < when <= on:
            continue
        # the newest row of a key counts; a row that two deliveries carry is one
        key = tuple(values[index] for index in keys) if keys else ()
        found.setdefault(people[bytes(token)], {})[key] = tuple(values)
    made = []
    for person, distinct in found.items():
        listed = list(distinct.values())
        if at is not None:
            listed.sort(key=lambda values: str(values[at]))
        totals = {
            each.header_zh: round(sum(float(values[index]) for values in listed if values[index] is not None), 2)
            for index, each in enumerate(columns)
            if each.type == "amount"
        }
        shown = tuple(
            tuple((each.header_zh, _shown(each, value)) for each, value in zip(columns, values, strict=True) if value is not None)
            for values in listed[-MOST_ROWS:]
        )
        made.append(Known(person, shown, len(listed), totals if len(listed) > 1 else {}))
    return tuple(made)
