"""Commands of discovery: `doudi deliver`, `doudi compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from doudi.core.commandline import AsJson, On, acting_as, ready, show

app = typer.Typer()
As = Annotated[str, typer.Option("--as", help="以哪个账号办理（须有核对员或县级审核员岗位）")]


@app.command()
def deliver(
    dataset: Annotated[str, typer.Argument(help="数据目录代码，如 disability、medical、deaths")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="部门报送的文件（CSV、TSV、XLSX）")],
    username: As,
    area: Annotated[str, typer.Option(help="县（市、区）代码；不填为该岗位所在地区")] = "",
    period: Annotated[str, typer.Option(help="数据月份，如 2022-11")] = "",
    as_json: AsJson = False,
) -> None:
    """接收一个部门的数据文件：按数据共享目录核验，有误的行汇成退回清单；同一文件重复接收不起作用。"""
    with ready():
        from django.core.exceptions import ValidationError

        from doudi.discovery import services

        try:
            with acting_as(username, act="discovery.deliver", page="doudi deliver") as (acting, now):
                delivery, new = services.deliver(path=file, dataset=dataset, area=area or acting.area, now=now, period=period)
        except ValidationError as error:
            typer.echo("错误：" + " ".join(error.messages), err=True)
            raise typer.Exit(1) from None
        figures = {
            "delivery": delivery.pk,
            "dataset": dataset,
            "state": delivery.state,
            "new": new,
            "accepted": delivery.accepted,
            "rejected": delivery.rejected,
            "reason": delivery.reason,
            "sha256": delivery.sha256,
        }
        show(figures, as_json=as_json, title=delivery.name)
        if delivery.state == "refused":
            raise typer.Exit(1)


@app.command()
def inbox(
    prepare: Annotated[str, typer.Option(help="为一个地区建立接收文件夹（每个数据目录一个），如 410122")] = "",
    as_json: AsJson = False,
) -> None:
    """处理接收文件夹中的数据文件（doudi worker 运行时自动处理）：放入 <数据目录>/inbox/<地区>/<目录代码>/，处理后移入 done 或 refused"""
    with ready():
        from django.core.exceptions import ValidationError
        from django.utils import timezone

        from doudi.discovery.services import inbox as watched

        if prepare:
            try:
                folder = watched.prepare(prepare)
            except ValidationError as error:
                typer.echo("错误：" + " ".join(error.messages), err=True)
                raise typer.Exit(2) from None
            show({"folder": str(folder)}, as_json=as_json, title="接收文件夹")
            return
        taken = watched.scan(now=timezone.now())
        if as_json:
            show({"files": len(taken), "taken": [{"path": each.path, "state": each.state, "message": each.message} for each in taken]}, as_json=True)
        else:
            for each in taken:
                typer.echo(f"{each.state}  {each.path}：{each.message}")
            typer.echo(f"处理 {len(taken)} 个文件")
        if any(each.state != watched.DONE for each in taken):
            raise typer.Exit(1)


@app.command()
def compare(
    username: As,
    area: Annotated[str, typer.Option(help="地区代码；不填为该岗位所在地区")] = "",
    on: On = None,
    as_json: AsJson = False,
) -> None:
    """把已接收的部门数据与救助家庭比对，生成救助线索；同一情形只生成一条。"""
    with ready():
        from django.utils import timezone

        from doudi.discovery import services

        with acting_as(username, act="discovery.compare", page="doudi compare") as (acting, now):
            found = services.compare(area=area or acting.area, on=on or timezone.localdate(now), now=now)
        show(
            {"found": found.found, "raised": found.raised, "known": found.known, "by_indicator": found.by_indicator},
            as_json=as_json,
            title="信息比对",
        )


@app.command()
def escalate(
    username: As,
    area: Annotated[str, typer.Option(help="地区代码；不填为该岗位所在地区")] = "",
    on: On = None,
    as_json: AsJson = False,
) -> None:
    """督办超期线索：超期未联系、未核实的逐级升级；走访员已离任的转交。每天自动进行，也可手动补做。"""
    with ready():
        from django.utils import timezone

        from doudi.discovery import services

        with acting_as(username, act="discovery.escalate", page="doudi escalate") as (acting, now):
            done = services.escalate(on=on or timezone.localdate(now), now=now, area=area or acting.area)
        show({"escalated": done.escalated, "released": done.released}, as_json=as_json, title="线索督办")


@app.command()
def visits(
    username: As,
    area: Annotated[str, typer.Option(help="地区代码；不填为该岗位所在地区")] = "",
    on: On = None,
    as_json: AsJson = False,
) -> None:
    """按走访计划安排入户走访：到期的新安排，应急状态下提前，逾期的列给乡镇并逐级督办。每天自动进行，也可手动补做。"""
    with ready():
        from django.utils import timezone

        from doudi.discovery import services

        with acting_as(username, act="visits.due", page="doudi visits") as (acting, now):
            done = services.make_due(area=area or acting.area, on=on or timezone.localdate(now), now=now)
        show(
            {"made": done.made, "nearer": done.nearer, "ended": done.ended, "missed": done.missed, "escalated": done.escalated},
            as_json=as_json,
            title="入户走访",
        )


@app.command()
def sweeps(
    username: As,
    on: On = None,
    as_json: AsJson = False,
) -> None:
    """各项正在开展的集中排查的进度：列入、已排查、发现需要、未见到人、不愿配合、逾期。"""
    with ready():
        from django.utils import timezone

        from doudi.discovery import sweep_queries

        with acting_as(username, act="sweeps.view", page="doudi sweeps") as (_acting, now):
            rows = sweep_queries.running(on or timezone.localdate(now))
        show({str(row["sweep"]): row for row in rows}, as_json=as_json, title="集中排查")
