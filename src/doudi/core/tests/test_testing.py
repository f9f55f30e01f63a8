"""The ground that every database test stands on."""

import threading

import pytest
from django.db import connection, connections, transaction

from doudi.core.models import Duty
from doudi.core.tests.officers import officer
from doudi.testing import TestDatabase


@pytest.mark.django_db
def test_tests_run_as_the_application_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select current_user, rolsuper, rolbypassrls from pg_roles where rolname = current_user")
        assert cursor.fetchone() == ("doudi_app", False, False)
        cursor.execute("show search_path")
        assert cursor.fetchone() == ("doudi, public",)


@pytest.mark.django_db
def test_the_application_makes_no_tables() -> None:
    for schema in ("doudi", "public"):
        with pytest.raises(Exception, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"create table {schema}.intruder (id int)")


def _sessions() -> int:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from django_session")
        return cursor.fetchone()[0]


@pytest.mark.parametrize("turn", [1, 2])
def test_committed_work_is_seen_by_other_connections_and_gone_afterwards(committed_db: None, turn: int) -> None:
    assert _sessions() == 0
    with connection.cursor() as cursor:
        cursor.execute("insert into django_session values ('k', 'd', now())")
    seen = []

    def look() -> None:
        seen.append(_sessions())
        connections.close_all()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [1]


BREAKS = (
    "update core_division set initials = 'x' where code = '410102'",
    "delete from core_division where code = '410102001002'",
    "drop policy scope_read on registry_person",
    "alter table registry_person disable trigger death_recorded",
    "create table doudi.left_over (id int)",
    "grant delete on registry_person to doudi_app",
    "create function doudi.left_over() returns int language sql as 'select 1'",
)


def test_a_copy_is_brought_back_whole_or_not_at_all(committed_db: None, test_database: TestDatabase) -> None:
    first = officer(Duty.COUNTY_REVIEWER)
    connections.close_all()
    assert test_database.original is not None
    with test_database.inside() as inside:
        assert inside.execute("select count(*) from core_posting").fetchone() == (1,)
        for broken in BREAKS:
            with inside.transaction(force_rollback=True):
                inside.execute(broken)
                assert not test_database.original.bring_back(inside), broken
        assert test_database.original.bring_back(inside)
        for table in ("core_posting", "core_account", "registry_person"):
            assert inside.execute(f"select count(*) from {table}").fetchone() == (0,), table
    assert officer(Duty.COUNTY_REVIEWER).posting_id == first.posting_id
