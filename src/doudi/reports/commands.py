"""Commands of reports: `doudi measures`, `doudi statistics`, `doudi national-export`."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from doudi.core.commandline import AsJson, Month, month_given, ready, show

app = typer.Typer()


@app.command()
def measures(area: Annotated[str, typer.Option(help="地区代码，如 41、410122")] = "41", as_json: AsJson = False) -> None:
    """八项举措：逐条列出在系统中的位置和该地区的当前数。"""
    with ready():
        import json

        from rich.console import Console
        from rich.table import Table

        from doudi.core import scope as scopes
        from doudi.core.models import Duty
        from doudi.reports import queries

        with scopes.acting(scopes.Scope(area=area, duty=Duty.SUPERVISOR.value, page="doudi measures")):
            found = queries.clauses()
        if as_json:
            rows: list[dict[str, Any]] = [
                {"clause": c.number, "title": str(c.title), "page": c.place or None, "value": c.value, "unit": str(c.unit)}
                for _, _, each in found
                for c in each
            ]
            typer.echo(json.dumps(rows, ensure_ascii=False, default=str))
            return
        table = Table(title="八项举措")
        for column in ("条款", "内容", "页面", "当前数"):
            table.add_column(column)
        for _number, _title, each in found:
            for c in each:
                table.add_row(c.number, str(c.title), c.place or "—", "尚未建设" if c.value is None else f"{c.value} {c.unit}")
        Console().print(table)


@app.command("statistics")
def count_months(
    first: Annotated[date, typer.Option("--from", parser=month_given, metavar="YYYY-MM", help="从哪个月，如 2022-11")],
    last: Annotated[date | None, typer.Option("--to", parser=month_given, metavar="YYYY-MM", help="到哪个月；不填则只统计一个月")] = None,
    area: Annotated[str, typer.Option(help="地区代码，如 41、410122")] = "41",
    as_json: AsJson = False,
) -> None:
    """统计月报：重新统计若干个月（每天夜里自动统计当月）。"""
    with ready():
        from django.utils import timezone

        from doudi.core import scope as scopes
        from doudi.core.duties import WORKER
        from doudi.reports import services

        if len(area) > 6:
            raise typer.BadParameter("请按县、市或全省统计")
        counted: dict[str, Any] = {}
        month = first
        while month <= (last or first):
            with scopes.acting(scopes.Scope(area=area, duty=WORKER, page="doudi statistics", acts=frozenset({"reports.count"}))):
                counted[f"{month:%Y-%m}"] = services.count_month(area=area, month=month, now=timezone.now())
            month = services.month_after(month)
        show(counted, as_json=as_json, title="统计月报")


@app.command("national-export")
def national_export(
    month: Month,
    target: Annotated[Path, typer.Option("--to", help="把文件（含完整证件号码）写到这里")],
    area: Annotated[str, typer.Option(help="地区代码，如 41、4101、410122")] = "41",
    as_json: AsJson = False,
) -> None:
    """上报全国平台：生成某地某月低收入人口的上报文件（ZIP），生成和取出都记入查阅记录。"""
    with ready():
        from django.utils import timezone

        from doudi.core import scope as scopes
        from doudi.core.duties import WORKER
        from doudi.reports import national

        acting = scopes.Scope(area=area, duty=WORKER, page="doudi national-export", acts=frozenset({"reports.national"}))
        with scopes.acting(acting):
            done = national.make_export(area=area, month=month, now=timezone.now())
        with scopes.acting(acting):
            blocks = national.opened(done.export)
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                for block in blocks:
                    file.write(block)
        row = done.export
        show(
            {
                "number": row.number, "made": done.made, "households": row.households, "people": row.people, "left_out": row.left_out, "faults": row.faults,
                "sha256": row.sha256, "file": str(target),
            },
            as_json=as_json, title="上报全国平台",
        )  # fmt: skip
