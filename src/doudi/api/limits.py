"""How long a call may keep the database busy (接口时限): each statement is cancelled after the limit, and none begins when it has passed.

A call that takes longer is answered 503 `too_slow` and its transaction rolled back: nothing of it stands but access records, which never take back
that somebody was asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection
from django.utils.translation import gettext_lazy as _
from psycopg.errors import QueryCanceled

from doudi.api.errors import ApiError

LONGER = 10
"""A delivered file may take so many times as long."""
ENDS = ("ROLLBACK", "RELEASE")


def too_slow() -> ApiError:
    return ApiError(503, "too_slow", _("查询用时过长，已停止，本次请求没有生效；请缩小查询范围（加条件、减少每批条数）后重试。"), retry_after=30)


def cancelled(error: OperationalError) -> bool:
    return isinstance(error.__cause__, QueryCanceled)


@contextmanager
def within(*, file: bool = False) -> Iterator[None]:
    """Hold the transaction's statements to the limit; inside an open transaction. ApiError where it has passed before a statement begins."""
    seconds = settings.API_SECONDS * (LONGER if file else 1)
    if not seconds:
        yield
        return
    over = time.monotonic() + seconds
    with connection.cursor() as cursor:
        cursor.execute("select set_config('statement_timeout', %s, true)", [str(max(1, int(seconds * 1000)))])

    def asked(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        if time.monotonic() > over and not str(sql).startswith(ENDS):
            raise too_slow()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(asked):
        yield
