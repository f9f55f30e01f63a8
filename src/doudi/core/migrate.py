"""Running migrations as doudi_owner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import connections

from doudi.core.home import SetupError


@contextmanager
def as_owner() -> Iterator[None]:
    """Let every alias be doudi_owner inside the block.

    Naming the alias `owner` to `migrate` is not enough: some libraries' data migrations use the default connection, which
    would wait for ever for a table that the owner's own transaction holds locked.
    """
    if "owner" not in connections.settings:
        raise SetupError("缺少属主连接：请设置环境变量 DATABASE_OWNER_URL（角色 doudi_owner）后重试；建库脚本见 doudi init --print-sql。")
    default, owner = connections["default"], connections["owner"]
    before = dict(default.settings_dict)
    default.close()
    default.settings_dict.update({key: owner.settings_dict[key] for key in ("HOST", "PORT", "USER", "PASSWORD", "NAME", "OPTIONS")})
    try:
        yield
    finally:
        default.close()
        default.settings_dict.update(before)


def migrate(*, verbosity: int = 1) -> None:
    """Bring the database to the state of the code."""
    with as_owner():
        call_command("migrate", database="default", verbosity=verbosity, interactive=False)
