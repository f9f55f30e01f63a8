"""Who is posted above a township and goes out to its people all the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import connection

from doudi.core import scope as scopes


@dataclass(frozen=True)
class Posted:
    """A posting that a need can be given to, with the account's name."""

    posting_id: int
    account_id: int
    duty: str
    name: str


def posted_above(area: str, on: date) -> list[Posted]:
    """Who goes out to people with a posting of the county, which a narrower scope does not see as a posting; none for a place outside the reader's county."""
    acting = scopes.current()
    if len(acting.area) < 6 or not area.startswith(acting.area[:6]):
        return []
    with connection.cursor() as cursor:
        cursor.execute("select posting, account, duty, name from doudi.need_posted_above(%s)", [on])
        return [Posted(*row) for row in cursor.fetchall()]
