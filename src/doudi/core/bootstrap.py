"""Roles, database and schema, made once by a superuser (architecture, decision 4); safe to run again.

The embedded server runs it in `doudi init`; for an external server `doudi init --print-sql` prints the same
statements for its administrator.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

OWNER, APP, LOOKUP, MOVE = "doudi_owner", "doudi_app", "doudi_lookup", "doudi_move"
OLDEST_SERVER = 170000  # builtin collation provider; WITH INHERIT FALSE came with 16

# doudi_owner migrates; doudi_app is everybody else and under row-level security; the last two own the few functions
# that cross areas: the owner may hand functions to them (SET) but does not act with their rights (INHERIT).
ROLES = f"""
do $$ begin
  if not exists (select from pg_roles where rolname = '{OWNER}') then create role {OWNER}; end if;
  if not exists (select from pg_roles where rolname = '{APP}') then create role {APP}; end if;
  if not exists (select from pg_roles where rolname = '{LOOKUP}') then create role {LOOKUP}; end if;
  if not exists (select from pg_roles where rolname = '{MOVE}') then create role {MOVE}; end if;
end $$;
alter role {OWNER} with login nosuperuser nocreatedb nocreaterole noreplication nobypassrls;
alter role {APP} with login nosuperuser nocreatedb nocreaterole noreplication nobypassrls;
alter role {LOOKUP} with nologin nosuperuser nocreatedb nocreaterole noreplication nobypassrls;
alter role {MOVE} with nologin nosuperuser nocreatedb nocreaterole noreplication nobypassrls;
grant {LOOKUP}, {MOVE} to {OWNER} with inherit false, set true;
"""

# Run inside the database. Default privileges and the search path belong to the database, so a copy needs them again.
INSIDE = f"""
create extension if not exists btree_gist with schema public;
create schema if not exists doudi authorization {OWNER};
revoke all on schema public from public;
revoke all on schema doudi from public;
grant usage on schema public to {OWNER};
grant usage on schema public, doudi to {APP}, {LOOKUP}, {MOVE};
alter default privileges for role {OWNER} revoke execute on functions from public;
"""


def _around(database: str) -> list[sql.Composed]:
    """Rights and search path of the database as a whole."""
    name = sql.Identifier(database)
    return [
        sql.SQL("alter database {} owner to {}").format(name, sql.Identifier(OWNER)),
        sql.SQL("alter database {} set search_path = doudi, public").format(name),
        sql.SQL("alter database {} set timezone = 'Asia/Shanghai'").format(name),
        sql.SQL("revoke all on database {} from public").format(name),
        sql.SQL("grant connect, temporary on database {} to {}").format(name, sql.Identifier(APP)),
    ]


def _create(database: str, template: str) -> sql.Composed:
    fresh = sql.SQL("template template0 encoding 'UTF8' locale_provider builtin builtin_locale 'C.UTF-8' locale 'C'")
    how = fresh if template == "template0" else sql.SQL("template {}").format(sql.Identifier(template))
    return sql.Composed([sql.SQL("create database {} owner {} ").format(sql.Identifier(database), sql.Identifier(OWNER)), how])


def bootstrap(superuser: str, database: str, *, owner_password: str, app_password: str, template: str = "template0") -> None:
    """Make roles, database and schema. `superuser` is a conninfo of a superuser; its `dbname` is where to connect first.

    Raises psycopg.Error when the server refuses, RuntimeError when it is too old.
    """
    with psycopg.connect(superuser, autocommit=True) as connection:
        if connection.info.server_version < OLDEST_SERVER:
            raise RuntimeError(f"PostgreSQL 17 or newer is needed, this server is {connection.info.server_version // 10000}")
        # Roles belong to the whole server: two bootstraps at once would update the same rows of pg_authid.
        connection.execute("select pg_advisory_lock(hashtext('doudi bootstrap'))")
        connection.execute(ROLES)
        for role, password in ((OWNER, owner_password), (APP, app_password)):
            hashed = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
            connection.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(role), hashed))
        if not connection.execute("select 1 from pg_database where datname = %s", [database]).fetchone():
            connection.execute(_create(database, template))
        for statement in _around(database):
            connection.execute(statement)
    with psycopg.connect(superuser, dbname=database, autocommit=True) as connection:
        connection.execute(INSIDE)


def as_script(database: str = "doudi") -> str:
    """The same as SQL for psql, for the administrator of an external server."""
    create = _create(database, "template0").as_string()
    around = ";\n".join(statement.as_string() for statement in _around(database))
    return f"""-- Doudi: roles, database and schema. Run once as superuser (PostgreSQL 17 or newer):
--   psql -d postgres -f doudi.sql
-- Then set the two passwords with \\password {OWNER} and \\password {APP}, and tell Doudi:
--   DATABASE_URL=postgresql://{APP}:...@host:5432/{database}
--   DATABASE_OWNER_URL=postgresql://{OWNER}:...@host:5432/{database}   (for `doudi init` and `doudi migrate` only)
-- The server's log must not hold personal data: set log_min_error_statement = panic and log_parameter_max_length = 0.
\\set ON_ERROR_STOP on
{ROLES}
select {sql.Literal(create).as_string()} where not exists (select from pg_database where datname = {sql.Literal(database).as_string()})
\\gexec
{around};
\\connect {sql.Identifier(database).as_string()}
{INSIDE}"""
