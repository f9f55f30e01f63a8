"""Statements over whole areas: under row-level security the planner has few statistics, guesses one row and goes row by row; here it may not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg.pq import TransactionStatus

AT_ONCE = {"enable_nestloop": "off", "jit": "off"}
CHANGE = """
select s.was, set_config(s.name, s.value, true)
from (select name, value, current_setting(name) as was from unnest(%s::text[], %s::text[]) u (name, value) offset 0) s
"""


@contextmanager
def at_once(cursor: Any, **settings: str) -> Iterator[None]:
    """Plan what runs within by whole tables, in the transaction that is open; `settings`: others for the same time, such as `work_mem`.

    Afterwards each is what it was, so that one may stand within another. Where something broke within, the rollback brings them back.
    """
    wanted = {**AT_ONCE, **settings}
    cursor.execute(CHANGE, [list(wanted), list(wanted.values())])
    was = [value for value, _now in cursor.fetchall()]
    try:
        yield
    finally:
        if cursor.connection.info.transaction_status == TransactionStatus.INTRANS and not cursor.db.needs_rollback:
            cursor.execute(CHANGE, [list(wanted), was])
