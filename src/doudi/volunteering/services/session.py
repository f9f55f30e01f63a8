"""The scopes of the public pages: volunteers and organisations' contacts are no staff and have no account.

`acting(who)` sets the duty of one volunteer or one organisation for one transaction; under it the database shows their own rows alone
(`0002_guards`), whatever a page asks for. `joining` takes registrations, `looking` shows activities; neither sees any volunteer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from doudi.core import duties
from doudi.core import scope as scopes

PAGE = "volunteer page"


@dataclass(frozen=True)
class Who:
    """A volunteer or an organisation behind a phone: `kind` is `volunteer` or `organisation`."""

    kind: str
    pk: int
    area: str
    name: str


def behind(phone: UUID) -> list[Who]:
    """Who has a phone, in the whole province; only for somebody who has just proved by a one-time code that it is theirs."""
    with connection.cursor() as cursor:
        cursor.execute("select kind, id, area, name from doudi.volunteering_by_phone(%s)", [phone])
        return [Who(*row) for row in cursor.fetchall()]


def _subjects(volunteer: int | None, organisation: int | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select set_config('app.volunteer', %s, true), set_config('app.organisation', %s, true)", [str(volunteer or ""), str(organisation or "")]
        )


@contextmanager
def acting(who: Who, *acts: str) -> Iterator[scopes.Scope]:
    """The volunteer's or organisation's own scope: the county, and of it the own rows. `acts`: what a page lets them do beside hours and activities."""
    volunteer = who.kind == "volunteer"
    scope = scopes.Scope(
        area=who.area[:6], duty=duties.VOLUNTEER if volunteer else duties.ORGANISATION, page=PAGE,
        acts=frozenset({"volunteering.self" if volunteer else "volunteering.host", "volunteering.look", *acts}),
    )  # fmt: skip
    with scopes.acting(scope):
        _subjects(who.pk if volunteer else None, None if volunteer else who.pk)
        yield scope
        if not connection.needs_rollback:
            _subjects(None, None)


@contextmanager
def looking(area: str) -> Iterator[scopes.Scope]:
    """Anybody, at a county's activities."""
    with scopes.acting(scopes.Scope(area=area[:6], duty=duties.VOLUNTEER, page=PAGE, acts=frozenset({"volunteering.look"}))) as scope:
        _subjects(None, None)
        yield scope


@contextmanager
def joining(area: str) -> Iterator[scopes.Scope]:
    """A registration at a county, by the machine that takes them and does nothing else."""
    with scopes.acting(scopes.Scope(area=area[:6], duty=duties.WORKER, page=PAGE, acts=frozenset({"volunteering.join"}))) as scope:
        yield scope


@contextmanager
def machine(area: str) -> Iterator[scopes.Scope]:
    """What follows of somebody's act for others (the next in the queue gets the place), which that somebody may not see."""
    with scopes.acting(scopes.Scope(area=area, duty=duties.WORKER, page=PAGE, acts=frozenset({"volunteering.clocks"}))) as scope:
        yield scope
