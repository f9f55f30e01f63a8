"""Commands of the registry."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from doudi.core.commandline import AsJson, day_given, ready, show

app = typer.Typer()


@app.command("register-division")
def register_division(
    code: Annotated[str, typer.Argument(help="新的区划代码")],
    name: Annotated[str, typer.Argument(help="名称")],
    on: Annotated[date, typer.Option("--on", parser=day_given, metavar="YYYY-MM-DD", help="启用日期，如 2023-01-01")],
    like: Annotated[str, typer.Option("--like", metavar="CODE", help="按这个同级区划登记其下的全部区划（整体变更代码时用）")] = "",
    as_json: AsJson = False,
) -> None:
    """登记新的区划（属主角色）：已有同名的不变；之后可用 recode 变更，或直接任命岗位"""
    from doudi.core.home import SetupError

    with ready():
        from django.db import connections

        from doudi.core import divisions

        if "owner" not in connections.settings:
            raise SetupError("缺少属主连接：请设置环境变量 DATABASE_OWNER_URL（角色 doudi_owner）后重试。")
        try:
            inserted = divisions.register(connections["owner"], code=code, name=name, on=on, like=like)
        except divisions.RecodeRefused as error:
            raise SetupError(str(error)) from None
        finally:
            connections["owner"].close()
        show({"code": code, "name": name, "inserted": inserted}, as_json=as_json)


@app.command()
def recode(
    old: Annotated[str, typer.Argument(help="停用的区划代码")],
    new: Annotated[str, typer.Argument(help="替代它的区划代码（同级）")],
    on: Annotated[date, typer.Option("--on", parser=day_given, metavar="YYYY-MM-DD", help="停用日期，如 2023-01-01")],
    as_json: AsJson = False,
) -> None:
    """区划代码变更：由属主角色改写全部数据表，旧代码保留在 area_then；拆分、合并按村逐个办理"""
    from doudi.core.home import SetupError

    with ready():
        from django.db import connections

        from doudi.core import divisions

        if "owner" not in connections.settings:
            raise SetupError("缺少属主连接：请设置环境变量 DATABASE_OWNER_URL（角色 doudi_owner）后重试。")
        try:
            done = divisions.recode(connections["owner"], old=old, new=new, on=on)
        except divisions.RecodeRefused as error:
            raise SetupError(str(error)) from None
        finally:
            connections["owner"].close()
        show({"old": done.old, "new": done.new, "rows": done.rows, "total": done.total}, as_json=as_json)
