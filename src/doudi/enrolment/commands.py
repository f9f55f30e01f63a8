"""`doudi monitor`, `doudi spot-check`: monitoring and spot checks from the terminal."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from doudi.assessment.commands import Area
from doudi.core.commandline import AsJson, Month, counted, ready, refuse_unknown, show

app = typer.Typer()


@app.command()
def monitor(area: Area, month: Month, as_json: AsJson = False) -> None:
    """按该月规则重新测算一个地区的登记家庭，与在享待遇比较，差异列为核查事项（重复执行没有影响）"""
    with ready():
        from django.utils import timezone

        from doudi.core import scope as scopes
        from doudi.core.models import Duty
        from doudi.enrolment import services

        refuse_unknown(area)
        with scopes.acting(scopes.Scope(area=area, duty=Duty.COUNTY_REVIEWER, page="doudi monitor")), counted("监测") as progress:
            run = services.monitor(area=area, month=month, now=timezone.now(), progress=progress)
        show({"area": area, "month": f"{month:%Y-%m}", "households": run.households, "people": run.people, "awards": run.awards, **run.figures}, as_json=as_json, title="动态监测")


@app.command("spot-check")
def spot_check(
    area: Area,
    starts: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="确认日期自")],
    ends: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="确认日期至，应早于今天")],
    seed: Annotated[int | None, typer.Option(help="随机种子；不填由系统产生并留存")] = None,
    as_json: AsJson = False,
) -> None:
    """从乡镇确认的决定中抽取抽查件（同一期间重复执行得到同一结果）"""
    with ready():
        from django.core.exceptions import ValidationError
        from django.utils import timezone

        from doudi.core import scope as scopes
        from doudi.core.models import Duty
        from doudi.enrolment import services
        from doudi.enrolment.models import SpotCheckItem
        from doudi.enrolment.services.spot_checks import same_again

        with scopes.acting(scopes.Scope(area=area, duty=Duty.COUNTY_REVIEWER, page="doudi spot-check")):
            try:
                made = services.draw_spot_check(area=area, starts=starts.date(), ends=ends.date(), seed=seed, now=timezone.now())
            except ValidationError as error:
                typer.echo("错误：" + "；".join(error.messages), err=True)
                raise typer.Exit(1) from None
            items = SpotCheckItem.objects.filter(check_of=made).order_by("decision__number")
            figures = {
                "number": made.number, "area": area, "from": made.starts.isoformat(), "to": made.ends.isoformat(), "share": made.share, "seed": made.seed,
                "confirmed": made.size, "drawn": made.drawn, "reproduced": same_again(made), "decisions": list(items.values_list("decision__number", flat=True)),
            }  # fmt: skip
        show(figures, as_json=as_json, title="抽查")


@app.command()
def averages(area: Area, month: Month, as_json: AsJson = False) -> None:
    """各县低保月人均补助水平与省定最低水平比较"""
    with ready():
        from doudi.core import places
        from doudi.core import scope as scopes
        from doudi.core.models import Duty
        from doudi.enrolment.averages import averages as found_of
        from doudi.enrolment.averages import floors

        with scopes.acting(scopes.Scope(area=area, duty=Duty.SUPERVISOR, page="doudi averages")):
            rows = found_of(month)
            figures = {
                "month": f"{month:%Y-%m}",
                "floors": {name: {"amount": str(floor.amount), "since": floor.since, "source": floor.source} for name, floor in floors(month).items()},
                "counties": [
                    {
                        "area": row.area, "name": places.name(row.area), "residence": row.residence, "awards": row.awards, "people": row.people,
                        "amount": str(row.amount), "average": str(row.average), "below": row.below,
                    }
                    for row in rows
                ],
            }  # fmt: skip
        show(figures, as_json=as_json, title="低保月人均补助水平")
