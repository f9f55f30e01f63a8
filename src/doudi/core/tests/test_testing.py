"""The ground that every database test stands on."""

import threading

import pytest
from django.db import connection, connections, transaction


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
