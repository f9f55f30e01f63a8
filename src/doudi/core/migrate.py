"""Running migrations as doudi_owner."""

from __future__ import annotations

from django.core.management import call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from doudi.core import keystate
from doudi.core.home import SetupError


def migrate(*, verbosity: int = 1) -> None:
    """Bring the database to the state of the code. Raises SetupError without a connection as owner."""
    if "owner" not in connections.settings:
        raise SetupError("缺少属主连接：请设置环境变量 DATABASE_OWNER_URL（角色 doudi_owner）后重试；建库脚本见 doudi init --print-sql。")
    call_command("migrate", database="owner", verbosity=verbosity, interactive=False)
    with connections["owner"].cursor() as cursor:
        keystate.record(cursor)
    connections["owner"].close()


def pending() -> list[str]:
    """Migrations of the code that the database does not have yet."""
    executor = MigrationExecutor(connections["default"])
    return [f"{migration.app_label}.{migration.name}" for migration, _back in executor.migration_plan(executor.loader.graph.leaf_nodes())]
