"""Commands of reports."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.table import Table

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.reports import queries


def measures(area: str, as_json: bool) -> None:
    """Every clause of the eight measures: where it lives in the system and its live figure for an area."""
    with scopes.acting(scopes.Scope(area=area, duty=Duty.SUPERVISOR.value, page="doudi measures")):
        found = queries.clauses()
    if as_json:
        rows: list[dict[str, Any]] = [
            {"clause": c.number, "title": str(c.title), "page": c.place or None, "value": c.value, "unit": str(c.unit)}
            for _, _, each in found
            for c in each
        ]
        print(json.dumps(rows, ensure_ascii=False, default=str))  # noqa: T201
        return
    table = Table(title="八项举措")
    for column in ("条款", "内容", "页面", "当前数"):
        table.add_column(column)
    for _number, _title, each in found:
        for c in each:
            table.add_row(c.number, str(c.title), c.place or "—", "尚未建设" if c.value is None else f"{c.value} {c.unit}")
    Console().print(table)
