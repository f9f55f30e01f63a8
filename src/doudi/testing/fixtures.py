"""Fixtures of the database. Registered after pytest-django, whose `django_db_setup` they replace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from doudi.testing import TestDatabase


@pytest.fixture(scope="session")
def test_database(request: pytest.FixtureRequest) -> Iterator[TestDatabase]:
    """The running server and the name of this process's database on it."""
    worker = getattr(request.config, "workerinput", {}).get("workerid", "main")
    database = TestDatabase(worker)
    with database.server.running():
        database.drop_left_over()
        yield database


@pytest.fixture(scope="session")
def django_db_setup(test_database: TestDatabase, django_test_environment: None, django_db_blocker: Any) -> Iterator[None]:
    """In place of pytest-django's: a migrated copy of the template, reached as doudi_app."""
    from django.conf import settings
    from django.test import TransactionTestCase

    settings.STATIC_ROOT.mkdir(exist_ok=True)  # whitenoise warns without it

    def start_over(case: TransactionTestCase) -> None:
        test_database.start_over()

    with django_db_blocker.unblock():
        test_database.make_template()
        test_database.make_copy()
        test_database.point_django_at(test_database.name)
    patch = pytest.MonkeyPatch()
    patch.setattr(TransactionTestCase, "_fixture_teardown", start_over)
    yield
    patch.undo()
    with django_db_blocker.unblock():
        test_database.drop_copy()


@pytest.fixture
def committed_db(transactional_db: None) -> Iterator[None]:
    """The test's work really commits, so that several connections and threads see it; afterwards everything is as before."""
    from doudi.core import audit

    yield
    audit.note_file().unlink(missing_ok=True)


@pytest.fixture
def owner_connection(test_database: TestDatabase, django_db_setup: None) -> Iterator[Any]:
    """A psycopg connection as doudi_owner, which sees past row-level security (not what an open test transaction holds)."""
    import psycopg

    with psycopg.connect(test_database.server.conninfo("owner", test_database.name), autocommit=True) as connection:
        yield connection
