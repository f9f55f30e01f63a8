"""`doudi monitor`: dynamic monitoring from the terminal."""

from __future__ import annotations

import sys

import typer

from doudi.assessment.commands import Area, Month, month_given
from doudi.core.commandline import AsJson, ready, show

app = typer.Typer()


@app.command()
def monitor(area: Area, month: Month, as_json: AsJson = False) -> None:
    """按该月规则重新测算一个地区的登记家庭，与在享待遇比较，差异列为核查事项（重复执行没有影响）"""
    first = month_given(month)
    with ready():
        from django.utils import timezone
        from rich.console import Console
        from rich.progress import Progress

        from doudi.core import scope as scopes
        from doudi.core.models import Division, Duty
        from doudi.enrolment import services

        if not Division.objects.filter(code=area).exists():
            typer.echo(f"错误：没有区划代码“{area}”；请核对后重试。", err=True)
            raise typer.Exit(2)
        with (
            scopes.acting(scopes.Scope(area=area, duty=Duty.COUNTY_REVIEWER, page="doudi monitor")),
            Progress(console=Console(file=sys.stderr)) as bar,
        ):
            task = bar.add_task("监测")
            run = services.monitor(
                area=area, month=first, now=timezone.now(), progress=lambda done, total: bar.update(task, completed=done, total=max(total, 1))
            )
        show({"area": area, "month": month, "households": run.households, "people": run.people, "awards": run.awards, **run.figures}, as_json=as_json, title="动态监测")
