"""The one way to the tables about people: a scope (area range, officer, page) set for one transaction.

Row-level security compares each row's `area` with the range set here; with none set, nothing is visible
(architecture, decision 4). The values are set with `set_config(..., true)`: they end with the transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.db import connections, transaction


@dataclass(frozen=True)
class Scope:
    """Who acts, where, as what: `area` is a division code, `duty` a value of `Duty`.

    A machine (`duties.MACHINES`) has no duty's rights: `acts` names what it may do.
    """

    area: str
    account_id: int = 0
    posting_id: int = 0
    duty: str = ""
    page: str = ""
    acts: frozenset[str] = frozenset()

    @property
    def low(self) -> str:
        return self.area

    @property
    def high(self) -> str:
        """First code after the last descendant: ':' follows '9' in collation C."""
        return self.area + ":"

    def covers(self, area: str) -> bool:
        return area.startswith(self.area)


NOTHING = Scope(area="")
_current: ContextVar[Scope | None] = ContextVar("doudi_scope", default=None)


class NoScope(RuntimeError):
    """A service was called outside a scope."""


def current() -> Scope:
    """The acting scope; raises NoScope where none is set."""
    scope = _current.get()
    if scope is None:
        raise NoScope("no scope is set: wrap the call in doudi.core.scope.acting()")
    return scope


def current_or_none() -> Scope | None:
    return _current.get()


@contextmanager
def unread() -> Iterator[None]:
    """While statements are put into words for everybody (`core/prepared.py`): whoever reads the scope is told NoScope."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)


def _set(using: str, scope: Scope | None) -> None:
    low, high = (scope.low, scope.high) if scope and scope.area else ("", "")
    values = (low, high, str(scope.account_id) if scope else "", str(scope.posting_id) if scope else "", scope.page if scope else "", scope.duty if scope else "")
    with connections[using].cursor() as cursor:
        cursor.execute(
            "select set_config('app.lo', %s, true), set_config('app.hi', %s, true), set_config('app.account', %s, true),"
            " set_config('app.posting', %s, true), set_config('app.page', %s, true), set_config('app.duty', %s, true)",
            values,
        )


@contextmanager
def acting(scope: Scope, *, using: str = "default") -> Iterator[Scope]:
    """Open a transaction in which `scope` acts. Nested use narrows or changes the scope and restores it after."""
    before = _current.get()
    token = _current.set(scope)
    try:
        with transaction.atomic(using=using):
            _set(using, scope)
            yield scope
            # On an error the savepoint's rollback restores the values; a released one keeps them, so give the outer scope back.
            if connections[using].needs_rollback:
                pass  # a page of status 500 returns normally; nothing more can be asked of this transaction
            elif before is not None:
                _set(using, before)
            elif connections[using].savepoint_ids:
                _set(using, None)
    finally:
        _current.reset(token)


def change(scope: Scope, *, using: str = "default") -> None:
    """Let another scope act for the rest of the transaction that `acting` has opened: whoever asked is known now."""
    _current.set(scope)
    _set(using, scope)


def check_constraints(using: str = "default") -> None:
    """Raise what deferred constraints hold against the work so far; every service ends with it (integrity.md)."""
    with connections[using].cursor() as cursor:
        cursor.execute("set constraints all immediate")
        cursor.execute("set constraints all deferred")
