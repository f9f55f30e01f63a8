"""Every table about people is protected (architecture, decision 4): found by looking at the catalogue, not from a list of ours."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

# Tables without a place: nothing in them concerns a person in need.
WITHOUT_AREA = {
    "account_emailaddress",
    "account_emailconfirmation",
    "api_apirefusal",
    "assessment_settingssnapshot",
    "auth_group",
    "auth_group_permissions",
    "auth_permission",
    "community_cardcall",
    "core_accessseal",
    "core_account",
    "core_division",
    "core_keystate",
    "core_phonecode",
    "core_publicuse",
    "django_content_type",
    "django_migrations",
    "django_session",
    "django_tasks_database_dbtaskresult",
    "django_tasks_db_dbtaskresult",
    "enrolment_bankrule",
    "institutions_supplyitem",
    "lookup_used",
    "mfa_authenticator",
    "payments_fund",
    "payments_fundpurpose",
    "pghistory_context",
    "registry_moverequest",  # two places, a policy of its own
}

TABLES = """
select c.oid, c.relname, c.relkind::text, c.relrowsecurity, c.relispartition,
       exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'area' and not a.attisdropped) as has_area,
       coalesce('security_invoker=true' = any(c.reloptions), false) as invoker,
       (select count(*) from pg_policy p where p.polrelid = c.oid and p.polcmd in ('r', '*')
          and (select oid from pg_roles where rolname = 'doudi_app') = any(p.polroles)) as read_policies,
       (select count(*) from pg_policy p where p.polrelid = c.oid) as policies,
       has_table_privilege('doudi_app', c.oid, 'select') as may_select,
       has_table_privilege('doudi_app', c.oid, 'insert,update,delete,truncate,references,trigger') as may_write,
       has_table_privilege('doudi_app', c.oid, 'truncate') as may_truncate
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'doudi' and c.relkind in ('r', 'p', 'v', 'm')
"""


@pytest.fixture
def tables(owner_connection: Any) -> list[dict[str, Any]]:
    with owner_connection.cursor() as cursor:
        cursor.execute(TABLES)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_every_table_with_an_area_is_under_row_level_security(tables: list[dict[str, Any]]) -> None:
    about_people = [table for table in tables if table["has_area"]]
    assert len(about_people) > 100  # partitions included: the query really sees them
    bare = [t["relname"] for t in about_people if t["relkind"] in "rp" and not t["relrowsecurity"]]
    bare += [t["relname"] for t in about_people if t["relkind"] == "v" and not t["invoker"]]
    bare += [t["relname"] for t in about_people if t["relkind"] == "m"]
    assert bare == []


def test_every_table_with_an_area_can_be_read_within_the_scope(tables: list[dict[str, Any]]) -> None:
    missing = [t["relname"] for t in tables if t["has_area"] and not t["relispartition"] and not (t["read_policies"] and t["may_select"])]
    assert missing == []


def test_partitions_are_out_of_reach_by_themselves(tables: list[dict[str, Any]]) -> None:
    partitions = [table for table in tables if table["relispartition"]]
    assert partitions
    assert [t["relname"] for t in partitions if t["policies"] or t["may_select"] or t["may_write"]] == []


def test_a_table_without_an_area_is_one_that_we_know(tables: list[dict[str, Any]]) -> None:
    assert {t["relname"] for t in tables if not t["has_area"]} - WITHOUT_AREA == set()


def test_nobody_truncates(tables: list[dict[str, Any]]) -> None:
    assert [t["relname"] for t in tables if t["may_truncate"]] == []


def test_every_function_has_a_fixed_search_path(owner_connection: Any) -> None:
    with owner_connection.cursor() as cursor:
        cursor.execute(
            "select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'doudi'"
            " and not exists (select from unnest(p.proconfig) c where c = 'search_path=doudi, pg_temp')"
        )
        assert cursor.fetchall() == []


@pytest.mark.django_db
def test_with_no_scope_nothing_is_visible(tables: list[dict[str, Any]]) -> None:
    with connection.cursor() as cursor:
        for table in tables:
            if table["has_area"] and not table["relispartition"] and table["relname"] not in ("core_setting",):
                cursor.execute(f"select count(*) from {table['relname']}")
                assert cursor.fetchone() == (0,), table["relname"]


@pytest.mark.django_db
def test_the_application_is_neither_superuser_nor_past_row_level_security() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = current_user")
        assert cursor.fetchone() == (False, False, False)
