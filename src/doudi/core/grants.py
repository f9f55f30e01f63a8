"""Protection of tables: row-level security, policies and grants, as migration operations.

Nothing is granted by default (no default privileges for `doudi_app`): a table without `Protect` or `Open` is
unreachable, and a test lists every table with an `area` column and fails where protection is missing.
"""

from __future__ import annotations

from typing import Any

from django.db import connections, migrations

RANGE = "area >= current_setting('app.lo', true) and area < current_setting('app.hi', true)"

# Tables of libraries that hold nothing about people in need; the application reads and writes them freely.
LIBRARY_TABLES = (
    "django_session",
    "django_content_type",
    "account_emailaddress",
    "account_emailconfirmation",
    "mfa_authenticator",
    "django_tasks_database_dbtaskresult",
    "django_migrations",
)


def protect_sql(
    table: str, *, insert: bool | list[str] = True, update: bool | list[str] = False, delete: bool = False, read: str = RANGE, write: str = RANGE
) -> list[str]:
    """Statements that put one table under row-level security. `insert` and `update` take column lists."""

    def columns(grant: bool | list[str]) -> str:
        return "" if grant is True else "(" + ", ".join(grant) + ")" if grant else ""

    statements = [
        f"alter table {table} enable row level security",
        f"drop policy if exists scope_read on {table}",
        f"create policy scope_read on {table} for select to doudi_app using ({read})",
        f"grant select on {table} to doudi_app",
    ]
    if insert:
        statements += [
            f"drop policy if exists scope_insert on {table}",
            f"create policy scope_insert on {table} for insert to doudi_app with check ({write})",
            f"grant insert {columns(insert)} on {table} to doudi_app",
        ]
    if update:
        statements += [
            f"drop policy if exists scope_update on {table}",
            f"create policy scope_update on {table} for update to doudi_app using ({write}) with check ({write})",
            f"grant update {columns(update)} on {table} to doudi_app",
        ]
    if delete:
        statements += [
            f"drop policy if exists scope_delete on {table}",
            f"create policy scope_delete on {table} for delete to doudi_app using ({write})",
            f"grant delete on {table} to doudi_app",
        ]
    return statements


class Protect(migrations.RunSQL):
    """Migration operation: `Protect("registry_person", update=["name"])`."""

    def __init__(self, table: str, **options: Any) -> None:
        self.table, self.options = table, options
        super().__init__("; ".join(protect_sql(table, **options)), migrations.RunSQL.noop)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__qualname__, [self.table], self.options

    def describe(self) -> str:
        return f"Row-level security and grants on {self.table}"


class Open(migrations.RunSQL):
    """Migration operation: plain grants on a table that concerns no person in need."""

    def __init__(self, table: str, rights: str = "select") -> None:
        self.table, self.rights = table, rights
        super().__init__(f"grant {rights} on {table} to doudi_app", migrations.RunSQL.noop)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__qualname__, [self.table, self.rights], {}

    def describe(self) -> str:
        return f"Grant {self.rights} on {self.table}"


def after_migrate(using: str, **_kwargs: Any) -> None:
    """Grants on library tables, and a fixed search path on every function (integrity.md); safe to run again."""
    connection = connections[using]
    if connection.settings_dict.get("USER") != "doudi_owner" and using != "owner":
        return
    with connection.cursor() as cursor:
        for table in LIBRARY_TABLES:
            cursor.execute("select to_regclass(%s)", [table])
            if cursor.fetchone()[0]:
                rights = "select" if table == "django_migrations" else "select, insert, update, delete"
                cursor.execute(f"grant {rights} on {table} to doudi_app")
        cursor.execute(
            "select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
            " where n.nspname in ('doudi', 'public') and pg_get_userbyid(p.proowner) = current_user"
            " and not exists (select from unnest(p.proconfig) c where c like 'search_path=%%')"
        )
        for (function,) in cursor.fetchall():
            cursor.execute(f"alter function {function} set search_path = doudi, pg_temp")
            cursor.execute(f"grant execute on function {function} to doudi_app, doudi_move")
        cursor.execute("select p.oid::regprocedure::text from pg_proc p where p.proname = '_pgtrigger_should_ignore' and pg_get_userbyid(p.proowner) = current_user")
        for (function,) in cursor.fetchall():
            # The library lets a session switch its triggers off by a setting: row history is not the application's to switch off.
            cursor.execute(
                f"create or replace function {function.replace('(name)', '(trigger_name name)')} returns boolean language sql immutable"
                " set search_path = doudi, pg_temp as $$ select false $$"
            )
