"""The `doudi` command: what each room offers in its `commands.py`, under one name."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import typer

PACKAGE = Path(__file__).parent


def build() -> typer.Typer:
    """One command line of all rooms. Their `commands.py` import nothing heavy at their top."""
    root = typer.Typer(
        name="doudi", help="兜底：社会救助主动发现、依法认定、按时发放", no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
    )
    for path in sorted(PACKAGE.glob("*/commands.py"), key=lambda path: (path.parent.name != "core", path.parent.name)):
        root.add_typer(import_module(f"doudi.{path.parent.name}.commands").app)
    return root


def main() -> None:
    """Entry point. Exit codes: 0 done, 1 failed, 2 wrong use. Expected errors are one sentence, without a traceback."""
    from doudi.core.home import SetupError

    try:
        build()()
    except SetupError as error:
        typer.echo(f"错误：{error}", err=True)
        sys.exit(1)
    except Exception as error:
        from doudi.core import faults

        if faults.disk_is_full(error):
            typer.echo("错误：磁盘空间不足，没有写入任何内容；请清理数据目录或数据库所在的磁盘后重试（doudi doctor 显示剩余空间）。", err=True)
            sys.exit(1)
        if "doudi.batch.engine.EngineMissing" in _kinds(error):
            typer.echo(f"错误：{error}", err=True)
            sys.exit(1)
        if _database_is_away(error):
            typer.echo(f"错误：无法连接数据库（{str(error).strip().splitlines()[0]}）；请检查数据库是否运行、DATABASE_URL 是否正确。", err=True)
            sys.exit(1)
        raise


def _database_is_away(error: Exception) -> bool:
    """Whether it is a connection that failed."""
    return bool(_kinds(error) & {"django.db.utils.OperationalError", "psycopg.OperationalError"})


def _kinds(error: Exception) -> set[str]:
    """Its classes by name, found without importing what defines them."""
    return {f"{cls.__module__}.{cls.__name__}" for cls in type(error).__mro__}


if __name__ == "__main__":
    main()
