"""What the commands of all rooms share: the surroundings, output, exit codes (0 done, 1 failed, 2 wrong use).

A room offers commands in `doudi/<room>/commands.py` as `app = typer.Typer()`; the module imports nothing heavy at its top
(no Django, no models: those inside the functions, within `ready()`), so that `doudi --help` stays fast.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from doudi.core.scope import Scope


def day_given(text: str) -> date:
    """A day that somebody typed, like 2022-11-30. Raises BadParameter."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"日期“{text}”应写作 2022-11-30") from None


def month_given(text: str) -> date:
    """The first day of a month that somebody typed, like 2022-12. Raises BadParameter."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise typer.BadParameter(f"月份“{text}”应写作 2022-12") from None


AsJson = Annotated[bool, typer.Option("--json", help="以 JSON 输出")]
On = Annotated[date | None, typer.Option("--on", parser=day_given, metavar="YYYY-MM-DD", help="日期，如 2022-11-30；不填为今天")]
Month = Annotated[date, typer.Option("--month", parser=month_given, metavar="YYYY-MM", help="月份，如 2022-12")]


def environment() -> None:
    """Files are private by default, and Django knows its settings."""
    os.umask(0o077)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "doudi.config.settings")


@contextmanager
def ready(*, migrated: bool = True, restoring: bool = False) -> Iterator[None]:
    """The database is up and Django is set up inside the block.

    With `migrated`, refuses a database behind the code and a role with too much power; but for a restore itself, a folder that is half restored.
    """
    from doudi.core import keys, postgres
    from doudi.core.home import SetupError

    environment()
    if not restoring:
        postgres.refuse_half_restored()
    keys.load()
    if not postgres.external():
        postgres.server().info()
    with postgres.running():
        import django

        django.setup()
        from django.db import connections

        connections["default"].ensure_connection()  # compares keys and database (core.keystate)
        if migrated:
            from doudi.core.doctor import refuse_powerful_role
            from doudi.core.migrate import pending

            refuse_powerful_role()
            if missing := pending():
                raise SetupError(f"数据库结构落后于程序（{len(missing)} 个迁移未执行）；请先运行 doudi migrate。")
        try:
            yield
        finally:
            connections.close_all()


@contextmanager
def acting_as(username: str, *, act: str, page: str) -> Iterator[tuple[Scope, datetime]]:
    """Within `ready()`: act for an account under its posting that may do `act`; (its scope, now). Raises SetupError where it has none."""
    from django.utils import timezone

    from doudi.core import scope as scopes
    from doudi.core.postings import scope_of

    now = timezone.now()
    acting = scope_of(username=username, act=act, on=timezone.localdate(now), page=page)
    with scopes.acting(acting):
        yield acting, now


def refuse_unknown(area: str) -> None:
    """Ends the command where no division has this code."""
    from doudi.core.models import Division

    if not Division.objects.filter(code=area).exists():
        typer.echo(f"错误：没有区划代码“{area}”；请核对后重试。", err=True)
        raise typer.Exit(2)


@contextmanager
def counted(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on the error output while something long runs; called with (done, of how many)."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(file=sys.stderr)) as bar:
        task = bar.add_task(what)
        yield lambda done, total: bar.update(task, completed=done, total=max(total, 1))


def show(figures: Mapping[str, Any], *, as_json: bool, title: str = "") -> None:
    """Print figures: one JSON object, or a table for people. Nested mappings become indented rows."""
    if as_json:
        typer.echo(json.dumps(figures, ensure_ascii=False, default=str))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, show_header=False, box=None, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")

    def rows(part: Mapping[str, Any], depth: int) -> None:
        for key, value in part.items():
            if isinstance(value, Mapping):
                table.add_row("  " * depth + str(key), "")
                rows(value, depth + 1)
            else:
                table.add_row("  " * depth + str(key), f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value))

    rows(figures, 0)
    Console().print(table)
