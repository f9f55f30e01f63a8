"""Commands of the demo: `doudi synth`, `doudi demo`."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from doudi.core.commandline import AsJson, day_given, environment, ready, show

app = typer.Typer()


@app.command()
def synth(
    area: Annotated[str, typer.Option(help="地区代码，2 至 12 位")] = "410122",
    people: Annotated[int, typer.Option(min=1, help="人数")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="随机种子：同样的参数生成同样的文件")] = 7,
    out: Annotated[Path, typer.Option(file_okay=False, help="输出文件夹")] = Path("county"),
    on: Annotated[date, typer.Option("--on", parser=day_given, metavar="YYYY-MM-DD", help="数据截止日期")] = date(2022, 11, 25),
    as_json: AsJson = False,
) -> None:
    """生成模拟县：家庭、部门数据文件和真值表（不需要数据库）。"""
    from dataclasses import asdict

    from rich.console import Console
    from rich.progress import Progress

    from doudi.batch.synth import generate

    try:
        with Progress(console=Console(stderr=True), disable=as_json) as bar:
            task = bar.add_task("生成模拟县", total=people)
            summary = generate(area, people, seed, out, on=on, progress=lambda done, total: bar.update(task, completed=done, total=total))
    except ValueError as error:
        typer.echo(f"错误：{error}", err=True)
        raise typer.Exit(2) from None
    figures = asdict(summary)
    show(figures if as_json else {key: value for key, value in figures.items() if key != "deliveries"}, as_json=as_json, title=str(out))


@app.command()
def demo(
    host: Annotated[str, typer.Option(help="监听地址")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="监听端口")] = 8000,
    seed: Annotated[int, typer.Option(min=0, help="随机种子")] = 7,
    people: Annotated[int, typer.Option(min=2_000, max=200_000, help="模拟县人数")] = 20_000,
    users: Annotated[Path | None, typer.Option(dir_okay=False, help="把各岗位的账号写入该 JSON 文件")] = None,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="完成后启动网页")] = True,
    reset: Annotated[bool, typer.Option("--reset", help="先清空演示数据，从头开始")] = False,
    history: Annotated[int, typer.Option(min=0, max=48, help="演示之后再模拟几个月，使统计和趋势有内容可看")] = 0,
    as_json: AsJson = False,
) -> None:
    """演示：建立模拟县，从部门数据到资金发放走完主流程，列出各岗位账号，并启动网页。"""
    import json
    import os
    import sys

    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    from doudi.core.commands import init
    from doudi.core.home import home

    environment()
    # everything for people goes to the other channel, so that --json prints one object and nothing else
    console = Console(stderr=True)
    if reset:
        _start_over()
    with _quiet(as_json):
        init(print_sql=False)
    with ready():
        from doudi.demo import job, staff

        folder = home() / "demo"
        folder.mkdir(exist_ok=True, mode=0o700)
        with Progress(console=console, transient=True, disable=as_json and not sys.stderr.isatty()) as bar:
            tasks: dict[str, object] = {}

            def tell(step: str, done: int, total: int) -> None:
                if step not in tasks:
                    tasks[step] = bar.add_task(step, total=total or None)
                bar.update(tasks[step], completed=done, total=total or None)  # type: ignore[arg-type]

            walk = job.Demo(folder=folder, seed=seed, people=people, tell=tell)
            figures = job.run(walk)
            if history:
                figures["simulation"] = _lived(months=history, tell=tell, seed=seed, area=walk.area)
        signs = [{"duty": each.label, "username": each.username, "password": staff.PASSWORD, "area": each.area} for each in walk.staff]
        if users is not None:
            users.parent.mkdir(parents=True, exist_ok=True)
            users.write_text(json.dumps([*signs, {"duty": "访客"}], ensure_ascii=False, indent=1))
        if as_json:
            show(figures, as_json=True)
        else:
            show(figures, as_json=False, title="主流程结果")
            table = Table(title=f"演示账号（密码均为 {staff.PASSWORD}）", box=None, pad_edge=False)
            for heading in ("岗位", "账号", "地区代码"):
                table.add_column(heading)
            for each in walk.staff:
                if not each.username[-1].isdigit():
                    table.add_row(each.label, each.username, each.area)
            Console().print(table)
    if serve:
        os.environ.setdefault("DOUDI_HOME", str(home()))
        from doudi.core.commands import serve as run_server

        run_server(host=host, port=port, workers=2)


@app.command()
def simulate(
    months: Annotated[int, typer.Option(min=1, max=48, help="自演示之日起共模拟几个月；已模拟过的不再重复")] = 36,
    seed: Annotated[int, typer.Option(min=0, help="随机种子")] = 7,
    as_json: AsJson = False,
) -> None:
    """模拟：演示县逐月生活下去（出生、死亡、迁移、调标、物价、应急、申请、发放），每月核对账目、决定、线索和查阅记录"""
    import sys

    from doudi.core import clock
    from doudi.core.home import SetupError

    with ready():
        if clock.shift() is None:
            raise SetupError("这不是演示数据目录，不能在其中模拟；请先在空的 DOUDI_HOME 中运行 doudi demo --no-serve。")
        started = time.monotonic()

        def tell(step: str, done: int, total: int) -> None:
            typer.echo(f"{step}（{done + 1}/{total}，{time.monotonic() - started:.0f} 秒）", err=True)

        from doudi.demo import job

        show(_lived(months=months, tell=tell, seed=seed, area=job.AREA, table=not as_json), as_json=as_json, title="模拟结果")
    sys.stdout.flush()


COLUMNS = (
    ("出生", "births"), ("死亡", "deaths"), ("迁移", "moves"), ("明细", "lines"), ("金额", "amount"), ("退票", "returned"), ("补发", "reissued"),
    ("物价补贴", "subsidised"), ("报告", "reports"), ("结案", "leads_closed"), ("走访", "visits"), ("新批", "granted"), ("决定", "approved"), ("临时救助", "relief"),
)  # fmt: skip


def _lived(*, months: int, tell: Any, seed: int, area: str, table: bool = False) -> dict[str, Any]:
    """Run the months, print a line for each, and say what it came to. What does not hold is one sentence and exit code 1."""
    from doudi.core.home import SetupError
    from doudi.demo import job
    from doudi.demo.simulate import run

    try:
        for _each in run.simulate(area=area, seed=seed, months=months, today=job.TODAY, tell=tell):
            pass
    except run.DoesNotHold as error:
        raise SetupError(f"模拟中止，{error}") from error
    lived = run.months_done(area)
    sizes = [each.state.bytes for each in lived]
    if table:
        _table(lived)
        _grown(lived)
    growth = (sizes[-1] - sizes[0]) / (len(sizes) - 1) if len(sizes) > 1 else 0
    return {
        "months": len(lived), "last": f"{lived[-1].month:%Y-%m}", "digest": run.digest(lived), "leads": lived[-1].state.leads, "decisions": lived[-1].state.decisions,
        "lines": lived[-1].state.lines, "records": lived[-1].state.records, "megabytes": round(sizes[-1] / 2**20, 1), "megabytes_a_month": round(growth / 2**20, 2),
        "files_megabytes": round(sum(lived[-1].state.files.values()) / 2**20, 1), "grown": _most_grown(lived),
    }  # fmt: skip


def _table(lived: list[Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    out = Table(title="逐月", box=None, pad_edge=False)
    for heading in ("月份", *(label for label, _name in COLUMNS), "事件", "库 MB", "增长 MB"):
        out.add_column(heading, justify="left" if heading in ("月份", "事件") else "right")
    before = None
    for each in lived:
        figures, size = each.figures, each.state.bytes / 2**20
        events = [figures.get("emergency", ""), {"on": "暂停退出", "off": "恢复退出"}.get(figures.get("exit_suspension", ""), "")]
        events += ["调标" if figures.get("standards") else "", f"比对 {figures['hits']}" if "hits" in figures else ""]
        values = [str(figures.get(name, "")) for _label, name in COLUMNS]
        out.add_row(f"{each.month:%Y-%m}", *values, "、".join(filter(None, events)), f"{size:.1f}", "" if before is None else f"{size - before:+.2f}")
        before = size
    Console(width=200).print(out)


def _most_grown(lived: list[Any]) -> dict[str, dict[str, float]]:
    """table -> MB and rows a month, of the tables that grew most since the first month."""
    from doudi.demo.simulate import growth

    if len(lived) < 2:
        return {}
    found = growth.by_month(lived[0].state.tables, lived[-1].state.tables, len(lived) - 1)
    return {name: {"megabytes_a_month": round(size, 3), "rows_a_month": round(rows, 1), "rows": now} for name, size, rows, now in found}


def _grown(lived: list[Any]) -> None:
    """Where the growth is: tables, and the folders of files beside the database."""
    from rich.console import Console
    from rich.table import Table

    out = Table(title="增长最多的表", box=None, pad_edge=False)
    for heading in ("表", "MB/月", "行/月", "现有行"):
        out.add_column(heading, justify="left" if heading == "表" else "right")
    for name, each in _most_grown(lived).items():
        out.add_row(name, f"{each['megabytes_a_month']:.3f}", f"{each['rows_a_month']:,.0f}", f"{each['rows']:,}")
    Console(width=200).print(out)
    files = Table(title="文件", box=None, pad_edge=False)
    for heading in ("文件夹", "首月 MB", "现在 MB"):
        files.add_column(heading, justify="left" if heading == "文件夹" else "right")
    for name, size in sorted(lived[-1].state.files.items()):
        files.add_row(name, f"{lived[0].state.files.get(name, 0) / 2**20:.1f}", f"{size / 2**20:.1f}")
    Console(width=200).print(files)


def _start_over() -> None:
    """Remove the data folder of a demo, and of nothing else."""
    import fcntl
    import shutil

    from doudi.core import keys, postgres
    from doudi.core.home import SetupError, home

    if not home().exists() or not any(home().iterdir()):
        return
    if postgres.external() or not (home() / "demo" / "clock").exists():
        raise SetupError(f"{home()} 不是演示数据目录，拒绝清空；请用 DOUDI_HOME 指定演示目录。")
    with (home() / "users.lock").open("a+") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SetupError("演示正在运行；请先在运行它的窗口按 Ctrl-C 停止，再重新开始。") from None
    postgres.server().stop()
    for each in home().iterdir():
        shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()
    keys.forget()


def _quiet(hide: bool) -> Any:
    """What `init` says goes nowhere where only JSON may be printed."""
    import contextlib
    import io

    return contextlib.redirect_stdout(io.StringIO()) if hide else contextlib.nullcontext()
