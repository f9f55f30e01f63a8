"""A second connection of the application role, for what must stay when the request's transaction is rolled back.

Records of reveals and look-ups commit here before the answer (integrity.md, "Look-ups and records"); tasks tell here how far they are.
One connection per thread, with the same settings as `default`, closed with Django's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import local
from typing import Any

from django.core.signals import request_finished
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from doudi.core import scope as scopes

_here = local()


def wrapper() -> BaseDatabaseWrapper:
    """This thread's second connection."""
    found: BaseDatabaseWrapper | None = getattr(_here, "wrapper", None)
    settings = connections["default"].settings_dict
    if found is None or found.settings_dict != settings:
        if found is not None:
            found.close()
        found = connections["default"].copy()  # type: ignore[attr-defined]
        _here.wrapper = found
    return found


@contextmanager
def committed(scope: scopes.Scope) -> Iterator[CursorWrapper]:
    """A cursor in a transaction of its own under `scope`; committed when the block ends, whatever the request does later."""
    connection = wrapper()
    if connection.connection is not None and not connection.is_usable():
        connection.close()  # the server was restarted, or this is another test's database
    connection.ensure_connection()
    with connection.connection.transaction(), connection.cursor() as cursor:
        cursor.execute(
            "select set_config('app.lo', %s, true), set_config('app.hi', %s, true), set_config('app.account', %s, true),"
            " set_config('app.posting', %s, true), set_config('app.page', %s, true), set_config('app.duty', %s, true)",
            [scope.low, scope.high if scope.area else "", str(scope.account_id), str(scope.posting_id), scope.page, scope.duty],
        )
        yield cursor


def close(**_kwargs: Any) -> None:
    """Close the connection where its age says so; called at the end of each request."""
    found: BaseDatabaseWrapper | None = getattr(_here, "wrapper", None)
    if found is not None:
        found.close_if_unusable_or_obsolete()


def close_now() -> None:
    """Close at once: at the end of a worker or of a test."""
    found: BaseDatabaseWrapper | None = getattr(_here, "wrapper", None)
    if found is not None:
        found.close()
        _here.wrapper = None


request_finished.connect(close, dispatch_uid="doudi.side")
