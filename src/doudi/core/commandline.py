"""What the commands of all rooms share: the surroundings, output, exit codes (0 done, 1 failed, 2 wrong use).

A room offers commands in `doudi/<room>/commands.py` as `app = typer.Typer()`; the module imports nothing heavy at its top
(no Django, no models: those inside the functions, within `ready()`), so that `doudi --help` stays fast.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="以 JSON 输出")]


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
    from doudi.core.home import SetupError, refuse_half_restored

    environment()
    if not restoring:
        refuse_half_restored()
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
