"""Commands of relief: `doudi prices`, `doudi relief`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from doudi.core.commandline import AsJson, acting_as, month_given, ready, show

app = typer.Typer()


@app.command()
def prices(
    area: Annotated[str, typer.Option(help="市代码（4 位）、省直辖县代码或 41")] = "41",
    month: Annotated[date | None, typer.Option("--month", parser=month_given, metavar="YYYY-MM", help="发放月份，如 2022-12；不填为本月")] = None,
    as_json: AsJson = False,
) -> None:
    """物价联动：一个市某发放月份的价格指数、是否启动、理由、期限，以及已提出的补贴。"""
    with ready():
        from django.utils import timezone

        from doudi.core import places
        from doudi.core import scope as scopes
        from doudi.core.settings_overlay import overlay
        from doudi.relief import linkage, price_queries

        on = month or timezone.localdate().replace(day=1)
        if not linkage.is_index_area(area):
            typer.echo(f"错误：“{area}”不是省、市代码；物价联动以市为单位", err=True)
            raise typer.Exit(2)
        with scopes.acting(scopes.Scope(area=area, page="doudi prices")):
            found = linkage.linkage_of(area=area, month=on, settings=overlay(on))
            counties = price_queries.by_county(area=area, month=on)
            name = places.name(area)
        figures = {
            "area": area, "month": f"{on:%Y-%m}", "index_month": f"{found.index_month:%Y-%m}", "cpi": found.cpi.value, "food": found.food.value,
            "scpi": found.scpi.value, "started": found.started, "known": found.known, "waits": found.waits, "rise": found.rise,
            "reasons": "；".join(found.reasons), "deadline": f"{found.deadline:%Y-%m-%d}", "counties": len(counties),
            "people": sum(row["people"] for row in counties), "amount": f"{sum((row['amount'] for row in counties), 0):.2f}",
        }  # fmt: skip
        show(figures, as_json=as_json, title=f"物价联动 {name}")


@app.command()
def relief(
    username: Annotated[str, typer.Option("--as", help="以哪个账号查看（须有相应岗位）")],
    area: Annotated[str, typer.Option(help="地区代码；不填为该岗位所在地区")] = "",
    as_json: AsJson = False,
) -> None:
    """临时救助：本年受理、救助、先行救助及逾期未补充说明、一事一议的件数和金额，在站流浪乞讨人员。"""
    with ready():
        from django.utils import timezone

        from doudi.relief import queries

        with acting_as(username, act="relief.view", page="doudi relief") as (acting, now):
            on = timezone.localdate(now)
            found = queries.figures(area=area or acting.area, on=on)
        show({**found, "amount": f"{found['amount']:.2f}"}, as_json=as_json, title=f"{area or acting.area} {on:%Y}")
