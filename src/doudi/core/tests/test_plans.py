"""Statements over whole areas are planned at once, and only those."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from doudi.core.plans import at_once

pytestmark = pytest.mark.django_db


def shown() -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute("select current_setting('enable_nestloop'), current_setting('jit'), current_setting('work_mem')")
        return tuple(cursor.fetchone())


def test_settings_stand_within_and_are_what_they_were_afterwards_one_within_another_too() -> None:
    before = shown()
    with connection.cursor() as cursor:
        with at_once(cursor, work_mem="77MB"):
            assert shown() == ("off", "off", "77MB")
            with at_once(cursor):
                assert shown() == ("off", "off", "77MB")
            assert shown() == ("off", "off", "77MB")
        assert shown() == before and before[0] == "on"


@pytest.mark.parametrize("sql", ["select 1 / 0", None])
def test_settings_come_back_after_an_error_of_the_database_or_of_the_caller(sql: str | None) -> None:
    before = shown()
    with pytest.raises((DatabaseError, KeyError)), transaction.atomic(), connection.cursor() as cursor, at_once(cursor):
        if sql:
            cursor.execute(sql)
        raise KeyError
    assert shown() == before
